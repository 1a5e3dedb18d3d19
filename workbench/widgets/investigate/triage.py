"""Candidates of a search laid beside the target one by one, and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from traitlets import Bytes, Float, Instance, Unicode, link

from workbench.casework.reviewing.triage import (
    TRIAGE_VERDICTS,
    may_look,
    may_see_clip,
    record_clip,
    shots_of,
)
from workbench.domain import Candidate, Photograph
from workbench.maps.zones import local_time
from workbench.widgets.components.compare import ComparePanel
from workbench.widgets.components.comparison import Comparison, Picture
from workbench.widgets.components.media import Standing, address
from workbench.widgets.components.parts import camera_name
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import MARKS, WORDS

if TYPE_CHECKING:
    from workbench.faces.clips import Clip

MADE_COARSE = (
    "Only this face is sharp; everything else is pixelated on purpose. "
    "The making of this clip is on record."
)


class CandidateComparison(Comparison):
    """Compares the candidate that is selected in an investigation.

    Problems with its clip are reported in ``messages``, under ``clip``.
    """

    candidate = Instance(Candidate, allow_none=True)
    case = Unicode(help="reference of the case under which the candidate was found")
    clip = Bytes(help="MP4 of the seconds around it; empty while there is none")
    clip_from = Float(0.0, help="seconds into the clip at which the best shot is")

    def __init__(self, model: Investigation) -> None:
        self.model, self.gallery = model, model.gallery
        super().__init__(lambda: model.installation.load_models(model.profile), work=model.work)
        model.observe(self._follow, ["selected", "result", "threshold"])
        self._follow()

    def _follow(self, _: object = None) -> None:
        result, wanted = self.model.result, self.model.selected
        chosen = [one for one in self.model.shown if one.tracklet_id == wanted]
        seen = self.model.view(chosen)
        if result is None or not seen:
            self.leave()
        else:
            self.show(seen[0], result.probe.photographs, case=result.case)

    def leave(self) -> None:
        """Compare nothing."""
        self.say("clip")
        self.clip, self.candidate = b"", None
        super().leave()

    def show(self, candidate: Candidate, photographs: Sequence[Photograph], *, case: str) -> None:
        """Compare a candidate that was found under a case with photographs of the target."""
        if (candidate, case) == (self.candidate, self.case):
            return
        self.say("clip")
        self.clip, self.candidate, self.case = b"", candidate, case
        self.standing = Standing(may_look, (self.model.installation.register, case))
        zone = self.model.zone

        def told(jpeg: bytes, name: str, time: datetime) -> Picture:
            return Picture(jpeg, name, local_time(time, zone, "%d %b %Y, %H:%M:%S"))

        def others() -> list[Picture]:
            with self.model.installation.open_gallery(self.gallery) as gallery:
                shots = shots_of(self.model.installation.register, case, candidate, gallery)[1:]
            return [told(s.jpeg, f"Shot {n}", s.time) for n, s in enumerate(shots, start=2)]

        self.compare(
            candidate.tracklet_id,
            [Picture(one.jpeg, one.name) for one in photographs],
            told(candidate.shot_jpeg, "Best shot", candidate.shot_time),
            others,
            title=camera_name(candidate.camera),
            note=candidate.time.remark(zone),
        )

    def make_clip(self) -> None:
        """Cut the seconds around the candidate, everybody else made coarse; that is recorded."""
        candidate, reference = self.candidate, self.case
        if candidate is None or self.state != "idle":
            return
        self.say("clip")
        installation = self.model.installation

        def cut() -> Clip:
            may_see_clip(installation.register, reference, candidate)
            case = installation.register.case(reference)
            return installation.cut_clip(self.gallery, candidate, case, of=self.models())

        def done(clip: Clip) -> None:
            record_clip(installation.register, reference, candidate, clip)
            self.clip_from = candidate.shot_seconds - clip.start
            self.clip = clip.film

        self._do("clip", "Cutting the clip", cut, done)


class TriagePanel(ComparePanel):
    """Goes through the listed candidates, and records what is thought of each."""

    def __init__(self, comparison: CandidateComparison, listing: Listing) -> None:
        self.listing, self.model, self.triage = listing, listing.model, listing.triage
        self.compared = comparison
        super().__init__(comparison, sorting=True)
        link((comparison, "clip_from"), (self, "clip_from"))
        comparison.observe(self._describe, ["candidate", "clip"])
        comparison.observe(self._show_clip, "clip")
        self.triage.observe(self._describe, ["opinions", "status", "problem"])
        listing.observe(self._describe, "candidates")

    def compare(self, tracklet_id: str) -> None:
        """Compare a candidate, and put the keyboard's focus here."""
        self.model.selected = tracklet_id
        self.send({"focus": True})

    def close_comparison(self) -> None:
        """Leave the comparison."""
        self.model.selected = ""

    def step(self, by: int) -> None:
        """Go *by* places further in the list; negative numbers go back."""
        self.model.selected = self.listing.neighbour(self.model.selected, by)

    def decide(self, verdict: str) -> None:
        """Record an opinion on this candidate, and go on to the next."""
        this = self.model.selected
        following = self.listing.neighbour(this, 1)  # before a filter takes this one away
        known = next((one for one in TRIAGE_VERDICTS if one == verdict), None)
        if known is not None and self.triage.record(this, known):
            self.model.selected = following

    def undo(self) -> None:
        """Take back the last opinion, and go back to its candidate."""
        taken = self.triage.undo()
        if taken in {one.tracklet_id for one in self.model.shown}:
            self.model.selected = taken

    def _show_clip(self, _: object = None) -> None:
        clip = self.compared.clip
        standing = self.compared.standing
        self.clip = address(clip, "video/mp4", standing=standing) if clip else ""

    def _received(self, widget: object, message: dict[str, Any], buffers: object) -> None:
        if self.compared.candidate is None:
            return
        if message.get("step") in (1, -1):
            self.step(message["step"])
        elif isinstance(message.get("verdict"), str):
            self.decide(message["verdict"])
        elif message.get("undo"):
            self.undo()
        elif message.get("close"):
            self.close_comparison()
        elif message.get("clip"):
            self.compared.make_clip()
        else:
            super()._received(widget, message, buffers)

    def _describe(self, change: object = None) -> None:
        comparison, candidate = self.compared, self.compared.candidate
        if candidate is None:
            return
        place = self.listing.place(candidate.tracklet_id)
        verdict = self.triage.verdict(candidate.tracklet_id)
        opinion = self.triage.opinions.get(candidate.tracklet_id)
        with self.hold_sync():
            super()._describe(change)
            self.place = (
                f"{place:,} of {len(self.listing.candidates):,}, score {candidate.score:.3f}"
                if place
                else f"hidden by the filters, score {candidate.score:.3f}"
            )
            self.verdict = verdict
            self.standing = (
                f"{MARKS[verdict]} {WORDS[verdict]}, by {opinion.by}"
                if opinion
                else "No opinion yet"
            )
            self.status = self.triage.status
            self.problem = "\n".join(filter(None, (self.triage.problem, self.problem)))
            self.cutting = comparison.state != "idle"
            self.clip_problem = comparison.messages.get("clip", "")
            doing = f"{comparison.doing}…" if self.cutting else ""
            self.clip_hint = MADE_COARSE if comparison.clip else doing
