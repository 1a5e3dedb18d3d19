"""A decoded picture of a recording, converted only when its pixels are asked for."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.footage.geometry import Orientation, square, told_orientation
from workbench.footage.interlacing import without_combs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Image


class VideoFrame:
    """One decoded frame; its pixels are converted only when they are asked for.

    ``width`` and ``height`` are those of the upright picture with square pixels.
    """

    __slots__ = ("_frame", "_orientation", "_size", "height", "number", "seconds", "width")

    def __init__(
        self,
        frame: Any,
        number: int,
        seconds: float,
        *,
        orientation: Orientation | None = None,
        aspect: Fraction | None = None,
    ) -> None:
        self._frame, self.number, self.seconds = frame, number, seconds
        self._orientation = told_orientation(frame).then(orientation or Orientation())
        self._size = square(frame.width, frame.height, aspect)
        self.width, self.height = self._size[::-1] if self._orientation.transpose else self._size

    def image(self) -> Image:
        """The upright picture ``(height, width, 3) uint8``, BGR; interlaced ones without combs."""
        import cv2

        width, height = self._size
        if self._frame.interlaced_frame:
            picture: Image = without_combs(self._frame.to_ndarray(format="bgr24"))
            if self._size != (self._frame.width, self._frame.height):
                picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        else:
            picture = self._frame.to_ndarray(format="bgr24", width=width, height=height)
        return np.ascontiguousarray(self._orientation.apply(picture))

    def luma(self, width: int) -> NDArray[np.uint8]:
        """A small upright grey picture ``(h, w) uint8``; *width* that of the wider side."""
        scale = min(1.0, width / max(self._size))
        small = self._frame.reformat(
            width=max(2, round(self._size[0] * scale)),
            height=max(2, round(self._size[1] * scale)),
            format="gray",
            interpolation="AREA",
        )
        picture: NDArray[np.uint8] = small.to_ndarray()
        return self._orientation.apply(picture)
