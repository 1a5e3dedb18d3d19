"""Commits and snapshots: whole or not at all after any kill, and readers beside whoever writes."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from manifests import Opening, Place
from parted import CAMERAS
from pictures import jpeg

from workbench.domain import (
    IndexedRecording,
    Problem,
    Profile,
    format_tracklet_id,
    to_microseconds,
)
from workbench.errors import GalleryError
from workbench.gallery import frames
from workbench.gallery.committing import Committer, by_place
from workbench.gallery.entries import CameraEntry, Change, day_of
from workbench.gallery.manifest import AlreadyStored, Manifest, Overtaken
from workbench.gallery.merging import Merger
from workbench.gallery.order import DAY
from workbench.gallery.parts import check_part, join
from workbench.gallery.planning import allowed_in, places_of, rows_inside
from workbench.gallery.questions import read_only
from workbench.gallery.removal import Removed, purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import OpenParts, Snapshot, settled
from workbench.gallery.storage import ObjectGone, Sink, Storage

Make = Callable[..., IndexedRecording]
in_a_file = pytest.mark.parametrize("opening", ["sqlite"], indirect=True)


@pytest.fixture
def place(opening: Opening, tmp_path: Path, profile: Profile) -> Place:
    found = Place(tmp_path, opening)
    database = opening(tmp_path, write=True, create=True)
    Manifest.create(database, profile, "town.duckdb").close()
    return found


def pictured(snapshot: Snapshot) -> dict[tuple[str, int], bytes]:
    """Best picture of each tracklet that can be searched, by its id."""
    found = {}
    for entry in snapshot.parts():
        part = snapshot.part(entry)
        shots = part.best_shots(np.arange(len(part)))
        for picture in snapshot.pictures([shot["address"] for shot in shots]):
            assert picture.rank == 0
            found[picture.recording_id, picture.ordinal] = picture.jpeg
    return found


def wanted(*recordings: IndexedRecording) -> dict[tuple[str, int], bytes]:
    return {
        (one.recording_id, tracklet.ordinal): tracklet.shots[0].jpeg
        for one in recordings
        for tracklet in one.tracklets
        if tracklet.shots
    }


def test_recordings_are_stored_together_and_read_beside_the_writer(
    place: Place, indexed: Make, joined: IndexedRecording, profile: Profile
) -> None:
    reader = place.snapshot()
    assert (reader.parts(), reader.commit) == ([], 0)
    committer = place.committer()
    late = indexed(0, 24 * 60 - 3, (1, 2, 3, 4, 5))
    cameras = Change(cameras=[CameraEntry(one, joined.started_at) for one in CAMERAS.values()])
    assert committer.store([late, indexed(1, 0, (7,)), joined], CAMERAS, cameras) == 1
    assert reader.parts() == []
    reader = reader.refreshed()
    assert [(one.recordings, one.tracklets) for one in reader.parts()] == [(3, 11), (0, 3)]
    assert pictured(reader) == wanted(late, indexed(1, 0, (7,)), joined)
    # The pictures of a recording lie with the day on which it starts.
    assert len(reader.manifest.packs()) == 1
    assert reader.manifest.cameras() == [*CAMERAS.values()]
    assert reader.state.longest_tracklet == 5_000_000
    assert reader.state.longest_recording == 600_000_000
    for entry in reader.parts():
        assert [*check_part(reader.storage, entry, profile)] == []
    before = place.objects()
    with pytest.raises(AlreadyStored):
        committer.store([indexed(2, 0, (8,)), late], CAMERAS)
    with pytest.raises(GalleryError, match="its camera is unknown"):
        committer.store([indexed(2, 0, (8,))], {})
    assert place.objects() == before
    assert committer.manifest.unfinished("writer") == []
    modes = {path.stat().st_mode & 0o777 for path in place.folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_what_cannot_be_written_leaves_nothing(
    place: Place, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer = place.committer()
    committer.store([indexed(0, 0, (1,))], CAMERAS)
    before, writing = place.objects(), Storage.writing

    @contextmanager
    def full(self: Storage, name: str) -> Iterator[Sink]:
        with writing(self, name) as sink:
            yield sink
            if name.endswith("exact.arrow"):
                raise OSError(28, "No space left on device")

    monkeypatch.setattr(Storage, "writing", full)
    with pytest.raises(GalleryError, match="the disk is full"):
        committer.store([indexed(0, 60, (2,))], CAMERAS)
    monkeypatch.undo()
    assert place.objects() == before
    assert committer.manifest.unfinished("writer") == committer.manifest.dropped() == []
    committer.store([indexed(0, 60, (2,))], CAMERAS)


def merged(committer: Committer, snapshot: Snapshot, change: Change | None = None) -> int:
    """Write all parts of a snapshot as one a day, in their place."""
    with committer.attempt() as attempt:
        content = join(snapshot.part(entry).content() for entry in snapshot.parts())
        parts = attempt.write_parts(content, places_of([*CAMERAS.values()]))
        dropped = [entry.name for entry in snapshot.parts()]
        number = attempt.commit(replace(change or Change(), parts=parts, dropped_parts=dropped))
    committer.delete_dropped()
    return number


def test_a_reader_keeps_what_it_has_mapped_and_asks_again_for_what_is_gone(
    place: Place, indexed: Make
) -> None:
    committer = place.committer()
    recordings = [indexed(n % 3, 15 * n, (n, n + 1)) for n in range(4)]
    for one in recordings:
        committer.store([one], CAMERAS)
    old, late = place.snapshot(), place.snapshot()
    (entry, *_) = late.parts()
    mapped = [old.part(entry) for entry in old.parts()]
    packs = [name for name in place.objects() if name.startswith("packs")]
    merged(place.committer("merger"), place.snapshot())
    assert len([*mapped[0].codes]) == 2
    assert mapped[0].codes.any()
    with pytest.raises(ObjectGone):
        late.part(entry)
    for ask in (late.parts, partial(late.plan, [(entry.first_seen, entry.last_seen)])):
        with pytest.raises(ObjectGone, match="parts of that were deleted"):
            ask()
    found, late = settled(late, pictured)
    assert found == wanted(*recordings)
    assert late.commit == 5
    assert len(late.parts()) == 1
    # No picture was written again.
    assert [name for name in place.objects() if name.startswith("packs")] == packs
    Storage.at(place.folder).delete([late.parts()[0].object("exact.arrow")])
    with pytest.raises(GalleryError, match="lacks an object"):
        settled(place.snapshot(), pictured)


def test_a_merge_that_something_else_overtook_leaves_nothing(place: Place, indexed: Make) -> None:
    committer, merger = place.committer(), place.committer("merger")
    committer.store([indexed(0, 0, (1,))], CAMERAS)
    committer.store([indexed(1, 0, (2,))], CAMERAS)
    snapshot = place.snapshot()
    first = places_of([CAMERAS["C0"]])["C0"]
    (entry,) = (one for one in snapshot.parts() if one.place_low == first)
    committer.manifest.commit(
        Change(dropped_parts=[entry.name], forgotten=[indexed(0, 0, (1,)).recording_id])
    )
    with pytest.raises(Overtaken):
        merged(merger, snapshot)
    assert merger.manifest.unfinished("merger") == []
    committer.delete_dropped()
    found, _ = settled(snapshot, pictured)
    assert found == wanted(indexed(1, 0, (2,)))
    kept = [name for name in place.objects() if name.startswith("parts")]
    assert len(kept) == 5


@in_a_file
def test_parts_are_let_go_of_by_the_memory_that_a_reader_may_keep(
    place: Place, indexed: Make
) -> None:
    committer = place.committer()
    for n in range(5):
        committer.store([indexed(0, 15 * n, (n, n + 1))], CAMERAS)
    reader = place.snapshot()
    size = reader.part(reader.parts()[0]).bytes
    parts = OpenParts(reader.storage, reader.manifest.profile, 3 * size)
    entries = reader.parts()
    seen = []
    for question in (object(), object()):  # each about all of the gallery
        seen.append([parts.get(entry, question) for entry in entries])
        assert all(part.codes.any() for part in seen[-1])
        assert parts.bytes == 3 * size
    assert [one is other for one, other in zip(*seen, strict=True)] == [True] * 3 + [False] * 2
    for entry in entries[3:]:
        parts.get(entry)
    assert parts.bytes == 3 * size
    assert parts.get(entries[2]) is seen[0][2]
    assert parts.get(entries[0]) is not seen[0][0]
    parts.forget([entry.name for entry in reader.parts()])
    assert parts.bytes == 0


def test_a_plan_names_the_parts_of_a_scope_and_no_search_misses_a_row(
    place: Place, indexed: Make
) -> None:
    committer = place.committer()
    recordings = [indexed(n % 6, 500 * n, (n, n + 1, n + 2)) for n in range(12)]
    for begin in range(0, 12, 3):
        committer.store(recordings[begin : begin + 3], CAMERAS)
    reader = place.snapshot()
    places = places_of([*CAMERAS.values()])
    random = np.random.default_rng(3)
    start = day_of(to_microseconds(recordings[0].started_at)) * DAY
    planned = 0
    for _ in range(60):
        chosen = {name for name in CAMERAS if random.random() < 0.4}
        edges = np.sort(random.integers(0, 5 * DAY, 2 * random.integers(1, 4))) + start
        spans = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
        entries = reader.plan(spans, np.array(sorted(places[name] for name in chosen), np.int64))
        planned += len(entries)
        found = 0
        for entry in entries:
            part = reader.part(entry)
            for keys in (part, part.unsearchable):
                pieces = rows_inside(keys, allowed_in(keys, dict.fromkeys(chosen)), spans)
                found += sum(p.stop - p.start if isinstance(p, slice) else len(p) for p in pieces)
        assert found == sum(
            one.recording.camera_id in chosen
            and any(
                to_microseconds(t.first_seen) < b and to_microseconds(t.last_seen) >= a
                for a, b in spans
            )
            for one in recordings
            for t in one.tracklets
        )
    assert 0 < planned < 0.6 * 60 * len(reader.parts())
    assert reader.plan([], None) == []
    assert len(reader.plan([(start, start + 9 * DAY)])) == len(reader.parts())


@in_a_file
def test_rows_of_a_day_are_divided_by_runs_of_places(
    place: Place, indexed: Make, profile: Profile
) -> None:
    committer = place.committer()
    committer.store([indexed(n, 0, (n, n + 1)) for n in range(6)], CAMERAS)
    reader = place.snapshot()
    (entry,) = reader.parts()
    places = places_of([*CAMERAS.values()])
    divided = by_place(reader.part(entry).content(), places, 7)
    assert [tracklets.num_rows for _, tracklets in divided] == [6, 6, 6]
    ranges = [
        (min(places[c] for c in t["camera_id"].to_pylist()), max(
            places[c] for c in t["camera_id"].to_pylist()))
        for _, t in divided
    ]  # fmt: skip
    assert all(a[1] < b[0] for a, b in pairwise(ranges))
    assert sum(recordings.num_rows for recordings, _ in divided) == 6


@in_a_file
def test_a_recording_of_one_large_picture_comes_back(place: Place, indexed: Make) -> None:
    one = indexed(0, 0, (1,))
    (tracklet, *_) = one.tracklets
    large = replace(tracklet.shots[0], jpeg=jpeg("large") * 1000)
    one = replace(one, tracklets=(replace(tracklet, shots=(large,)),))
    place.committer().store([one], CAMERAS)
    assert pictured(place.snapshot()) == wanted(one)
    assert place.snapshot().manifest.time_span() == (
        one.started_at, one.started_at + timedelta(minutes=10)
    )  # fmt: skip


@in_a_file
def test_no_part_keeps_a_file_descriptor(place: Place, indexed: Make) -> None:
    """What is opened, stored, asked, merged and purged needs as many for any number of parts."""
    committer = place.committer()
    known = [CameraEntry(one, indexed(0, 0, ()).started_at) for one in CAMERAS.values()]
    recordings = [indexed(n % 6, 24 * 60 * n, (n, n + 1)) for n in range(60)]
    committer.store(recordings, CAMERAS, Change(cameras=known))
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = len([*Path("/proc/self/fd").iterdir()])
    resource.setrlimit(resource.RLIMIT_NOFILE, (now + 30, usual[1]))
    try:
        reader = place.snapshot()
        assert len(reader.parts()) == 60
        assert pictured(reader) == wanted(*recordings)
        assert sum(len(reader.part(entry).unsearchable) for entry in reader.parts()) == 60
        assert len([*Path("/proc/self/fd").iterdir()]) < now + 10
        with read_only(reader) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM sightings_view").fetchall()
        assert count == 180
        late = indexed(0, 60, (99,))
        committer.store([late], CAMERAS)
        assert Merger(place.committer("merger"), lambda _: True).run() == 1
        assert purge(committer, [recordings[0].recording_id]) == Removed(1, 3)
        found, _ = settled(reader, pictured)
        assert found == wanted(*recordings[1:], late)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


OF_PARTS = """
SELECT r.*, coalesce(t.tracklets, 0) AS tracklets, coalesce(t.unsearchable, 0) AS unsearchable,
    coalesce(p.problems, 0) AS problems
FROM recordings r
LEFT JOIN (
    SELECT recording_id, count(*) AS tracklets, count(*) FILTER (NOT searchable) AS unsearchable
    FROM tracklets GROUP BY recording_id
) t USING (recording_id)
LEFT JOIN (
    SELECT recording_id, count(*) AS problems FROM problems GROUP BY recording_id
) p USING (recording_id)
ORDER BY started_at, camera_id, recording_id
"""


def test_a_list_of_recordings_says_what_parts_hold_and_opens_none(
    place: Place, indexed: Make, joined: IndexedRecording
) -> None:
    committer = place.committer()
    reader = Reader(place.folder / "town.duckdb", place.snapshot())
    assert frames.recordings(reader).equals(frames.arrow(reader, OF_PARTS).to_pandas())
    late = indexed(0, 24 * 60 - 3, (1, 2, 3, 4, 5))
    early = indexed(1, 0, (7, 8), problems=(Problem("1-0.mp4", "damaged", 3.0),))
    cameras = [CameraEntry(one, joined.started_at) for one in CAMERAS.values()]
    committer.manifest.commit(Change(cameras=cameras))
    for one in (late, early, joined, indexed(2, 0, ())):
        committer.store([one], CAMERAS)
    Merger(replace(committer, role="merger"), lambda _: True).run()
    gone = [(late, 0), (late, 5), (early, 1)]  # of which the second cannot be searched
    purge(committer, tracklet_ids=[format_tracklet_id(r.recording_id, n) for r, n in gone])
    wanted = frames.arrow(reader, OF_PARTS).to_pandas()
    assert wanted["tracklets"].tolist() == [2, 1, len(joined.tracklets), 4]
    assert wanted["unsearchable"].tolist() == [1, 1, 1, 0]
    (place.folder / "parts").rename(place.folder / "elsewhere")
    pd.testing.assert_frame_equal(frames.recordings(reader), wanted)
