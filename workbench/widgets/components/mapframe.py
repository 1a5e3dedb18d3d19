"""A frame that shows a self-contained page, such as a Folium map, and lets it reach nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import anywidget
from traitlets import Int, Unicode, observe

from workbench.live.view import data_uri
from workbench.maps.sightings import MAX_IN_POPUP
from workbench.widgets.components.media import Standing

PicturesOf: TypeAlias = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Find the JPEGs of those of some ids that may be shown, and record that they are."""


class MapFrame(anywidget.AnyWidget):
    """Shows ``page``, an HTML document, in a sandboxed frame; nothing while it is empty.

    In JupyterLab the document stands in the frame's ``srcdoc``; on a page of our server, whose
    policy would stop its scripts there, in the document that the server keeps for it. The browser
    asks for it, and is sent each later one: what is synchronised may be saved with a notebook, and
    the document holds where someone was seen.

    ``selected`` is the id that the document highlights: setting it sends a message to the document,
    which is not built again; a choice in the document sets it. Both ways the message is
    ``{kind: "sightline-select", id}``. What comes from the document may be any text. Pictures that
    the document does not hold it asks for by id when it shows them: *pictures_of* gives them.
    ``standing`` is asked before the document is given; where it holds no more, there is none.
    """

    _esm = Path(__file__).with_name("mapframe.js")
    page = Unicode("")
    edition = Int(0, help="which document is shown; 0 while there is none").tag(sync=True)
    selected = Unicode("").tag(sync=True)
    title = Unicode("Map").tag(sync=True)
    height = Unicode("440px").tag(sync=True)

    def __init__(self, *, pictures_of: PicturesOf | None = None, **options: Any) -> None:
        self._editions, self._is_shown = 0, False
        super().__init__(**options)
        self._pictures_of = pictures_of
        self.standing: Standing | None = None
        self.on_msg(self._received)

    @observe("page")
    def _change_edition(self, change: Any) -> None:
        self._editions += 1
        self.edition = self._editions if change["new"] else 0
        if change["new"] and self._is_shown:
            self._send_page()

    def _send_page(self, view: str = "") -> None:
        """Send the document to one view or to all; an empty one where it may not be shown."""
        if self.standing is not None and not self.standing.holds():
            self.page = ""
        self.send({"kind": "page", "view": view, "page": self.page})

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if message.get("ask") == "page":
            self._is_shown = True
            self._send_page(str(message.get("view", "")))
            return
        asked = message.get("pictures")
        if self._pictures_of is None or not isinstance(asked, list):
            return
        ids = [one for one in asked if isinstance(one, str)][:MAX_IN_POPUP]
        found = {name: data_uri(jpeg) for name, jpeg in self._pictures_of(ids).items()}
        if found:
            self.send({"kind": "pictures", "pictures": found})
