"""The manifest: one transaction a commit, recordings once, names from reserved to released."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from manifests import Opening

from workbench.domain import (
    PLAIN,
    Camera,
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Leg,
    Place,
    Profile,
    Unseen,
    to_microseconds,
)
from workbench.errors import GalleryError
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import (
    Box,
    CameraEntry,
    Change,
    PartEntry,
    RecordingEntry,
    RefusalEntry,
    RunEntry,
    day_of,
)
from workbench.gallery.manifest import AlreadyStored, Manifest, Overtaken
from workbench.gallery.storage import ObjectGone

NOW = datetime(2026, 3, 29, tzinfo=UTC)
DAY = day_of(to_microseconds(NOW))
Make = Callable[..., IndexedRecording]


def opened(path: Path, *, write: bool = True) -> Manifest:
    return Manifest(SQLiteDatabase(path, write=write), "town.duckdb")


@pytest.fixture
def manifest(opening: Opening, tmp_path: Path, profile: Profile) -> Iterator[Manifest]:
    """Manifest without a commit, in a database of each kind."""
    database = opening(tmp_path, write=True, create=True)
    made = Manifest.create(database, profile, "town.duckdb")
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path, profile: Profile) -> Path:
    """File of a manifest without a commit."""
    path = tmp_path / "manifest.sqlite"
    Manifest.create(SQLiteDatabase(path, write=True, create=True), profile, "town.duckdb").close()
    return path


@pytest.fixture
def in_a_file(place: Path) -> Iterator[Manifest]:
    made = opened(place)
    yield made
    made.close()


def part(name: str, *, day: int = DAY, places: tuple[int, int] = (5, 9)) -> PartEntry:
    files = json.dumps([["scan.arrow", 100, "ab" * 32]])
    seen = day * 86_400_000_000
    return PartEntry(name, day, *places, seen, seen + 1_000_000, 1, 6, 5, 0, 0, 100, files)


def add(manifest: Manifest, *recordings: IndexedRecording, day: int = DAY) -> PartEntry:
    """Commit one part with recordings."""
    (name,), _ = manifest.reserve("writer", parts=[day])
    made = part(name, day=day)
    entries = [RecordingEntry.of(one) for one in recordings]
    manifest.commit(Change(parts=[made], recordings=entries))
    return made


def test_a_commit_is_seen_by_a_reader_that_is_open_whole_and_old_ones_stay_as_they_were(
    opening: Opening, tmp_path: Path, manifest: Manifest, indexed: Make, profile: Profile
) -> None:
    reader = Manifest(opening(tmp_path), "town.duckdb")
    assert reader.profile == profile
    first = add(manifest, indexed(0, 0, (1,)))
    second = add(manifest, indexed(1, 0, (2,)), indexed(2, 0, (3,)))
    assert reader.state().commit == 2
    assert {one.name for one in reader.parts(2)} == {first.name, second.name}
    assert reader.parts(1) == [first]
    (name,), _ = manifest.reserve("merger", parts=[DAY])
    manifest.commit(Change(parts=[part(name)], dropped_parts=[first.name, second.name]))
    assert [one.name for one in reader.parts(3)] == [name]
    assert {one.name for one in reader.parts(2)} == {first.name, second.name}
    assert reader.counts(3) == {
        "parts": 1, "recordings": 1, "tracklets": 6, "templates": 5, "bytes": 100
    }  # fmt: skip
    assert {one.name for one in reader.dropped()} == {first.name, second.name}
    manifest.release(manifest.dropped())
    assert reader.dropped() == []
    assert [one.name for one in reader.parts(3)] == [name]
    with pytest.raises(ObjectGone, match="as of commit 2, and parts of that were deleted"):
        reader.parts(2)
    reader.close()


def test_a_recording_comes_once_and_what_came_with_a_second_try_does_not(
    manifest: Manifest, indexed: Make
) -> None:
    one = indexed(0, 0, (1, 2))
    before = add(manifest, one)
    with pytest.raises(AlreadyStored, match=r"0-0\.mp4: is in the gallery already") as refused:
        add(manifest, indexed(0, 60, (3,)), one)
    assert refused.value.recording_ids == (one.recording_id,)
    again = indexed(0, 120, (4,))
    with pytest.raises(AlreadyStored):
        add(manifest, again, again)
    assert manifest.state().commit == 1
    assert manifest.parts(99) == [before]
    assert manifest.held([one.recording_id, indexed(0, 60, (3,)).recording_id]) == {
        one.recording_id
    }
    assert len(manifest.unfinished("writer")) == 2
    assert manifest.unfinished("merger") == []


def test_a_change_of_what_is_gone_is_overtaken_and_changes_nothing(
    manifest: Manifest, indexed: Make
) -> None:
    one = indexed(0, 0, (1,))
    old = add(manifest, one)
    (name, other), _ = manifest.reserve("merger", parts=[DAY, DAY])
    manifest.commit(Change(dropped_parts=[old.name], forgotten=[one.recording_id]))
    merged = Change(parts=[part(name)], dropped_parts=[old.name])
    for change in (
        merged,
        Change(parts=[part(other)], forgotten=[one.recording_id]),
        Change(parts=[part(other)], restated=[RecordingEntry.of(one)]),
    ):
        with pytest.raises(Overtaken):
            manifest.commit(change)
    assert manifest.parts(2) == []
    manifest.abandon(manifest.unfinished("merger"))  # as another merger does
    with pytest.raises(Overtaken):
        manifest.commit(Change(parts=[part(other)]))
    assert {one.name for one in manifest.dropped()} == {old.name, name, other}
    assert manifest.state().commit == 2


def test_packs_keep_their_number_and_go_with_the_last_byte_that_is_named(
    manifest: Manifest,
) -> None:
    _, (one, two) = manifest.reserve("writer", packs=[DAY, DAY])
    assert (one.pack, two.pack) == (1, 2)
    full = [pack._replace(bytes=100, live_bytes=90, sha256="cd" * 32) for pack in (one, two)]
    manifest.commit(Change(packs=full))
    _, (again,) = manifest.reserve("writer", again=[full[0]])
    assert (again.pack, again.day) == (1, DAY)
    erased = again._replace(bytes=100, live_bytes=50, sha256="ef" * 32)
    manifest.commit(Change(packs=[erased], dropped_packs=[one.name]))
    assert manifest.packs() == {1: erased, 2: full[1]}
    with pytest.raises(GalleryError, match="pack 2 does not hold the 91 bytes"):
        manifest.commit(Change(released={2: 91}))
    manifest.commit(Change(released={1: 20, 2: 90}))
    assert {pack.live_bytes for pack in manifest.packs([1, 2, 3]).values()} == {30}
    assert [gone.objects for gone in manifest.dropped()] == [
        [f"packs/2026-03-29/{name}.pack"] for name in sorted([one.name, two.name])
    ]


def test_a_recording_comes_back_as_it_was_given(
    manifest: Manifest, indexed: Make, joined: IndexedRecording
) -> None:
    corrected = ClockCorrection(12.5, "Anna", "speaking clock", NOW, 0.5)
    moving = replace(
        indexed(3, 0, (1,)), legs=(Leg(10.0, 60.0, Place(-0.01, 51.5)), Leg(90.0, 100.0, None)),
        track="film", unseen=(Unseen(20.0, 30.0, "damaged"),),
    )  # fmt: skip
    wanted = [
        RecordingEntry.of(one)
        for one in (indexed(0, 0, (1,)), joined, moving, joined.corrected(corrected, "camera"))
    ]
    wanted[-1] = replace(wanted[-1], recording_id="0" * 16)
    manifest.commit(Change(recordings=wanted))
    found = manifest.recordings(one.recording_id for one in wanted)
    assert found == {one.recording_id: one for one in wanted}
    assert wanted[0].stretches == PLAIN
    assert not wanted[0].divided
    assert wanted[1].pixel_aspect == Fraction(12, 11)
    assert [one.recording_id for one in manifest.recordings_with([joined.sha256])] == sorted(
        one.recording_id for one in (wanted[1], wanted[3])
    )
    assert manifest.recordings_named(["3-0.mp4", "none.mp4"]) == [wanted[2]]
    assert not manifest.brought_along()


def test_footage_is_counted_from_what_could_be_seen_in_a_time(
    manifest: Manifest, indexed: Make, joined: IndexedRecording
) -> None:
    def seconds(since: float, until: float, cameras: list[str] | None = None) -> tuple[float, ...]:
        return manifest.seen_seconds(
            NOW + timedelta(seconds=since), NOW + timedelta(seconds=until), cameras
        )

    whole = [indexed(camera, minute, ()) for camera in (0, 1) for minute in (0, 30)]
    manifest.commit(Change(recordings=[RecordingEntry.of(one) for one in (*whole, joined)]))
    assert seconds(0, 86_400, ["C0", "C1"]) == (2, 4, 2400.0, 0.0)
    assert seconds(300, 1900, ["C1"]) == (1, 2, 400.0, 0.0)
    assert seconds(600, 1800) == (0, 0, 0.0, 0.0)
    # 600 s from minute 600 on, without the first five and twenty of damage in the middle.
    assert seconds(36_000, 86_400) == (1, 1, 575.0, 25.0)
    assert seconds(36_000, 36_010) == (1, 1, 5.0, 5.0)
    until = NOW + timedelta(seconds=1800)
    between = manifest.recordings_between(NOW, until, ["C0"])
    assert [one.file for one in between] == ["0-0.mp4"]
    assert manifest.time_span() == (NOW, NOW + timedelta(seconds=36_600))


def test_cameras_clocks_runs_and_refusals_are_kept(manifest: Manifest, indexed: Make) -> None:
    camera, moved = Camera("C1", "Harbour", 51.5, -0.1), Camera("C1", "Harbour", 51.6, -0.1)
    setting = ClockSetting(ClockCorrection(2.0, "Anna", "compared", NOW), camera_id="C1")
    run = RunEntry("footage", NOW, NOW + timedelta(hours=1), 3, 1, 0)
    refused = [
        RefusalEntry("C0", name, NOW, "is empty", NOW, 0.0, "") for name in ("0-0.mp4", "other.mp4")
    ]
    manifest.commit(
        Change(
            cameras=[CameraEntry(camera, NOW)], places={"C1": [7]}, clocks=[setting], runs=[run],
            refusals=refused, owner="ab",
        )
    )  # fmt: skip
    state = manifest.state()
    assert (state.cameras_commit, state.clocks_commit, state.owner) == (1, 1, "ab")
    late = [CameraEntry(moved, NOW + timedelta(1)), CameraEntry(camera, NOW - timedelta(1))]
    manifest.commit(Change(cameras=late, places={"C1": [8, 7]}))
    manifest.commit(Change(recordings=[RecordingEntry.of(indexed(0, 0, ()))]))
    assert manifest.cameras() == [moved]
    assert manifest.places() == [("C1", 7), ("C1", 8)]
    assert manifest.clocks() == [setting]
    assert [*manifest.runs()] == [run]
    assert [one.file for one in manifest.refusals()] == ["other.mp4"]  # the other could be read
    assert manifest.state().cameras_commit == 2
    assert manifest.state().owner == "ab"


def test_no_commit_opening_or_question_goes_through_all_that_there_is(
    place: Path, indexed: Make, joined: IndexedRecording
) -> None:
    with closing(SQLiteDatabase(place, write=True)) as database:
        asked: list[str] = []
        database._connection.set_trace_callback(asked.append)
        manifest = Manifest(database, "town.duckdb")
        one = indexed(0, 0, (1,))
        first = add(manifest, one, joined)
        (name,), _ = manifest.reserve("writer", parts=[DAY])
        manifest.commit(
            Change(
                parts=[part(name)], dropped_parts=[first.name], restated=[RecordingEntry.of(one)],
                forgotten=[joined.recording_id], removed={one.recording_id: (1, 1)},
            )
        )  # fmt: skip
        manifest.abandon(manifest.unfinished("writer"))
        manifest.release(manifest.dropped())
        box = Box(0, 2**60, 0, 2**60)
        manifest.parts_of(2, days=(DAY, DAY), places=(5, 9), seen=(0, 2**60), besides=box)
        manifest.sums_in(2, box)
        manifest.live([name])
        manifest.packs([1])
        manifest.held([one.recording_id])
        manifest.recordings([one.recording_id])
        manifest.shown([one.recording_id])
        manifest.recordings_with([one.sha256])
        manifest.recordings_named([one.recording.file])
        manifest.recordings_of("C0", anywhere=True)
        manifest.recordings_told()
        manifest.recordings_divided("C0")
        for cameras in (None, ["C0"]):
            until = NOW + timedelta(days=1)
            manifest.recordings_between(NOW, until, cameras)
            manifest.seen_seconds(NOW, until, cameras)
            manifest.spans_between(NOW, until, cameras)
        manifest.brought_along()
        manifest.time_span()
        database._connection.set_trace_callback(None)
        plans = [
            f"{line} for {sql}"
            for sql in asked
            if sql.startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))
            for *_, line in database.rows(f"EXPLAIN QUERY PLAN {sql}")
        ]
    assert len(plans) > 60
    # These indexes have only what is looked for.
    few = r"(?! USING (COVERING )?INDEX (\w+_not_live|recordings_(told|on_track|brought)) )"
    whole = re.compile(rf"SCAN (parts|packs|recordings|spans)\b{few}")
    assert [line for line in plans if whole.match(line)] == []
    counted = [line for line in plans if "sum(templates)" in line]
    assert ["COVERING INDEX" in line for line in counted] == [True]


def test_parts_are_found_by_day_place_and_time(manifest: Manifest) -> None:
    names, _ = manifest.reserve("writer", parts=[DAY, DAY, DAY + 1])
    made = [
        part(name, day=day, places=places)
        for name, day, places in zip(
            names, (DAY, DAY, DAY + 1), ((0, 9), (10, 19), (0, 19)), strict=True
        )
    ]
    manifest.commit(Change(parts=made))
    assert manifest.parts_of(1, days=(DAY, DAY)) == made[:2]
    assert manifest.parts_of(1, days=(DAY, DAY + 1), places=(10, 12)) == made[1:]
    begin = DAY * 86_400_000_000
    assert manifest.parts_of(1, days=(DAY, DAY), seen=(begin - 5, begin)) == []
    assert manifest.parts_of(1, days=(DAY, DAY), seen=(begin + 1_000_000, begin + 2_000_000))
    assert manifest.parts_of(0, days=(DAY, DAY + 1)) == []
    later = begin + 86_400_000_000
    for box, inside in (
        (Box(begin, later + 1_000_001, -1, 20), made),
        (Box(begin, later + 1_000_000, -1, 20), made[:2]),
        (Box(begin + 1, later + 1_000_001, -1, 20), made[2:]),
        (Box(begin, later + 1_000_001, 0, 20), made[1:2]),
        (Box(begin, later + 1_000_001, -1, 19), made[:1]),
    ):
        others = manifest.parts_of(1, days=(DAY, DAY + 1), besides=box)
        assert others == [one for one in made if one not in inside], box
        assert manifest.sums_in(1, box) == (6 * len(inside), 5 * len(inside), 0, 0), box
        assert manifest.sums_in(0, box) == (0, 0, 0, 0)


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with pytest.raises(GalleryError, match="there is no manifest here"):
        SQLiteDatabase(other)
    other.write_bytes(b"not a database, but long enough to be taken for a header" * 50)
    with pytest.raises(GalleryError, match="file is not a database"):
        opened(other, write=False)
    with sqlite3.connect(tmp_path / "third.sqlite") as third:
        third.execute("CREATE TABLE other (x)")
    with pytest.raises(GalleryError, match="holds no manifest"):
        opened(tmp_path / "third.sqlite", write=False)
    with pytest.raises(GalleryError, match="already exists"):
        SQLiteDatabase(other, write=True, create=True)


def test_a_backup_is_the_gallery_at_one_commit_and_nothing_deleted_stays_in_a_file(
    tmp_path: Path, place: Path, in_a_file: Manifest, indexed: Make
) -> None:
    manifest = in_a_file
    one = replace(indexed(0, 0, ()), sha256="feedface" * 8)
    manifest.commit(Change(recordings=[RecordingEntry.of(one)]))
    database = SQLiteDatabase(place)
    database.backup(tmp_path / "copy.sqlite")
    database.close()
    manifest.commit(Change(forgotten=[one.recording_id]))
    manifest.scrub()
    for path in tmp_path.glob("manifest.sqlite*"):
        assert b"feedface" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o777 == 0o600
    copy = opened(tmp_path / "copy.sqlite", write=False)
    assert copy.held([one.recording_id]) == {one.recording_id}
    assert copy.state().commit == 1
    copy.close()


def test_a_log_that_cannot_be_read_is_told_where_nothing_is_writable(
    place: Path, in_a_file: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = in_a_file
    manifest.commit(Change(owner="ab"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on a read-only disk
    with pytest.raises(GalleryError, match="has a log of commits beside it"):
        opened(place, write=False)
    manifest.close()  # which brings the log into the file
    reader = opened(place, write=False)
    assert reader.state().owner == "ab"
    reader.close()


def commit_forever(place: Path) -> None:
    """Commit parts two by two, one of which takes the place of the one before."""
    manifest = opened(place)
    last: list[str] = []
    while True:
        (new, kept), _ = manifest.reserve("writer", parts=[DAY, DAY])
        manifest.commit(Change(parts=[part(new), part(kept)], dropped_parts=last))
        last = [new]


def test_a_killed_writer_leaves_whole_commits(place: Path) -> None:
    commit = 0
    for _ in range(3):
        process = multiprocessing.get_context("fork").Process(target=commit_forever, args=[place])
        process.start()
        try:
            reader = opened(place, write=False)
            while reader.state().commit < commit + 2:
                assert process.is_alive()
                time.sleep(0.001)
            reader.close()
            time.sleep(0.02)
        finally:
            process.kill()
            process.join()
        manifest = opened(place)
        commit = manifest.state().commit
        runs_of_the_writer = manifest.counts(commit)["parts"] - commit
        assert 0 <= runs_of_the_writer <= 3  # the last new one of each run stays
        assert len(manifest.unfinished("writer")) in (0, 2, 4, 6)
        manifest.close()
