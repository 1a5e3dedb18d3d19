"""Correction of clocks: which recordings it concerns, and what it changes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from workbench.domain import (
    EARLIEST,
    GIVEN_FOR,
    PERHAPS_TWICE,
    ClockChange,
    ClockCorrection,
    ClockSetting,
    ProgressCallback,
    Stretch,
    corrected,
    is_possible,
    stretch_at,
)
from workbench.errors import GalleryError, TimeError
from workbench.gallery.committing import Committer
from workbench.gallery.entries import TRACKLETS, RecordingEntry
from workbench.gallery.footage import Footage
from workbench.gallery.locating import locate
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot, settled


def correct_clock(
    committer: Committer,
    footage: Footage,
    snapshot: Snapshot,
    correction: ClockCorrection,
    *,
    recordings: Iterable[str] = (),
    camera_id: str = "",
    folder: str = "",
    catalogue: str = "",
    from_seconds: float = 0.0,
    alone: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    dry_run: bool = False,
    progress: ProgressCallback | None = None,
) -> list[ClockChange]:
    """Correct or confirm the clock of recordings; nothing is decoded again, and ids stay.

    Either some recordings are named, or a camera, or a folder. What is given for a camera or
    folder holds for recordings that are stored later too. The offset is absolute: see
    :mod:`workbench.domain.clocks`. If this is killed, all times are the old or all the new.

    Parameters
    ----------
    correction : ClockCorrection
        The offset, also if it is the one that is known: the times are confirmed then. Named
        recordings can be confirmed with whatever offset they have.
    recordings : iterable of str
        Ids of recordings. What is given for a recording holds against what is given for its
        folder, and that against what is given for its camera; of one kind, the last.
    folder : str
        Folder of the files as catalogued; "." for all.
    catalogue : str
        Folder of the catalogue that lists them, as :func:`catalogue_of` returns it; needed
        where several have footage in *folder*.
    from_seconds : float
        For named recordings: from this second of them on.
    alone : bool
        Only up to the end of the stretch that this second lies in.
    since, until : datetime, optional
        For a camera or folder: recordings that begin from then, and before then, by the clock
        that is corrected.
    dry_run : bool
        Change nothing; a gallery open for reading will do.
    progress : callable, optional
        Called after each part that was written again.

    Returns
    -------
    list of ClockChange
        What changed, was confirmed or was kept, by recording and second.

    Raises
    ------
    GalleryError
        If a recording is unknown or ends before *from_seconds*, if several catalogues have
        footage in *folder* and none is named, or if all were placed on a track by the clock
        that would be corrected. Where only some were, they keep their times.
    TimeError
        If what is to be corrected is not said, or said twice, or a recording would begin when
        there can be none.
    """
    names = list(dict.fromkeys(recordings))
    if names and not (camera_id or folder or catalogue or since or until):
        given_for, setting = "recording", None
    elif names or from_seconds or alone:
        raise TimeError(
            "seconds of recordings, and folders, cameras and periods, cannot be given together",
            where="clock",
            fix="Name recordings, or a camera, or a folder",
        )
    else:
        setting = ClockSetting(correction, camera_id, folder, since, until)
        named = catalogue_of(footage, setting.folder, catalogue)
        setting = replace(setting, catalogue=named)
        given_for = setting.given_for
    known = _to_correct(footage, names, setting, from_seconds)
    old = {name: one.stretches for name, one in known.items()}
    seen, _ = settled(snapshot, lambda now: first_seconds(now, known.values()))
    new = {
        name: corrected(those, correction, given_for, from_seconds=from_seconds, alone=alone)
        for name, those in old.items()
    }
    changes = [
        change
        for name, one in known.items()
        for change in _changes(
            one,
            old[name],
            new[name],
            given_for,
            from_seconds=from_seconds,
            alone=alone,
            seen=seen[name],
        )
    ]
    fresh = {name: those for name, those in new.items() if those != old[name]}
    placed = _left_in_place(footage, known, old, fresh)
    changes = [
        replace(
            change,
            new_start=change.old_start,
            new_offset_seconds=change.old_offset_seconds,
            note="",
            kept=change.kept or "its places on the track are by this clock",
        )
        if change.recording_id in placed
        else change
        for change in changes
    ]
    fresh = {name: those for name, those in fresh.items() if name not in placed}
    _refuse_impossible(changes)
    if not dry_run and (fresh or setting is not None):
        restate(committer, fresh, [] if setting is None else [setting], progress=progress)
    return changes


def _to_correct(
    footage: Footage, names: Sequence[str], setting: ClockSetting | None, from_seconds: float
) -> dict[str, RecordingEntry]:
    """Recordings that a correction concerns, by id and in order of time."""
    ids = names if setting is None else footage.concerned_by(setting)
    found = footage.manifest.recordings(ids)
    if missing := [name for name in ids if name not in found]:
        raise GalleryError(
            f"holds no recording {missing[0]}",
            where=footage.where,
            fix="Name one of the recordings that it lists",
        )
    for one in found.values():
        if not 0 <= from_seconds <= one.seconds:
            raise GalleryError(
                f"ends at {one.seconds:.1f} s; there is no second {from_seconds:g}",
                where=one.file,
                fix="Name a second of the recording",
            )
    in_order = sorted(found.values(), key=lambda one: (one.started_at, one.recording_id))
    return {one.recording_id: one for one in in_order}


def catalogue_of(footage: Footage, folder: str, named: str = "") -> str:
    """Catalogue that a folder, as files are catalogued, belongs to; *named*, if it is.

    Empty where all folders are meant, or an earlier version did not note any.

    Raises
    ------
    GalleryError
        If several have footage there, or none has and it is not named, or *named* is no catalogue
        of this gallery and no folder either.
    """
    if not named and folder in ("", "."):
        return ""
    known, inside = footage.catalogues(folder)
    if named:
        found = named if named in known else str(Path(named).resolve())
        if found in known or Path(found).is_dir():
            return found
        raise GalleryError(
            "is neither a folder nor a catalogue of this gallery",
            where=named,
            fix=f"Its catalogues are {_listed(known)}",
        )
    with_it = inside or known
    if len(with_it) == 1:
        return next(iter(with_it))
    raise GalleryError(
        f"has the folder {folder} in several catalogues: {_listed(with_it)}"
        if with_it
        else f"does not know yet in which catalogue the folder {folder} is",
        where=footage.where,
        fix="Name the catalogue, or the cameras",
    )


def first_seconds(
    snapshot: Snapshot, recordings: Collection[RecordingEntry]
) -> dict[str, list[float]]:
    """Seconds at which the tracklets of recordings begin.

    Raises ObjectGone if a part is dropped meanwhile.
    """
    found: dict[str, list[float]] = {one.recording_id: [] for one in recordings}
    there = locate(snapshot.manifest, snapshot.storage, recordings)
    files = [entry.object(TRACKLETS) for entry, _ in there.values()]
    if not files:
        return found
    columns = ["recording_id", "first_seconds"]
    try:
        rows = ds.dataset(files, filesystem=snapshot.storage.files, format="parquet").to_table(
            columns, filter=pc.is_in(ds.field("recording_id"), pa.array(list(found)))
        )
    except (OSError, pa.ArrowException) as error:
        raise snapshot.storage.unreadable(files[0], error) from None
    for name, seconds in zip(*(rows[one].to_pylist() for one in columns), strict=True):
        found[name].append(seconds)
    return found


def _left_in_place(
    footage: Footage,
    known: Mapping[str, RecordingEntry],
    old: Mapping[str, Sequence[Stretch]],
    new: Mapping[str, Sequence[Stretch]],
) -> set[str]:
    """Ids of those that keep their times, by which a GPX track placed them.

    Raises GalleryError if no others are to be corrected.
    """
    placed = footage.placed_by_clock(old, new)
    if placed and len(placed) == len(new):
        found = sorted({known[name].file for name in placed})
        more = len(found) - 1
        others = f", as {'was' if more == 1 else 'were'} {more:,} more" if more else ""
        raise GalleryError(
            f"was placed on its track by this clock{others}",
            where=found[0],
            fix="Write clock_offset_seconds into footage.csv, and index it into a new gallery",
        )
    return set(placed)


def _listed(catalogues: Iterable[str]) -> str:
    """Names of catalogues, for people."""
    names = [name or "one that an earlier version did not note" for name in sorted(catalogues)]
    return ", ".join(names) or "none"


def _refuse_impossible(changes: Iterable[ClockChange]) -> None:
    """Refuse times that a list may not state either; they also rule what is deleted when."""
    for change in changes:
        if change.new_start != change.old_start and not is_possible(change.new_start):
            raise TimeError(
                f"it would be of {change.new_start:%Y-%m-%d %H:%M:%S} UTC",
                where=change.file,
                fix=f"Give an offset that makes it a time from {EARLIEST:%Y} to now",
            )


def _changes(
    one: RecordingEntry,
    old: Sequence[Stretch],
    new: Sequence[Stretch],
    given_for: str,
    *,
    from_seconds: float,
    alone: bool,
    seen: Sequence[float],
) -> Iterator[ClockChange]:
    """Changes of one recording, whose tracklets begin at the seconds *seen*; alike ones are one."""
    ends = [*(stretch.from_seconds for stretch in new[1:]), math.inf]
    found: list[ClockChange] = []
    for stretch, end in zip(new, ends, strict=True):
        begins = stretch.from_seconds
        if begins < from_seconds or (alone and begins > from_seconds):
            continue
        before, at = stretch_at(old, stretch.from_seconds), stretch.from_seconds
        specific = GIVEN_FOR.index(before.given_for) > GIVEN_FOR.index(given_for)
        by = f"by {before.found_by}" if before.found_by else "in the catalogue"
        moment = one.stated_at + timedelta(seconds=at)
        # Without a stream it was upgraded.
        given = stretch.offset_seconds not in (0.0, before.offset_seconds)
        perhaps_twice = given and not one.stream
        change = ClockChange(
            recording_id=one.recording_id,
            file=one.file,
            camera_id=one.camera_id,
            from_seconds=at,
            old_start=moment - before.shift,
            new_start=moment - stretch.shift,
            old_offset_seconds=before.offset_seconds,
            new_offset_seconds=stretch.offset_seconds,
            tracklets=sum(at <= seconds < end for seconds in seen),
            kept=f"its offset was given for the {before.given_for}, {by}" if specific else "",
            note=PERHAPS_TWICE if perhaps_twice else "",
        )
        offsets = ("old_offset_seconds", "new_offset_seconds", "kept", "note")
        if found and all(getattr(found[-1], n) == getattr(change, n) for n in offsets):
            found[-1] = replace(found[-1], tracklets=found[-1].tracklets + change.tracklets)
        else:
            found.append(change)
    yield from found


__all__ = ["catalogue_of", "correct_clock", "first_seconds"]
