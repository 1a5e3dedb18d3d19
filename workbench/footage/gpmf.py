"""Places that a film states itself: GoPro's telemetry (GPMF), or the one that phones write.

GPMF (github.com/gopro/gpmf-parser) is a stream of its own in an MP4: keys of four letters, a type,
a size and a count, and values, one in the other. Positions are under ``GPS5`` (latitude, longitude,
altitude, two speeds; a fix and a precision for all of a packet) or ``GPS9`` (with time, precision
and fix for each). They are joined to the pictures by the film's own time, not by any clock.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import av
from av.stream import Discard

from workbench.domain import Place
from workbench.errors import RecordingError
from workbench.footage.containers import SEEKABLE, opened
from workbench.footage.files import is_sequence

if TYPE_CHECKING:
    from workbench.domain import Recording

# GPS time and the catalogue may differ by this much before it is worth a word.
MOST_CLOCK_DIFFERENCE = 10.0
_NUMBERS = {
    "b": "b", "B": "B", "s": "h", "S": "H", "l": "i", "L": "I", "f": "f", "d": "d", "j": "q",
    "J": "Q",
}  # fmt: skip
_NESTED = 4
_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBER = r"([+-]\d{%d}(?:\d{2}){0,2}(?:\.\d+)?)"
_ISO_6709 = re.compile(_NUMBER % 2 + _NUMBER % 3 + r"(?:[+-][\d.]+)?(?:CRS[^/]*)?/?")


@dataclass(frozen=True, slots=True)
class Sample:
    """One position of telemetry; the time is that of its receiver, where it states one."""

    place: Place
    time: datetime | None = None  # UTC


def film_positions(
    recording: Recording, *, most_dilution: float
) -> tuple[list[tuple[float, Place]], list[str]]:
    """Positions in a film, each at its second of the recording, in order; and notes on them.

    A film with one place alone, as phones write it, gives it from minus infinity to infinity.

    Raises
    ------
    RecordingError
        If the film cannot be read, is none that can hold a track, or holds none.
    """
    with opened(recording.path, recording.file) as container:
        if container.format.name not in SEEKABLE:
            raise _without(recording, "only MP4 and MOV hold a track")
        if recording.frame_rate is not None:
            raise _without(recording, "with a frame_rate the film's own times are not used")
        positions: list[tuple[float, Place]] = []
        ahead: list[float] = []
        for seconds, length, samples in _packets(container, most_dilution):
            for number, sample in enumerate(samples):
                at = seconds + length * number / len(samples)
                positions.append((at, sample.place))
                if sample.time is not None:
                    ahead.append((recording.started_at - sample.time).total_seconds() + at)
        if positions:
            return positions, _clock_notes(sorted(ahead))
        place = _stated_place(container.metadata)
    if place is None:
        raise _without(recording, "it holds no position")
    words = "its place is the one that it states for all of it; whether it moved is not known"
    return [(-math.inf, place), (math.inf, place)], [words]


def holds_track(recording: Recording) -> bool:
    """Return True if a film states where it was recorded, all along or at its beginning."""
    if is_sequence(recording.path):
        return False
    try:
        with opened(recording.path, recording.file) as container:
            if container.format.name not in SEEKABLE:
                return False
            return _stated_place(container.metadata) is not None or any(
                True for _ in _packets(container, math.inf)
            )
    except RecordingError:
        return False  # whoever reads the pictures says so


def _packets(container: Any, most_dilution: float) -> Iterator[tuple[float, float, list[Sample]]]:
    """Second of the recording, length and positions of each packet of telemetry."""
    pictures = [s for s in container.streams.video if s.start_time is not None]
    zero = min((float(s.start_time * s.time_base) for s in pictures), default=0.0)
    for stream in container.streams.data:
        for other in container.streams:
            other.discard = Discard.default if other is stream else Discard.all  # not read at all
        for packet in _demuxed(container, stream):
            content = bytes(packet)
            if packet.pts is None or not content.startswith(b"DEVC"):
                continue
            samples = list(samples_of(content, most_dilution=most_dilution))
            if samples:
                base = float(packet.time_base)
                yield packet.pts * base - zero, (packet.duration or 0) * base, samples


def _demuxed(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of a stream as far as the file can be read."""
    try:
        container.seek(0)
        yield from container.demux(stream)
    except (av.FFmpegError, IndexError):
        return  # whoever reads the pictures says so


def samples_of(content: bytes, *, most_dilution: float = 10.0) -> Iterator[Sample]:
    """Positions in one packet of GPMF; those without a fix, or too imprecise, are left out."""
    for stream in _streams(content, _NESTED):
        if (found := stream.get("GPS5")) and stream.get("SCAL"):
            fix, dilution = _first(stream, "GPSF", 0), _first(stream, "GPSP", 0) / 100
            time = _utc_text(stream.get("GPSU"))
            for number, row in enumerate(_scaled(found, stream)):
                sample = _sample(row, fix, dilution, most_dilution, time if not number else None)
                if sample is not None:
                    yield sample
        elif (found := stream.get("GPS9")) and stream.get("SCAL"):
            for row in _scaled(found, stream):
                if len(row) >= 9:
                    sample = _sample(row, row[8], row[7], most_dilution, _since_2000(*row[5:7]))
                    if sample is not None:
                        yield sample


def _sample(
    row: tuple[float, ...], fix: float, dilution: float, most: float, time: datetime | None
) -> Sample | None:
    if len(row) < 2 or fix < 2 or not dilution <= most:
        return None
    place = Place(row[1], row[0])
    on_earth = abs(place.latitude) <= 90 and abs(place.longitude) <= 180 and any(place)
    return Sample(place, time) if on_earth else None


def _streams(content: bytes, depth: int) -> Iterator[dict[str, tuple[str, int, bytes]]]:
    """The innermost groups of keys, each with type, size of one value, and the bytes of all."""
    own: dict[str, tuple[str, int, bytes]] = {}
    at = 0
    while at + 8 <= len(content):
        key, kind, size, count = struct.unpack_from(">4scBH", content, at)
        value = content[at + 8 : at + 8 + size * count]
        if len(value) < size * count:
            break  # cut off
        at += 8 + (size * count + 3) // 4 * 4
        if kind == b"\0":
            if depth:
                yield from _streams(value, depth - 1)
        else:
            own[key.decode("latin-1")] = kind.decode("latin-1"), size, value
    if own:
        yield own


def _rows(found: tuple[str, int, bytes], kinds: str = "") -> list[tuple[float, ...]]:
    """The values of a key, a tuple each; none of a type that is not numbers."""
    kind, size, value = found
    letters = kinds if kind == "?" else kind * (size // struct.calcsize(_NUMBERS.get(kind, "q")))
    if not letters or any(letter not in _NUMBERS for letter in letters):
        return []
    form = struct.Struct(">" + "".join(_NUMBERS[letter] for letter in letters))
    if form.size != size:
        return []
    return [tuple(map(float, row)) for row in form.iter_unpack(value)]


def _scaled(
    found: tuple[str, int, bytes], stream: Mapping[str, tuple[str, int, bytes]]
) -> list[tuple[float, ...]]:
    kinds = stream["TYPE"][2].decode("latin-1").rstrip("\0") if "TYPE" in stream else ""
    divisors = [number for row in _rows(stream["SCAL"]) for number in row]
    rows = _rows(found, kinds)
    if not rows or not divisors or not all(divisors):
        return []
    if len(divisors) < len(rows[0]):
        divisors = divisors[:1] * len(rows[0])
    return [tuple(n / d for n, d in zip(row, divisors, strict=False)) for row in rows]


def _first(stream: Mapping[str, tuple[str, int, bytes]], key: str, otherwise: float) -> float:
    rows = _rows(stream[key]) if key in stream else []
    return rows[0][0] if rows and rows[0] else otherwise


def _utc_text(found: tuple[str, int, bytes] | None) -> datetime | None:
    """Read ``yymmddhhmmss.sss``."""
    if found is None:
        return None
    try:
        text = found[2].decode("ascii").strip("\0 ")
        return datetime.strptime(text, "%y%m%d%H%M%S.%f").replace(tzinfo=UTC)
    except (UnicodeDecodeError, ValueError):
        return None


def _since_2000(days: float, seconds: float) -> datetime | None:
    try:
        return _YEAR_2000 + timedelta(days=days, seconds=seconds)
    except (OverflowError, ValueError):  # not a number, or beyond all years
        return None


def _clock_notes(ahead: list[float]) -> list[str]:
    if not ahead:
        return []
    middle = ahead[len(ahead) // 2]
    if abs(middle) <= MOST_CLOCK_DIFFERENCE:
        return []
    way = "ahead of" if middle > 0 else "behind"
    return [
        f"by the time of its own satellite receiver, the start in the catalogue is "
        f"{abs(middle):.0f} s {way} the right time; correct started_at or clock_offset_seconds"
    ]


def _stated_place(metadata: Mapping[str, str]) -> Place | None:
    """The place that a phone wrote into its film, ISO 6709; None where there is none."""
    names = ("com.apple.quicktime.location.ISO6709", "location")
    for name in (*names, *(name for name in metadata if name.startswith("location-"))):
        if place := iso_6709(metadata.get(name, "")):
            return place
    return None


def iso_6709(text: str) -> Place | None:
    """Read a place as ``+51.4800-000.0100+010/``; None if it is none, or states 0, 0.

    Degrees may have minutes, and seconds, behind them: ``+5128.8-00000.6/``.
    """
    match = _ISO_6709.fullmatch(text.strip())
    if match is None:
        return None
    latitude, longitude = _degrees(match[1], 2), _degrees(match[2], 3)
    if abs(latitude) > 90 or abs(longitude) > 180 or not (latitude or longitude):
        return None
    return Place(longitude, latitude)


def _degrees(text: str, digits: int) -> float:
    sign, number = text[0], text[1:]
    whole, point, rest = number.partition(".")
    parts = [whole[:digits], *(whole[n : n + 2] for n in range(digits, len(whole), 2))]
    parts[-1] += point + rest
    degrees: float = sum(float(part) / 60.0**n for n, part in enumerate(parts))
    return -degrees if sign == "-" else degrees


def _without(recording: Recording, why: str) -> RecordingError:
    return RecordingError(
        f"no track can be read from the film ({why})",
        where=recording.file,
        fix="Name a GPX file in the column track, or give latitude and longitude",
    )
