"""First and last picture of a stretch of a recording, coarse but for where the clock stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.domain import Box, Reading
from workbench.errors import ImageError, RecordingError
from workbench.footage.frames import RecordingReader
from workbench.footage.pixelation import pixelated
from workbench.footage.videoframe import VideoFrame

# A face that fills the picture keeps 16 by 16 blocks; one a quarter as wide, 4 by 4.
BLOCKS_ACROSS = 16
# A line or two of text; a higher part could show people.
HIGHEST_PERCENT = 12.5
# Of a picture one person sees no more sharp, however often they look; two corners are less.
LARGEST_SHARE = 0.125
# The last picture is looked for in so many seconds before the end.
LAST_SECONDS = 2.0
# Seconds are compared after they were stored.
SAME_SECOND = 0.002


@dataclass(frozen=True, slots=True)
class ClockArea:
    """Part of a picture where its clock stands, in percent of its width and height.

    Raises
    ------
    ImageError
        If it is not inside the picture, or higher than an eighth of it: people could be seen.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        # Written so that NaN fails too.
        inside = self.left >= 0 and self.top >= 0 and self.width > 0 and self.height > 0
        if not (inside and self.left + self.width <= 100 and self.top + self.height <= 100):
            raise ImageError(
                f"{self} is not inside the picture",
                where="area of the clock",
                fix="Write left, top, width and height in percent, such as 60,2,38,8",
            )
        if self.height > HIGHEST_PERCENT:
            raise ImageError(
                f"{self.height:g} % of the picture's height may show people",
                where="area of the clock",
                fix=f"Choose at most {HIGHEST_PERCENT:g} %: a line or two of text",
            )

    def __str__(self) -> str:
        return f"{self.left:g},{self.top:g},{self.width:g},{self.height:g}"

    def within(self, width: int, height: int) -> Box:
        """The part in pixels of a picture of this size."""
        return Box(
            self.left * width / 100,
            self.top * height / 100,
            self.width * width / 100,
            self.height * height / 100,
        )


AREAS: Mapping[str, ClockArea] = {
    "top left": ClockArea(0, 0, 50, 12),
    "top right": ClockArea(50, 0, 50, 12),
    "bottom left": ClockArea(0, 88, 50, 12),
    "bottom right": ClockArea(50, 88, 50, 12),
    "top": ClockArea(0, 0, 100, 12),
    "bottom": ClockArea(0, 88, 100, 12),
}
"""Where clocks usually stand, by name."""


def share_of(areas: Iterable[ClockArea]) -> float:
    """Share of a picture that these areas cover together, from 0 to 1."""
    from shapely import box, union_all

    parts = [box(a.left, a.top, a.left + a.width, a.top + a.height) for a in areas]
    return float(union_all(parts).area) / 100**2


def read_area(text: str) -> ClockArea | None:
    """Return an area by its name in :data:`AREAS` or its four numbers; None for an empty text.

    Raises
    ------
    ImageError
        If it is neither, or may show people.
    """
    if not text.strip():
        return None
    named = AREAS.get(" ".join(text.lower().replace("-", " ").split()))
    if named is not None:
        return named
    try:
        left, top, width, height = map(float, re.split(r"\s*,\s*|\s+", text.strip()))
    except ValueError:
        raise ImageError(
            f"{text!r} is not a part of a picture",
            where="area of the clock",
            fix=f"Choose {', '.join(AREAS)}, or write left, top, width, height in percent",
        ) from None
    return ClockArea(left, top, width, height)


@dataclass(frozen=True, slots=True)
class ClockPicture:
    """A picture of a recording, at one of its seconds, coarse but for the clock."""

    seconds: float
    png: bytes = field(repr=False)  # without loss: what is compressed otherwise spills over an edge


def clock_pictures(
    path: Path,
    *,
    area: ClockArea | None,
    start: float = 0.0,
    end: float | None = None,
    name: str = "",
    reading: Reading | None = None,
) -> tuple[ClockPicture, ...]:
    """Take the first and the last picture of a stretch; one alone where it has no second.

    Parameters
    ----------
    path : Path
        The recording.
    area : ClockArea, optional
        What stays sharp; by default nothing.
    start, end : float
        Seconds of the recording; by default to its end.
    name : str
        For messages; by default the file's name.
    reading : Reading, optional
        How the recording was read when it was indexed; by default as its file says.

    Raises
    ------
    RecordingError
        If the recording cannot be read, or holds no picture in the stretch.
    """
    how = reading or Reading()
    given: dict[str, Any] = {
        "name": name,
        "frame_rate": how.frame_rate,
        "stream": how.stream,
        "rotation": how.rotation,
        "pixel_aspect": how.pixel_aspect,
    }

    def within(reader: RecordingReader, begin: float) -> Iterator[VideoFrame]:
        for frame in reader.frames(start=begin):
            if end is not None and frame.seconds >= end - SAME_SECOND:
                return
            if frame.seconds >= start - SAME_SECOND:
                yield frame

    first = last = None
    with RecordingReader(path, **given) as reader:
        for frame in within(reader, start):
            first = _taken(frame, area)
            break
    if first is None:
        until = "its end" if end is None else f"{end:.1f} s"
        raise RecordingError(
            f"holds no picture from {start:.1f} s to {until}",
            where=name or str(path),
            fix="Check that it is the recording that was indexed",
        )
    with RecordingReader(path, **given) as reader:
        latest = None
        for frame in within(reader, start if end is None else max(start, end - LAST_SECONDS)):
            latest = frame
        if latest is not None and latest.seconds > first.seconds + SAME_SECOND:
            last = _taken(latest, area)
    return (first,) if last is None else (first, last)


def _taken(frame: VideoFrame, area: ClockArea | None) -> ClockPicture:
    import cv2

    part = None if area is None else area.within(frame.width, frame.height)
    picture = pixelated(frame.image(), BLOCKS_ACROSS, but=part)
    return ClockPicture(frame.seconds, cv2.imencode(".png", picture)[1].tobytes())
