"""Cameras that a person can have reached from one that saw them, and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.domain import Camera
from workbench.errors import TimeError
from workbench.maps.route import CAMERA_REACH_METRES, metres_between

SPEEDS: Mapping[str, float] = {"on foot": 6.0, "by bicycle": 25.0, "by car": 80.0}
"""Kilometres an hour in a straight line that a person hardly exceeds, by how they move."""

_FASTEST = 300.0


@dataclass(frozen=True, slots=True)
class Reached:
    """Camera that can have been reached, and the window of time in which it was then."""

    camera: Camera
    metres: float  # in a straight line
    earliest: datetime  # UTC
    latest: datetime  # likewise


def reachable(
    origin: Camera, left_at: datetime, cameras: Iterable[Camera], *, kmh: float, until: datetime
) -> tuple[Reached, ...]:
    """Find the cameras that can have been reached by a time, the one reached first in front.

    The straight line is shorter than any way and the speed is a bound, so the earliest time is one
    too: somebody can have come later, hardly sooner. People are seen at some distance from a
    camera, which is taken off at both ends. Cameras whose place is not known are left out.

    Parameters
    ----------
    origin : Camera
        Where the person was seen last; it has a place.
    left_at : datetime
        Last sight of them there.
    cameras : iterable of Camera
        Those that are asked about.
    kmh : float
        Speed in a straight line, in kilometres an hour.
    until : datetime
        End of all windows.

    Raises
    ------
    TimeError
        If the speed is none of a person on the ground.
    """
    if not 0 < kmh <= _FASTEST:
        raise TimeError(
            f"a speed of {kmh:g} km/h is none at which a person is followed",
            where="speed",
            fix=f"Choose one above 0 and up to {_FASTEST:g} km/h",
        )
    if origin.place is None:
        return ()
    found = []
    for camera in cameras:
        if camera.place is None or camera.camera_id == origin.camera_id:
            continue
        metres = metres_between(origin.place, camera.place)
        way = max(0.0, metres - 2 * CAMERA_REACH_METRES)
        earliest = left_at + timedelta(seconds=3.6 * way / kmh)
        if earliest < until:
            found.append(Reached(camera, metres, earliest, until))
    return tuple(sorted(found, key=lambda one: (one.earliest, one.metres, one.camera.camera_id)))
