"""A street corner to draw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.district import from_geojson
from workbench.domain import Camera, District

HOSTILE = """<img src=x onerror="alert(1)">`${alert(2)}`{{ 7*7 }}</script><script>alert(3)//'"""


@pytest.fixture
def cameras() -> list[Camera]:
    return [
        Camera("CAM-1", "Market", 51.480, -0.010),
        Camera("CAM-2", "Station", 51.483, -0.004),
        Camera("CAM-3", "Harbour", 51.478, -0.002),
    ]


@pytest.fixture
def district() -> District:
    corners = [[-0.012, 51.476], [0.0, 51.476], [0.0, 51.485], [-0.012, 51.485], [-0.012, 51.476]]
    return from_geojson({"type": "Polygon", "coordinates": [corners]}, name="Old town")


@pytest.fixture
def base_map(tmp_path: Path) -> Path:
    street = {"type": "LineString", "coordinates": [[-0.012, 51.478], [0.0, 51.484]]}
    pond = [[-0.006, 51.479], [-0.005, 51.479], [-0.005, 51.480], [-0.006, 51.479]]
    features = [
        ({"kind": "street", "name": "Quay Street"}, street),
        ({"kind": "water", "name": "Mill Pond"}, {"type": "Polygon", "coordinates": [pond]}),
        ({"kind": "lamp"}, {"type": "Point", "coordinates": [0, 51.48]}),
    ]
    path = tmp_path / "streets.geojson"
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "properties": p, "geometry": g} for p, g in features
                ],
            }
        )
    )
    return path


@pytest.fixture
def hostile() -> str:
    return HOSTILE
