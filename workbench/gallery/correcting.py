"""Correction of clocks: which recordings it concerns, and what it changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from workbench.domain import (
    ClockChange,
    ClockCorrection,
    ClockSetting,
    ProgressCallback,
)
from workbench.gallery.clockchanges import (
    Concerned,
    changes_of_all,
    chosen_catalogue,
    refuse_unknown,
    setting_of_all,
)
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
    setting = setting_of_all(
        names, correction, camera_id=camera_id, folder=folder, catalogue=catalogue,
        from_seconds=from_seconds, alone=alone, since=since, until=until,
        catalogue_of=lambda folder, named: catalogue_of(footage, folder, named),
    )  # fmt: skip
    known = _to_correct(footage, names, setting, from_seconds)
    seen, _ = settled(snapshot, lambda now: first_seconds(now, known.values()))
    changes, fresh = changes_of_all(
        _concerned(known), {name: one.stretches for name, one in known.items()}, seen, correction,
        "recording" if setting is None else setting.given_for,
        from_seconds=from_seconds, alone=alone, placed_by_clock=footage.placed_by_clock,
    )  # fmt: skip
    if not dry_run and (fresh or setting is not None):
        restate(committer, fresh, [] if setting is None else [setting], progress=progress)
    return changes


def _to_correct(
    footage: Footage, names: Sequence[str], setting: ClockSetting | None, from_seconds: float
) -> dict[str, RecordingEntry]:
    """Recordings that a correction concerns, by id and in order of time."""
    ids = names if setting is None else footage.concerned_by(setting)
    found = footage.manifest.recordings(ids)
    refuse_unknown(ids, _concerned(found), from_seconds, footage.where)
    in_order = sorted(found.values(), key=lambda one: (one.started_at, one.recording_id))
    return {one.recording_id: one for one in in_order}


def _concerned(known: Mapping[str, RecordingEntry]) -> dict[str, Concerned]:
    return {
        name: Concerned(name, one.file, one.camera_id, one.stated_at, one.seconds, one.stream)
        for name, one in known.items()
    }


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
    return chosen_catalogue(known, inside, folder, named, footage.where)


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


__all__ = ["catalogue_of", "correct_clock", "first_seconds"]
