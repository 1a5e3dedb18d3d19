"""Order of templates: days, then places along a Hilbert curve, so that a scope reads little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 86_400_000_000  # microseconds
# Of each coordinate: 2**-24 of the globe is 2.4 m.
_BITS = 24


def hilbert(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place of each point along a Hilbert curve over the globe: near points, near numbers.

    The iterative form of J. Skilling, "Programming the Hilbert curve", AIP Conf. Proc. 707 (2004),
    as given for two dimensions in Wikipedia's "Hilbert curve" (xy2d). Points without a place (NaN)
    come after all others.
    """
    side = np.int64(1) << _BITS
    nowhere = ~(np.isfinite(longitude) & np.isfinite(latitude))
    longitude, latitude = np.where(nowhere, 0, longitude), np.where(nowhere, 0, latitude)
    x = np.clip((np.asarray(longitude) + 180) / 360 * side, 0, side - 1).astype(np.int64)
    y = np.clip((np.asarray(latitude) + 90) / 180 * side, 0, side - 1).astype(np.int64)
    place = np.zeros(x.shape, np.int64)
    step = side >> 1
    while step:
        right, up = (x & step) > 0, (y & step) > 0
        place += step * step * ((3 * right) ^ up)
        # Turn the quadrant so that the curve enters and leaves at its corners.
        flip = ~up & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
        step >>= 1
    place[nowhere] = side * side
    return place


def edges(chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """First index of each stretch of True, and the one after its last, in turn."""
    between = np.zeros(len(chosen) + 2, bool)
    between[1:-1] = chosen
    found: NDArray[np.intp] = (between[1:] != between[:-1]).nonzero()[0]
    return found


def expand(first: NDArray[np.intp], stop: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of the ranges [first, stop), one range after the other."""
    if not len(first):
        return np.empty(0, np.intp)
    lengths = stop - first
    ends = lengths.cumsum()
    found: NDArray[np.intp] = np.arange(ends[-1]) + (stop - ends).repeat(lengths)
    return found
