"""Pieces of recordings as films that a browser plays: in coarse blocks, or as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import Reading
from workbench.errors import RecordingError
from workbench.footage.filmwriter import FilmWriter, sized
from workbench.footage.frames import RecordingReader
from workbench.footage.pixelation import pixelated

if TYPE_CHECKING:
    from workbench.domain import Image

BLOCKS_ACROSS = 48
"""Blocks of a coarse picture: a face as wide as an eighth of it keeps 6 by 6 of them."""

WIDEST = 1280
"""Pixels of a picture from left to right: these are to be looked at, and no evidence."""

_COARSE = 480  # pixels from left to right: ten for each block


def film_of(
    recording: Path, start: float, end: float, *, reading: Reading | None = None, sharp: bool
) -> bytes:
    """Make an MP4 (H.264, no sound) of a recording between two of its seconds.

    All of each picture is coarse unless it is to be sharp, whether a face was found in it or not.
    The film begins at the second *start*, with the picture that was shown then; where *end* is the
    same second, it is that picture alone.

    Raises
    ------
    RecordingError
        If the recording cannot be read, or shows nothing in that time.
    """
    how = reading or Reading()
    opened = RecordingReader(
        recording,
        frame_rate=how.frame_rate,
        stream=how.stream,
        rotation=how.rotation,
        pixel_aspect=how.pixel_aspect,
    )
    with opened as reader, FilmWriter(preset="veryfast") as film:
        earlier = None
        for frame in reader.frames(start=start):
            if frame.seconds >= end and frame.seconds > start:
                break
            if frame.seconds < start:
                earlier = frame
                continue
            if earlier is not None and film.is_empty and frame.seconds > start:
                film.add(_shown(earlier.image(), sharp=sharp), 0.0)
            film.add(_shown(frame.image(), sharp=sharp), frame.seconds - start)
        if earlier is not None and film.is_empty and reader.seconds > start:
            film.add(_shown(earlier.image(), sharp=sharp), 0.0)
        if film.is_empty:
            raise RecordingError(
                f"shows nothing between {start:.1f} s and {end:.1f} s",
                where=str(recording),
                fix="Choose another moment, or check that it is the recording that was indexed",
            )
        return film.finish()


def _shown(image: Image, *, sharp: bool) -> Image:
    """Make the picture that is shown of one: no wider than it may be, with even sides."""
    height, width = image.shape[:2]
    across = min(width, WIDEST if sharp else _COARSE)
    down = max(2, round(height * across / width))
    coarse = image if sharp else pixelated(image, BLOCKS_ACROSS)
    return sized(coarse, across // 2 * 2, down // 2 * 2)
