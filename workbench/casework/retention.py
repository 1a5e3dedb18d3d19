"""Retention: what is deleted, when and by whom; the gallery itself removes.

Each deletion leaves an entry before and after. A tracklet stays only until its retention ends, or
while a sighting of an open case holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from workbench.casework.cases import plain
from workbench.casework.reviewing.review import sightings
from workbench.casework.subjects import delete_strays, delete_subject
from workbench.domain import parse_tracklet_id
from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery

RemoveOld: TypeAlias = Callable[[datetime, frozenset[str]], Mapping[str, int]]
"""Remove everything seen before a time from a gallery, except the tracklets named; return how many
were removed, by kind. Nothing of it may be left in the file."""

RemoveThese: TypeAlias = Callable[[frozenset[str]], Mapping[str, int]]
"""Remove the tracklets named from a gallery; return the number removed, by kind."""


@dataclass(frozen=True, slots=True)
class Purged:
    """Result of a purge."""

    before: datetime  # UTC
    removed: Mapping[str, int]  # by kind: tracklets, shots, …
    held: int  # tracklets kept because sightings of open cases hold them
    subjects: int  # deleted, of cases that ended before that time or were never recorded


def held(register: CaseRegister) -> frozenset[str]:
    """Return the tracklets that sightings of open cases hold, expired cases included."""
    found: set[str] = set()
    for case in register.all_cases():
        if case.state == "open" and not case.is_training:
            found |= sightings(register, case.reference)
    return frozenset(found)


def remove_old(gallery: Gallery, before: datetime, keep: frozenset[str]) -> Mapping[str, int]:
    """Remove recordings that ended before a time from a gallery open for writing.

    From a recording with tracklets in *keep*, only the others are removed. Returns the number
    removed, by kind.
    """
    held_in = {parse_tracklet_id(tracklet_id)[0] for tracklet_id in keep}
    rows = gallery.recordings()
    ended = set(rows.loc[rows["ended_at"] < before, "recording_id"].astype(str))
    others = [
        tracklet_id
        for tracklet_id in gallery.tracklets()["tracklet_id"].astype(str)
        if tracklet_id not in keep and parse_tracklet_id(tracklet_id)[0] in ended & held_in
    ]
    return gallery.purge(ended - held_in, tracklet_ids=others)


def purge(
    register: CaseRegister, gallery: Path, remove: RemoveOld, *, days: float | None = None
) -> Purged:
    """Delete what is older than the retention in the rules, or than *days* if that is shorter.

    Subjects of cases that ended that long ago are deleted too. Raises NotPermitted for all but
    administrators, and CaseError if *days* is longer than the rules allow.
    """
    me, allowed = register.require("retention.purge"), register.rules.retention_days
    if days is not None and not 0 <= days <= allowed:
        raise CaseError(
            f"{days:g} days is not between 0 and the {allowed:g} days that the rules allow",
            where="retention",
            fix="Choose fewer days, or have `retention_days` set with `sightline installation set`",
        )
    kept = allowed if days is None else days
    before, holding = datetime.now(UTC) - timedelta(days=kept), held(register)
    about = {"gallery": str(gallery.resolve()), "before": before.isoformat(), "held": len(holding)}
    register.record("retention.purging", about, by=me)
    removed = dict(remove(before, holding))
    ended = [
        case.reference
        for case in register.all_cases()
        if case.ended_at is not None and case.ended_at < before
    ]
    subjects = sum(bool(delete_subject(register.folder, reference)) for reference in ended)
    with register.exclusively():  # no request is being made
        subjects += delete_strays(register.folder, register.references)
    register.record("retention.purged", {**about, "removed": removed, "subjects": subjects}, by=me)
    return Purged(before, removed, len(holding), subjects)


def forget_subject(register: CaseRegister, reference: str, *, reason: str) -> int:
    """Delete the photographs and templates of a case's subject; return the number of files.

    Raises NotPermitted if the user's role does not cover it, and CaseError if the case has not
    ended: an open one could not be searched or reviewed without them.
    """
    # Administrators delete subjects without seeing the case.
    me, case = register.require("subject.delete", reference), register.find_case(reference)
    if case is None:
        raise CaseError("no such case", where=reference[:80], fix="Check its reference")
    if case.state in ("open", "requested"):
        raise CaseError(
            f"is {case.status()}",
            where=reference,
            fix="Close the case first, then delete its subject",
        )
    reason = plain(reason, where="reason")
    count = delete_subject(register.folder, reference)
    about = {"case": reference, "files": count, "reason": reason}
    register.record("subject.deleted", about, by=me)
    return count


def forget_tracklets(
    register: CaseRegister,
    gallery: Path,
    tracklets: Collection[str],
    remove: RemoveThese,
    *,
    reason: str,
) -> Mapping[str, int]:
    """Delete single tracklets from a gallery, such as those of a person entitled to erasure.

    Returns the number removed, by kind. Raises NotPermitted if the user's role does not cover it,
    and CaseError if a sighting of an open case holds one of them: a court may need it.
    """
    me, wanted = register.require("subject.delete"), frozenset(tracklets)
    kept = sorted(wanted & held(register))
    if kept:
        raise CaseError(
            f"{len(kept)} of the tracklets are sightings of an open case",
            where=kept[0],
            fix="Close the case first",
        )
    about = {
        "gallery": str(gallery.resolve()),
        "tracklets": sorted(wanted),
        "reason": plain(reason, where="reason"),
    }
    register.record("retention.removing", about, by=me)
    removed = dict(remove(wanted))
    register.record("retention.removed", {**about, "removed": removed}, by=me)
    return removed
