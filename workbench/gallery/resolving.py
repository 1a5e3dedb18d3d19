"""Scope of a question resolved once: its cameras, times and parts, and the rows inside.

All that a search, its coverage and its estimate need follows from one :class:`Resolved`. Rows are
found part by part, once, and counted without reading any template.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from workbench.calibration import QUALITY_STEPS
from workbench.domain import Filter, Scope, to_microseconds
from workbench.errors import GalleryError
from workbench.gallery.derived import DerivedOffsets
from workbench.gallery.entries import SCAN, Box, Microseconds, PartEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.parts import Keys, Part, quality_histogram
from workbench.gallery.places import Places
from workbench.gallery.planning import rows_inside
from workbench.gallery.questions import asking
from workbench.gallery.rows import DOUBT, EARLIER
from workbench.gallery.scan import Piece, length_of
from workbench.gallery.snapshot import Snapshot, settled

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from workbench.domain import Profile

T = TypeVar("T")
# Numbers of rows that are kept between counting and scanning, which bounds memory: 128 MB.
MOST_KEPT = 2**24
# Of a part of which more than one in so many rows is compared, the system may read all.
_FEW = 3
# Places along the curve lie between these two.
_BEFORE_ALL, _AFTER_ALL = -1, 2**62


class Cameras:
    """Cameras of a gallery as columns, and the places along the curve under which their rows lie.

    ``known`` are all of them, by id.
    """

    def __init__(self, manifest: Manifest, where: str) -> None:
        """Read them from a manifest as it is now; *where* names the gallery in messages.

        Raises GalleryError if rows are of a camera that is none of them, here as below.
        """
        self._where = where
        self.known = Places.of(manifest.camera_table())
        there = manifest.places()
        number = self._among_known([name for name, _ in there])
        place = np.array([place for _, place in there], np.int64)
        order = np.argsort(place, kind="stable")
        self._number, self._place = number[order], place[order]
        self._of_parts: weakref.WeakKeyDictionary[Keys, NDArray[np.intp]]
        self._of_parts = weakref.WeakKeyDictionary()

    def _among_known(self, names: Sequence[str]) -> NDArray[np.intp]:
        wanted, ids = np.array(names, np.str_), self.known.ids
        found = np.searchsorted(ids, wanted)
        there = found < len(ids)
        there[there] = ids[found[there]] == wanted[there]
        if not there.all():  # its rows would be taken for those of another
            raise GalleryError(
                f"has rows of camera {wanted[~there][0]}, which it does not know",
                where=self._where,
                fix="Check the gallery with `sightline gallery check`",
            )
        return found

    def places(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        """All places under which rows of the *chosen* cameras may lie, sorted; None: of any."""
        return None if chosen.all() else self._place[chosen[self._number]]

    def longest_run(self, chosen: NDArray[np.bool_]) -> tuple[int, int]:
        """The places between which the most of the *chosen* cameras have rows, and no others."""
        others = np.flatnonzero(~chosen[self._number])
        widest = int(np.diff(others, prepend=-1, append=len(self._place)).argmax())
        edges = np.concatenate([[_BEFORE_ALL], self._place[others], [_AFTER_ALL]])
        return int(edges[widest]), int(edges[widest + 1])

    def all_chosen(
        self, chosen: NDArray[np.bool_], low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Mask of the runs of places, *low* to *high*, under which no other camera has rows."""
        others = np.concatenate([[0], np.cumsum(~chosen[self._number])])
        first = np.searchsorted(self._place, low, "left")
        stop = np.searchsorted(self._place, high, "right")
        return np.asarray(others[stop] == others[first])

    def numbers(self, keys: Keys) -> NDArray[np.intp]:
        """Row numbers among all cameras of those of a part, ``(len(keys.cameras),)``."""
        found = self._of_parts.get(keys)
        if found is None:
            found = self._of_parts[keys] = self._among_known(keys.cameras)
        return found


class Reader:
    """All that a process keeps to ask a gallery: its last snapshot, cameras, derived offsets.

    Parameters
    ----------
    path : Path
        The file that people name: permits are for it.
    snapshot : Snapshot
        Any; each question is asked of the newest.
    derived : Path, optional
        Folder of offsets of later calibrations; see :mod:`workbench.gallery.derived`.
    """

    def __init__(self, path: Path, snapshot: Snapshot, derived: Path | None = None) -> None:
        self.path, self.snapshot = path, snapshot
        self.offsets = DerivedOffsets(derived)
        self._cameras: tuple[tuple[Manifest, int], Cameras] | None = None

    @property
    def profile(self) -> Profile:
        """Profile of all templates."""
        return self.snapshot.manifest.profile

    def settled(self, ask: Callable[[], T]) -> T:
        """Answer of *ask* on the last commit; see :func:`workbench.gallery.snapshot.settled`."""

        def of(snapshot: Snapshot) -> T:
            self.snapshot = snapshot
            return ask()

        answer, self.snapshot = settled(self.snapshot, of)
        return answer

    @functools.cached_property
    def database(self) -> duckdb.DuckDBPyConnection:
        """DuckDB for questions about rows: it holds none itself."""
        return asking()

    @property
    def camera_columns(self) -> Cameras:
        """Cameras as of the snapshot, read again when a commit changed them."""
        as_of = self.snapshot.manifest, self.snapshot.state.cameras_commit
        if self._cameras is None or self._cameras[0] != as_of:
            self._cameras = as_of, Cameras(self.snapshot.manifest, str(self.path))
        return self._cameras[1]

    def resolve(self, scope: Scope, only: Filter | None = None) -> Resolved:
        """Resolve a scope on the snapshot; raise DistrictError if it holds no camera."""
        only = only or Filter()
        cameras = self.camera_columns
        chosen = cameras.known.left_by(only, cameras.known.searched(scope.district, scope.unplaced))
        spans = [
            (to_microseconds(start), to_microseconds(end))
            for start, end in scope.spans(only.windows)
        ]
        return Resolved(self.snapshot, cameras, scope, only, chosen, spans)


@dataclass(frozen=True, eq=False)
class Resolved:
    """Scope and filter on one snapshot: what of the gallery they hold.

    ``chosen`` is a mask of the gallery's cameras. ``spans`` are in microseconds, sorted and
    disjoint.
    """

    snapshot: Snapshot
    cameras: Cameras
    scope: Scope
    only: Filter
    chosen: NDArray[np.bool_] = field(repr=False)
    spans: Sequence[tuple[Microseconds, Microseconds]]

    @functools.cached_property
    def entries(self) -> tuple[PartEntry, ...]:
        """Parts that may have rows of the scope."""
        return self._planned()

    def _planned(self, besides: Box | None = None) -> tuple[PartEntry, ...]:
        if not self.chosen.any():
            return ()
        places = self.cameras.places(self.chosen)
        return tuple(self.snapshot.plan(self.spans, places, besides=besides))

    def counts(self) -> Counts:
        """Count the tracklets of the scope, whatever their quality.

        Parts in the largest box of it are counted by the manifest, however many they are. Only
        the others are planned, and opened where the border of the scope goes through them.
        """
        if not self.chosen.any() or not self.spans:
            return Counts(0, 0, 0, 0)
        longest = max(self.spans, key=lambda span: span[1] - span[0])
        box = Box(*longest, *self.cameras.longest_run(self.chosen))
        tracklets, templates, *notes = self.snapshot.sums_in(box)
        inside = Counts(templates, tracklets - templates, *notes)
        beside = InsideRows(self, self._planned(box)).counts()
        return Counts._make(map(sum, zip(inside, beside, strict=True)))

    def camera_ids(self) -> list[str] | None:
        """Ids of the chosen cameras; None where all are chosen."""
        return None if self.chosen.all() else self.cameras.known.ids[self.chosen].tolist()

    def whole(self, entries: Sequence[PartEntry]) -> NDArray[np.bool_]:
        """Say of planned parts whether all of their tracklets are inside, by entries alone."""
        if not entries:
            return np.empty(0, bool)
        low, high, first, last = np.array(
            [(one.place_low, one.place_high, one.first_seen, one.last_seen) for one in entries]
        ).T
        seen = np.zeros(len(entries), bool)
        for begin, end in self.spans:
            seen |= (begin <= first) & (last < end)
        if seen.any():
            seen &= self.cameras.all_chosen(self.chosen, low, high)
        return seen

    def holds(self, camera_id: str) -> bool:
        """Return True if a camera is among the chosen."""
        number = self.cameras.known.number(camera_id)
        return number is not None and bool(self.chosen[number])


class Counts(NamedTuple):
    """Tracklets inside a scope, whatever their quality, and those of them whose times are open."""

    searchable: int
    unsearchable: int
    uncertain: int  # of both kinds
    earlier: int


class InsideRows:
    """Rows of a resolved scope, part by part: of all planned parts, or of some.

    Each part's are found once, and kept for what asks next unless they are very many.
    """

    def __init__(self, resolved: Resolved, entries: Sequence[PartEntry] | None = None) -> None:
        self.resolved = resolved
        self.entries = resolved.entries if entries is None else entries
        self._whole = resolved.whole(self.entries)
        self._found: dict[int, list[Piece]] = {}
        self._kept = 0

    def part(self, number: int) -> Part:
        """Map one of the planned parts; raise ObjectGone if it was dropped and deleted."""
        return self.resolved.snapshot.part(self.entries[number], self)

    def compared(self, number: int) -> list[Piece]:
        """Rows of a planned part that a search compares."""
        found = self._found.get(number)
        if found is not None:
            return found
        templates, least = self.entries[number].templates, self.resolved.only.quality
        if not templates:
            found = []
        elif self._whole[number] and not least:
            found = [slice(0, templates)]
        else:
            part = self.part(number)
            found = self._inside(part, part.quality, least)
        size = sum(len(piece) for piece in found if not isinstance(piece, slice))
        if self._kept + size <= MOST_KEPT:
            self._found[number] = found
            self._kept += size
        return found

    def _inside(
        self, keys: Keys, quality: NDArray[np.float32] | None = None, least: float = 0.0
    ) -> list[Piece]:
        allowed = self.resolved.chosen[self.resolved.cameras.numbers(keys)]
        return rows_inside(keys, allowed, self.resolved.spans, quality=quality, least_quality=least)

    def __iter__(self) -> Iterator[tuple[int, Part, list[Piece]]]:
        """Parts with rows that a search compares: number, part and rows."""
        for number in range(len(self.entries)):
            if pieces := self.compared(number):
                part = self.part(number)
                if _FEW * sum(map(length_of, pieces)) > len(part):
                    part.in_order(SCAN)
                yield number, part, pieces

    def total(self) -> int:
        """Number of rows that a search compares."""
        numbers = range(len(self.entries))
        return sum(length_of(piece) for number in numbers for piece in self.compared(number))

    def quality(self) -> NDArray[np.int64]:
        """Rows that a search compares by step of quality, ``(QUALITY_STEPS,)``."""
        count = np.zeros(QUALITY_STEPS, np.int64)
        for _, part, pieces in self:
            if sum(map(length_of, pieces)) == len(part):
                count += part.histogram
            else:
                count += sum(quality_histogram(part.quality[piece]) for piece in pieces)
        return count

    def counts(self) -> Counts:
        """Count the tracklets of the scope, whatever their quality."""
        searchable = unsearchable = uncertain = earlier = 0
        least = self.resolved.only.quality
        for number, entry in enumerate(self.entries):
            if self._whole[number]:
                searchable += entry.templates
                unsearchable += entry.tracklets - entry.templates
                uncertain += entry.uncertain
                earlier += entry.earlier
                continue
            part = self.part(number)
            pieces = self._inside(part) if least else self.compared(number)
            searchable += sum(map(length_of, pieces))
            both: list[tuple[Keys, list[Piece]]] = [(part, pieces)]
            if entry.tracklets > entry.templates:
                others = self._inside(part.unsearchable)
                unsearchable += sum(map(length_of, others))
                both.append((part.unsearchable, others))
            for keys, of_keys in both:
                for piece in of_keys:
                    notes = keys.notes[piece]
                    uncertain += int(np.count_nonzero(notes & DOUBT))
                    earlier += int(np.count_nonzero(notes & EARLIER))
        return Counts(searchable, unsearchable, uncertain, earlier)


__all__ = ["Cameras", "Counts", "InsideRows", "Reader", "Resolved"]
