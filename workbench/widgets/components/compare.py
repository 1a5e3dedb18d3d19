"""The panel that lays a face beside the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Float, Int, List, Unicode, link

from workbench.widgets.components.comparison import SIDE, Comparison, Picture
from workbench.widgets.components.media import Standing, address

# What the comparison keeps and the browser changes.
SHARED = (
    "mode", "zoom", "turn", "brightness", "contrast", "opacity", "photograph", "shot",
)  # fmt: skip


class ComparePanel(anywidget.AnyWidget):
    """Draws a :class:`Comparison`; texts are plain, the browser sets them as text.

    Parameters
    ----------
    comparison : Comparison
        What is compared.
    sorting : bool
        Show the buttons with which candidates are sorted and their clips made. They send messages
        that a subclass answers, as do those with which one goes from face to face.
    """

    _esm = Path(__file__).with_name("compare.js")
    _css = Path(__file__).with_name("compare.css")

    sorting = Bool(False).tag(sync=True)
    shown = Bool(False).tag(sync=True)
    title = Unicode("").tag(sync=True)
    note = Unicode("").tag(sync=True)
    place = Unicode("").tag(sync=True)
    photographs: Any = List().tag(sync=True)
    shots: Any = List().tag(sync=True)
    photograph = Int(0).tag(sync=True)
    shot = Int(0).tag(sync=True)
    mode = Unicode(SIDE).tag(sync=True)
    zoom = Float(1.0).tag(sync=True)
    turn = Float(0.0).tag(sync=True)
    brightness = Float(1.0).tag(sync=True)
    contrast = Float(1.0).tag(sync=True)
    opacity = Float(0.5).tag(sync=True)
    alignment = Unicode("").tag(sync=True)
    verdict = Unicode("").tag(sync=True)
    standing = Unicode("").tag(sync=True)
    status = Unicode("").tag(sync=True)
    problem = Unicode("").tag(sync=True)
    clip = Unicode("").tag(sync=True)
    clip_from = Float(0.0).tag(sync=True)
    clip_hint = Unicode("").tag(sync=True)
    clip_problem = Unicode("").tag(sync=True)
    cutting = Bool(False).tag(sync=True)

    def __init__(self, comparison: Comparison, *, sorting: bool = False) -> None:
        super().__init__(sorting=sorting)
        self.comparison = comparison
        for name in SHARED:
            link((comparison, name), (self, name))
        comparison.observe(
            self._draw,
            ["key", "title", "note", "shots", "photographs", "photograph", "shot", "state"],
        )
        comparison.observe(self._describe, ["messages", "state"])
        self.on_msg(self._received)
        self._draw()

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if self.comparison.key and message.get("reset"):
            self.comparison.reset()

    def _draw(self, _: object = None) -> None:
        comparison = self.comparison
        with self.hold_sync():
            standing = comparison.standing
            self.photographs = [_sent(one, standing) for one in comparison.photographs]
            self.shots = [_sent(one, standing) for one in comparison.shots]
            self.alignment = comparison.alignment
            self.shown = bool(comparison.key)
            self.title, self.note = comparison.title, comparison.note
            self._describe()

    def _describe(self, _: object = None) -> None:
        """Write all texts that go with the pictures."""
        self.problem = self.comparison.messages.get("shots", "")


def _sent(one: Picture, standing: Standing | None) -> dict[str, object]:
    return {
        "picture": address(one.jpeg, standing=standing),
        "name": one.name,
        "time": one.time,
        "eyes": [one.eyes.left, one.eyes.right] if one.eyes else None,
    }
