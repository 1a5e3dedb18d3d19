"""A frame that shows a self-contained page, such as a Folium map, and lets it reach nothing."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Unicode


class MapFrame(anywidget.AnyWidget):
    """Shows ``page``, an HTML document, in a sandboxed frame; nothing while it is empty.

    In JupyterLab the document stands in the frame's ``srcdoc``; on a page of our server, whose
    policy would stop its scripts there, in the document that the server keeps for it.

    ``selected`` is the id that the document highlights: setting it sends a message to the document,
    which is not built again; a choice in the document sets it. Both ways the message is
    ``{kind: "sightline-select", id}``. What comes from the document may be any text.
    """

    _esm = Path(__file__).with_name("mapframe.js")
    page = Unicode("").tag(sync=True)
    selected = Unicode("").tag(sync=True)
    title = Unicode("Map").tag(sync=True)
    height = Unicode("440px").tag(sync=True)
