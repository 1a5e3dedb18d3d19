"""Sockets of pages that are closed in the middle of something."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from looping import run_apart
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from workbench.server.sockets import KernelSocket


@pytest.mark.parametrize(
    ("error", "told"), [(WebSocketClosedError(), 0), (OSError("no buffer space"), 1)]
)
def test_a_page_that_is_closed_before_or_while_it_is_sent_to_is_no_error(
    error: Exception, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    def write(self: WebSocketHandler, *_: Any) -> asyncio.Future[None]:
        if self.ws_connection.is_closing():  # type: ignore[union-attr]
            raise WebSocketClosedError
        return asyncio.ensure_future(fail())

    monkeypatch.setattr(WebSocketHandler, "write_message", write)
    said: list[dict[str, Any]] = []

    async def send() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, words: said.append(words))
        socket: Any = KernelSocket.__new__(KernelSocket)
        for is_closing in (True, False):
            socket.ws_connection = SimpleNamespace(is_closing=lambda closing=is_closing: closing)
            socket.write_message("{}")
        for _ in range(4):
            await asyncio.sleep(0)
        gc.collect()  # asyncio tells of an error that nobody read once its task is gone

    run_apart(send())
    assert len(said) == told
