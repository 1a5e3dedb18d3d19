"""Plan of a question: which parts may hold something of its scope, and which of their rows do.

Parts are found by day and place in the manifest, rows by binary search in the keys of a part. A
part that is not planned is not opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.domain import Camera
from workbench.gallery.entries import Box, Microseconds, PartEntry, day_of
from workbench.gallery.order import DAY, edges, expand, hilbert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.gallery.manifest import Manifest, State
    from workbench.gallery.scan import Piece

# Stretches of rows at least this long are read where they lie; shorter ones are gathered first.
LONG_RUN = 4_096
_UNPLACED_BITS = 47


def places_of(cameras: Sequence[Camera]) -> dict[str, int]:
    """Place of each camera along the Hilbert curve, by its id.

    One whose place on Earth is not known has a place of its own after all others, by a digest of
    its id; so those without a place are as far apart in a gallery as any, and in a lasting order.
    """
    longitude, latitude = (
        np.array([getattr(camera, name) for camera in cameras], np.float64)
        for name in ("longitude", "latitude")
    )
    found = hilbert(longitude, latitude)
    unplaced = np.isnan(longitude) | np.isnan(latitude)
    return {
        camera.camera_id: place + 1 + _own_place(camera.camera_id) if nowhere else place
        for camera, place, nowhere in zip(cameras, found.tolist(), unplaced.tolist(), strict=True)
    }


def _own_place(camera_id: str) -> int:
    digest = hashlib.sha256(camera_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _UNPLACED_BITS)


def plan(
    manifest: Manifest,
    state: State,
    spans: Sequence[tuple[Microseconds, Microseconds]],
    places: NDArray[np.int64] | None = None,
    *,
    besides: Box | None = None,
) -> list[PartEntry]:
    """Parts that may hold tracklets of a scope, searchable or not, by day and place.

    Parameters
    ----------
    state : State
        Of the gallery at the commit whose parts are wanted.
    spans : sequence of (start, end)
        In time, sorted and disjoint, ends left out.
    places : (n,) int64, optional
        All places under which rows of the scope's cameras may lie, sorted; by default those of all
        cameras.
    besides : Box, optional
        Without the parts that lie in it.
    """
    if not spans or (places is not None and not len(places)):
        return []
    begin, end = spans[0][0], spans[-1][1]
    # A tracklet lies on the day on which it was first seen, and was seen until the longest later.
    found = manifest.parts_of(
        state.commit,
        days=(day_of(begin - state.longest_tracklet), day_of(end - 1)),
        places=None if places is None else (int(places[0]), int(places[-1])),
        seen=(begin, end),
        besides=besides,
    )
    if places is not None:
        found = around(found, places)
    if not found or len(spans) == 1:
        return found
    first, last = np.array([(part.first_seen, part.last_seen) for part in found]).T
    keep = _overlaps(first, last, spans)
    return [part for part, wanted in zip(found, keep.tolist(), strict=True) if wanted]


def around(parts: Sequence[PartEntry], places: NDArray[np.int64]) -> list[PartEntry]:
    """Parts, of some, whose run of places holds one of *places*, which are sorted."""
    if not parts:
        return []
    low, high = np.array([(part.place_low, part.place_high) for part in parts]).T
    keep = np.searchsorted(places, low, "left") < np.searchsorted(places, high, "right")
    return [part for part, wanted in zip(parts, keep.tolist(), strict=True) if wanted]


class Columns(Protocol):
    """Keys of tracklets, as :class:`workbench.gallery.parts.Keys` has them."""

    entry: PartEntry
    cameras: list[str]
    camera: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        ...


def allowed_in(keys: Columns, cameras: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Mask of the cameras of a part that are among *cameras*, ``(len(keys.cameras),)``."""
    return np.fromiter((one in cameras for one in keys.cameras), bool, len(keys.cameras))


def rows_inside(
    keys: Columns,
    allowed: NDArray[np.bool_],
    spans: Sequence[tuple[Microseconds, Microseconds]],
    *,
    quality: NDArray[np.float32] | None = None,
    least_quality: float = 0.0,
) -> list[Piece]:
    """Rows whose camera is allowed and that were seen in one of the spans, in ascending order.

    Parameters
    ----------
    allowed : (m,) bool
        By camera of the part, as :func:`allowed_in` has it.
    spans : sequence of (start, end)
        In time, sorted and disjoint, ends left out.
    quality : (n,) float32, optional
        Only rows with at least *least_quality*.

    Returns
    -------
    list of slice or (k,) int array
        Long runs as slices, which are read where they lie; what is left as numbers of rows.
    """
    if not len(keys) or not spans:
        return []
    # Of the column's own type: all of it would be read and converted otherwise.
    cameras = edges(allowed).astype(keys.camera.dtype)
    low, high = keys.camera.searchsorted(cameras).reshape(-1, 2).T
    if not len(low):
        return []
    long: list[Piece] = []
    begin, end = spans[0][0], spans[-1][1]
    whole = len(spans) == 1 and _holds_all(keys.entry, begin, end)
    if whole and not least_quality:
        far = high - low >= LONG_RUN
        if far.any():
            long = [slice(a, b) for a, b in zip(low[far].tolist(), high[far].tolist(), strict=True)]
            low, high = low[~far], high[~far]
        short = expand(low, high)
        return [*long, short] if len(short) else long
    # A slice is looked at where it lies; numbers of rows would have to be gathered.
    rows: Piece = slice(int(low[0]), int(high[0])) if len(low) == 1 else expand(low, high)
    keep = _overlaps(keys.first_seen[rows], keys.last_seen[rows], spans)
    if quality is not None and least_quality:
        keep &= quality[rows] >= least_quality
    found = rows.start + np.flatnonzero(keep) if isinstance(rows, slice) else rows[keep]
    return [found] if len(found) else []


def _holds_all(entry: PartEntry, begin: Microseconds, end: Microseconds) -> bool:
    """Return True if every tracklet of a part was seen between two times."""
    if entry.first_seen is None or entry.last_seen is None:
        return True
    return begin <= entry.first_seen and min(entry.last_seen, (entry.day + 1) * DAY - 1) < end


def _overlaps(
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    spans: Sequence[tuple[Microseconds, Microseconds]],
) -> NDArray[np.bool_]:
    """Mask of what reaches from *first* to *last*, both included, into one of the spans."""
    if len(spans) == 1:
        return (first < spans[0][1]) & (last >= spans[0][0])
    starts, ends = np.array(spans).T
    # The first span that ends after it was first seen; it must have begun when it was last seen.
    which = np.searchsorted(ends, first, "right")
    inside: NDArray[np.bool_] = last >= starts[np.minimum(which, len(spans) - 1)]
    return inside & (which < len(spans))


__all__ = ["LONG_RUN", "Columns", "allowed_in", "around", "places_of", "plan", "rows_inside"]
