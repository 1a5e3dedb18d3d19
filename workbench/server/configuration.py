"""Configuration of Voila and Jupyter, of which nothing comes from the home of a user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traitlets.config import Config

from workbench.dashboards import packaged_dashboards
from workbench.server.access import SignedIn
from workbench.server.forks import FastReadyClient
from workbench.server.kernels import (
    VIEWER_MESSAGE,
    CurrentInterpreter,
    DashboardKernels,
    log_failed_cell,
)
from workbench.server.limits import Limits
from workbench.server.pages import name_user
from workbench.server.scratch import SOCKETS
from workbench.server.sockets import LoggedConnection

_SHOWN_SECONDS = 60

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


def voila_configuration(
    *,
    folder: Path,
    scratch: Path,
    warm_kernels: int,
    limits: Limits,
    base: str,
    environment: dict[str, str],
) -> Config:
    """Configure Voila: our template, our kernels, nothing of what pages do not need.

    Parameters
    ----------
    folder : Path
        The dashboards.
    scratch : Path
        A folder of the server's own, gone when it ends.
    warm_kernels : int
        Kernels kept ready.
    limits : Limits
        How many kernels there may be.
    base : str
        Path of the front page.
    environment : dict
        The whole environment of each kernel.
    """
    config = Config()
    config.Voila.base_url = base
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
    config.VoilaConfiguration.prelaunch_hook = name_user
    config.VoilaExecutor.cell_error_instruction = VIEWER_MESSAGE
    config.VoilaExecutor.cell_timeout_instruction = VIEWER_MESSAGE
    config.VoilaExecutor.on_cell_error = log_failed_cell
    # What a cell shows may come long after it has run, on a busy machine, and is never left out.
    config.VoilaExecutor.iopub_timeout = _SHOWN_SECONDS
    config.VoilaExecutor.raise_on_iopub_timeout = True
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
def isolated_jupyter(scratch: Path) -> Iterator[None]:
    """Let Jupyter find our template, and nothing in the home of the user who starts the server.

    These variables are the only ones that say where Jupyter looks for templates, extensions and
    settings.
    """
    variables = {
        "JUPYTER_PATH": str(TEMPLATES),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / SOCKETS),
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
