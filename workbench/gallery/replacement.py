"""Replacement of a gallery by one of the same footage with another profile."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.domain import (
    IndexedRecording,
    Leg,
    Problem,
    Recording,
    Stretch,
    Tracklet,
    Unseen,
)
from workbench.errors import GalleryError
from workbench.gallery.adoption import adopt_clocks
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.register import Register, read_register, segments_folder, write_register
from workbench.gallery.segments import columns, remove
from workbench.gallery.store import SEARCH_MEMORY_MB, Gallery, shot_of

if TYPE_CHECKING:
    from workbench.domain import Vector


def missing(old: Gallery, new: Gallery) -> list[str]:
    """Ids of the recordings of *old* that *new* does not hold yet, in order of time."""
    rows = old.arrow(
        "SELECT recording_id, sha256, camera_id, stream FROM recordings "
        "ORDER BY started_at, recording_id"
    )
    here = new.already_here(rows)
    return [name for name in rows["recording_id"].to_pylist() if name not in here]


def stored(gallery: Gallery, recording_ids: Sequence[str]) -> list[IndexedRecording]:
    """Recordings as they were stored, with all their shots, in the order of their ids."""
    ids = list(recording_ids)
    templates = gallery.settled(lambda: _templates(gallery, set(ids)))

    def rows(table: str, order: str) -> Iterator[dict[str, Any]]:
        # Names of tables and columns are our own, never a user's.
        sql = f"FROM {table} WHERE recording_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY {order}"
        yield from gallery.arrow(sql, [ids]).to_pylist()

    shots: dict[tuple[str, int], list[Any]] = {}
    for row in rows("shots", "recording_id, ordinal, rank"):
        shots.setdefault((row["recording_id"], row["ordinal"]), []).append(shot_of(row))
    tracklets: dict[str, list[Tracklet]] = {}
    for row in rows("tracklets", "recording_id, ordinal"):
        key = row["recording_id"], row["ordinal"]
        tracklets.setdefault(key[0], []).append(
            Tracklet(
                ordinal=row["ordinal"],
                first_seen=row["first_seen"],
                last_seen=row["last_seen"],
                first_seconds=row["first_seconds"],
                last_seconds=row["last_seconds"],
                detections=row["detections"],
                shots=tuple(shots.get(key, ())),
                template=templates.get(key),
            )
        )
    problems: dict[str, list[Problem]] = {}
    files = {row["recording_id"]: row for row in rows("recordings", "recording_id")}
    for row in rows("problems", "recording_id, at_seconds, what"):
        found = Problem(files[row["recording_id"]]["file"], row["what"], row["at_seconds"])
        problems.setdefault(row["recording_id"], []).append(found)
    unseen: dict[str, list[Unseen]] = {}
    for row in rows("unseen", "recording_id, start_seconds"):
        found_unseen = Unseen(row["start_seconds"], row["end_seconds"], row["why"])
        unseen.setdefault(row["recording_id"], []).append(found_unseen)
    legs: dict[str, list[Leg]] = {}
    tracks: dict[str, str] = {}
    for row in rows("legs", "recording_id, start_seconds"):
        name = row["recording_id"]
        camera = gallery.places.get(files[name]["camera_id"])
        place = None if camera is None else camera.place
        leg = Leg(row["start_seconds"], row["end_seconds"], place)
        legs.setdefault(name, []).append(leg)
        tracks[name] = row["track"]
    stretches = gallery.stretches_by_id(ids)
    return [
        IndexedRecording(
            recording=_recording(row, stretches[row["recording_id"]]),
            tracklets=tuple(tracklets.get(row["recording_id"], ())),
            problems=tuple(problems.get(row["recording_id"], ())),
            stretches=stretches[row["recording_id"]],
            unseen=tuple(unseen.get(row["recording_id"], ())),
            legs=tuple(legs.get(row["recording_id"], ())),
            track=tracks.get(row["recording_id"], ""),
            stored_id=row["recording_id"],
            **{name: row[name] for name in _AS_STORED},
        )
        for row in (files[name] for name in ids)
    ]


def _recording(row: dict[str, Any], stretches: Sequence[Stretch]) -> Recording:
    offset = stretches[0].offset_seconds
    aspect = row["pixel_aspect"]
    return Recording(
        row["file"],
        Path(row["file"]),
        row["camera_id"],
        row["stated_at"] - timedelta(seconds=offset),
        row["frame_rate"],
        stream=row["stream"],
        rotation=row["rotation"],
        pixel_aspect=None if aspect is None else Fraction(aspect),
        clock_offset_seconds=offset,
        catalogue=row["catalogue"],
    )


_AS_STORED = (
    "seconds", "sha256", "size_bytes", "modified_ns", "width", "height", "frames_decoded",
    "frames_examined", "faces", "stopped", "elapsed_seconds",
)  # fmt: skip


def _templates(gallery: Gallery, wanted: set[str]) -> dict[tuple[str, int], Vector]:
    found: dict[tuple[str, int], Vector] = {}
    for segment in gallery.segments:
        if not segment.entry.templates:
            continue
        index = segment.opened()
        names = [name.decode() for name in segment.recording_ids.tolist()]
        chosen = np.array([name in wanted for name in names])
        for row in np.flatnonzero(chosen[index.recording]).tolist():
            key = names[index.recording[row]], int(index.ordinal[row])
            found[key] = np.array(index.templates[row])
    return found


def carry_over(old: Gallery, new: Gallery) -> None:
    """Copy all cameras, clocks, runs and refusals of *old* to *new*, which has none of its own."""
    tables = {name: wanted.empty_table() for name, wanted in columns(new.profile).items()}
    new.add_cameras(old.cameras())
    for name in ("clocks", "runs", "refusals"):
        names = ", ".join(f'"{column}"' for column in tables[name].column_names)
        # Names of tables and columns are our own, never a user's.
        found = old.arrow(f"SELECT {names} FROM {name}")  # noqa: S608
        tables[name] = found.cast(tables[name].schema)
    new.add_tables(tables)


@undisturbed()
def replace(
    old: Path, new: Path, *, keep: Path | None = None, memory_mb: int = SEARCH_MEMORY_MB
) -> None:
    """Give the gallery at *new* the name *old*, in one step for readers.

    Readers that have the old gallery open are asked to open it again. If this is killed, *old* is
    one or the other, whole; called again, it finishes.

    Parameters
    ----------
    keep : Path, optional
        New place of the old gallery; by default it is deleted.
    memory_mb : int
        See :meth:`workbench.gallery.Gallery.open`.

    Raises
    ------
    GalleryError
        If *new* lacks recordings of *old*, or *keep* exists.
    GalleryBusy
        If one of them is being written.
    """
    with (
        Gallery.open(old, write=True, memory_mb=memory_mb) as one,
        Gallery.open(new, write=True, memory_mb=memory_mb) as other,
        _writing(old),
    ):
        before, after = read_register(old), read_register(new)
        if before != after:  # else it was killed when this was done
            lacking = missing(one, other)
            if lacking:
                raise GalleryError(
                    f"lacks {len(lacking):,} recordings of {old.name}",
                    where=str(new),
                    fix="Finish it first",
                )
            adopt_clocks(one, other)
            after = read_register(new)
            if keep is not None:
                _copy(before, old, keep)
            for entry in after.segments:
                _link(segments_folder(new) / entry.name, segments_folder(old) / entry.name)
            sync_path(segments_folder(old))
            write_register(old, after)
            for entry in before.segments:
                remove(segments_folder(old) / entry.name)
        new.unlink()
        shutil.rmtree(segments_folder(new))


def _copy(register: Register, old: Path, keep: Path) -> None:
    if keep.exists() and read_register(keep) != register:
        raise GalleryError("already exists", where=str(keep), fix="Choose another name")
    segments_folder(keep).mkdir(parents=True, exist_ok=True)
    for entry in register.segments:
        _link(segments_folder(old) / entry.name, segments_folder(keep) / entry.name)
    sync_path(segments_folder(keep))
    write_register(keep, register)


def _link(source: Path, target: Path) -> None:
    """Link the files of a segment into another folder; they never change, so one copy is enough."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)
    sync_path(target)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused_by_disk(path, error) from error


__all__ = ["carry_over", "missing", "replace", "stored"]
