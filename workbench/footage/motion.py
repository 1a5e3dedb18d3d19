"""Motion detection: regions of a fixed camera's picture that differ from its background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class MotionGate:
    """Background model of a fixed camera, which finds the regions that differ from it.

    Parameters
    ----------
    width : int
        Wider side of the grey pictures, pixels.
    sensitivity : float
        Grey levels (of 255) by which a pixel must differ. Compression noise stays below 8.
    smallest : float
        Share of the picture below which a moving spot is noise.
    margin : float
        How much of the picture's width is added around what moves: detectors need surroundings.
    learning : float
        Share of each picture that enters the background; at two looks a second a standing person
        fades into it after about half a minute.
    everywhere : float
        If more than this share of the picture moves, all of it counts as moving.
    """

    width: int = 320
    sensitivity: float = 12.0
    smallest: float = 0.0004
    margin: float = 0.04
    learning: float = 0.03
    everywhere: float = 0.5
    _background: NDArray[np.float32] | None = field(default=None, repr=False)
    _last: NDArray[np.float32] | None = field(default=None, repr=False)

    # A cut changes nearly the whole picture a lot; a lamp switched on does too, and ending the
    # tracks then costs nothing: they are joined again where the templates agree.
    CUT_LEVELS = 30.0

    def look(self, luma: NDArray[np.uint8], scale: float) -> tuple[list[Box] | None, bool]:
        """Compare the next small grey picture with the background, and learn from it.

        Parameters
        ----------
        luma : (h, w) uint8
        scale : float
            Pixels of the recording per pixel of *luma*.

        Returns
        -------
        regions : list of Box, or None
            Moving regions, in pixels of the recording; None where everything moves, or at the
            first picture, which has nothing to differ from.
        cut : bool
            True at a cut to another scene.
        """
        import cv2

        grey = cv2.GaussianBlur(luma, (5, 5), 0).astype(np.float32)
        last, self._last = self._last, grey
        if self._background is None or last is None or last.shape != grey.shape:
            self._background = grey.copy()
            return None, last is not None
        if float(np.abs(grey - last).mean()) > self.CUT_LEVELS:
            self._background = grey.copy()
            return None, True
        moving = np.abs(grey - self._background) > self.sensitivity
        cv2.accumulateWeighted(grey, self._background, self.learning)
        if moving.mean() > self.everywhere:
            return None, False
        return [box.scaled(scale) for box in self._boxes(moving)], False

    def _boxes(self, moving: NDArray[np.bool_]) -> list[Box]:
        import cv2

        height, width = moving.shape
        reach = max(1, round(self.margin * width))
        kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        mask = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, kernel))
        boxes = []
        for x, y, w, h, _ in stats[1:].tolist():
            if mask[y : y + h, x : x + w].sum() >= self.smallest * height * width:
                boxes.append(Box(x, y, w, h))
        return _united(boxes)


def _united(boxes: list[Box]) -> list[Box]:
    """Unite overlapping boxes: no part of the picture is looked at twice."""
    merged: list[Box] = []
    for box in boxes:
        while rest := [other for other in merged if box.overlap(other) > 0]:
            for other in rest:
                left, top = min(box.x, other.x), min(box.y, other.y)
                right = max(box.x + box.width, other.x + other.width)
                bottom = max(box.y + box.height, other.y + other.height)
                box = Box(left, top, right - left, bottom - top)
                merged.remove(other)
        merged.append(box)
    return merged
