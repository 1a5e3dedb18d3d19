"""Correction of clocks: which recordings it concerns, and what it changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from workbench.domain import (
    ClockChange,
    ClockCorrection,
    ClockSetting,
    ProgressCallback,
    Stretch,
)
from workbench.gallery.clockchanges import (
    Concerned,
    changes_of_all,
    chosen_catalogue,
    refuse_unknown,
    setting_of_all,
)
from workbench.gallery.committing import Committer, unless_outdated
from workbench.gallery.entries import TRACKLETS, RecordingEntry
from workbench.gallery.footage import Footage
from workbench.gallery.locating import locate
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot, settled

Stretches: TypeAlias = dict[str, tuple[Stretch, ...]]


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

    def correct() -> list[ClockChange]:
        correcting = _Correcting(footage, snapshot, correction, names, setting, from_seconds, alone)
        fresh, old = correcting.take()
        if not dry_run and (fresh or setting is not None):
            settings = [] if setting is None else [setting]
            restate(committer, fresh, settings, old=old, late=correcting, progress=progress)
        return correcting.changes

    # Others may write meanwhile, where the manifest is in Postgres.
    return unless_outdated(correct)


@dataclass
class _Correcting:
    """Recordings that a correction concerns, as they come, and what it changes."""

    footage: Footage
    snapshot: Snapshot
    correction: ClockCorrection
    names: Sequence[str]
    setting: ClockSetting | None
    from_seconds: float
    alone: bool
    changes: list[ClockChange] = field(default_factory=list, init=False)
    _known: set[str] = field(default_factory=set, init=False)

    def _left(self) -> list[str]:
        ids = self.names if self.setting is None else self.footage.concerned_by(self.setting)
        return [name for name in ids if name not in self._known]

    def none(self) -> bool:
        return not self._left()

    def take(self) -> tuple[Stretches, Stretches]:
        """New and old stretches of the recordings that are not known yet, by id."""
        ids = self._left()
        found = self.footage.manifest.recordings(ids)
        known = _concerned(found)
        if self.setting is None:  # of the others, one may have been removed meanwhile
            refuse_unknown(ids, known, self.from_seconds, self.footage.where)
        old = {name: one.stretches for name, one in found.items()}
        seen, _ = settled(self.snapshot, lambda now: first_seconds(now, found.values()))
        changes, fresh = changes_of_all(
            known, old, seen, self.correction,
            "recording" if self.setting is None else self.setting.given_for,
            from_seconds=self.from_seconds, alone=self.alone,
            placed_by_clock=self.footage.placed_by_clock,
        )  # fmt: skip
        self.changes += changes
        self._known.update(ids)
        return fresh, {name: old[name] for name in fresh}


def _concerned(known: Mapping[str, RecordingEntry]) -> dict[str, Concerned]:
    """Recordings in order of time."""
    return {
        one.recording_id: Concerned(
            one.recording_id, one.file, one.camera_id, one.stated_at, one.seconds, one.stream
        )
        for one in sorted(known.values(), key=lambda one: (one.started_at, one.recording_id))
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
