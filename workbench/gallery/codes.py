"""Codes of templates: int8 numbers that stand for them in a scan, and what they lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows that are turned at a time, which bounds memory.
BLOCK = 65_536


def quantise(
    block: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float64]]:
    """Vectors as a scale and int8 codes each, and the length of what that loses.

    ``block ≈ scale[:, None] * codes``; shapes ``(n,)``, ``(n, dimension)``, ``(n,)``.
    """
    scale = np.abs(block).max(axis=1) / np.float32(127)
    scale[scale == 0] = 1.0
    codes = np.rint(block / scale[:, None]).astype(np.int8)
    loss = np.linalg.norm(block.astype(np.float64) - scale[:, None] * codes, axis=1)
    return scale, codes, loss


__all__ = ["BLOCK", "quantise"]
