"""All cameras on a map, however many: one canvas, drawn when the map has come to rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipyleaflet
import ipywidgets
import numpy as np
from traitlets import Bool, Bytes, Instance, Tuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTSIDE, INSIDE, PICKED = 0, 1, 2


class CameraLayer(anywidget.AnyWidget):
    """Draws points on a map of ipyleaflet; must be displayed, though it shows nothing of its own.

    Leaflet's own layers hold an object for each point and look at all of them at each movement of
    the mouse; GeoJSON for 160,000 cameras is 20 MB of text. This sends 8 bytes each, once, and one
    byte each when the district changes.

    Parameters
    ----------
    on_map : ipyleaflet.Map
    longitudes, latitudes : (n,) float64
        WGS 84 degrees.
    on_point, on_pick : callable
        Called with the number of the camera pointed at (None: of none), and of one clicked while
        ``picking``.
    fitted : (n, 2) float64, optional
        Longitudes and latitudes that the map shows at first; by default those of the cameras.
    """

    _esm = Path(__file__).with_name("cameralayer.js")
    map = Instance(ipyleaflet.Map).tag(sync=True, **ipywidgets.widget_serialization)
    # (n, 2) float32: longitude and latitude from the origin; some centimetres within a region.
    places = Bytes().tag(sync=True)
    origin = Tuple((0.0, 0.0)).tag(sync=True)
    marks = Bytes().tag(sync=True)  # (n,) uint8: outside, inside, picked
    picking = Bool(False).tag(sync=True)
    fitted = Tuple().tag(sync=True)  # west, south, east, north; empty: the cameras

    def __init__(
        self,
        on_map: ipyleaflet.Map,
        longitudes: NDArray[np.float64],
        latitudes: NDArray[np.float64],
        *,
        on_point: Callable[[int | None], None],
        on_pick: Callable[[int], None],
        fitted: NDArray[np.float64] | None = None,
    ) -> None:
        shown = () if fitted is None else (*fitted.min(axis=0), *fitted.max(axis=0))
        super().__init__(
            map=on_map, fitted=tuple(map(float, shown)), **_places(longitudes, latitudes)
        )
        self._count = len(longitudes)
        self._on_point, self._on_pick = on_point, on_pick
        self.on_msg(self._received)

    def move(self, longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]) -> None:
        """Show other cameras in place of those before; each as outside."""
        with self.hold_sync():
            for name, value in _places(longitudes, latitudes).items():
                setattr(self, name, value)
        self._count = len(longitudes)

    def mark(self, marks: NDArray[np.uint8]) -> None:
        """Show each camera as outside, inside or picked."""
        self.marks = marks.astype(np.uint8).tobytes()

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        number = int(message["camera"])
        known = 0 <= number < self._count
        if message["kind"] == "point":
            self._on_point(number if known else None)
        elif message["kind"] == "pick" and known and self.picking:
            self._on_pick(number)


def _places(longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]) -> dict[str, Any]:
    """The traits that say where cameras are."""
    degrees = np.column_stack([longitudes, latitudes])
    origin = degrees.mean(axis=0) if len(degrees) else np.zeros(2)
    return {
        "origin": (float(origin[0]), float(origin[1])),
        "places": (degrees - origin).astype("<f4").tobytes(),
        "marks": bytes(len(degrees)),
    }
