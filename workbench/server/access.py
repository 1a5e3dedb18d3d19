"""Access control in front of every route: a request without a session reaches no handler.

Voila and Jupyter Server check access handler by handler and leave some handlers open
(``/voila/files``, ``/voila/static``, …). Here access is checked before routing, so that no route
can be forgotten. The packages' static files are behind it too: they hold no evidence, but a rule
without exceptions is easier to trust.
"""

from __future__ import annotations

import re
from typing import Any, Protocol
from urllib.parse import urlsplit

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.log import access_log, app_log
from tornado.web import Application, RequestHandler

from workbench.server.sessions import Session
from workbench.server.ways import Refused, Way

_KERNEL = re.compile(r"/(?:api/kernels|voila/api/shutdown)/(\w+-\w+-\w+-\w+-\w+)(?:/|$)")


class Owners(Protocol):
    """Register of the sessions whose pages kernels serve."""

    def session_of(self, kernel_id: str) -> Session | None:
        """Session whose page a kernel serves; None for one that waits, and for no kernel."""


class Door(Application):
    """A Tornado application that answers only requests of people who have signed in.

    Each request that passes has its :class:`~workbench.server.sessions.Session` as
    ``request.session``. Kernels are answered for to nobody but the person whose page they serve:
    to others there is none.
    """

    def __init__(self, *, way: Way, owners: Owners, **settings: Any) -> None:
        super().__init__(**settings)
        self.way, self._owners = way, owners

    def find_handler(  # type: ignore[override]  # what Tornado declares is private
        self, request: HTTPServerRequest, **_: Any
    ) -> HTTPMessageDelegate:
        """Delegate that finds out who asks before anything of the request is handled."""
        return _Asking(self, request)

    async def admit(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        """Handler of a request that may pass; otherwise the one that signs in or refuses."""
        if _is_cross_site(request):
            return self._refuse(request, 403, "cross-site")
        if request.path in self.way.open_paths:
            return super().find_handler(request)
        if (handler := self.way.sign_in(request)) is not None:
            return self.get_handler_delegate(request, *handler)
        try:
            session = await self.way.session(request)
        except Refused as refused:
            return self._refuse(request, refused.status, refused.reason)
        except Exception:  # nothing passes that could not be checked
            app_log.exception("a request could not be checked")
            return self._refuse(request, 500, "unknown")
        kernel = _KERNEL.search(request.path)
        if kernel is not None:
            owner = self._owners.session_of(kernel[1])
            if owner is None or owner.account != session.account:
                return self._refuse(request, 404, "kernel")
        request.session = session  # type: ignore[attr-defined]
        return super().find_handler(request)

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

    def _refuse(self, request: HTTPServerRequest, status: int, reason: str) -> HTTPMessageDelegate:
        return self.get_handler_delegate(
            request, _AccessDenied, {"status": status, "reason": reason}
        )


class _Asking(HTTPMessageDelegate):
    """Find the handler of a request while Tornado waits: to ask who signs in may take time."""

    def __init__(self, door: Door, request: HTTPServerRequest) -> None:
        self._door, self._request = door, request
        self._handler: HTTPMessageDelegate | None = None
        self._closed = False

    async def headers_received(self, start_line: Any, headers: Any) -> None:
        self._handler = await self._door.admit(self._request)
        waiting = self._handler.headers_received(start_line, headers)
        if waiting is not None:
            await waiting
        if self._closed:
            self._handler.on_connection_close()

    def data_received(self, chunk: bytes) -> Any:
        return self._handler.data_received(chunk) if self._handler is not None else None

    def finish(self) -> None:
        if self._handler is not None:
            self._handler.finish()

    def on_connection_close(self) -> None:
        self._closed = True
        if self._handler is not None:
            self._handler.on_connection_close()


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


class SignedIn(IdentityProvider):  # type: ignore[misc, unused-ignore]
    """Identity for Jupyter's handlers: the person whose session the door has found."""

    def get_user(self, handler: Any) -> User:
        """Person who sent the request."""
        return User(username=handler.request.session.account)

    def get_handlers(self) -> list[tuple[str, object]]:
        """No routes to sign in or out: the door does that."""
        return []
