"""Step 1: the target's photographs, and what a search has to do with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from workbench.domain import MOST_PHOTOGRAPHS
from workbench.maps.zones import local_time
from workbench.widgets.components.parts import button, markup
from workbench.widgets.components.photographs import shot_name
from workbench.widgets.components.target import TargetPanel
from workbench.widgets.investigate.model import Investigation

if TYPE_CHECKING:
    from workbench.domain import Candidate


class SearchTargetPanel(TargetPanel):
    """Photographs of the target.

    ``shot``, which adds the selected candidate's best shot to them, stands with the results.
    """

    model: Investigation

    def __init__(self, model: Investigation, *, step: int | None = None) -> None:
        self.changed = markup()
        self.shot = button("Search for this face too", self._take_shot)
        self.own = button(
            "Use the case's photographs",
            lambda: model.take_own(model.case),
            label="Search for the person of the case, by the photographs that it holds",
        )
        super().__init__(model, self.changed, step=step, above=self.own)
        model.observe(self._mark_changed, ["uploads", "result"])
        model.observe(self._offer_own, ["case", "cases", "uploads"])
        model.observe(self._offer_shot, ["selected", "result", "case", "uploads"])
        self._mark_changed()
        self._offer_own()
        self._offer_shot()

    def _mark_changed(self, _: object = None) -> None:
        """Say whether the photographs are those that were searched for."""
        result = self.model.result
        searched = result.probe.photographs if result else ()
        used = [upload.photograph for upload in self.model.used]
        # The very photographs: arrays in them have no one answer to whether they are equal.
        changed = result is not None and [*map(id, searched)] != [*map(id, used)]
        words = "The photographs have changed since the search."
        hint = f'<p class="sl-hint">{words}</p>' if changed else ""
        self.changed.value = f'<div role="status">{hint}</div>'

    def _offer_own(self, _: object = None) -> None:
        """Offer the photographs of the case's subject, until they are all here."""
        case, here = (
            self.model.chosen_case,
            {hashlib.sha256(u.content).hexdigest() for u in self.model.uploads},
        )
        subject = case.request.subject if case else None
        missing = subject is not None and not here.issuperset(
            one.original for one in subject.provenance
        )
        self.own.layout.display = "" if missing else "none"

    def _offer_shot(self, _: object = None) -> None:
        """Offer the selected candidate as one more photograph of the target."""
        one = self._selected()
        full = len(self.model.uploads) >= MOST_PHOTOGRAPHS
        self.shot.layout.display = "none" if one is None or full else ""
        if one is not None:
            self.shot.tooltip = f"{self._name(one)}: add it to the photographs of the target"

    def _selected(self) -> Candidate | None:
        result = self.model.result
        taken = {upload.tracklet_id for upload in self.model.uploads}
        if result is None or result.case != self.model.case or self.model.selected in taken:
            return None
        found = self.model.shown
        return next((one for one in found if one.tracklet_id == self.model.selected), None)

    def _name(self, candidate: Candidate) -> str:
        when = local_time(candidate.shot_time, self.model.zone, "%d %b %H:%M:%S")
        if candidate.time.mark:
            when += f" ({candidate.time.mark})"
        return shot_name(candidate, when)

    def _take_shot(self) -> None:
        if one := self._selected():
            self.model.take_shot(one.tracklet_id, case=self.model.case, name=self._name(one))
