"""Confirmed sightings of a case, for its team to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.casework.reviewing.reviewlist import is_withheld, review_list
from workbench.casework.reviewing.verdicts import Decision
from workbench.gallery.lookup import tracklets_by_id

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Sighting:
    """A candidate that two people decided shows the subject of the case, and their decisions."""

    candidate: Candidate
    decisions: tuple[Decision, ...]

    @property
    def confirmed_by(self) -> tuple[str, ...]:
        """Examiners who concluded that it is the same person, in order."""
        return tuple(d.examiner for d in self.decisions if d.verdict == "same")

    @property
    def confirmed_at(self) -> datetime:
        """Time of the last of their decisions (UTC)."""
        return max(d.at for d in self.decisions if d.verdict == "same")


@dataclass(frozen=True, slots=True)
class ConfirmedSightings:
    """Sightings of a case, in order of time."""

    sightings: tuple[Sighting, ...]
    gone: int = 0  # confirmed, but not in this gallery or no longer
    withheld: bool = False  # none is shown: the user may come to decide on faces that wait


def readable_cases(register: CaseRegister) -> tuple[Case, ...]:
    """Return the cases whose sightings the user may read: see :meth:`CaseRegister.cases`.

    Of urgent ones that were not confirmed there are none any more.
    """
    return tuple(case for case in register.cases() if case.state != "not confirmed")


def confirmed_sightings(
    register: CaseRegister, reference: str, gallery: Gallery
) -> ConfirmedSightings:
    """Return the confirmed sightings of a case, as far as the user may know them.

    While faces of the case wait, people who may come to decide on them are shown none. Showing the
    best shots is recorded. Raises NotPermitted if the user may not read cases and see
    faces, and CaseError if there is no such case.
    """
    me = register.require("shot.view", reference)
    if is_withheld(register, register.case(reference)):
        return ConfirmedSightings((), withheld=True)
    items = {
        item.tracklet_id: item
        for item in review_list(register, reference)
        if item.tracklet_id and item.outcome == "sighting"
    }
    # Only fillers have no score, and they are not tracklets.
    found = tracklets_by_id(
        gallery,
        {name: item.score or 0.0 for name, item in items.items()},
        scales={name: item.scale for name, item in items.items()},
    )
    if found:
        shown = {"case": reference, "tracklets": sorted(found), "confirmed": True}
        register.record("shot.viewed", shown, by=me)
    seen = [Sighting(candidate, items[name].decisions) for name, candidate in found.items()]
    seen.sort(key=lambda s: (s.candidate.first_seen, s.candidate.tracklet_id))
    return ConfirmedSightings(tuple(seen), len(items) - len(found))
