"""The kernels behind the dashboards: what they know of the server, and what leaves them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.log import app_log
from traitlets import Dict, List, Unicode

IDLE_SECONDS = 300
"""A kernel whose page is gone without a word (the browser was killed) is ended after this long."""

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


class DashboardKernels(AsyncMappingKernelManager):
    """Starts each kernel with ``environment``, in the directory the server was started in."""

    environment = Dict(Unicode(), config=True, help="the whole environment of each kernel")

    async def start_kernel(  # type: ignore[override]  # Jupyter has the name in its kwargs
        self, *, env: Mapping[str, str], **kwargs: Any
    ) -> str:
        request = {name: env[name] for name in _OF_THE_REQUEST if name in env}
        kernel_id: str = await super().start_kernel(env={**self.environment, **request}, **kwargs)
        return kernel_id

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:  # noqa: ARG002 - Jupyter's signature
        # Relative paths and sightline.env then mean the same as on the command line.
        return str(Path.cwd())


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
