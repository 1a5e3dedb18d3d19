"""What the words mean: frozen values without I/O, shared by every room.

Times are time-zone-aware and kept in UTC. Coordinates are WGS 84 degrees. Boxes and landmarks are
in pixels of the decoded, upright frame. Images are ``(height, width, 3) uint8`` in BGR order, as
OpenCV and DeepFace take them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.errors import CatalogueError, GalleryError, TimeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from shapely import MultiPolygon, Polygon

    Image: TypeAlias = NDArray[np.uint8]
    Vector: TypeAlias = NDArray[np.float32]

Metric: TypeAlias = Literal["cosine", "euclidean"]


def utc(moment: datetime, *, where: str = "") -> datetime:
    """Return *moment* in UTC; raise TimeError if it carries no offset."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise TimeError(
            f"the time {moment.isoformat()} has no offset from UTC",
            where=where,
            fix="Write it with one, such as 2026-03-29T00:36:40+00:00",
        )
    return moment.astimezone(UTC)


def parse_time(text: str, *, where: str = "") -> datetime:
    """Read an ISO 8601 time with an offset, as UTC; raise TimeError for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeError(
            f"{text!r} is not an ISO 8601 time",
            where=where,
            fix="Write it like 2026-03-29T00:36:40+00:00",
        ) from None
    return utc(moment, where=where)


# --- Footage ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera at a fixed place."""

    camera_id: str
    name: str
    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not self.camera_id:
            raise CatalogueError("a camera without an id", fix="Give each camera a camera_id")
        # Written so that NaN fails too.
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise CatalogueError(
                f"latitude {self.latitude}, longitude {self.longitude} is not a place on Earth",
                where=f"camera {self.camera_id}",
                fix="Latitude lies in [-90, 90], longitude in [-180, 180]; were they swapped",
            )


@dataclass(frozen=True, slots=True)
class Recording:
    """One file that one camera recorded, as its catalogue names it.

    Or a sequence of pictures: the last part of ``file`` is then a pattern such as ``*.jpg``, and
    ``frame_rate`` tells how many were taken a second.
    """

    file: str  # as written in the catalogue, relative to it
    path: Path  # where that is on this machine
    camera_id: str
    started_at: datetime  # UTC
    # Pictures taken a second: of a sequence, or of a film without times, or with other ones.
    frame_rate: float | None = None
    stream: int = 1  # which picture stream of a film with several
    rotation: int = 0  # degrees clockwise that put a picture upright, beside what the file says
    pixel_aspect: Fraction | None = None  # width by height, in place of what the file says

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", utc(self.started_at, where=self.file))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The cameras and recordings of one delivery of footage."""

    root: Path
    cameras: tuple[Camera, ...]
    recordings: tuple[Recording, ...]
    # Rows that were refused; the others go on.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong with one recording or row while the rest went on."""

    where: str
    what: str
    at_seconds: float | None = None  # presentation time inside the recording, where known


# --- Faces ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels; ``x, y`` is its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre_x(self) -> float:
        return self.x + self.width / 2

    @property
    def centre_y(self) -> float:
        return self.y + self.height / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union with *other*, from 0 to 1."""
        w = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        h = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if w <= 0 or h <= 0:
            return 0.0
        shared = w * h
        return shared / (self.width * self.height + other.width * other.height - shared)

    def moved(self, dx: float, dy: float) -> Box:
        """The same box, *dx* to the right and *dy* down."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def widened(self, margin: float) -> Box:
        """The box with *margin* of its own width and height added on each side."""
        dx, dy = margin * self.width, margin * self.height
        return Box(self.x - dx, self.y - dy, self.width + 2 * dx, self.height + 2 * dy)

    def scaled(self, factor: float) -> Box:
        """The box in a picture resized by *factor*."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)


Point: TypeAlias = tuple[float, float]  # x, y in pixels


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face.

    ``landmarks`` are, as far as the detector gives them: the eye at the left of the picture, the
    eye at its right, the nose, then the mouth's corner at the left and at the right (the order of
    the ArcFace template). Three or five points; ``None`` from a detector without landmarks.
    """

    box: Box
    confidence: float  # on the detector's own scale
    landmarks: tuple[Point, ...] | None = None

    def moved(self, dx: float, dy: float) -> Face:
        """The same face, *dx* to the right and *dy* down."""
        points = self.landmarks
        if points is not None:
            points = tuple((x + dx, y + dy) for x, y in points)
        return Face(self.box.moved(dx, dy), self.confidence, points)


QUALITY_PARTS = ("size", "sharpness", "pose", "exposure", "occlusion", "landmarks")


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be recognised, 0 (useless) to 1 (as good as an enrolment photograph).

    The parts, each from 0 to 1, follow ISO/IEC 29794-5; ``overall`` is made from them.
    """

    overall: float
    size: float
    sharpness: float
    pose: float
    exposure: float
    occlusion: float = 1.0  # 1: nothing is hidden
    landmarks: float = 1.0  # 1: eyes, nose and mouth lie as in a face

    def weakest(self) -> str:
        """Name of the part that hurts most."""
        return min(QUALITY_PARTS, key=lambda part: float(getattr(self, part)))


@dataclass(frozen=True, slots=True)
class Profile:
    """A detector and a recogniser used together, and what their scores mean.

    Templates of different profiles never meet. ``weights`` maps file names to SHA-256, so that the
    same name with other weights is another profile.
    """

    name: str
    detector: str
    recogniser: str
    alignment: str
    metric: Metric
    dimension: int
    weights: tuple[tuple[str, str], ...] = ()
    version: str = "1"  # of our own alignment and normalisation code

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change whenever templates would not be comparable.

        The detector is part of it: it decides what is found and how faces lie in their chips.
        """
        parts = (self.detector, self.recogniser, self.alignment, self.metric, self.version)
        text = "\n".join([*parts, str(self.dimension), *(f"{n}={h}" for n, h in self.weights)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Shot:
    """One good view of a tracklet's face, with the template made from it."""

    seconds: float  # presentation time inside the recording
    time: datetime  # UTC: started_at + seconds
    box: Box  # in the frame
    quality: Quality
    jpeg: bytes  # the face with some margin, as seen
    template: Vector  # (dimension,) float32, as the recogniser gave it


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One face followed through one recording.

    ``shots`` are best first. A tracklet without shots was seen but cannot be searched; it is kept
    and counted, so that coverage is honest. ``template`` pools the shots.
    """

    ordinal: int  # from 0 inside its recording, by first_seen
    first_seen: datetime  # UTC
    last_seen: datetime  # UTC
    detections: int  # number of frames in which the face was detected
    shots: tuple[Shot, ...] = ()
    template: Vector | None = None  # (dimension,) float32; None if and only if there is no shot

    @property
    def searchable(self) -> bool:
        return self.template is not None


def format_tracklet_id(recording_id: str, ordinal: int) -> str:
    """Name of a tracklet: its recording's and its number there; see :func:`parse_tracklet_id`."""
    return f"{recording_id}-{ordinal}"


def parse_tracklet_id(tracklet_id: str) -> tuple[str, int]:
    """Recording and ordinal of a tracklet's id; raise GalleryError if it is none."""
    match = re.fullmatch(r"([0-9a-f]{16})-(\d{1,9})", tracklet_id)
    if match is None:
        raise GalleryError(
            f"{tracklet_id!r} is not the id of a tracklet", fix="Take it from a candidate"
        )
    return match[1], int(match[2])


def recording_identity(sha256: str, camera_id: str, started_at: datetime) -> str:
    """16 hexadecimal digits naming one content, on one camera, at one time.

    Deterministic, so that indexing the same footage again, or merging two galleries, meets itself.
    """
    text = f"{sha256}\n{camera_id}\n{utc(started_at).isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class IndexedRecording:
    """All that indexing learned from one recording: stored whole or not at all."""

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

    @property
    def recording_id(self) -> str:
        return recording_identity(self.sha256, self.recording.camera_id, self.recording.started_at)

    @property
    def ended_at(self) -> datetime:
        return self.recording.started_at + timedelta(seconds=self.seconds)


# --- Asking -----------------------------------------------------------------------------------


Span: TypeAlias = tuple[datetime, datetime]  # [start, end), UTC


@dataclass(frozen=True, slots=True)
class District:
    """A named area on the map. Make one with :mod:`workbench.district`, which checks it."""

    name: str
    area: Polygon | MultiPolygon  # x is longitude, y is latitude, WGS 84


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and when a search may look: both the legal limit and the index.

    A tracklet is inside if its camera lies in the district (border included) and it was seen at
    some moment in ``[start, end)``.
    """

    district: District
    start: datetime  # UTC
    end: datetime  # UTC

    def __post_init__(self) -> None:
        start, end = utc(self.start, where="start"), utc(self.end, where="end")
        if end <= start:
            raise TimeError(
                f"the end {end.isoformat()} is not after the start {start.isoformat()}",
                where="time range",
                fix="Choose an end after the start",
            )
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    def spans(
        self, windows: Iterable[tuple[datetime, datetime]] | None = None
    ) -> list[tuple[datetime, datetime]]:
        """Its time as spans ``[start, end)``, sorted and apart: all of it, or what windows leave.

        *windows* are times with an offset, in any order.
        """
        if windows is None:
            return [(self.start, self.end)]
        spans: list[tuple[datetime, datetime]] = []
        for start, end in sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in windows):
            first, last = max(start, self.start), min(end, self.end)
            if first >= last:
                continue
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
            else:
                spans.append((first, last))
        return spans


@dataclass(frozen=True, slots=True)
class Filter:
    """What else must hold of a tracklet inside the scope.

    Parameters
    ----------
    cameras : collection of str, optional
        Ids of cameras; others in the district are left out.
    windows : sequence of (start, end), optional
        Times with an offset; it was seen in at least one of them, such as some hours of weekdays.
    quality : float
        Its best shot has at least this quality.
    """

    cameras: frozenset[str] | None = None
    windows: tuple[Span, ...] | None = None
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class Photograph:
    """One reference photograph of the target, with the face chosen in it."""

    name: str
    face: Face
    quality: Quality
    jpeg: bytes  # the face with some margin
    template: Vector  # (dimension,) float32
    advice: str = ""  # why it is a poor one, in plain words; empty for a good one
    notes: tuple[str, ...] = ()  # what was done to it, such as turning it, without full stops


MOST_PHOTOGRAPHS = 10  # in a probe, as the pages allow; the default threshold rises with them


@dataclass(frozen=True, slots=True)
class Probe:
    """The target face: photographs of one person and the template pooled from them."""

    photographs: tuple[Photograph, ...]
    template: Vector  # (dimension,) float32
    profile: Profile

    @property
    def notes(self) -> tuple[str, ...]:
        """All notes and advice about the photographs, each behind the photograph's name."""
        return tuple(
            f"{photograph.name}: {note}"
            for photograph in self.photographs
            for note in (*photograph.notes, photograph.advice)
            if note
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which on a candidate is worth a look, and where it comes from.

    A score means nothing without its model: ``calibration`` names the data it was set on.
    """

    score: float
    calibration: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tracklet that resembles the probe: a lead, never an identification.

    ``score`` is higher for more alike: the cosine similarity, or 1 minus the Euclidean distance,
    after the profile's metric.
    """

    tracklet_id: str  # "<recording_id>-<ordinal>"
    camera: Camera
    recording_id: str
    recording: str  # file as catalogued
    first_seen: datetime  # UTC
    last_seen: datetime  # UTC
    score: float
    quality: float  # of the best shot
    shot_seconds: float  # presentation time of the best shot in the recording
    shot_time: datetime  # UTC
    shot_jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a scope holds, so that 'no footage' is never taken for 'not seen'."""

    cameras: int  # in the district
    cameras_with_footage: int  # of these, with footage in the time range
    recordings: int
    footage_seconds: float  # inside the time range, added over cameras
    tracklets: int  # searchable
    unsearchable: int  # seen, but with no shot good enough
    refused: int = 0  # recordings that begin inside the scope and could not be read


# --- Progress ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work has come: rows compared, recordings indexed, bytes fetched.

    Indexing fills in all fields; other work leaves those at 0 that it does not count.
    """

    done: int
    total: int = 0  # 0: unknown
    what: str = ""  # being worked on, such as a file; of several at once, the latest
    part: float = 0.0  # of what is not finished, the share done, added up; 1 is a whole one
    footage_seconds: float = 0.0  # read so far
    faces: int = 0  # detected so far
    elapsed_seconds: float = 0.0

    @property
    def fraction(self) -> float:
        """Share of the work that is done, from 0 to 1; 0 where the total is unknown."""
        return (self.done + self.part) / self.total if self.total else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate of the time left; None before there is anything to go by."""
        worked = self.done + self.part
        return self.elapsed_seconds / worked * (self.total - worked) if worked > 0 else None

    @property
    def pace(self) -> float:
        """Hours of footage read in an hour."""
        return self.footage_seconds / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Called now and then while long work goes on; it cancels the work by raising Cancelled."""
