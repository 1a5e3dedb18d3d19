"""Sightline's own pages around Voila's: front page, dashboards by name, map frame, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http.client import responses
from typing import Any, cast

from jupyter_server.base.handlers import FileFindHandler, JupyterHandler
from tornado.iostream import StreamClosedError
from tornado.log import app_log
from tornado.web import HTTPError
from voila.notebook_renderer import NotebookRenderer
from voila.tornado.handler import TornadoVoilaHandler
from voila.utils import ENV_VARIABLE, get_page_config

from workbench.casework.record.installation_file import read_installation
from workbench.casework.record.people import PARTS, person_of, read_people
from workbench.dashboards import Dashboard, find_dashboards
from workbench.errors import SightlineError
from workbench.server.kernels import DashboardKernels
from workbench.server.openings import KernelNotStarted, TooManyKernels
from workbench.server.sessions import CURRENT, Session, Sessions
from workbench.server.ways import Way

# A proxy in front may end an answer of which nothing comes for longer.
_ALIVE_SECONDS = 10.0


class Page(JupyterHandler):
    """A page rendered from one of the packaged templates."""

    @property
    def session(self) -> Session:
        """Session of the request, which the door has put there."""
        request: Any = self.request
        session: Session = request.session
        return session

    def pages(self) -> list[Dashboard]:
        """List the dashboards that are for whoever is signed in, none if that cannot be known."""
        try:
            people = read_people(self.settings["casework"])
            person = person_of(people, self.session.identity)
            found = find_dashboards(self.settings["dashboards"])
        except SightlineError as error:
            app_log.error("no pages can be offered to %s: %s", self.session.account, error)
            return []
        return [dashboard for dashboard in found if dashboard.is_for(person)]

    def parts(self) -> dict[str, str]:
        """Tell the parts that one may play, each with its role; none but in the demo's own home.

        Nobody plays a part on a server of a team, where people are told apart.
        """
        if self.session.way != "token":
            return {}
        try:
            file = read_installation(self.settings["casework"])
        except SightlineError as error:
            app_log.error("no parts can be offered: %s", error)
            return {}
        if file is None or not file.is_demo:
            return {}
        return {name: ", ".join(sorted(roles)) for name, roles in PARTS.items()}

    def show(self, template: str, **names: Any) -> None:
        """Send a template, rendered with *names*, who is signed in, and the pages for them."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        page = self.settings["voila_jinja2_env"].get_template(template)
        session = self.session
        self.finish(
            page.render(
                account=session.account,
                way=session.way,
                pages=self.pages(),
                parts=self.parts(),
                part=session.part,
                **names,
            )
        )

    def write_error(self, status_code: int, **_: Any) -> None:
        """Show an error without a traceback or file names, which are in the log."""
        self.show("error.html", status=status_code, what=responses.get(status_code, "Error"))


class FrontPage(Page):
    """List of the dashboards that are for whoever is signed in, each with its description."""

    async def get(self) -> None:
        """Send the list."""
        self.show("front.html")


class Frame(Page):
    """Empty document that receives a self-contained map; its policy is :meth:`Policy.frame`."""

    async def get(self) -> None:
        """Send the empty document."""
        self.show("frame.html")


class PlayPart(Page):
    """Change of the part of the demo that the person plays on the pages opened from now on."""

    def check_xsrf_cookie(self) -> None:
        """Accept a request without an _xsrf value: the door lets only pages of ours send one."""

    async def post(self) -> None:
        """Take the part *name*, or none, and send the address where the browser goes next.

        That is the page *here*, if it is for the part.
        """
        part, here = self.get_query_argument("name", ""), self.get_query_argument("here", "")
        parts = self.parts()
        if not parts or (part and part not in parts):
            raise HTTPError(404)
        self.session.part = part
        paths = [page.path for page in self.pages() if page.name == here]
        base: str = self.application.address.base  # type: ignore[attr-defined]
        self.finish({"next": base + "".join(paths)})


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
    """Put the account that is signed in, and its pages, where the template finds them."""
    about = notebook.metadata.setdefault("sightline", {})
    about["account"], about["pages"] = handler.session.account, handler.pages()
    about["parts"], about["part"] = handler.parts(), handler.session.part


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

    async def get(self, name: str) -> None:
        """Render the dashboard of that name; 404 if there is none, 429 or 503 without a kernel."""
        if name not in {
            dashboard.name for dashboard in find_dashboards(self.settings["dashboards"])
        }:
            raise HTTPError(404)
        CURRENT.set(self.session)  # the kernel is started in this task
        self._rendering = asyncio.create_task(self._render(f"{name}.ipynb"))
        await asyncio.wait({self._rendering})
        if not self._rendering.cancelled():  # by a browser that waits no more
            self._rendering.result()

    _rendering: asyncio.Task[None] | None = None

    async def _render(self, path: str) -> None:
        kernels = cast(DashboardKernels, self.kernel_manager)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        async with kernels.opening(CURRENT.get()), aclosing(self._parts(kernels, path)) as parts:
            async for html in _kept_alive(parts):
                self.write(html)
                try:
                    await self.flush()
                except StreamClosedError:
                    raise asyncio.CancelledError from None

    async def _parts(self, kernels: DashboardKernels, path: str) -> AsyncGenerator[str]:
        """Start a kernel, and give the page in parts, each as soon as its cell has run.

        Voila's own generator leaves the page waiting for ever where anything fails here.
        """
        about = {
            "base_url": self.base_url,
            "settings": self.settings,
            "log": self.log,
            "voila_configuration": self.voila_configuration,
        }
        notebook = NotebookRenderer(
            request_handler=self,
            notebook_path=path,
            page_config=get_page_config(**about),
            base_url=self.base_url,
            voila_configuration=self.voila_configuration,
            traitlet_config=self.traitlet_config,
            template_paths=self.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            kernel_spec_manager=self.kernel_spec_manager,
            prelaunch_hook=self.prelaunch_hook,
        )
        await notebook.initialize()
        request = {
            ENV_VARIABLE.QUERY_STRING: str(self.request.query),
            ENV_VARIABLE.VOILA_BASE_URL: self.base_url,
            ENV_VARIABLE.VOILA_PREHEAT: "False",
        }
        spec = notebook.notebook.metadata.kernelspec.name
        kernel_id = await kernels.start_kernel(kernel_name=spec, path="", env=request)
        kernel = kernels.get_kernel(kernel_id)
        async with aclosing(notebook.generate_content_generator(kernel_id, kernel)) as parts:
            head = asyncio.ensure_future(anext(parts))  # while the kernel starts
            try:
                await kernels.wait_for(kernel_id)
            finally:
                await asyncio.wait({head})
            yield head.result()[0]
            async for html, _ in parts:
                yield html

    def on_connection_close(self) -> None:
        """Stop rendering, and end the kernel of a page that nobody waits for."""
        super().on_connection_close()
        if self._rendering is not None:
            self._rendering.cancel()

    def write_error(self, status_code: int, **about: Any) -> None:
        """Show an error: too many pages, a kernel that cannot start, or any other."""
        error = (about.get("exc_info") or (None, None))[1]
        if isinstance(error, TooManyKernels):
            self.set_header("Retry-After", "60")
            self.show("busy.html", yours=error.yours, most=error.most)
        elif isinstance(error, KernelNotStarted):
            self.show("unstarted.html")
        else:
            Page.write_error(self, status_code, **about)


async def _kept_alive(parts: AsyncGenerator[str]) -> AsyncIterator[str]:
    """Give the parts of a page, and an empty line where any but the first takes long."""
    longest = None  # what is wrong until then is told by the status of the answer
    while True:
        part = asyncio.ensure_future(anext(parts, None))
        try:
            while not (await asyncio.wait({part}, timeout=longest))[0]:
                yield "\n"
        finally:
            part.cancel()
            await asyncio.wait({part})
        html = part.result()
        if html is None:
            return
        yield html
        longest = _ALIVE_SECONDS
