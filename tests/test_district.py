"""Districts: any GeoJSON polygon, and a clear answer to anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.district import from_file, from_geojson, to_geojson
from workbench.errors import DistrictError

RING = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}


def feature(geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_polygons_come_in_every_wrapping() -> None:
    east = {"type": "Polygon", "coordinates": [[[x + 2, y] for x, y in RING]]}
    collection = {
        "type": "FeatureCollection",
        "features": [feature(POLYGON, name="Two parts"), feature(east), feature(None)],
    }
    assert from_geojson(POLYGON).area.area == 1
    assert from_geojson(json.dumps(feature(POLYGON, name="Old town"))).name == "Old town"
    two = from_geojson(collection)
    assert (two.name, two.area.area) == ("Two parts", 2)


def test_a_hole_is_outside() -> None:
    hole = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8], [0.2, 0.2]]
    assert from_geojson({"type": "Polygon", "coordinates": [RING, hole]}).area.area < 0.65


def test_what_is_written_can_be_read() -> None:
    district = from_geojson(POLYGON, name="Old town")
    assert from_geojson(to_geojson(district)) == district


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("not json", "not GeoJSON"),
        ("[1, 2]", "not a GeoJSON object"),
        ({"type": "Point", "coordinates": [0, 0]}, "holds no polygon"),
        ({"type": "Polygon", "coordinates": []}, "holds no polygon"),
        ({"type": "Polygon"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[["a", "b"]]]}, "cannot be read"),
        ({"type": "FeatureCollection"}, "cannot be read"),
        ({"type": "FeatureCollection", "features": []}, "holds no polygon"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            "is not a simple area",
        ),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [200, 0], [200, 1], [0, 0]]]},
            "reaches from longitude 0 to 200",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "is not a simple area"),
    ],
)
def test_what_is_no_district_is_told(document: Any, said: str) -> None:
    with pytest.raises(DistrictError, match=said):
        from_geojson(document)


def test_files_give_their_name_where_the_feature_has_none(tmp_path: Path) -> None:
    path = tmp_path / "harbour.geojson"
    path.write_text(json.dumps(POLYGON))
    assert from_file(path).name == "harbour"
    path.write_text(json.dumps(feature(POLYGON, name="The harbour")))
    assert from_file(path).name == "The harbour"
    with pytest.raises(DistrictError, match=r"gone\.geojson: cannot be read"):
        from_file(tmp_path / "gone.geojson")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DistrictError, match="cannot be read"):
        from_file(path)
