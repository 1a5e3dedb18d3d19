"""Kernels that are forked, where that takes longer than anyone waits."""

from __future__ import annotations

import asyncio
import os
import signal
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
        command = ["python", "-m", "ipykernel_launcher", "-f", str(tmp_path / "kernel.json")]

        async def forked() -> forks.ForkedProcess | None:
            return await made.start(command, environment=os.environ, folder=str(tmp_path))

        try:
            assert await asyncio.wait_for(asyncio.shield(made._ready), 60)
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
            until = time.monotonic() + 60
            while [child.pid for child in parent.children()] != [kernel.pid]:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            assert kernel.poll() is None
        finally:
            parent.send_signal(signal.SIGCONT)
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
