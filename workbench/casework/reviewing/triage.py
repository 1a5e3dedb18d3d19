"""Sorting candidates before review: what the analyst at the search thinks of each, and their undo.

Whoever sorts sees score, place and time, so an opinion is no decision: it makes no sighting, no
reviewer learns of it, and all it does is to say which candidates are worth a review. Whoever gave
it takes no part in that review. It is on record all the same, and so is taking it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import shapely

from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.record.people import Action, Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate

TriageVerdict: TypeAlias = Literal["same", "different", "unsure"]
TRIAGE_VERDICTS: tuple[TriageVerdict, ...] = get_args(TriageVerdict)
_ONLY_OPEN = "Only in an open case can candidates be viewed and sorted"
WORTH_REVIEW: tuple[TriageVerdict, ...] = ("same", "unsure")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thought of a candidate at first sight."""

    tracklet_id: str
    verdict: TriageVerdict
    by: str
    at: datetime  # UTC
    number: int  # of the entry in the record


def sort_out(
    register: CaseRegister, reference: str, candidate: Candidate, verdict: TriageVerdict
) -> Opinion:
    """Record what whoever is at work thinks of a candidate of a case.

    Raises
    ------
    NotPermitted
        If no role of theirs covers it.
    CaseError
        If the case is not open, or does not cover where and when the candidate was seen.
    """
    if verdict not in TRIAGE_VERDICTS:
        raise CaseError(
            f"{verdict!r} is no opinion",
            where=reference,
            fix=f"Choose from {', '.join(TRIAGE_VERDICTS)}",
        )
    me = _may_look(register, reference, candidate, "review.first")
    about = {"case": reference, "tracklet": candidate.tracklet_id, "verdict": verdict}
    entry = register.record("triage.noted", about, by=me)
    return Opinion(candidate.tracklet_id, verdict, entry.account, entry.at, entry.number)


def take_back(register: CaseRegister, reference: str) -> Opinion | None:
    """Take back the last opinion of whoever is at work that stands; None where there is none.

    Both it and its being taken back stay on record. What it put on the review list stays there.
    """
    me = register.require("review.first", reference)
    register.case(reference).require_open(fix=_ONLY_OPEN)
    with register.exclusively():
        own = [one for one in _standing(register, reference) if one.by == me.account]
        if not own:
            return None
        last = own[-1]
        about = {"case": reference, "tracklet": last.tracklet_id, "entry": last.number}
        register.record("triage.undone", about, by=me)
    return last


def opinions(register: CaseRegister, reference: str) -> Mapping[str, Opinion]:
    """By tracklet_id what was last thought of it, by anybody, and not taken back."""
    register.require("case.read", reference)
    return {one.tracklet_id: one for one in _standing(register, reference)}


def sorted_by(register: CaseRegister, reference: str, account: str) -> frozenset[str]:
    """The tracklets that somebody has sorted, taken back or not: of these they are not blind."""
    return frozenset(
        entry.about["tracklet"]
        for entry in register.entries_of(reference, "triage.noted")
        if entry.account == account
    )


def may_see_clip(register: CaseRegister, reference: str, candidate: Candidate) -> None:
    """Raise what :func:`sort_out` raises if whoever is at work may not see its seconds of video."""
    _may_look(register, reference, candidate, "shot.view")


def record_clip(
    register: CaseRegister, reference: str, candidate: Candidate, *, sha256: str
) -> None:
    """Record that a clip of a candidate was made and is shown; *sha256* is the clip's."""
    me = _may_look(register, reference, candidate, "shot.view")
    about = {
        "case": reference,
        "tracklet": candidate.tracklet_id,
        "recording": candidate.recording,
        "clip": sha256,
    }
    register.record("clip.viewed", about, by=me)


def _standing(register: CaseRegister, reference: str) -> list[Opinion]:
    """The opinions that were not taken back, in the order in which they were recorded."""
    found: dict[int, Opinion] = {}
    for entry in register.entries_of(reference, "triage."):
        about = entry.about
        if entry.what == "triage.noted":
            found[entry.number] = Opinion(
                about["tracklet"], about["verdict"], entry.account, entry.at, entry.number
            )
        elif entry.what == "triage.undone":
            taken = found.get(about["entry"])
            if taken is not None and taken.by == entry.account:
                del found[taken.number]
    return list(found.values())


def _may_look(
    register: CaseRegister, reference: str, candidate: Candidate, action: Action
) -> Person:
    me, case = register.require(action, reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN)
    place = shapely.Point(candidate.camera.longitude, candidate.camera.latitude)
    seen = candidate.first_seen < case.request.end and candidate.last_seen >= case.request.start
    if not (seen and shapely.covers(case.request.district.area, place)):
        what = f"the case does not cover {candidate.camera.camera_id} at that time"
        register.refused(action, reference, [f"{candidate.tracklet_id}: {what}"])
        raise CaseError(what, where=reference, fix="Look only at candidates of a search under it")
    return me
