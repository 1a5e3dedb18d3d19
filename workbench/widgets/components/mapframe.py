"""A frame that shows a self-contained page, such as a Folium map, and lets it reach nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import anywidget
from traitlets import Unicode

from workbench.maps.sightings import MAX_IN_POPUP
from workbench.widgets.components.parts import data_uri

PicturesOf: TypeAlias = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Find the JPEGs of those of some ids that may be shown, and record that they are."""


class MapFrame(anywidget.AnyWidget):
    """Shows ``page``, an HTML document, in a sandboxed frame; nothing while it is empty.

    In JupyterLab the document stands in the frame's ``srcdoc``; on a page of our server, whose
    policy would stop its scripts there, in the document that the server keeps for it.

    ``selected`` is the id that the document highlights: setting it sends a message to the document,
    which is not built again; a choice in the document sets it. Both ways the message is
    ``{kind: "sightline-select", id}``. What comes from the document may be any text. Pictures that
    the document does not hold it asks for by id when it shows them: *pictures_of* gives them.
    """

    _esm = Path(__file__).with_name("mapframe.js")
    page = Unicode("").tag(sync=True)
    selected = Unicode("").tag(sync=True)
    title = Unicode("Map").tag(sync=True)
    height = Unicode("440px").tag(sync=True)

    def __init__(self, *, pictures_of: PicturesOf | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._pictures_of = pictures_of
        self.on_msg(self._received)

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        asked = message.get("pictures")
        if self._pictures_of is None or not isinstance(asked, list):
            return
        ids = [one for one in asked if isinstance(one, str)][:MAX_IN_POPUP]
        found = {name: data_uri(jpeg) for name, jpeg in self._pictures_of(ids).items()}
        if found:
            self.send({"kind": "pictures", "pictures": found})
