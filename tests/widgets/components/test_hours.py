"""Hours of the week, the last night, and what of the footage lies in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from workbench.domain import District, Scope
from workbench.errors import TimeError
from workbench.widgets.components.hours import WORKING_HOURS, WeeklyHours
from workbench.widgets.components.hourspicker import HoursField
from workbench.widgets.components.scope import seconds_within
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import covered


@pytest.mark.parametrize(
    ("days", "hours", "words"),
    [
        (range(5), (9, 17), "Mon to Fri, 09:00 to 17:00"),
        ((5, 6), (0, 24), "Sat and Sun, all day"),
        ((0, 1, 2, 4), (22, 6), "Mon to Wed and Fri, 22:00 to 06:00 (into the next day)"),
        (range(7), (0, 24), "every day, all day"),
        ((3,), (0, 1), "Thu, 00:00 to 01:00"),
    ],
)
def test_hours_are_told_in_words(days: range, hours: tuple[int, int], words: str) -> None:
    assert str(WeeklyHours(frozenset(days), *hours)) == words


def test_no_weekday_or_an_empty_range_of_hours_is_refused() -> None:
    with pytest.raises(TimeError, match="no weekday is chosen"):
        WeeklyHours(frozenset(), 9, 17)
    with pytest.raises(TimeError, match="09:00 to 09:00 is not a valid time of day range"):
        WeeklyHours(frozenset({0}), 9, 9)


def test_working_hours_keep_to_the_clock_when_it_changes(asked: Investigation) -> None:
    london = ZoneInfo("Europe/London")
    week = Scope(
        asked.whole_area(), datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
    )
    friday, monday = WORKING_HOURS.windows(week, london)
    assert friday[0] == datetime(2026, 3, 27, 9, tzinfo=UTC)
    assert monday[0] == datetime(2026, 3, 30, 8, tzinfo=UTC)  # clocks went forward on Sunday


def test_seconds_inside_windows_are_counted_once() -> None:
    begin = datetime(2026, 3, 29, tzinfo=UTC)

    def at(minutes: float) -> datetime:
        return begin + timedelta(minutes=minutes)

    windows = ((at(10), at(20)), (at(30), at(40)))

    def seconds(*minutes: float) -> np.ndarray:
        return np.array([at(one).timestamp() for one in minutes])

    found = seconds_within(seconds(0, 0, 15, 22, 35), seconds(60, 5, 32, 28, 36), windows)
    assert found.round(3).tolist() == [1200, 0, 420, 0, 60]
    assert seconds_within(seconds(0), seconds(60), ()).tolist() == [0]


def test_footage_of_many_cameras_is_counted_at_once(asked: Investigation) -> None:
    asked.set_district(asked.whole_area())
    one = asked.footage_seconds()
    asked.footage = pd.concat([asked.footage] * 50_000, ignore_index=True)
    many = asked.footage_seconds()
    assert many == pytest.approx({name: 50_000 * seconds for name, seconds in one.items()})


def test_the_last_night_is_that_of_the_footage(asked: Investigation) -> None:
    asked.set_last_night()  # footage ends on 29 March at 16:21
    assert asked.local_range is not None
    (start, _), (end, _) = asked.local_range
    assert (str(start), str(end)) == ("2026-03-28 20:00:00", "2026-03-29 06:00:00")
    assert asked.start == datetime(2026, 3, 28, 20, tzinfo=UTC)
    assert asked.end == datetime(2026, 3, 29, 5, tzinfo=UTC)  # nine hours, clocks went forward


def test_a_search_keeps_to_the_hours_and_says_so(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    field = HoursField(asked)
    field.begin.value, field.end.value = 15, 17
    assert asked.hours == WeeklyHours(frozenset(range(7)), 15, 17)
    assert "Only every day, 15:00 to 17:00. 1 period: Sun 29 Mar 15:00" in field.words.value
    assert set(asked.footage_seconds()) == {"CAM-006"}
    asked.search()
    assert {one.camera.camera_id for one in asked.shown} == {"CAM-006"}
    assert asked.result is not None
    assert asked.result.coverage.cameras_with_footage == 1
    assert any("Only the chosen hours of the week" in line for line in covered(asked.result))
    field._set(WeeklyHours(frozenset(range(7)), 0, 24))
    assert asked.hours is None
    assert asked.is_stale


def test_hours_outside_the_time_range_are_explained_and_not_searched(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    field = HoursField(asked)
    field._set(WORKING_HOURS)  # the footage is of a Sunday
    assert "0 periods." in field.words.value
    asked.search()
    assert asked.messages["hours"].startswith(
        "The time range contains none of these hours: Mon to Fri"
    )
    assert asked.result is None

    for day in field.days:
        day.value = False
    assert "no weekday is chosen" in asked.messages["hours"]
    assert not any(day.value for day in field.days)  # what was chosen stays
    field.days[6].value = True
    assert "hours" not in asked.messages


def test_windows_need_no_district(asked: Investigation) -> None:
    asked.hours = WORKING_HOURS
    assert asked.windows == ()
    assert isinstance(asked.whole_area(), District)
