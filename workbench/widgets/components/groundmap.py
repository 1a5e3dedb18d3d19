"""A Leaflet map of the ground that cameras stand on: tiles, or drawn streets, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipyleaflet
import shapely.geometry

from workbench.errors import SightlineError
from workbench.maps.basemap import BaseMap, read_base_map
from workbench.widgets.components.parts import escaped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.settings import Settings

WIDTH = 440  # pixels, about; only used to fit what is shown into the first view
GROUND = {
    "street": {"color": "#b9c2cb", "weight": 3, "fillOpacity": 0},
    "water": {"color": "#a9cbe0", "weight": 1, "fillColor": "#cfe3ef", "fillOpacity": 1},
    "park": {"color": "#c3d9bd", "weight": 1, "fillColor": "#dcebd7", "fillOpacity": 1},
    "block": {"color": "#dfe3e7", "weight": 1, "fillColor": "#eceff1", "fillOpacity": 1},
}


def ground_map(
    settings: Settings,
    longitudes: NDArray[np.float64],
    latitudes: NDArray[np.float64],
    *,
    height: int,
    say: Callable[[str], None],
) -> Any:
    """Make a map on which these places can be seen; without places, the base map can be.

    Parameters
    ----------
    longitudes, latitudes : (n,) float64
        WGS 84 degrees.
    height : int
        Pixels.
    say : callable
        Told what is wrong with the base map.
    """
    base = None if settings.tiles else _base_map(settings, say)
    if len(longitudes):
        centre, zoom = _view(
            float(longitudes.min()), float(latitudes.min()),
            float(longitudes.max()), float(latitudes.max()), height,
        )  # fmt: skip
    elif base is not None:
        bounds = base.bounds
        centre, zoom = _view(bounds.west, bounds.south, bounds.east, bounds.north, height)
    else:
        centre, zoom = (0.0, 0.0), 2
    made = ipyleaflet.Map(
        layers=_layers(settings, base),
        center=centre,
        zoom=zoom,
        zoom_snap=1 if settings.tiles else 0.25,
        max_zoom=19,
        prefer_canvas=True,
        attribution_control=False,
        scroll_wheel_zoom=False,  # it scrolls the page; with Ctrl it zooms: see cameralayer.js
        layout={"height": f"{height}px"},
    )
    if settings.tiles and settings.tiles_attribution:
        made.add(ipyleaflet.AttributionControl(prefix=escaped(settings.tiles_attribution)))
    made.add(ipyleaflet.ScaleControl(position="bottomleft", imperial=False))
    made.add(ipyleaflet.FullScreenControl(position="topright"))
    made.add_class("sl-map")
    return made


def named_places(settings: Settings) -> dict[str, tuple[float, float]]:
    """Find where the named streets, waters and parks of the base map are: latitude, longitude."""
    base = _base_map(settings, lambda _: None)  # what is wrong with it is said by the map
    places: dict[str, tuple[float, float]] = {}
    for feature in base.geojson["features"] if base else ():
        name = feature["properties"].get("name")
        if name and name not in places:
            point = shapely.geometry.shape(feature["geometry"]).representative_point()
            places[str(name)] = (point.y, point.x)
    return places


def _base_map(settings: Settings, say: Callable[[str], None]) -> BaseMap | None:
    if settings.base_map is None:
        return None
    try:
        return read_base_map(settings.base_map)
    except SightlineError as error:
        say(str(error))
        return None


def _layers(settings: Settings, base: BaseMap | None) -> list[Any]:
    if settings.tiles:
        return [ipyleaflet.TileLayer(url=settings.tiles, attribution="", max_zoom=19)]
    layers = []
    for kind in ("block", "park", "water", "street") if base else ():
        assert base is not None
        features = [f for f in base.geojson["features"] if f["properties"]["kind"] == kind]
        if features:
            data = {"type": "FeatureCollection", "features": features}
            layers.append(ipyleaflet.GeoJSON(data=data, style=GROUND[kind]))
    return layers


def _view(
    west: float, south: float, east: float, north: float, height: int
) -> tuple[tuple[float, float], float]:
    """Centre (latitude, longitude, as Leaflet has it) and zoom that show a rectangle.

    By the Web Mercator scale: the globe is 256 * 2**zoom pixels wide.
    """
    middle = (south + north) / 2
    across = max(east - west, 1e-4) / 360
    up = max(north - south, 1e-4) / 360 / max(math.cos(math.radians(middle)), 0.01)
    margin = 60
    zoom = min(math.log2((WIDTH - margin) / 256 / across), math.log2((height - margin) / 256 / up))
    return (middle, (west + east) / 2), max(1.0, min(17.0, math.floor(zoom * 4) / 4))
