"""The words: what they refuse, and what they mean at the edges."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.district import from_geojson
from workbench.domain import (
    Box,
    Camera,
    Face,
    Profile,
    Quality,
    Recording,
    Scope,
    length_words,
    natural,
    parse_time,
    recording_identity,
    utc,
)
from workbench.errors import CatalogueError, SeveralFacesFound, SightlineError, TimeError

SQUARE = from_geojson(
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
)
boxes = st.builds(Box, *[st.floats(-100, 100)] * 2, *[st.floats(1, 100)] * 2)


def test_times_are_utc_or_refused() -> None:
    summer = timezone(timedelta(hours=1))
    assert utc(datetime(2026, 3, 29, 1, tzinfo=summer)) == datetime(2026, 3, 29, 0, tzinfo=UTC)
    assert parse_time(" 2026-03-29T01:00:00+01:00 ").tzinfo is UTC
    with pytest.raises(TimeError, match="has no offset from UTC"):
        utc(datetime(2026, 3, 29))  # noqa: DTZ001
    with pytest.raises(TimeError, match=r"row 3: 'never' is not an ISO 8601 time"):
        parse_time("never", where="row 3")


def test_a_scope_is_in_utc_and_ends_after_its_start() -> None:
    start = datetime(2026, 3, 29, 1, tzinfo=timezone(timedelta(hours=1)))
    assert Scope(SQUARE, start, start + timedelta(hours=1)).start.hour == 0
    with pytest.raises(TimeError, match="is not after the start"):
        Scope(SQUARE, start, start)


@pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0), (-91, 0)])
def test_a_camera_with_impossible_coordinates_is_refused(place: tuple[float, float]) -> None:
    with pytest.raises(CatalogueError, match="is not a place on Earth"):
        Camera("C", "name", *place)


def test_a_recording_is_named_by_content_camera_and_stream_and_not_by_its_time() -> None:
    name = recording_identity("ab", "C1", 1)
    assert len(name) == 16
    assert name == recording_identity("ab", "C1")
    others = {
        recording_identity("ac", "C1", 1),
        recording_identity("ab", "C2", 1),
        recording_identity("ab", "C1", 2),
    }
    assert len(others | {name}) == 4
    start = datetime(2026, 3, 29, tzinfo=timezone(timedelta(hours=3)))
    assert Recording("a", Path("a"), "C1", start).started_at.tzinfo is UTC


def test_a_profile_s_fingerprint_changes_with_what_makes_templates() -> None:
    profile = Profile("a", "dlib", "Dlib", "dlib-chip", "euclidean", 128, (("f", "00"),))
    assert replace(profile, name="b").fingerprint == profile.fingerprint
    changes = [
        {"detector": "yunet"}, {"recogniser": "SFace"}, {"alignment": "deepface"},
        {"metric": "cosine"}, {"dimension": 64}, {"weights": (("f", "01"),)}, {"version": "2"},
    ]  # fmt: skip
    prints = {replace(profile, **change).fingerprint for change in changes}  # type: ignore[arg-type]
    assert len(prints | {profile.fingerprint}) == len(changes) + 1


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(a: Box, b: Box) -> None:
    assert 0 <= a.overlap(b) <= 1 + 1e-9
    assert a.overlap(b) == pytest.approx(b.overlap(a))
    assert a.overlap(a) == pytest.approx(1)
    assert a.overlap(a.moved(1000, 0)) == 0


@given(boxes, st.floats(-50, 50), st.floats(0.1, 3))
def test_boxes_move_widen_and_scale(box: Box, by: float, factor: float) -> None:
    assert box.moved(by, 0).centre_x == pytest.approx(box.centre_x + by)
    assert box.widened(0.5).width == pytest.approx(2 * box.width)
    assert box.widened(0.5).centre_y == pytest.approx(box.centre_y)
    assert box.scaled(factor).width == pytest.approx(factor * box.width)


def test_a_face_moves_with_its_landmarks() -> None:
    face = Face(Box(0, 0, 10, 10), 1, ((1, 2), (3, 4), (5, 6))).moved(10, 20)
    assert face.landmarks == ((11, 22), (13, 24), (15, 26))
    assert Face(Box(0, 0, 1, 1), 1).moved(1, 1).landmarks is None


def test_quality_names_what_hurts_most() -> None:
    assert Quality(0.5, 0.9, 0.8, 0.1, 0.9).weakest() == "pose"


def test_errors_say_what_where_and_what_to_do_and_cross_processes() -> None:
    error = SeveralFacesFound("shows 2 faces", where="a.jpg", fix="Choose one", count=2)
    assert str(error) == "a.jpg: shows 2 faces. Choose one."
    assert str(SightlineError("nothing works")) == "nothing works."
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.count, type(again)) == (str(error), 2, SeveralFacesFound)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (1.254, "1.25 s"), (59.96, "1 min"), (90, "1 min 30 s"), (3_599.6, "1 h"),
     (4_320, "1 h 12 min"), (200_000, "2 d 7 h"), (86_400, "1 d")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert length_words(seconds) == words


def test_names_sort_as_people_count() -> None:
    names = ["Gate 10", "gate 2", "Gate 1", "7", "10", "", "Åse", "Gate"]
    assert sorted(names, key=natural) == [
        "",
        "7",
        "10",
        "Gate",
        "Gate 1",
        "gate 2",
        "Gate 10",
        "Åse",
    ]
