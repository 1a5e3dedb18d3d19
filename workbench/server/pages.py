"""Sightline's own pages around Voila's: front page, dashboards by name, map frame, errors."""

from __future__ import annotations

from http.client import responses
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError
from voila.tornado.handler import TornadoVoilaHandler

from workbench.server.dashboards import find_dashboards
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
        """Render the dashboard of that name; 404 if there is none."""
        if name not in {dashboard.name for dashboard in find_dashboards(self._folder)}:
            raise HTTPError(404)
        request: Any = self.request  # the door has put the session there
        CURRENT.set(request.session)  # the kernel is started in this task
        await super().get(f"{name}.ipynb")  # type: ignore[misc]  # a coroutine, decorated

    write_error = Page.write_error
