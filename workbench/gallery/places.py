"""Cameras of a gallery as columns, for questions over all of them at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from workbench.domain import Camera
from workbench.errors import DistrictError

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.domain import District, Filter

# Cameras that are kept as such.
_MOST_MADE = 4_096


class Places:
    """Cameras as columns, sorted by id; NaN for the coordinates of one whose place is not known."""

    def __init__(
        self,
        ids: NDArray[np.str_],
        names: pa.ChunkedArray,
        longitude: NDArray[np.float64],
        latitude: NDArray[np.float64],
    ) -> None:
        self.ids, self.longitude, self.latitude = ids, longitude, latitude
        self._names = names
        self._made: dict[int, Camera] = {}
        self._asked: tuple[bytes, NDArray[np.bool_]] | None = None

    @classmethod
    def of(cls, rows: pa.Table) -> Places:
        """Make from a table of camera_id, name, latitude, longitude, sorted by camera_id."""
        return cls(
            np.array(rows["camera_id"].to_pylist(), np.str_),
            rows["name"],
            rows["longitude"].to_numpy(zero_copy_only=False).astype(np.float64),
            rows["latitude"].to_numpy(zero_copy_only=False).astype(np.float64),
        )

    def at(self, number: int) -> Camera:
        """Camera at a row number of the columns; those that were asked for last are kept."""
        found = self._made.get(number)
        if found is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            found = self._made[number] = self._camera(number)
        return found

    def _camera(self, number: int) -> Camera:
        place: Any = self.latitude.item(number), self.longitude.item(number)
        if not all(map(math.isfinite, place)):
            place = (None, None)
        return Camera(self.ids.item(number), self._names[number].as_py(), *place)

    def get(self, camera_id: str) -> Camera | None:
        """Camera with that id, or None."""
        number = self.number(camera_id)
        return None if number is None else self.at(number)

    def number(self, camera_id: str) -> int | None:
        """Row number of a camera in the columns, or None."""
        number = int(np.searchsorted(self.ids, camera_id))
        return number if number < len(self.ids) and self.ids[number] == camera_id else None

    def camera(self, camera_id: str) -> Camera:
        """Camera with that id; raise KeyError if it is unknown."""
        found = self.get(camera_id)
        if found is None:
            raise KeyError(camera_id)
        return found

    def inside(self, district: District) -> NDArray[np.bool_]:
        """Mask ``(n,) bool`` of the cameras in a district, its border included.

        One whose place is not known is in none. That of the last district is kept, as one walk asks
        for it again and again: it cannot be written to.
        """
        shape, asked = district.area.wkb, self._asked
        if asked is None or asked[0] != shape:
            found = self._inside(district)
            found.flags.writeable = False
            asked = self._asked = shape, found
        return asked[1]

    def _inside(self, district: District) -> NDArray[np.bool_]:
        west, south, east, north = district.area.bounds
        near = (self.longitude >= west) & (self.longitude <= east)
        near &= (self.latitude >= south) & (self.latitude <= north)
        if district.area.equals(shapely.box(west, south, east, north)):
            return near
        rows = np.flatnonzero(near)
        shapely.prepare(district.area)
        near[rows] = shapely.intersects_xy(district.area, self.longitude[rows], self.latitude[rows])
        return near

    def without_place(self) -> NDArray[np.bool_]:
        """Mask ``(n,) bool`` of the cameras whose place is not known."""
        return np.isnan(self.longitude) | np.isnan(self.latitude)

    def nowhere(self, names: Collection[str]) -> NDArray[np.bool_]:
        """Mask ``(n,) bool`` of the cameras with these ids whose place is not known.

        One that has a place is none of them, whoever names it.
        """
        return self.without_place() & np.isin(self.ids, np.array(sorted(names), np.str_))

    def searched(self, district: District, unplaced: Collection[str] = ()) -> NDArray[np.bool_]:
        """Mask ``(n,) bool`` of the cameras in a district, and of those *unplaced* without a place.

        Raises DistrictError if there is none of either kind.
        """
        inside = self.inside(district)
        if unplaced:
            inside = inside | self.nowhere(unplaced)
        if not inside.any():
            raise DistrictError(
                "holds no camera of this gallery",
                where=district.name,
                fix="Draw it around at least one camera",
            )
        return inside

    def left_by(self, only: Filter | None, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mask ``(n,) bool`` of those of the cameras *inside* that a filter leaves."""
        if only is None or only.cameras is None:
            return inside
        return inside & np.isin(self.ids, np.array(sorted(only.cameras), np.str_))

    def chosen(
        self, district: District, unplaced: Collection[str] = (), only: Filter | None = None
    ) -> tuple[Camera, ...]:
        """Cameras of a search; raise DistrictError if there is none, or the filter leaves none."""
        left = self.left_by(only, self.searched(district, unplaced))
        if not left.any():
            raise DistrictError(
                "holds none of the cameras that were chosen",
                where=district.name,
                fix="Choose cameras inside the district",
            )
        return tuple(map(self.at, np.flatnonzero(left).tolist()))
