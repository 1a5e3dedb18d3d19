"""Preparation of a warm kernel for any page: imports and networks."""

from __future__ import annotations

import importlib
import pkgutil

from workbench.errors import SightlineError
from workbench.installation import Installation

_NETWORKS = ("cv2", "onnxruntime", "deepface.modules.modeling")


def import_libraries() -> None:
    """Import what pages need, without opening or starting anything: a process may fork after it."""
    for name in ("workbench.widgets", "workbench.faces"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    for name in _NETWORKS:
        importlib.import_module(name)
    from plotly.graph_objects import Figure

    Figure().add_bar().add_scatter().to_json()  # Plotly imports what it draws when it is drawn


def register_widgets() -> None:
    """Make widgets known to the kernel of this process, which was forked after their import."""
    import ipywidgets

    ipywidgets.register_comm_target()


def prewarm() -> None:
    """Import the modules of all panels and load the networks of the gallery.

    Called in a warm kernel. Nothing that is read of settings, gallery or cases is kept: the page
    shows them as they are when it is opened, and reports what is wrong with them.
    """
    import_libraries()
    try:
        installation = Installation.open()
        with installation.open_gallery() as gallery:
            gallery.cameras()
            installation.load_models(gallery.profile)
    except SightlineError:
        return
