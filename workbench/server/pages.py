"""Sightline's own pages around Voila's: front page, dashboards by name, map frame, errors."""

from __future__ import annotations

import asyncio
from http.client import responses
from pathlib import Path
from typing import Any, cast

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from voila.tornado.handler import TornadoVoilaHandler

from workbench.server.dashboards import find_dashboards
from workbench.server.kernels import DashboardKernels, TooManyKernels
from workbench.server.sessions import CURRENT


class Page(JupyterHandler):
    """A page rendered from one of the packaged templates."""

    def show(self, template: str, **names: Any) -> None:
        """Send a template, rendered with *names*."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(self.settings["voila_jinja2_env"].get_template(template).render(**names))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Show an error without a traceback or file names, which are in the log."""
        self.show("error.html", status=status_code, what=responses.get(status_code, "Error"))


class FrontPage(Page):
    """List of the dashboards, each with its description."""

    def initialize(self, folder: Path) -> None:
        """Keep the folder of the dashboards."""
        self._folder = folder

    async def get(self) -> None:
        """Send the list."""
        self.show("front.html", dashboards=find_dashboards(self._folder))


class Frame(Page):
    """Empty document that receives a self-contained map; its policy is :meth:`Policy.frame`."""

    async def get(self) -> None:
        """Send the empty document."""
        self.show("frame.html")


class NotFound(Page):
    """Answer to an address without a route."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse any method with 404."""
        raise HTTPError(404)


class DashboardPage(TornadoVoilaHandler, Page):  # type: ignore[misc]
    """Voila's page of a dashboard in the folder, and of no other file."""

    def initialize(self, folder: Path, **kwargs: Any) -> None:
        """Keep the folder of the dashboards."""
        super().initialize(**kwargs)
        self._folder = folder

    async def get(self, name: str) -> None:
        """Render the dashboard of that name; 404 if there is none, 429 or 503 if it is one more."""
        if name not in {dashboard.name for dashboard in find_dashboards(self._folder)}:
            raise HTTPError(404)
        request: Any = self.request  # the door has put the session there
        CURRENT.set(request.session)  # the kernel is started in this task
        self._rendering = asyncio.create_task(self._render(f"{name}.ipynb"))
        await asyncio.wait({self._rendering})
        if not self._rendering.cancelled():  # by a browser that waits no more
            self._rendering.result()

    _rendering: asyncio.Task[None] | None = None

    async def _render(self, path: str) -> None:
        kernels = cast(DashboardKernels, self.kernel_manager)
        async with kernels.opening(CURRENT.get()):
            async for html in self.get_generator(path=path):
                self.write(html)
                try:
                    await self.flush()
                except StreamClosedError:
                    raise asyncio.CancelledError from None

    def on_connection_close(self) -> None:
        """Stop rendering, and end the kernel of a page that nobody waits for."""
        super().on_connection_close()
        if self._rendering is not None:
            self._rendering.cancel()

    def write_error(self, status_code: int, **about: Any) -> None:
        """Show an error, or that there are too many pages."""
        error = (about.get("exc_info") or (None, None))[1]
        if isinstance(error, TooManyKernels):
            self.set_header("Retry-After", "60")
            self.show("busy.html", yours=error.yours, most=error.most)
        else:
            Page.write_error(self, status_code, **about)


class KernelState(KernelHandler):
    """State of a kernel, by which a page learns whether it still runs."""

    async def get(self, kernel_id: str) -> None:
        """Send the state of the kernel; 404 if it has ended."""
        cast(DashboardKernels, self.kernel_manager).heard_of(kernel_id)
        await super().get(kernel_id)  # type: ignore[misc]  # a coroutine, decorated
