"""Places to draw cameras at: apart from others at the same spot, on one side of the globe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.maps.route import metres_between

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from workbench.domain import Camera, District, Place

# Cameras nearer to each other hang at one spot, such as a pole: marks of them would cover each
# other at any zoom, of which the closest shows a pixel for every 20 cm.
SPOT_METRES = 5.0
_METRES_PER_DEGREE = 111_320.0


def levels(cameras: Iterable[Camera]) -> dict[str, int]:
    """For each camera with a place, by its id, how many before it hang at the same spot."""
    # Spots by cells of their size; one within reach lies in the cell or beside it.
    spots: dict[tuple[int, int], list[tuple[Place, int]]] = {}
    found: dict[str, int] = {}
    size = SPOT_METRES / _METRES_PER_DEGREE
    for camera in cameras:
        place = camera.place
        if place is None:
            continue
        # No wider than a degree of longitude is there, and as if all of the globe were before 85°.
        wide = size / max(0.08, math.cos(math.radians(place.latitude)))
        row, column = math.floor(place.latitude / size), math.floor(place.longitude / wide)
        near = (
            (cell, number)
            for cell in ((row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            for number, (first, _) in enumerate(spots.get(cell, ()))
            if metres_between(first, place) <= SPOT_METRES
        )
        cell, number = next(near, ((row, column), -1))
        if number < 0:
            spots.setdefault(cell, []).append((place, 1))
            found[camera.camera_id] = 0
        else:
            first, count = spots[cell][number]
            found[camera.camera_id] = count
            spots[cell][number] = first, count + 1
    return found


@dataclass(frozen=True, slots=True)
class Meridian:
    """Choice of how longitudes are drawn: as they are or, across 180 degrees, from 0 to 360.

    Places on both sides of that meridian then lie beside each other, not at the ends of the map.
    """

    across: bool = False

    @classmethod
    def between(cls, cameras: Sequence[Camera], district: District | None) -> Meridian:
        """The one that draws cameras and district nearest to each other."""
        import shapely

        places = [camera.place for camera in cameras if camera.place is not None]
        spans = [(place.longitude, place.longitude) for place in places]
        if district is not None:
            spans += [
                (west, east)
                for west, _, east, _ in (part.bounds for part in shapely.get_parts(district.area))
            ]
        if not spans or any(west < 0 < east for west, east in spans):
            return cls()
        wide = max(east for _, east in spans) - min(west for west, _ in spans)
        # The part of the west that ends at 0 lies at 360 then.
        moved = [(w + 360, e + 360) if w < 0 else (w, e) for w, e in spans]
        joined = max(east for _, east in moved) - min(west for west, _ in moved)
        return cls(across=wide > 180 > joined)

    def longitude(self, degrees: float) -> float:
        """Return the longitude at which to draw a given one."""
        return degrees + 360 if self.across and degrees < 0 else degrees

    def shape(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape where it is drawn; one on both sides of Greenwich stays as it is."""
        import numpy as np
        import shapely

        bounds = shapely.bounds(shapely.get_parts(shape))
        if not self.across or ((bounds[:, 0] < 0) & (bounds[:, 2] >= 0)).any():
            return shape
        return shapely.transform(shape, lambda at: at + np.where(at[:, :1] < 0, [360, 0], 0))

    def geometry(self, geometry: dict[str, Any]) -> dict[str, Any]:
        """A GeoJSON geometry where it is drawn."""
        from shapely.geometry import mapping, shape

        return dict(mapping(self.shape(shape(geometry)))) if self.across else geometry
