"""Scope of a question resolved once: its cameras, times and parts, and the rows inside.

All that a search, its coverage and its estimate need follows from one :class:`Resolved`. Rows are
found part by part, once, and counted without reading any template.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

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
    import pyarrow as pa
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

    ``known`` are all of them, by id; ``table`` and ``there`` are what they were made of.
    """

    def __init__(self, table: pa.Table, there: Sequence[tuple[str, int]], where: str) -> None:
        """Make from :meth:`Manifest.camera_table` and :meth:`Manifest.places`.

        *where* names the gallery in messages. Raises GalleryError if rows are of a camera that is
        none of them, here as below.
        """
        self._where = where
        self.table, self.there = table, there
        self.known = Places.of(table)
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
            manifest = self.snapshot.manifest
            cameras = Cameras(manifest.camera_table(), manifest.places(), str(self.path))
            self._cameras = as_of, cameras
        return self._cameras[1]

    def resolve(self, scope: Scope, only: Filter | None = None) -> Resolved:
        """Resolve a scope on the snapshot; raise DistrictError if it holds no camera."""
        only = only or Filter()
        cameras = self.camera_columns
        chosen, spans = chosen_by(cameras, scope, only)
        return Resolved(cameras, only, chosen, spans, snapshot=self.snapshot, scope=scope)


@dataclass(frozen=True, eq=False)
class Inside:
    """Cameras and times that decide whether a row is inside a scope and filter.

    ``chosen`` is a mask of the gallery's cameras. ``spans`` are in microseconds, sorted and
    disjoint.
    """

    cameras: Cameras
    only: Filter
    chosen: NDArray[np.bool_] = field(repr=False)
    spans: Sequence[tuple[Microseconds, Microseconds]]

    @classmethod
    def of(cls, cameras: Cameras, scope: Scope, only: Filter | None) -> Self:
        """Make of a scope and filter; raise DistrictError if the scope holds no camera."""
        only = only or Filter()
        return cls(cameras, only, *chosen_by(cameras, scope, only))

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


def chosen_by(
    cameras: Cameras, scope: Scope, only: Filter
) -> tuple[NDArray[np.bool_], list[tuple[Microseconds, Microseconds]]]:
    """Mask of the cameras of a scope and filter, and their spans of time, in microseconds.

    Raises DistrictError if the scope holds no camera.
    """
    chosen = cameras.known.left_by(only, cameras.known.searched(scope.district, scope.unplaced))
    spans = [
        (to_microseconds(start), to_microseconds(end)) for start, end in scope.spans(only.windows)
    ]
    return chosen, spans


@dataclass(frozen=True, eq=False)
class Resolved(Inside):
    """Scope and filter on one snapshot: what of the gallery they hold."""

    snapshot: Snapshot
    scope: Scope

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


class PlannedRows:
    """Rows of a scope in some parts, by number of the part.

    Each part's are found once, and kept for what asks next unless they are very many.

    Parameters
    ----------
    inside : Inside
        What decides whether a row is inside.
    entries : sequence of PartEntry
        The parts.
    mapped : callable
        Maps a part, of which it is told the question besides: see :meth:`OpenParts.get`.
    """

    def __init__(
        self,
        inside: Inside,
        entries: Sequence[PartEntry],
        mapped: Callable[[PartEntry, object], Part],
    ) -> None:
        self.inside, self.entries, self._mapped = inside, entries, mapped
        self._whole = inside.whole(entries)
        self._found: dict[int, list[Piece]] = {}
        self._kept = 0

    @property
    def numbers(self) -> range:
        """Numbers of all parts."""
        return range(len(self.entries))

    def part(self, number: int) -> Part:
        """Map one of the planned parts; raise ObjectGone if it was dropped and deleted."""
        return self._mapped(self.entries[number], self)

    def compared(self, number: int) -> list[Piece]:
        """Rows of a planned part that a search compares."""
        found = self._found.get(number)
        if found is not None:
            return found
        templates, least = self.entries[number].templates, self.inside.only.quality
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
        allowed = self.inside.chosen[self.inside.cameras.numbers(keys)]
        return rows_inside(keys, allowed, self.inside.spans, quality=quality, least_quality=least)

    def __iter__(self) -> Iterator[tuple[int, Part, list[Piece]]]:
        """Parts with rows that a search compares: number, part and rows."""
        return self.of(self.numbers)

    def of(self, numbers: Iterable[int]) -> Iterator[tuple[int, Part, list[Piece]]]:
        """Some of these parts alone, by their numbers, as :meth:`__iter__` gives them."""
        for number in numbers:
            if pieces := self.compared(number):
                part = self.part(number)
                if _FEW * sum(map(length_of, pieces)) > len(part):
                    part.in_order(SCAN)
                yield number, part, pieces

    def count(self, number: int) -> int:
        """Rows of a part that a search compares."""
        return sum(map(length_of, self.compared(number)))

    def total(self) -> int:
        """Number of rows that a search compares."""
        return sum(map(self.count, self.numbers))

    def quality(self, numbers: Iterable[int] | None = None) -> NDArray[np.int64]:
        """Rows that a search compares by step of quality, ``(QUALITY_STEPS,)``.

        By default those of all parts.
        """
        count = np.zeros(QUALITY_STEPS, np.int64)
        for _, part, pieces in self.of(self.numbers if numbers is None else numbers):
            if sum(map(length_of, pieces)) == len(part):
                count += part.histogram
            else:
                count += sum(quality_histogram(part.quality[piece]) for piece in pieces)
        return count

    def counts(self, numbers: Iterable[int] | None = None) -> Counts:
        """Count the tracklets of the scope, whatever their quality; by default of all parts."""
        searchable = unsearchable = uncertain = earlier = 0
        least = self.inside.only.quality
        for number in self.numbers if numbers is None else numbers:
            entry = self.entries[number]
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


class InsideRows(PlannedRows):
    """Rows of a resolved scope, part by part: of all planned parts, or of some."""

    def __init__(self, resolved: Resolved, entries: Sequence[PartEntry] | None = None) -> None:
        entries = resolved.entries if entries is None else entries
        super().__init__(resolved, entries, resolved.snapshot.part)
        self.resolved = resolved


__all__ = [
    "Cameras",
    "Counts",
    "Inside",
    "InsideRows",
    "PlannedRows",
    "Reader",
    "Resolved",
    "chosen_by",
]
