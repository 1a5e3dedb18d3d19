"""Candidates, sightings or cases, as cards or as rows, each of which can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, List, Unicode

from workbench.live.view import data_uri
from workbench.widgets.components.media import Standing, address


class Cards(anywidget.AnyWidget):
    """Calls *on_open* with the id of the one that is opened.

    With *on_sort*, cards can be chosen together, are sorted with keys and show their stored shots:
    it is called with what the browser asks, one of ``{"verdict": …, "id": …}``, ``{"choose": id}``,
    ``{"strip": id}``, ``{"clip": id}``, ``{"turn": 1 or -1}`` and ``{"undo": True}``.

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
    sorting = Bool(False).tag(sync=True)
    chosen: Any = List(Unicode()).tag(sync=True)

    def __init__(
        self,
        on_open: Callable[[str], None],
        on_sort: Callable[[dict[str, Any]], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(sorting=on_sort is not None, **options)
        self._on_open, self._on_sort = on_open, on_sort
        self.on_msg(self._received)

    def focus_on(self, tracklet_id: str) -> None:
        """Put the keyboard's focus on a candidate."""
        self.send({"focus": tracklet_id})

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if isinstance(message.get("open"), str):
            self._on_open(message["open"])
        elif self._on_sort is not None:
            self._on_sort(message)

    def show_shots(self, tracklet_id: str, jpegs: Sequence[bytes]) -> None:
        """Answer a card that asked for its stored shots."""
        self.send({"strip": tracklet_id, "shots": [data_uri(one) for one in jpegs]})

    def show_clip(
        self, tracklet_id: str, clip: bytes, *, best: float, standing: Standing | None = None
    ) -> None:
        """Answer a card that asked for its clip.

        Parameters
        ----------
        tracklet_id : str
        clip : bytes
            An MP4 file.
        best : float
            Seconds into it at which the best shot is, where it begins to play.
        standing : Standing, optional
            Asked each time before it is given to the browser.
        """
        source = address(clip, "video/mp4", standing=standing)
        self.send({"clip": tracklet_id, "source": source, "from": best})

    def refuse_clip(self, tracklet_id: str, why: str) -> None:
        """Say on a card that asked for its clip why there is none."""
        self.send({"clip": tracklet_id, "problem": why})
