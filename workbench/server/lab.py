"""``sightline lab``: JupyterLab on copies of the notebooks, until Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType

from jupyter_server.serverapp import ServerApp
from jupyterlab.labapp import LabApp
from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform
from traitlets.config import Config

from workbench.dashboards import packaged_notebooks
from workbench.errors import GalleryError, SettingsError, gallery_is_there
from workbench.server.configuration import isolated_jupyter
from workbench.server.listening import listen
from workbench.server.policy import tile_source
from workbench.server.scratch import check_room
from workbench.server.ways import TokenSignIn

LAB_PORT = 8888

_HOST = "127.0.0.1"
# What asks other hosts, would change the installation, or needs servers that are not started.
_OFF = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:language-server",
    "@voila-dashboards/jupyterlab-preview",
)
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # As light or dark as the system is, until another theme is chosen.
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}


class _OnSockets(ServerApp):
    """Jupyter's server, on sockets that it is given: nobody takes its port while it starts."""

    sockets: list[socket.socket]
    ready: Callable[[], None]
    failed: BaseException | None = None

    def _find_http_port(self) -> None:
        pass  # it is that of the sockets

    def _bind_http_server(self) -> None:
        self.http_server.add_sockets(self.sockets)
        try:
            self.ready()
        except BaseException as error:  # nobody knows the address; the loop would only log it
            self.failed = error
            self.io_loop.stop()


class _Lab(LabApp):  # type: ignore[misc]  # the package has no types
    serverapp_class = _OnSockets

    @classmethod
    def get_extension_package(cls) -> str:
        return "jupyterlab"  # not that of this class


def lab(
    *,
    gallery: Path,
    home: Path,
    notebooks: Path | None = None,
    port: int | None = None,
    token: str | None = None,
    tiles: str | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    ready: Callable[[str, Path], None],
) -> None:
    """Run JupyterLab on this machine until Ctrl-C or SIGTERM.

    Its notebooks run Python as the account that started it, so it listens on this machine alone and
    asks for a token. Nothing of it asks another host, and the policy of its pages lets no
    output of a notebook do so.

    Parameters
    ----------
    gallery : Path
        The gallery of the notebooks; passed to them as ``SIGHTLINE_GALLERY``.
    home : Path
        Home of the installation; settings of JupyterLab are kept in its folder ``lab``.
    notebooks : Path, optional
        Folder of the notebooks, by default ``HOME/notebooks``. Those of Sightline that are not
        there are copied to it; what is there stays as it is.
    port : int, optional
        By default 8888, or any free port if that one is taken; 0 chooses any free port.
    token : str, optional
        At least 16 characters; by default a random one.
    tiles : str, optional
        Address pattern of the tile server that maps may fetch tiles from.
    environment : Mapping[str, str]
        Settings for the kernels, named ``SIGHTLINE_…``.
    ready : callable
        Called with the address to open, token included, and the folder of the notebooks.

    Raises
    ------
    GalleryError
        If there is no gallery at that path.
    SettingsError
        If the port is taken, the token is too short, or the folder cannot be written.
    """
    if not gallery_is_there(gallery):
        raise GalleryError(
            "there is no gallery here",
            where=str(gallery),
            fix="Make one with `sightline index`, or leave --gallery out for the demo",
        )
    check_room()
    secret = TokenSignIn.checked(token).token
    folder = copy_notebooks(notebooks or home / "notebooks").resolve()
    tile_server = tile_source(tiles)
    sockets = listen(_HOST, port, usual=LAB_PORT)
    port = sockets[0].getsockname()[1]
    os.environ.pop("SIGHTLINE_TOKEN", None)  # no notebook needs it, and `%env` would print it
    os.environ |= {
        **environment,
        "SIGHTLINE_HOME": str(home.resolve()),
        "SIGHTLINE_GALLERY": str(gallery.resolve()),
    }
    with (
        ExitStack() as held,
        tempfile.TemporaryDirectory(prefix="sightline-") as name,
        isolated_jupyter(Path(name)),
    ):
        for each in sockets:
            held.enter_context(each)
        config = lab_configuration(Path(name), home=home, folder=folder, port=port, token=secret)
        server = _Lab.initialize_server(argv=[], config=config)
        server.web_app.transforms.append(_policy(tile_server))
        server.sockets = sockets
        server.ready = partial(ready, f"http://{_HOST}:{port}/lab?token={secret}", folder)
        server.start()
        if server.failed is not None:
            raise server.failed


def copy_notebooks(folder: Path) -> Path:
    """Copy the notebooks of Sightline that are not in a folder yet to it; return the folder.

    Raises
    ------
    SettingsError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for source in sorted(packaged_notebooks().glob("*.ipynb")):
            copy = folder / source.name
            if not copy.exists():
                shutil.copyfile(source, copy)
    except OSError as error:
        raise SettingsError(
            f"cannot be written ({error.strerror or error})",
            where=str(error.filename or folder),
            fix="Name a folder of your own with --notebooks",
        ) from error
    return folder


def lab_configuration(scratch: Path, *, home: Path, folder: Path, port: int, token: str) -> Config:
    """Configure JupyterLab: this machine alone, this token, no question to another host.

    Parameters
    ----------
    scratch : Path
        A folder of the server's own, gone when it ends.
    home : Path
        Home of the installation.
    folder : Path
        The notebooks.
    port : int
        Port to listen on.
    token : str
        What opens it.
    """
    settings = scratch / "settings"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps(_SETTINGS))
    off = {"disabledExtensions": dict.fromkeys(_OFF, True)}
    (settings / "page_config.json").write_text(json.dumps(off))
    kept = home.resolve() / "lab"
    config = Config()
    config.ServerApp.ip = _HOST
    config.ServerApp.port = port
    config.ServerApp.root_dir = str(folder)
    config.ServerApp.open_browser = False
    config.ServerApp.allow_root = True  # as `sightline serve` does
    config.ServerApp.answer_yes = True  # Ctrl-C ends it, as it ends `sightline serve`
    config.ServerApp.log_level = "ERROR"
    # Other users of this machine could reach the kernels' TCP ports, but not sockets in our folder.
    config.KernelManager.transport = "ipc"
    config.IdentityProvider.token = token
    config.LabApp.app_settings_dir = str(settings)
    config.LabApp.user_settings_dir = str(kept / "settings")
    config.LabApp.workspaces_dir = str(kept / "workspaces")
    config.LabApp.news_url = None
    config.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
    config.LabApp.extension_manager = "readonly"
    config.LabApp.log_level = "ERROR"
    return config


def _policy(tiles: str) -> type[OutputTransform]:
    """A second policy on every response, beside Jupyter's own: nothing reaches another host."""
    policy = "; ".join(
        [
            "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
            f"img-src 'self' data: blob: {tiles}".rstrip(),
            "form-action 'self'",
            "base-uri 'self'",
            "frame-ancestors 'self'",
        ]
    )

    class ThisHostAlone(OutputTransform):
        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            headers.add("Content-Security-Policy", policy)
            headers["Referrer-Policy"] = "same-origin"
            return super().transform_first_chunk(status_code, headers, chunk, finishing)

    return ThisHostAlone
