from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from workbench.domain import Camera, Candidate
from workbench.maps.route import Leg, legs, metres_between, visits

Make = Callable[..., Candidate]


def test_metres_are_those_of_the_globe() -> None:
    # A minute of latitude is a nautical mile, 1,852 m; the Earth is flat by 0.3 %.
    south, north = Camera("S", "", 51.0, 0.0), Camera("N", "", 51.0 + 1 / 60, 0.0)
    assert metres_between(south, north) == pytest.approx(1852, rel=0.003)
    assert metres_between(Camera("W", "", 0, 179.999), Camera("E", "", 0, -179.999)) < 230


def test_a_leg_tells_distance_time_and_speed(make_candidate: Make, cameras: list[Camera]) -> None:
    (leg,) = legs(visits([make_candidate(cameras[0], 0), make_candidate(cameras[1], 10)]))
    assert leg.seconds == 592  # from the end of the first to the start of the second
    assert leg.metres == pytest.approx(533, abs=2)
    assert leg.kmh == pytest.approx(3.24, abs=0.02)
    assert leg.words() == "533 m in 10 min, 3 km/h"
    assert not leg.too_fast()


def test_nobody_is_at_two_distant_cameras_at_once(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    here, there = make_candidate(cameras[0], 0), make_candidate(cameras[1], 0.1)
    leg = Leg(here, there)
    assert leg.kmh is None
    assert leg.too_fast()
    assert leg.words() == "533 m apart at the same time"


def test_cameras_that_see_the_same_place_accuse_nobody(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    beside = replace(cameras[0], camera_id="CAM-8", latitude=cameras[0].latitude + 0.0008)  # 89 m
    assert not Leg(make_candidate(cameras[0], 0), make_candidate(beside, 0)).too_fast()


def test_a_leg_is_too_fast_only_beyond_the_speed_limit(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    start, end = make_candidate(cameras[0], 0), make_candidate(cameras[1], 1)
    # 433 m beyond what the cameras reach, in 52 s: 30 km/h.
    assert not Leg(start, end).too_fast(31)
    assert Leg(start, end).too_fast(29)
    later = replace(end, first_seen=end.first_seen + timedelta(seconds=10))
    assert not Leg(start, later).too_fast(29)
