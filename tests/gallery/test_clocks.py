"""Clocks are corrected after indexing: all times follow, ids stay, and nothing is decoded again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import JOINED, found

from workbench.domain import (
    FILM,
    GIVEN_FOR,
    ClockCorrection,
    IndexedRecording,
    Leg,
    Stretch,
    corrected,
    stretch_at,
    stretches_of,
    with_corrections_of,
)
from workbench.errors import GalleryError, TimeError
from workbench.gallery import Gallery
from workbench.gallery.adopting import Arrival
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into
from workbench.gallery.joining import merge
from workbench.gallery.recordings import stored
from workbench.gallery.replacing import carry_over
from workbench.gallery.replacing import replace as replace_gallery

START = datetime(2026, 3, 29, tzinfo=UTC)
Make = Callable[..., IndexedRecording]


def ahead(seconds: float, day: int = 1, **more: float) -> ClockCorrection:
    found_at = datetime(2026, 4, day, tzinfo=UTC)
    return ClockCorrection(seconds, "anna", "read in the picture", found_at, **more)


def content(gallery: Gallery) -> list[object]:
    """All that depends on times, in an order of its own."""
    tables = ("recordings", "tracklets", "shots", "stretches", "unseen", "spans")
    scanned = "SELECT * EXCLUDE (template) FROM templates_view ORDER BY ALL"
    less = {"shots": 'EXCLUDE (pack, "offset", length)'}  # where their pictures lie
    with gallery.connection() as connection:
        return [
            connection.sql(scanned).fetchall(),
            *(
                connection.sql(f"SELECT * {less.get(name, '')} FROM {name} ORDER BY ALL").fetchall()
                for name in tables
            ),
        ]


def ids_of(gallery: Gallery, camera_id: str) -> list[str]:
    rows = gallery.recordings()
    return rows.loc[rows["camera_id"] == camera_id, "recording_id"].tolist()


def test_all_times_of_a_recording_follow_its_clock(gallery: Gallery) -> None:
    before = {c.tracklet_id: c for c in found(gallery)}
    (first, *_) = ids_of(gallery, "C1")
    (change,) = gallery.correct_clock(ahead(240.0, uncertainty_seconds=2.0), recordings=[first])
    assert (change.recording_id, change.old_start - change.new_start) == (
        first, timedelta(seconds=240),
    )  # fmt: skip
    assert (change.tracklets, change.kept) == (6, "")
    after = {c.tracklet_id: c for c in found(gallery)}
    assert after.keys() == before.keys()
    for name, candidate in after.items():
        moved = timedelta(seconds=240) if candidate.recording_id == first else timedelta(0)
        assert before[name].first_seen - candidate.first_seen == moved
        assert before[name].last_seen - candidate.last_seen == moved
        assert before[name].shot_time - candidate.shot_time == moved
        assert candidate.time.recorded == before[name].first_seen
        assert candidate.time.correction_seconds == -moved.total_seconds()
        assert candidate.shot_jpeg == before[name].shot_jpeg
    assert list(check(gallery)) == []
    # Searched by the new time, and not by the old one.
    new = {c.tracklet_id for c in found(gallery, -4, -3.9)}
    assert new == {f"{first}-0"}
    assert f"{first}-4" not in {c.tracklet_id for c in found(gallery, 3, 5)}
    with gallery.connection() as connection:
        spans = connection.execute(
            "SELECT started_at, ended_at FROM spans WHERE recording_id = ?", [first]
        ).fetchall()
    assert spans == [(START - timedelta(minutes=4), START + timedelta(minutes=6))]


def test_a_plan_changes_nothing_and_is_what_is_done(gallery: Gallery) -> None:
    before = content(gallery)
    (first, *_) = ids_of(gallery, "C1")
    with Gallery.open(gallery.path) as reading:
        planned = reading.correct_clock(ahead(240.0), recordings=[first], dry_run=True)
        with pytest.raises(GalleryError, match="for reading only"):
            reading.correct_clock(ahead(240.0), recordings=[first])
    assert content(gallery) == before
    assert gallery.correct_clock(ahead(240.0), recordings=[first]) == planned


def test_what_is_confirmed_keeps_its_offsets(gallery: Gallery, indexed: Make) -> None:
    whole = replace(
        indexed(5, 600, (500,)), stretches=(Stretch(), Stretch(150.0, JOINED, offset_seconds=20.0))
    )
    gallery.add_recording(whole)
    right = replace(ahead(0), offset_seconds=None)
    changes = gallery.correct_clock(right, recordings=[whole.recording_id])
    assert [(c.old_offset_seconds, c.new_offset_seconds) for c in changes] == [(0, 0), (20, 20)]
    assert all(c.old_start == c.new_start for c in changes)
    stretches = gallery.stretches_by_id([whole.recording_id])[whole.recording_id]
    assert [(s.open_doubt, s.found_by, s.doubt) for s in stretches] == [
        ("", "anna", ""), ("", "anna", JOINED),
    ]  # fmt: skip
    with pytest.raises(TimeError, match="cannot be confirmed yet"):
        gallery.correct_clock(right, camera_id="C5")


OFFSETS = st.floats(-86400, 86400, allow_nan=False).map(lambda seconds: round(seconds, 6))


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(one=OFFSETS, other=OFFSETS)
def test_the_last_offset_holds_whatever_was_before(
    gallery: Gallery, one: float, other: float
) -> None:
    recordings = ids_of(gallery, "C0")
    gallery.correct_clock(ahead(other), recordings=recordings)
    at_once = content(gallery)
    gallery.correct_clock(ahead(one), recordings=recordings)
    gallery.correct_clock(ahead(other), recordings=recordings)
    assert content(gallery) == at_once
    gallery.correct_clock(ahead(0.0), recordings=recordings)
    assert [
        row.started_at for row in gallery.recordings().itertuples() if row.camera_id == "C0"
    ] == [START + timedelta(hours=hours) for hours in range(3)]
    assert list(check(gallery)) == []


def test_only_what_comes_after_a_join_is_corrected(
    gallery: Gallery, joined: IndexedRecording
) -> None:
    gallery.add_recording(joined)
    name = joined.recording_id
    first, *_, last = (c for c in found(gallery) if c.recording_id == name)
    (change,) = gallery.correct_clock(ahead(-7200.0), recordings=[name], from_seconds=150.0)
    assert (change.from_seconds, change.tracklets) == (150.0, 3)
    assert change.new_start - change.old_start == timedelta(hours=2)
    same, *_, moved = (c for c in found(gallery) if c.recording_id == name)
    assert same == first
    assert moved.first_seen == last.first_seen + timedelta(hours=2)
    assert (last.time.doubt, moved.time.doubt) == (JOINED, "")
    began = joined.recording.started_at
    spans = gallery.footage([gallery.places.camera("C5")])
    minutes = [(end - began).total_seconds() / 60 for end in spans["ended_at"]]
    assert minutes == pytest.approx([140 / 60, 130.0])
    recording = gallery.recordings().set_index("recording_id").loc[name]
    assert recording["ended_at"] == began + timedelta(minutes=130)
    assert list(check(gallery)) == []


def test_a_stretch_can_be_divided_where_nobody_noticed_the_clock(
    gallery: Gallery, indexed: Make
) -> None:
    (name, *_) = ids_of(gallery, "C2")
    gallery.correct_clock(ahead(60.0), recordings=[name], from_seconds=119.0)
    seen = [c.first_seen for c in found(gallery) if c.recording_id == name]
    assert seen == [START + timedelta(minutes=minutes) for minutes in (0, 1, 1, 2, 3)]


def test_a_leg_of_a_moving_camera_covers_no_more_after_a_correction(
    gallery: Gallery, indexed: Make
) -> None:
    leg = Leg(60.0, 240.0, None)
    bus = replace(indexed(5, 600, (7,)), legs=(leg,), track=FILM)
    gallery.add_recording(bus)
    gallery.correct_clock(ahead(60.0), recordings=[bus.recording_id])
    began = bus.recording.started_at
    spans = gallery.footage([gallery.places.camera("C5")])
    assert spans[["started_at", "ended_at"]].to_numpy().tolist() == [
        [began, began + timedelta(minutes=3)]
    ]
    assert list(check(gallery)) == []


def test_the_same_offset_confirms_and_ends_the_doubt(
    gallery: Gallery, joined: IndexedRecording
) -> None:
    gallery.add_recording(joined)
    before = [c.first_seen for c in found(gallery)]
    (change,) = gallery.correct_clock(ahead(0.0), recordings=[joined.recording_id])
    assert (change.old_start, change.tracklets) == (change.new_start, 6)
    after = found(gallery)
    assert [c.first_seen for c in after] == before
    assert {c.time.doubt for c in after} == {""}
    (one, *_) = (c for c in after if c.recording_id == joined.recording_id)
    assert one.time.in_words().endswith("the clock was right; found by anna: read in the picture")


def test_a_clock_of_a_camera_is_that_of_recordings_to_come(
    gallery: Gallery, indexed: Make, profile: object, tmp_path: Path
) -> None:
    changes = gallery.correct_clock(ahead(30.0), camera_id="C1", since=START + timedelta(hours=1))
    assert [change.old_start.hour for change in changes] == [1, 2]
    gallery.compact()
    later = indexed(1, 600, (7,))
    gallery.add_recording(later)
    gallery.add_recording(indexed(2, 600, (8,)))
    listed = replace(later.recording, clock_offset_seconds=5.0)
    gallery.add_recording(replace(indexed(1, 660, (9,)), recording=listed, stretches=()))
    rows = gallery.arrow(
        "SELECT camera_id, offset_seconds, given_for FROM stretches JOIN recordings USING "
        "(recording_id) WHERE stated_at >= ? ORDER BY ALL",
        [START + timedelta(hours=10)],
    ).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("C1", 5.0, "recording"), ("C1", 30.0, "camera"), ("C2", 0.0, ""),
    ]  # fmt: skip
    (candidate,) = (c for c in found(gallery) if c.recording_id == later.recording_id)
    assert candidate.first_seen == START + timedelta(hours=10, seconds=-30)
    with Gallery.create(tmp_path / "other.duckdb", gallery.profile) as other:
        merge(other.writer, gallery)
        merge(other.writer, gallery)
        assert other.clocks() == gallery.clocks()


def test_a_copy_with_other_templates_takes_over_what_was_corrected_meanwhile(
    gallery: Gallery, joined: IndexedRecording, tmp_path: Path
) -> None:
    gallery.add_recording(joined)
    names = gallery.recordings()["recording_id"].tolist()
    with Gallery.create(tmp_path / "new.duckdb", gallery.profile) as new:
        carry_over(gallery.opened.manifest, new.upkeep.committer)
        new.add_recordings(stored(gallery, names))
        gallery.correct_clock(ahead(30.0), camera_id="C1")
        gallery.correct_clock(ahead(60.0), recordings=[joined.recording_id], from_seconds=150.0)
    path, corrected = gallery.path, content(gallery)
    gallery.close()
    replace_gallery(path, tmp_path / "new.duckdb")
    with Gallery.open(path) as after:
        assert content(after)[0] == corrected[0]
        assert content(after)[2:] == corrected[2:]  # but for when it was indexed
        assert [setting.camera_id for setting in after.clocks()] == ["C1"]


def test_the_more_specific_holds_and_of_one_kind_the_last(gallery: Gallery, indexed: Make) -> None:
    one = indexed(5, 600, (7,))
    north = replace(one, recording=replace(one.recording, file="north/a.mp4"))
    gallery.add_recording(north)
    gallery.correct_clock(ahead(10.0), folder="north/")
    (kept,) = gallery.correct_clock(ahead(20.0, 2), camera_id="C5")
    assert (kept.new_offset_seconds, kept.kept) == (
        10.0, "its offset was given for the folder, by anna",
    )  # fmt: skip
    assert gallery.correct_clock(ahead(30.0, 3), folder="nor") == []
    (change,) = gallery.correct_clock(ahead(40.0, 4), folder="north")
    assert (change.old_offset_seconds, change.new_offset_seconds) == (10.0, 40.0)
    (change,) = gallery.correct_clock(ahead(50.0, 5), recordings=[north.recording_id])
    assert change.new_offset_seconds == 50.0
    (kept, *_) = (c for c in gallery.correct_clock(ahead(60.0, 6), folder=".") if c.kept)
    assert kept.new_offset_seconds == 50.0
    # One more of the camera and folder: the folder's newest.
    other = indexed(5, 700, (8,))
    gallery.add_recording(replace(other, recording=replace(other.recording, file="north/b.mp4")))
    (last, *_) = gallery.stretches_by_id([other.recording_id])[other.recording_id]
    assert (last.offset_seconds, last.given_for) == (60.0, "folder")


def test_what_is_not_said_or_said_twice_is_refused(gallery: Gallery) -> None:
    (name, *_) = ids_of(gallery, "C1")
    before = content(gallery)
    with pytest.raises(GalleryError, match="holds no recording nothing"):
        gallery.correct_clock(ahead(1.0), recordings=[name, "nothing"])
    with pytest.raises(GalleryError, match="there is no second 601"):
        gallery.correct_clock(ahead(1.0), recordings=[name], from_seconds=601.0)
    for wrong in ({}, {"camera_id": "C1", "folder": "x"}, {"camera_id": "C1", "from_seconds": 1.0}):
        with pytest.raises(TimeError):
            gallery.correct_clock(ahead(1.0), **wrong)  # type: ignore[arg-type]
    with pytest.raises(TimeError):
        gallery.correct_clock(ahead(1.0), recordings=[name], camera_id="C1")
    assert content(gallery) == before
    assert gallery.clocks() == ()


def test_a_check_finds_times_that_do_not_follow_the_clock(
    gallery: Gallery, joined: IndexedRecording
) -> None:
    first, *others = joined.tracklets
    late = replace(first, first_seconds=9.0)
    gallery.add_recording(replace(joined, tracklets=(late, *others)))
    (problem,) = check(gallery)
    assert "times of 1 of its tracklets are not those of their clock" in problem.what


def test_a_stretch_is_corrected_alone_and_a_camera_settles_no_doubt(
    gallery: Gallery, indexed: Make
) -> None:
    whole = replace(indexed(5, 600, (600, 601)), stretches=stretches_of([(30.0, JOINED)]))
    gallery.add_recording(whole)

    def told() -> list[tuple[float, str]]:
        stretches = gallery.stretches_by_id([whole.recording_id])[whole.recording_id]
        doubtful = sum(bool(c.time.doubt) for c in found(gallery) if c.camera.camera_id == "C5")
        assert doubtful == sum(bool(s.open_doubt) for s in stretches)
        return [(s.offset_seconds, s.open_doubt) for s in stretches]

    (change,) = gallery.correct_clock(ahead(10.0), recordings=[whole.recording_id], alone=True)
    assert (change.from_seconds, change.tracklets) == (0.0, 1)
    assert told() == [(10.0, ""), (0.0, JOINED)]
    gallery.correct_clock(ahead(7.0, day=2), camera_id="C5")
    assert told() == [(10.0, ""), (7.0, JOINED)]
    right = replace(ahead(0), offset_seconds=None)
    gallery.correct_clock(right, recordings=[whole.recording_id], from_seconds=30.0, alone=True)
    assert told() == [(10.0, ""), (7.0, "")]


def test_corrections_of_stretches_are_taken_apart(indexed: Make) -> None:
    whole = replace(indexed(0, 0, (1, 2)), stretches=stretches_of([(30.0, JOINED)]))
    once = whole.corrected(ahead(10.0), "recording", from_seconds=45.0)
    assert [(s.from_seconds, s.offset_seconds, s.open_doubt) for s in once.stretches] == [
        (0.0, 0.0, ""), (30.0, 0.0, JOINED), (45.0, 10.0, ""),
    ]  # fmt: skip
    seen = [t.first_seen for t in once.tracklets]
    assert seen[1] == whole.tracklets[1].first_seen - timedelta(seconds=10)
    assert isinstance(once.stretches[2], Stretch)
    assert once.tracklets[1].shots[0].time == seen[1]


def stated_later(one: IndexedRecording, by: timedelta) -> IndexedRecording:
    """The recording by a list that says it began later."""
    return replace(
        one,
        recording=replace(one.recording, started_at=one.recording.started_at + by),
        tracklets=tuple(
            replace(
                t,
                first_seen=t.first_seen + by,
                last_seen=t.last_seen + by,
                shots=tuple(replace(shot, time=shot.time + by) for shot in t.shots),
            )
            for t in one.tracklets
        ),
    )


@pytest.mark.parametrize("exported", [False, True])
def test_corrections_come_along_when_galleries_are_merged(
    gallery: Gallery, indexed: Make, copied: Callable[[Path, Path], Path], tmp_path: Path,
    exported: bool,
) -> None:  # fmt: skip
    (one, *_), (two, three, *_) = ids_of(gallery, "C1"), ids_of(gallery, "C2")
    with Gallery.create(tmp_path / "other.duckdb", gallery.profile) as other:
        other.add_cameras(gallery.cameras())
        listed = stored(gallery, [one, two, three])
        other.add_recordings([*listed[:2], stated_later(listed[2], timedelta(minutes=5))])
        other.add_recording(indexed(3, 600, (70,)))  # of no interest to its own settings
        other.correct_clock(ahead(240.0), recordings=[one, three])
        other.correct_clock(ahead(30.0), camera_id="C0")
        other.correct_clock(ahead(50.0), folder=".", until=START - timedelta(days=1))
        gallery.correct_clock(ahead(7.0), camera_id="C3")
        if exported:
            export(other, tmp_path / "parquet")
            told = import_into(gallery.writer, tmp_path / "parquet")
        else:
            told = merge(gallery.writer, other)
        again = merge(gallery.writer, other)
    # One by itself, three by the setting that came, one that came by the setting that was here.
    assert told == Arrival(1, corrected=5, kept=("2-60.mp4",))
    assert again == Arrival(0, kept=("2-60.mp4",))
    offsets = {
        row["file"]: row["offset_seconds"]
        for row in gallery.arrow(
            "SELECT file, offset_seconds FROM recordings JOIN stretches USING (recording_id) "
            "WHERE offset_seconds <> 0"
        ).to_pylist()
    }
    ours = dict.fromkeys(("3-0.mp4", "3-60.mp4", "3-120.mp4", "3-600.mp4"), 7.0)
    theirs = dict.fromkeys(("0-0.mp4", "0-60.mp4", "0-120.mp4"), 30.0)
    assert offsets == {"1-0.mp4": 240.0, **theirs, **ours}
    assert list(check(gallery)) == []


# What was found in which of two galleries: for a recording by its number (with the second of it
# from which), a camera, or all folders.
TARGETS = st.one_of(
    st.tuples(st.sampled_from(["0-0", "1-0", "5-600"]), st.sampled_from([0.0, 150.0, 200.0])),
    st.sampled_from(["C0", "C1", "C5"]),
    st.just("."),
)
STEPS = st.lists(
    st.tuples(st.booleans(), TARGETS, st.integers(-9, 9), st.booleans()), min_size=3, max_size=6
)


def found_by_steps(galleries: tuple[Gallery, Gallery], steps: list[Any]) -> None:
    for day, (second, target, offset, alone) in enumerate(steps, start=1):
        there = galleries[second]
        if isinstance(target, tuple):
            rows = there.recordings().set_index("file")["recording_id"]
            name, seconds = rows[f"{target[0]}.mp4"], target[1]
            given = {"recordings": [name], "from_seconds": seconds, "alone": alone}
            right = replace(ahead(offset, day), offset_seconds=offset or None)
            there.correct_clock(right, **given)
        elif target == ".":
            there.correct_clock(ahead(offset, day), folder=".")
        else:
            there.correct_clock(ahead(offset, day), camera_id=target)


def seen(gallery: Gallery) -> list[tuple[Any, ...]]:
    with gallery.connection() as connection:
        return connection.sql(
            "SELECT recording, ordinal, first_seen, last_seen, correction_seconds, doubt "
            "FROM sightings_view ORDER BY ALL"
        ).fetchall()


@pytest.mark.slow
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_merged_in_either_order_times_are_the_same(
    gallery: Gallery, joined: IndexedRecording, indexed: Make, copied: Callable[[Path, Path], Path],
    tmp_path: Path, steps: list[Any],
) -> None:  # fmt: skip
    """Both hold three recordings, one joined, one with an offset that one list states."""
    places = [Path(tempfile.mkdtemp(dir=tmp_path)) for _ in range(4)]
    both = [indexed(0, 0, (1, 2)), indexed(1, 0, (3,)), joined]
    stated = replace(
        both[1].recording,
        started_at=both[1].recording.started_at - timedelta(seconds=5),
        clock_offset_seconds=5.0,
    )
    at = [replace(t, first_seen=t.first_seen - timedelta(seconds=5),
                  last_seen=t.last_seen - timedelta(seconds=5), shots=tuple(
                      replace(s, time=s.time - timedelta(seconds=5)) for s in t.shots))
          for t in both[1].tracklets]  # fmt: skip
    other = replace(both[1], recording=stated, tracklets=tuple(at), stretches=())
    paths = []
    for number, (place, one) in enumerate(zip(places[:2], (both[1], other), strict=True)):
        with Gallery.create(place / "gallery.duckdb", gallery.profile) as made:
            made.add_cameras(gallery.cameras())
            more = [indexed(camera, 700 + number, (20 + camera,)) for camera in (0, 1)]
            made.add_recordings([both[0], one, joined, *more])
            paths.append(made.path)
    with Gallery.open(paths[0], write=True) as first, Gallery.open(paths[1], write=True) as second:
        found_by_steps((first, second), steps)
    ours, theirs = (copied(path, place) for path, place in zip(paths, places[2:], strict=True))
    with Gallery.open(ours, write=True) as first, Gallery.open(paths[1]) as second:
        merge(first.writer, second)
        assert merge(first.writer, second).corrected == 0
        one_way = seen(first)
        assert list(check(first)) == []
    with Gallery.open(theirs, write=True) as second, Gallery.open(paths[0]) as first:
        merge(second.writer, first)
        assert seen(second) == one_way


DAYS = st.integers(1, 3)  # few, so that some corrections are of one moment


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(GIVEN_FOR[1:]), st.integers(-3, 3),
                       st.sampled_from([0.0, 30.0, 60.0]), st.booleans(), DAYS), max_size=6)
)  # fmt: skip
def test_what_two_galleries_know_of_a_clock_is_the_same_either_way(steps: list[Any]) -> None:
    known = [stretches_of([(30.0, JOINED)]), stretches_of([(30.0, JOINED)])]
    for second, given_for, offset, seconds, alone, day in steps:
        known[second] = corrected(
            known[second], ahead(offset, day), given_for, from_seconds=seconds, alone=alone
        )
    one, other = known
    both = with_corrections_of(one, other), with_corrections_of(other, one)
    for seconds in (0.0, 29.0, 30.0, 45.0, 60.0, 90.0):
        first, second = (stretch_at(those, seconds) for those in both)
        assert (first.shift, first.open_doubt) == (second.shift, second.open_doubt)
        assert first.given_for == second.given_for
    assert with_corrections_of(both[0], other) == both[0]
