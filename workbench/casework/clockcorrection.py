"""Corrections of clocks: under a role, with old and new times on record before anything changes.

What is about to change is an entry of its own; the gallery is held for writing from before it until
after the change, so that the two cannot differ. The entry that follows says that it was done, or
that it failed. One without the other was interrupted: the gallery says which times hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.casework.clocks import (
    COMPARED,
    VIEWED,
    find_recording,
    said_how,
)
from workbench.domain import ClockCorrection, ClockSetting
from workbench.errors import CaseError, GalleryError
from workbench.footage.clockpictures import SAME_SECOND

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import ClockChange
    from workbench.gallery import Gallery
    from workbench.gallery.adopting import Agreed, Arrival

CORRECTING, CORRECTED, FAILED = "clock.correcting", "clock.corrected", "clock.failed"
# What does not go into the first entry: a line of the record is read as a whole.
CHANGES = "clock.changes"
MOST_CHANGES = 1000  # in one entry


@dataclass(frozen=True, slots=True)
class ClockTarget:
    """Recordings that a correction applies to: one, or all of a camera or a folder.

    Raises
    ------
    CaseError
        If it is none of them, or more than one.
    """

    recording: str = ""  # its id or file
    from_seconds: float = 0.0  # of that recording; from there on
    camera_id: str = ""
    folder: str = ""  # as files are catalogued; ".": all
    since: datetime | None = None  # recordings that begin from then on, as stated
    until: datetime | None = None  # and before then
    alone: bool = False  # of that recording, only up to the end of the stretch there
    all_stretches: bool = False  # also those that are in doubt, or were corrected, by themselves
    catalogue: str = ""  # of that folder, where several have one of its name

    def __post_init__(self) -> None:
        named = [name for name in (self.recording, self.camera_id, self.folder) if name]
        if len(named) != 1:
            raise CaseError(
                "a correction applies to a recording, a camera or a folder",
                where="clock",
                fix="Name one, and no more",
            )
        if self.recording and (self.since or self.until):
            raise CaseError(
                "a range of time goes with a camera or a folder, not with a recording",
                where="clock",
                fix="Leave it out",
            )
        if self.catalogue and not self.folder:
            raise CaseError(
                "a catalogue goes with one of its folders",
                where="clock",
                fix="Name the folder too; . for all of the catalogue",
            )
        if (self.from_seconds or self.alone) and not self.recording:
            raise CaseError(
                "seconds of a recording go with a recording, not with a camera or folder",
                where="clock",
                fix="Leave them out",
            )
        if self.alone and self.all_stretches:
            raise CaseError(
                "one stretch of a recording and all of them cannot be meant together",
                where="clock",
                fix="Choose one of the two",
            )
        if self.since and self.until and self.until <= self.since:
            raise CaseError(
                f"{self.until.isoformat()} is not after {self.since.isoformat()}",
                where="clock",
                fix="Choose an end after the start",
            )


def correct_clocks(
    register: CaseRegister,
    gallery: Gallery,
    target: ClockTarget,
    *,
    offset_seconds: float | None,
    how: str,
    uncertainty_seconds: float | None = None,
    dry_run: bool = False,
) -> tuple[ClockChange, ...]:
    """Correct the clocks of a target, or confirm them, on record; return old and new times.

    What is given for a camera or a folder holds for recordings that are indexed later, too, and
    settles no doubt about single ones; what is confirmed is what is there. Nothing is decoded
    again.

    Parameters
    ----------
    gallery : Gallery
        Open for writing, unless it is a dry run.
    offset_seconds : float or None
        How far the recorded time was ahead of the true time, whatever it was corrected by before;
        None: the times as they are now are confirmed.
    how : str
        How that is known.
    uncertainty_seconds : float, optional
        By how much the corrected times may be wrong.
    dry_run : bool
        Change nothing and leave no entry: only return what would change.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it; on record.
    CaseError
        If it is not said how it is known, or the recording has later stretches with a doubt or a
        correction of their own and neither one stretch nor all of them are meant.
    TimeError
        If a number is not possible, or a recording would begin before there were any, or later
        than now.
    GalleryError
        If nothing is concerned, or the gallery cannot be written.
    """
    me = register.require("clock.correct")
    correction = ClockCorrection(
        offset_seconds,
        found_by=me.account,
        how=said_how(how),
        found_at=datetime.now(UTC),
        uncertainty_seconds=uncertainty_seconds,
    )
    if target.folder:
        target = replace(target, catalogue=gallery.catalogue_of(target.folder, target.catalogue))
    concerned = _concerned(gallery, target, correction)
    if not (target.alone or target.all_stretches):
        _refuse_to_spread(gallery, concerned.get("recordings", ()), target.from_seconds)
    planned = gallery.correct_clock(correction, **concerned, dry_run=True)
    if dry_run:
        return tuple(planned)
    about = {
        "gallery": str(gallery.path.resolve()),
        "target": _document(target),
        "offset_seconds": offset_seconds,
        "uncertainty_seconds": uncertainty_seconds,
        "how": correction.how,
        "found_at": correction.found_at.isoformat(),
    }
    outcome = _announced(register, me, about, _rows(planned))
    try:
        made = gallery.correct_clock(correction, **concerned)
    except BaseException as error:
        register.record(FAILED, {**outcome, "reason": str(error)[:500]}, by=me)
        raise
    done = {"changes": len(made), "sha256": digest(_rows(made))}
    register.record(CORRECTED, {**outcome, **done}, by=me)
    return tuple(made)


def bring_in(
    register: CaseRegister, gallery: Gallery, source: str, merging: Callable[[Agreed], Arrival]
) -> Arrival:
    """Merge or import with the corrections that come along on record; return what came of it.

    What comes into a gallery can correct the clocks of what was there, so that takes the role that
    correcting takes; where no time changes, none is asked.

    Parameters
    ----------
    source : str
        Where it comes from, for the record.
    merging : callable
        Merges or imports into *gallery*, and calls what it is given with old and new times before
        it changes any.

    Raises
    ------
    NotPermitted
        If times are to change and the user's role does not cover that; on record. What came is
        there, and all times are as they were.
    GalleryError
        What *merging* raises.
    """
    noted: list[tuple[Person, dict[str, Any], list[dict[str, Any]]]] = []

    def agreed(changes: Sequence[ClockChange]) -> None:
        me, rows = register.require("clock.correct"), _rows(changes)
        about = {
            "gallery": str(gallery.path.resolve()),
            "target": {"merged": source},
            "how": f"found, or set for the camera, in {source} or here",
        }
        noted.append((me, _announced(register, me, about, rows), rows))

    try:
        arrival = merging(agreed)
    except BaseException as error:
        for me, outcome, _ in noted:
            register.record(FAILED, {**outcome, "reason": str(error)[:500]}, by=me)
        raise
    for me, outcome, rows in noted:
        done = {"changes": len(rows), "sha256": digest(rows)}
        register.record(CORRECTED, {**outcome, **done}, by=me)
    return arrival


def _announced(
    register: CaseRegister, me: Person, about: dict[str, Any], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Put on record what is about to change; return what the entry of its outcome begins with."""
    first = {"number": len(rows), "sha256": digest(rows), "changes": rows[:MOST_CHANGES]}
    entry = register.record(CORRECTING, about | first, by=me)
    outcome = {"gallery": about["gallery"], "correcting": entry.number}
    for begin in range(MOST_CHANGES, len(rows), MOST_CHANGES):
        some = rows[begin : begin + MOST_CHANGES]
        register.record(CHANGES, outcome | {"changes": some}, by=me)
    return outcome


def _concerned(
    gallery: Gallery, target: ClockTarget, correction: ClockCorrection
) -> dict[str, Any]:
    """Arguments of the gallery's correction for a target."""
    if target.recording:
        recording_id = find_recording(gallery, target.recording)
        return {
            "recordings": [recording_id],
            "from_seconds": target.from_seconds,
            "alone": target.alone,
        }
    place: dict[str, Any] = {
        "camera_id": target.camera_id,
        "folder": target.folder,
        "since": target.since,
        "until": target.until,
        "catalogue": target.catalogue,
    }
    if correction.offset_seconds is not None:
        return place
    # A confirmation is about what is there, not about what comes.
    there = ClockSetting(replace(correction, offset_seconds=0.0), **place)
    found = gallery.concerned_by(there)
    if not found:
        raise GalleryError(
            "has no recording that this concerns",
            where=str(gallery.path),
            fix="Name a camera or folder as `sightline footage clock list` does",
        )
    return {"recordings": found}


def _refuse_to_spread(
    gallery: Gallery, recording_ids: Collection[str], from_seconds: float
) -> None:
    """Refuse to settle by the way what is in doubt, or was found, for later stretches alone."""
    later = [
        (recording_id, one)
        for recording_id, stretches in gallery.stretches_by_id(recording_ids).items()
        for one in stretches
        if one.from_seconds > from_seconds + SAME_SECOND
        and (one.open_doubt or (one.found_at is not None and one.given_for == "recording"))
    ]
    if not later:
        return
    recording_id, first = later[0]
    rows = gallery.recordings()
    why = (
        f"are not certain ({first.open_doubt})"
        if first.open_doubt
        else f"were corrected or confirmed by {first.found_by}"
    )
    others = f", and {len(later) - 1} more such stretches" if len(later) > 1 else ""
    raise CaseError(
        f"its times from {first.from_seconds:.1f} s on {why} by themselves{others}",
        where=str(rows.loc[rows["recording_id"] == recording_id, "file"].iloc[0]),
        fix="Name one stretch (--stretch), or state that it holds for all (--all-stretches)",
    )


def _document(target: ClockTarget) -> dict[str, Any]:
    """A target as the record keeps it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(target).items()
        if value
    }


def _rows(changes: Sequence[ClockChange]) -> list[dict[str, Any]]:
    """Changes as the record keeps them."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(change).items()
        }
        for change in changes
    ]


def digest(rows: Iterable[dict[str, Any]]) -> str:
    """SHA-256 of changes as the record keeps them, by which an outcome names its intention."""
    text = json.dumps(list(rows), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def entries_about_clocks(entries: Iterable[Entry], recording_ids: Collection[str]) -> set[int]:
    """Numbers of the entries of a record that are about the clocks of these recordings.

    They are what was looked at, compared and corrected, with the outcome.
    """
    found: set[int] = set()
    outcomes: list[Entry] = []
    for entry in entries:
        about = entry.about
        if entry.what in (VIEWED, COMPARED):
            concerned = about["recording"] in recording_ids
        elif entry.what in (CORRECTING, CHANGES):
            concerned = any(one["recording_id"] in recording_ids for one in about["changes"])
            if concerned:
                found.add(about.get("correcting", entry.number))
        else:
            concerned = False
            outcomes += [entry] * (entry.what in (CORRECTED, FAILED))
        if concerned:
            found.add(entry.number)
    return found | {one.number for one in outcomes if one.about["correcting"] in found}
