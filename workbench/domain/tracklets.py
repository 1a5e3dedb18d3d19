"""Faces tracked through recordings, and the names of recordings and tracklets."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.domain.clocks import (
    ClockCorrection,
    Stretch,
    Unseen,
    corrected,
    seen_spans,
    stretch_at,
    stretches_of,
)
from workbench.domain.footage import Leg, Problem, Recording, outside_of
from workbench.domain.times import Span
from workbench.errors import GalleryError

if TYPE_CHECKING:
    from workbench.domain.faces import Box, Quality, Vector


@dataclass(frozen=True, slots=True)
class Shot:
    """One good view of a tracklet's face, with the template made from it."""

    seconds: float  # presentation time inside the recording
    time: datetime  # UTC: started_at + seconds
    box: Box  # in the frame
    quality: Quality
    jpeg: bytes = field(repr=False)  # the face with some margin, as seen
    template: Vector = field(repr=False)  # (dimension,) float32, as the recogniser gave it


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One face tracked through one recording.

    ``shots`` are best first. A tracklet without shots was seen but cannot be searched; it is kept
    and counted, so that coverage is honest. ``template`` pools the shots.
    """

    ordinal: int  # from 0 inside its recording, by first_seen
    first_seen: datetime  # UTC
    last_seen: datetime  # UTC
    detections: int  # number of frames in which the face was detected
    shots: tuple[Shot, ...] = ()
    # (dimension,) float32; None only if there are no shots
    template: Vector | None = field(default=None, repr=False)
    # Of the recording, when it was seen first and last; None: as its times say.
    first_seconds: float | None = None
    last_seconds: float | None = None
    # When and where it was detected, as far as that is known: a gallery keeps the shots alone.
    moments: tuple[tuple[float, Box], ...] = field(default=(), repr=False, compare=False)

    @property
    def searchable(self) -> bool:
        """True if there is a template to compare."""
        return self.template is not None


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """Number of comparisons of certainly different people whose scores lie in one narrow step.

    Nothing says who was compared, or when. See :mod:`workbench.indexing.different`.
    """

    scale: str  # of the scores, by name
    quality: float  # at which the band begins that the poorer of the two best shots lies in
    score: float  # at which the step begins
    width: float  # of the step
    comparisons: int  # 0: this recording was looked through, and holds no such pair


def format_tracklet_id(recording_id: str, ordinal: int) -> str:
    """Name of a tracklet: its recording's and its number there; see :func:`parse_tracklet_id`."""
    return f"{recording_id}-{ordinal}"


def parse_tracklet_id(tracklet_id: str) -> tuple[str, int]:
    """Recording and ordinal of a tracklet's id; raise GalleryError for another text."""
    match = re.fullmatch(r"([0-9a-f]{16})-(\d{1,9})", tracklet_id)
    if match is None:
        raise GalleryError(
            f"{tracklet_id!r} is not the id of a tracklet", fix="Use that of a candidate"
        )
    return match[1], int(match[2])


def recording_identity(sha256: str, camera_id: str, stream: int = 1) -> str:
    """16 hexadecimal digits naming one content, on one camera, by the number of a picture stream.

    Deterministic, so that indexing the same footage again, or merging two galleries, meets itself.
    When it was is not part of it: clocks are corrected later.
    """
    text = f"{sha256}\n{camera_id}\npicture stream {stream}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class IndexedRecording:
    """Result of indexing one recording: stored whole or not at all."""

    recording: Recording
    sha256: str  # of the source file
    size_bytes: int
    modified_ns: int  # of the source file, to recognise it without reading it again
    seconds: float  # presentation time from the first to the end of the last frame read
    width: int
    height: int
    frames_decoded: int
    frames_examined: int
    faces: int
    tracklets: tuple[Tracklet, ...]
    problems: tuple[Problem, ...] = ()
    picture_streams: int = 1  # that the file holds; one of them was read
    stopped: str = "end of the file"  # why reading ended
    elapsed_seconds: float = 0.0  # that the work took
    stretches: tuple[Stretch, ...] = ()  # in order; none: one, with the offset of the catalogue
    unseen: tuple[Unseen, ...] = ()
    # Of a moving camera: the seconds of the film that belong to this recording; none: all.
    legs: tuple[Leg, ...] = ()
    # What said where the camera was: a GPX file and its SHA-256, or "film"; "": it stands.
    track: str = ""
    stored_id: str = ""  # under which a gallery holds it already; empty: its identity
    # Comparisons of certainly different people in it; none: nobody looked for such pairs.
    different_people: tuple[ScoreCount, ...] = ()

    def __post_init__(self) -> None:
        if not self.stretches:
            about = self.recording
            whole = stretches_of(
                (), offset_seconds=about.clock_offset_seconds, given_for=about.clock_given_for
            )
            object.__setattr__(self, "stretches", whole)

    @property
    def recording_id(self) -> str:
        """Id of the recording: the one it is stored under, or :func:`recording_identity`."""
        about = self.recording
        return self.stored_id or recording_identity(self.sha256, about.camera_id, about.stream)

    @property
    def started_at(self) -> datetime:
        """UTC time of its earliest moment."""
        return min(start for start, _ in self._spans(()))

    @property
    def ended_at(self) -> datetime:
        """UTC time of the end of the last frame read, or of the latest moment if clocks differ."""
        return max(end for _, end in self._spans(()))

    @property
    def spans(self) -> list[Span]:
        """Spans in UTC in which something could be seen."""
        return self._spans(self.unseen)

    def seconds_of(self, tracklet: Tracklet) -> tuple[float, float]:
        """Seconds of the recording at which one of its tracklets was seen first and last."""
        began = self.recording.started_at
        first, last = tracklet.first_seconds, tracklet.last_seconds
        return (
            (tracklet.first_seen - began).total_seconds() if first is None else first,
            (tracklet.last_seen - began).total_seconds() if last is None else last,
        )

    def corrected(
        self, correction: ClockCorrection, given_for: str, *, from_seconds: float = 0.0
    ) -> IndexedRecording:
        """The recording with its clock corrected from one second on, and all times with it."""
        stretches = corrected(self.stretches, correction, given_for, from_seconds=from_seconds)
        stated_at, offset = self.recording.stated_at, stretches[0].shift
        recording = replace(
            self.recording,
            started_at=stated_at - offset,
            clock_offset_seconds=stretches[0].offset_seconds,
        )
        return replace(
            self,
            recording=recording,
            stretches=stretches,
            tracklets=tuple(self._restated(t, stretches) for t in self.tracklets),
        )

    def _restated(self, tracklet: Tracklet, stretches: tuple[Stretch, ...]) -> Tracklet:
        """The tracklet by other stretches: by the one in which it begins."""
        first, last = self.seconds_of(tracklet)
        by = stretch_at(self.stretches, first).shift - stretch_at(stretches, first).shift
        return replace(
            tracklet,
            first_seen=tracklet.first_seen + by,
            last_seen=tracklet.last_seen + by,
            shots=tuple(replace(shot, time=shot.time + by) for shot in tracklet.shots),
            first_seconds=first,
            last_seconds=last,
        )

    def _spans(self, unseen: tuple[Unseen, ...]) -> list[Span]:
        elsewhere = (Unseen(*outside, "") for outside in outside_of(self.legs, self.seconds))
        gaps = (*unseen, *elsewhere)
        return seen_spans(self.recording.stated_at, self.seconds, self.stretches, gaps)
