"""Triage: an analyst's opinions on candidates before review, and their undo.

An analyst sees score, place and time, so an opinion is not a decision: it makes no sighting, no
reviewer learns of it, and it only selects the candidates worth a review. The analyst who gave it
takes no part in the review of that case. Opinions and their undo are recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from workbench.casework.reviewing.coverage import require_covered
from workbench.casework.viewing import piece_document, piece_of
from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.record.people import Action, Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate, Shot
    from workbench.faces.clips import Clip
    from workbench.gallery import Gallery

TriageVerdict: TypeAlias = Literal["same", "different", "unsure"]
TRIAGE_VERDICTS: tuple[TriageVerdict, ...] = get_args(TriageVerdict)
_ONLY_OPEN = "Only in an open case can candidates be viewed and sorted"
WORTH_REVIEW: tuple[TriageVerdict, ...] = ("same", "unsure")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Opinion of one person on a candidate."""

    tracklet_id: str
    verdict: TriageVerdict
    by: str
    at: datetime  # UTC
    number: int  # of the entry in the record


def sort_out(
    register: CaseRegister, reference: str, candidate: Candidate, verdict: TriageVerdict
) -> Opinion:
    """Record the user's opinion on a candidate of a case.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    CaseError
        If the case is not open, or does not cover where and when the candidate was seen.
    """
    if verdict not in TRIAGE_VERDICTS:
        raise CaseError(
            f"{verdict!r} is not an opinion",
            where=reference,
            fix=f"Choose from {', '.join(TRIAGE_VERDICTS)}",
        )
    me = _may_look(register, reference, candidate, "review.first")
    about = {"case": reference, "tracklet": candidate.tracklet_id, "verdict": verdict}
    entry = register.record("triage.noted", about, by=me)
    return Opinion(candidate.tracklet_id, verdict, entry.account, entry.at, entry.number)


def take_back(register: CaseRegister, reference: str) -> Opinion | None:
    """Undo the user's last standing opinion and return it; None if there is none.

    The opinion and its undo both stay on record. A candidate it put on the review list stays there.
    Raises NotPermitted if the user's role does not cover it, and CaseError if the case is not open.
    """
    me = register.require("review.first", reference)
    register.case(reference).require_open(fix=_ONLY_OPEN)
    with register.exclusively():
        own = [opinion for opinion in _standing(register, reference) if opinion.by == me.account]
        if not own:
            return None
        last = own[-1]
        about = {"case": reference, "tracklet": last.tracklet_id, "entry": last.number}
        register.record("triage.undone", about, by=me)
    return last


def opinions(register: CaseRegister, reference: str) -> Mapping[str, Opinion]:
    """Return the latest standing opinion on each candidate, by tracklet_id.

    Raises NotPermitted if the user may not read cases, and CaseError if they are not a member of
    this one.
    """
    register.require("case.read", reference)
    register.case(reference)
    return {opinion.tracklet_id: opinion for opinion in _standing(register, reference)}


def may_look(register: CaseRegister, reference: str) -> Person:
    """Return the user if they may see candidates of a case; to ask each time that any are shown.

    Raises NotPermitted or CaseError if they may not see them, or the case, or not any more: it was
    closed, or its time is over.
    """
    me = register.require("shot.view", reference)
    register.case(reference).require_open(fix=_ONLY_OPEN)
    return me


def record_view(register: CaseRegister, reference: str, tracklets: Sequence[str]) -> None:
    """Record that the user was shown best shots of candidates.

    Raises what :func:`may_look` raises.
    """
    me = may_look(register, reference)
    register.record("shot.viewed", {"case": reference, "tracklets": list(tracklets)}, by=me)


def shots_of(
    register: CaseRegister, reference: str, candidate: Candidate, gallery: Gallery
) -> tuple[Shot, ...]:
    """Read all shots of a candidate, the best first; record before that the user is shown them.

    Raises what :func:`may_look` raises.
    """
    me = may_look(register, reference)
    about = {"case": reference, "tracklets": [candidate.tracklet_id], "shots": "all"}
    register.record("shot.viewed", about, by=me)
    return tuple(gallery.shots(candidate.tracklet_id))


def may_see_clip(register: CaseRegister, reference: str, candidate: Candidate) -> None:
    """Raise NotPermitted or CaseError unless the user may see a clip of a candidate."""
    _may_look(register, reference, candidate, "shot.view")


def record_clip(register: CaseRegister, reference: str, candidate: Candidate, clip: Clip) -> None:
    """Record that a clip of a candidate is shown, before it is.

    Raises NotPermitted and CaseError as :func:`may_see_clip` does.
    """
    me = _may_look(register, reference, candidate, "shot.view")
    about = {
        "case": reference,
        "tracklet": candidate.tracklet_id,
        **piece_document(piece_of(candidate, clip.start, clip.end)),
        "clip": hashlib.sha256(clip.film).hexdigest(),
    }
    register.record("clip.viewed", about, by=me)


def _standing(register: CaseRegister, reference: str) -> list[Opinion]:
    """Return the opinions that were not undone, in the order in which they were recorded."""
    found: dict[int, Opinion] = {}
    for entry in register.entries_of(reference, "triage."):
        about = entry.about
        if entry.what == "triage.noted":
            found[entry.number] = Opinion(
                about["tracklet"], about["verdict"], entry.account, entry.at, entry.number
            )
        elif entry.what == "triage.undone":
            undone = found.get(about["entry"])
            if undone is not None and undone.by == entry.account:
                del found[undone.number]
    return list(found.values())


def _may_look(
    register: CaseRegister, reference: str, candidate: Candidate, action: Action
) -> Person:
    me, case = register.require(action, reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN)
    require_covered(register, case, [candidate], action)
    return me
