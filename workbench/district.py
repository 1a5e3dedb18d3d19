"""Districts: polygons on the globe, read from GeoJSON and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.domain import District
from workbench.errors import DistrictError

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon
    from shapely.geometry.base import BaseGeometry

DRAW_AGAIN = "Draw it again with at least three corners and no crossing edges"


def from_geojson(document: str | Mapping[str, Any], *, name: str = "") -> District:
    """Read a district from a GeoJSON geometry, Feature or FeatureCollection (all its polygons).

    Parameters
    ----------
    document : str or mapping
        GeoJSON text, or the same already parsed. Positions are longitude, latitude (RFC 7946).
    name : str
        Shown to people; by default the first feature's ``name`` property.

    Raises
    ------
    DistrictError
        If it is not GeoJSON, holds no polygon, leaves the globe, crosses itself or has no area.
    """
    import shapely
    from shapely.geometry import shape

    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise DistrictError(
                f"not GeoJSON ({error})", where=name or "district", fix=DRAW_AGAIN
            ) from None
    if not isinstance(document, Mapping):
        raise DistrictError("not a GeoJSON object", where=name or "district", fix=DRAW_AGAIN)
    name = name or _name(document) or "district"
    try:
        shapes = [shape(dict(geometry)) for geometry in _geometries(document)]
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, shapely.GEOSException):
        raise DistrictError(
            "its GeoJSON coordinates cannot be read", where=name, fix=DRAW_AGAIN
        ) from None
    return from_shapes(shapes, name=name)


def from_file(path: Path | str) -> District:
    """Read a district from a GeoJSON file; see :func:`from_geojson`."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DistrictError(
            f"cannot be read ({error})", where=str(path), fix="Name a GeoJSON file"
        ) from None
    district = from_geojson(text)
    return district if district.name != "district" else District(path.stem, district.area)


def from_shapes(shapes: list[BaseGeometry], *, name: str) -> District:
    """Check polygons and unite them into one district; raise DistrictError if they are no area."""
    import shapely
    from shapely import MultiPolygon, Polygon

    polygons = [s for s in shapes if isinstance(s, Polygon | MultiPolygon) and not s.is_empty]
    if not polygons:
        raise DistrictError("holds no polygon", where=name, fix=DRAW_AGAIN)
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise DistrictError(
                f"reaches from longitude {west:g} to {east:g}, latitude {south:g} to {north:g}",
                where=name,
                fix="Use WGS 84 degrees, longitude first",
            )
        if not polygon.is_valid:
            reason = shapely.is_valid_reason(polygon)
            raise DistrictError(f"is not a simple area ({reason})", where=name, fix=DRAW_AGAIN)
        if polygon.area == 0:
            raise DistrictError("has no area", where=name, fix=DRAW_AGAIN)
    area: Polygon | MultiPolygon = polygons[0]
    if len(polygons) > 1:
        united = shapely.union_all(polygons)
        assert isinstance(united, Polygon | MultiPolygon)  # a union of valid polygons
        area = united
    return District(name, area)


def to_geojson(district: District) -> dict[str, Any]:
    """The district as a GeoJSON Feature."""
    from shapely.geometry import mapping

    return {
        "type": "Feature",
        "properties": {"name": district.name},
        "geometry": mapping(district.area),
    }


def _geometries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    match document.get("type"):
        case "FeatureCollection":
            return [g for f in document["features"] for g in _geometries(f)]
        case "Feature":
            return [] if document.get("geometry") is None else [document["geometry"]]
        case _:
            return [document]


def _name(document: Mapping[str, Any]) -> str:
    feature: Any = document
    if document.get("type") == "FeatureCollection":
        features = document.get("features")
        feature = features[0] if isinstance(features, list) and features else {}
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    return str(properties.get("name") or "") if isinstance(properties, Mapping) else ""
