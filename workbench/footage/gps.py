"""Cameras that move: where one was when, and the legs into which that divides its recording.

A leg is a time in which the camera stays within :data:`LEG_METRES` of one place. Each is stored as
a recording of a camera of its own there, so that a search by district finds what was seen in the
district, and nothing else of the same film. What the track does not cover has no place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from workbench.domain import FILM, Leg, Place, parse_time
from workbench.errors import RecordingError, TimeError
from workbench.footage.files import sha256_of
from workbench.footage.gpmf import film_positions

if TYPE_CHECKING:
    from workbench.domain import Recording

# A camera on a leg is nowhere further than this from the leg's place.
LEG_METRES = 50.0
# Between two positions further apart than either, nobody knows where the camera was.
MOST_GAP_SECONDS, MOST_STEP_METRES = 60.0, 500.0
# What is faster is a receiver's mistake.
MOST_METRES_PER_SECOND = 100.0
# A camera does not get far within this time before its first position or after its last.
HOLD_SECONDS = 2.0
# Dilution of precision from which on a receiver may be some 50 m wrong.
MOST_DILUTION = 10.0
METRES_PER_DEGREE = 111_320.0
MOST_BYTES = 256 * 2**20
MOST_POINTS = 5_000_000


@dataclass(frozen=True, slots=True)
class Position:
    """Place of a camera at one moment."""

    seconds: float  # of the recording
    place: Place
    segment: int = 0  # positions of different segments are not joined


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """A point of a GPX file."""

    time: datetime  # UTC
    place: Place
    segment: int


@dataclass(frozen=True, slots=True)
class Course:
    """The legs of a recording, from its beginning on, and what is to be said of its track."""

    legs: tuple[Leg, ...] = ()  # in order, without gaps; the last one has no end
    notes: tuple[str, ...] = ()


def course_of(recording: Recording) -> Course:
    """Read the track of a moving camera's recording, and divide the recording into legs.

    Raises
    ------
    RecordingError
        If the track cannot be read, or holds no position.
    """
    track = recording.track
    assert track is not None
    if track == recording.path:
        found, notes = film_positions(recording, most_dilution=MOST_DILUTION)
        if math.isinf(found[0][0]):
            return Course((Leg(0.0, math.inf, found[0][1]),), tuple(notes))
        positions = [Position(seconds, place) for seconds, place in found]
    else:
        points, notes = read_gpx(track)
        positions = [
            Position(
                (point.time - recording.started_at).total_seconds(), point.place, point.segment
            )
            for point in points
        ]
    return Course(tuple(_whole(legs_of(positions))), tuple(notes))


def track_name(recording: Recording) -> str:
    """Name of what says where a recording's camera was, for the record; "" where nothing does.

    A GPX file is named with the SHA-256 of its content. Raises RecordingError if it cannot be read.
    """
    if recording.track is None:
        return ""
    if recording.track == recording.path:
        return FILM
    try:
        return f"{recording.track.name} (SHA-256 {sha256_of(recording.track)})"
    except OSError as error:
        raise _unreadable(recording.track, f"cannot be read ({error.strerror})") from None


def read_gpx(path: Path) -> tuple[list[TrackPoint], list[str]]:
    """Read the points of a GPX file (1.0 or 1.1), in order of time; and notes on what was left out.

    Points without a time or a fix, or that are too imprecise, are left out.

    Raises
    ------
    RecordingError
        If it cannot be read, holds no such point, or tracks of several receivers at one time.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unreadable(path, f"is larger than {MOST_BYTES // 2**20} MB")
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, f"cannot be read ({error.strerror})") from None
    reader = _GpxReader(path)
    try:
        reader.parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter of odd encodings
        raise _unreadable(path, f"is not a GPX file ({error})") from None
    points = sorted(reader.points, key=lambda point: (point.segment, point.time))
    if not points:
        raise _unreadable(path, "holds no point of a track with a place and a time")
    spans: dict[int, tuple[datetime, datetime]] = {}
    for point in points:
        first, _ = spans.get(point.segment, (point.time, point.time))
        spans[point.segment] = first, point.time
    for (_, end), (start, _) in pairwise(sorted(spans.values())):
        if start < end:
            raise _unreadable(
                path,
                f"holds two tracks at one time, from {start:%Y-%m-%d %H:%M:%S} UTC on",
                fix="Keep the one of this camera",
            )
    points.sort(key=lambda point: point.time)
    notes = []
    if reader.left_out:
        notes.append(
            f"{reader.left_out:,} of {reader.left_out + len(points):,} points of {path.name} "
            "have no time or no good fix and were left out"
        )
    return points, notes


class _GpxReader:
    """Collects the points of tracks; refuses a document type, which could hold anything."""

    def __init__(self, path: Path) -> None:
        self.points: list[TrackPoint] = []
        self.left_out = 0
        self._path, self._open, self._segment = path, list[str](), 0
        self._point: dict[str, str] | None = None
        self._text: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *_: Any) -> None:
        raise _unreadable(self._path, "is not a GPX file (it declares a document type)")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if not self._open and tag != "gpx":
            raise _unreadable(self._path, f"is not a GPX file (it is a {tag[:40]!r})")
        self._open.append(tag)
        self._text = []
        if tag == "trkseg":
            self._segment += 1
        elif tag == "trkpt":
            self._point = {"lat": attributes.get("lat", ""), "lon": attributes.get("lon", "")}

    def _characters(self, text: str) -> None:
        if self._point is not None:
            self._text.append(text)

    def _end(self, _: str) -> None:
        tag = self._open.pop()
        if self._point is not None and tag != "trkpt" and self._open[-1] == "trkpt":
            self._point[tag] = "".join(self._text).strip()
        elif tag == "trkpt" and self._point is not None:
            point = _point(self._point, self._segment)
            self._point = None
            if point is None:
                self.left_out += 1
            else:
                self.points.append(point)
            if len(self.points) > MOST_POINTS:
                raise _unreadable(self._path, f"holds more than {MOST_POINTS:,} points")


def _point(fields: dict[str, str], segment: int) -> TrackPoint | None:
    """A point as it is used; None if it does not say where the camera was when."""
    if fields.get("fix") == "none":
        return None
    try:
        if not float(fields.get("hdop") or 0) <= MOST_DILUTION:
            return None
        place = Place(float(fields["lon"]), float(fields["lat"]))
        text = fields["time"]
        # Times of GPX are UTC, with or without saying so.
        said = datetime.fromisoformat(text)
        if len(text) <= len("2026-03-29"):
            return None  # a day is no time
        time = parse_time(text) if said.tzinfo else said.replace(tzinfo=UTC)
    except (KeyError, ValueError, TimeError):
        return None
    return TrackPoint(time, place, segment) if is_place(place) else None


def is_place(place: Place) -> bool:
    """Return True for a place on Earth; receivers without one state 0, 0, which is none."""
    return abs(place.latitude) <= 90 and abs(place.longitude) <= 180 and any(place)


def legs_of(positions: Iterable[Position]) -> list[Leg]:
    """Divide a track into legs, in order of time; between them the place is not known.

    Each leg is as long as it can be, from its beginning on. Between two positions that are near
    enough in time and place, the camera is taken to have gone straight from one to the other. A
    position that is near no other is not used.
    """
    ordered = sorted(positions, key=lambda position: position.seconds)
    legs: list[Leg] = []
    for run in _runs(ordered):
        if len(run) == 1:
            continue
        own = list(_legs_of_run(run))
        # Held for a moment at both ends, but not into what came before.
        start = max(own[0].start - HOLD_SECONDS, legs[-1].end if legs else -math.inf)
        own[0] = Leg(start, own[0].end, own[0].place)
        own[-1] = Leg(own[-1].start, own[-1].end + HOLD_SECONDS, own[-1].place)
        if legs and legs[-1].end > run[0].seconds:
            legs[-1] = Leg(legs[-1].start, run[0].seconds, legs[-1].place)
            own[0] = Leg(run[0].seconds, own[0].end, own[0].place)
        legs += own
    return legs


def _runs(ordered: Sequence[Position]) -> Iterator[list[Position]]:
    """Positions that join, with points in between where they are further apart than a leg."""
    run: list[Position] = []
    for position in ordered:
        if run:
            last = run[-1]
            metres = math.hypot(*_metres(last.place, position.place))
            gap = position.seconds - last.seconds
            far = metres > MOST_STEP_METRES or metres > LEG_METRES + MOST_METRES_PER_SECOND * gap
            if far or gap > MOST_GAP_SECONDS or last.segment != position.segment:
                yield run
                run = []
            else:
                between = math.ceil(metres / LEG_METRES)
                run += (_between(last, position, n / between) for n in range(1, between))
        run.append(position)
    if run:
        yield run


def _legs_of_run(run: Sequence[Position]) -> Iterator[Leg]:
    origin, start = run[0], run[0].seconds
    box = (0.0, 0.0, 0.0, 0.0)  # metres from the leg's first position: west, south, east, north
    for last, position in pairwise(run):
        x, y = _metres(origin.place, position.place)
        wider = min(box[0], x), min(box[1], y), max(box[2], x), max(box[3], y)
        if math.hypot(wider[2] - wider[0], wider[3] - wider[1]) > 2 * LEG_METRES:
            end = (last.seconds + position.seconds) / 2
            yield Leg(start, end, _centre(origin.place, box))
            origin, start, wider = position, end, (0.0, 0.0, 0.0, 0.0)
        box = wider
    yield Leg(start, run[-1].seconds, _centre(origin.place, box))


def _whole(legs: Iterable[Leg]) -> Iterator[Leg]:
    """The legs from second 0 on, with those between them whose place is not known."""
    reached = 0.0
    for leg in legs:
        if leg.end <= reached:
            continue
        if leg.start > reached:
            yield Leg(reached, leg.start, None)
        yield Leg(max(reached, leg.start), leg.end, leg.place)
        reached = leg.end
    if reached < math.inf:
        yield Leg(reached, math.inf, None)


def _metres(origin: Place, place: Place) -> tuple[float, float]:
    """How far east and north of *origin* a near place lies."""
    degrees = (place.longitude - origin.longitude + 180) % 360 - 180  # the short way, across 180°
    narrow = math.cos(math.radians((origin.latitude + place.latitude) / 2))
    north = place.latitude - origin.latitude
    return degrees * narrow * METRES_PER_DEGREE, north * METRES_PER_DEGREE


def _moved(origin: Place, x: float, y: float) -> Place:
    latitude = origin.latitude + y / METRES_PER_DEGREE
    narrow = math.cos(math.radians((origin.latitude + latitude) / 2))
    longitude = origin.longitude + x / METRES_PER_DEGREE / max(narrow, 1e-6)
    return Place((longitude + 180) % 360 - 180, latitude)


def _centre(origin: Place, box: tuple[float, float, float, float]) -> Place:
    return _moved(origin, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _between(one: Position, other: Position, share: float) -> Position:
    x, y = _metres(one.place, other.place)
    seconds = one.seconds + (other.seconds - one.seconds) * share
    return Position(seconds, _moved(one.place, x * share, y * share), one.segment)


def _unreadable(path: Path, what: str, fix: str = "") -> RecordingError:
    return RecordingError(
        what, where=path.name, fix=fix or "Export the track of the camera as GPX, with times"
    )
