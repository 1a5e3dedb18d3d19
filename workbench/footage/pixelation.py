"""Pictures in coarse blocks, but for one part: nobody outside it can be recognised.

A face that a detector misses is hidden as well as one that it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.domain import Box, Image


def pixelated(image: Image, blocks_across: int, *, but: Box | None = None) -> Image:
    """The picture ``(height, width, 3) uint8`` in blocks, each of the mean colour under it.

    Parameters
    ----------
    image : Image
    blocks_across : int
        Blocks from left to right; as many from top to bottom as make them about square.
    but : Box, optional
        Part that stays as it is, in pixels; what of it lies outside the picture is left out.
    """
    import cv2

    height, width = image.shape[:2]
    across = min(blocks_across, width)
    blocks = across, min(height, max(1, round(across * height / width)))
    few = cv2.resize(image, blocks, interpolation=cv2.INTER_AREA)
    picture = cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
    if but is not None:
        top, left = max(0, round(but.y)), max(0, round(but.x))
        bottom, right = round(but.y + but.height), round(but.x + but.width)
        picture[top:bottom, left:right] = image[top:bottom, left:right]
    return np.ascontiguousarray(picture)
