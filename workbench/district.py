"""Districts: areas on the globe, read from GeoJSON and checked.

Every part of what was drawn is inside the district or refused by its name: a search or an authority
that is narrower than the drawing, and says nothing, would be worse than none.
"""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from shapely import MultiPolygon, Point, Polygon
from shapely.affinity import translate
from shapely.geometry import mapping, shape

from workbench.domain import District
from workbench.errors import DistrictError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DRAW_AGAIN = "Draw it again with at least three corners and no crossing edges"
OTHER_FILE = "Save the area as GeoJSON: a Polygon or MultiPolygon, or features of them"
# A circle becomes a polygon of that many corners on it; its edges lie at most 0.03 % of the radius
# inside.
CIRCLE_CORNERS = 128
LARGEST_RADIUS = 1_000_000.0  # metres
# Deeper than any program nests collections.
DEEPEST = 20
KINDS = ("Polygon", "MultiPolygon", "Point", "MultiPoint", "LineString", "MultiLineString")
# WGS 84: semi-major axis in metres, and flattening.
_AXIS, _FLATTENING = 6_378_137.0, 1 / 298.257223563
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def from_geojson(
    document: str | Mapping[str, Any], *, name: str = "", drawn: bool = True
) -> District:
    """Read a district from GeoJSON: all its polygons and circles together.

    A circle is a Point with a positive number ``radius``, in metres, among its properties, as
    Leaflet.draw and Folium export it. Points and lines are passed over where they lie inside the
    areas, as labels do.

    Parameters
    ----------
    document : str or mapping
        GeoJSON text, one document or one a line, or the same already parsed. Positions are
        longitude, latitude (RFC 7946).
    name : str
        Shown to people; by default the first feature's ``name`` property.
    drawn : bool
        False for a district that :func:`to_geojson` wrote. In another one, an edge over more than
        half of the globe is refused: it is meant to cross the 180th meridian.

    Raises
    ------
    DistrictError
        If it is not GeoJSON, holds no area or something that is none, leaves the globe, crosses
        itself or has no area.
    """
    parsed = _parsed(document, name or "district") if isinstance(document, str) else document
    if not isinstance(parsed, Mapping):
        raise DistrictError("not a GeoJSON object", where=name or "district", fix=OTHER_FILE)
    name = name or _name(parsed) or "district"
    return _united([_shape(part, name) for part in _parts(parsed, name)], name, drawn=drawn)


def from_file(path: Path | str) -> District:
    """Read a district from a GeoJSON file; see :func:`from_geojson`."""
    path = Path(path)
    try:
        text = decoded(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DistrictError(
            f"cannot be read ({error})", where=str(path), fix="Name a GeoJSON file"
        ) from None
    district = from_geojson(text)
    return district if district.name != "district" else District(path.stem, district.area)


def decoded(content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with a byte order mark; raise UnicodeDecodeError otherwise."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding)


def from_shapes(shapes: list[BaseGeometry], *, name: str) -> District:
    """Unite polygons into one district; raise DistrictError if they do not form an area."""
    return _united([_Part(shape.geom_type, shape) for shape in shapes], name, drawn=False)


def to_geojson(district: District) -> dict[str, Any]:
    """Return the district as a GeoJSON Feature."""
    return {
        "type": "Feature",
        "properties": {"name": district.name},
        "geometry": mapping(district.area),
    }


@dataclass(frozen=True, slots=True)
class _Part:
    """One geometry of a document, and what to call it in a message."""

    called: str
    geometry: Any  # a mapping, then a shape
    properties: Mapping[str, Any] | None = None


def _parsed(text: str, where: str) -> object:
    text = text.removeprefix("\ufeff").strip(" \t\r\n\x1e")
    try:
        return json.loads(text)
    except RecursionError:
        raise DistrictError(
            "not GeoJSON (nested too deeply)", where=where, fix=OTHER_FILE
        ) from None
    except ValueError as error:
        # GeoJSON text sequences: a feature a line, each perhaps behind a record separator.
        lines = [line.strip("\x1e \t") for line in text.splitlines()]
        try:
            features = [json.loads(line) for line in lines if line]
        except (ValueError, RecursionError):
            features = []
        if len(features) > 1:
            return {"type": "FeatureCollection", "features": features}
        kind = "it looks like XML, as KML is" if text.startswith("<") else str(error)
        raise DistrictError(
            f"not GeoJSON ({kind})" if text else "not GeoJSON (it is empty)",
            where=where,
            fix=OTHER_FILE,
        ) from None


def _parts(document: Any, name: str) -> Iterator[_Part]:
    """The geometries of a document, collections taken apart."""
    if document.get("type") != "FeatureCollection":
        yield from _parts_of_feature(document, "", name)
        return
    features = document.get("features")
    if not isinstance(features, list):
        raise _unreadable("its features", name)
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, Mapping):
            raise _unreadable(f"feature {number}", name)
        if feature.get("type") == "FeatureCollection":  # as joined files hold
            yield from _parts(feature, name)
            continue
        own = _name(feature)
        called = f"feature {number} ({_shortened(own)})" if own else f"feature {number}"
        yield from _parts_of_feature(feature, called, name)


def _parts_of_feature(document: Mapping[str, Any], called: str, name: str) -> Iterator[_Part]:
    properties, geometry = None, document
    if document.get("type") == "Feature":
        properties, geometry = document.get("properties"), document.get("geometry")  # type: ignore[assignment]
        if geometry is None:  # it may have been an area, which is then missing
            raise DistrictError(
                f"{called or 'its feature'} has no geometry",
                where=name,
                fix="Draw it again, or remove it from the file",
            )
    if not isinstance(properties, Mapping):
        properties = None
    yield from _taken_apart(geometry, called, properties, name, 0)


def _taken_apart(
    geometry: Any, called: str, properties: Mapping[str, Any] | None, name: str, depth: int
) -> Iterator[_Part]:
    if not isinstance(geometry, Mapping) or depth > DEEPEST:
        raise _unreadable(called or "its GeoJSON", name)
    if geometry.get("type") != "GeometryCollection":
        yield _Part(called, geometry, properties)
        return
    members = geometry.get("geometries")
    if not isinstance(members, list):
        raise _unreadable(called or "its GeoJSON", name)
    for number, member in enumerate(members, start=1):
        within = f"{called}, part {number}" if called else f"part {number}"
        yield from _taken_apart(member, within, properties, name, depth + 1)


def _shape(part: _Part, name: str) -> _Part:
    """The part with its geometry as a shape; a circle as the polygon in it."""
    kind = part.geometry.get("type")
    if kind not in KINDS:
        raise _unreadable(part.called, name)
    called = f"{part.called} ({kind})" if part.called else f"its {kind}"
    try:
        made = shapely.force_2d(shape(dict(part.geometry)))
    except (
        ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError,
        shapely.GEOSException,
    ):  # fmt: skip
        raise _unreadable(part.called, name) from None
    radius = (part.properties or {}).get("radius")
    if isinstance(made, Point) and radius is not None and not made.is_empty:
        made = _circle(made.x, made.y, radius, called, name)
    return _Part(called, made)


def _circle(longitude: float, latitude: float, radius: Any, called: str, name: str) -> Polygon:
    """A polygon with its corners on a circle around a place; *radius* in metres."""
    if not isinstance(radius, int | float) or not 0 < radius <= LARGEST_RADIUS:
        raise DistrictError(
            f"{called} has the radius {_shortened(radius)}",
            where=name,
            fix=f"A circle's radius is a number of metres up to {LARGEST_RADIUS:,.0f}",
        )
    if not (abs(latitude) <= 90 and abs(longitude) <= 360):  # not a number fails, too
        raise DistrictError(
            f"{called} lies at longitude {longitude:g}, latitude {latitude:g}",
            where=name,
            fix="Use WGS 84 degrees, longitude first",
        )
    to_a_pole = math.radians(90 - abs(latitude)) * _AXIS * (1 - _FLATTENING)
    if radius >= 0.99 * to_a_pole:  # 0.99: a degree is not everywhere as long
        raise DistrictError(
            f"{called} reaches over a pole", where=name, fix="Draw it as a polygon instead"
        )
    return Polygon(
        _destination(longitude, latitude, 360 * corner / CIRCLE_CORNERS, float(radius))
        for corner in range(CIRCLE_CORNERS)
    )


def _destination(
    longitude: float, latitude: float, azimuth: float, metres: float
) -> tuple[float, float]:
    """The place so many metres from another, in a direction in degrees clockwise from north.

    Vincenty's direct formula on the WGS 84 ellipsoid (Survey Review 23, 1975), good to a
    millimetre. The longitude is not brought back to [-180, 180].
    """
    axis, flattening = _AXIS, _FLATTENING
    polar = axis * (1 - flattening)
    sin_a, cos_a = math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))
    tan_u = (1 - flattening) * math.tan(math.radians(latitude))
    cos_u = 1 / math.hypot(1, tan_u)
    sin_u = tan_u * cos_u
    sigma_1 = math.atan2(tan_u, cos_a)
    sin_alpha = cos_u * sin_a
    cos2_alpha = 1 - sin_alpha**2
    u2 = cos2_alpha * (axis**2 - polar**2) / polar**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sigma = metres / (polar * a)
    for _ in range(10):  # it converges in three or four
        middle = math.cos(2 * sigma_1 + sigma)
        sin_s, cos_s = math.sin(sigma), math.cos(sigma)
        inner = cos_s * (2 * middle**2 - 1)
        inner -= b / 6 * middle * (4 * sin_s**2 - 3) * (4 * middle**2 - 3)
        sigma = metres / (polar * a) + b * sin_s * (middle + b / 4 * inner)
    sin_s, cos_s = math.sin(sigma), math.cos(sigma)
    middle = math.cos(2 * sigma_1 + sigma)
    across = sin_u * sin_s - cos_u * cos_s * cos_a
    north = math.atan2(
        sin_u * cos_s + cos_u * sin_s * cos_a, (1 - flattening) * math.hypot(sin_alpha, across)
    )
    lam = math.atan2(sin_s * sin_a, cos_u * cos_s - sin_u * sin_s * cos_a)
    c = flattening / 16 * cos2_alpha * (4 + flattening * (4 - 3 * cos2_alpha))
    east = lam - (1 - c) * flattening * sin_alpha * (
        sigma + c * sin_s * (middle + c * cos_s * (2 * middle**2 - 1))
    )
    return longitude + math.degrees(east), math.degrees(north)


def _united(parts: list[_Part], name: str, *, drawn: bool) -> District:
    present = [part for part in parts if not part.geometry.is_empty]
    areas = [part for part in present if isinstance(part.geometry, Polygon | MultiPolygon)]
    others = [part for part in present if part not in areas]
    if not areas:
        what = f" but {_listed([part.called for part in others])}" if others else ""
        raise DistrictError(f"holds no polygon{what}", where=name, fix=_fix_of(others))
    pieces = [_checked(part, name, alone=len(areas) == 1, drawn=drawn) for part in areas]
    area: Polygon | MultiPolygon = pieces[0]
    if len(pieces) > 1:
        united = shapely.union_all(pieces)
        assert isinstance(united, Polygon | MultiPolygon)  # a union of valid polygons
        area = united
    outside = [part.called for part in others if not area.covers(part.geometry)]
    if outside:
        raise DistrictError(
            f"holds {_listed(outside)}, which {'is' if len(outside) == 1 else 'are'} not an area",
            where=name,
            fix=_fix_of([part for part in others if part.called in outside]),
        )
    return District(name, area)


def _checked(part: _Part, name: str, *, alone: bool, drawn: bool) -> Polygon | MultiPolygon:
    """The part's area between the meridians of 180 degrees; raise DistrictError if it is none."""
    polygon: Polygon | MultiPolygon = part.geometry
    which = "" if alone else f"{part.called} "
    west, south, east, north = polygon.bounds
    across = east - west < 180 and west >= -360 and east <= 360
    if not (-90 <= south <= north <= 90 and (-180 <= west <= east <= 180 or across)):
        raise DistrictError(
            f"{which}reaches from longitude {west:g} to {east:g}, latitude {south:g} to {north:g}",
            where=name,
            fix="Use WGS 84 degrees, longitude first",
        )
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        raise DistrictError(f"{which}is not a simple area ({reason})", where=name, fix=DRAW_AGAIN)
    if polygon.area == 0:
        raise DistrictError(f"{which}has no area", where=name, fix=DRAW_AGAIN)
    if drawn and (west, east) != (-180, 180) and _longest_edge(polygon) > 180:
        raise DistrictError(
            f"{which}has an edge over more than half of the globe",
            where=name,
            fix="Divide an area that crosses the 180th meridian there (RFC 7946, 3.1.9)",
        )
    return _between_meridians(polygon) if west < -180 or east > 180 else polygon


def _longest_edge(polygon: Polygon | MultiPolygon) -> float:
    """Degrees of longitude from one end of an edge to the other, at most."""
    import numpy as np
    import shapely

    rings = shapely.get_rings(shapely.get_parts(polygon))
    return float(max(abs(np.diff(shapely.get_coordinates(ring)[:, 0])).max() for ring in rings))


def _between_meridians(polygon: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """An area drawn beyond the 180th meridian, as maps draw it, in pieces on both sides of it."""
    pieces = []
    for turns in (-1, 0, 1):
        moved = translate(polygon, 360 * turns)
        inside = shapely.intersection(moved, shapely.box(-180, -90, 180, 90))
        pieces += [p for p in shapely.get_parts(inside) if isinstance(p, Polygon) and p.area]
    return MultiPolygon(pieces) if len(pieces) > 1 else pieces[0]


def _fix_of(others: list[_Part]) -> str:
    if any(part.geometry.geom_type in ("LineString", "MultiLineString") for part in others):
        return "Save a line around an area as a polygon, and leave out what is not part of the area"
    if any("Point" in part.geometry.geom_type for part in others):
        return (
            "Give a circle its radius in metres as a property of its Point, and leave out what is "
            "not part of the area"
        )
    return DRAW_AGAIN


def _listed(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _unreadable(called: str, name: str) -> DistrictError:
    what = f"the GeoJSON coordinates of {called}" if called else "its GeoJSON coordinates"
    return DistrictError(f"{what} cannot be read", where=name, fix=OTHER_FILE)


def _shortened(value: object, most: int = 60) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[:most]}…"


def _name(document: Mapping[str, Any]) -> str:
    feature: Any = document
    if document.get("type") == "FeatureCollection":
        features = document.get("features")
        feature = features[0] if isinstance(features, list) and features else {}
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    name = str(properties.get("name") or "") if isinstance(properties, Mapping) else ""
    # Half of a surrogate pair, which JSON can hold, cannot be written to a file.
    return name.encode("utf-8", "replace").decode("utf-8")
