"""``sightline serve``: serve the dashboards in the foreground until Ctrl-C."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from importlib.metadata import distribution
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jupyter_server.services.kernels.handlers import KernelHandler
from jupyterlab_server.themes_handler import ThemesHandler
from tornado.log import app_log
from voila.app import Voila
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler

from workbench import style
from workbench.casework.record.identity import SERVED
from workbench.dashboards import find_dashboards, packaged_dashboards
from workbench.errors import GalleryError, gallery_is_there
from workbench.server.access import Door
from workbench.server.address import Address
from workbench.server.administration import SessionsSocket
from workbench.server.api.forwarding import Forward
from workbench.server.api.process import ApiProcess
from workbench.server.api.wire import VERSION
from workbench.server.compression import SOCKET, compression
from workbench.server.configuration import isolated_jupyter, voila_configuration
from workbench.server.health import Alive, Health, Metrics, Operations
from workbench.server.kernels import WARM_KERNELS, kernel_environment
from workbench.server.limits import LimitedServer, Limits, raise_open_files
from workbench.server.listening import (
    check_privacy,
    hide_memory,
    listen,
    listen_at,
    public_address,
)
from workbench.server.pages import (
    DashboardPage,
    ExtensionFile,
    Frame,
    FrontPage,
    NotFound,
    PlayPart,
    SignOut,
)
from workbench.server.policy import FRAME, Policy, tile_source
from workbench.server.rounds import Rounds
from workbench.server.scratch import SOCKETS, check_room, scratch_folder
from workbench.server.sessions import LONGEST_IDLE, LONGEST_LIFE, Sessions
from workbench.server.signins import SignIns
from workbench.server.sockets import MESSAGE_BYTES, KernelSocket, ShutdownHandler
from workbench.server.teller import Teller
from workbench.server.ways import SignIn, TokenSignIn, Way

_WATCH_SECONDS = 5.0  # how often sessions that are over are looked for

_PLOTLY = str(Path(str(distribution("plotly").locate_file("plotly/package_data"))).resolve())
_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


def serve(
    *,
    gallery: Path,
    home: Path,
    dashboards: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    socket_path: Path | None = None,
    socket_group: str | None = None,
    address: str | None = None,
    insecure: bool = False,
    sign_in: SignIn | None = None,
    token: str | None = None,
    longest_life: timedelta = LONGEST_LIFE,
    longest_idle: timedelta = LONGEST_IDLE,
    warm_kernels: int = WARM_KERNELS,
    tiles: str | None = None,
    kernels: int | None = None,
    kernels_of_person: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    check: Callable[[Path], None] = lambda _: None,
    ready: Callable[[str], None],
) -> None:
    """Serve the dashboards for ``gallery`` until Ctrl-C or SIGTERM.

    Parameters
    ----------
    gallery : Path
        The gallery the dashboards open; passed to them as ``SIGHTLINE_GALLERY``.
    home : Path
        Home of the installation, the same that the kernels' settings name.
    dashboards : Path, optional
        Folder of the notebooks; by default the packaged ones.
    host : str
        Address to listen on; by default reachable from this machine only.
    port : int, optional
        By default 8866, or any free port if that one is taken; 0 chooses any free port.
    socket_path : Path, optional
        Unix socket to listen on instead, which the account of the server may connect to.
    socket_group : str, optional
        Group whose accounts may connect to that socket, too.
    address : str, optional
        Where people open the pages, path included; by default where the server listens.
    insecure : bool
        Whether plain HTTP may leave this machine.
    sign_in : SignIn, optional
        How people sign in; by default with ``token``, as the account that runs the server.
    token : str, optional
        At least 16 characters; by default a random one. Serving without a token is not possible.
    longest_life, longest_idle : timedelta
        Time after which a session ends: since the person signed in, and without use.
    warm_kernels : int
        Kernels kept ready for the next pages, each with about 300 MB; 0 for none.
    tiles : str, optional
        Address pattern of the tile server that pages may fetch maps from.
    kernels : int, optional
        Kernels of pages in all; by default as many as half of the memory holds.
    kernels_of_person : int, optional
        Kernels of one person's pages; by default 8.
    environment : Mapping[str, str]
        Settings for the kernels, named ``SIGHTLINE_…``.
    check : callable
        Called with the gallery before anything listens; what it raises is raised.
    ready : callable
        Called with the address to open, token included, once the server answers requests.

    Raises
    ------
    GalleryError
        If there is no gallery at that path.
    SettingsError
        If the server cannot listen there, plain HTTP would leave this machine, the way to sign in
        does not fit where it listens or its address, the token is too short, or the folder of
        dashboards cannot be read.
    """
    if not gallery_is_there(gallery):
        raise GalleryError(
            "there is no gallery here",
            where=str(gallery),
            fix="Make one with `sightline index`, or try `sightline demo`",
        )
    folder = (dashboards or packaged_dashboards()).resolve()
    find_dashboards(folder)
    sign_in = sign_in or TokenSignIn.checked(token)
    settings = {**environment, "SIGHTLINE_GALLERY": str(gallery.resolve()), SERVED: "1"}
    source = tile_source(tiles)
    raise_open_files()
    limits = Limits.of_machine(kernels=kernels, kernels_of_person=kernels_of_person)
    host = "" if socket_path else host
    # Before anything is opened, as far as it can be told without the port.
    desk = not sign_in.is_for_team
    public = public_address(address, host=host, port=port or 0, tunnels=desk)
    check_privacy(public, host=host, insecure=insecure, team=sign_in.is_for_team)
    sign_in.check(public, host=host)
    check_room()
    check(gallery)
    sockets = listen_at(socket_path, group=socket_group) if socket_path else listen(host, port)
    number = sockets[0].getsockname()[1] if host else 0
    public = public_address(address, host=host, port=number, tunnels=desk)
    with scratch_folder() as scratch:
        inherited = kernel_environment(settings, scratch=scratch)
        config = voila_configuration(
            folder=folder,
            scratch=scratch,
            warm_kernels=warm_kernels,
            limits=limits,
            base=public.base,
            environment=inherited,
        )
        hide_memory()
        with isolated_jupyter(scratch):
            server = DashboardServer(config=config)
            server.policy, server.folder, server.sockets = Policy(source), folder, sockets
            server.address, server.sign_in = public, sign_in
            server.sessions = Sessions(longest_life=longest_life, longest_idle=longest_idle)
            server.ready, server.casework = ready, home / "casework"
            server.limits, server.gallery = limits, gallery
            server.api = ApiProcess(scratch, gallery=gallery.resolve(), environment=inherited)
            server.initialize([])
            server.start()


class DashboardServer(Voila):  # type: ignore[misc]
    """Voila with its own list of routes, behind the :class:`Door`."""

    name = "sightline"
    policy: Policy
    folder: Path
    sockets: list[socket.socket]
    address: Address
    sign_in: SignIn
    sessions: Sessions
    casework: Path
    gallery: Path
    limits: Limits
    api: ApiProcess
    ready: Callable[[str], None]

    def init_handlers(self) -> list[Any]:
        """All routes. Voila's routes to files, contents and the tree are left out."""
        voila = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        routes: list[Any] = [
            (r"", FrontPage),
            (r"health", Health),
            (r"metrics", Metrics),
            (rf"alive/{_KERNEL}", Alive),
            (r"part", PlayPart),
            (r"sign-out", SignOut, {"sessions": self.sessions}),
            (FRAME, Frame),
            (r"voila/render/([\w-]+)\.ipynb", DashboardPage, voila),
            (rf"api/{VERSION}/.*", Forward, {"api": self.api, "base": self.address.base}),
            (rf"voila/api/shutdown/{_KERNEL}", ShutdownHandler),
            (rf"api/kernels/{_KERNEL}", KernelHandler),
            (rf"api/kernels/{_KERNEL}/channels", KernelSocket),
            # The handler fails with 500 on any other form of path.
            (r"voila/templates/(sightline/static/[\w-][\w.-]*)", TemplateStaticFileHandler),
            (
                r"voila/static/(.*)",
                MultiStaticFileHandler,
                {"paths": [*self.static_paths, str(style.FOLDER), _PLOTLY]},
            ),
            (
                r"voila/labextensions/(.*)",
                ExtensionFile,
                {"path": self.labextensions_path},  # their names change with their content
            ),
            (
                r"voila/api/themes/(.*)",
                ThemesHandler,
                {
                    "themes_url": f"{self.address.base}voila/api/themes",
                    "path": self.themes_dir,
                    "labextensions_path": self.labextensions_path,
                    "no_cache_paths": ["/"],
                },
            ),
        ]
        base = re.escape(self.address.base)
        return [(f"{base}{path}", *rest) for path, *rest in routes]

    def start(self) -> None:
        """Serve until SIGINT or SIGTERM, then end all kernels."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)

        connections = Path(self.connection_dir_root, SOCKETS)
        connections.mkdir(mode=0o700, exist_ok=True)
        self.connection_dir = str(connections)
        settings = self.init_settings()
        settings["voila_jinja2_env"].globals.update(base=self.address.base, tokens=style.tokens())
        self.sessions.at_end(self.kernel_manager.end_those_of)
        self.sessions.count_work(self.kernel_manager.last_work)
        sign_ins = SignIns(self.casework)
        self.sessions.at_end(sign_ins.record_end)
        way = self.sign_in.way(self.sessions, self.address)
        operations = Operations(
            casework=self.casework,
            gallery=self.gallery,
            kernels=self.kernel_manager,
            sessions=self.sessions,
            api=self.api,
            way=way,
        )
        self.app = Door(
            way=way,
            owners=self.kernel_manager,
            address=self.address,
            transforms=[
                self.policy.transform(self.address.base),
                compression(self.address.base),
            ],
            websocket_compression_options=SOCKET,
            default_handler_class=NotFound,
            websocket_max_message_size=MESSAGE_BYTES,
            operations=operations,
            dashboards=self.folder,
            casework=self.casework,
            **settings,
        )
        self.app.add_handlers(".*$", [*way.routes(), *self.init_handlers()])
        # The stream under a socket has its own limit, 100 MB by default.
        server = LimitedServer(
            self.app,
            limits=self.limits,
            max_buffer_size=MESSAGE_BYTES + 2**20,
            max_body_size=2**20,
        )
        operations.server = server
        server.add_sockets(self.sockets)
        beside = (
            Teller(self.casework, self.kernel_manager),
            SessionsSocket(self.casework, self.sessions, self.kernel_manager),
        )
        async with AsyncExitStack() as at_end:  # the last first, each though one before it failed
            # It waits where the record is held.
            at_end.push_async_callback(sign_ins.close, self.sessions)
            at_end.push_async_callback(server.close_all_connections)
            at_end.push_async_callback(self.kernel_manager.shutdown_all, now=True)
            at_end.push_async_callback(self.api.stop)
            for each in beside:
                at_end.push_async_callback(each.close)
            at_end.push_async_callback(KernelSocket.close_all)
            at_end.callback(server.stop)
            for each in beside:
                await each.open()
            await self._check_answer()
            self.app.sign_ins = sign_ins  # what it has asked itself is nobody's sign-in
            self.ready(self.sign_in.opens(self.address))
            await self.kernel_manager.open()
            self.kernel_manager.refill()
            watching = (
                asyncio.create_task(self._watch(way)),
                asyncio.create_task(Rounds(self.casework.parent, self.gallery).run()),
            )
            await stopped.wait()
            for task in watching:
                task.cancel()

    async def _watch(self, way: Way) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self.sessions.end_those_past()
                await way.watch()
            except Exception:  # the next round tries again
                app_log.exception("sessions that are over could not be ended")

    async def _check_answer(self) -> None:
        """Raise RuntimeError if the server does not answer as it should, before it says so."""
        place = self.sockets[0].getsockname()
        if self.sockets[0].family == socket.AF_UNIX:
            reader, writer = await asyncio.open_unix_connection(place)
        else:  # by number: this machine may be unable to resolve its own name
            reader, writer = await asyncio.open_connection(*place[:2])
        headers = {"Host": self.address.netloc, "Connection": "close", **self.sign_in.headers()}
        lines = [f"GET {self.address.base} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = (await reader.readline()).split()[1:2]
        writer.close()
        if status not in ([b"200"], [b"401"], [b"403"]):
            raise RuntimeError(f"the front page cannot be opened: {status}")
