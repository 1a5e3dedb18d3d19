"""Footage over time and by camera, counted and drawn."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.domain import Camera
from workbench.maps.histogram import MOST_BINS, MOST_ROWS, histogram, occupancy

Recordings = tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def cameras(number: int) -> list[Camera]:
    return [Camera(f"C{n}", f"Camera {n}", longitude=0.0, latitude=51.0) for n in range(number)]


def footage(*rows: tuple[int, float, float]) -> Recordings:
    """By number of the camera and minutes after noon."""
    camera, begin, end = np.array(rows or np.empty((0, 3))).T
    noon = NOON.timestamp()
    return camera.astype(np.intp), noon + 60 * begin, noon + 60 * end


def test_cameras_are_counted_once_a_bin_however_many_recordings_they_have() -> None:
    found = occupancy(
        footage((0, 0, 5), (0, 5, 10), (1, 8, 20), (-1, 0, 60)),
        cameras(2),
        [(at(0), at(60))],
    )
    assert len(found.cameras) == 60
    assert found.cameras[:20].tolist() == [1] * 8 + [2, 2] + [1] * 10
    assert not found.cameras[20:].any()
    assert found.gaps == ((at(20), at(60)),)
    assert [(one.camera_id, seconds) for one, seconds, _ in found.rows] == [
        ("C0", 600),
        ("C1", 720),
    ]
    assert found.rows[0][2] == ((at(0), at(10)),)


def test_gaps_are_told_in_the_windows_alone() -> None:
    windows = [(at(0), at(10)), (at(30), at(40)), (at(50), at(60))]
    found = occupancy(footage((0, 5, 33), (1, 36, 45)), cameras(2), windows)
    assert found.gaps == ((at(0), at(5)), (at(33), at(36)), (at(50), at(60)))
    assert (
        found.asked.tolist()
        == [True] * 10 + [False] * 20 + [True] * 10 + [False] * 10 + [True] * 10
    )


def test_without_any_footage_everything_is_a_gap_and_drawn_as_one() -> None:
    found = occupancy(footage(), cameras(3), [(at(0), at(60))])
    assert found.gaps == ((at(0), at(60)),)
    bars = {bar.name: bar for bar in histogram(found, zone=LONDON).data if bar.name}
    assert bars["no footage"].width == (60 * 60 * 1000,)
    assert not bars["footage"].x
    assert bars["no footage"].marker.pattern.shape == "/"


@pytest.mark.parametrize("hours", [0.01, 0.3, 7, 24, 24 * 40, 24 * 3_000])
def test_bins_are_few_and_hold_the_whole_time(hours: float) -> None:
    end = NOON + timedelta(hours=hours)
    found = occupancy(footage(), cameras(1), [(NOON, end)])
    assert len(found.cameras) <= MOST_BINS + 1
    assert found.edges[0] <= NOON.timestamp()
    assert found.edges[-1] >= end.timestamp()


def test_axis_tells_local_time_and_names_are_shown_as_text() -> None:
    hostile = Camera("C0", "<b onclick=x>Harm</b>", longitude=0.0, latitude=51.0)
    drawn = histogram(occupancy(footage((0, 0, 5)), [hostile], [(at(0), at(60))]), zone=LONDON)
    assert "Europe/London (BST" in drawn.layout.xaxis.title.text
    assert drawn.layout.yaxis2.ticktext == ("&lt;b onclick=x&gt;Harm…",)


def test_many_cameras_are_counted_in_a_second_and_those_with_least_footage_named() -> None:
    rows, number = 400_000, 160_000
    random = np.random.default_rng(1)
    begin = NOON.timestamp() + random.integers(0, 86_400, rows)
    many = random.integers(1, number, rows), begin, begin + 600.0
    whole = cameras(number)
    started = time.process_time()  # what other programs take does not count
    found = occupancy(many, whole, [(NOON, NOON + timedelta(days=1))])
    figure = histogram(found, zone=LONDON)
    assert time.process_time() - started < 2
    assert len(found.rows) == MOST_ROWS
    assert found.rows[0][0].camera_id == "C0"
    assert found.rows[0][1] == 0
    assert len(figure.to_json()) < 100_000
