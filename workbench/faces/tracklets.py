"""Tracklets of one recording: faces detected, tracked, their best shots kept and embedded.

Positions alone can join two people who cross. So templates have the last word: a track whose shots
do not resemble each other is split, and fragments of one walk that do are joined again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Box, Face, Shot, Tracklet
from workbench.faces import quality, templates
from workbench.faces.detection import Look, detect_in_looks
from workbench.faces.orientation import UPRIGHT_FROM
from workbench.faces.tracking import Observation, Track, Tracker

if TYPE_CHECKING:
    from workbench.domain import Image, Vector
    from workbench.faces.models import Models

# Around a face, in its own sizes: enough for alignment and to be recognised by eye.
PICTURE_MARGIN = 0.6
# A tracked face is looked for this far around its expected place, and down to this share of its
# width: the detector then works on a small picture at the right scale.
FOLLOW_MARGIN, FOLLOW_SMALLEST = 1.0, 0.7
# Fragments of one walk: at most this long apart, and no further than a person walks in that time.
JOIN_SECONDS, JOIN_WIDTHS, JOIN_WIDTHS_PER_SECOND = 3.0, 1.5, 1.5
# Looks in which both fragments of one walk may have a face, and their share of the shorter's looks:
# a track can begin or end with a look at someone who crosses.
MOST_TOGETHER, TOGETHER_SHARE = 2, 1 / 3
JPEG_QUALITY = 88
# Looks that must fail before a face that was seen only once is taken for a false detection.
DOUBTED_AFTER = 2


@dataclass(frozen=True, slots=True)
class TrackletOptions:
    """Options for detecting and tracking faces.

    Parameters
    ----------
    min_width : float
        Width in pixels of the smallest face to look for.
    max_shots : int
        Best shots to keep for each tracklet.
    min_quality : float
        Lowest quality of a shot that gives a template.
    """

    min_width: float = 48.0
    max_shots: int = 5
    min_quality: float = 0.3


@dataclass(slots=True)
class _TrackFragment:
    """Observations of one person, with the templates of the good ones."""

    moments: list[tuple[float, Box]]  # when and where the face was detected, in order
    shots: list[Shot]  # best first

    @property
    def first(self) -> float:
        return self.moments[0][0]

    @property
    def last(self) -> float:
        return self.moments[-1][0]


class TrackletBuilder:
    """Builder of the tracklets of one recording, from frames in the order of time.

    Parameters
    ----------
    models : Models
        Loaded by :func:`workbench.faces.models.load`.
    started_at : datetime
        UTC time of the recording's first frame.
    """

    def __init__(
        self, models: Models, *, started_at: datetime, options: TrackletOptions | None = None
    ) -> None:
        self._models = models
        self._started_at = started_at
        self._options = options or TrackletOptions()
        self._clear_from = UPRIGHT_FROM.get(models.profile.detector, math.inf)
        self._tracker = Tracker(keep=self._options.max_shots)
        self._waiting: list[_TrackFragment] = []  # ended; an earlier one may still be to come
        self._joined: list[_TrackFragment] = []  # in order; a later one may still continue them
        self._finished: list[Tracklet] = []
        self.faces = 0  # detected so far
        # Of these, those of which the detector is as sure as only of upright ones; 0 with detectors
        # whose confidence is not known.
        self.clear_faces = 0

    @property
    def is_tracking(self) -> bool:
        """True while a face is being tracked."""
        return bool(self._tracker.active)

    def add_frame(self, seconds: float, image: Image, regions: Sequence[Box] | None) -> None:
        """Detect faces in a frame: around the tracked ones, and new ones in *regions*.

        ``regions`` of ``None`` means everywhere, an empty sequence nowhere.
        """
        looks = []
        for track in self._tracker.active:
            box = track.expected(seconds)
            looks.append(Look(box.width * FOLLOW_SMALLEST, [box.widened(FOLLOW_MARGIN)]))
        if regions is None or len(regions) > 0:
            looks.append(Look(self._options.min_width, regions))
        faces = detect_in_looks(self._models, image, looks)
        seen = [self._observe(seconds, image, face) for face in faces]
        self.faces += len(seen)
        self.clear_faces += sum(found.face.confidence >= self._clear_from for found in seen)
        for track in self._tracker.update(seconds, seen):
            self._waiting += self._split(track)
        self._settle(min((t.moments[0][0] for t in self._tracker.active), default=seconds))

    def end_tracks(self) -> None:
        """End all tracks, at a cut of the film: no tracklet goes on across it."""
        for track in self._tracker.finish():
            self._waiting += self._split(track)
        self._settle(math.inf)

    def finish(self) -> tuple[Tracklet, ...]:
        """End the recording and return its tracklets, by time of first appearance."""
        self.end_tracks()
        ordered = sorted(self._finished, key=lambda t: (t.first_seen, t.last_seen))
        return tuple(replace(tracklet, ordinal=n) for n, tracklet in enumerate(ordered))

    def _observe(self, seconds: float, image: Image, face: Face) -> Observation:
        around = face.box.widened(PICTURE_MARGIN)
        picture = quality.crop(image, around).copy()  # so that the frame itself can be freed
        origin = (max(0, math.floor(around.x)), max(0, math.floor(around.y)))
        measured = quality.assess(image, face, detector=self._models.profile.detector)
        return Observation(seconds, face, measured, picture, origin)

    def _split(self, track: Track) -> list[_TrackFragment]:
        """Make the templates of an ended track; divide it where they are of different people."""
        good = [o for o in track.best if o.quality.overall >= self._options.min_quality]
        # Seen once, looked for again and not found: a detector's mistake more often than a person.
        doubtful = len(track.moments) == 1 and track.missed >= DOUBTED_AFTER
        if doubtful or not good:
            return [_TrackFragment(track.moments, [])]
        chips = [
            templates.align(self._models, o.picture, o.face.moved(-o.origin[0], -o.origin[1]))
            for o in good
        ]
        made = templates.embed(self._models, chips)
        shots = [self._shot(o, template) for o, template in zip(good, made, strict=True)]
        groups = templates.group(made, self._models)
        if len(groups) == 1:
            return [_TrackFragment(track.moments, shots)]
        owner = {shots[i].seconds: g for g, members in enumerate(groups) for i in members}
        fragments = [_TrackFragment([], [shots[i] for i in sorted(members)]) for members in groups]
        for moment in track.moments:
            nearest = min(owner, key=lambda seconds: abs(seconds - moment[0]))
            fragments[owner[nearest]].moments.append(moment)
        return fragments

    def _shot(self, observation: Observation, template: Vector) -> Shot:
        return Shot(
            seconds=observation.seconds,
            time=self._time(observation.seconds),
            box=observation.face.box,
            quality=observation.quality,
            jpeg=jpeg(observation.picture),
            template=template,
        )

    def _settle(self, horizon: float) -> None:
        """Join what ended and began before *horizon*, and finish what nothing can continue.

        Nothing that is still to come begins before *horizon*.
        """
        ready = sorted((p for p in self._waiting if p.first < horizon), key=lambda p: p.first)
        self._waiting = [p for p in self._waiting if p.first >= horizon]
        for fragment in ready:
            self._join(fragment)
        over = [p for p in self._joined if p.last < horizon - JOIN_SECONDS]
        self._joined = [p for p in self._joined if p.last >= horizon - JOIN_SECONDS]
        self._finished += map(self._tracklet, over)

    def _join(self, fragment: _TrackFragment) -> None:
        """Join a fragment to an earlier one where place, time and templates agree."""
        earlier = next((e for e in reversed(self._joined) if self._continues(e, fragment)), None)
        if earlier is None:
            self._joined.append(fragment)
            return
        moments = dict(fragment.moments) | dict(earlier.moments)
        earlier.moments = sorted(moments.items(), key=lambda m: m[0])
        best = sorted(earlier.shots + fragment.shots, key=lambda shot: -shot.quality.overall)
        earlier.shots = best[: self._options.max_shots]

    def _continues(self, earlier: _TrackFragment, later: _TrackFragment) -> bool:
        if not earlier.shots or not later.shots:
            return False
        together = len({m[0] for m in earlier.moments} & {m[0] for m in later.moments})
        shorter = min(len(earlier.moments), len(later.moments))
        if together > min(MOST_TOGETHER, TOGETHER_SHARE * shorter):
            return False  # seen side by side: two people
        before = max(
            (m for m in earlier.moments if m[0] <= later.first), default=earlier.moments[0]
        )
        start, box = later.moments[0]
        gap = abs(start - before[0])
        away = math.hypot(
            box.centre_x - before[1].centre_x, box.centre_y - before[1].centre_y
        ) / max(box.width, before[1].width)
        if gap > JOIN_SECONDS or away > JOIN_WIDTHS + JOIN_WIDTHS_PER_SECOND * gap:
            return False
        return templates.same_person(
            [shot.template for shot in earlier.shots],
            [shot.template for shot in later.shots],
            self._models,
        )

    def _tracklet(self, fragment: _TrackFragment) -> Tracklet:
        pooled = None
        if fragment.shots:
            made = np.stack([shot.template for shot in fragment.shots])
            pooled = templates.pool(made, self._models.profile.metric)
        return Tracklet(
            ordinal=0,  # counted when all are known
            first_seen=self._time(fragment.first),
            last_seen=self._time(fragment.last),
            detections=len(fragment.moments),
            shots=tuple(fragment.shots),
            template=pooled,
            first_seconds=fragment.first,
            last_seconds=fragment.last,
            moments=tuple(fragment.moments),
        )

    def _time(self, seconds: float) -> datetime:
        return self._started_at + timedelta(seconds=seconds)


def jpeg(image: Image) -> bytes:
    """Encode the picture as a JPEG file."""
    import cv2

    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()
