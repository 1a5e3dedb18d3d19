"""Kernels that are forked, where that takes longer than anyone waits."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from looping import run_apart

from workbench.server import forks
from workbench.server.forks import ForkedKernel, Forks
from workbench.server.kernels import DashboardKernels
from workbench.server.sockets import PROTOCOL, KernelSocket, LoggedConnection


async def asked_of(made: Forks, file: str) -> forks.ForkedProcess | None:
    """Ask for a kernel whose connection a file is to describe."""
    command = ["python", "-m", "ipykernel_launcher", "-f", file]
    return await made.start(command, environment=os.environ, folder=str(Path(file).parent))


def test_a_kernel_that_is_forked_too_late_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the connection file of the kernel that a page would be given in its place."""

    async def ask() -> None:
        made = Forks(os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # it ends its own before a fork
        await made.open()
        assert made._parent is not None
        assert made._ready is not None
        parent = psutil.Process(made._parent.pid)
        files = (str(tmp_path / f"{number}.json") for number in itertools.count())

        async def forked() -> forks.ForkedProcess | None:
            return await asked_of(made, next(files))

        try:
            assert await asyncio.wait_for(asyncio.shield(made._ready), 240)
            assert (
                parent.num_threads() == 1
            )  # what another holds would be held for ever in a kernel
            parent.send_signal(signal.SIGSTOP)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(forks, "_FORK_SECONDS", 0.1)
                with pytest.raises(RuntimeError, match="not forked in time"):
                    await forked()
            leaving = asyncio.create_task(forked())
            await asyncio.sleep(0)  # so that it asks
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            parent.send_signal(signal.SIGCONT)
            kernel = await forked()
            assert kernel is not None
            until = time.monotonic() + 240
            while [child.pid for child in parent.children()] != [kernel.pid]:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            assert kernel.poll() is None
        finally:
            parent.send_signal(signal.SIGCONT)
            await made.close()

    run_apart(ask())


def test_while_what_kernels_are_forked_from_is_lost_none_is_asked_of_it(tmp_path: Path) -> None:
    """Else a kernel would be given to whoever asked then, and each after it to the one before."""

    async def ask() -> None:
        made, gone = Forks(os.environ), threading.Event()
        async with asyncio.timeout(600):
            await lose(made, gone)

    async def lose(made: Forks, gone: threading.Event) -> None:
        await made.open()
        try:
            assert made._parent is not None
            assert made._ready is not None
            assert await asyncio.wait_for(asyncio.shield(made._ready), 240)
            lost, wait = made._parent, made._parent.wait
            lost.wait = lambda: gone.wait() and wait()  # type: ignore[assignment, method-assign]
            lost.kill()
            while made._processes or made._writer is None or not made._writer.is_closing():
                await asyncio.sleep(0.01)
            assert await asked_of(made, str(tmp_path / "one.json")) is None
            gone.set()
            while made._parent is lost or made._ready is None:
                await asyncio.sleep(0.01)
            kernel = await asked_of(made, str(tmp_path / "two.json"))
            assert kernel is not None
            assert psutil.Process(kernel.pid).ppid() == made._parent.pid
        finally:
            gone.set()
            await made.close()

    run_apart(ask())


def test_an_error_in_a_kernel_is_given_to_its_page_without_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kernels: Any = DashboardKernels(
        allow_tracebacks=False, traceback_replacement_message="Something went wrong."
    )
    socket: Any = KernelSocket.__new__(KernelSocket)
    socket.ws_connection = SimpleNamespace(selected_subprotocol=PROTOCOL)
    connection: Any = LoggedConnection(
        parent=ForkedKernel(parent=kernels), websocket_handler=socket
    )
    said = {"ename": "ValueError", "evalue": "a secret", "traceback": ["in a secret place"]}
    message = connection.session.msg("error", said)
    parts = [
        connection.session.pack(message[part])
        for part in ("header", "parent_header", "metadata", "content")
    ]
    message["content"] = message["header"] = None  # unpacked when they are needed
    connection._on_error("iopub", message, parts)
    assert connection.session.unpack(parts[3]) == {
        "ename": "ExecutionError",
        "evalue": "Execution error",
        "traceback": ["Something went wrong."],
    }
    assert "in a secret place" in caplog.text
