"""Access control in front of every route: a request without a session reaches no handler.

Voila and Jupyter Server check access handler by handler and leave some handlers open
(``/voila/files``, ``/voila/static``, …). Here access is checked before routing, so that no route
can be forgotten. The packages' static files are behind it too: they hold no evidence, but a rule
without exceptions is easier to trust.
"""

from __future__ import annotations

import json
import re
import string
from typing import Any, Protocol
from urllib.parse import quote

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.log import access_log, app_log
from tornado.web import Application, RedirectHandler, RequestHandler

from workbench.casework.record.identity import account_of_process, normal_name
from workbench.client.documents import error_document
from workbench.server.address import Address
from workbench.server.api.wire import VERSION
from workbench.server.health import is_for_operators
from workbench.server.refusals import refusal_page, refusal_to_program
from workbench.server.sessions import Session
from workbench.server.signins import SignIns
from workbench.server.ways import Refused, Way

_SHOWN = string.punctuation
_KERNEL = re.compile(r"/(?:api/kernels|voila/api/shutdown)/(\w+-\w+-\w+-\w+-\w+)(?:/|$)")
_ALIVE = re.compile(r"alive/\w+-\w+-\w+-\w+-\w+")


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

    def __init__(self, *, way: Way, owners: Owners, address: Address, **settings: Any) -> None:
        super().__init__(**settings)
        self.way, self._owners, self.address = way, owners, address
        self.sign_ins: SignIns | None = None  # set once the server is open to people
        self._open_paths = {route[0] for route in way.routes()}

    def find_handler(  # type: ignore[override]  # what Tornado declares is private
        self, request: HTTPServerRequest, **_: Any
    ) -> HTTPMessageDelegate:
        """Delegate that finds out who asks before anything of the request is handled."""
        return _Asking(self, request)

    async def admit(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        """Handler of a request that may pass; otherwise the one that signs in or refuses."""
        if is_for_operators(request, self.address):
            return super().find_handler(request)
        try:
            self._check_origin(request)
            if f"{request.path}/" == self.address.base:
                whole = {"url": self.address.base, "permanent": False}
                return self.get_handler_delegate(request, RedirectHandler, whole)
            if not request.path.startswith(self.address.base):
                raise Refused(404, "path")
            below = request.path.removeprefix(self.address.base)
            if request.path in self._open_paths or _ALIVE.fullmatch(below):
                return super().find_handler(request)
            entered = await self.way.enter(request)
            if not isinstance(entered, Session):
                return self.get_handler_delegate(request, *entered)
            self._check_person(entered)
            self._check_owner(request, entered)
            if self.sign_ins is not None:
                await self.sign_ins.record(entered)
        except Refused as refused:
            return self._refuse(request, refused)
        except Exception:  # nothing passes that could not be checked
            app_log.exception("a request could not be checked")
            return self._refuse(request, Refused(500, "unknown"))
        request.session = entered  # type: ignore[attr-defined]
        return super().find_handler(request)

    def log_request(self, handler: RequestHandler) -> None:
        """Log one line per request, without the query, which may hold a token or a name."""
        self.settings["operations"].count(handler)
        status, request = handler.get_status(), handler.request
        log = access_log.warning if status >= 400 else access_log.debug
        milliseconds = 1000.0 * request.request_time()
        session: Session | None = getattr(request, "session", None)
        log(
            "%d %s %s (%s) %.0f ms",
            status,
            request.method,
            quote(request.path, safe=_SHOWN),  # no byte that a terminal acts on
            request.remote_ip if session is None else session.account,  # a proxy's says little
            milliseconds,
        )

    def _check_origin(self, request: HTTPServerRequest) -> None:
        """Refuse what asks for another server, or comes from a page of another site.

        Following a link is allowed; anything else (forms, scripts, pictures, sockets) is not. This
        guards the kernels' sockets and the shutdown call, which carry no other secret. A page that
        reaches this server by a name of its own (DNS rebinding) is refused by that name.
        """
        headers = request.headers
        hosts, origins = headers.get_list("Host"), headers.get_list("Origin")
        if len(hosts) != 1 or not self.address.has_host(hosts[0]):
            raise Refused(400, "address")
        # Sent there again after signing in, a browser would take what follows for another host.
        if request.path.startswith("//") or "\\" in request.path:
            raise Refused(400, "path")
        try:
            ours = all(self.address.has_origin(origin, host=hosts[0]) for origin in origins)
        except ValueError:
            raise Refused(400, "origin") from None
        if not ours or len(origins) > 1:
            raise Refused(403, "cross-site")
        if headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}:
            return
        if request.method != "GET" or headers.get("Sec-Fetch-Dest") != "document":
            raise Refused(403, "cross-site")

    def _check_person(self, session: Session) -> None:
        """Refuse who is called as the account that runs the server, whose roles are the shell's."""
        if self.way.name != "token" and session.account == normal_name(account_of_process()):
            raise Refused(403, "service")

    def _check_owner(self, request: HTTPServerRequest, session: Session) -> None:
        """Refuse a kernel that is not the person's as if there were none of that id."""
        kernel = _KERNEL.search(request.path)
        if kernel is not None:
            owner = self._owners.session_of(kernel[1])
            if owner is None or owner.account != session.account:
                raise Refused(404, "kernel")

    def _refuse(self, request: HTTPServerRequest, refused: Refused) -> HTTPMessageDelegate:
        return self.get_handler_delegate(request, _AccessDenied, {"refused": refused})


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


class _AccessDenied(RequestHandler):
    """Say why a request is refused and what helps, with a field for the token where that does."""

    def initialize(self, refused: Refused) -> None:
        self._refused = refused

    def check_xsrf_cookie(self) -> None:
        """Check nothing: such a request changes nothing that could be forged."""

    def prepare(self) -> None:
        """Answer any method with the page that says why."""
        refused, way = self._refused, self.application.way  # type: ignore[attr-defined]
        self.set_status(refused.status)
        self.set_header("Cache-Control", "no-store")
        if refused.status == 401:
            self.set_header("WWW-Authenticate", 'Token realm="Sightline"')
        if refused.forget:
            way.cookie.remove(self)
        door: Any = self.application
        if self.request.path.startswith(f"{door.address.base}api/{VERSION}/"):
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.finish(json.dumps(error_document(refusal_to_program(refused.reason))))
            return
        self.finish(refusal_page(self, refused.reason))


class SignedIn(IdentityProvider):  # type: ignore[misc, unused-ignore]
    """Identity for Jupyter's handlers: the person whose session the door has found."""

    def get_user(self, handler: Any) -> User:
        """Person who sent the request."""
        return User(username=handler.request.session.account)

    def get_handlers(self) -> list[tuple[str, object]]:
        """No routes to sign in or out: the door does that."""
        return []
