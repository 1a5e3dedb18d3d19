"""Cameras that a person can have reached from one that saw them, and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from workbench.domain import Camera, Span
from workbench.errors import TimeError
from workbench.maps.route import CAMERA_REACH_METRES, metres_between

if TYPE_CHECKING:
    from workbench.gallery.times import RecordedPart

SPEEDS: Mapping[str, float] = {"on foot": 6.0, "by bicycle": 25.0, "by car": 80.0}
"""Kilometres an hour in a straight line that a person hardly exceeds, by how they move."""

_FASTEST = 300.0


@dataclass(frozen=True, slots=True)
class Reached:
    """Camera that can have been reached, and the window of time in which it was then.

    The window is by the clock of that camera, as it is known, and widened by what it and that of
    the last sight are known to.
    """

    camera: Camera
    metres: float  # in a straight line
    earliest: datetime  # UTC
    latest: datetime  # likewise
    recorded_from: datetime | None = None  # UTC: its first picture in the window; None: it has none
    known_to_seconds: float | None = None  # of its clock; None: not known, so not widened by it


def reachable(
    origin: Camera,
    left_at: datetime,
    cameras: Iterable[Camera],
    *,
    kmh: float,
    until: datetime,
    within: Span,
    known_to_seconds: float | None = None,
    recorded: Iterable[RecordedPart] = (),
) -> tuple[Reached, ...]:
    """Find the cameras that can have been reached by a time, the one reached first in front.

    The straight line is shorter than any way and the speed is a bound, so the earliest time is one
    too: somebody can have come later, hardly sooner. People are seen at some distance from a
    camera, which is taken off at both ends. Cameras whose place is not known are left out.

    Two clocks take part, each known to some seconds. The picture of somebody who came at a time
    *t* bears, by both, any time from *t* - *u* - *v* to *t* + *u* + *v*. So the window is

        from  left_at + 3.6 (d - 2 r) / kmh - u - v   to   until + u + v

    with the distance *d* and the reach *r* of a camera in metres, and the seconds *u* of the clock
    that saw them last and *v* of the other: the cone of time geography (Miller, "A Measurement
    Theory for Time Geography", 2005), its ends added as intervals are (Moore, Kearfott and Cloud,
    "Introduction to Interval Analysis", 2009, chapter 2). The seconds are bounds, not standard
    deviations, so they are not added as squares. A clock of which nothing is known widens nothing,
    and is told apart.

    Parameters
    ----------
    origin : Camera
        Where the person was seen last; it has a place.
    left_at : datetime
        Last sight of them there, by its clock as it is known.
    cameras : iterable of Camera
        Those that are asked about.
    kmh : float
        Speed in a straight line, in kilometres an hour.
    until : datetime
        End of all windows, before they are widened.
    within : tuple of datetime
        Beginning and end that no window goes beyond.
    known_to_seconds : float, optional
        To which the time of the last sight is known; None if it is not known to how many.
    recorded : iterable of RecordedPart
        What the cameras recorded.

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
    parts: dict[str, list[RecordedPart]] = {}
    for part in recorded:
        parts.setdefault(part.camera_id, []).append(part)
    found = []
    for camera in cameras:
        if camera.place is None or camera.camera_id == origin.camera_id:
            continue
        metres = metres_between(origin.place, camera.place)
        way = timedelta(seconds=3.6 * max(0.0, metres - 2 * CAMERA_REACH_METRES) / kmh)
        bare = left_at + way, until
        one = _seen(camera, metres, bare, within, known_to_seconds, parts.get(camera.camera_id, ()))
        if one.earliest < one.latest:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (one.earliest, one.metres, one.camera.camera_id)))


def _seen(
    camera: Camera,
    metres: float,
    bare: Span,
    within: Span,
    known_to_seconds: float | None,
    parts: Sequence[RecordedPart],
) -> Reached:
    """Widen a window by both clocks, and look what the camera recorded in it."""

    def widened(known_to: float | None) -> Span:
        by = timedelta(seconds=(known_to_seconds or 0.0) + (known_to or 0.0))
        return max(bare[0] - by, within[0]), min(bare[1] + by, within[1])

    inside = [
        (part, inner)
        for part in parts
        if (inner := part.between(*widened(part.time.known_to_seconds))) is not None
    ]
    known = [part.time.known_to_seconds for part in ([p for p, _ in inside] or parts)]
    stated = [seconds for seconds in known if seconds is not None]
    window = widened(max(stated, default=None))
    return Reached(
        camera,
        metres,
        *window,
        recorded_from=min((inner.since for _, inner in inside), default=None),
        known_to_seconds=max(stated) if stated and len(stated) == len(known) else None,
    )
