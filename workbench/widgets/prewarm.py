"""What every page needs before it can be drawn, and that does not depend on what it shows."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from workbench.errors import SightlineError
from workbench.settings import load_settings


def heat() -> None:
    """Import what panels import when they are made, and load the networks of the gallery.

    For a kernel that waits for a page. Nothing that is read of settings, gallery or cases is kept,
    so that the page shows them as they are when it is opened; what is wrong with them is left to
    it too.
    """
    for module in pkgutil.walk_packages([str(Path(__file__).parent)], f"{__package__}."):
        importlib.import_module(module.name)
    from plotly.graph_objects import Figure

    from workbench.faces.models import load
    from workbench.gallery import Gallery

    Figure().add_bar().add_scatter().to_json()  # Plotly imports what it draws when it is drawn
    try:
        with Gallery.open(load_settings().gallery_file) as gallery:
            gallery.cameras()
            load(gallery.profile)
    except SightlineError:
        return
