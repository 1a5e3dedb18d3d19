"""Access control in front of every route: a request without the token reaches no handler.

Voila and Jupyter Server check access handler by handler and leave some handlers open
(``/voila/files``, ``/voila/static``, …). Here access is checked before routing, so that no route
can be forgotten. The packages' static files are behind it too: they hold no evidence, but a rule
without exceptions is easier to trust.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httputil import HTTPServerRequest
from tornado.log import access_log
from tornado.web import Application, RequestHandler

from workbench.casework.record.identity import account_of_process
from workbench.errors import SettingsError

SHORTEST_TOKEN = 16
"""Characters: 16 of the URL-safe alphabet are 96 bits, beyond guessing."""


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


class Door(Application):
    """A Tornado application that answers only requests that carry ``token``.

    A browser sends the token once, as ``?token=…``. It is given a cookie and redirected to the same
    address without the token, which therefore stays out of the history, the pages' addresses and
    the kernels. Scripts send ``Authorization: token …`` with each request.
    """

    def __init__(self, *, token: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._token = token
        self._session = secrets.token_urlsafe(32)  # valid as long as this server runs

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Handler of a request that may pass; otherwise the one that signs in or refuses."""
        if _is_cross_site(request):
            return self._refuse(request, 403, "cross-site")
        asked = dict(parse_qsl(request.query)).get("token")
        known = self._has_cookie(request) or self._has_header(request)
        if asked is not None and (known or self._is_token(asked)) and request.method == "GET":
            return self.get_handler_delegate(
                request, _TokenSignIn, {"session": self._session, "cookie": _cookie_name(request)}
            )
        if known:
            return super().find_handler(request, **kwargs)
        if asked is not None:
            return self._refuse(request, 403, "wrong")
        return self._refuse(request, 401, "missing")

    def log_request(self, handler: RequestHandler) -> None:
        """Log one line per request, without the query, which may hold a token or a name."""
        status, request = handler.get_status(), handler.request
        log = access_log.warning if status >= 400 else access_log.debug
        milliseconds = 1000.0 * request.request_time()
        log(
            "%d %s %s (%s) %.0f ms",
            status,
            request.method,
            request.path,
            request.remote_ip,
            milliseconds,
        )

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    def _has_cookie(self, request: HTTPServerRequest) -> bool:
        cookies = SimpleCookie(request.headers.get("Cookie", ""))
        cookie = cookies.get(_cookie_name(request))
        return cookie is not None and hmac.compare_digest(
            cookie.value.encode(), self._session.encode()
        )

    def _has_header(self, request: HTTPServerRequest) -> bool:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() in {"token", "bearer"} and self._is_token(text.strip())

    def _refuse(self, request: HTTPServerRequest, status: int, reason: str) -> Any:
        return self.get_handler_delegate(
            request, _AccessDenied, {"status": status, "reason": reason}
        )


def _cookie_name(request: HTTPServerRequest) -> str:
    # A host's ports share their cookies: two servers must not sign each other out.
    port = urlsplit(f"//{request.host}").port or 80
    return f"sightline-{port}"


def _is_cross_site(request: HTTPServerRequest) -> bool:
    """Check whether a page of another site (or another port of this host) sent the request.

    Following a link is allowed; anything else (forms, scripts, pictures, sockets) is not. This
    guards the kernels' sockets and the shutdown call, which carry no other secret.
    """
    headers = request.headers
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("Host"):
        return True
    if headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}:
        return False
    follows_link = request.method == "GET" and headers.get("Sec-Fetch-Dest") == "document"
    return not follows_link


class _TokenSignIn(RequestHandler):
    """Exchange the token for a cookie and redirect to the address without the token."""

    def initialize(self, session: str, cookie: str) -> None:
        self._session, self._cookie = session, cookie

    def get(self) -> None:
        """Set the cookie and redirect."""
        query = urlencode([item for item in parse_qsl(self.request.query) if item[0] != "token"])
        # Two leading slashes, or a backslash, would name another host.
        path = "/" + self.request.path.lstrip("/\\")
        self.set_cookie(self._cookie, self._session, httponly=True, samesite="Lax", path="/")
        self.set_header("Cache-Control", "no-store")
        self.redirect(f"{path}?{query}" if query else path)


class _AccessDenied(RequestHandler):
    """Say why a request is refused, with a field for the token."""

    def initialize(self, status: int, reason: str) -> None:
        self._status, self._reason = status, reason

    def check_xsrf_cookie(self) -> None:
        """Check nothing: such a request changes nothing that could be forged."""

    def prepare(self) -> None:
        """Answer any method with the page that says why."""
        self.set_status(self._status)
        self.set_header("Cache-Control", "no-store")
        if self._status == 401:
            self.set_header("WWW-Authenticate", 'Token realm="Sightline"')
        page = self.settings["voila_jinja2_env"].get_template("refused.html")
        self.finish(page.render(reason=self._reason))


class ServerAccount(IdentityProvider):  # type: ignore[misc, unused-ignore]
    """Identity for Jupyter's handlers: every request that passed is the account of this server.

    The kernels run as that account too, whatever a page says: see
    :mod:`workbench.casework.record.identity`.
    """

    def get_user(self, handler: Any) -> User:  # noqa: ARG002 - the door has checked it
        """User that runs this server."""
        return User(username=account_of_process())

    def get_handlers(self) -> list[tuple[str, object]]:
        """No routes to sign in or out: the door does that."""
        return []
