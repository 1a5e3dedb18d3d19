"""Opinions on candidates at first sight, put on record and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from traitlets import Dict, HasTraits, Unicode

from workbench.casework.reviewing.triage import opinions, sort_out, take_back
from workbench.errors import SightlineError
from workbench.widgets.components.parts import count
from workbench.widgets.investigate.model import Investigation

if TYPE_CHECKING:
    from workbench.casework.reviewing.triage import Opinion, TriageVerdict

WORDS: Mapping[str, str] = {"same": "Same", "different": "Not same", "unsure": "Unsure"}
MARKS: Mapping[str, str] = {"same": "✓", "different": "✗", "unsure": "?"}


class TriageOpinions(HasTraits):
    """The opinions that stand in the case of the result, by anyone.

    >>> triage = TriageOpinions(asked)                                  # doctest: +SKIP
    >>> triage.record(asked.shown[0].tracklet_id, "same")               # doctest: +SKIP
    >>> triage.undo()                                                   # doctest: +SKIP
    """

    opinions = Dict(help="by tracklet_id, each an Opinion")
    status = Unicode(help="what was recorded last, in words")
    problem = Unicode(help="why something could not be recorded, in words")

    def __init__(self, model: Investigation) -> None:
        super().__init__()
        self.model = model
        model.observe(self._restart, "result")
        self._restart()

    def verdict(self, tracklet_id: str) -> str:
        """``same``, ``different``, ``unsure``, or nothing where no opinion stands."""
        opinion: Opinion | None = self.opinions.get(tracklet_id)
        return opinion.verdict if opinion else ""

    def record(self, tracklet_id: str, verdict: TriageVerdict) -> bool:
        """Record an opinion on a candidate of the result; True if it was recorded."""
        result, self.problem = self.model.result, ""
        shown = self.model.shown
        candidate = next((one for one in shown if one.tracklet_id == tracklet_id), None)
        if result is None or candidate is None:
            self.problem = "Choose a candidate from this search first."
            return False
        try:
            opinion = sort_out(self.model.installation.register, result.case, candidate, verdict)
        except SightlineError as error:
            self.problem = str(error)
            return False
        self.opinions = {**self.opinions, tracklet_id: opinion}
        self.status = (
            f"{WORDS[verdict]}: recorded for {candidate.camera.camera_id}. {self._tally()}"
        )
        return True

    def undo(self) -> str:
        """Take back your last opinion; return its tracklet_id, or an empty string."""
        result, self.problem = self.model.result, ""
        if result is None:
            return ""
        try:
            taken = take_back(self.model.installation.register, result.case)
            standing = opinions(self.model.installation.register, result.case)
        except SightlineError as error:
            self.problem = str(error)
            return ""
        self.opinions = dict(standing)
        if taken is None:
            self.status = "There is nothing to undo."
            return ""
        self.status = f"{WORDS[taken.verdict]}: undone; the undo is on record. {self._tally()}"
        return taken.tracklet_id

    def _tally(self) -> str:
        own = self.model.shown
        done = sum(candidate.tracklet_id in self.opinions for candidate in own)
        return f"{done:,} of {count(len(own), 'candidate')} sorted."

    def _restart(self, _: object = None) -> None:
        result = self.model.result
        self.status = self.problem = ""
        try:
            self.opinions = (
                dict(opinions(self.model.installation.register, result.case)) if result else {}
            )
        except SightlineError as error:
            self.opinions, self.problem = {}, str(error)
