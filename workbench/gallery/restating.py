"""Corrections of clocks in stored rows: other times, and parts of other days where these change.

Nothing is decoded, and no picture is written. Parts that hold rows of the recordings are written
again, and all of them come in one commit: if it is killed, all times are the old or all the new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

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
from workbench.gallery.committing import Attempt, Committer
from workbench.gallery.entries import Change, RecordingEntry, day_of
from workbench.gallery.locating import locate
from workbench.gallery.manifest import Outdated, Overtaken
from workbench.gallery.parts import Content, Part
from workbench.gallery.planning import places_of
from workbench.gallery.rows import RECORDINGS, days_of, notes_of
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import ObjectGone
from workbench.gallery.times import shifts

# Recordings that others store while the last ones are being written are few, and soon written.
MOST_ROUNDS = 100


def restate(
    committer: Committer,
    stretches: Mapping[str, Sequence[Stretch]],
    settings: Sequence[ClockSetting] = (),
    *,
    old: Mapping[str, Sequence[Stretch]] | None = None,
    late: Late | None = None,
    progress: ProgressCallback | None = None,
) -> None:
    """Give recordings other stretches, by id, with all times, and keep *settings* of clocks.

    Parameters
    ----------
    committer : Committer
        In the writer's role.
    old : mapping, optional
        Stretches that the new ones were made from, by id.
    late : Late, optional
        Recordings that others store meanwhile, and that the settings concern, too.
    progress : callable, optional
        Called after each part that was written again.

    Raises
    ------
    Outdated
        If a recording is not in the gallery, or has other stretches than the *old* ones by now.
        All times are as they were then, as after the next.
    GalleryError
        If a part cannot be read or written again.
    """
    wanted = _Wanted(dict(stretches), dict(old or {}))
    for _ in range(MOST_TRIES):
        try:
            _restate(committer, wanted, settings, late, progress)
            committer.delete_dropped()
            return
        except Outdated:
            raise
        except (Overtaken, ObjectGone) as error:  # merged meanwhile
            overtaken = error
    raise overtaken


class Late(Protocol):
    """Recordings that others store while a correction that concerns them is being written."""

    def none(self) -> bool:
        """Return True if there are none."""
        ...

    def take(self) -> tuple[Mapping[str, Sequence[Stretch]], Mapping[str, Sequence[Stretch]]]:
        """New and old stretches of those that were stored since the last time, by id."""
        ...


class _Wanted(NamedTuple):
    """New stretches of recordings, and those that they were made from where that is known."""

    new: dict[str, Sequence[Stretch]]
    old: dict[str, Sequence[Stretch]]


def _restate(
    committer: Committer,
    wanted: _Wanted,
    settings: Sequence[ClockSetting],
    late: Late | None,
    progress: ProgressCallback | None,
) -> None:
    with committer.attempt() as attempt:
        change = _written(committer, attempt, wanted, progress)
        still = None if late is None else late.none
        for _ in range(MOST_ROUNDS):
            if not change.restated and not settings:
                return
            try:
                attempt.commit(replace(change, clocks=settings, still=still))
            except Outdated as error:
                outdated = error
            else:
                return
            assert late is not None
            more = _Wanted(*map(dict, late.take()))
            wanted.new.update(more.new)  # also if all of it is done again
            wanted.old.update(more.old)
            change = _both(change, _written(committer, attempt, more, None))
        raise outdated


def _both(one: Change, other: Change) -> Change:
    """Change that makes two of different parts."""
    return replace(
        one,
        parts=[*one.parts, *other.parts],
        dropped_parts=[*one.dropped_parts, *other.dropped_parts],
        restated=[*one.restated, *other.restated],
        places={**one.places, **other.places},
    )


def _written(
    committer: Committer, attempt: Attempt, wanted: _Wanted, progress: ProgressCallback | None
) -> Change:
    """Write the parts of some recordings again; return the change that has them."""
    manifest, storage = committer.manifest, committer.storage
    known = manifest.recordings(wanted.new)
    if missing := wanted.new.keys() - known.keys():
        raise Outdated(
            f"holds no recording {min(missing)}",
            where=storage.address,
            fix="Name one of the recordings that it lists",
        )
    # Who changes it after this look writes its part again, which this drops.
    if other := [name for name, those in wanted.old.items() if known[name].stretches != those]:
        raise Outdated(
            f"holds other times of recording {min(other)} by now",
            where=storage.address,
            fix="Look at them, and do this again",
        )
    new = {name: _entry(one, tuple(wanted.new[name])) for name, one in known.items()}
    concerned = locate(manifest, storage, known.values())
    cameras = {camera.camera_id: camera for camera in manifest.cameras()}
    days: dict[str, set[int]] = {
        name: {day_of(to_microseconds(one.started_at))} for name, one in new.items()
    }
    parts, used = [], dict[str, int]()
    for done, (entry, ids) in enumerate(concerned.values(), start=1):
        content = _moved(Part(storage, entry, manifest.profile).content(), known, new, sorted(ids))
        names = {n for table in content for n in pc.unique(table["camera_id"]).to_pylist()}
        places = places_of([cameras[name] for name in sorted(names)])
        used |= places
        for name in ids:
            own = content[1].filter(pc.equal(content[1]["recording_id"], name))
            days[name] |= set(days_of(own["first_seen"]).tolist())
        parts += attempt.write_parts(content, places)
        if progress is not None:
            progress(Progress(done, len(concerned)))
    return Change(
        parts=parts,
        dropped_parts=list(concerned),
        restated=[
            replace(one, first_day=min(days[name]), last_day=max(days[name]))
            for name, one in new.items()
        ],
        places={name: [place] for name, place in used.items()},
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


__all__ = ["Late", "restate"]
