"""Sockets between a page and its kernel: one protocol, and messages that are what they say.

Voila and Jupyter Server read the count of a message's parts from its first eight bytes and build a
list of that length. A message of the format that Jupyter used before, or eight bytes from anybody
who is signed in, would make that list longer than any memory, in the event loop of the server. So
only the protocol v1 is spoken, and a message is measured before anything else reads it.
"""

from __future__ import annotations

import asyncio
import json
import struct
from itertools import pairwise
from typing import Any, ClassVar, cast
from weakref import WeakSet

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from workbench.server.kernels import DashboardKernels
from workbench.server.sessions import now

PROTOCOL = "v1.kernel.websocket.jupyter.org"
"""The only subprotocol that is spoken."""

MESSAGE_BYTES = 200 * 2**20
"""The largest message between page and kernel: ten photographs of 20 MB."""

PING_SECONDS = 15
"""Time between two signs of life that are asked of a page; after two without, its socket ends."""

WATCH_SECONDS = 0.5
"""Time between two looks at whether the kernel of a socket has ended."""

SOCKETS_OF_A_KERNEL = 3
"""A page has one; for a moment two, when it connects again before the first is known as lost."""

# Channel, header, parent, metadata and content, and one for each buffer: pages and kernels send
# some pictures.
_MOST_PARTS = 65_536
_GOING_AWAY = 1001
_NOT_UNDERSTOOD = 4400
_ENDED = 4410
_TOO_MANY = 4429


def parts_of(message: bytes) -> list[bytes]:
    """Channel and parts of a message of the protocol v1.

    Raises ValueError if it is none: its table must lie within it, in order, and begin and end where
    the parts do.
    """
    (count,) = struct.unpack_from("<Q", message.ljust(8, b"\0"))
    table = 8 * (count + 1)
    if not 6 <= count <= _MOST_PARTS or table > len(message):
        raise ValueError("the table of its parts does not lie within it")
    offsets = struct.unpack_from(f"<{count}Q", message, 8)
    if offsets[0] != table or offsets[-1] != len(message):
        raise ValueError("its parts do not begin or end where it does")
    if any(start > end for start, end in pairwise(offsets)):
        raise ValueError("its parts are not in order")
    return [message[start:end] for start, end in pairwise(offsets)]


def kind_of(message: bytes) -> str:
    """Type of a message of the protocol v1, ``comm_msg`` for instance; raise ValueError if none."""
    parts = parts_of(message)
    try:
        parts[0].decode()
        kind = json.loads(parts[1])["msg_type"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"its header cannot be read ({error})") from None
    if not isinstance(kind, str):
        raise ValueError("its header names no type")  # noqa: TRY004 - it comes from outside
    return kind


def _kernels(handler: JupyterHandler) -> DashboardKernels:
    return cast(DashboardKernels, handler.kernel_manager)


def _pass_over_a_closed_page(sent: asyncio.Future[None]) -> None:
    """Raise what went wrong in sending, but that the page was closed meanwhile."""
    error = None if sent.cancelled() else sent.exception()
    if error is not None and not isinstance(error, WebSocketClosedError):
        raise error


class KernelSocket(KernelWebsocketHandler):
    """The socket of a page; who does not speak v1 is told so and connected to nothing."""

    connection: Any = None
    _refusal: tuple[int, str] | None = None
    _watch: PeriodicCallback | None = None
    _all: ClassVar[WeakSet[KernelSocket]] = WeakSet()

    @classmethod
    async def close_all(cls) -> None:
        """End the sockets, those too whose pages do not answer any more."""
        for each in list(cls._all):
            each.close(_GOING_AWAY, "The server has been stopped.")
        await asyncio.sleep(0)  # what is left to say is said
        for each in list(cls._all):
            connection: Any = each.ws_connection
            if connection is not None and connection.stream is not None:
                connection.stream.close()

    # Tornado, which asks before the socket is open, counts in seconds; Jupyter, in milliseconds.
    @property
    def ping_interval(self) -> int:
        """Milliseconds between two pings."""
        return 0 if self.ws_connection is None else 1000 * PING_SECONDS

    @property
    def ping_timeout(self) -> int:
        """Milliseconds without an answer after which the socket ends."""
        return 2 * self.ping_interval

    async def get(self, kernel_id: str) -> None:
        """Connect the page to its kernel, or accept the socket only to say why not."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if PROTOCOL not in {name.strip() for name in offered}:
            self._refusal = _NOT_UNDERSTOOD, f"Sockets speak {PROTOCOL} here, nothing else."
            self.log.warning(
                "a socket without the subprotocol %s was refused (%s): a proxy in front of this "
                "server must pass the header Sec-WebSocket-Protocol on",
                PROTOCOL, self.request.remote_ip,
            )  # fmt: skip
        elif _kernels(self).connections(kernel_id) >= SOCKETS_OF_A_KERNEL:
            self._refusal = _TOO_MANY, "This kernel has too many sockets. Close its page elsewhere."
        if self._refusal is None:
            await super().get(kernel_id)  # type: ignore[no-untyped-call]
        else:
            await WebSocketHandler.get(self, kernel_id)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Choose v1, the only one."""
        return PROTOCOL if PROTOCOL in subprotocols else None

    async def open(self, kernel_id: str) -> None:
        """Connect, or say why not and close."""
        self._all.add(self)
        if self._refusal is not None:
            self.close(*self._refusal)
        else:
            await super().open(kernel_id)  # type: ignore[no-untyped-call]
            self._watch = PeriodicCallback(self._close_without_kernel, 1000 * WATCH_SECONDS)
            self._watch.start()

    def _close_without_kernel(self) -> None:
        """End the socket once the kernel has ended: nothing else would tell the page."""
        if self.kernel_id not in _kernels(self):
            self.close(_ENDED, "The kernel of this page has ended.")

    def on_message(self, ws_message: str | bytes) -> None:
        """Hand a message to the kernel; end the socket over one that is not of the protocol."""
        if self._refusal is not None:
            return
        try:
            kind_of(ws_message.encode() if isinstance(ws_message, str) else ws_message)
        except ValueError as error:
            self.log.warning(
                "kernel %s: a message from %s does not follow %s: %s",
                self.kernel_id, self.request.remote_ip, PROTOCOL, error,
            )  # fmt: skip
            self.close(_NOT_UNDERSTOOD, f"This is not a message of {PROTOCOL}: {error}."[:120])
            return
        request: Any = self.request
        request.session.used = now()
        super().on_message(ws_message)  # type: ignore[no-untyped-call]

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> Any:
        """Send a message of the kernel, but none that shows the code of a cell."""
        if isinstance(message, bytes) and kind_of(message) == "execute_input":
            return None
        if self.ws_connection is None or self.ws_connection.is_closing():
            return None  # the page was closed before
        sent = super().write_message(message, binary)
        sent.add_done_callback(_pass_over_a_closed_page)  # nobody waits for it
        return sent

    def on_close(self) -> None:
        """Let go of the kernel, if the socket had one."""
        if self._watch is not None:
            self._watch.stop()
        if self.connection is not None:
            super().on_close()  # type: ignore[no-untyped-call]


class LoggedConnection(ZMQChannelsWebsocketConnection):
    """Write the errors of a kernel to the server's log; the page does not show them."""

    def _on_error(self, channel: str, msg: dict[str, Any], msg_list: list[bytes]) -> None:
        part: Any = self.get_part
        kind = part("header", msg["header"], msg_list)["msg_type"] if channel == "iopub" else ""
        if kind in {"error", "stream"}:
            content = part("content", msg["content"], msg_list)
            if kind == "error":
                reason = "\n".join(content.get("traceback", []))
                self.log.error("kernel %s: %s", self.kernel_id, reason)
            elif content["name"] == "stderr":  # where Python's logging goes
                self.log.warning("kernel %s: %s", self.kernel_id, content["text"].rstrip())
        super()._on_error(channel, msg, msg_list)  # type: ignore[no-untyped-call]


class ShutdownHandler(JupyterHandler):
    """End the kernel of a page that is being closed.

    Voila's own handler answers 403: the page's beacon carries no _xsrf value that Jupyter Server
    accepts, and kernels pile up (voila #1458). The door has already checked that the request comes
    from a page of this server.
    """

    def check_xsrf_cookie(self) -> None:
        """Accept the beacon without an _xsrf value; see the class."""

    async def post(self, kernel_id: str) -> None:
        """End the kernel, if there is still one of that id; answer 204 either way."""
        await _kernels(self).end(kernel_id)
        self.set_status(204)
