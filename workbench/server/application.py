"""``sightline serve``: serve the dashboards in the foreground until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from jupyterlab_server.themes_handler import ThemesHandler
from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import bind_sockets
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler

from workbench.casework.record.identity import SERVED
from workbench.errors import GalleryError, SettingsError
from workbench.server.access import Door, SignedIn
from workbench.server.dashboards import find_dashboards, packaged_dashboards
from workbench.server.kernels import (
    VIEWER_MESSAGE,
    WARM_KERNELS,
    CurrentInterpreter,
    DashboardKernels,
    FastReadyClient,
    kernel_environment,
    log_failed_cell,
)
from workbench.server.limits import LimitedServer, Limits, raise_open_files
from workbench.server.pages import DashboardPage, Frame, FrontPage, KernelState, NotFound
from workbench.server.policy import FRAME_PATH, Policy, tile_source
from workbench.server.sessions import Sessions
from workbench.server.sockets import (
    MESSAGE_BYTES,
    KernelSocket,
    LoggedConnection,
    ShutdownHandler,
)
from workbench.server.teller import Teller
from workbench.server.ways import ByToken, Cookie, checked_token

DEFAULT_PORT = 8866
TEMPLATE = "sightline"
TEMPLATES = Path(__file__).parent / "template"

# The JupyterLab extensions that draw our widgets; no other that is installed is loaded.
_EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "jupyter-leaflet",
]
# For dashboards that users bring along. The packaged ones load Plotly when they need it.
_EXTRA_EXTENSIONS = ["jupyterlab-plotly"]
_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


def serve(
    *,
    gallery: Path,
    home: Path,
    dashboards: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    token: str | None = None,
    warm_kernels: int = WARM_KERNELS,
    tiles: str | None = None,
    kernels: int | None = None,
    kernels_of_person: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
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
    token : str, optional
        At least 16 characters; by default a random one. Serving without a token is not possible.
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
    ready : callable
        Called with the address to open, token included, once the server answers requests.

    Raises
    ------
    GalleryError
        If there is no gallery at that path.
    SettingsError
        If the port is taken, the host is not an address of this machine, the token is too short,
        or the folder of dashboards cannot be read.
    """
    if not gallery.exists():
        raise GalleryError(
            "there is no gallery here",
            where=str(gallery),
            fix="Make one with `sightline index`, or try `sightline demo`",
        )
    folder = (dashboards or packaged_dashboards()).resolve()
    find_dashboards(folder)
    token = checked_token(token)
    settings = {**environment, "SIGHTLINE_GALLERY": str(gallery.resolve()), SERVED: "1"}
    source = tile_source(tiles)
    raise_open_files()
    limits = Limits.of_machine(kernels=kernels, kernels_of_person=kernels_of_person)
    sockets = _listen(host, port)
    with tempfile.TemporaryDirectory(prefix="sightline-") as name:
        scratch = Path(name)
        config = _configuration(
            folder=folder,
            scratch=scratch,
            warm_kernels=warm_kernels,
            limits=limits,
            environment=kernel_environment(settings, scratch=scratch),
        )
        with _isolated_jupyter(scratch):
            server = DashboardServer(config=config)
            server.policy, server.secret, server.folder = Policy(source), token, folder
            server.sockets, server.display_host = sockets, _display_host(host)
            server.ready, server.casework = ready, home / "casework"
            server.limits = limits
            server.initialize([])
            server.start()


class DashboardServer(Voila):  # type: ignore[misc]
    """Voila with its own list of routes, behind the :class:`Door`."""

    name = "sightline"
    policy: Policy
    secret: str  # not Voila's ``token``: the door holds it, Jupyter's own handlers need not
    folder: Path
    sockets: list[socket.socket]
    display_host: str
    casework: Path
    limits: Limits
    ready: Callable[[str], None]

    def init_handlers(self) -> list[Any]:
        """All routes. Voila's routes to files, contents and the tree are left out."""
        voila = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (r"/", FrontPage, {"folder": self.folder}),
            (FRAME_PATH, Frame),
            (r"/voila/render/([\w-]+)\.ipynb", DashboardPage, {"folder": self.folder, **voila}),
            (rf"/voila/api/shutdown/{_KERNEL}", ShutdownHandler),
            (rf"/api/kernels/{_KERNEL}", KernelState),
            (rf"/api/kernels/{_KERNEL}/channels", KernelSocket),
            # The handler fails with 500 on any other form of path.
            (r"/voila/templates/(sightline/static/[\w-][\w.-]*)", TemplateStaticFileHandler),
            (r"/voila/static/(.*)", MultiStaticFileHandler, {"paths": self.static_paths}),
            (
                r"/voila/labextensions/(.*)",
                FileFindHandler,
                {"path": self.labextensions_path},  # their names change with their content
            ),
            (
                r"/voila/api/themes/(.*)",
                ThemesHandler,
                {
                    "themes_url": "/voila/api/themes",
                    "path": self.themes_dir,
                    "labextensions_path": self.labextensions_path,
                    "no_cache_paths": ["/"],
                },
            ),
        ]

    def start(self) -> None:
        """Serve until SIGINT or SIGTERM, then end all kernels."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)

        self.port = self.sockets[0].getsockname()[1]
        self.connection_dir = tempfile.mkdtemp(dir=self.connection_dir_root)
        settings = self.init_settings()
        sessions = Sessions()
        cookie = Cookie(f"sightline-{self.port}", path="/")
        sessions.at_end(self.kernel_manager.end_those_of)
        self.app = Door(
            way=ByToken(self.secret, sessions=sessions, cookie=cookie, base="/"),
            owners=self.kernel_manager,
            transforms=[self.policy.transform()],
            default_handler_class=NotFound,
            websocket_max_message_size=MESSAGE_BYTES,
            **settings,
        )
        self.app.add_handlers(".*$", self.init_handlers())
        # The stream under a socket has its own limit, 100 MB by default.
        server = LimitedServer(
            self.app,
            limits=self.limits,
            max_buffer_size=MESSAGE_BYTES + 2**20,
            max_body_size=2**20,
        )
        server.add_sockets(self.sockets)
        teller = Teller(self.casework, self.kernel_manager)
        try:
            await teller.open()
            # By number: this machine may be unable to resolve its own name.
            listening = _host_and_port(self.sockets[0].getsockname()[0], self.port)
            await AsyncHTTPClient().fetch(
                f"http://{listening}/", headers={"Authorization": f"token {self.secret}"}
            )
            self.ready(
                f"http://{_host_and_port(self.display_host, self.port)}/?token={self.secret}"
            )
            self.kernel_manager.refill()
            await stopped.wait()
        finally:
            server.stop()
            await KernelSocket.close_all()
            await teller.close()
            await self.kernel_manager.shutdown_all(now=True)
            await server.close_all_connections()


def _configuration(
    *,
    folder: Path,
    scratch: Path,
    warm_kernels: int,
    limits: Limits,
    environment: dict[str, str],
) -> Config:
    config = Config()
    config.Voila.config_file_paths = []
    config.Voila.root_dir = str(folder)
    config.Voila.connection_dir_root = str(scratch)
    config.Voila.identity_provider_class = SignedIn
    config.Voila.kernel_websocket_connection_class = LoggedConnection
    config.Voila.log_level = "WARN"
    config.VoilaConfiguration.template = TEMPLATE
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.strip_sources = True
    config.VoilaConfiguration.show_tracebacks = False
    packaged = folder == packaged_dashboards().resolve()
    config.VoilaConfiguration.extension_allowlist = [
        *_EXTENSIONS,
        *([] if packaged else _EXTRA_EXTENSIONS),
    ]
    config.VoilaConfiguration.multi_kernel_manager_class = DashboardKernels
    config.VoilaExecutor.cell_error_instruction = VIEWER_MESSAGE
    config.VoilaExecutor.on_cell_error = log_failed_cell
    config.VoilaConfiguration.kernel_spec_manager_class = CurrentInterpreter
    config.DashboardKernels.environment = environment
    config.DashboardKernels.warm_kernels = warm_kernels
    config.DashboardKernels.allow_tracebacks = False
    config.DashboardKernels.traceback_replacement_message = VIEWER_MESSAGE
    config.DashboardKernels.most = limits.kernels
    config.DashboardKernels.most_of_person = limits.kernels_of_person
    # A kernel that is started again has lost its page: the page says so, and offers to be reloaded.
    config.KernelManager.autorestart = False
    # Other users of this machine could reach the kernels' TCP ports, but not sockets in our folder.
    config.KernelManager.transport = "ipc"
    config.KernelManager.client_factory = FastReadyClient
    return config


@contextmanager
def _isolated_jupyter(scratch: Path) -> Iterator[None]:
    """Let Jupyter find our template, and nothing in the home of the user who starts the server.

    These variables are the only ones that say where Jupyter looks for templates, extensions and
    settings.
    """
    variables = {
        "JUPYTER_PATH": str(TEMPLATES),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _listen(host: str, port: int | None) -> list[socket.socket]:
    try:
        return bind_sockets(DEFAULT_PORT if port is None else port, host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return bind_sockets(0, host)
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                "is in use by another program", where=f"port {port}", fix="Choose another port"
            ) from None
        raise SettingsError(
            f"cannot listen on this address ({error.strerror or error})",
            where=f"{host}:{DEFAULT_PORT if port is None else port}",
            fix="Use an address of this machine and a port above 1023",
        ) from None


def _display_host(host: str) -> str:
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - shown as the name of the machine
    return socket.gethostname() if host in everywhere else host


def _host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
