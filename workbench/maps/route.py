"""A route that the candidates might make, and the speeds it would take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from workbench.domain import Candidate, Place, best_first

# Mean radius of the Earth (IUGG 1980): a sphere is off by 0.6 % at most, cameras by more.
EARTH_METRES = 6_371_008.8
# A straight line at this speed is faster than any traffic in a city.
MAX_SPEED_KMH = 120.0
# People are seen at some distance from a camera, at both ends of a leg.
CAMERA_REACH_METRES = 50.0


@dataclass(frozen=True, slots=True)
class Leg:
    """The way from one stop of a route to the next."""

    start: Candidate
    end: Candidate

    @property
    def metres(self) -> float:
        """Metres in a straight line from camera to camera."""
        start, end = self.start.camera.place, self.end.camera.place
        assert start is not None  # visits leaves the others out
        assert end is not None
        return metres_between(start, end)

    @property
    def seconds(self) -> float:
        """Seconds from the last sight at one end to the first at the other; may be negative."""
        return (self.end.first_seen - self.start.last_seen).total_seconds()

    @property
    def kmh(self) -> float | None:
        """Kilometres an hour in a straight line; None where no time lies between."""
        return 3.6 * self.metres / self.seconds if self.seconds > 0 else None

    def too_fast(self, limit_kmh: float = MAX_SPEED_KMH) -> bool:
        """Report whether the leg is too fast for one person, so that its ends show two people."""
        least = max(0.0, self.metres - 2 * CAMERA_REACH_METRES)
        return 3.6 * least > limit_kmh * max(0.0, self.seconds)

    def words(self) -> str:
        """``1.2 km in 14 min, 5 km/h``."""
        far = f"{self.metres:.0f} m" if self.metres < 950 else f"{self.metres / 1000:.1f} km"
        if self.kmh is None:
            return f"{far} apart at the same time"
        minutes = self.seconds / 60
        if minutes < 2:
            time = f"{self.seconds:.0f} s"
        else:
            time = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
        return f"{far} in {time}, {self.kmh:.0f} km/h"


def visits(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidate of each visit, in order of time: the stops of a possible route.

    Candidates that follow each other at one camera, with none elsewhere between, are one visit.
    Those of cameras whose place is not known are left out.
    """
    placed = (candidate for candidate in candidates if candidate.camera.place is not None)
    in_time = sorted(placed, key=lambda candidate: (candidate.first_seen, candidate.last_seen))
    return [
        best_first(visit)[0]
        for _, visit in groupby(in_time, key=lambda candidate: candidate.camera.camera_id)
    ]


def legs(stops: Sequence[Candidate]) -> list[Leg]:
    """The ways between the stops of a route."""
    return [Leg(start, end) for start, end in pairwise(stops)]


def metres_between(one: Place, other: Place) -> float:
    """Metres on the great circle (haversine formula)."""
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    h = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(across / 2) ** 2
    )
    return 2 * EARTH_METRES * math.asin(math.sqrt(min(1.0, h)))
