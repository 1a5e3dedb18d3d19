"""Location of recordings: which parts hold rows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.gallery.entries import PartEntry, RecordingEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.parts import Part
from workbench.gallery.planning import around
from workbench.gallery.storage import Storage


@dataclass(frozen=True)
class Group:
    """Recordings that share parts with each other and with no others asked for, and these parts."""

    recordings: Mapping[str, RecordingEntry]
    parts: Sequence[PartEntry]


def locate(
    manifest: Manifest, storage: Storage, recordings: Collection[RecordingEntry]
) -> dict[str, tuple[PartEntry, set[str]]]:
    """Parts that hold rows of some recordings, by name, with the ids of those that each holds.

    Only parts of their days are looked into, and of these only those with places of their cameras.
    Raises ObjectGone if one is dropped meanwhile.
    """
    found = {}
    for entry, some in planned(manifest, manifest.state().commit, recordings):
        if ids := _held(Part(storage, entry, manifest.profile), some):
            found[entry.name] = entry, ids
    return found


def planned(
    manifest: Manifest, commit: int, recordings: Collection[RecordingEntry]
) -> Iterator[tuple[PartEntry, list[RecordingEntry]]]:
    """Parts, as of a commit, that may hold rows of some recordings; those of the part's day."""
    of_days: defaultdict[int, list[RecordingEntry]] = defaultdict(list)
    for one in recordings:
        for day in range(one.first_day, one.last_day + 1):
            of_days[day].append(one)
    places: defaultdict[str, set[int]] = defaultdict(set)
    for camera_id, place in manifest.places():
        places[camera_id].add(place)
    for day, some in sorted(of_days.items()):
        there = np.array(sorted({p for one in some for p in places[one.camera_id]}), np.int64)
        for entry in around(manifest.parts_of(commit, days=(day, day)), there):
            yield entry, some


def _held(part: Part, recordings: Iterable[RecordingEntry]) -> set[str]:
    """Ids of recordings, of some, that a part has rows of."""
    numbers = [np.unique(keys.recording).tolist() for keys in (part, part.unsearchable)]
    found = {f"{number:016x}" for some in numbers for number in some} | part.recording_ids()
    return {one.recording_id for one in recordings} & found


def groups(manifest: Manifest, storage: Storage, recording_ids: Iterable[str]) -> Iterator[Group]:
    """Recordings that the gallery holds, in groups that share no part, with all of their parts.

    Raises ObjectGone if a part is dropped meanwhile.
    """
    known = manifest.recordings(recording_ids)
    left = locate(manifest, storage, known.values())
    while left:
        names, chosen = set[str](), list[PartEntry]()
        grown = {next(iter(left))}
        while grown:
            for name in grown:
                entry, ids = left.pop(name)
                chosen.append(entry)
                names |= ids
            grown = {name for name, (_, ids) in left.items() if ids & names}
        yield Group({name: known[name] for name in sorted(names)}, chosen)


__all__ = ["Group", "groups", "locate", "planned"]
