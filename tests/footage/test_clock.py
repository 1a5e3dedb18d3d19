"""The time axis of a recording: zero, pauses, clocks that go back, films without times."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.footage.clock import Clock, Timed


def clock(**changed: object) -> Clock[int]:
    options: dict[str, object] = {"zero": 0.0, "step": 0.1, "explicit": False}
    return Clock(**(options | changed))  # type: ignore[arg-type]


def placed(
    clock: Clock[int], times: Iterable[float | None], same_as: dict[int, float] | None = None
) -> list[float]:
    pictures = [
        Timed(time, number, (same_as or {}).get(number)) for number, time in enumerate(times)
    ]
    return [round(seconds, 6) for seconds, _ in clock.place(pictures)]


def test_zero_is_the_first_packet_and_not_the_first_picture() -> None:
    assert placed(clock(zero=5.0), [7.9, 8.0]) == [2.9, 3.0]
    assert placed(clock(zero=None), [7.9, 8.0]) == [0.0, 0.1]


@pytest.mark.parametrize(
    ("first", "doubted"), [(3.0, [0.0]), (4.95, []), (5.0, []), (9000.0, [0.0])]
)
def test_a_first_picture_far_from_the_first_packet_is_in_doubt(
    first: float, doubted: list[float]
) -> None:
    made = clock(zero=5.0)
    assert placed(made, [first, first + 0.1]) == [0.0, 0.1]
    assert [doubt.from_seconds for doubt in made.doubts] == doubted


def test_a_pause_in_a_container_with_explicit_times_is_a_pause() -> None:
    made = clock(explicit=True)
    assert placed(made, [0, 0.1, 7200.0, 7200.1]) == [0, 0.1, 7200.0, 7200.1]
    assert made.doubts == []


def test_a_pause_of_a_century_is_none() -> None:
    made = clock(explicit=True)
    assert placed(made, [0, 0.1, 3.2e9, 3.2e9 + 0.1]) == [0, 0.1, 0.2, 0.3]
    assert [doubt.from_seconds for doubt in made.doubts] == [pytest.approx(0.2)]


def test_a_pause_in_a_stream_is_told() -> None:
    made = clock()
    assert placed(made, [0, 0.1, 5, 1800.0, 1800.1]) == [0, 0.1, 5, 1800.0, 1800.1]
    assert [doubt.from_seconds for doubt in made.doubts] == [1800.0]


@pytest.mark.parametrize("later", [0.0, 0.05, 3.0, 9000.0])
def test_a_clock_that_is_set_begins_a_new_stretch(later: float) -> None:
    made = clock()
    first = [n / 10 for n in range(50)]
    then = [later + n / 10 for n in range(30)]
    assert placed(made, first + then) == [round(n / 10, 6) for n in range(80)]
    (doubt,) = made.doubts
    assert doubt.from_seconds == pytest.approx(5.0)
    assert ("back" if later < 5 else "ahead") in doubt.why


def test_a_clock_set_back_in_an_explicit_container_too() -> None:
    made = clock(explicit=True)
    assert placed(made, [0, 0.1, 0.2, 0, 0.1]) == [0, 0.1, 0.2, 0.3, 0.4]
    assert len(made.doubts) == 1


def test_joined_recordings_that_overlap_meet_where_they_are_the_same() -> None:
    """The second export begins with the key picture that was there at 0.3 s."""
    made = clock()
    times = [0, 0.1, 0.2, 0.3, 0.4, 0.5, *(n / 10 for n in range(6))]
    assert placed(made, times, {6: 0.3}) == [round(n / 10, 6) for n in range(9)]
    (doubt,) = made.doubts
    assert doubt.from_seconds == pytest.approx(0.6)
    assert "in both" in doubt.why


def test_pictures_that_come_late_are_put_between_their_neighbours() -> None:
    made = clock()
    seconds = placed(made, [0, 0.1, 0.2, 0.05, 0.06, 0.3, 0.4])
    assert seconds == sorted(set(seconds))
    assert (seconds[:3], seconds[5:]) == ([0, 0.1, 0.2], [0.3, 0.4])
    assert made.doubts == []
    assert {what for what, _ in made.take_remarks()} == {"pictures come out of order"}
    assert made.take_remarks() == []


def test_films_without_times_are_counted() -> None:
    assert placed(clock(step=1 / 12), [None] * 3) == [0, round(1 / 12, 6), round(2 / 12, 6)]
    # Time-lapse: the catalogue says how many were taken, whatever the film says.
    assert placed(clock(step=10.0, counted=True), [0, 0.04, 0.08]) == [0, 10, 20]


def test_a_break_is_bridged_by_an_ordinary_step_and_not_by_a_pause() -> None:
    made = clock(step=56.0)  # an average that holds a pause
    assert placed(made, [0, 0.1, 0.2, 900.0, 900.1, 0.0, 0.1])[-2:] == [900.2, 900.3]


@pytest.mark.parametrize("back", [3, 5, 7])
def test_a_clock_set_back_by_a_few_pictures_is_not_taken_for_late_ones(back: int) -> None:
    made = clock()
    times = [n / 10 for n in range(20)] + [(20 - back + n) / 10 for n in range(20)]
    assert placed(made, times) == [round(n / 10, 6) for n in range(40)]
    assert [doubt.from_seconds for doubt in made.doubts] == [pytest.approx(2.0)]


def test_time_lapse_in_a_stream_is_told_once() -> None:
    made = clock()
    assert placed(made, [0, 60, 120, 180]) == [0, 60, 120, 180]
    assert [doubt.from_seconds for doubt in made.doubts] == [60]


def test_a_step_is_not_learned_from_a_time_that_was_made_up() -> None:
    """MPEG-PS may state one time for several pictures."""
    assert placed(clock(), [0, None, None, 0.5, None]) == [0, 0.1, 0.2, 0.5, 0.6]


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e5, 1e5, allow_nan=False)), min_size=1, max_size=60),
    st.booleans(),
)
def test_time_never_goes_back_and_no_picture_is_lost(
    times: list[float | None], explicit: bool
) -> None:
    seconds = placed(clock(explicit=explicit), times)
    assert len(seconds) == len(times)
    assert all(a <= b for a, b in pairwise(seconds))
    assert all(second >= 0 for second in seconds)
