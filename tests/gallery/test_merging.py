"""Merging: parts stay few and lie apart in place, and no question sees a difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from parted import CAMERAS

from workbench.domain import Camera, IndexedRecording, to_microseconds
from workbench.gallery.committing import Committer
from workbench.gallery.entries import CameraEntry, Change, PartEntry, day_of
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import AT_A_TIME, FAN, Merger, to_arrange, to_merge
from workbench.gallery.planning import places_of
from workbench.gallery.snapshot import Snapshot

Make = Callable[..., IndexedRecording]


def merger(committer: Committer, most: int, *, at_rest: bool = False) -> Merger:
    return Merger(replace(committer, role="merger"), lambda _: at_rest, most)


def rows(committer: Committer) -> dict[tuple[int, int], tuple[object, ...]]:
    """What a search reads of each tracklet, by recording and ordinal."""
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**30)
    found = {}
    for entry in snapshot.parts():
        part = snapshot.part(entry)
        for row, shot in enumerate(part.best_shots(np.arange(len(part)))):
            key = int(part.recording[row]), int(part.ordinal[row])
            assert key not in found
            seen = int(part.first_seen[row]), int(part.last_seen[row])
            camera = part.cameras[part.camera[row]]
            found[key] = (part.templates[row].tobytes(), *seen, camera, tuple(shot.items()))
    return found


def entry(day: int, places: tuple[int, int], tracklets: int, name: str = "ab") -> PartEntry:
    return PartEntry(name, day, *places, 0, 1, 1, tracklets, tracklets, 0, 0, 100, json.dumps([]))


def test_parts_of_one_day_and_size_are_merged_when_there_are_eight() -> None:
    few = [entry(1, (0, 9), 5) for _ in range(FAN - 1)]
    others = [entry(2, (0, 9), 5), entry(1, (0, 9), 50), entry(1, (0, 9), 60)]
    assert to_merge([*few, *others], 1000) == []
    assert to_merge([*few, *others, entry(1, (0, 9), 6)], 1000) == [*few, entry(1, (0, 9), 6)]
    large = [entry(1, (0, 9), 300) for _ in range(FAN)]
    assert to_merge(large, 1000) == large[:3]  # that fit into one
    assert to_merge(large, 600) == []  # half of it: no merging brings them together


def test_a_day_at_rest_is_arranged_by_place() -> None:
    apart = [entry(1, (0, 9), 600), entry(1, (9, 12), 600), entry(1, (20, 20), 600)]
    assert to_arrange([*apart, entry(2, (0, 20), 600)], 1000) == []
    inside = entry(1, (21, 25), 600)
    wide = entry(1, (15, 30), 600)
    assert to_arrange([*apart, inside, wide], 1000) == [wide, apart[2], inside]
    assert to_arrange([*apart[:2], entry(1, (12, 14), 300)], 1000) == [
        apart[1], entry(1, (12, 14), 300)
    ]  # fmt: skip
    many = [entry(1, (0, 9), 600, str(n)) for n in range(9)]
    assert len(to_arrange(many, 1000)) == AT_A_TIME


def test_merging_and_arranging_change_no_row_and_end(committer: Committer, indexed: Make) -> None:
    random = np.random.default_rng(5)
    recordings = [
        indexed(int(random.integers(6)), 10 * n, tuple(range(n, n + int(random.integers(1, 6)))))
        for n in range(18)
    ]
    for one in recordings:
        committer.store([one], CAMERAS)
    wanted = rows(committer)
    state = committer.manifest.state()
    assert len(committer.manifest.parts(state.commit)) == 18
    assert merger(committer, 40).run() > 0
    parts = committer.manifest.parts(committer.manifest.state().commit)
    assert len(parts) < 18 - FAN // 2
    assert to_merge(parts, 40) == []
    assert rows(committer) == wanted
    assert merger(committer, 25, at_rest=True).run() > 0
    parts = committer.manifest.parts(committer.manifest.state().commit)
    for one, other in pairwise(sorted(parts, key=lambda part: (part.place_low, part.place_high))):
        assert one.place_high <= other.place_low
        assert one.tracklets + other.tracklets > 25
    assert rows(committer) == wanted
    assert sum(part.recordings for part in parts) == 18
    assert committer.manifest.unfinished("merger") == committer.manifest.dropped() == []
    objects = committer.storage.names("parts")
    assert sorted(objects) == sorted(p.object(f.name) for p in parts for f in p.files)


def test_what_is_stored_or_removed_meanwhile_is_not_undone(
    committer: Committer, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [indexed(n % 6, 10 * n, (n,)) for n in range(FAN)]
    for one in recordings:
        committer.store([one], CAMERAS)
    gone, late = recordings[0], indexed(0, 300, (99,))
    first = places_of([CAMERAS["C0"]])["C0"]
    day = day_of(to_microseconds(gone.started_at))
    commit = Manifest.commit

    def overtaken(manifest: Manifest, change: Change) -> int:
        """Remove the first recording, and store another, just before the merge is committed."""
        monkeypatch.undo()
        state = manifest.state().commit
        (part, *_) = [
            part
            for part in manifest.parts_of(state, days=(day, day), places=(first, first))
            if part.first_seen == to_microseconds(gone.started_at)
        ]
        commit(manifest, Change(dropped_parts=[part.name], forgotten=[gone.recording_id]))
        committer.store([late], CAMERAS)
        return commit(manifest, change)

    monkeypatch.setattr(Manifest, "commit", overtaken)
    merger(committer, 1000).run()
    held = committer.manifest.held(one.recording_id for one in [*recordings, late])
    assert held == {one.recording_id for one in [*recordings[1:], late]}
    assert {f"{recording:016x}" for recording, _ in rows(committer)} == held
    assert len(committer.manifest.parts(committer.manifest.state().commit)) == 1
    assert committer.manifest.unfinished("merger") == []


def test_a_camera_that_was_moved_is_found_where_it_was_and_where_it_is(
    committer: Committer, indexed: Make
) -> None:
    one, other = indexed(0, 0, (1,)), indexed(0, 30, (2,))
    committer.store([one], CAMERAS)
    moved = Camera("C0", "Camera 0", 51.6, 0.2)
    committer.store([other], {"C0": moved}, Change(cameras=[CameraEntry(moved, other.ended_at)]))
    old, new = places_of([CAMERAS["C0"]])["C0"], places_of([moved])["C0"]
    places = np.array(sorted(place for _, place in committer.manifest.places()), np.int64)
    assert places.tolist() == sorted([old, new])
    span = [(to_microseconds(one.started_at), to_microseconds(other.ended_at))]
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**30)
    assert len(snapshot.plan(span, places)) == 2
    assert len(snapshot.plan(span, np.array([new], np.int64))) == 1
    merger(committer, 1000, at_rest=True).run()
    (part,) = snapshot.refreshed().plan(span, np.array([new], np.int64))
    assert (part.place_low, part.place_high) == (new, new)
