"""Candidates of a search laid beside the target one by one, and sorted."""

from __future__ import annotations

from typing import Any

from workbench.casework.reviewing.triage import TRIAGE_VERDICTS
from workbench.widgets.components.compare import ComparePanel
from workbench.widgets.components.comparison import Comparison
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import MARKS, WORDS


class CandidateComparison(Comparison):
    """Compares the candidate that is selected in an investigation."""

    def __init__(self, model: Investigation) -> None:
        super().__init__(
            model.gallery,
            installation=model.installation,
            profile=model.profile,
            zone=model.zone,
            work=model.work,
        )
        self.model = model
        model.observe(self._follow, ["selected", "result", "threshold"])
        self._follow()

    def _follow(self, _: object = None) -> None:
        result, wanted = self.model.result, self.model.selected
        chosen = [one for one in self.model.shown if one.tracklet_id == wanted]
        seen = self.model.view(chosen)
        if result is None or not seen:
            self.show(None)
        else:
            self.show(seen[0], result.probe.photographs, case=result.case)


class TriagePanel(ComparePanel):
    """Goes through the listed candidates, and records what is thought of each."""

    def __init__(self, comparison: Comparison, listing: Listing) -> None:
        self.listing, self.model, self.triage = listing, listing.model, listing.triage
        super().__init__(comparison, sorting=True)
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

    def _received(self, widget: object, message: dict[str, Any], buffers: object) -> None:
        if self.comparison.candidate is None:
            return
        if message.get("step") in (1, -1):
            self.step(message["step"])
        elif isinstance(message.get("verdict"), str):
            self.decide(message["verdict"])
        elif message.get("undo"):
            self.undo()
        elif message.get("close"):
            self.close_comparison()
        else:
            super()._received(widget, message, buffers)

    def _describe(self, change: object = None) -> None:
        candidate = self.comparison.candidate
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
