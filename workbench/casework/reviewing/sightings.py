"""The confirmed sightings of a case, for its team to read; and the files of them that leave."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.casework.reviewing.review import Decision, reviewed
from workbench.gallery.by_id import tracklets_by_id

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Sighting:
    """A candidate that people have decided is the subject of the case, and their decisions."""

    candidate: Candidate
    decisions: tuple[Decision, ...]

    @property
    def confirmed_by(self) -> tuple[str, ...]:
        """Who concluded that it is the same person, in order."""
        return tuple(one.examiner for one in self.decisions if one.verdict == "same")

    @property
    def confirmed_at(self) -> datetime:
        """When the last of them did (UTC)."""
        return max(one.at for one in self.decisions if one.verdict == "same")


@dataclass(frozen=True, slots=True)
class ConfirmedSightings:
    """The sightings of a case, in order of time."""

    sightings: tuple[Sighting, ...]
    gone: int = 0  # confirmed, but not in this gallery (any more)


def readable_cases(register: CaseRegister) -> tuple[Case, ...]:
    """The cases that whoever is at work may read; none, where their role covers no reading."""
    return register.cases() if register.me.may("case.read") else ()


def confirmed_sightings(
    register: CaseRegister, reference: str, gallery: Gallery
) -> ConfirmedSightings:
    """What is confirmed in a case, as far as whoever is at work may know it.

    That the best shots were shown is recorded. Raises NotPermitted if no role of theirs covers
    reading cases and seeing faces, CaseError if there is no such case.
    """
    me = register.require("shot.view", reference)
    register.case(reference)
    items = {
        item.tracklet_id: item
        for item in reviewed(register, reference)
        if item.tracklet_id and item.outcome == "sighting"
    }
    # Fillers have no score, but they are no tracklets either.
    found = tracklets_by_id(gallery, {name: item.score or 0.0 for name, item in items.items()})
    if found:
        shown = {"case": reference, "tracklets": sorted(found)}
        register.record("shot.viewed", shown, by=me)
    seen = [Sighting(one, items[name].decisions) for name, one in found.items()]
    seen.sort(key=lambda one: (one.candidate.first_seen, one.candidate.tracklet_id))
    return ConfirmedSightings(tuple(seen), len(items) - len(found))


def record_export(
    register: CaseRegister, reference: str, tracklets: Sequence[str], *, form: str, content: bytes
) -> None:
    """Put on record, before it leaves, a file that shows tracklets of a case.

    Raises NotPermitted if no role of whoever is at work covers exports.
    """
    me = register.require("evidence.export", reference)
    register.case(reference)
    about = {
        "case": reference,
        "form": form,
        "sha256": hashlib.sha256(content).hexdigest(),
        "tracklets": list(tracklets),
    }
    register.record("sightings.exported", about, by=me)
