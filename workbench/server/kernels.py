"""The kernels behind the dashboards: what they know of the server, and what leaves them."""

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
from traitlets import Dict, Int, List, Unicode

IDLE_SECONDS = 300
"""A kernel whose page is gone without a word (the browser was killed) is ended after this long."""

HEATED = 1
"""How many kernels wait for a page, each with about 300 MB."""

_HEAT = "__import__('workbench.widgets.prewarm', fromlist=['heat']).heat()"
# What a page that has just been opened needs more than the next one does.
_REST_SECONDS = 3.0
# What it says of itself with an answer comes within this, or was said to nobody.
_HEARD_SECONDS = 0.05
# The longest that heating may take; on a busy machine it takes many times the usual two seconds.
_HEAT_SECONDS = 60
# How long a page waits for a kernel that waits for pages, before it gets a cold one.
_PATIENCE_SECONDS = 3.0

MESSAGE_BYTES = 200 * 2**20
"""The largest message between page and kernel: ten photographs of 20 MB."""

VIEWER_MESSAGE = "Something went wrong here. What it was is written in the server's log."

# What Voila tells a kernel about the request, of which the kernel may see this. The rest of what
# comes with it is the whole environment of the server, secrets included.
_OF_THE_REQUEST = ("QUERY_STRING", "VOILA_BASE_URL", "VOILA_PREHEAT")
# Secrets of the server that may stand in its environment.
_SECRETS = ("SIGHTLINE_TOKEN", "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE")


def kernel_environment(settings: Mapping[str, str], *, scratch: Path) -> dict[str, str]:
    """The environment of a kernel: the server's without its secrets, with ``settings`` on top.

    ``scratch`` takes the place of the user's IPython profile, so that start-up files and the
    history of the person who started the server play no part.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return {**inherited, "IPYTHONDIR": str(scratch / "ipython"), **settings}


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs the server, whatever else is installed."""

    kernel_dirs = List(Unicode(), default_value=[])


@dataclass(frozen=True)
class _Heated:
    """A kernel that waits for a page, and the line to it: making one takes a fifth of a second."""

    kernel_id: str
    client: AsyncKernelClient

    async def run(self, code: str, *, seconds: float) -> None:
        """Run ``code`` and leave no trace of it in the page's history."""
        answer = await self.client.execute(
            code, silent=True, store_history=False, reply=True, timeout=seconds
        )
        if answer["content"]["status"] != "ok":
            raise RuntimeError("\n".join(answer["content"].get("traceback", [])))


class PromptClient(AsyncKernelClient):
    """Is ready when the kernel answers and is heard; Jupyter's listens for another 0.2 s then."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Raises RuntimeError if it is dead, or does not answer within *timeout* seconds."""
        end = time.monotonic() + (_HEAT_SECONDS if timeout is None else timeout)
        while time.monotonic() < end and await self.is_alive():
            try:
                answer = await self.kernel_info(reply=True, timeout=1)
                # What it publishes is lost until it knows that somebody listens.
                await self.iopub_channel.get_msg(timeout=_HEARD_SECONDS)
            except (TimeoutError, Empty):
                continue
            self._handle_kernel_info_reply(answer)
            return
        raise RuntimeError("The kernel died before it was ready, or does not answer")


class DashboardKernels(AsyncMappingKernelManager):
    """Starts each kernel with ``environment``, in the directory the server was started in.

    Some kernels are started before anybody asks and import what a page needs, which is most of what
    opening one takes. Voila's own heating runs the whole notebook: the page would show the cases
    and the footage of that hour.
    """

    environment = Dict(Unicode(), config=True, help="the whole environment of each kernel")
    heated = Int(HEATED, min=0, config=True, help="how many kernels wait for a page")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._waiting: list[asyncio.Task[_Heated]] = []
        self._next_heating: asyncio.TimerHandle | None = None

    def heat(self) -> None:
        """Start kernels in the background until ``heated`` of them wait."""
        while len(self._waiting) < self.heated:
            self._waiting.append(asyncio.create_task(self._heat()))

    async def start_kernel(  # type: ignore[override]  # Jupyter has the name in its kwargs
        self, *, env: Mapping[str, str], **kwargs: Any
    ) -> str:
        request = {name: env[name] for name in _OF_THE_REQUEST if name in env}
        kernel_id = await self._heated_for(request)
        if kernel_id is None:
            kernel_id = await self._start(env={**self.environment, **request}, **kwargs)
        if self.heated:
            loop = asyncio.get_running_loop()
            self._next_heating = loop.call_later(_REST_SECONDS, self.heat)
        return kernel_id

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Leave those that wait."""
        ids = {task.result().kernel_id for task in self._waiting if _succeeded(task)}
        if kernel_id not in ids:
            await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]

    async def shutdown_all(self, now: bool = False) -> None:  # type: ignore[override]
        if self._next_heating is not None:
            self._next_heating.cancel()
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await super().shutdown_all(now=now)

    async def _start(self, **kwargs: Any) -> str:
        kernel_id: str = await super().start_kernel(**kwargs)
        return kernel_id

    async def _heat(self) -> _Heated:
        starting = asyncio.create_task(self._start(env=dict(self.environment), path=""))
        try:
            kernel_id = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting  # only what has been started is known, and ended with the others
            raise
        kernel: Any = self.get_kernel(kernel_id)
        heated = _Heated(kernel_id, kernel.client())
        try:
            await heated.client.wait_for_ready(timeout=_HEAT_SECONDS)
            await heated.run(_HEAT, seconds=_HEAT_SECONDS)
        except BaseException:
            heated.client.stop_channels()
            raise
        return heated

    async def _heated_for(self, request: Mapping[str, str]) -> str | None:
        """A kernel that waited and now knows the request; None where there is none."""
        while self._waiting:
            task = self._waiting[0]
            done, _ = await asyncio.wait({task}, timeout=_PATIENCE_SECONDS)
            if task not in self._waiting:  # another page has taken it meanwhile
                continue
            if not done:
                return None
            self._waiting.remove(task)
            if (error := task.exception()) is not None:
                self.log.warning("a kernel could not be made ready for a page: %r", error)
                continue
            heated = task.result()
            try:
                knows = f"__import__('os').environ.update({dict(request)!r})"
                await heated.run(knows, seconds=_PATIENCE_SECONDS)
            except (RuntimeError, TimeoutError) as error:
                self.log.warning("a kernel that waited for a page is gone: %r", error)
                if heated.kernel_id in self:
                    kernels: Any = self
                    await kernels.shutdown_kernel(heated.kernel_id, now=True)
            else:
                return heated.kernel_id
            finally:
                heated.client.stop_channels()
        return None

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:  # noqa: ARG002 - Jupyter's signature
        # Relative paths and sightline.env then mean the same as on the command line.
        return str(Path.cwd())


def _succeeded(task: asyncio.Task[_Heated]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


class LoggedConnection(ZMQChannelsWebsocketConnection):
    """Writes what goes wrong in a kernel to the server's log; Jupyter hides it from the page."""

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
    """Write why a cell failed while its page was being made, before any page is connected."""
    reason = "\n".join(execute_reply["content"].get("traceback", []))
    app_log.error("cell %d: %s", cell_index + 1, reason)


class ShutdownHandler(JupyterHandler):
    """End the kernel of a page that closes.

    Voila's own handler answers 403: the page's beacon carries no _xsrf value that Jupyter Server
    accepts, and kernels pile up (voila #1458). The door has already seen that the request comes
    from a page of ours.
    """

    def check_xsrf_cookie(self) -> None:
        """See above."""

    async def post(self, kernel_id: str) -> None:
        kernels: Any = self.kernel_manager
        if kernel_id in kernels:
            await kernels.shutdown_kernel(kernel_id, now=True)
        self.set_status(204)
