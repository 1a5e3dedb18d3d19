"""Cameras that can have been reached: the bound, its order, and what it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workbench.domain import Camera
from workbench.errors import TimeError
from workbench.maps.reach import reachable

LEFT = datetime(2026, 3, 29, 12, tzinfo=UTC)
HERE = Camera("C0", "Here", 51.48, -0.01)
NORTH = [Camera(f"N{km}", f"{km} km", 51.48 + km / 111.195, -0.01) for km in (3, 1, 2)]


def test_the_nearest_is_reached_first_and_none_after_the_end() -> None:
    until = LEFT + timedelta(minutes=20)
    nowhere = Camera("X", "Nowhere", None, None)
    found = reachable(HERE, LEFT, [HERE, *NORTH, nowhere], kmh=6, until=until)
    assert [one.camera.camera_id for one in found] == ["N1", "N2"]
    # A kilometre less what both cameras see of it, at 100 m a minute.
    assert found[0].metres == pytest.approx(1000, abs=1)
    assert (found[0].earliest - LEFT).total_seconds() == pytest.approx(540, abs=1)
    assert {one.latest for one in found} == {until}
    faster = reachable(HERE, LEFT, NORTH, kmh=25, until=until)
    assert [one.camera.camera_id for one in faster] == ["N1", "N2", "N3"]
    assert reachable(nowhere, LEFT, NORTH, kmh=6, until=until) == ()


@pytest.mark.parametrize("kmh", [0, -1, float("nan"), 301])
def test_a_speed_of_nobody_is_refused(kmh: float) -> None:
    with pytest.raises(TimeError, match="km/h"):
        reachable(HERE, LEFT, NORTH, kmh=kmh, until=LEFT)
