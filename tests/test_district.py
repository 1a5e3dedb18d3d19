"""Districts: any GeoJSON polygon, and a clear answer to anything else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from workbench.district import from_file, from_geojson, from_shapes, to_geojson
from workbench.errors import DistrictError

RING = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}


def feature(geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_polygons_come_in_every_wrapping() -> None:
    east = {"type": "Polygon", "coordinates": [[[x + 2, y] for x, y in RING]]}
    collection = {
        "type": "FeatureCollection",
        "features": [feature(POLYGON, name="Two parts"), feature(east)],
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


def metres_between(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Distance on the WGS 84 ellipsoid, by the chord and Lambert's formula (good to 1 in 10^5)."""
    f, a = 1 / 298.257223563, 6_378_137.0
    p, q = (math.atan((1 - f) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    dlon = math.radians(lon2 - lon1)
    h = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin(dlon / 2) ** 2
    sigma = 2 * math.asin(math.sqrt(h))
    mean, half = (p + q) / 2, (q - p) / 2
    x = (sigma - math.sin(sigma)) * (math.sin(mean) * math.cos(half) / math.cos(sigma / 2)) ** 2
    y = (sigma + math.sin(sigma)) * (math.cos(mean) * math.sin(half) / math.sin(sigma / 2)) ** 2
    return a * (sigma - f / 2 * (x + y))


def at(longitude: float, latitude: float, **properties: object) -> dict[str, Any]:
    return feature({"type": "Point", "coordinates": [longitude, latitude]}, **properties)


def collection(*features: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def moved(dx: float, dy: float = 0.0) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[x + dx, y + dy] for x, y in RING]]}


def line(*places: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(place) for place in places]}


def test_areas_in_collections_are_inside_with_their_labels() -> None:
    """As converters of KML write them: an area and the point where its name is shown."""
    members = [moved(5), {"type": "Point", "coordinates": [5.5, 0.5]}]
    nested = {"type": "GeometryCollection", "geometries": members}
    deeper = {"type": "GeometryCollection", "geometries": [nested, moved(8)]}
    district = from_geojson(collection(feature(POLYGON, name="A"), feature(deeper, name="B")))
    assert district.area.area == pytest.approx(3)
    assert from_geojson(nested).area.area == pytest.approx(1)
    several = {"type": "MultiPolygon", "coordinates": [POLYGON["coordinates"]]}
    assert from_geojson(collection(feature(several), feature(moved(3)))).area.area == 2


@pytest.mark.parametrize("latitude", [0.0, 51.48, -77.8])
@pytest.mark.parametrize("radius", [5, 300.0, 100_000])
def test_a_circle_is_a_polygon_around_its_place(latitude: float, radius: float) -> None:
    import shapely

    district = from_geojson(collection(at(-0.01, latitude, radius=radius, name="Circle")))
    corners = shapely.get_coordinates(district.area)
    assert len(corners) == 129  # the first is the last
    middles = (corners[1:] + corners[:-1]) / 2
    for place in corners:
        assert metres_between(-0.01, latitude, *place) == pytest.approx(radius, rel=1e-3)
    for place in middles:
        assert metres_between(-0.01, latitude, *place) == pytest.approx(radius, rel=1e-3)


def test_a_circle_beside_a_polygon_is_part_of_the_district() -> None:
    import shapely

    gate = shapely.Point(-0.01, 51.48)
    district = from_geojson(collection(feature(POLYGON), at(-0.01, 51.48, radius=300)))
    assert district.area.covers(gate)
    assert not district.area.covers(shapely.Point(-0.0144, 51.48))  # 305 m to the west
    assert district.area.covers(shapely.Point(-0.0142, 51.48))  # 292 m


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (at(0, 50, radius="300"), r"its Point has the radius 300\. A circle's radius is a number"),
        (at(0, 50, radius=-3), "has the radius -3"),
        (at(0, 50, radius=float("nan")), "has the radius nan"),
        (at(0, 50, radius=1e9), "metres up to 1,000,000"),
        (at(0, 95, radius=10), "latitude 95"),
        (at(0, 89.999, radius=300), "reaches over a pole"),
        (
            collection(feature(POLYGON), at(2, 2, name="Kiosk")),
            r"holds feature 2 \(Kiosk\) \(Point\), which is not an area. Give a circle its radius",
        ),
        (
            collection(feature(POLYGON), feature(line((2, 2), (3, 2), (3, 3), (2, 2)))),
            r"holds feature 2 \(LineString\), which is not an area. Save a line around an area as",
        ),
        (feature(line((2, 2), (3, 2), (3, 3), (2, 2))), "holds no polygon but its LineString"),
        (
            feature(
                {
                    "type": "GeometryCollection",
                    "geometries": [POLYGON, {"type": "Point", "coordinates": [9, 9]}],
                }
            ),
            r"holds part 2 \(Point\), which is not an area",
        ),
        (
            collection(feature(POLYGON), *(at(n, 9) for n in range(5))),
            r"\(Point\) and 2 more, which are not an area",
        ),
        (
            collection(feature(POLYGON), feature({"type": "Circle", "coordinates": [0, 0]})),
            "the GeoJSON coordinates of feature 2 cannot be read",
        ),
        (collection(feature(POLYGON), feature(None)), "feature 2 has no geometry"),
        (collection(feature(POLYGON), "more"), "feature 2 cannot be read"),
        (
            collection(feature(POLYGON), feature(moved(0, 200), name="Far")),
            r"feature 2 \(Far\) \(Polygon\) reaches from longitude 0 to 1, latitude 200 to 201",
        ),
        ({"type": "Topology", "objects": {}}, "cannot be read"),
        ({"rings": [RING]}, "cannot be read"),
    ],
)
def test_what_is_not_an_area_is_refused_by_its_name(document: Any, said: str) -> None:
    with pytest.raises(DistrictError, match=said):
        from_geojson(document)


def test_labels_and_lines_inside_an_area_are_inside() -> None:
    inner = feature(line((0.1, 0.1), (0.9, 0.1)))
    district = from_geojson(collection(feature(POLYGON), inner, at(0.5, 0.5)))
    assert district.area.area == 1


@pytest.mark.parametrize(
    ("ring", "inside", "outside"),
    [
        ([[179, 0], [181, 0], [181, 1], [179, 1], [179, 0]], (-179.5, 179.5), (-178.5, 178.5, 0)),
        ([[-181, 0], [-179, 0], [-179, 1], [-181, 1], [-181, 0]], (-179.5, 179.5), (-178, 178)),
        ([[190, 0], [191, 0], [191, 1], [190, 1], [190, 0]], (-169.5,), (-171, 169.5)),
    ],
)
def test_areas_drawn_across_the_180th_meridian_lie_on_both_sides_of_it(
    ring: list[list[float]], inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    import shapely

    district = from_geojson({"type": "Polygon", "coordinates": [ring]})
    west, _, east, _ = district.area.bounds
    assert -180 <= west <= east <= 180
    assert all(district.area.covers(shapely.Point(x, 0.5)) for x in inside)
    assert not any(district.area.covers(shapely.Point(x, 0.5)) for x in outside)
    assert from_geojson(to_geojson(district)).area.equals(district.area)


def test_a_circle_across_the_180th_meridian_lies_on_both_sides_of_it() -> None:
    import shapely

    district = from_geojson(at(179.99, -17, radius=5000))
    assert district.area.covers(shapely.Point(-179.98, -17))
    assert district.area.covers(shapely.Point(179.95, -17))
    assert district.area.area < 0.01


def test_an_undivided_area_across_the_180th_meridian_is_not_the_rest_of_the_globe() -> None:
    ring = [[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]
    with pytest.raises(DistrictError, match=r"more than half of the globe. Divide an area"):
        from_geojson({"type": "Polygon", "coordinates": [ring]})
    globe = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    assert from_geojson({"type": "Polygon", "coordinates": [globe]}).area.area == 360 * 180


def test_a_wide_area_of_our_own_is_read_again() -> None:
    """Such as the rectangle around cameras all over the globe, in a case."""
    import shapely

    wide = from_shapes([shapely.box(-170, -60, 175, 60)], name="All cameras")
    assert from_geojson(to_geojson(wide), drawn=False) == wide
    with pytest.raises(DistrictError, match="more than half of the globe"):
        from_geojson(to_geojson(wide))
    islands = from_shapes([shapely.box(-170, 0, -160, 1), shapely.box(160, 0, 170, 1)], name="Two")
    assert from_geojson(to_geojson(islands)) == islands


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n", "\n\x1e"])
def test_a_feature_a_line_is_read_whole(separator: str) -> None:
    lines = separator.join(json.dumps(feature(moved(2 * n), name=f"Zone {n}")) for n in range(3))
    district = from_geojson(f"{lines}\n")
    assert (district.name, district.area.area) == ("Zone 0", 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_and_text_with_byte_order_marks_are_read(tmp_path: Path, encoding: str) -> None:
    text = json.dumps(feature(POLYGON, name="Büro 北"), ensure_ascii=False)
    path = tmp_path / "a.geojson"
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path.write_bytes((mark + text).encode(encoding))
    assert from_file(path).name == "Büro 北"
    assert from_geojson(f"\ufeff{text}").name == "Büro 北"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<?xml version='1.0'?><kml/>",
            r"not GeoJSON \(it looks like XML, as KML is\). Save",
        ),
        ("POLYGON ((0 0, 1 0, 1 1, 0 0))", r"not GeoJSON \(Expecting value.*\). Save the area as"),
        ("51.48, -0.01", "not GeoJSON"),
        ("", r"not GeoJSON \(it is empty\)"),
        ("[" * 100_000, "nested too deeply"),
        ('{"type": "Polygon", "coordinates": [[[0, 0]', "not GeoJSON"),
    ],
)
def test_text_that_is_no_geojson_is_answered_with_advice_about_the_file(
    text: str, said: str
) -> None:
    with pytest.raises(DistrictError, match=said) as caught:
        from_geojson(text)
    assert "raw it again" not in str(caught.value)


def test_heights_are_left_out_and_names_can_be_written() -> None:
    tall = {"type": "Polygon", "coordinates": [[[x, y, 12.5] for x, y in RING]]}
    district = from_geojson(feature(tall, name="\ud800x"))
    assert from_geojson(POLYGON).area == district.area
    district.name.encode()


def square(west: float, south: float, size: float) -> dict[str, Any]:
    east, north = west + size, south + size
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


ELSEWHERE, AT_THE_GATE = square(0.02, 51.4799, 0.01), square(-0.0101, 51.4799, 0.0002)


@pytest.mark.parametrize(
    ("document", "encoding"),
    [
        (feature(AT_THE_GATE), "utf-8-sig"),  # as Windows' editor saves it
        (
            {
                "type": "FeatureCollection",
                "features": [
                    feature(ELSEWHERE, name="Zone A"),
                    feature({"type": "Point", "coordinates": [-0.01, 51.48]}, radius=300),
                ],
            },
            "utf-8",
        ),
        (
            {
                "type": "FeatureCollection",
                "features": [
                    feature(ELSEWHERE, name="Zone A"),
                    feature({"type": "GeometryCollection", "geometries": [AT_THE_GATE]}),
                ],
            },
            "utf-8",
        ),
    ],
    ids=["byte-order-mark", "circle", "collection"],
)
def test_districts_as_people_send_them_hold_the_gate(
    tmp_path: Path, document: dict[str, Any], encoding: str
) -> None:
    import shapely

    path = tmp_path / "district.geojson"
    path.write_text(json.dumps(document), encoding=encoding)
    assert from_file(path).area.covers(shapely.Point(-0.01, 51.48))


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
