"""Tracking of faces through a recording: detections in, tracks out. Purity before length.

A compact association of our own: boxes move at a constant velocity between looks, pairs are
matched by the Hungarian method on distance and size, and where two people come so close that
position cannot distinguish them, both tracks end. Templates, made later, join pieces again where
they agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Box, Face, Quality

if TYPE_CHECKING:
    from workbench.domain import Image

# Seconds without a detection that end a track: at walking pace a person has left their own box.
LOST_AFTER_SECONDS = 1.5
# How far from its expected place, in face widths, a face may be found; uncertainty grows with time.
GATE_WIDTHS, GATE_WIDTHS_PER_SECOND = 0.6, 1.0
# Ratio of widths allowed between two looks.
GATE_RATIO = 1.5
# If a second face fits nearly as well as the best one, neither is joined.
AMBIGUITY = 1.6
# Weight of a new velocity against the old.
VELOCITY_GAIN = 0.5


@dataclass(slots=True)
class Observation:
    """A face at one moment. ``picture`` holds it with a margin, starting at ``origin`` (x, y)."""

    seconds: float
    face: Face  # in pixels of the frame
    quality: Quality
    picture: Image = field(repr=False)
    origin: tuple[int, int]


@dataclass(slots=True)
class Track:
    """One face tracked without a doubt about who it is."""

    moments: list[tuple[float, Box]]  # when and where its face was detected, in order
    best: list[Observation] = field(default_factory=list)  # by quality, best first
    missed: int = 0  # looks since it was seen last
    _velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second

    @property
    def last_seconds(self) -> float:
        """Presentation time of the last detection."""
        return self.moments[-1][0]

    def expected(self, seconds: float) -> Box:
        """Predict the box of the face at *seconds*."""
        last_seconds, last_box = self.moments[-1]
        dt = seconds - last_seconds
        return last_box.moved(self._velocity[0] * dt, self._velocity[1] * dt)

    def add(self, observation: Observation) -> None:
        """Add the next observation of the face."""
        last_seconds, last_box = self.moments[-1]
        box, dt = observation.face.box, observation.seconds - last_seconds
        if dt > 0:
            vx = (box.centre_x - last_box.centre_x) / dt
            vy = (box.centre_y - last_box.centre_y) / dt
            g = VELOCITY_GAIN if len(self.moments) > 1 else 1.0
            self._velocity = (
                self._velocity[0] + g * (vx - self._velocity[0]),
                self._velocity[1] + g * (vy - self._velocity[1]),
            )
        self.moments.append((observation.seconds, box))
        self.missed = 0


@dataclass(slots=True)
class Tracker:
    """Tracker that joins the faces of successive frames into tracks.

    Parameters
    ----------
    keep : int
        How many of a track's best observations to hold on to.
    apart_seconds : float
        Length of the spans of time of which each gives at most one, so that they differ.
    """

    keep: int = 8
    apart_seconds: float = 0.3
    active: list[Track] = field(default_factory=list)

    def update(self, seconds: float, seen: Sequence[Observation]) -> list[Track]:
        """Associate the faces seen at *seconds* with tracks; return the tracks that ended."""
        ended = self._end(lambda t: seconds - t.last_seconds > LOST_AFTER_SECONDS)
        pairs, doubtful = self._associate(seconds, seen)
        for track in self.active:
            track.missed += 1
        taken = set()
        for track, index in pairs:
            track.add(seen[index])
            self._remember(track, seen[index])
            taken.add(index)
        ended += self._end(lambda t: any(t is d for d in doubtful))
        for index, observation in enumerate(seen):
            if index not in taken:
                track = Track([(observation.seconds, observation.face.box)])
                self._remember(track, observation)
                self.active.append(track)
        return ended

    def finish(self) -> list[Track]:
        """End all tracks, at the end of a recording or at a cut; return them."""
        ended, self.active = self.active, []
        return ended

    def _end(self, over: Callable[[Track], bool]) -> list[Track]:
        ended = [track for track in self.active if over(track)]
        self.active = [track for track in self.active if not over(track)]
        return ended

    def _associate(
        self, seconds: float, seen: Sequence[Observation]
    ) -> tuple[list[tuple[Track, int]], list[Track]]:
        from scipy.optimize import linear_sum_assignment

        if not self.active or not seen:
            return [], []
        cost = np.full((len(self.active), len(seen)), np.inf)
        for i, track in enumerate(self.active):
            expected, dt = track.expected(seconds), seconds - track.last_seconds
            gate = GATE_WIDTHS + GATE_WIDTHS_PER_SECOND * dt
            for j, observation in enumerate(seen):
                box = observation.face.box
                ratio = max(box.width / expected.width, expected.width / box.width)
                distance = math.hypot(
                    box.centre_x - expected.centre_x, box.centre_y - expected.centre_y
                ) / max(box.width, expected.width)
                if distance <= gate and ratio <= GATE_RATIO:
                    cost[i, j] = distance + 0.5 * math.log(ratio) + 0.05
        rows, columns = linear_sum_assignment(np.where(np.isinf(cost), 1e6, cost))
        pairs: dict[int, int] = {}
        doubtful: set[int] = set()
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if np.isinf(cost[i, j]):
                continue
            limit = min(AMBIGUITY * cost[i, j], GATE_WIDTHS)
            rivals = set(np.flatnonzero(cost[:, j] < limit).tolist()) - {i}
            if rivals or np.delete(cost[i], j).min(initial=np.inf) < limit:
                # The rivals too: going on without this face, they could meet the wrong one later.
                doubtful |= {i, *rivals}
            else:
                pairs[i] = j
        return (
            [(self.active[i], j) for i, j in pairs.items()],
            [self.active[i] for i in sorted(doubtful - pairs.keys())],
        )

    def _remember(self, track: Track, observation: Observation) -> None:
        """Keep the best observations, few and of different moments: one a span of time."""

        def span(other: Observation) -> int:
            return int(other.seconds // self.apart_seconds)

        rival = next((o for o in track.best if span(o) == span(observation)), None)
        if rival is not None:
            if rival.quality.overall >= observation.quality.overall:
                return
            track.best = [o for o in track.best if o is not rival]
        track.best.append(observation)
        track.best.sort(key=lambda o: -o.quality.overall)
        del track.best[self.keep :]
