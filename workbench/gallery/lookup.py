"""Look-up of tracklets by id, such as confirmed sightings: their shots, or them as candidates.

Parts are planned by the days and places of the recordings that are named, and rows are found in
their keys; of what people read, only the row group with such a row is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow.parquet as pq

from workbench.domain import (
    PLAIN_SCALE,
    QUALITY_PARTS,
    Box,
    Candidate,
    Quality,
    Shot,
    TimeNote,
    format_tracklet_id,
    from_microseconds,
    parse_tracklet_id,
)
from workbench.errors import GalleryError
from workbench.gallery.entries import TRACKLETS
from workbench.gallery.locating import planned
from workbench.gallery.packs import Address, Picture
from workbench.gallery.parts import Keys, Part
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import ObjectGone

if TYPE_CHECKING:
    from numpy.typing import NDArray

Wanted: TypeAlias = Mapping[str, Collection[int]]
"""Ordinals of tracklets by the id of their recording."""


def shots(reader: Reader, tracklet_id: str) -> tuple[Shot, ...]:
    """Shots of a tracklet, best first; raise GalleryError if it has none."""
    recording_id, ordinal = parse_tracklet_id(tracklet_id)

    def found() -> tuple[Shot, ...]:
        snapshot = reader.snapshot
        for part, (row,) in _found(snapshot, {recording_id: {ordinal}}):
            those = _shots_at(snapshot, part, int(row))
            return tuple(
                map(shot_of, those, snapshot.pictures([address_of(shot) for shot in those]))
            )
        return ()

    if not (seen := reader.settled(found)):
        raise GalleryError(
            f"has no tracklet {tracklet_id} with shots",
            where=str(reader.path),
            fix="Search again: it may have been removed",
        )
    return seen


def tracklets_by_id(
    reader: Reader, scores: Mapping[str, float], *, scales: Mapping[str, str] | None = None
) -> dict[str, Candidate]:
    """Candidates by tracklet_id, each with its best shot and the score given in *scores*.

    Scores are plain but for those whose scale is in *scales*. Tracklets that are not in the gallery
    are left out.

    Raises
    ------
    GalleryError
        If the gallery cannot be read.
    """
    wanted = _named(scores)
    if not wanted:
        return {}
    found = reader.settled(lambda: _candidates(reader, wanted, scores, scales or {}))
    return {tracklet_id: found[tracklet_id] for tracklet_id in scores if tracklet_id in found}


def _named(tracklet_ids: Iterable[str]) -> Wanted:
    """Tracklets by recording; what is not the id of one is in no gallery."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for tracklet_id in tracklet_ids:
        try:
            recording_id, ordinal = parse_tracklet_id(tracklet_id)
        except GalleryError:
            continue
        if format_tracklet_id(recording_id, ordinal) == tracklet_id:
            wanted[recording_id].add(ordinal)
    return wanted


def _candidates(
    reader: Reader, wanted: Wanted, scores: Mapping[str, float], scales: Mapping[str, str]
) -> dict[str, Candidate]:
    snapshot, cameras = reader.snapshot, reader.camera_columns.known
    seen: list[_Seen] = []
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for part, rows in _found(snapshot, wanted):
        there = list(map(_Seen, [part] * len(rows), rows.tolist(), part.best_shots(rows)))
        for one in there:
            parts[one.recording_id].add(part.entry.name)
        seen += there
    told = snapshot.told(parts)
    pictures = snapshot.pictures([one.best["address"] for one in seen])
    found = {}
    for one, picture in zip(seen, pictures, strict=True):
        part, row, best = one
        tracklet_id = format_tracklet_id(one.recording_id, int(part.ordinal[row]))
        seen_first = from_microseconds(int(part.first_seen[row]))
        file, stretches = told[one.recording_id]
        found[tracklet_id] = Candidate(
            tracklet_id=tracklet_id,
            camera=cameras.camera(part.cameras[part.camera[row]]),
            recording_id=one.recording_id,
            recording=file,
            first_seen=seen_first,
            last_seen=from_microseconds(int(part.last_seen[row])),
            score=scores[tracklet_id],
            scale=scales.get(tracklet_id, PLAIN_SCALE),
            quality=best["quality"],
            shot_seconds=best["seconds"],
            shot_time=from_microseconds(best["time"]),
            shot_jpeg=picture.jpeg,
            time=TimeNote.of(seen_first, stretches, best["first_seconds"], best["last_seconds"]),
        )
    return found


class Where(NamedTuple):
    """Place of a tracklet in the footage: file of its recording, as catalogued, and camera."""

    file: str
    camera_id: str


def where_seen(reader: Reader, tracklet_ids: Collection[str]) -> dict[str, Where]:
    """Find tracklets in the footage, searchable or not, by id; others are left out.

    Raises GalleryError if the gallery cannot be read.
    """
    wanted = _named(tracklet_ids)
    found = reader.settled(lambda: _where(reader.snapshot, wanted)) if wanted else {}
    return {tracklet_id: found[tracklet_id] for tracklet_id in tracklet_ids if tracklet_id in found}


def _where(snapshot: Snapshot, wanted: Wanted) -> dict[str, Where]:
    cameras = {
        (f"{keys.recording[row]:016x}", int(keys.ordinal[row])): keys.cameras[keys.camera[row]]
        for _, keys, rows in _found_in(snapshot, wanted, also_unsearchable=True)
        for row in rows.tolist()
    }
    files = snapshot.manifest.shown({name for name, _ in cameras})  # one may be removed by now
    return {
        format_tracklet_id(name, ordinal): Where(files[name][0], camera)
        for (name, ordinal), camera in cameras.items()
        if name in files
    }


class _Seen(NamedTuple):
    """Row of a part, with what :meth:`Part.best_shots` has of it."""

    part: Part
    row: int
    best: dict[str, Any]

    @property
    def recording_id(self) -> str:
        return f"{self.part.recording[self.row]:016x}"


def _found(snapshot: Snapshot, wanted: Wanted) -> Iterator[tuple[Part, NDArray[np.intp]]]:
    """Parts with rows of searchable tracklets that are wanted, and these rows.

    Others have no shots. Raises ObjectGone if a part is dropped meanwhile.
    """
    for part, _, rows in _found_in(snapshot, wanted):
        yield part, rows


def _found_in(
    snapshot: Snapshot, wanted: Wanted, *, also_unsearchable: bool = False
) -> Iterator[tuple[Part, Keys, NDArray[np.intp]]]:
    known = snapshot.manifest.recordings(wanted)
    left = {(name, ordinal) for name in known for ordinal in wanted[name]}
    for entry, some in planned(snapshot.manifest, snapshot.commit, known.values()):
        part = snapshot.part(entry)
        for keys in (part, part.unsearchable) if also_unsearchable else (part,):
            rows = list[int]()
            for row in np.flatnonzero(keys.of(one.recording_id for one in some)).tolist():
                one = f"{keys.recording[row]:016x}", int(keys.ordinal[row])
                if one in left:
                    left.remove(one)
                    rows.append(row)
            if rows:
                yield part, keys, np.array(rows)
    if left and snapshot.refreshed() is not snapshot:
        raise ObjectGone(
            "lacks tracklets that may be in parts of a later commit",
            where=snapshot.storage.address,
            fix="Search again",
        )


def _shots_at(snapshot: Snapshot, part: Part, row: int) -> list[dict[str, Any]]:
    """Shots in one row of a part, as people read them."""
    name = part.entry.object(TRACKLETS)
    with snapshot.storage.reading(name) as file:
        people = pq.ParquetFile(file)
        groups = map(people.metadata.row_group, range(people.num_row_groups))
        ends = np.cumsum([group.num_rows for group in groups])
        which = int(np.searchsorted(ends, row, "right"))
        if which == len(ends):
            raise snapshot.storage.unreadable(name, ValueError("it has too few rows"))
        found = people.read_row_group(which, columns=["recording_id", "ordinal", "shots"])
    (one,) = found.slice(row - int(ends[which]) + found.num_rows, 1).to_pylist()
    if (int(one["recording_id"], 16), one["ordinal"]) != (part.recording[row], part.ordinal[row]):
        raise snapshot.storage.unreadable(name, ValueError("its rows are in another order"))
    shots: list[dict[str, Any]] = one["shots"]
    return shots


def address_of(shot: Mapping[str, Any]) -> Address:
    """Place of a shot's picture, from its row."""
    return Address(*(shot[name] for name in Address._fields))


def shot_of(row: Mapping[str, Any], picture: Picture) -> Shot:
    """Make a shot from its row and its picture."""
    return Shot(
        seconds=row["seconds"],
        time=row["time"].astimezone(UTC),
        box=Box(row["x"], row["y"], row["width"], row["height"]),
        quality=Quality(row["quality"], **{part: row[part] for part in QUALITY_PARTS}),
        jpeg=picture.jpeg,
        template=picture.template,
    )


__all__ = ["Where", "address_of", "shot_of", "shots", "tracklets_by_id", "where_seen"]
