"""Clip of the seconds around a sighting in which no one else can be recognised.

Only the tracked face is shown sharp; the rest of each picture is coarse. So a face that the
detector misses is hidden as well as one that it finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from workbench.domain import Box, Reading, Shot
from workbench.errors import RecordingError
from workbench.faces import quality
from workbench.faces.detection import detect
from workbench.faces.reels import wrapped
from workbench.faces.tracklets import PICTURE_MARGIN
from workbench.footage.filmwriter import FilmWriter, sized
from workbench.footage.frames import RecordingReader
from workbench.footage.pixelation import pixelated
from workbench.style import picture_font

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.faces.models import Models

MARGIN_SECONDS = 2.0  # before the first best shot and after the last
# Blocks of the coarse part: a face as wide as an eighth of the picture keeps 6 by 6 of them.
BLOCKS_ACROSS = 48
# Around the face, of its size: hair and collar help to compare.
SHARP_MARGIN = 0.35
# A detection that overlaps less with where the face should be is another person.
SAME_FACE_OVERLAP = 0.25
# A frame this near to a best shot's second is the one that it was taken from; the same picture but
# for the JPEG differs by at most so many grey levels on average (demo and town: at most 2.1).
SAME_MOMENT_SECONDS, SAME_PICTURE_LEVELS = 0.002, 12.0
# Letters of what stands under each picture: a share of its width, and no smaller than can be read.
LETTERS, SMALLEST_LETTERS = 1 / 50, 11


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip, and which seconds of its recording it shows."""

    film: bytes = field(repr=False)  # MP4
    start: float  # seconds into the recording
    end: float  # likewise


Within: TypeAlias = tuple[float, float]
"""Seconds of a recording beyond which no clip reaches: of a moving camera, those at one place."""


def seconds_around(
    shots: Sequence[Shot], *, margin: float = MARGIN_SECONDS, within: Within = (0.0, math.inf)
) -> tuple[float, float]:
    """Return the seconds of a recording between which :func:`cut` shows best shots."""
    first, last = min(shot.seconds for shot in shots), max(shot.seconds for shot in shots)
    start, end = max(first - margin, within[0]), min(last + margin, within[1])
    return min(start, first), max(end, last)


def inside(
    shots: Sequence[Shot], since: datetime, until: datetime, *, within: Within
) -> tuple[tuple[Shot, ...], Within]:
    """Return the best shots that lie in a time, and the seconds of their recording that do.

    If none does, because a clock was corrected after they had been found, they are all returned,
    with no second around them.

    Parameters
    ----------
    shots : sequence of Shot
        At least one, the best first; that order is kept.
    since, until : datetime
        The time, UTC.
    within : tuple of float
        Seconds beyond which nothing is shown in any case. No jump of the clock lies in them.
    """
    kept = tuple(shot for shot in shots if since <= shot.time <= until)
    if not kept:
        seconds = [shot.seconds for shot in shots]
        return tuple(shots), (min(seconds), max(seconds))
    known = kept[0]
    start, end = (
        known.seconds + (moment - known.time).total_seconds() for moment in (since, until)
    )
    return kept, (max(start, within[0]), min(end, within[1]))


@dataclass(frozen=True, slots=True)
class Cut:
    """Films and a still that are cut from a recording around a sighting."""

    coarse: bytes = field(repr=False)  # MP4, all other faces made coarse
    still: bytes = field(repr=False)  # JPEG: the picture of the best shot, coarse likewise
    sharp: bytes = field(default=b"", repr=False)  # MP4, everybody as recorded; empty: not asked


def cut(
    recording: Path,
    shots: Sequence[Shot],
    models: Models,
    *,
    reading: Reading | None = None,
    margin: float = MARGIN_SECONDS,
    within: Within = (0.0, math.inf),
    sharp: bool = False,
    tags: Mapping[str, str] | None = None,
    caption: Sequence[str] = (),
    on_picture: Callable[[Image, datetime], None] | None = None,
) -> Cut:
    """Cut the seconds around a tracklet's best shots from its recording, as MP4 and a still.

    Parameters
    ----------
    recording : Path
        Recording in which the tracklet was found.
    shots : sequence of Shot
        Its best shots, at least one, the best first; their boxes show where the face is.
    models : Models
        Their detector follows the face between best shots.
    reading : Reading, optional
        The way in which it was read when it was indexed; by default as the file says.
    margin : float
        Seconds before the first best shot and after the last.
    within : tuple of float
        Seconds beyond which nothing is shown, but for the best shots.
    sharp : bool
        Make a film too in which nothing is coarse: bystanders can be recognised.
    tags : mapping of str to str, optional
        What the films say of themselves; see :class:`workbench.footage.filmwriter.FilmWriter`.
    caption : sequence of str
        Lines that stand under each picture of the films, and cover nothing of it.
    on_picture : callable, optional
        Called with each coarse picture ``(height, width, 3) uint8`` (BGR) and its time (UTC). It
        may raise Cancelled.

    Raises
    ------
    RecordingError
        If the source cannot be read, holds no picture in that time, or does not show the best
        shots where and when they were seen: somebody else would be sharp then.
    """
    known = sorted(shots, key=lambda shot: shot.seconds)
    start, end = seconds_around(known, margin=margin, within=within)
    last, first, checked, still = None, None, 0, b""
    how = reading or Reading()
    opened = RecordingReader(
        recording,
        frame_rate=how.frame_rate,
        stream=how.stream,
        rotation=how.rotation,
        pixel_aspect=how.pixel_aspect,
    )
    with opened as reader, FilmWriter(tags=tags) as coarse, FilmWriter(tags=tags) as whole:
        for frame in reader.frames(start=start):
            if frame.seconds < start:
                continue
            if frame.seconds > end:
                break
            image = frame.image()
            last = _follow(image, _expected(known, frame.seconds), last, models)
            picture = _coarse_but(image, last)
            for shot in known:
                if abs(shot.seconds - frame.seconds) <= SAME_MOMENT_SECONDS:
                    _check_shown(image, shot, recording)
                    checked += 1
                    if shot is shots[0]:
                        still = _jpeg(picture)
            if first is None:
                first, size = frame.seconds, picture.shape
                band = _band(caption, size[1])
            coarse.add(_above(picture, band, size), frame.seconds - first)
            if sharp:
                plain = image[: picture.shape[0], : picture.shape[1]]
                whole.add(_above(plain, band, size), frame.seconds - first)
            if on_picture is not None:
                ahead = timedelta(seconds=frame.seconds - known[0].seconds)
                on_picture(picture, known[0].time + ahead)
        if first is None:
            raise RecordingError(
                f"holds no picture between {start:.1f} s and {end:.1f} s",
                where=str(recording),
                fix="Check that it is the recording that was indexed",
            )
        if not checked:
            raise _not_shown(recording)
        return Cut(coarse.finish(), still, whole.finish() if sharp else b"")


def _band(lines: Sequence[str], width: int) -> Image:
    """Write lines on a band of even height, as wide as the pictures; of no height without any."""
    if not lines:
        return np.zeros((0, width, 3), np.uint8)
    size = max(SMALLEST_LETTERS, round(LETTERS * width))
    font, margin = picture_font(size), size
    told = [part for line in lines for part in wrapped(line, font, width - 2 * margin)]
    step = round(1.4 * size)
    strip = Pictures.new("RGB", (width, (step * len(told) + margin) // 2 * 2), "#14181d")
    pen = ImageDraw.Draw(strip)
    for number, line in enumerate(told):
        pen.text((margin, margin // 2 + step * number), line, fill="#ffffff", font=font)
    return np.asarray(strip)[:, :, ::-1]


def _above(picture: Image, band: Image, size: Sequence[int]) -> Image:
    """Put a picture, which is made as large as the first, above the band of its film."""
    return np.vstack((sized(picture, size[1], size[0]), band))


def _jpeg(picture: Image) -> bytes:
    import cv2

    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert done
    return encoded.tobytes()


def _check_shown(image: Image, shot: Shot, recording: Path) -> None:
    """Raise RecordingError if the picture does not show the shot where it was seen."""
    import cv2

    here = quality.crop(image, shot.box.widened(PICTURE_MARGIN))
    seen = cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if seen is None or here.shape != seen.shape:
        raise _not_shown(recording)
    if np.abs(here.astype(int) - seen).mean() > SAME_PICTURE_LEVELS:
        raise _not_shown(recording)


def _not_shown(recording: Path) -> RecordingError:
    return RecordingError(
        "does not show the face where and when it was indexed, so no clip was made",
        where=str(recording),
        fix="Check that it is the recording that was indexed, and what the catalogue says of it",
    )


def _expected(known: Sequence[Shot], seconds: float) -> Box | None:
    """Interpolate the face between two best shots; None before the first and after the last."""
    for before, after in zip(known, known[1:] or known, strict=False):
        if before.seconds <= seconds <= after.seconds:
            span = after.seconds - before.seconds
            part = (seconds - before.seconds) / span if span else 0.0
            a, b = before.box, after.box
            return Box(
                a.x + part * (b.x - a.x),
                a.y + part * (b.y - a.y),
                a.width + part * (b.width - a.width),
                a.height + part * (b.height - a.height),
            )
    return None


def _follow(image: Image, expected: Box | None, last: Box | None, models: Models) -> Box | None:
    """Find the face in this picture; None where that is not sure, and nothing is shown."""
    place = expected or last
    if place is None:
        return None
    found = detect(models, image, min_width=place.width / 2, regions=[place.widened(0.75)])
    overlaps = [(face.box.overlap(place), face.box) for face in found]
    best = max(overlaps, key=lambda pair: pair[0], default=(0.0, place))
    return best[1] if best[0] >= SAME_FACE_OVERLAP else expected


def _coarse_but(image: Image, sharp: Box | None) -> Image:
    """The picture in coarse blocks, but for the surroundings of *sharp*; its sides are even."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    area = None if sharp is None else sharp.widened(SHARP_MARGIN)
    return pixelated(image[:height, :width], BLOCKS_ACROSS, but=area)
