"""Searching beyond the place, the time and the limits of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from searching import search
from shapely import box
from shapely.geometry import MultiPolygon, Polygon

from workbench.casework.cases import Request
from workbench.district import from_geojson
from workbench.domain import District, Probe, Scope
from workbench.errors import DistrictError, NotPermitted, TimeError
from workbench.gallery import Gallery

Ask = Callable[..., Request]
Refused = Callable[..., None]


def test_a_polygon_one_metre_outside(refused: Refused, permitted: Scope) -> None:
    metre = 1 / 111_320 / np.cos(np.radians(51.48))
    wide = District("Old Town", box(-0.02, 51.47, 0.0 + metre, 51.49))
    refused(
        r"reaches 1\.0 m outside the permitted Old Town, at longitude 0\.00001",
        scope=replace(permitted, district=wide),
    )


def test_a_hole_in_the_area(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    hole = [(-0.011, 51.477), (-0.009, 51.477), (-0.009, 51.479), (-0.011, 51.479)]
    ring = Polygon(permitted.district.area.exterior.coords, [hole])
    office.sit("anna").ask(ask(district=District("Ring", ring)), subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    with pytest.raises(NotPermitted, match="outside the permitted Ring"):
        search(gallery, subject, permitted, case="A-1")
    around = replace(permitted, district=District("Ring", ring))
    found = search(gallery, subject, around, case="A-1")
    assert "C1" not in {c.camera.camera_id for c in found.candidates}


def test_a_district_with_a_second_part_elsewhere(refused: Refused, permitted: Scope) -> None:
    parts = MultiPolygon([box(-0.01, 51.475, -0.005, 51.48), box(0.099, 50.999, 0.101, 51.001)])
    refused("outside the permitted", scope=replace(permitted, district=District("Two", parts)))


@pytest.mark.parametrize(
    "ring",
    [
        [[float("nan"), 51.47], [0, 51.47], [0, 51.49], [float("nan"), 51.47]],
        [[51.47, -200], [51.49, -200], [51.49, 0], [51.47, -200]],
        [[-0.02, 51.47], [0, 51.49], [0, 51.47], [-0.02, 51.49], [-0.02, 51.47]],
        [],
    ],
)
def test_a_district_with_impossible_coordinates(ring: list[list[float]]) -> None:
    with pytest.raises(DistrictError):
        from_geojson({"type": "Polygon", "coordinates": [ring] if ring else []})


def test_a_microsecond_early_or_late(refused: Refused, permitted: Scope) -> None:
    moment = timedelta(microseconds=1)
    refused("is not within", scope=replace(permitted, start=permitted.start - moment))
    refused("is not within", scope=replace(permitted, end=permitted.end + moment))


def test_time_zone_tricks(
    office: Any, refused: Refused, permitted: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figures with another offset are another time; the machine's zone says nothing."""
    import time

    east = timezone(timedelta(hours=5))
    refused("is not within", scope=replace(permitted, start=permitted.start.replace(tzinfo=east)))
    with pytest.raises(TimeError, match="no offset"):
        replace(permitted, start=permitted.start.replace(tzinfo=None))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert office.register.case("A-1").status() == "open"
        refused("is not within", scope=replace(permitted, end=permitted.end + timedelta(hours=1)))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_more_cameras_than_allowed(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    office.sit("anna").ask(ask("A-2", cameras=1), subject=subject)
    office.approve("sara", "A-2")
    office.sit("anna")
    refused("covers 4 cameras; the case allows 1", reference="A-2")


def test_limits_of_ones_own_settings(
    office: Any, ask: Ask, refused: Refused, subject: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was approved stands in the record; an analyst's environment changes nothing of it."""
    office.sit("anna").ask(ask("A-2", cameras=3), subject=subject)
    office.approve("sara", "A-2")
    office.sit("anna")
    for name in ("MOST_CAMERAS", "LARGEST_AREA_KM2", "LONGEST_DAYS"):
        monkeypatch.setenv(f"SIGHTLINE_{name}", "1000000")
    refused("the case allows 3", reference="A-2")


def test_a_clock_put_back(office: Any, refused: Refused) -> None:
    office.write_at(datetime.now(UTC) + timedelta(hours=1))
    refused("this machine's clock")


def test_a_camera_without_a_place_that_the_case_does_not_name(
    refused: Refused, permitted: Scope
) -> None:
    refused(
        "the case does not name the cameras without a place BUS-9",
        scope=replace(permitted, unplaced=frozenset({"BUS-9"})),
    )


def test_a_camera_with_a_place_named_as_one_without(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").ask(ask(unplaced=("C4",)), subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    found = search(gallery, subject, permitted, case="A-1", top=None)
    assert {c.camera_id for c in found.cameras} == {"C0", "C1", "C2", "C3"}
    assert "C4" not in {c.camera.camera_id for c in found.candidates}
    assert found.coverage.unplaced == 0
