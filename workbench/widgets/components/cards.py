"""Candidates, sightings or cases, as cards or as rows, each of which can be chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, List, Unicode


class Cards(anywidget.AnyWidget):
    """Calls *on_open* with the id of the one that is chosen.

    Rows show an item's number and its picture, if it has one, then its ``cells``: each a text, a
    list of lines, or None for what was decided.
    """

    _esm = Path(__file__).with_name("cards.js")
    _css = Path(__file__).with_name("cards.css")
    items: Any = List().tag(sync=True)
    table = Bool(False).tag(sync=True)
    columns: Any = List(Unicode()).tag(sync=True)
    name = Unicode().tag(sync=True)
    selected = Unicode("").tag(sync=True)

    def __init__(self, on_open: Callable[[str], None], **options: Any) -> None:
        super().__init__(**options)
        self._on_open = on_open
        self.on_msg(self._received)

    def focus_on(self, tracklet_id: str) -> None:
        """Put the keyboard's focus on a candidate."""
        self.send({"focus": tracklet_id})

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if isinstance(message.get("open"), str):
            self._on_open(message["open"])
