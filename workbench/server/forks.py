"""Kernels forked from a process that has imported what they need: the server's end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from tornado.log import app_log

_LAUNCHER = "ipykernel_launcher"
# A fork takes milliseconds, on a busy machine a second.
_FORK_SECONDS = 20.0
# Importing takes two seconds; on a busy machine, many times that.
_READY_SECONDS = 60.0
# The status that goes with an answer arrives within this time, or was sent before we listened.
_IOPUB_SECONDS = 0.05
_RECONNECT_MS = (5, 100)  # at first, and at most
_ANSWER_SECONDS = 60  # of a kernel, on a busy machine


class ForkedProcess:
    """A forked kernel, with as much of :class:`subprocess.Popen` as Jupyter asks for."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit status, or None while the process runs."""
        return self.returncode

    def wait(self) -> int | None:
        """Exit status of the process, which has ended."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process still runs."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)


class Forks:
    """The process that kernels are forked from; started again if it ends.

    Where it cannot be had, :meth:`start` returns None, and kernels are started in the plain way.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # A lock that another thread holds would be held for ever in what is forked meanwhile.
        self._environment = {**environment, "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._parent: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready: asyncio.Future[bool] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._started: list[asyncio.Future[ForkedProcess]] = []
        self._processes: dict[int, ForkedProcess] = {}

    async def open(self) -> None:
        """Start the process; it is ready some seconds later."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._parent = subprocess.Popen(  # noqa: S603 - this interpreter, our module
                # -P: whatever lies in the working directory is not code of ours
                [sys.executable, "-P", "-m", "workbench.server.forking", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the server
            )
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._ready = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(reader, self._ready))

    async def start(
        self, command: list[str], *, environment: Mapping[str, str], folder: str
    ) -> ForkedProcess | None:
        """Fork a kernel that runs that command; None if none is forked, nor will be.

        Raises RuntimeError if it takes too long. The kernel is ended should it come after all: it
        would have the ports of any that is started in its place.
        """
        if _LAUNCHER not in command or (waiting := self._ready) is None:
            return None
        try:
            async with asyncio.timeout(_READY_SECONDS):
                ready = await asyncio.shield(waiting)
        except TimeoutError as error:
            app_log.error("a kernel could not be forked: %r", error)
            return None
        if not ready or self._writer is None or self._ready is not waiting:  # it is lost again
            return None
        asked = {
            "arguments": command[command.index(_LAUNCHER) + 1 :],
            "environment": dict(environment),
            "folder": folder,
        }
        started: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(json.dumps(asked).encode() + b"\n")
            self._started.append(started)
            async with asyncio.timeout(_FORK_SECONDS):
                return await asyncio.shield(started)
        except TimeoutError:
            started.add_done_callback(_end_late)
            raise RuntimeError("a kernel was not forked in time") from None
        except OSError as error:  # the process has ended, and with it each that it forked
            app_log.error("a kernel could not be forked: %r", error)
            return None
        except asyncio.CancelledError:
            started.add_done_callback(_end_late)
            raise

    async def close(self) -> None:
        """End the process, and with it any kernel that is left."""
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()
        if self._parent is not None:
            self._parent.kill()
            await asyncio.to_thread(self._parent.wait)
        self._ready = None

    async def _read(self, reader: asyncio.StreamReader, ready: asyncio.Future[bool]) -> None:
        try:
            while line := await reader.readline():
                told = json.loads(line)
                if "ready" in told:
                    ready.set_result(True)
                elif "started" in told:
                    forked = ForkedProcess(told["started"])
                    self._processes[forked.pid] = forked
                    self._started.pop(0).set_result(forked)
                elif (ended := self._processes.pop(told["ended"], None)) is not None:
                    ended.returncode = told["status"]
        except (OSError, ValueError) as error:
            app_log.error("what kernels are forked from cannot be heard: %r", error)
        await self._lost(ready)

    async def _lost(self, ready: asyncio.Future[bool]) -> None:
        """Take note that the process has ended, and its kernels with it; start another."""
        worked, self._ready = ready.done(), None  # nothing is asked of it any more
        app_log.error("the process that kernels are forked from has ended")
        if not worked:
            ready.set_result(False)  # it never will: kernels are started in the plain way
        for process in self._processes.values():
            process.returncode = -signal.SIGKILL
        self._processes.clear()
        for started in self._started:
            started.set_exception(OSError("the process that kernels are forked from has ended"))
        self._started.clear()
        if self._writer is not None:
            self._writer.close()
        if self._parent is not None:
            await asyncio.to_thread(self._parent.wait)
        if worked:
            await self.open()


def _end_late(started: asyncio.Future[ForkedProcess]) -> None:
    """End a kernel that nobody waits for any more, once it is there."""
    if started.exception() is None:
        started.result().kill()


class FastReadyClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel answers; Jupyter's waits another 0.2 s.

    It may be ready already when it is given to whoever asks the kernel's manager for one.
    """

    _is_ready = False

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        # A kernel listens some time after its start; what came too early tries again that soon.
        context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS[0])
        context.setsockopt(zmq.RECONNECT_IVL_MAX, _RECONNECT_MS[1])
        return context

    def start_channels(self, *which: bool, **channels: bool) -> None:
        """Connect to the kernel, unless it is done."""
        if not self._is_ready:
            super().start_channels(*which, **channels)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers; raise RuntimeError if it died or the time is up."""
        if self._is_ready:
            return
        end = time.monotonic() + (_ANSWER_SECONDS if timeout is None else timeout)
        while time.monotonic() < end and await self.is_alive():
            self.kernel_info()
            try:
                answer = await self.get_shell_msg(timeout=1)  # perhaps to an earlier question
                # Until the kernel knows of a subscriber, what it publishes is lost.
                await self.iopub_channel.get_msg(timeout=_IOPUB_SECONDS)
            except (TimeoutError, Empty):
                continue
            self._handle_kernel_info_reply(answer)
            self._is_ready = True
            return
        raise RuntimeError("the kernel died before it was ready, or does not answer")


class ForkProvisioner(LocalProvisioner):
    """Start a kernel by forking, or in the plain way where that cannot be done."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Start the kernel; return how to connect to it."""
        manager: Any = self.parent
        forks: Forks | None = manager.parent.forks
        process = None
        if forks is not None:
            process = await forks.start(
                cmd, environment=options["env"], folder=str(options.get("cwd") or Path.cwd())
            )
        if process is None:
            return await super().launch_kernel(cmd, **options)
        places: Any = self
        places.process, places.pid, places.pgid = process, process.pid, process.pid
        return self.connection_info


class ForkedKernel(ServerKernelManager):
    """Manager of one kernel that is forked.

    The client that waited for the kernel is given to the first who asks for one: connecting takes
    50 ms.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.provisioner = ForkProvisioner(kernel_spec=self.kernel_spec, parent=self)
        self._connected: AsyncKernelClient | None = None

    async def connect(self) -> None:
        """Wait until the kernel answers; raise RuntimeError if it does not."""
        if self._connected is not None:
            return
        client = super().client()
        try:
            await client.wait_for_ready()
        except BaseException:
            client.stop_channels()
            raise
        self._connected = client

    async def run(self, code: str, *, seconds: float) -> None:
        """Run *code* in the connected kernel without a trace in the page's history.

        Raises RuntimeError if it fails, and TimeoutError.
        """
        client: Any = self._connected
        answer = await client.execute(
            code, silent=True, store_history=False, reply=True, timeout=seconds
        )
        if answer["content"]["status"] != "ok":
            raise RuntimeError("\n".join(answer["content"].get("traceback", [])))

    def client(self, **options: Any) -> Any:
        """Give a client of the kernel: the connected one, once."""
        connected, self._connected = self._connected, None
        return connected or super().client(**options)

    def disconnect(self) -> None:
        """Stop the connected client, if nobody has asked for it."""
        if self._connected is not None:
            self._connected.stop_channels()
            self._connected = None

    @property
    def traceback_replacement_message(self) -> str:
        """Words in place of a traceback: Jupyter Server asks the manager of one kernel for them."""
        kernels: Any = self.parent
        return str(kernels.traceback_replacement_message)
