"""Best rows of a search, and the candidates that people read of them.

Candidates are in a total order, which does not depend on the parts that rows lie in or on who
compared them: so the best of several lists are the best of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.domain import Candidate, TimeNote, format_tracklet_id, from_microseconds
from workbench.gallery.entries import Microseconds
from workbench.gallery.packs import Address
from workbench.gallery.resolving import Cameras, PlannedRows
from workbench.gallery.scan import Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.gallery.snapshot import Snapshot


class Best(NamedTuple):
    """One of the best rows; its first four values are what candidates are in the order of."""

    minus_score: float
    first_seen: Microseconds
    recording: int
    ordinal: int
    last_seen: Microseconds
    first_seconds: float
    last_seconds: float
    shot_seconds: float
    shot_time: Microseconds
    quality: float
    pack: int
    offset: int
    length: int
    camera: int  # its number among all cameras
    part: str  # its name


def best_rows(rows: PlannedRows, question: Question) -> list[Best]:
    """Best rows that a question has found among *rows*, in their order."""
    best: list[Best] = []
    for number in sorted(set(question.part.tolist())):
        part, here = rows.part(number), question.part == number
        chosen = question.row[here]
        shown: list[NDArray[Any]] = [part.first_seen, part.recording, part.ordinal, part.last_seen]
        columns = [column.take(chosen).tolist() for column in (*shown, *part.shown.values())]
        minus = (-question.score[here]).tolist()
        camera = rows.inside.cameras.numbers(part)[part.camera[chosen]].tolist()
        best += map(Best, minus, *columns, camera, [part.entry.name] * len(chosen))
    return merged([best], question.top)


def merged(lists: Sequence[Sequence[Best]], top: int | None) -> list[Best]:
    """Best rows of several lists, in their order; at most *top*."""
    return sorted(chain.from_iterable(lists))[:top]


def candidates_of(
    snapshot: Snapshot,
    cameras: Cameras,
    best: Sequence[Best],
    scale: str,
    *,
    pictures: int | None = None,
) -> list[Candidate]:
    """Turn rows into candidates with names, times and pictures, in their order.

    *scale* is that of their scores. The best shots of the first *pictures* are read, by default of
    all; those of others are empty. Raises ObjectGone if something of them was removed meanwhile.
    """
    names = [f"{one.recording:016x}" for one in best]
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for one, name in zip(best, names, strict=True):
        parts[name].add(one.part)
    told = snapshot.told(parts)
    known = {number: cameras.known.at(number) for number in {one.camera for one in best}}
    pictured = best[:pictures]
    shots = snapshot.jpegs([Address(one.pack, one.offset, one.length) for one in pictured])
    shots += [b""] * (len(best) - len(pictured))
    found = []
    for one, name, shot in zip(best, names, shots, strict=True):
        file, stretches = told[name]
        seen = from_microseconds(one.first_seen)
        found.append(
            Candidate(
                tracklet_id=format_tracklet_id(name, one.ordinal),
                camera=known[one.camera],
                recording_id=name,
                recording=file,
                first_seen=seen,
                last_seen=from_microseconds(one.last_seen),
                score=-one.minus_score,
                quality=one.quality,
                shot_seconds=one.shot_seconds,
                shot_time=from_microseconds(one.shot_time),
                shot_jpeg=shot,
                scale=scale,
                time=TimeNote.of(seen, stretches, one.first_seconds, one.last_seconds),
            )
        )
    return found


__all__ = ["Best", "best_rows", "candidates_of", "merged"]
