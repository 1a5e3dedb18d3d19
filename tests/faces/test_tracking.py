"""Tracking: a walk is one track, and no track ever holds two people."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.domain import Box, Face, Quality
from workbench.faces.tracking import Observation, Tracker


def seen(seconds: float, x: float, y: float = 100, width: float = 60, good: float = 0.5):
    quality = Quality(good, good, good, good, good)
    picture = np.zeros((2, 2, 3), np.uint8)
    return Observation(seconds, Face(Box(x, y, width, width), 1), quality, picture, (0, 0))


def test_a_face_that_moves_steadily_is_one_track() -> None:
    tracker = Tracker()
    for n in range(20):
        assert tracker.update(n / 4, [seen(n / 4, 100 + 20 * n)]) == []
    (track,) = tracker.finish()
    assert len(track.moments) == 20
    assert tracker.active == []


def test_a_short_occlusion_does_not_end_a_track() -> None:
    tracker = Tracker()
    for n in [0, 1, 2, 3, 8, 9, 10]:  # hidden for a second and a quarter
        tracker.update(n / 4, [seen(n / 4, 100 + 10 * n)])
    assert len(tracker.finish()) == 1


def test_who_comes_after_a_long_gap_is_another_track() -> None:
    tracker = Tracker()
    tracker.update(0, [seen(0, 100)])
    ended = tracker.update(3, [seen(3, 100)])
    assert len(ended) == 1
    assert len(tracker.finish()) == 1


def test_two_people_side_by_side_are_two_tracks() -> None:
    tracker = Tracker()
    for n in range(10):
        tracker.update(n / 4, [seen(n / 4, 100 + 5 * n), seen(n / 4, 400 - 5 * n)])
    assert sorted(len(track.moments) for track in tracker.finish()) == [10, 10]


@pytest.mark.parametrize("speed", [10, 15, 25, 40])
def test_people_who_cross_are_never_joined_wrongly(speed: int) -> None:
    """Where position cannot tell two people apart, tracks end instead of swapping."""
    tracker, ended = Tracker(), []
    for n in range(40):
        a, b = 100 + speed * n, 100 + speed * 39 - speed * n
        faces = [seen(n / 4, a, 100, good=0.25), seen(n / 4, b, 110, good=0.75)]
        if abs(a - b) < 40:
            faces = faces[1:]  # the one in front hides the other
        ended += tracker.update(n / 4, faces)
    for track in ended + tracker.finish():
        # Each person has a quality of their own, by which the best observations tell who it is.
        assert len({o.quality.overall for o in track.best}) == 1


def test_a_face_of_another_size_is_another_person() -> None:
    tracker = Tracker()
    tracker.update(0, [seen(0, 100, width=60)])
    tracker.update(0.25, [seen(0.25, 100, width=120)])
    assert len(tracker.finish()) == 2


def test_the_best_observations_are_few_good_and_apart() -> None:
    tracker = Tracker(keep=3, apart_seconds=0.5)
    for n in range(40):
        tracker.update(n / 10, [seen(n / 10, 100 + n, good=(n * 7 % 40) / 40)])
    (track,) = tracker.finish()
    assert len({int(o.seconds // 0.5) for o in track.best}) == len(track.best) == 3
    assert [o.quality.overall for o in track.best] == sorted(
        (o.quality.overall for o in track.best), reverse=True
    )
    assert track.best[0].quality.overall == 39 / 40


def test_who_comes_nearer_all_the_time_is_kept_from_several_moments() -> None:
    tracker = Tracker(keep=5, apart_seconds=0.5)
    for n in range(40):
        tracker.update(n / 10, [seen(n / 10, 100 + n, good=n / 40)])
    (track,) = tracker.finish()
    assert len(track.best) == 5


def test_looks_that_found_nothing_are_counted() -> None:
    tracker = Tracker()
    tracker.update(0, [seen(0, 100)])
    tracker.update(0.25, [])
    tracker.update(0.5, [seen(0.5, 400)])
    assert [track.missed for track in tracker.active] == [2, 0]
    tracker.update(0.75, [seen(0.75, 100)])
    assert [track.missed for track in tracker.active] == [0, 1]


def test_of_two_tracks_that_one_face_fits_neither_goes_on() -> None:
    """Where somebody appeared before a walker, the walker is not led on from there later."""
    tracker, ended = Tracker(), []
    for n in range(5):
        faces = [seen(n / 4, 100 + 10 * n, good=0.75)]
        faces += [seen(n / 4, 172, good=0.25)] if n == 4 else []
        ended += tracker.update(n / 4, faces)
    for n in range(5, 9):  # the one who came hides the walker, who is then where that one was
        faces = [seen(n / 4, 172 - 12 * (n - 4), good=0.25)]
        faces += [seen(n / 4, 180, good=0.75)] if n == 8 else []
        ended += tracker.update(n / 4, faces)
    for track in ended + tracker.finish():
        assert len({o.quality.overall for o in track.best}) == 1
