"""Rows that people read: all of a part as two tables, of recordings and of their tracklets.

What belongs to a recording or a tracklet lies in its row, as lists. So a part is merged, purged and
corrected by joining, filtering and changing rows of two tables, and all its other files follow from
them; see :mod:`workbench.gallery.parts`. Pictures are in packs (:mod:`packs`); rows name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.domain import (
    PLAIN,
    QUALITY_PARTS,
    IndexedRecording,
    ScoreCount,
    Stretch,
    Tracklet,
    stretch_at,
)
from workbench.gallery.order import DAY
from workbench.gallery.packs import Address, Picture

_TIME = pa.timestamp("us", tz="UTC")
_STRETCH = pa.struct(
    [
        ("from_seconds", pa.float64()), ("doubt", pa.string()), ("offset_seconds", pa.float64()),
        ("uncertainty_seconds", pa.float64()), ("found_by", pa.string()), ("how", pa.string()),
        ("found_at", _TIME), ("given_for", pa.string()), ("note", pa.string()),
    ]
)  # fmt: skip
_SHOT = pa.struct(
    [
        ("seconds", pa.float64()), ("time", _TIME),
        *((name, pa.float64()) for name in ("x", "y", "width", "height", "quality")),
        *((name, pa.float64()) for name in QUALITY_PARTS),
        ("pack", pa.int64()), ("offset", pa.int64()), ("length", pa.int64()),
    ]
)  # fmt: skip
RECORDINGS = pa.schema(
    [
        ("recording_id", pa.string()), ("camera_id", pa.string()), ("file", pa.string()),
        ("started_at", _TIME), ("ended_at", _TIME), ("sha256", pa.string()),
        *((name, pa.int64()) for name in ("size_bytes", "modified_ns", "width", "height")),
        *((name, pa.int64()) for name in ("frames_decoded", "frames_examined", "faces")),
        ("stopped", pa.string()), ("elapsed_seconds", pa.float64()), ("indexed_at", _TIME),
        ("stated_at", _TIME), ("seconds", pa.float64()), ("stream", pa.int32()),
        ("rotation", pa.int32()), ("pixel_aspect", pa.string()), ("frame_rate", pa.float64()),
        ("catalogue", pa.string()), ("track", pa.string()),
        ("stretches", pa.list_(_STRETCH)),
        ("unseen", pa.list_(pa.struct(
            [("start_seconds", pa.float64()), ("end_seconds", pa.float64()), ("why", pa.string())]
        ))),
        ("legs", pa.list_(pa.struct(
            [("start_seconds", pa.float64()), ("end_seconds", pa.float64())]
        ))),
        ("spans", pa.list_(pa.struct([("started_at", _TIME), ("ended_at", _TIME)]))),
        ("problems", pa.list_(pa.struct([("what", pa.string()), ("at_seconds", pa.float64())]))),
        ("different_people", pa.list_(pa.struct(
            [
                ("scale", pa.string()), ("quality", pa.float64()), ("score", pa.float64()),
                ("width", pa.float64()), ("comparisons", pa.int64()),
            ]
        ))),
    ]
)  # fmt: skip
"""Columns of recordings; a row lies in the part of the day on which its recording starts."""

# Notes on a tracklet's times, as bits.
DOUBT, EARLIER = 1, 2


def tracklets_schema(dimension: int) -> pa.Schema:
    """Columns of tracklets; templates of those that can be searched have *dimension* numbers.

    ``notes`` are :data:`DOUBT` (its time is not certain) and :data:`EARLIER` (rules of an earlier
    version made it). ``shots`` are best first.
    """
    return pa.schema(
        [
            ("recording_id", pa.string()), ("ordinal", pa.int32()), ("camera_id", pa.string()),
            ("first_seen", _TIME), ("last_seen", _TIME), ("detections", pa.int32()),
            ("searchable", pa.bool_()), ("first_seconds", pa.float64()),
            ("last_seconds", pa.float64()), ("notes", pa.uint8()), ("shots", pa.list_(_SHOT)),
            ("template", pa.list_(pa.float32(), dimension)),
        ]
    )  # fmt: skip


def notes_of(stretches: Sequence[Stretch], first: float, last: float) -> int:
    """Notes on what was seen from second *first* to *last* of a recording, as bits."""
    if stretches == PLAIN:
        return 0
    within = [stretch_at(stretches, first)]
    within += [stretch for stretch in stretches if first < stretch.from_seconds <= last]
    notes = DOUBT if any(stretch.open_doubt for stretch in within) else 0
    return notes | (EARLIER if any(stretch.open_note for stretch in within) else 0)


def recording_rows(recordings: Iterable[IndexedRecording], now: datetime) -> pa.Table:
    """Rows of recordings as they were indexed, which are stored *now* (UTC)."""
    return pa.Table.from_pylist([_recording_row(one, now) for one in recordings], RECORDINGS)


def _recording_row(one: IndexedRecording, now: datetime) -> dict[str, Any]:
    about = one.recording
    aspect = about.pixel_aspect
    own = ("recording_id", "started_at", "ended_at", "sha256", "size_bytes", "modified_ns", "width",
           "height", "frames_decoded", "frames_examined", "faces", "stopped", "elapsed_seconds",
           "seconds", "track")  # fmt: skip
    listed = ("camera_id", "file", "stated_at", "stream", "frame_rate", "catalogue")
    return {
        **{name: getattr(one, name) for name in own},
        **{name: getattr(about, name) for name in listed},
        "indexed_at": now,
        "rotation": about.rotation or 0,
        "pixel_aspect": None if aspect is None else str(aspect),
        "stretches": [_values(Stretch, stretch) for stretch in one.stretches],
        "unseen": [
            {"start_seconds": gap.start, "end_seconds": gap.end, "why": gap.why}
            for gap in one.unseen
        ],
        "legs": [{"start_seconds": leg.start, "end_seconds": leg.end} for leg in one.legs],
        "spans": [{"started_at": start, "ended_at": end} for start, end in one.spans],
        "problems": [{"what": p.what, "at_seconds": p.at_seconds} for p in one.problems],
        "different_people": [_values(ScoreCount, count) for count in one.different_people],
    }


def _values(kind: Any, one: object) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(kind)}


def pictures_of(indexed: IndexedRecording) -> list[Picture]:
    """Pictures of a recording's shots, by tracklet, best first."""
    return [
        Picture(indexed.recording_id, tracklet.ordinal, rank, shot.template, shot.jpeg)
        for tracklet in indexed.tracklets
        for rank, shot in enumerate(tracklet.shots)
    ]


def tracklet_rows(
    recordings: Iterable[IndexedRecording],
    addresses: Mapping[tuple[str, int, int], Address],
    dimension: int,
) -> pa.Table:
    """Rows of the tracklets of recordings.

    Parameters
    ----------
    addresses : mapping of (recording_id, ordinal, rank) to Address
        Where the picture of each shot is.
    """
    rows = [
        _tracklet_row(one, tracklet, addresses) for one in recordings for tracklet in one.tracklets
    ]
    return pa.Table.from_pylist(rows, tracklets_schema(dimension))


def _tracklet_row(
    one: IndexedRecording, tracklet: Tracklet, addresses: Mapping[tuple[str, int, int], Address]
) -> dict[str, Any]:
    first, last = one.seconds_of(tracklet)
    shots = []
    for rank, shot in enumerate(tracklet.shots):
        address = addresses[one.recording_id, tracklet.ordinal, rank]
        shots.append(
            {
                "seconds": shot.seconds, "time": shot.time, "x": float(shot.box.x),
                "y": float(shot.box.y), "width": float(shot.box.width),
                "height": float(shot.box.height), "quality": shot.quality.overall,
                **{part: float(getattr(shot.quality, part)) for part in QUALITY_PARTS},
                **address._asdict(),
            }
        )  # fmt: skip
    return {
        "recording_id": one.recording_id, "ordinal": tracklet.ordinal,
        "camera_id": one.recording.camera_id, "first_seen": tracklet.first_seen,
        "last_seen": tracklet.last_seen, "detections": tracklet.detections,
        "searchable": tracklet.searchable, "first_seconds": first, "last_seconds": last,
        "notes": notes_of(one.stretches, first, last), "shots": shots,
        "template": None if tracklet.template is None else np.asarray(tracklet.template),
    }  # fmt: skip


def days_of(moments: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """UTC day since 1970 of each time, ``(n,)``."""
    found: np.ndarray[Any, np.dtype[np.int64]] = microseconds(moments) // DAY
    return found


def microseconds(moments: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Times as microseconds since 1970 UTC, ``(n,)``."""
    found: np.ndarray[Any, np.dtype[np.int64]] = moments.cast(pa.int64()).to_numpy()
    return found


def by_day(recordings: pa.Table, tracklets: pa.Table) -> dict[int, tuple[pa.Table, pa.Table]]:
    """Rows of each day: recordings by their start, tracklets by when they were first seen."""
    starts, seen = days_of(recordings["started_at"]), days_of(tracklets["first_seen"])
    return {
        day: (recordings.filter(starts == day), tracklets.filter(seen == day))
        for day in sorted({*starts.tolist(), *seen.tolist()})
    }


__all__ = [
    "DOUBT",
    "EARLIER",
    "RECORDINGS",
    "by_day",
    "days_of",
    "microseconds",
    "notes_of",
    "pictures_of",
    "recording_rows",
    "tracklet_rows",
    "tracklets_schema",
]
