"""Exports: what a file that leaves the installation may hold of a review, and its record.

Whoever reads the file might still have to decide on a face. While faces wait, the file holds
nothing of them, and nothing of the review.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.casework.facts import notices_of
from workbench.casework.reviewing.blindness import is_about_review
from workbench.casework.reviewing.reviewlist import review_list, sightings
from workbench.casework.reviewing.triage import opinions
from workbench.casework.reviewing.verdicts import Reviewed
from workbench.casework.searches import require_complete, searches_under
from workbench.domain import Threshold
from workbench.maps.zones import local_time

if TYPE_CHECKING:
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister
    from workbench.casework.searches import SearchEntry
    from workbench.domain import Candidate, Missing, Scope

MOST_CLOCKS = 12
"""Corrections of clocks that a file names one by one; beyond this, their rows alone do."""


@dataclass(frozen=True, slots=True)
class Considered:
    """Review list of a case, as a file that leaves the installation may hold it."""

    items: tuple[Reviewed, ...]
    waiting: int = 0  # faces left out because people have still to decide on them

    def may_hold(self, entry: Entry) -> bool:
        """Check whether the file may hold an entry: while faces wait, none about the review."""
        return not (self.waiting and is_about_review(entry))


@dataclass(frozen=True, slots=True)
class Exportable:
    """Candidates of a case that a file may hold, and what it must say of them."""

    candidates: tuple[Candidate, ...]
    confirmed: frozenset[str]  # tracklet_ids of the sightings among them
    rejected: frozenset[str]  # tracklet_ids of those that an analyst took for somebody else
    notices: tuple[str, ...]


def considered(register: CaseRegister, reference: str) -> Considered:
    """Return the review list of a case for a file, without the faces that wait for decisions.

    Whoever reads the file might still decide on those. Nothing is left out when the case has ended,
    of faces that are lost, or in training, where one person plays every part.

    Raises NotPermitted if the user may not export evidence, and CaseError if there is no such case.
    """
    me, case = register.require("evidence.export", reference), register.case(reference)
    items = review_list(register, reference)
    if case.state != "open" or not me.in_service:
        return Considered(items)
    kept = tuple(item for item in items if not item.waits)
    return Considered(kept, len(items) - len(kept))


def exportable(
    register: CaseRegister,
    reference: str,
    candidates: Sequence[Candidate],
    *,
    zone: tzinfo,
    missing: Missing | None,
) -> Exportable:
    """Return the candidates of a case that a file may hold, with their marks and its notices.

    None that waits for decisions is among them; a notice says how many were left out. Times in
    notices are those of *zone*. *missing* is what the search that found them did not compare.
    Raises what :func:`considered` raises, and CaseError if something is missing; that is recorded.
    """
    if missing is not None:
        register.refused("evidence.export", reference, [missing.words])
        require_complete(missing, reference)
    kept = {item.key for item in considered(register, reference).items}
    waiting = {
        item.tracklet_id for item in review_list(register, reference) if item.key not in kept
    }
    found = tuple(one for one in candidates if one.tracklet_id not in waiting)
    notices = [*notices_of(register.case(reference), zone=zone)]
    if left_out := len(candidates) - len(found):
        faces = "1 candidate is" if left_out == 1 else f"{left_out:,} candidates are"
        notices.append(
            f"{faces} left out: the review is not finished, and the people who have still to "
            "decide must not see score, place or time."
        )
    ids = {one.tracklet_id for one in found}
    sorted_out = opinions(register, reference)
    return Exportable(
        found,
        sightings(register, reference) & ids,
        frozenset(i for i in ids & sorted_out.keys() if sorted_out[i].verdict == "different"),
        tuple(notices),
    )


def facts_of(
    register: CaseRegister,
    reference: str,
    candidates: Sequence[Candidate],
    *,
    scope: Scope,
    zone: ZoneInfo,
    threshold: Threshold | Literal["all"] | None = None,
    confirmed: Collection[str] = (),
    searches: Sequence[SearchEntry] | None = None,
    at: datetime | None = None,
) -> dict[str, str]:
    """Say what a file with candidates of a case is, by name: title, case, scope and so on.

    *threshold* is the one that they reached, ``all`` where there was none; without it the file
    names those of all searches under the case. *confirmed* are the tracklet_ids of the sightings
    among them. *searches* are those under the case and *at* is when the file is made (UTC), where
    the record was read before. Raises CaseError if there is no such case.
    """
    case, me = register.case(reference), register.me
    kind = "Candidates: leads, not identifications"
    if candidates and all(one.tracklet_id in confirmed for one in candidates):
        kind = "Confirmed sightings"
    start, end = (local_time(moment, zone) for moment in (scope.start, scope.end))
    reached = "none"
    if isinstance(threshold, Threshold):
        reached = threshold.words
    elif threshold is None:
        if searches is None:
            searches = searches_under(register.folder, reference)
        words = dict.fromkeys(one.threshold_told for one in searches)
        reached = "; ".join(words) or "no search is on record"
    clocks = dict.fromkeys(
        f"{one.camera.words()}: {one.time.remark(zone)}" for one in candidates if one.time.mark
    )
    told = "; ".join(clocks)
    if len(clocks) > MOST_CLOCKS:
        told = f"{len(clocks):,} remarks, each beside its time"
    return {
        "title": kind,
        "case": f"{reference}: {case.request.title}" if case.request.title else reference,
        "scope": f"{scope.district.name}, {start} to {end}",
        "threshold": reached,
        "made": f"{local_time(at or datetime.now(UTC), zone)} by {me.account}",
        "clocks": told
        or (
            "no clock was corrected, and none is known to be in doubt"
            if candidates
            else "no time is given"
        ),
    }


def record_export(
    register: CaseRegister,
    reference: str,
    tracklets: Sequence[str],
    *,
    form: str,
    content: bytes,
    file: str | Path,
) -> None:
    """Record the export of a file that shows tracklets of a case, before it is handed out.

    *file* is where it is written, or the name under which a browser saves it.

    Raises NotPermitted if the user may not export, and CaseError if there is no such case.
    """
    me = register.require("evidence.export", reference)
    register.case(reference)
    about = {
        "case": reference,
        "form": form,
        "file": str(file.resolve() if isinstance(file, Path) else file),
        "sha256": hashlib.sha256(content).hexdigest(),
        "tracklets": list(tracklets),
    }
    register.record("sightings.exported", about, by=me)


def record_table(register: CaseRegister, table: str, *, cases: Sequence[str], rows: int) -> None:
    """Record that a table of scores is read, before it is handed out.

    *cases* are the references of those whose decisions it holds.
    """
    about = {"table": table, "cases": list(cases), "rows": rows}
    register.record("review.exported", about)
