"""Pages of a server in a notebook: the widgets live in a kernel there and are drawn here.

The page is asked for as a browser asks for it, so the server starts a kernel for it in the name of
whoever signed in, and it is the same page with the same record. Messages between widgets and what
draws them are then handed on in both directions, and nothing else: the server's kernels run no code
that is sent to them.

The notebook holds a placeholder: pictures reach what draws them, but not the file.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import json
import os
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from workbench.client.rendered import VIEW, Message, RenderedPage, widgets_in_order
from workbench.errors import ServerError, SettingsError, SightlineError

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

    from workbench.client.transport import Server

PROTOCOL = "v1.kernel.websocket.jupyter.org"
_MOST_BYTES = 256 * 2**20
_SECONDS = 60.0
_WIDGET, _CONTROL = "jupyter.widget", "jupyter.widget.control"
_WIDGETS_VERSION, _CONTROL_VERSION = "2.1.0", "1.0.0"


def open_page(server: Server, name: str) -> Page:
    """Show a page of a server in this notebook.

    Raises
    ------
    SettingsError
        If this is no notebook, it is one under Voila, which draws the widgets of its own kernels
        alone, or the connection goes through a proxy, which sockets do not.
    ServerError
        If there is no such page, or it does not open.
    """
    kernel = _kernel_of_notebook()
    if "VOILA_PREHEAT" in os.environ:  # which each Voila sets, whether it does or not
        raise SettingsError(
            "Voila draws no widgets of another server's kernel", where="page",
            fix=f"Link to {server.address}, or show here what `search` of the connection finds",
        )  # fmt: skip
    if server.proxy:
        raise SettingsError(
            "pages cannot go through a proxy", where="proxy", fix="Connect without one"
        )
    if not re.fullmatch(r"[\w-]+", name):
        raise ServerError("there is no such page", where=name[:40], fix="Name one of the server")
    content, _ = server.ask("GET", f"voila/render/{name}.ipynb", accept="text/html", api=False)
    found = RenderedPage(content.decode("utf-8", "replace"))
    if not found.kernel_id:
        raise ServerError("the page holds no kernel", where=name, fix="Check the address")
    page = Page(server, name, found.kernel_id, found.views, kernel)
    if not found.views:
        page.close()
        raise ServerError(
            "the page shows no widgets", where=name, fix="The reason is in the server's log"
        )
    try:
        page.show()
    except BaseException:
        page.close()
        raise
    return page


class Page:
    """A page of a server, shown in this notebook until it is closed or the notebook's kernel ends.

    >>> page = connection.investigate()                                   # doctest: +SKIP
    >>> page.close()                                                      # doctest: +SKIP
    """

    def __init__(
        self, server: Server, name: str, kernel_id: str, views: Sequence[str], kernel: Any
    ) -> None:
        self.name, self.kernel_id, self._views = name, kernel_id, tuple(views)
        self._server, self._kernel = server, kernel
        self._comms: dict[str, BaseComm] = {}
        self._displayed: list[str] = []
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._socket: WebSocketClientConnection | None = None
        self._session = secrets.token_hex(16)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Page {self.name} of {self._server.address}, {state}>"

    def show(self) -> None:
        """Connect to the kernel, make its widgets known here, and show the page."""
        # What is published from the thread belongs to the cell that opened the page.
        context, ready = contextvars.copy_context(), Future[None]()
        threading.Thread(
            target=context.run, args=(self._run, ready), name=f"page {self.name}", daemon=True
        ).start()
        ready.result(2 * _SECONDS)
        atexit.register(self.close)
        for view in self._views:
            shown = secrets.token_hex(8)
            self._displayed.append(shown)
            self._publish(
                "display_data",
                {
                    "data": {
                        VIEW: {"version_major": 2, "version_minor": 0, "model_id": view},
                        "text/plain": self._placeholder("run this cell again to open it"),
                    },
                    "metadata": {},
                    "transient": {"display_id": shown},
                },
                parent=self._kernel.get_parent(),
            )

    def close(self) -> None:
        """End the page and its kernel on the server; do nothing if it has ended."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._end_kernel()
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._hang_up)

    def _end_kernel(self) -> None:
        with contextlib.suppress(SightlineError):  # the server may be gone, and its kernels with it
            path = f"voila/api/shutdown/{self.kernel_id}"
            self._server.ask("POST", path, body=b"", api=False)

    # --- The thread of the page -----------------------------------------------------------

    def _run(self, ready: Future[None]) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self, ready: Future[None]) -> None:
        self._socket = await self._connected()
        states = await asyncio.wait_for(self._states(), _SECONDS)
        for model_id, data, buffers in widgets_in_order(states):
            if model_id in self._comms:
                self._comms[model_id].send({"method": "update", **data}, buffers=buffers)
            else:
                self._open(model_id, data, buffers, {"version": _WIDGETS_VERSION})
        ready.set_result(None)
        while (content := await self._socket.read_message()) is not None:
            if isinstance(content, bytes) and not self._from_server(content):
                break
        self._end()

    async def _connected(self) -> WebSocketClientConnection:
        address = self._server.address.replace("http", "ws", 1)
        request = HTTPRequest(
            f"{address}api/kernels/{self.kernel_id}/channels?session_id={self._session}",
            headers=self._server.authorization,
            ssl_options=self._server.tls(),
            connect_timeout=_SECONDS,
            follow_redirects=False,
        )
        try:
            made = await websocket_connect(
                request, subprotocols=[PROTOCOL], max_message_size=_MOST_BYTES
            )
        except (HTTPClientError, OSError) as error:
            raise ServerError(
                f"the page's socket does not open ({error})",
                where=self._server.address,
                fix="Check that what stands before the server passes sockets on",
            ) from None
        if made.selected_subprotocol != PROTOCOL:
            made.close()
            raise ServerError(
                f"the page's socket does not speak {PROTOCOL}",
                where=self._server.address,
                fix="Check that what stands before the server passes Sec-WebSocket-Protocol on",
            )
        return made

    async def _states(self) -> Message:
        """Ask for the states of all widgets, as a browser does that opens the page."""
        assert self._socket is not None
        control = secrets.token_hex(16)
        opening = {"comm_id": control, "target_name": _CONTROL, "data": {}}
        self._send("comm_open", opening, metadata={"version": _CONTROL_VERSION})
        asking = {"comm_id": control, "data": {"method": "request_states"}}
        self._send("comm_msg", asking)
        while (content := await self._socket.read_message()) is not None:
            message = _read(content) if isinstance(content, bytes) else None
            if message is not None and message["content"].get("comm_id") == control:
                self._send("comm_close", {"comm_id": control, "data": {}})
                return message
        raise ServerError("the page ended at once", where=self.name, fix="Open it again")

    def _from_server(self, content: bytes) -> bool:
        """Hand on a message; return False if it says that the kernel is no longer the page's."""
        message = _read(content)
        if message is None:
            return True
        about, kind = message["content"], message["header"]["msg_type"]
        model_id = about.get("comm_id", "")
        if kind == "status":  # one that died is started again, without the page
            return about["execution_state"] not in ("restarting", "dead")
        if kind == "comm_open" and about.get("target_name") == _WIDGET:
            self._open(model_id, about["data"], message["buffers"], message["metadata"])
        elif kind == "comm_close" and model_id in self._comms:
            self._comms.pop(model_id).close()
        elif kind == "comm_msg" and model_id in self._comms:
            # Under the message that it answers, so that what draws the widget knows its echo.
            self._publish(
                "comm_msg",
                {"comm_id": model_id, "data": about["data"]},
                metadata=message["metadata"],
                buffers=message["buffers"],
                parent={"header": message["parent_header"]},
                topic=self._comms[model_id].topic,
            )
        return True

    def _open(
        self, model_id: str, data: Message, buffers: Sequence[bytes], metadata: Message
    ) -> None:
        import comm

        made = comm.create_comm(
            target_name=_WIDGET,
            comm_id=model_id,
            data=data,
            buffers=list(buffers),
            metadata=metadata,
        )
        made.on_msg(lambda message: self._to_server("comm_msg", model_id, message))
        made.on_close(lambda message: self._to_server("comm_close", model_id, message))
        self._comms[model_id] = made

    def _to_server(self, kind: str, model_id: str, message: Message) -> None:
        """Hand on what comes from the notebook; called on a thread of its kernel."""
        about = {"comm_id": model_id, "data": message["content"].get("data", {})}
        with contextlib.suppress(RuntimeError):  # the page has ended
            self._loop.call_soon_threadsafe(
                lambda: self._send(
                    kind,
                    about,
                    metadata=message.get("metadata"),
                    buffers=[bytes(one) for one in message.get("buffers") or ()],
                    number=message["header"]["msg_id"],
                )
            )

    def _send(
        self,
        kind: str,
        about: Message,
        *,
        metadata: Message | None = None,
        buffers: Sequence[bytes] = (),
        number: str = "",
    ) -> None:
        header = {
            "msg_id": number or secrets.token_hex(16),
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.3",
        }
        parts = [json.dumps(one).encode() for one in (header, {}, metadata or {}, about)]
        content = serialize_msg_to_ws_v1([*parts, *buffers], "shell")  # type: ignore[no-untyped-call]
        if self._socket is not None:
            self._socket.write_message(content, binary=True)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _end(self) -> None:
        """Say here that the page has ended, and why nothing moves any more."""
        why = "it was closed" if self._closed else "the server ended it, or cannot be reached"
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            self._end_kernel()
        self._hang_up()
        for made in self._comms.values():
            with contextlib.suppress(Exception):  # the notebook's kernel may be ending too
                made.close()
        self._comms.clear()
        for shown in self._displayed:
            text = self._placeholder(f"{why}; run this cell again to open it")
            about = {
                "data": {"text/plain": text},
                "metadata": {},
                "transient": {"display_id": shown},
            }
            self._publish("update_display_data", about)

    def _publish(
        self,
        kind: str,
        about: Message,
        *,
        metadata: Message | None = None,
        buffers: Sequence[bytes] = (),
        parent: Mapping[str, Any] | None = None,
        topic: bytes | None = None,
    ) -> None:
        """Publish a message of the notebook's kernel."""
        self._kernel.session.send(
            self._kernel.iopub_socket,
            kind,
            about,
            metadata=metadata or {},
            buffers=list(buffers),
            parent=parent or {},
            ident=topic or kind.encode(),
        )

    def _placeholder(self, words: str) -> str:
        return f"Page {self.name} of {self._server.address}: {words}."


def _kernel_of_notebook() -> Any:
    """Return the kernel that runs this code; raise SettingsError if none does."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        kernel = None
    else:
        kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        raise SettingsError(
            "this is not a notebook", where="page", fix="Open the server's address in a browser"
        )
    return kernel


def _read(content: bytes) -> Message | None:
    """Read a message of the kernel's widgets or its state; None for any other."""
    channel, parts = deserialize_msg_from_ws_v1(content)  # type: ignore[no-untyped-call]
    if channel != "iopub":
        return None
    header, parent, metadata, about = (json.loads(part) for part in parts[:4])
    if not header["msg_type"].startswith(("comm_", "status")):
        return None
    return {
        "header": header,
        "parent_header": parent,
        "metadata": metadata,
        "content": about,
        "buffers": parts[4:],
    }
