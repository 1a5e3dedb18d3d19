"""What stays of a picture in coarse blocks."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.domain import Box
from workbench.footage.pixelation import pixelated

NOISE = np.random.default_rng(1).integers(0, 255, (90, 161, 3), np.uint8)


def test_outside_the_part_pixels_carry_nothing_finer_than_the_blocks() -> None:
    part = Box(100.4, 80, 90, 30)  # beyond the edges, too
    found = pixelated(NOISE, 16, but=part)
    blocks = pixelated(NOISE, 16)
    inside = np.zeros(found.shape[:2], bool)
    inside[80:90, 100:161] = True
    assert (found[inside] == NOISE[inside]).all()
    assert (found[~inside] == blocks[~inside]).all()
    # 16 by 9 blocks: whatever the picture shows, there is no more in it.
    assert len(np.unique(blocks.reshape(90, -1), axis=0)) == 9
    assert len(np.unique(blocks.transpose(1, 0, 2).reshape(161, -1), axis=0)) == 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_pictures_of_any_shape_have_blocks(shape: tuple[int, int]) -> None:
    assert pixelated(np.zeros((*shape, 3), np.uint8), 16).shape == (*shape, 3)
