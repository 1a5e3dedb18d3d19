"""Sightline's own pages around Voila's: front page, dashboards by name, map frame, errors."""

from __future__ import annotations

import asyncio
from http.client import responses
from pathlib import Path
from typing import Any, cast

from jupyter_server.base.handlers import FileFindHandler, JupyterHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from voila.tornado.handler import TornadoVoilaHandler

from workbench.server.dashboards import find_dashboards
from workbench.server.kernels import DashboardKernels
from workbench.server.openings import TooManyKernels
from workbench.server.sessions import CURRENT, Session, Sessions
from workbench.server.ways import Way


class Page(JupyterHandler):
    """A page rendered from one of the packaged templates."""

    @property
    def session(self) -> Session:
        """Session of the request, which the door has put there."""
        request: Any = self.request
        session: Session = request.session
        return session

    def show(self, template: str, **names: Any) -> None:
        """Send a template, rendered with *names* and the account that is signed in."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        page = self.settings["voila_jinja2_env"].get_template(template)
        self.finish(page.render(account=self.session.account, way=self.session.way, **names))

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


class SignOut(Page):
    """End of the session that asks for it, and of its kernels."""

    def initialize(self, sessions: Sessions) -> None:
        """Keep the sessions."""
        self._sessions = sessions

    def check_xsrf_cookie(self) -> None:
        """Accept a request without an _xsrf value: the door lets only pages of ours send one."""

    async def post(self) -> None:
        """End the session, and send the address where the browser goes next."""
        way: Way = self.application.way  # type: ignore[attr-defined]
        await self._sessions.end(self.session, "signed out")
        way.cookie.remove(self)
        self.finish({"next": way.signed_out()})


def name_user(handler: DashboardPage, *, notebook: Any, cwd: str) -> None:  # noqa: ARG001 - Voila's
    """Put the account that is signed in where the template of a dashboard finds it."""
    notebook.metadata.setdefault("sightline", {})["account"] = handler.session.account


class ExtensionFile(FileFindHandler, Page):
    """File of a JupyterLab extension; its errors are shown as all others are."""

    write_error = Page.write_error


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
        CURRENT.set(self.session)  # the kernel is started in this task
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
