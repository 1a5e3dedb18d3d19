"""Preparation of a warm kernel for any page: imports and networks."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from workbench.errors import SightlineError
from workbench.installation import Installation


def prewarm() -> None:
    """Import the modules of all panels and load the networks of the gallery.

    Called in a warm kernel. Nothing that is read of settings, gallery or cases is kept: the page
    shows them as they are when it is opened, and reports what is wrong with them.
    """
    for module in pkgutil.walk_packages([str(Path(__file__).parent)], f"{__package__}."):
        importlib.import_module(module.name)
    from plotly.graph_objects import Figure

    Figure().add_bar().add_scatter().to_json()  # Plotly imports what it draws when it is drawn
    try:
        installation = Installation.open()
        with installation.open_gallery() as gallery:
            gallery.cameras()
            installation.load_models(gallery.profile)
    except SightlineError:
        return
