"""Pictures are put upright, and their pixels made square."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from workbench.footage.geometry import Orientation, square

PICTURE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
EVERY = [Orientation(*flags) for flags in product((False, True), repeat=3)]


@pytest.mark.parametrize(
    ("abcd", "shown"),
    [
        ((1, 0, 0, 1), PICTURE),
        ((-1, 0, 0, 1), PICTURE[:, ::-1]),  # a front camera
        ((1, 0, 0, -1), PICTURE[::-1]),
        ((-1, 0, 0, -1), np.rot90(PICTURE, 2)),
        ((0, 1, -1, 0), np.rot90(PICTURE, -1)),  # clockwise
        ((0, -1, 1, 0), np.rot90(PICTURE, 1)),
        ((0, 1, 1, 0), PICTURE.T),
        ((0, -1, -1, 0), np.rot90(PICTURE, 2).T),
    ],
)
def test_a_display_matrix_is_applied(abcd: tuple[int, ...], shown: np.ndarray) -> None:
    """A stored point (x, y) is shown at (a x + c y, b x + d y), as ISO/IEC 14496-12 has it."""
    a, b, c, d = (value << 16 for value in abcd)
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)
    assert (Orientation.of_matrix(matrix.tobytes()).apply(PICTURE) == shown).all()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_turned_clockwise(degrees: int) -> None:
    shown = Orientation.turned(degrees).apply(PICTURE)
    assert (shown == np.rot90(PICTURE, -degrees // 90)).all()


@pytest.mark.parametrize("one", EVERY)
@pytest.mark.parametrize("other", EVERY)
def test_two_orientations_combine_to_one(one: Orientation, other: Orientation) -> None:
    assert (one.then(other).apply(PICTURE) == other.apply(one.apply(PICTURE))).all()


@pytest.mark.parametrize(
    ("stored", "aspect", "shown"),
    [
        ((352, 576), Fraction(2), (704, 576)),  # half D1
        ((704, 288), Fraction(1, 2), (704, 576)),  # 2CIF
        ((704, 576), Fraction(16, 11), (1024, 576)),
        ((640, 480), None, (640, 480)),
        ((640, 480), Fraction(1, 100), (640, 480)),  # nobody stores that
    ],
)
def test_pixels_are_made_square_and_none_is_lost(
    stored: tuple[int, int], aspect: Fraction | None, shown: tuple[int, int]
) -> None:
    assert square(*stored, aspect) == shown
