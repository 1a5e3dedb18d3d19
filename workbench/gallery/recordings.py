"""Recordings as they were stored, with all their shots: what indexing made, from the parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from workbench.gallery.entries import RecordingEntry
from workbench.gallery.locating import planned
from workbench.gallery.lookup import address_of, shot_of
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import ObjectGone
from workbench.gallery.times import stretch_of


def stored(reader: Reader, recording_ids: Sequence[str]) -> list[IndexedRecording]:
    """Recordings as they were stored, with all their shots, in the order of their ids.

    Raises
    ------
    GalleryError
        If one is not in the gallery, or cannot be read.
    """
    ids = list(recording_ids)
    return reader.settled(lambda: _stored(reader, ids))


def _stored(reader: Reader, ids: Sequence[str]) -> list[IndexedRecording]:
    snapshot = reader.snapshot
    known = snapshot.manifest.recordings(ids)
    files, tracklets = _rows(snapshot, known)
    if missing := [name for name in ids if name not in files]:
        if snapshot.refreshed() is not snapshot:  # it may be in parts of a later commit
            raise ObjectGone(
                f"lacks recording {missing[0]}", where=snapshot.storage.address, fix="Do this again"
            )
        raise GalleryError(
            f"holds no recording {missing[0]}",
            where=str(reader.path),
            fix="Name one of the recordings that it lists",
        )
    return [_indexed(snapshot, known[name], files[name], tracklets[name]) for name in ids]


def _rows(
    snapshot: Snapshot, known: Mapping[str, RecordingEntry]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Rows of recordings, and of their tracklets by ordinal, by id."""
    files: dict[str, dict[str, Any]] = {}
    tracklets: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    names = pa.array(sorted(known), pa.string())
    for entry, _ in planned(snapshot.manifest, snapshot.commit, known.values()):
        part = snapshot.part(entry)
        for row in _of(part.recordings(), names).to_pylist():
            files[row["recording_id"]] = row
        if not (part.of(known).any() or part.unsearchable.of(known).any()):
            continue
        for row in _of(part.content()[1], names).to_pylist():
            tracklets[row["recording_id"]].append(row)
    for some in tracklets.values():
        some.sort(key=lambda row: row["ordinal"])
    return files, tracklets


def _of(table: pa.Table, names: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["recording_id"], names))


def _indexed(
    snapshot: Snapshot,
    entry: RecordingEntry,
    row: Mapping[str, Any],
    tracklets: Sequence[Mapping[str, Any]],
) -> IndexedRecording:
    shots = [shot for tracklet in tracklets for shot in tracklet["shots"]]
    pictures = snapshot.pictures([address_of(shot) for shot in shots])
    made = iter(map(shot_of, shots, pictures))
    stretches = tuple(map(stretch_of, row["stretches"]))
    problems = sorted(
        (Problem(row["file"], one["what"], one["at_seconds"]) for one in row["problems"]),
        key=lambda one: (one.at_seconds is None, one.at_seconds, one.what),
    )
    places = {(leg.start, leg.end): leg.place for leg in entry.legs}
    spans = [(one["start_seconds"], one["end_seconds"]) for one in row["legs"]]
    unseen = [(one["start_seconds"], one["end_seconds"], one["why"]) for one in row["unseen"]]
    return IndexedRecording(
        recording=_recording(row, stretches),
        tracklets=tuple(
            Tracklet(
                ordinal=one["ordinal"],
                first_seen=one["first_seen"],
                last_seen=one["last_seen"],
                first_seconds=one["first_seconds"],
                last_seconds=one["last_seconds"],
                detections=one["detections"],
                shots=tuple(next(made) for _ in one["shots"]),
                template=None if one["template"] is None else np.array(one["template"], np.float32),
            )
            for one in tracklets
        ),
        problems=tuple(problems),
        stretches=stretches,
        unseen=tuple(Unseen(*one) for one in unseen),
        legs=tuple(Leg(*one, places.get(one)) for one in spans),
        track=row["track"],
        stored_id=row["recording_id"],
        **{name: row[name] for name in _AS_STORED},
    )


def _recording(row: Mapping[str, Any], stretches: Sequence[Stretch]) -> Recording:
    offset, aspect = stretches[0].offset_seconds, row["pixel_aspect"]
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


__all__ = ["stored"]
