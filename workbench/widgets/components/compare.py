"""The panel that lays a candidate beside the target, and takes what is thought of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Bytes, Float, Int, List, Unicode, link

from workbench.casework.reviewing.triage import TRIAGE_VERDICTS
from workbench.maps.zones import local_time
from workbench.widgets.components.comparison import SIDE, Comparison, Picture
from workbench.widgets.components.parts import camera_name, data_uri
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.opinions import MARKS, WORDS

# What the view-model keeps and the browser changes.
SHARED = (
    "mode", "zoom", "turn", "brightness", "contrast", "opacity", "photograph", "shot", "clip",
)  # fmt: skip
MADE_COARSE = (
    "Only the face that was followed is sharp; everything else is coarse on purpose. "
    "That this clip was made is on record."
)


class ComparePanel(anywidget.AnyWidget):
    """Draws a :class:`Comparison`; texts are plain, the browser sets them as text."""

    _esm = Path(__file__).with_name("compare.js")
    _css = Path(__file__).with_name("compare.css")

    shown = Bool(False).tag(sync=True)
    title = Unicode("").tag(sync=True)
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
    told = Unicode("").tag(sync=True)
    problem = Unicode("").tag(sync=True)
    clip = Bytes(b"").tag(sync=True)
    clip_hint = Unicode("").tag(sync=True)
    clip_problem = Unicode("").tag(sync=True)
    cutting = Bool(False).tag(sync=True)

    def __init__(self, comparison: Comparison, listing: Listing) -> None:
        super().__init__()
        self.comparison, self.listing = comparison, listing
        self.model, self.triage = listing.model, listing.triage
        for name in SHARED:
            link((comparison, name), (self, name))
        comparison.observe(
            self._draw, ["candidate", "shots", "photographs", "photograph", "shot", "state"]
        )
        comparison.observe(self._tell, ["messages", "clip", "state"])
        self.triage.observe(self._tell, ["opinions", "told", "problem"])
        listing.observe(self._tell, "candidates")
        self.on_msg(self._received)
        self._draw()

    def compare(self, tracklet_id: str) -> None:
        """Compare a candidate, and put the keyboard's focus here."""
        self.model.selected = tracklet_id
        self.send({"focus": True})

    def close_comparison(self) -> None:
        """Leave the comparison."""
        self.model.selected = ""

    def step(self, by: int) -> None:
        """Go on to the candidate so many places further in the list."""
        self.model.selected = self.listing.neighbour(self.model.selected, by)

    def decide(self, verdict: str) -> None:
        """Record what is thought of this candidate, and go on to the next."""
        this = self.model.selected
        following = self.listing.neighbour(this, 1)  # before a filter takes this one away
        known = next((one for one in TRIAGE_VERDICTS if one == verdict), None)
        if known is not None and self.triage.record(this, known):
            self.model.selected = following

    def undo(self) -> None:
        """Take back what was thought last, and go back to that candidate."""
        taken = self.triage.undo()
        if taken in {one.tracklet_id for one in self.model.shown}:
            self.model.selected = taken

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if self.comparison.candidate is None:
            return
        if message.get("step") in (1, -1):
            self.step(message["step"])
        elif isinstance(message.get("verdict"), str):
            self.decide(message["verdict"])
        elif message.get("undo"):
            self.undo()
        elif message.get("reset"):
            self.comparison.reset()
        elif message.get("clip"):
            self.comparison.make_clip()
        elif message.get("close"):
            self.close_comparison()

    def _draw(self, _: object = None) -> None:
        comparison, candidate = self.comparison, self.comparison.candidate
        with self.hold_sync():
            self.photographs = [self._picture(one) for one in comparison.photographs]
            self.shots = [self._picture(one) for one in comparison.shots]
            self.alignment = comparison.alignment
            self.shown = candidate is not None
            self.title = camera_name(candidate.camera) if candidate else ""
            self._tell()

    def _picture(self, one: Picture) -> dict[str, object]:
        time = local_time(one.time, self.model.zone, "%d %b %Y, %H:%M:%S") if one.time else ""
        return {
            "picture": data_uri(one.jpeg),
            "name": one.name,
            "time": time,
            "eyes": [one.eyes.left, one.eyes.right] if one.eyes else None,
        }

    def _tell(self, _: object = None) -> None:
        comparison, candidate = self.comparison, self.comparison.candidate
        if candidate is None:
            return
        place = self.listing.place(candidate.tracklet_id)
        verdict = self.triage.verdict(candidate.tracklet_id)
        opinion = self.triage.opinions.get(candidate.tracklet_id)
        problems = (self.triage.problem, comparison.messages.get("shots", ""))
        with self.hold_sync():
            self.place = (
                f"{place:,} of {len(self.listing.candidates):,}, score {candidate.score:.3f}"
                if place
                else f"not in the list as it is filtered, score {candidate.score:.3f}"
            )
            self.verdict = verdict
            self.standing = (
                f"{MARKS[verdict]} {WORDS[verdict]}, by {opinion.by}"
                if opinion
                else "No opinion yet"
            )
            self.told, self.problem = self.triage.told, "\n".join(filter(None, problems))
            self.cutting = comparison.state != "idle"
            self.clip_problem = comparison.messages.get("clip", "")
            if comparison.clip:
                self.clip_hint = MADE_COARSE
            else:
                self.clip_hint = f"{comparison.doing}…" if self.cutting else ""
