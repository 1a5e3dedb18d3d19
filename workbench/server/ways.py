"""Ways to sign in: how a request comes to be a person's."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from workbench.casework.record.identity import account_of_process, normal_name
from workbench.errors import SettingsError
from workbench.server.sessions import Session, Sessions

SHORTEST_TOKEN = 16
"""Characters: 16 of the URL-safe alphabet are 96 bits, beyond guessing."""

_AUTHORIZATION = re.compile(r"(?:token|bearer) +(\S+) *", re.IGNORECASE)

Handler = tuple[type[RequestHandler], dict[str, Any]]
"""A request handler, and what its ``initialize`` is given."""


class Refused(Exception):
    """A request without a session, and why: the status and the reason that its page shows."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Way(Protocol):
    """A way to sign in."""

    open_paths: Collection[str]
    """Paths that are answered without a session, for the way itself."""

    async def session(self, request: HTTPServerRequest) -> Session:
        """Session of a request, whose person is signed in.

        Raises Refused for a request that has none.
        """

    def sign_in(self, request: HTTPServerRequest) -> Handler | None:
        """Handler for a request that signs in; None for any other, and for ways without one."""

    def routes(self) -> list[tuple[Any, ...]]:
        """Routes of the way's own, with their whole paths."""

    def signed_out(self) -> str:
        """Address that a browser goes to after signing out."""

    async def watch(self) -> None:
        """End the sessions of people who are not signed in any more."""


class Cookie:
    """The cookie that holds a session's secret, sent to nothing but the pages below *path*."""

    def __init__(self, name: str, *, path: str) -> None:
        self._name, self._path = name, path

    def read(self, request: HTTPServerRequest) -> str:
        """Secret that the request carries; empty if none."""
        try:
            cookie = SimpleCookie(request.headers.get("Cookie", "")).get(self._name)
        except CookieError:
            return ""
        return cookie.value if cookie is not None else ""

    def write(self, handler: RequestHandler, secret: str) -> None:
        """Give the secret to the browser."""
        handler.set_cookie(self._name, secret, httponly=True, samesite="Lax", path=self._path)

    def remove(self, handler: RequestHandler) -> None:
        """Have the browser forget the secret."""
        handler.clear_cookie(self._name, path=self._path)


def token_in(request: HTTPServerRequest) -> str:
    """Token that a script sends as ``Authorization: token …``; empty if none."""
    given = request.headers.get_list("Authorization")
    found = _AUTHORIZATION.fullmatch(given[0]) if len(given) == 1 else None
    return found[1] if found else ""


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


class ByToken:
    """One person at a desk, who is the account that runs the server and has its *token*.

    A browser sends the token once, as ``?token=…``. It is given a cookie and redirected to the same
    address without the token, which therefore stays out of the history, the pages' addresses and
    the kernels. Scripts send ``Authorization: token …`` with each request.
    """

    open_paths: Collection[str] = frozenset()

    def __init__(self, token: str, *, sessions: Sessions, cookie: Cookie, base: str) -> None:
        self._token, self._sessions, self._cookie, self._base = token, sessions, cookie, base
        self._account = normal_name(account_of_process())

    async def session(self, request: HTTPServerRequest) -> Session:
        """Session that the cookie or the token in the header opens."""
        session = await self._sessions.find(self._cookie.read(request))
        if session is None and self._is_token(token_in(request)):
            session = await self._sessions.find(self._token)
            if session is None:
                session = Session(self._account, "token")
                self._sessions.begin(session, secret=self._token)
        if session is None:
            raise Refused(*((403, "wrong") if _asked(request) is not None else (401, "missing")))
        return session

    def sign_in(self, request: HTTPServerRequest) -> Handler | None:
        """Handler that trades the token in the address for a cookie."""
        asked = _asked(request)
        if request.method != "GET" or asked is None or not self._is_token(asked):
            return None
        return _TokenSignIn, {"way": self, "base": self._base}

    def begin(self, handler: RequestHandler) -> None:
        """Begin a session of the browser that *handler* answers."""
        secret = self._sessions.begin(Session(self._account, "token"))
        self._cookie.write(handler, secret)

    def routes(self) -> list[tuple[Any, ...]]:
        """No routes: any address may carry the token."""
        return []

    def signed_out(self) -> str:
        """The front page, which asks for the token."""
        return self._base

    async def watch(self) -> None:
        """Nothing ends a token but the server."""

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())


def _asked(request: HTTPServerRequest) -> str | None:
    return dict(parse_qsl(request.query)).get("token")


class _TokenSignIn(RequestHandler):
    """Exchange the token for a cookie and redirect to the address without the token."""

    def initialize(self, way: ByToken, base: str) -> None:
        self._way, self._base = way, base

    def get(self) -> None:
        """Set the cookie and redirect."""
        query = urlencode([item for item in parse_qsl(self.request.query) if item[0] != "token"])
        # Two leading slashes, or a backslash, would name another host.
        path = "/" + self.request.path.lstrip("/\\")
        self._way.begin(self)
        self.set_header("Cache-Control", "no-store")
        self.redirect(f"{path}?{query}" if query else path)
