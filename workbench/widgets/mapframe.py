"""A frame that shows a self-contained page, such as a Folium map, and lets it reach nothing."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Unicode


class MapFrame(anywidget.AnyWidget):
    """Shows ``page``, an HTML document, in a sandboxed frame; nothing while it is empty.

    In JupyterLab the document stands in the frame's ``srcdoc``; on a page of our server, whose
    policy would stop its scripts there, in the document that the server keeps for it.
    """

    _esm = Path(__file__).with_name("mapframe.js")
    page = Unicode("").tag(sync=True)
    title = Unicode("Map").tag(sync=True)
    height = Unicode("440px").tag(sync=True)
