"""Interlaced pictures: lines of two moments, which lie apart where something moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.domain import Image

# Grey levels by which a line must differ from both its neighbours, and by more than they do from
# each other. Compression noise stays below 8.
STANDS_OUT = 10
# A comb is where so many of the pixels around stand out, within these pixels and lines of a field.
# Fine stripes that stand still reach it only if they are one line high.
DENSE, AROUND = 0.12, (9, 5)
# Around a comb, as much is mended: its edges stand out less.
MENDED = (11, 5)


def without_combs(picture: Image) -> Image:
    """The picture ``(h, w, 3) uint8``, BGR, with the lines of one moment wherever two differ.

    Where nothing moves, and in pictures that are only said to be interlaced, all lines stay: half
    of them hold half of what can be seen of a face.
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.int16)
    between = grey[1:-1:2]
    above, below = grey[0:-2:2][: len(between)], grey[2::2][: len(between)]
    from_above, from_below = between - above, between - below
    least = np.minimum(abs(from_above), abs(from_below))
    stands_out = (from_above * from_below > 0) & (least > STANDS_OUT) & (abs(above - below) < least)
    dense = cv2.blur(stands_out.astype(np.float32), AROUND) > DENSE
    if not dense.any():
        return picture
    combed = cv2.dilate(dense.astype(np.uint8), np.ones(MENDED[::-1], np.uint8)).astype(bool)
    mended = picture.copy()
    lines = mended[1:-1:2]
    over, under = picture[0:-2:2][: len(lines)], picture[2::2][: len(lines)]
    lines[combed] = cv2.addWeighted(over, 0.5, under, 0.5, 0)[combed]
    return mended
