"""What clocks on the wall showed, and when that was."""

# ruff: noqa: DTZ001 - what clocks on a wall show has no zone

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain import moments
from workbench.errors import TimeError
from workbench.widgets.components.clocks import moment, wall_clock

LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # changes by half an hour


def test_a_plain_time_is_one_moment() -> None:
    assert moments(datetime(2026, 7, 1, 12), LONDON) == (datetime(2026, 7, 1, 11, tzinfo=UTC),)


def test_a_time_that_clocks_skipped_is_refused_with_its_neighbours() -> None:
    assert moments(datetime(2026, 3, 29, 1, 30), LONDON) == ()
    with pytest.raises(TimeError) as refused:
        moment(datetime(2026, 3, 29, 1, 30), LONDON, where="start")
    assert str(refused.value) == (
        "start: clocks in Europe/London never showed 01:30:00 on Sun 29 Mar 2026: they went "
        "forward from 01:00 to 02:00. Choose a time before 01:00 or from 02:00 on."
    )


def test_a_skipped_half_hour_is_named_as_it_was() -> None:
    with pytest.raises(TimeError, match=r"forward from 02:00 to 02:30"):
        moment(datetime(2026, 10, 4, 2, 10), LORD_HOWE, where="end")


def test_a_time_that_clocks_showed_twice_needs_a_choice() -> None:
    twice = datetime(2026, 10, 25, 1, 30)
    words = r"twice.*first BST, then, after they went back, GMT.*Choose BST"
    with pytest.raises(TimeError, match=words):
        moment(twice, LONDON, where="end")
    assert moment(twice, LONDON, 0, where="end") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment(twice, LONDON, 1, where="end") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_fold_is_ignored_for_a_time_that_clocks_show_once() -> None:
    assert moment(datetime(2026, 7, 1, 12), LONDON, 1, where="") == datetime(
        2026, 7, 1, 11, tzinfo=UTC
    )


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"]),
)
def test_every_moment_survives_the_way_over_the_wall_clock(time: datetime, zone: str) -> None:
    local, fold = wall_clock(time, ZoneInfo(zone))
    assert moment(local, ZoneInfo(zone), fold, where="") == time
