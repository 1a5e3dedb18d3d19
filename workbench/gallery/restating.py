"""Corrections of clocks in stored rows: other times, and parts of other days where these change.

Nothing is decoded, and no picture is written. Parts that hold rows of the recordings are written
again, and all of them come in one commit: if it is killed, all times are the old or all the new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import (
    ClockSetting,
    Leg,
    Progress,
    ProgressCallback,
    Stretch,
    Unseen,
    outside_of,
    seen_spans,
    to_microseconds,
)
from workbench.errors import GalleryError
from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change, RecordingEntry, day_of
from workbench.gallery.locating import locate
from workbench.gallery.manifest import Overtaken
from workbench.gallery.parts import Content, Part
from workbench.gallery.planning import places_of
from workbench.gallery.rows import RECORDINGS, days_of, notes_of
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import ObjectGone
from workbench.gallery.times import shifts


def restate(
    committer: Committer,
    stretches: Mapping[str, Sequence[Stretch]],
    settings: Sequence[ClockSetting] = (),
    *,
    progress: ProgressCallback | None = None,
) -> None:
    """Give recordings other stretches, by id, with all times, and keep *settings* of clocks.

    Parameters
    ----------
    committer : Committer
        In the writer's role.
    progress : callable, optional
        Called after each part that was written again.

    Raises
    ------
    GalleryError
        If a recording is not in the gallery, or a part cannot be read or written again. All times
        are as they were then.
    """
    for _ in range(MOST_TRIES):
        try:
            _restate(committer, stretches, settings, progress)
            committer.delete_dropped()
            return
        except (Overtaken, ObjectGone) as error:  # merged meanwhile
            overtaken = error
    raise overtaken


def _restate(
    committer: Committer,
    stretches: Mapping[str, Sequence[Stretch]],
    settings: Sequence[ClockSetting],
    progress: ProgressCallback | None,
) -> None:
    manifest, storage = committer.manifest, committer.storage
    known = manifest.recordings(stretches)
    if missing := stretches.keys() - known.keys():
        raise GalleryError(
            f"holds no recording {min(missing)}",
            where=storage.address,
            fix="Name one of the recordings that it lists",
        )
    if not known and not settings:
        return
    new = {name: _entry(one, tuple(stretches[name])) for name, one in known.items()}
    concerned = locate(manifest, storage, known.values())
    cameras = {camera.camera_id: camera for camera in manifest.cameras()}
    days: dict[str, set[int]] = {
        name: {day_of(to_microseconds(one.started_at))} for name, one in new.items()
    }
    parts, used = [], dict[str, int]()
    with committer.attempt() as attempt:
        for done, (entry, ids) in enumerate(concerned.values(), start=1):
            content = _moved(
                Part(storage, entry, manifest.profile).content(), known, new, sorted(ids)
            )
            names = {n for table in content for n in pc.unique(table["camera_id"]).to_pylist()}
            places = places_of([cameras[name] for name in sorted(names)])
            used |= places
            for name in ids:
                own = content[1].filter(pc.equal(content[1]["recording_id"], name))
                days[name] |= set(days_of(own["first_seen"]).tolist())
            parts += attempt.write_parts(content, places)
            if progress is not None:
                progress(Progress(done, len(concerned)))
        attempt.commit(
            Change(
                parts=parts,
                dropped_parts=list(concerned),
                restated=[
                    replace(one, first_day=min(days[name]), last_day=max(days[name]))
                    for name, one in new.items()
                ],
                clocks=settings,
                places={name: [place] for name, place in used.items()},
            )
        )


def _entry(one: RecordingEntry, stretches: tuple[Stretch, ...]) -> RecordingEntry:
    """A recording with other stretches, and from when to when it goes by these."""
    elsewhere = [Unseen(*outside, "") for outside in outside_of(one.legs, one.seconds)]
    spans = seen_spans(one.stated_at, one.seconds, stretches, elsewhere)
    return replace(
        one,
        stretches=stretches,
        started_at=min(start for start, _ in spans),
        ended_at=max(end for _, end in spans),
    )


def _moved(
    content: Content,
    old: Mapping[str, RecordingEntry],
    new: Mapping[str, RecordingEntry],
    ids: Sequence[str],
) -> Content:
    """Rows of a part with the times of some recordings as they are by their new stretches."""
    recordings, tracklets = content
    names = tracklets["recording_id"].to_numpy()
    first, last = (tracklets[name].to_numpy() for name in ("first_seconds", "last_seconds"))
    by, notes = np.zeros(len(names), np.int64), tracklets["notes"].to_numpy().copy()
    for name in ids:
        rows = np.flatnonzero(names == name)
        for part in shifts(name, old[name].stretches, new[name].stretches):
            inside = rows[(first[rows] >= part.begin) & (first[rows] < part.end)]
            by[inside] = part.microseconds
        for row in rows.tolist():
            notes[row] = notes_of(new[name].stretches, first[row], last[row])
    for name in ("first_seen", "last_seen"):
        tracklets = _with(tracklets, name, _later(tracklets[name].combine_chunks(), by))
    tracklets = _with(tracklets, "notes", pa.array(notes))
    tracklets = _with(tracklets, "shots", _shots_later(tracklets["shots"].combine_chunks(), by))
    here = pc.is_in(recordings["recording_id"], pa.array(ids, pa.string()))
    changed = [
        _restated(row, new[row["recording_id"]]) for row in recordings.filter(here).to_pylist()
    ]
    kept = recordings.filter(pc.invert(here))
    return pa.concat_tables([kept, pa.Table.from_pylist(changed, RECORDINGS)]), tracklets


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), column)


def _later(times: pa.Array, by: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    moved = times.cast(pa.int64()).to_numpy() + by
    return pa.array(moved).cast(times.type)


def _shots_later(shots: pa.ListArray, by: np.ndarray[Any, np.dtype[np.int64]]) -> pa.ListArray:
    """Shots of each tracklet with times that are later by so much, as their tracklet is."""
    flat, parents = shots.flatten(), pc.list_parent_indices(shots).to_numpy()
    fields = list(flat.type)
    columns = [flat.field(field.name) for field in fields]
    place = next(n for n, field in enumerate(fields) if field.name == "time")
    columns[place] = _later(columns[place], by[parents])
    offsets = shots.offsets.to_numpy()
    made = pa.StructArray.from_arrays(columns, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), made, type=shots.type)


def _restated(row: dict[str, Any], new: RecordingEntry) -> dict[str, Any]:
    """A recording's row with the times of its new entry."""
    legs = [Leg(one["start_seconds"], one["end_seconds"], None) for one in row["legs"]]
    gaps = [Unseen(one["start_seconds"], one["end_seconds"], one["why"]) for one in row["unseen"]]
    elsewhere = [Unseen(*outside, "") for outside in outside_of(legs, row["seconds"])]
    spans = seen_spans(new.stated_at, row["seconds"], new.stretches, [*gaps, *elsewhere])
    return row | {
        "started_at": new.started_at,
        "ended_at": new.ended_at,
        "stretches": [
            {name: getattr(one, name) for name in Stretch.__dataclass_fields__}
            for one in new.stretches
        ],
        "spans": [{"started_at": start, "ended_at": end} for start, end in spans],
    }


__all__ = ["restate"]
