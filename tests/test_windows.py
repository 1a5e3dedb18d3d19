"""Hours of weekdays, by the clocks of a place, also when these are turned."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely

from workbench.district import from_shapes
from workbench.domain import Scope
from workbench.errors import TimeError
from workbench.windows import weekly_windows

BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
DISTRICT = from_shapes([shapely.box(0, 0, 1, 1)], name="area")


def scope(start: datetime, days: float) -> Scope:
    return Scope(DISTRICT, start, start + timedelta(days=days))


def by_the_clock(asked: Scope, weekdays: set[int], hours: set[int], zone: ZoneInfo) -> set:
    """Every quarter of an hour at which the clocks show such an hour: the definition itself."""
    inside, moment = set(), asked.start
    while moment < asked.end:
        local = moment.astimezone(zone)
        if local.weekday() in weekdays and local.hour in hours:
            inside.add(moment)
        moment += timedelta(minutes=15)
    return inside


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 10, 25, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),  # half an hour
        ("America/Havana", datetime(2026, 11, 1, tzinfo=UTC)),  # midnight comes twice
        ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),  # a Friday that never was
        ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("hours", [(0, 24), (1, 3), (2, 3), (3, 4), (0, 1), (23, 24)])
def test_windows_are_the_moments_the_clock_on_the_wall_shows(zone, around, hours) -> None:
    asked = scope(around - timedelta(days=3, minutes=-15), 9)
    windows = weekly_windows(asked, {2, 4, 5, 6}, *hours, zone=ZoneInfo(zone))
    inside, moment = set(), asked.start
    while moment < asked.end:
        if any(start <= moment < end for start, end in windows):
            inside.add(moment)
        moment += timedelta(minutes=15)
    assert inside == by_the_clock(asked, {2, 4, 5, 6}, set(range(*hours)), ZoneInfo(zone))
    assert all(one[1] < other[0] for one, other in itertools.pairwise(windows))


def test_an_hour_that_comes_twice_counts_twice_and_one_skipped_not_at_all() -> None:
    autumn = scope(datetime(2026, 10, 24, 12, tzinfo=UTC), 1)
    assert weekly_windows(autumn, {6}, 2, 3, zone=BERLIN) == (
        (datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)),
    )
    spring = scope(datetime(2026, 3, 28, 12, tzinfo=UTC), 1)
    assert weekly_windows(spring, {6}, 2, 3, zone=BERLIN) == ()


def test_a_night_belongs_to_the_weekday_on_which_it_begins() -> None:
    asked = scope(datetime(2026, 3, 25, tzinfo=UTC), 7)  # clocks go forward on Sunday, the 29th
    assert weekly_windows(asked, {5}, 22, 6, zone=BERLIN) == (
        (datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC)),
    )
    # The night that began before the scope counts from the scope's start.
    asked = scope(datetime(2026, 3, 28, 1, tzinfo=UTC), 0.5)
    assert weekly_windows(asked, {4}, 22, 6, zone=LONDON) == (
        (datetime(2026, 3, 28, 1, tzinfo=UTC), datetime(2026, 3, 28, 6, tzinfo=UTC)),
    )


def test_windows_stay_inside_the_scope_and_adjoining_days_are_one() -> None:
    asked = scope(datetime(2026, 6, 1, 10, 30, tzinfo=UTC), 14)
    assert weekly_windows(asked, range(7), 0, 24, zone=BERLIN) == ((asked.start, asked.end),)


@pytest.mark.parametrize(
    ("weekdays", "hours"),
    [((), (8, 9)), ((7,), (8, 9)), ((0,), (8, 8)), ((0,), (-1, 8)), ((0,), (8, 25))],
)
def test_what_is_no_weekday_or_hour_is_refused(weekdays, hours) -> None:
    with pytest.raises(TimeError):
        weekly_windows(scope(datetime(2026, 6, 1, tzinfo=UTC), 1), weekdays, *hours, zone=BERLIN)
