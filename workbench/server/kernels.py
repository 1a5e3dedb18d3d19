"""Kernels of the dashboards: their environment, warm ones in reserve, and their error messages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.log import app_log
from tornado.web import HTTPError
from traitlets import Dict, Int, List, Unicode

from workbench.server.sessions import CURRENT, Session

IDLE_SECONDS = 300
"""Idle time after which a kernel whose page went away unannounced (a killed browser) is ended."""

WARM_KERNELS = 1
"""Kernels kept ready for the next pages, each with about 300 MB."""

_PREWARM = "__import__('workbench.widgets.prewarm', fromlist=['prewarm']).prewarm()"
# The page that has just been opened needs the processor more than the next one does.
_REFILL_SECONDS = 3.0
# The status that goes with an answer arrives within this time, or was sent before we listened.
_IOPUB_SECONDS = 0.05
# Prewarming takes two seconds; on a busy machine, many times that.
_PREWARM_SECONDS = 60
# How long a page waits for a warm kernel that is not ready yet, before it gets a cold one.
_CLAIM_SECONDS = 3.0

MESSAGE_BYTES = 200 * 2**20
"""The largest message between page and kernel: ten photographs of 20 MB."""

VIEWER_MESSAGE = "Something went wrong. The details are in the server's log."

# The variables about the request that a kernel may see. Voila passes them along with the whole
# environment of the server, secrets included.
_REQUEST_VARIABLES = ("QUERY_STRING", "VOILA_BASE_URL", "VOILA_PREHEAT")
# Secrets of the server that its environment may hold.
_SECRETS = ("SIGHTLINE_TOKEN", "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE")


def kernel_environment(settings: Mapping[str, str], *, scratch: Path) -> dict[str, str]:
    """Environment of a kernel: the server's without its secrets, overridden by ``settings``.

    ``scratch`` replaces the user's IPython profile, so that the start-up files and the history of
    the person who started the server have no effect.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return {**inherited, "IPYTHONDIR": str(scratch / "ipython"), **settings}


class CurrentInterpreter(KernelSpecManager):
    """Kernel specs: the interpreter that runs the server, and no other that may be installed."""

    kernel_dirs = List(Unicode(), default_value=[])


@dataclass(frozen=True)
class _WarmKernel:
    """A kernel ready for a page, and a client connected to it: connecting takes 0.2 s."""

    kernel_id: str
    client: AsyncKernelClient

    async def run(self, code: str, *, seconds: float) -> None:
        """Run ``code`` without leaving it in the page's history; raise RuntimeError if it fails."""
        answer = await self.client.execute(
            code, silent=True, store_history=False, reply=True, timeout=seconds
        )
        if answer["content"]["status"] != "ok":
            raise RuntimeError("\n".join(answer["content"].get("traceback", [])))


class FastReadyClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel answers; Jupyter's waits another 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers; raise RuntimeError if it died or the time is up."""
        end = time.monotonic() + (_PREWARM_SECONDS if timeout is None else timeout)
        while time.monotonic() < end and await self.is_alive():
            try:
                answer = await self.kernel_info(reply=True, timeout=1)
                # Until the kernel knows of a subscriber, what it publishes is lost.
                await self.iopub_channel.get_msg(timeout=_IOPUB_SECONDS)
            except (TimeoutError, Empty):
                continue
            self._handle_kernel_info_reply(answer)
            return
        raise RuntimeError("the kernel died before it was ready, or does not answer")


class DashboardKernels(AsyncMappingKernelManager):
    """Start each kernel with ``environment``, in the directory the server was started in.

    ``warm_kernels`` of them are started in advance and import what a page needs, which takes most
    of the time of opening one. Voila's own preheating runs the whole notebook in advance: the page
    would show the cases and the footage of that time.
    """

    environment = Dict(Unicode(), config=True, help="the whole environment of each kernel")
    warm_kernels = Int(
        WARM_KERNELS, min=0, config=True, help="how many kernels are kept ready for the next pages"
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._waiting: list[asyncio.Task[_WarmKernel]] = []
        self._next_refill: asyncio.TimerHandle | None = None
        self._sessions: dict[str, Session] = {}

    def refill(self) -> None:
        """Start kernels in the background until ``warm_kernels`` of them are ready or starting."""
        while len(self._waiting) < self.warm_kernels:
            self._waiting.append(asyncio.create_task(self._start_warm()))

    async def start_kernel(  # type: ignore[override]  # Jupyter has the name in its kwargs
        self, *, env: Mapping[str, str], **kwargs: Any
    ) -> str:
        """Id of a kernel for a page of the current session: a warm one if there is any."""
        session = CURRENT.get()
        request = {name: env[name] for name in _REQUEST_VARIABLES if name in env}
        kernel_id = await self._claim(request)
        if kernel_id is None:
            kernel_id = await self._start_cold(env={**self.environment, **request}, **kwargs)
        self._sessions[kernel_id] = session  # before a cell of the page runs
        if not session.alive:  # signed out meanwhile
            await self.end_those_of(session)
            raise HTTPError(401)
        if self.warm_kernels:
            loop = asyncio.get_running_loop()
            self._next_refill = loop.call_later(_REFILL_SECONDS, self.refill)
        return kernel_id

    def session_of(self, kernel_id: str) -> Session | None:
        """Session whose page a kernel serves; None for one that waits, and for no kernel."""
        return self._sessions.get(kernel_id) if kernel_id in self else None

    def session_of_process(self, pid: int) -> Session | None:
        """Session that a process works for: the kernel itself, or one that it has started.

        Each kernel leads a session of processes, by which the operating system knows its children.
        """
        if pid <= 0:  # of another system, as containers are to each other
            return None
        try:
            leader = os.getsid(pid)
        except ProcessLookupError:
            return None
        for kernel_id, session in self._sessions.items():
            kernel: Any = self.get_kernel(kernel_id) if kernel_id in self else None
            if kernel is not None and kernel.provisioner.pid == leader:
                return session
        return None

    async def end_those_of(self, session: Session) -> None:
        """End the kernels of a session."""
        for kernel_id, one in list(self._sessions.items()):
            if one is session and kernel_id in self:
                kernels: Any = self
                await kernels.shutdown_kernel(kernel_id, now=True)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended."""
        self._sessions.pop(kernel_id, None)
        kernels: Any = super()
        return kernels.remove_kernel(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that has been idle for too long, unless it is a warm one in reserve."""
        ids = {task.result().kernel_id for task in self._waiting if _succeeded(task)}
        if kernel_id not in ids:
            await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]

    async def shutdown_all(self, now: bool = False) -> None:  # type: ignore[override]
        """End all kernels, those that are still being prewarmed too."""
        if self._next_refill is not None:
            self._next_refill.cancel()
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await super().shutdown_all(now=now)

    async def _start_cold(self, **kwargs: Any) -> str:
        kernel_id: str = await super().start_kernel(**kwargs)
        return kernel_id

    async def _start_warm(self) -> _WarmKernel:
        starting = asyncio.create_task(self._start_cold(env=dict(self.environment), path=""))
        try:
            kernel_id = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting  # only a kernel that has started is known, and ended with the others
            raise
        kernel: Any = self.get_kernel(kernel_id)
        warm = _WarmKernel(kernel_id, kernel.client())
        try:
            await warm.client.wait_for_ready(timeout=_PREWARM_SECONDS)
            await warm.run(_PREWARM, seconds=_PREWARM_SECONDS)
        except BaseException:
            warm.client.stop_channels()
            raise
        return warm

    async def _claim(self, request: Mapping[str, str]) -> str | None:
        """Take a warm kernel and set the variables of the request in it; None if there is none."""
        while self._waiting:
            task = self._waiting[0]
            done, _ = await asyncio.wait({task}, timeout=_CLAIM_SECONDS)
            if task not in self._waiting:  # another page took it meanwhile
                continue
            if not done:
                return None
            self._waiting.remove(task)
            if (error := task.exception()) is not None:
                self.log.warning("a kernel could not be prewarmed: %r", error)
                continue
            warm = task.result()
            try:
                sets_variables = f"__import__('os').environ.update({dict(request)!r})"
                await warm.run(sets_variables, seconds=_CLAIM_SECONDS)
            except (RuntimeError, TimeoutError) as error:
                self.log.warning("a warm kernel did not answer and is ended: %r", error)
                if warm.kernel_id in self:
                    kernels: Any = self
                    await kernels.shutdown_kernel(warm.kernel_id, now=True)
            else:
                return warm.kernel_id
            finally:
                warm.client.stop_channels()
        return None

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:  # noqa: ARG002 - Jupyter's signature
        """Directory a kernel starts in: the server's, whatever the path of the page."""
        # Relative paths and sightline.env then mean the same as on the command line.
        return str(Path.cwd())


def _succeeded(task: asyncio.Task[_WarmKernel]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


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


def log_failed_cell(*, cell_index: int, execute_reply: dict[str, Any], **_: Any) -> None:
    """Log why a cell failed while its page was rendered, before the page is connected."""
    reason = "\n".join(execute_reply["content"].get("traceback", []))
    app_log.error("cell %d: %s", cell_index + 1, reason)


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
        kernels: Any = self.kernel_manager
        if kernel_id in kernels:
            await kernels.shutdown_kernel(kernel_id, now=True)
        self.set_status(204)
