"""Films that a browser plays, written picture by picture."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain import Image

_TIME_BASE = Fraction(1, 1000)


class FilmWriter:
    """An MP4 (H.264, no sound) that is written picture by picture.

    Parameters
    ----------
    tags : mapping of str to str, optional
        What the file says of itself: ``title`` and ``comment``, as players show them.
    into : binary file, optional
        Empty file to write to, for films that need not fit into memory; :meth:`finish` returns
        nothing then.
    options : str
        Options of the encoder x264, by name: ``preset="veryfast"``.
    """

    def __init__(
        self,
        *,
        tags: Mapping[str, str] | None = None,
        into: IO[bytes] | None = None,
        **options: str,
    ) -> None:
        self._buffer = None if into is not None else io.BytesIO()
        self._options = options
        self._film = av.open(into or self._buffer, "w", format="mp4")
        self._film.metadata.update(tags or {})
        self._stream: Any = None
        self._last = -1  # in milliseconds

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._film.close()

    @property
    def is_empty(self) -> bool:
        """True as long as it has no picture."""
        return self._stream is None

    def add(self, picture: Image, seconds: float) -> None:
        """Add a picture ``(height, width, 3) uint8`` (BGR) with even sides, at its second.

        The first gives the size of all. Two within a millisecond follow each other by one.
        """
        if self._stream is None:
            self._stream = self._film.add_stream("libx264", rate=25, options=self._options)
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = self._stream.codec_context.time_base = _TIME_BASE
            self._stream.height, self._stream.width = picture.shape[:2]
        fitting = sized(picture, self._stream.width, self._stream.height)
        frame = av.VideoFrame.from_ndarray(fitting, format="bgr24")
        self._last = max(self._last + 1, round(1000 * seconds))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._film.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """End the film, and return it; nothing without a picture, or if it is in a file."""
        if self._stream is None:
            return b""
        self._film.mux(self._stream.encode())
        self._film.close()
        return self._buffer.getvalue() if self._buffer else b""


def sized(image: Image, width: int, height: int) -> Image:
    """Return a picture ``(height, width, 3) uint8`` at this size, in pixels."""
    import cv2

    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    return np.ascontiguousarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
