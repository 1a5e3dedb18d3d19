"""Sign-in by JupyterHub: the server is one of its services, and people sign in at the hub.

The protocol is that of the hub's own library, which is an optional part of an installation: only
``--sign-in hub`` imports this module. The hub's token of a person stays in the memory of this
server; the browser holds a random key. The hub is asked again, once in a while, whether the token
still opens this service.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httputil import HTTPServerRequest
from tornado.log import app_log
from tornado.web import HTTPError, RequestHandler

from workbench.casework.record.identity import normal_name
from workbench.errors import NotPermitted, ServerError, SettingsError
from workbench.server.address import Address
from workbench.server.hubapi import people_with_servers
from workbench.server.refusals import refusal_page
from workbench.server.sessions import Session, Sessions
from workbench.server.ways import Cookie, Handler, Refused, is_use, navigates, token_in

ASKED_SECONDS = 60.0
"""Time for which an answer of the hub counts, by default."""
LONGEST_RETURN = 2048
"""Characters of the longest address to which people are sent back after signing in."""
MOST_PENDING = 5000
"""People sent to the hub who may come back, each within ten minutes; more are not remembered, as
anyone may have themselves sent there, as often as they like."""

_NEEDED = {
    "api": ("--hub-api", "JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api"),
    "token": ("--hub-token", "JUPYTERHUB_API_TOKEN", "/etc/sightline/hub-token"),
    "service": ("--hub-service", "JUPYTERHUB_SERVICE_NAME", "sightline"),
}


@dataclass(frozen=True)
class HubSignIn:
    """The hub, and this server as one of its services."""

    api: str
    """Address of the hub's API, as this machine reaches it."""
    token: str = field(repr=False)
    """Token of the service, known to the hub and this server alone."""
    service: str
    """Name of the service at the hub."""
    client: str = ""
    """The service's name for OAuth; by default as the hub makes it."""
    callback: str = ""
    """Address that the hub sends people back to, as it knows it; by default below ours."""
    public: str = ""
    """Address of the hub as a browser opens it; empty if it is that of this server."""
    without_servers: bool = False
    """True if nobody has a server of their own at the hub, says the administrator."""
    asked_seconds: float = ASKED_SECONDS
    """Time for which an answer of the hub counts."""
    is_for_team = True

    @classmethod
    def read(
        cls, environment: MutableMapping[str, str], *, given: Mapping[str, str], **others: Any
    ) -> HubSignIn:
        """Read what is *given* and, for the rest, what the hub tells a service that it starts.

        The token is taken out of the *environment*: no process that this one starts inherits it.

        Raises
        ------
        SettingsError
            If something is missing.
        """
        found = {
            name: given.get(name) or environment.get(variable, "")
            for name, (_, variable, _) in _NEEDED.items()
        }
        environment.pop("JUPYTERHUB_API_TOKEN", None)
        for name, (option, variable, example) in _NEEDED.items():
            if not found[name]:
                raise SettingsError(
                    f"is missing, and {variable} is not set",
                    where=option,
                    fix=f"Let the hub start the server as its service, or use {option} {example}",
                )
        prefix = environment.get("JUPYTERHUB_BASE_URL", "/")
        host = environment.get("JUPYTERHUB_HOST", "")
        public = given.get("public") or environment.get("JUPYTERHUB_PUBLIC_HUB_URL", "")
        client = environment.get("JUPYTERHUB_CLIENT_ID", "") or f"service-{found['service']}"
        return cls(
            api=found["api"], token=found["token"], service=found["service"], client=client,
            callback=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL", ""),
            public=public or f"{host}{prefix}hub/", **others,
        )  # fmt: skip

    def check(self, address: Address, *, host: str = "") -> None:  # noqa: ARG002 - any host
        """Check that no page of a person's own server at the hub can act as another person.

        What such a server sends to a browser runs in the hub's origin; and a cookie goes to all
        ports of a host. So the pages need a host name of their own, or the hub has no such servers.

        Raises
        ------
        SettingsError
            If the pages share the host name of a hub whose people may have servers.
        """
        if not self.is_at_the_hub(address):
            return
        if self.without_servers:
            self._check_without_servers()
            return
        raise SettingsError(
            "is also the host name of the hub: a page of a person's own server there could open "
            "these pages as the person who looks at it",
            where=f"--address {address}",
            fix="Give the pages a host name of their own (or the hub its subdomain_host), or say "
            "with --hub-without-servers that no one has a server of their own at this hub",
        )

    def is_at_the_hub(self, address: Address) -> bool:
        """Check whether the pages have the host name of the hub."""
        return (urlsplit(self.public).hostname or "") in {"", address.host.strip("[]")}

    def _check_without_servers(self) -> None:
        """Ask the hub whether what the administrator says of it is so now."""
        try:
            people = people_with_servers(self.api, self.token)
        except ServerError as error:
            app_log.warning("--hub-without-servers is believed and was not checked: %s", error)
            return
        if people:
            raise SettingsError(
                f"is not so: {_have_servers(people)}",
                where="--hub-without-servers",
                fix="Give the pages a host name of their own, or let no one have servers there",
            )

    def way(self, sessions: Sessions, address: Address) -> ByHub:
        """Make the way in."""
        return ByHub(self, sessions=sessions, address=address)

    def opens(self, address: Address) -> str:
        """Address to open."""
        return str(address)

    def headers(self) -> dict[str, str]:
        """No headers: the server tells itself to sign in."""
        return {}


@dataclass(eq=False)
class HubSession(Session):
    """A session whose person the hub knows by a token."""

    token: str = field(default="", repr=False)
    hub_session: str = field(default="", repr=False)  # the hub's own, which signing out there ends
    checked: float = 0.0  # when the hub knew it last, by the monotonic clock
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class ByHub:
    """OAuth at the hub for browsers, the hub's tokens for scripts."""

    name = "hub"

    def __init__(self, settings: HubSignIn, *, sessions: Sessions, address: Address) -> None:
        self._sessions, self._address = sessions, address
        self._settings, self._asked_seconds = settings, settings.asked_seconds
        # Who was found to have a server at the hub, where nobody should; last asked at the start.
        self._servers: list[str] = []
        self._servers_asked = time.monotonic()
        self.cookie = Cookie(address)
        hub = urlsplit(settings.public)
        origin = f"{hub.scheme}://{hub.netloc}" if hub.netloc else ""
        self._hub = _Hub(
            self,
            api_url=settings.api,
            api_token=settings.token,
            oauth_client_id=settings.client,
            oauth_redirect_uri=settings.callback or f"{address}oauth_callback",
            base_url=address.base,
            hub_host=origin,
            hub_prefix=hub.path,
            access_scopes={f"access:services!service={settings.service}"},
            cookie_options={"secure": address.is_secure, "samesite": "Lax"},
        )

    async def enter(self, request: HTTPServerRequest) -> Session | Handler:
        """Find the session of a request, or send a person to the hub to sign in."""
        token = token_in(request)
        if token:
            return await self._of_script(token)
        secret = self.cookie.read(request)
        session = await self._sessions.find(secret, use=is_use(request))
        if isinstance(session, HubSession) and await self._is_known(session):
            return session
        why = self._sessions.why_ended(secret)
        if why in {"idle", "old", "administrator"}:  # not to be begun again without a word
            raise Refused(401, why, forget=True)
        if navigates(request):
            # The hub's library keeps the address until the person has signed in, or ten minutes.
            if len(request.uri or "") > LONGEST_RETURN:
                raise Refused(400, "path")
            return _SignIn, {"hub_auth": self._hub}
        raise Refused(401, why or "missing")

    def begin(self, handler: RequestHandler, token: str, hub_session: str) -> None:
        """Begin a session of somebody who comes back from the hub with a *token*."""
        session = HubSession("", "hub", token=token, hub_session=hub_session)
        self.cookie.write(handler, self._sessions.begin(session))

    def routes(self) -> list[tuple[Any, ...]]:
        """List the route by which people come back from the hub."""
        return [(f"{self._address.base}oauth_callback", _Callback, {"hub_auth": self._hub})]

    def signed_out(self) -> str:
        """Address of the hub's own sign-out."""
        return f"{self._hub.hub_host}{self._hub.hub_prefix}logout"

    def again(self) -> str:
        """Address that signs in again."""
        return self._address.base

    async def watch(self) -> None:
        """End the sessions of people who signed out at the hub, or lost their access.

        Asks the hub as well whether it has servers of people now, if it should have none.
        """
        await self._look_for_servers()
        for session in self._sessions.living():
            if isinstance(session, HubSession):
                try:
                    await self._is_known(session)
                except Refused as refused:
                    # Without the hub nobody new comes in, but work that is open goes on.
                    app_log.warning("session %s: %s", session.id, refused.reason)

    def problems(self) -> list[str]:
        """Sentences that say why nobody signs in; they name no person."""
        if not self._servers:
            return []
        return ["No one can sign in, as people have servers of their own at the hub."]

    async def _look_for_servers(self) -> None:
        """Ask the hub who has a server there, where nobody should: now and then, not each time."""
        settings, now = self._settings, time.monotonic()
        if not settings.without_servers or not settings.is_at_the_hub(self._address):
            return
        if now - self._servers_asked < self._asked_seconds:
            return
        self._servers_asked = now
        try:
            found = await asyncio.to_thread(people_with_servers, settings.api, settings.token)
        except ServerError as error:  # what was found last counts until the hub can say
            app_log.warning("it is not known whether people have servers at the hub: %s", error)
            return
        if found and not self._servers:
            app_log.error(
                "--hub-without-servers is not so any more: %s, and its pages could act as people "
                "here. No one signs in while that is so. Give the pages a host name of their own, "
                "or let no one have servers there",
                _have_servers(found),
            )
        elif self._servers and not found:
            app_log.warning("no one has a server at the hub any more: people may sign in again")
        self._servers = found

    async def _of_script(self, token: str) -> Session:
        secret = f"script {hashlib.sha256(token.encode()).hexdigest()}"
        session = await self._sessions.find(secret)
        if not isinstance(session, HubSession):
            session = HubSession("", "hub", token=token)
            if not await self._is_known(session):
                raise Refused(401, "unknown token")
            self._sessions.begin(session, secret=secret)
            await self._sessions.make_room(session.account)
        elif not await self._is_known(session):
            raise Refused(401, "unknown token")
        return session

    async def _is_known(self, session: HubSession) -> bool:
        """Check that the hub still knows the token, and that it opens this service.

        Raises Refused if the hub does not answer, or the person may not come in here: nobody new
        may while people have servers at the hub, whose pages could act as they.
        """
        async with session.asking:  # the twenty requests of a page ask once
            fresh = time.monotonic() - session.checked < self._asked_seconds
            if not session.alive or (session.checked and fresh):
                return session.alive
            if self._servers and not session.account:
                await self._sessions.end(session, "servers")
                raise Refused(503, "servers", forget=True)
            try:
                model = await self._hub.user_for_token(
                    session.token, use_cache=False, session_id=session.hub_session, sync=False
                )
            except HTTPError:
                raise Refused(503, "hub") from None
            if not isinstance(model, dict) or model.get("kind") != "user":
                await self._sessions.end(session, "signed out")
                return False
            if not self._hub.check_scopes(self._hub.access_scopes, model):
                await self._sessions.end(session, "hub access")
                raise Refused(403, "hub access", forget=True)
            try:
                account = normal_name(str(model["name"]))
            except NotPermitted:
                raise Refused(403, "name") from None
            if session.account and session.account != account:
                await self._sessions.end(session, "another")
                return False
            unnamed = not session.account
            session.account, session.checked = account, time.monotonic()
            if unnamed:
                await self._sessions.make_room(account)
        return session.alive


def _have_servers(people: Sequence[str]) -> str:
    names = ", ".join(people[:3])
    return f"{names} {'has' if len(people) == 1 else 'have'} a server at this hub now"


class _Hub(HubOAuth):  # type: ignore[misc]
    """The hub's library, but its token goes into a session, where it would go into a cookie."""

    def __init__(self, way: ByHub, **settings: Any) -> None:
        super().__init__(**settings)
        self._way = way
        self._pending: deque[str] = deque()

    def generate_state(self, next_url: str | None = None, **extra: Any) -> str:
        """Remember where somebody wants to go who is sent to the hub; forget the first of many."""
        state: str = super().generate_state(next_url, **extra)
        self._pending.append(state)
        if len(self._pending) > MOST_PENDING:
            self.clear_oauth_state(self._pending.popleft())
        return state

    def set_cookie(self, handler: RequestHandler, access_token: str) -> None:
        self._way.begin(handler, access_token, self.get_session_id(handler))


class _SignIn(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """Send the person to the hub."""

    def initialize(self, hub_auth: HubOAuth) -> None:
        self.hub_auth = hub_auth

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.redirect(self.get_login_url())


class _Callback(HubOAuthCallbackHandler):  # type: ignore[misc]
    """Where the hub sends people back to."""

    def initialize(self, hub_auth: HubOAuth) -> None:
        self.hub_auth = hub_auth

    def get_current_user(self) -> None:
        """Nobody: whoever comes here is about to sign in."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say that signing in did not work, and offer to try again."""
        app_log.warning("signing in by the hub did not work (%d)", status_code)
        self.set_header("Cache-Control", "no-store")
        self.finish(refusal_page(self, "oauth"))
