"""The panel that lays a candidate beside the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Float, Int, List, Unicode, link

from workbench.maps.zones import local_time
from workbench.widgets.components.comparison import SIDE, Comparison, Picture
from workbench.widgets.components.media import address
from workbench.widgets.components.parts import camera_name

# What the comparison keeps and the browser changes.
SHARED = (
    "mode", "zoom", "turn", "brightness", "contrast", "opacity", "photograph", "shot", "clip_from",
)  # fmt: skip
MADE_COARSE = (
    "Only this face is sharp; everything else is pixelated on purpose. "
    "The making of this clip is on record."
)


class ComparePanel(anywidget.AnyWidget):
    """Draws a :class:`Comparison`; texts are plain, the browser sets them as text.

    Parameters
    ----------
    comparison : Comparison
        What is compared.
    sorting : bool
        Show the buttons with which candidates are gone through and sorted. They send messages that
        a subclass answers.
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
            self._draw, ["candidate", "shots", "photographs", "photograph", "shot", "state"]
        )
        comparison.observe(self._describe, ["messages", "clip", "state"])
        comparison.observe(self._show_clip, "clip")
        self.on_msg(self._received)
        self._draw()

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if self.comparison.candidate is None:
            return
        if message.get("reset"):
            self.comparison.reset()
        elif message.get("clip"):
            self.comparison.make_clip()

    def _draw(self, _: object = None) -> None:
        comparison, candidate = self.comparison, self.comparison.candidate
        with self.hold_sync():
            self.photographs = [self._picture(one) for one in comparison.photographs]
            self.shots = [self._picture(one) for one in comparison.shots]
            self.alignment = comparison.alignment
            self.shown = candidate is not None
            self.title = camera_name(candidate.camera) if candidate else ""
            self.note = candidate.time.remark(comparison.zone) if candidate else ""
            self._describe()

    def _picture(self, one: Picture) -> dict[str, object]:
        time = local_time(one.time, self.comparison.zone, "%d %b %Y, %H:%M:%S") if one.time else ""
        return {
            "picture": address(one.jpeg),
            "name": one.name,
            "time": time,
            "eyes": [one.eyes.left, one.eyes.right] if one.eyes else None,
        }

    def _show_clip(self, _: object = None) -> None:
        clip = self.comparison.clip
        self.clip = address(clip, "video/mp4") if clip else ""

    def _describe(self, _: object = None) -> None:
        """Write all texts that go with the pictures."""
        comparison = self.comparison
        if comparison.candidate is None:
            return
        with self.hold_sync():
            self.problem = comparison.messages.get("shots", "")
            self.cutting = comparison.state != "idle"
            self.clip_problem = comparison.messages.get("clip", "")
            if comparison.clip:
                self.clip_hint = MADE_COARSE
            else:
                self.clip_hint = f"{comparison.doing}…" if self.cutting else ""
