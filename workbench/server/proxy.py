"""Sign-in by a reverse proxy, which names the person in a header."""

from __future__ import annotations

import hmac
import pwd
import re
import socket
from dataclasses import dataclass, field
from typing import Any

from tornado.httputil import HTTPServerRequest

from workbench.casework.record.identity import normal_name, peer_of
from workbench.errors import NotPermitted, SettingsError
from workbench.server.address import Address, is_loopback
from workbench.server.sessions import Session, Sessions
from workbench.server.ways import (
    Begin,
    Cookie,
    Handler,
    Refused,
    is_use,
    navigates,
    same_place,
)

SECRET_HEADER = "X-Sightline-Proxy"  # noqa: S105 - a name, no secret
"""Header in which a proxy on the same machine shows the secret it shares with the server."""

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True)
class ProxySignIn:
    """Description of the proxy by the administrator: one of *account* and *secret* is set.

    The *header* names the person. It is believed from a Unix socket whose other end belongs to the
    proxy's *account*, or from loopback together with the *secret*.
    """

    header: str = "X-Remote-User"
    account: str = ""
    secret: str = field(default="", repr=False)
    signed_out: str = ""  # address of the proxy's own sign-out, if it has one
    is_for_team = True

    def __post_init__(self) -> None:
        if not _HEADER_NAME.fullmatch(self.header):
            raise SettingsError(
                f"{self.header!r} is not the name of a header",
                where="--proxy-header",
                fix="Use letters, digits and hyphens, as in X-Remote-User",
            )
        if bool(self.account) == bool(self.secret):
            raise SettingsError(
                "how the proxy is known must be said in one way",
                where="--sign-in proxy",
                fix="Listen on a Unix socket (--socket) and name the account of the proxy "
                "(--proxy-account), or on loopback with a shared secret (--proxy-secret)",
            )
        self.uid()

    def uid(self) -> int | None:
        """Return the number of the proxy's account; None if it is known by the secret.

        Raises
        ------
        SettingsError
            If there is no such account.
        """
        if not self.account:
            return None
        try:
            return (
                int(self.account) if self.account.isdigit() else pwd.getpwnam(self.account).pw_uid
            )
        except KeyError:
            raise SettingsError(
                "there is no such account on this machine",
                where=f"--proxy-account {self.account}",
                fix="Name the account that the proxy runs as, www-data for instance",
            ) from None

    def check(self, address: Address, *, host: str) -> None:  # noqa: ARG002 - any address
        """Check that the proxy is known where the server listens.

        Raises
        ------
        SettingsError
            If an account is to be known by anything but a Unix socket, or a secret beyond loopback.
        """
        if bool(host) == bool(self.account):
            raise SettingsError(
                "an account is known on a Unix socket alone, and a secret is for loopback",
                where="--sign-in proxy",
                fix="Use --socket with --proxy-account, or --host 127.0.0.1 with --proxy-secret",
            )
        if host and not is_loopback(host):
            raise SettingsError(
                "others than the proxy could send the name of a person there",
                where=f"--host {host}",
                fix="Let the proxy stand on this machine, and listen at 127.0.0.1 or on a socket",
            )

    def way(self, sessions: Sessions, address: Address) -> ByProxy:
        """Make the way in."""
        return ByProxy(self, sessions=sessions, address=address)

    def opens(self, address: Address) -> str:
        """Address to open."""
        return str(address)

    def headers(self) -> dict[str, str]:
        """No headers: the server answers itself that it is not the proxy."""
        return {}


class ByProxy:
    """A name in a header, believed from the proxy alone."""

    name = "proxy"

    def __init__(self, settings: ProxySignIn, *, sessions: Sessions, address: Address) -> None:
        self._settings, self._sessions, self._base = settings, sessions, address.base
        self._uid, self._secret = settings.uid(), settings.secret.encode()
        self._header = settings.header.lower()
        self.cookie = Cookie(address)

    async def enter(self, request: HTTPServerRequest) -> Session | Handler:
        """Find the session of the person that the proxy names, or begin one."""
        if not self._is_proxy(request):
            raise Refused(403, "proxy")
        account, use = self._account(request), is_use(request)
        secret = self.cookie.read(request)
        session = await self._sessions.find(secret, use=use)
        if session is not None and session.account == account:
            return session
        if session is not None:
            await self._sessions.end(session, "another")
        elif why := self._sessions.why_ended(secret):
            raise Refused(401, why, forget=True)
        if navigates(request):
            begun = self._sessions.begin(Session(account, "proxy"))
            await self._sessions.make_room(account)
            return Begin, {"place": same_place(request), "cookie": self.cookie, "secret": begun}
        return await self._of_script(account, use=use)

    def routes(self) -> list[tuple[Any, ...]]:
        """List no routes: the proxy has them."""
        return []

    def signed_out(self) -> str:
        """Address of the proxy's own sign-out, or of the front page."""
        return self._settings.signed_out or self._base

    def again(self) -> str:
        """Address that signs in again: the proxy's own sign-out, so that it asks who it is."""
        return self.signed_out()

    async def watch(self) -> None:
        """End nothing: no proxy tells when somebody signs out."""

    def problems(self) -> list[str]:
        """No problems: the proxy tells its own."""
        return []

    async def _of_script(self, account: str, *, use: bool) -> Session:
        """One session for all requests of a person that carry no cookie."""
        secret = f"script\0{account}"  # no cookie can hold it
        session = await self._sessions.find(secret, use=use)
        if session is None:
            session = Session(account, "proxy")
            self._sessions.begin(session, secret=secret)
            await self._sessions.make_room(account)
        return session

    def _is_proxy(self, request: HTTPServerRequest) -> bool:
        connection: Any = request.connection
        stream = connection.stream
        line = stream.socket if stream is not None else None
        if line is None:
            return False
        if self._uid is not None:
            return line.family == socket.AF_UNIX and peer_of(line)[1] == self._uid
        given = request.headers.get_list(SECRET_HEADER)
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self._secret)

    def _account(self, request: HTTPServerRequest) -> str:
        # A proxy takes out its own header, not one that another program would take for it.
        alike = [
            name
            for name, _ in request.headers.get_all()
            if name.lower().replace("_", "-") == self._header
        ]
        names = request.headers.get_list(self._header)
        if not names and not alike:
            raise Refused(401, "unnamed")
        if len(alike) != 1 or len(names) != 1:
            raise Refused(403, "name")
        try:
            # Tornado reads headers as Latin-1; proxies send names as UTF-8.
            account = normal_name(names[0].encode("latin-1").decode("utf-8"))
        except (UnicodeError, NotPermitted):
            raise Refused(403, "name") from None
        if "," in account:  # two names that something on the way has made one
            raise Refused(403, "name")
        return account
