from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from workbench.domain import Camera
from workbench.maps.zones import UTC_ZONE, local_time, local_zone, zone_of_cameras


@pytest.mark.parametrize(
    ("longitude", "latitude", "zone"),
    [
        (-0.01, 51.48, "Europe/London"),
        (1.35, 51.13, "Europe/London"),  # Dover
        (1.5, 51.1, "Europe/London"),  # off Dover, in its territorial waters
        (1.85, 50.95, "Europe/Paris"),  # Calais
        (2.5, 52.5, "UTC"),  # the North Sea
        (-30.0, 45.0, "UTC"),  # the Atlantic, nautical zone -2
        (77.2, 28.6, "Asia/Kolkata"),
        (180.0, 0.0, "UTC"),
        (0.0, 90.0, "UTC"),
    ],
)
def test_a_place_has_the_zone_of_its_clocks(longitude: float, latitude: float, zone: str) -> None:
    assert local_zone(longitude, latitude).key == zone


def test_a_zone_that_was_set_wins() -> None:
    camera = Camera("c", "C", latitude=51.48, longitude=-0.01)
    assert zone_of_cameras([camera], override=ZoneInfo("Asia/Tokyo")).key == "Asia/Tokyo"
    assert zone_of_cameras([camera]).key == "Europe/London"
    assert zone_of_cameras([]) == UTC_ZONE


def test_local_time_names_its_clocks() -> None:
    winter, summer = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 7, 5, 9, tzinfo=UTC)
    assert local_time(winter, ZoneInfo("Europe/London")) == "Mon 05 Jan 2026, 09:00:00 GMT"
    assert local_time(summer, ZoneInfo("Europe/London")) == "Sun 05 Jul 2026, 10:00:00 BST"
    # A zone whose clocks have no name of their own.
    assert local_time(winter, ZoneInfo("America/Sao_Paulo")).endswith("06:00:00 UTC-03")
