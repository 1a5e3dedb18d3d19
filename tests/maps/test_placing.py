"""Marks lie apart where cameras do not, and beside each other across the 180th meridian."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image

from workbench.district import from_geojson
from workbench.domain import Camera, Candidate, District
from workbench.maps.offline import Drawing, OfflineMap
from workbench.maps.picture import sightings_png
from workbench.maps.placing import Meridian, levels
from workbench.maps.sightings import sightings_map

FIJI = ZoneInfo("Pacific/Fiji")
Make = Callable[..., Candidate]
WEST, EAST = Camera("W", "West", -16.8, 179.995), Camera("E", "East", -16.8, -179.995)


@pytest.fixture
def across() -> District:
    ring = [[179.9, -17], [180.1, -17], [180.1, -16.6], [179.9, -16.6], [179.9, -17]]
    return from_geojson({"type": "Polygon", "coordinates": [ring]}, name="Taveuni")


def drawings(drawn: OfflineMap) -> dict[str, Any]:
    return {
        child.function: child.data
        for child in drawn._children.values()
        if isinstance(child, Drawing)
    }


def at(name: str, metres_north: float, metres_east: float = 0.0) -> Camera:
    return Camera(name, name, 51.48 + metres_north / 111_200, -0.01 + metres_east / 69_400)


def test_cameras_of_one_spot_are_numbered_and_others_are_not() -> None:
    cameras = [at("a", 0), at("b", 0), at("c", 3), at("d", -3), at("far", 8), at("east", 0, 8)]
    assert levels(cameras) == {"a": 0, "b": 1, "c": 2, "d": 3, "far": 0, "east": 0}


@pytest.mark.parametrize("latitude", [0.0, 51.48, -77.8, 89.9999])
def test_a_spot_is_found_wherever_its_cell_ends(latitude: float) -> None:
    for step in range(50):
        one = Camera("a", "", latitude - step * 1.3e-5, 7 + step * 1.7e-5)
        other = Camera("b", "", one.latitude + 5e-6, one.longitude + 5e-6)
        assert levels([one, other]) == {"a": 0, "b": 1}


def test_many_cameras_are_placed_in_no_time() -> None:
    cameras = [at(str(n), 10 * (n // 200), 10 * (n % 200)) for n in range(40_000)]
    assert set(levels(cameras).values()) == {0}


def test_marks_and_dots_know_how_many_are_before_them(make_candidate: Make) -> None:
    pole = [at("a", 0), at("b", 0), at("c", 0)]
    found = [make_candidate(pole[1], 0, 0.9), make_candidate(pole[0], 5, 0.8)]
    drawn = drawings(sightings_map(found, cameras=pole, zone=FIJI))
    assert [(place["id"], place["level"]) for place in drawn["sightings"]] == [("b", 0), ("a", 1)]
    assert [(place["id"], place["level"]) for place in drawn["cameras"]] == [("c", 2)]


def test_across_the_180th_meridian_all_lies_on_one_side(
    make_candidate: Make, across: District, tmp_path: Path
) -> None:
    streets = tmp_path / "streets.geojson"
    streets.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature",'
        ' "properties": {"kind": "street", "name": "Quay"}, "geometry": {"type": "LineString",'
        ' "coordinates": [[-179.99, -16.8], [-179.98, -16.8]]}}]}'
    )
    found = [make_candidate(WEST, 0), make_candidate(EAST, 30)]
    drawn = drawings(sightings_map(found, district=across, zone=FIJI, base_map=streets))
    assert [place["longitude"] for place in drawn["sightings"]] == pytest.approx([179.995, 180.005])
    (leg,) = drawn["route"]
    assert leg["line"] == [[-16.8, 179.995], [-16.8, pytest.approx(180.005)]]
    assert leg["words"].startswith("1.1 km in 30 min")
    (south, west), (north, east) = drawn["fit"]
    assert (south, north) == pytest.approx((-16.803, -16.797))
    assert (west, east) == pytest.approx((179.992, 180.008))
    corners = [x for polygon in drawn["district"]["geometry"]["coordinates"] for x, _ in polygon[0]]
    assert min(corners) == pytest.approx(179.9)
    assert max(corners) == pytest.approx(180.1)
    street = drawn["ground"]["features"][0]["geometry"]["coordinates"]
    assert [x for x, _ in street] == pytest.approx([180.01, 180.02])


def test_elsewhere_longitudes_stay_as_they_are(make_candidate: Make) -> None:
    cameras = [Camera("a", "", 51, -0.2), Camera("b", "", 51, 0.2)]
    assert not Meridian.between(cameras, None).across
    assert not Meridian.between([Camera("a", "", 0, -120), Camera("b", "", 0, 30)], None).across
    globe = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    everything = from_geojson({"type": "Polygon", "coordinates": [globe]})
    assert not Meridian.between([WEST, EAST], everything).across
    assert not Meridian.between([], None).across


def test_the_picture_is_that_of_the_same_cameras_elsewhere(make_candidate: Make) -> None:
    def picture(longitude: float) -> np.ndarray:
        moved = [
            replace(camera, longitude=(longitude + dx + 180) % 360 - 180)
            for camera, dx in ((WEST, -0.005), (EAST, 0.005))
        ]
        ring = [[longitude + x, -16.8 + y] for x, y in ((-0.01, -0.01), (0.01, -0.01), (0, 0.01))]
        district = from_geojson({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
        found = [make_candidate(moved[0], 0), make_candidate(moved[1], 30)]
        png = sightings_png(found, cameras=moved, district=district)
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float)

    here, there = picture(180), picture(25)
    assert abs(here - here.mean()).mean() > 5
    # The outline of the district runs along the meridian besides.
    assert (abs(here - there).sum(axis=2) > 30).mean() < 0.01
