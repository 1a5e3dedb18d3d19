"""Base maps for installations without a tile server: streets drawn from GeoJSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapely import get_coordinates
from shapely.errors import ShapelyError
from shapely.geometry import shape

from workbench.errors import MapError

KINDS = {
    "street": {"LineString", "MultiLineString", "Polygon", "MultiPolygon"},
    "water": {"LineString", "MultiLineString", "Polygon", "MultiPolygon"},
    "park": {"Polygon", "MultiPolygon"},
    "block": {"Polygon", "MultiPolygon"},
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """An upright rectangle on the globe, WGS 84 degrees."""

    west: float
    south: float
    east: float
    north: float

    def united(self, other: Bounds) -> Bounds:
        """The smallest rectangle that holds both."""
        return Bounds(
            min(self.west, other.west),
            min(self.south, other.south),
            max(self.east, other.east),
            max(self.north, other.north),
        )

    def grown(self, degrees: float) -> Bounds:
        """The rectangle that reaches so many degrees further on each side."""
        return Bounds(
            self.west - degrees, self.south - degrees, self.east + degrees, self.north + degrees
        )


@dataclass(frozen=True, slots=True)
class BaseMap:
    """Streets, water, parks and blocks to draw, as a GeoJSON FeatureCollection."""

    geojson: dict[str, Any]
    bounds: Bounds


def read_base_map(path: Path) -> BaseMap:
    """Read a GeoJSON FeatureCollection whose features say ``kind`` and perhaps ``name``.

    ``kind`` is street, water, park or block; features of other kinds are left out.

    Raises
    ------
    MapError
        If the file cannot be read, is not a FeatureCollection, or has nothing that can be drawn.
    """

    def error(what: str) -> MapError:
        return MapError(what, where=str(path), fix="Set SIGHTLINE_BASE_MAP to a GeoJSON of streets")

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise error(f"the base map cannot be read ({problem})") from None
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise error("the base map is not a GeoJSON FeatureCollection")

    features: list[dict[str, Any]] = []
    bounds: Bounds | None = None
    for number, feature in enumerate(document["features"]):
        try:
            properties = feature.get("properties") or {}
            kind, geometry = properties.get("kind"), feature["geometry"]
            if kind not in KINDS:
                continue
            if geometry["type"] not in KINDS[kind]:
                raise error(f"feature {number} is a {kind} drawn as {geometry['type']}")
            drawn = shape(geometry)
        except (ShapelyError, AttributeError, TypeError, ValueError, LookupError):
            raise error(f"feature {number} of the base map cannot be read") from None
        places = get_coordinates(drawn)
        if not len(places) or not (abs(places) <= (180, 90)).all():  # so that NaN fails too
            raise error(f"feature {number} of the base map is empty or leaves the globe")
        box = Bounds(*drawn.bounds)
        bounds = bounds.united(box) if bounds else box
        named = {"kind": kind, "name": str(properties.get("name") or "")}
        features.append({"type": "Feature", "properties": named, "geometry": geometry})
    if bounds is None:
        raise error("the base map holds no street, water, park or block")
    return BaseMap({"type": "FeatureCollection", "features": features}, bounds)
