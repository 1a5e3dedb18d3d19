"""Ways to sign in: how a request comes to be a person's."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from workbench.casework.record.identity import account_of_process, normal_name
from workbench.errors import SettingsError
from workbench.server.address import Address
from workbench.server.peers import account_at
from workbench.server.sessions import Session, Sessions

SHORTEST_TOKEN = 16
"""Characters: 16 of the URL-safe alphabet are 96 bits, beyond guessing."""

_AUTHORIZATION = re.compile(r"(?:token|bearer) +(\S+) *", re.IGNORECASE)

Handler: TypeAlias = tuple[type[RequestHandler], dict[str, Any]]
"""A request handler, and what its ``initialize`` is given."""


class Refused(Exception):
    """A request without a session: the status of the answer, and the reason that its page gives.

    With *forget*, the browser forgets the cookie it has sent.
    """

    def __init__(self, status: int, reason: str, *, forget: bool = False) -> None:
        super().__init__(reason)
        self.status, self.reason, self.forget = status, reason, forget


class Way(Protocol):
    """A way to sign in."""

    name: str
    cookie: Cookie

    async def enter(self, request: HTTPServerRequest) -> Session | Handler:
        """Find the session of a request, or the handler that signs its person in.

        Raises Refused for a request that has neither.
        """

    def routes(self) -> list[tuple[Any, ...]]:
        """List the routes of the way's own, with their whole paths, open to everybody."""

    def signed_out(self) -> str:
        """Address that a browser goes to after signing out."""

    def again(self) -> str:
        """Address that signs in again."""

    async def watch(self) -> None:
        """End the sessions of people who are not signed in any more."""

    def problems(self) -> list[str]:
        """Sentences that say why nobody signs in; they name no person."""


class SignIn(Protocol):
    """Choice of the way in which people sign in, as the administrator has made it."""

    is_for_team: bool
    """True if people are told apart, False if everybody is the account that runs the server."""

    def check(self, address: Address, *, host: str) -> None:
        """Check that the way fits the *address* and the *host* the server listens at.

        Raises SettingsError if people would not be safe.
        """

    def way(self, sessions: Sessions, address: Address) -> Way:
        """Make the way in."""

    def opens(self, address: Address) -> str:
        """Address to open, with all that it takes."""

    def headers(self) -> dict[str, str]:
        """Headers with which the server asks itself for the front page."""


class Cookie:
    """The cookie that holds the secret of a session.

    A browser sends it to every port of the host, which cookies do not know, but only below the
    path of the pages, over TLS where they have it, and never along with a page of another site. It
    opens nothing but a session in the memory of this server.
    """

    def __init__(self, address: Address) -> None:
        self._path, self._secure = address.base, address.is_secure
        prefix = ("__Host-" if address.base == "/" else "__Secure-") if self._secure else ""
        # Of two servers of one host, neither signs the other's people out.
        port = "" if address.netloc == address.host else f"-{address.port}"
        self.name = f"{prefix}sightline{port}"

    def read(self, request: HTTPServerRequest) -> str:
        """Return the secret that a request carries; empty if none."""
        try:
            cookie = SimpleCookie(request.headers.get("Cookie", "")).get(self.name)
        except CookieError:
            return ""
        return cookie.value if cookie is not None else ""

    def write(self, handler: RequestHandler, secret: str) -> None:
        """Give the secret to the browser."""
        handler.set_cookie(
            self.name, secret, httponly=True, samesite="Lax", path=self._path, secure=self._secure
        )

    def remove(self, handler: RequestHandler) -> None:
        """Have the browser forget the secret."""
        handler.clear_cookie(self.name, path=self._path, secure=self._secure)


def token_in(request: HTTPServerRequest) -> str:
    """Return the token that a script sends as ``Authorization: token …``; empty if none."""
    given = request.headers.get_list("Authorization")
    found = _AUTHORIZATION.fullmatch(given[0]) if len(given) == 1 else None
    return found[1] if found else ""


def navigates(request: HTTPServerRequest) -> bool:
    """Check that a person opens a page, rather than a page fetching something."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"


def is_use(request: HTTPServerRequest) -> bool:
    """Check that a request is a person's or a script's, not an open page asking for its kernel."""
    return "/api/kernels/" not in request.path


def same_place(request: HTTPServerRequest, *, without: str = "") -> str:
    """Return path and query of a request, without one argument, to be sent there again."""
    query = urlencode([item for item in parse_qsl(request.query) if item[0] != without])
    # Two leading slashes, or a backslash, would name another host.
    path = "/" + request.path.lstrip("/\\")
    return f"{path}?{query}" if query else path


def checked_token(token: str | None) -> str:
    """Return ``token``, or a random one for None; raise SettingsError if it is too short."""
    if token is None:
        return secrets.token_urlsafe(32)
    if len(token) < SHORTEST_TOKEN:
        raise SettingsError(
            f"has only {len(token)} characters and can be guessed",
            where="token",
            fix=f"Use at least {SHORTEST_TOKEN} characters, or leave it out to have one made",
        )
    return token


@dataclass(frozen=True)
class TokenSignIn:
    """One person at a desk, who has the *token*."""

    token: str = field(repr=False)
    is_for_team = False

    @classmethod
    def checked(cls, token: str | None) -> TokenSignIn:
        """Take a token, or make one; raise SettingsError if it is too short."""
        return cls(checked_token(token))

    def check(self, address: Address, *, host: str) -> None:
        """Check nothing: the token fits everywhere."""

    def way(self, sessions: Sessions, address: Address) -> ByToken:
        """Make the way in."""
        return ByToken(self.token, sessions=sessions, address=address)

    def opens(self, address: Address) -> str:
        """Address to open, with the token."""
        return f"{address}?token={self.token}"

    def headers(self) -> dict[str, str]:
        """Header with the token."""
        return {"Authorization": f"token {self.token}"}


class Begin(RequestHandler):
    """Give the browser a session, and send it to where it wanted to go."""

    def initialize(self, place: str, cookie: Cookie, secret: str | None) -> None:
        """Keep the place, and the secret of the session, if it is new."""
        self._place, self._cookie, self._secret = place, cookie, secret

    def get(self) -> None:
        """Set the cookie and redirect."""
        if self._secret is not None:
            self._cookie.write(self, self._secret)
        self.set_header("Cache-Control", "no-store")
        self.redirect(self._place)


@dataclass(eq=False)
class DeskSession(Session):
    """A session that the token has opened in a browser."""

    peer: int | None = None  # account (uid) of the browser, if it is of this machine


class ByToken:
    """One person at a desk, who is the account that runs the server and has its *token*.

    A browser sends the token once, as ``?token=…``. It is given a cookie and redirected to the same
    address without the token, which therefore stays out of the history, the pages' addresses and
    the kernels. Scripts send ``Authorization: token …`` with each request.
    """

    name = "token"

    def __init__(self, token: str, *, sessions: Sessions, address: Address) -> None:
        self._token, self._sessions, self._base = token, sessions, address.base
        self._account = normal_name(account_of_process())
        self.cookie = Cookie(address)

    async def enter(self, request: HTTPServerRequest) -> Session | Handler:
        """Find the session that the cookie or the token in the header opens, or begin one."""
        secret, use = self.cookie.read(request), is_use(request)
        session = await self._sessions.find(secret, use=use)
        # A browser shows the cookie to other programs of this machine, at other ports: it is of use
        # to the account alone that has signed in.
        if isinstance(session, DeskSession) and session.peer != account_at(request):
            session = None
        if session is None and self._is_token(token_in(request)):
            session = await self._sessions.find(self._token, use=use)
            if session is None:
                session = Session(self._account, "token")
                self._sessions.begin(session, secret=self._token)
                await self._sessions.make_room(self._account)
        asked = dict(parse_qsl(request.query)).get("token")
        right = asked is not None and self._is_token(asked)
        if asked is not None and (session is not None or right) and request.method == "GET":
            begun = None
            if session is None:
                desk = DeskSession(self._account, "token", peer=account_at(request))
                begun = self._sessions.begin(desk)
                await self._sessions.make_room(self._account)
            return Begin, {
                "place": same_place(request, without="token"),
                "cookie": self.cookie,
                "secret": begun,
            }
        if session is not None:
            return session
        if asked is not None:
            raise Refused(403, "wrong")
        raise Refused(401, self._sessions.why_ended(secret) or "missing", forget=bool(secret))

    def routes(self) -> list[tuple[Any, ...]]:
        """List no routes: any address may carry the token."""
        return []

    def signed_out(self) -> str:
        """Address of the front page, which asks for the token."""
        return self._base

    def again(self) -> str:
        """Address of the front page."""
        return self._base

    async def watch(self) -> None:
        """End nothing: a token is valid as long as the server runs."""

    def problems(self) -> list[str]:
        """No problems: nothing but the token is needed."""
        return []

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())
