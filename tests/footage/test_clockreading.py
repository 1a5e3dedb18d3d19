"""The clock in the picture against the catalogue: offset, drift, uncertainty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.errors import TimeError
from workbench.footage.clockreading import ClockReading, compare, per_day, read_clock

START = datetime(2026, 3, 31, 17, 4, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def reading(seconds: float, ahead: float, resolution: float = 1.0) -> ClockReading:
    """The catalogue is *ahead* of the clock at that second."""
    stated = START + timedelta(seconds=seconds)
    return ClockReading(seconds, stated, stated - timedelta(seconds=ahead), resolution)


def test_offset_is_in_the_middle_and_the_uncertainty_holds_half_of_the_drift() -> None:
    found = compare(reading(0, 70), reading(86_400, 76))
    assert found.offset_seconds == 73
    assert found.uncertainty_seconds == 1 + 3
    assert found.drift_ppm == pytest.approx(69.44, abs=0.01)
    assert per_day(found.drift_ppm) == pytest.approx(6)
    assert found.drifts
    assert found.words() == "73.0 s ahead of the true time, ± 4.0 s, drifting by +6.0 s per day"


def test_what_the_resolution_explains_is_no_drift() -> None:
    found = compare(reading(0, -20), reading(600, -21))
    assert not found.drifts
    assert found.uncertainty_seconds == 1.5
    assert found.words() == (
        "20.5 s behind the true time, ± 1.5 s; no drift that can be seen (at most 144.0 s per day)"
    )


def test_pictures_of_the_same_minute_show_no_drift() -> None:
    assert (
        compare(reading(0, 5), reading(9, 5))
        .words()
        .endswith("too close to each other to show a drift")
    )


def test_an_offset_of_hours_is_likely_to_be_one_of_zones() -> None:
    assert "(about 1 h: check the zones" in compare(reading(0, -3672)).words()
    assert "(about 5.5 h: check the zones" in compare(reading(0, 19_800)).words()
    assert "zones" not in compare(reading(0, 179)).words()


def test_one_picture_shows_no_drift() -> None:
    found = compare(reading(0, 5))
    assert (found.offset_seconds, found.uncertainty_seconds, found.drift_ppm) == (5, 1, None)
    assert "drift not measured" in found.words()


def test_a_clock_known_to_be_wrong_is_allowed_for() -> None:
    found = compare(reading(0, 0), error_seconds=90, error_uncertainty_seconds=2)
    assert (found.offset_seconds, found.uncertainty_seconds) == (90, 3)


def test_pictures_in_the_wrong_order_and_impossible_numbers_are_refused() -> None:
    with pytest.raises(TimeError, match="does not come after"):
        compare(reading(5, 0), reading(5, 0))
    for number in (-1.0, float("nan"), float("inf")):
        with pytest.raises(TimeError, match="an uncertainty of"):
            compare(reading(5, 0), error_uncertainty_seconds=number)
    for number in (float("nan"), float("-inf"), 1e9):
        with pytest.raises(TimeError, match="is not possible"):
            compare(reading(5, 0), error_seconds=number)


@given(
    true_offset=some.floats(-5000, 5000),
    drift=some.floats(-1e-3, 1e-3),
    length=some.floats(10, 90_000),
    part=some.floats(0, 1),
    resolution=some.sampled_from([0.1, 1.0, 60.0]),
)
def test_the_corrected_time_is_never_wrong_by_more_than_the_uncertainty(
    true_offset: float, drift: float, length: float, part: float, resolution: float
) -> None:
    """Read a clock that is right against a catalogue that is off and drifts."""

    def at(seconds: float) -> tuple[datetime, datetime]:
        stated = START + timedelta(seconds=seconds)
        return stated, stated - timedelta(seconds=true_offset + drift * seconds)

    def read(seconds: float) -> ClockReading:
        stated, true = at(seconds)
        begun = (true - START) // timedelta(seconds=resolution) * timedelta(seconds=resolution)
        return ClockReading(seconds, stated, START + begun, resolution)

    found = compare(read(0), read(length))
    stated, true = at(part * length)
    wrong = (stated - timedelta(seconds=found.offset_seconds) - true).total_seconds()
    assert abs(wrong) <= found.uncertainty_seconds + 1e-5


@pytest.mark.parametrize(
    ("text", "expected", "resolution"),
    [
        ("18:04:07", datetime(2026, 3, 31, 17, 4, 7, tzinfo=UTC), 1),
        ("18:04", datetime(2026, 3, 31, 17, 4, tzinfo=UTC), 60),
        (" 18:04:07,25 ", datetime(2026, 3, 31, 17, 4, 7, 250_000, tzinfo=UTC), 0.01),
        ("2026-03-30 8:04:07", datetime(2026, 3, 30, 7, 4, 7, tzinfo=UTC), 1),
        ("2026-03-31T18:04:07+03:00", datetime(2026, 3, 31, 15, 4, 7, tzinfo=UTC), 1),
        ("18:04:07Z", datetime(2026, 3, 31, 18, 4, 7, tzinfo=UTC), 1),
    ],
)
def test_clocks_are_read(text: str, expected: datetime, resolution: float) -> None:
    assert read_clock(text, near=START, zone=LONDON) == (expected, pytest.approx(resolution))


def test_without_a_date_the_nearest_day_is_meant() -> None:
    near = datetime(2026, 1, 10, 23, 59, 50, tzinfo=UTC)
    assert read_clock("00:00:10", near=near, zone=LONDON)[0] == near + timedelta(seconds=20)


@pytest.mark.parametrize("text", ["", "six", "25:00", "18:60:00", "31/03/2026 18:04", "18:04:07+1"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(TimeError, match="is not the time of a clock"):
        read_clock(text, near=START, zone=LONDON)


@pytest.mark.parametrize(
    ("text", "how"), [("2026-10-25 01:30:00", "twice"), ("2026-03-29 01:30:00", "never")]
)
def test_hours_in_which_clocks_are_turned_need_an_offset(text: str, how: str) -> None:
    with pytest.raises(TimeError, match=how):
        read_clock(text, near=START, zone=LONDON)
    assert read_clock(f"{text}+01:00", near=START, zone=LONDON)[0].minute == 30
