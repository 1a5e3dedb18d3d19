"""Orientation of stored pictures, and their pixels made square."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels stretched further than this are an error of the file.
MOST_ASPECT = 4


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to lay a picture: transposed first, then flipped.

    Made by :meth:`of_matrix` from the display matrix of a film, or by :meth:`turned`.
    """

    transpose: bool = False
    flip_x: bool = False  # left and right change places
    flip_y: bool = False  # top and bottom change places

    @classmethod
    def of_matrix(cls, matrix: bytes) -> Orientation:
        """The way nearest to a display matrix (ISO/IEC 14496-12, 8.3.2: nine 32-bit integers).

        A point (x, y) of the stored picture is shown at (a x + c y, b x + d y).
        """
        a, b, _, c, d = np.frombuffer(matrix, np.int32, count=5).tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @classmethod
    def turned(cls, degrees: int) -> Orientation:
        """Turned clockwise by a multiple of 90 degrees."""
        return {
            0: cls(),
            90: cls(True, True, False),
            180: cls(False, True, True),
            270: cls(True, False, True),
        }[degrees % 360]

    def then(self, other: Orientation) -> Orientation:
        """Both, one after the other."""
        flip_x, flip_y = self.flip_x, self.flip_y
        if other.transpose:
            flip_x, flip_y = flip_y, flip_x
        return Orientation(
            self.transpose != other.transpose, flip_x != other.flip_x, flip_y != other.flip_y
        )

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture ``(h, w[, channels])`` laid this way, as a view of it."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.flip_x:
            picture = picture[:, ::-1]
        return picture[::-1] if self.flip_y else picture


def square(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Size of a picture with square pixels, where *aspect* is the width of a pixel by its height.

    The shorter-stored side grows, so that nothing of what was recorded is lost.
    """
    if not aspect or not Fraction(1, MOST_ASPECT) <= aspect <= MOST_ASPECT:
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def _kind_without_a_name(cls: type[Type], value: object) -> Type:
    """A member for a kind of side data that PyAV has no name for, such as EXIF.

    Without it a single one of them makes all of a picture's side data unreadable.
    """
    kind: Any = object.__new__(cls)
    kind._name_, kind._value_ = f"KIND_{value}", value
    named: Type = kind
    return named


Type._missing_ = classmethod(_kind_without_a_name)  # type: ignore[assignment]


def told_orientation(frame: Any) -> Orientation:
    """The way in which the file of a decoded PyAV frame asks it to be shown."""
    # Not frame.side_data: it makes a circle, and its picture then fills memory until the next
    # collection of garbage.
    told = SideDataContainer(frame)  # type: ignore[call-arg]  # whose stub knows no argument
    matrix = told.get(Type.DISPLAYMATRIX)
    return Orientation() if matrix is None else Orientation.of_matrix(bytes(matrix))
