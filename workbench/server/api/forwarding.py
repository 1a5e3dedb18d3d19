"""The way from the door to the API's process: a request and its answer, streamed through."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any
from urllib.parse import quote

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler, stream_request_body

from workbench.client.documents import MOST_BYTES, error_document
from workbench.errors import ServerError, SightlineError, TooManyRequests
from workbench.server.api.process import ApiProcess
from workbench.server.api.wire import ACCOUNT, VERSION, WAY

_UPLOAD_SECONDS = 600.0
_ASKED = ("Accept", "Content-Type", "Content-Length")
_ANSWERED = ("Content-Type", "Content-Length", "Cache-Control", "Location", "Retry-After", "Allow")


@stream_request_body
class Forward(RequestHandler):
    """Hand a request to the API's process, in the name of the person who has signed in.

    Only the headers named above pass, so that nothing that a client sends is taken for what the
    server says of it. If the client goes away, so does the connection to the process, and with it
    the search.
    """

    def initialize(self, api: ApiProcess, base: str) -> None:
        """Keep the process and the path below which the server answers."""
        self._api, self._prefix = api, f"{base}api/{VERSION}/"
        self._stream: IOStream | None = None
        self._counted: tuple[str, int] | None = None

    def check_xsrf_cookie(self) -> None:
        """Check nothing: the door refuses requests of other sites."""

    async def prepare(self) -> None:
        """Send the request on, up to its body."""
        request: Any = self.request  # whose session the door has found
        # Of a body that is sent in chunks, the length is not known before its end.
        chunked = "Transfer-Encoding" in request.headers
        length = request.headers.get("Content-Length", str(MOST_BYTES if chunked else 0))
        if not (length.isascii() and length.isdecimal()):
            no_number = SightlineError(
                "is not a number", where="Content-Length", fix="Send the request's length in bytes"
            )
            self._refuse(400, no_number)
            return
        # Of thousands of digits, Python makes no number.
        if len(length) > 12 or int(length) > MOST_BYTES:
            self._refuse(
                413,
                SightlineError(
                    f"is larger than {MOST_BYTES // 2**20} MB",
                    where="request",
                    fix="Send fewer or smaller photographs",
                ),
            )
            return
        request.connection.set_max_body_size(MOST_BYTES)
        request.connection.set_body_timeout(_UPLOAD_SECONDS)
        # The server ends the connection of whoever takes long to send a first request, but for
        # those who have signed in.
        if hasattr(request.connection, "take_time"):
            request.connection.take_time()
        session = request.session
        try:
            self._api.uploads.enter(session.account, int(length))
        except TooManyRequests as error:
            self.set_header("Retry-After", str(error.seconds))
            self._refuse(429, error)
            return
        self._counted = session.account, int(length)
        headers = HTTPHeaders(
            {name: self.request.headers[name] for name in _ASKED if name in self.request.headers}
        )
        headers["Host"] = "api"
        headers[ACCOUNT], headers[WAY] = quote(session.account, safe=""), session.way
        path = request.uri.removeprefix(self._prefix)
        try:
            self._stream = await self._api.connect()
            self._upstream = HTTP1Connection(
                self._stream,
                is_client=True,
                params=HTTP1ConnectionParameters(no_keep_alive=True, max_body_size=2**32),
            )
            line = RequestStartLine(self.request.method or "GET", f"/{VERSION}/{path}", "HTTP/1.1")
            await self._upstream.write_headers(line, headers)
        except (ServerError, StreamClosedError, OSError):
            self._refuse(503, _gone())

    async def data_received(self, chunk: bytes) -> None:
        """Send a part of the body on."""
        if not self._finished:
            await self._upstream.write(chunk)

    async def _forward(self) -> None:
        self._upstream.finish()
        answer = _Answer(self)
        try:
            await self._upstream.read_response(answer)
        except StreamClosedError:
            answer.on_connection_close()
        if not answer.whole and not self._finished:
            if self._headers_written:
                self.request.connection.stream.close()  # type: ignore[union-attr]  # cut, not whole
            else:
                self._refuse(502, _gone())

    get = post = put = delete = _forward

    def on_connection_close(self) -> None:
        """Leave the process's connection too: nobody waits for its answer."""
        counted, self._counted = self._counted, None
        if counted is not None:
            self._api.uploads.leave(*counted)
        if self._stream is not None:
            self._stream.close()

    def on_finish(self) -> None:
        """Leave the process's connection."""
        self.on_connection_close()

    def write_error(self, status_code: int, **_: Any) -> None:
        """Send an error as the API does."""
        self._refuse(status_code, _gone())

    def _refuse(self, status: int, error: SightlineError) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(error_document(error), ensure_ascii=False))


class _Answer(HTTPMessageDelegate):
    """Pass an answer on as it comes."""

    def __init__(self, handler: Forward) -> None:
        self._handler, self.whole = handler, False

    def headers_received(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, ResponseStartLine)
        self._handler.set_status(start_line.code, start_line.reason)
        for name in _ANSWERED:
            if name in headers:
                self._handler.set_header(name, headers[name])
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._handler.write(chunk)
        return self._handler.flush()

    def finish(self) -> None:
        self.whole = True

    def on_connection_close(self) -> None:
        self.whole = False


def _gone() -> ServerError:
    return ServerError("the API does not answer", where="server", fix="Ask again in a minute")
