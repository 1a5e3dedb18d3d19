"""Cameras that can have been reached: the bound, its order, and what it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import Camera, Stretch
from workbench.errors import TimeError
from workbench.gallery.times import RecordedPart
from workbench.maps.reach import reachable

LEFT = datetime(2026, 3, 29, 12, tzinfo=UTC)
UNTIL = LEFT + timedelta(minutes=20)
DAY = LEFT - timedelta(hours=12), LEFT + timedelta(hours=12)
HERE = Camera("C0", "Here", 51.48, -0.01)
NORTH = [Camera(f"N{km}", f"{km} km", 51.48 + km / 111.195, -0.01) for km in (3, 1, 2)]


def after(moment: datetime | None) -> float:
    assert moment is not None
    return (moment - LEFT).total_seconds()


def test_the_nearest_is_reached_first_and_none_after_the_end() -> None:
    nowhere = Camera("X", "Nowhere", None, None)
    found = reachable(HERE, LEFT, [HERE, *NORTH, nowhere], kmh=6, until=UNTIL, within=DAY)
    assert [one.camera.camera_id for one in found] == ["N1", "N2"]
    # A kilometre less what both cameras see of it, at 100 m a minute.
    assert found[0].metres == pytest.approx(1000, abs=1)
    assert after(found[0].earliest) == pytest.approx(540, abs=1)
    assert {one.latest for one in found} == {UNTIL}
    assert {(one.recorded_from, one.known_to_seconds) for one in found} == {(None, None)}
    faster = reachable(HERE, LEFT, NORTH, kmh=25, until=UNTIL, within=DAY)
    assert [one.camera.camera_id for one in faster] == ["N1", "N2", "N3"]
    assert reachable(nowhere, LEFT, NORTH, kmh=6, until=UNTIL, within=DAY) == ()


def test_windows_are_widened_by_what_both_clocks_may_be_off() -> None:
    """From left_at + way - u - v to until + u + v, the ends of intervals added.

    Moore, Kearfott and Cloud, "Introduction to Interval Analysis", 2009, chapter 2: here with u of
    20 s, v of 100 s or none, and a way of 540 s on foot, 36 s by car.
    """
    to_100 = Stretch(uncertainty_seconds=100.0, found_by="anna", how="compared", found_at=LEFT)
    in_doubt = Stretch(doubt="the clock was set", uncertainty_seconds=100.0)

    def recorded(camera: str, start: float, end: float, stretch: Stretch) -> RecordedPart:
        return RecordedPart("R", "r.mp4", camera, LEFT, start, end, stretch)

    def window(*parts: RecordedPart, kmh: float = 6.0, u: float | None = 20.0) -> tuple[float, ...]:
        (one,) = reachable(
            HERE, LEFT, [NORTH[1]], kmh=kmh, until=UNTIL, within=DAY, known_to_seconds=u,
            recorded=parts,
        )  # fmt: skip
        known_to = -1.0 if one.known_to_seconds is None else one.known_to_seconds
        seen = -1.0 if one.recorded_from is None else after(one.recorded_from)
        return tuple(round(x) for x in (after(one.earliest), after(one.latest), seen, known_to))

    assert window(recorded("N1", 430, 500, to_100)) == (420, 1320, 430, 100)
    assert window(recorded("N1", 1310, 1400, to_100), u=None) == (440, 1300, -1, 100)
    # Times in doubt widen nothing, whatever was stated of them, and so do those of which nobody
    # said anything; that is told. Another's footage is another's.
    for unknown in (in_doubt, Stretch()):
        assert window(recorded("N1", 430, 600, unknown)) == (520, 1220, 520, -1)
        both = recorded("N1", 430, 500, to_100), recorded("N1", 700, 800, unknown)
        assert window(*both) == (420, 1320, 430, -1)
    assert window(recorded("N2", 430, 600, to_100)) == (520, 1220, -1, -1)
    assert window(recorded("N1", 0, 80, to_100), kmh=100.0) == (-88, 1320, 0, 100)


def test_no_window_goes_beyond_the_case() -> None:
    within = LEFT + timedelta(seconds=550), UNTIL + timedelta(seconds=5)
    (one,) = reachable(
        HERE, LEFT, [NORTH[1]], kmh=6, until=UNTIL, within=within, known_to_seconds=60.0
    )
    assert (one.earliest, one.latest) == within
    over = LEFT - timedelta(hours=1), LEFT
    assert reachable(HERE, LEFT, NORTH, kmh=6, until=UNTIL, within=over) == ()


@pytest.mark.parametrize("kmh", [0, -1, float("nan"), 301])
def test_a_speed_of_nobody_is_refused(kmh: float) -> None:
    with pytest.raises(TimeError, match="km/h"):
        reachable(HERE, LEFT, NORTH, kmh=kmh, until=LEFT, within=DAY)
