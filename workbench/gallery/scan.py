"""Best rows of parts: an int8 scan with a bound of its error, then exact scores.

The scan reads a quarter of what the templates hold. What it loses is known, so every row that could
be among the best is compared exactly; nothing is approximate in the answer.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numkong
import numpy as np

from workbench.domain import PLAIN_SCALE
from workbench.gallery.codes import quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Metric, Profile

# Rows compared at a time; and blocks between which a search can be cancelled.
BLOCK, AT_A_TIME = 65_536, 64
# Rows from which the score of the best is estimated.
SAMPLE = 8_192
# Bytes of codes from which a piece is scanned where it lies: to copy them would take longer. Rows
# by number are copied in any case.
_JOINED = 3 * 2**17
# Bytes of codes that this thread compares alone: to share them out would take longer.
_ALONE = 8 * 2**20
# Numbers of templates that are compared exactly at a time. In double precision they fit into a
# core's cache; for more, the system is asked for memory each time, which takes longer still.
_EXACT_AT_A_TIME = 32_768
# numkong has two ways. For one probe the packed one takes 0.6 of the time at 128 numbers a
# template, and 1.7 times at 512; for several it is always the faster one.
_PACKED_UP_TO = 256
# Sums in float32 round, by so much of the longest vectors' product; far below what codes lose.
_ROUNDING = 2e-6

S = TypeVar("S", bound=Any)
T = TypeVar("T")
Piece: TypeAlias = "slice | NDArray[np.intp]"
Offsets: TypeAlias = "NDArray[np.float32] | None"
Found: TypeAlias = "tuple[NDArray[np.intp], NDArray[np.float32]]"
"""Rows and what stands for their scores."""


class Scanned(Protocol):
    """Columns that are scanned."""

    @property
    def codes(self) -> NDArray[np.int8]:
        """Codes of templates ``(n, dimension)``."""
        ...

    @property
    def scale(self) -> NDArray[np.float32]:
        """Factor of the codes, by row."""
        ...

    @property
    def square(self) -> NDArray[np.float32]:
        """Squares of the templates' lengths, by row, for the Euclidean metric."""
        ...

    @property
    def lost(self) -> float:
        """Longest vector that codes lose of a template."""
        ...

    @property
    def longest(self) -> float:
        """Length of the longest template."""
        ...


class Columns(Scanned, Protocol):
    """Columns of a part that is searched; see :class:`workbench.gallery.parts.Part`."""

    @property
    def templates(self) -> NDArray[np.float32]:
        """Templates, which are read of the rows that may be among the best."""
        ...


class Rows(NamedTuple):
    """Rows of a part that are inside a scope.

    Questions name it by ``number``. In each of ``pieces`` the rows ascend. ``offsets`` are those of
    all of its rows, where the scores of all questions are normalised.
    """

    number: int
    columns: Columns
    pieces: Sequence[Piece]
    offsets: Offsets = None


class _Gathered:
    """Small pieces of several parts as columns of their own, which are scanned at once.

    What is done once a piece takes longer than to compare some hundred rows.
    """

    def __init__(self, pieces: Sequence[tuple[Rows, Piece]]) -> None:
        self._pieces = pieces
        self._ends = np.cumsum([length_of(piece) for _, piece in pieces])
        self.codes = self._of_all([one.columns.codes for one, _ in pieces])
        self.scale = self._of_all([one.columns.scale for one, _ in pieces])
        # Bounds of all are bounds of each.
        self.lost = max(one.columns.lost for one, _ in pieces)
        self.longest = max(one.columns.longest for one, _ in pieces)

    @functools.cached_property
    def square(self) -> NDArray[np.float32]:
        """Squares of the templates' lengths, by row."""
        return self._of_all([one.columns.square for one, _ in self._pieces])

    def offsets(self) -> Offsets:
        """Offsets by row, where scores are normalised."""
        found = [one.offsets for one, _ in self._pieces if one.offsets is not None]
        return self._of_all(found) if found else None

    def _of_all(self, columns: Sequence[NDArray[S]]) -> NDArray[S]:
        made = np.empty((self._ends[-1], *columns[0].shape[1:]), columns[0].dtype)
        begin = 0
        for column, (_, piece), end in zip(columns, self._pieces, self._ends.tolist(), strict=True):
            if isinstance(piece, slice):
                made[begin:end] = column[piece]
            else:  # by "clip" they come where they belong, by "raise" by way of another array
                column.take(piece, axis=0, out=made[begin:end], mode="clip")
            begin = end
        return made

    def apart(self, rows: NDArray[np.intp]) -> Iterator[tuple[Rows, NDArray[np.intp]]]:
        """Say of some rows, which ascend, of which parts they are, and which of their rows."""
        begin = first = 0
        ends = self._ends.tolist()
        for pair, end, stop in zip(
            self._pieces, ends, np.searchsorted(rows, self._ends).tolist(), strict=True
        ):
            if first < stop:
                yield pair[0], _rows(pair[1], rows[first:stop] - begin)
            begin, first = end, stop


class _Block(NamedTuple):
    """Rows that are scanned at once: of one part, or gathered of several."""

    columns: Columns | _Gathered
    piece: Piece
    offsets: Offsets
    of: Rows | None

    @classmethod
    def made(cls, pieces: Sequence[tuple[Rows, Piece]]) -> _Block:
        """Make a block of the pieces that :func:`_together` put together."""
        if len(pieces) == 1:
            ((one, piece),) = pieces
            return cls(one.columns, piece, one.offsets, one)
        found = _Gathered(pieces)
        return cls(found, slice(0, len(found.codes)), found.offsets(), None)

    def apart(self, rows: NDArray[np.intp]) -> Iterable[tuple[Rows, NDArray[np.intp]]]:
        """Some of its rows by part, as :meth:`_Gathered.apart`."""
        if isinstance(self.columns, _Gathered):
            return self.columns.apart(rows)
        assert self.of is not None
        return [(self.of, rows)] if len(rows) else []


def plain_scores(
    templates: NDArray[np.float32], probe: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """Exact plain scores ``(n,)`` in float64 of rows ``(n, dimension)`` and ``(dimension,)``.

    Cosine similarity, or 1 minus the Euclidean distance, as
    :func:`workbench.faces.templates.scores` has it. Equal rows have equal scores wherever they
    stand, which products of matrices do not promise.
    """
    score = np.empty(len(templates))
    step = max(_EXACT_AT_A_TIME // len(probe), 1)
    for begin in range(0, len(templates), step):
        rows = templates[begin : begin + step].astype(np.float64)
        if metric == "cosine":
            length = np.sqrt((rows * rows).sum(axis=1)) * math.sqrt(float((probe * probe).sum()))
            score[begin : begin + step] = (rows * probe).sum(axis=1) / length
        else:
            apart = rows - probe
            score[begin : begin + step] = 1.0 - np.sqrt((apart * apart).sum(axis=1))
    return score


def bytes_a_row(profile: Profile, *, normalised: bool) -> int:
    """Bytes that a search reads of a row, whether it is among the best or not."""
    # A row's code and scale; the keys that decide whether it is inside.
    width = profile.dimension + 4 + 8 + 8 + 4
    width += 4 if profile.metric == "euclidean" else 0
    return width + (4 if normalised else 0)


class Question:
    """One target's vectors, and the best rows found for it so far.

    Parameters
    ----------
    vectors : (m, dimension) array
        A row scores as the best of them says.
    top : int or None
        Keep no more rows than that, and those that score the same as the last.
    threshold : float
        Keep rows with at least this score.
    normaliser : Normaliser, optional
        Scores are normalised with it; by default they are plain.
    """

    def __init__(
        self,
        vectors: NDArray[np.floating[Any]],
        metric: Metric,
        *,
        top: int | None,
        threshold: float,
        normaliser: Normaliser | None = None,
    ) -> None:
        self.vectors = np.atleast_2d(vectors).astype(np.float64)
        if metric == "cosine":
            self.vectors /= np.linalg.norm(self.vectors, axis=1, keepdims=True)
        self.metric, self.top, self.threshold = metric, top, threshold
        self.normaliser = normaliser
        self.score_scale = normaliser.scale if normaliser else PLAIN_SCALE
        # What a similarity to each vector loses to it; see calibration.normaliser.
        own = normaliser.offsets(self.vectors) if normaliser else np.zeros(len(self.vectors))
        self._taken = own.astype(np.float64) / 2
        rounded = self.vectors.astype(np.float32)
        self.scale, self.codes, lost = quantise(rounded)
        self._lost = float((lost + np.linalg.norm(self.vectors - rounded, axis=1)).max())
        self._length = np.linalg.norm(self.vectors, axis=1)
        self.part = np.empty(0, np.intp)
        self.row = np.empty(0, np.intp)
        self.score = np.empty(0, np.float64)

    def lowest_score(self) -> float:
        """Score below which a row is not among the best."""
        if self.top is None or len(self.score) < self.top:
            return self.threshold
        place = len(self.score) - self.top
        return max(float(np.partition(self.score, place)[place]), self.threshold)

    def keys(
        self,
        index: Scanned,
        products: NDArray[np.number[Any]],
        piece: Piece,
        offsets: Offsets,
    ) -> NDArray[np.float32]:
        """Upper bounds of what stands for the scores of the rows of *piece*.

        That is the dot product for the cosine metric, and minus the square of the distance for the
        Euclidean one; for normalised scores it is the dot product or minus the distance, less half
        the offsets of both sides. *products* ``(n, m)`` are those of codes, and their error has a
        bound: :meth:`slack`.
        """
        plain = self._plain_keys(index, products, piece)
        return self._of_plain(plain, None if offsets is None else offsets[piece])

    def _of_plain(
        self, plain: Sequence[NDArray[np.float32]], offsets: Offsets
    ) -> NDArray[np.float32]:
        """The best of some rows' plain keys, normalised; *plain*, one for each vector, is lost."""
        best: NDArray[np.float32] | None = None
        for key, taken in zip(plain, self._taken, strict=True):
            if self.normaliser is not None:
                if self.metric == "euclidean":
                    np.minimum(key, 0, out=key)
                    np.sqrt(np.abs(key, out=key), out=key)
                    np.negative(key, out=key)
                key -= np.float32(taken)
            best = key if best is None else np.maximum(best, key, out=best)
        assert best is not None
        if offsets is not None:
            numkong.blend(best, offsets, alpha=1.0, beta=-0.5, out=best)
        return best

    def _plain_keys(
        self, index: Scanned, products: NDArray[np.number[Any]], piece: Piece
    ) -> list[NDArray[np.float32]]:
        """For each vector, upper bounds of what stands for plain scores; see :meth:`keys`."""
        keys = []
        scale, slack = index.scale[piece], np.float32(self.slack(index))
        square = index.square[piece] if self.metric == "euclidean" else None
        for k in range(len(self.vectors)):
            key = products[:, k].astype(np.float32)
            if square is None:
                key *= scale * self.scale[k]
                key += slack
            else:
                twice = 2.0 * float(self.scale[k])  # key becomes twice · key · scale - square
                numkong.fma(key, scale, square, alpha=twice, beta=-1.0, out=key)
                key += slack - np.float32(self._length[k] ** 2)
            keys.append(key)
        return keys

    def lower(
        self, index: Scanned, keys: NDArray[np.float32], offsets: Offsets
    ) -> NDArray[np.float32]:
        """Lower bounds of what stands for the scores of some rows, of their *keys*."""
        twice = np.float32(2 * self.slack(index))
        if self.normaliser is None or self.metric == "cosine":
            return keys - twice
        assert offsets is not None
        # The square of the distance may be larger by that much; a short one grows the most.
        taken = offsets * np.float32(0.5) + np.float32(self._taken.max())
        distance = np.maximum(-keys - taken, 0)
        return np.asarray(keys - (np.sqrt(distance * distance + twice) - distance), np.float32)

    def slack(self, index: Scanned) -> float:
        """Bound of the error of a dot product of codes, or of the square of a distance.

        By Cauchy and Schwarz, from what the codes of both sides lose.
        """
        product = float(self._length.max()) * index.lost
        product += self._lost * (index.longest + index.lost)
        largest = (float(self._length.max()) + index.longest) ** 2
        rounding = _ROUNDING * max(1.0, largest)
        return (product if self.metric == "cosine" else 2 * product) + rounding

    def least(self) -> float:
        """Key below which no row is among the best, as far as is known."""
        return self._key_of(self.lowest_score())

    def likely(
        self,
        index: Scanned,
        piece: Piece,
        products: NDArray[np.number[Any]],
        least: float,
        offsets: Offsets,
    ) -> Found:
        """The rows of *piece* that may be among the best, and their :meth:`keys`."""
        plain = self._plain_keys(index, products, piece)
        if offsets is None or self.metric == "cosine" or least == -math.inf:
            keys = self._of_plain(plain, None if offsets is None else offsets[piece])
            chosen = np.flatnonzero(keys >= np.float32(least))
            return self._best(index, _rows(piece, chosen), keys[chosen], offsets)
        # Roots are taken of few: a distance is short enough up to -least less half of both offsets,
        # so its square is compared with the square of that. Where that is below zero, its square
        # lets rows through, as does what rounding may cost; the others have their keys compared.
        nearest = plain[0] if len(plain) == 1 else np.maximum.reduce(plain)
        wide = least + float(self._taken.min()) - _ROUNDING * max(1.0, abs(least))
        room = offsets[piece] + np.float32(2 * wide)  # twice as far as it may be, below zero
        numkong.fma(room, room, nearest, alpha=0.25, beta=1.0, out=room)
        chosen = np.flatnonzero(room >= 0)
        some = offsets[piece][chosen]
        keys = self._of_plain([key[chosen] for key in plain], some)
        keep = np.flatnonzero(keys >= np.float32(max(least, self._least(index, keys, some))))
        return _rows(piece, chosen[keep]), keys[keep]

    def sampled(
        self,
        index: Scanned,
        piece: Piece,
        products: NDArray[np.number[Any]],
        offsets: Offsets,
    ) -> float:
        """Key below which no row is among the best, from some rows: those of *piece*."""
        keys = self.keys(index, products, piece, offsets)
        return self._least(index, keys, None if offsets is None else offsets[piece])

    def consider(self, found: Sequence[tuple[_Block, Found]]) -> None:
        """Compare exactly the rows that may be among the best; keep those that are."""
        least = np.float32(max(self.least(), self._least_of(found)))
        found = [(block, _those(*some, some[1] >= least)) for block, some in found]
        keys = _joined([keys for _, (_, keys) in found])
        most = _EXACT_AT_A_TIME // self.vectors.shape[1]
        if self.top is not None and len(keys) - self.top > 2 * most:
            # The exact scores of the most promising rule most others out.
            place = len(keys) - self.top
            first = np.partition(keys, place)[place]
            self._compare([(block, _those(*some, some[1] >= first)) for block, some in found])
            least = np.float32(self.least())
            found = [
                (block, _those(rows, keys, (keys >= least) & (keys < first)))
                for block, (rows, keys) in found
            ]
        self._compare(found)

    def _compare(self, found: Sequence[tuple[_Block, Found]]) -> None:
        """Compare some rows exactly; keep those that are among the best."""
        kept = [(self.part, self.row, self.score)]
        few: list[tuple[Rows, NDArray[np.intp]]] = []
        waiting, most = 0, max(_EXACT_AT_A_TIME // self.vectors.shape[1], 1)
        for block, (rows, _) in found:
            for part in block.apart(rows):
                few.append(part)
                waiting += len(part[1])
                if waiting >= most:
                    kept.append(self._exact(few))
                    few, waiting = [], 0
        if few:
            kept.append(self._exact(few))
        self.part, self.row, self.score = map(np.concatenate, zip(*kept, strict=True))
        keep = self.score >= self.lowest_score()
        self.part, self.row, self.score = self.part[keep], self.row[keep], self.score[keep]

    def _exact(
        self, rows: Sequence[tuple[Rows, NDArray[np.intp]]]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Parts, rows and exact scores of some rows of several parts."""
        numbers = np.repeat([one.number for one, _ in rows], [len(those) for _, those in rows])
        templates = _joined([one.columns.templates.take(those, axis=0) for one, those in rows])
        some = [one.offsets[those] for one, those in rows if one.offsets is not None]
        score = self.scores(templates, _joined(some) if some else None)
        return numbers, _joined([those for _, those in rows]), score

    def _least_of(self, found: Sequence[tuple[_Block, Found]]) -> float:
        """Bound as in :meth:`least`, from all rows that were found in one step."""
        if self.top is None or sum(len(rows) for _, (rows, _) in found) <= self.top:
            return -math.inf
        lower = np.concatenate(
            [
                self.lower(columns, keys, None if offsets is None else offsets[rows])
                for (columns, _, offsets, _), (rows, keys) in found
            ]
        )
        place = len(lower) - self.top  # at least *top* rows are truly as good as this one
        return float(np.partition(lower, place)[place])

    def scores(self, templates: NDArray[np.float32], offsets: Offsets) -> NDArray[np.float64]:
        """Exact scores in float64 of rows ``(n, dimension)``: of each the best.

        *offsets* ``(n,)`` are theirs, None where scores are plain.
        """
        best = np.full(len(templates), -math.inf)
        for vector, taken in zip(self.vectors, self._taken, strict=True):
            score = plain_scores(templates, vector, self.metric)
            if self.normaliser is not None:
                assert offsets is not None
                score -= taken + offsets.astype(np.float64) / 2
                score = (score - self.normaliser.mean) / self.normaliser.deviation
            np.maximum(best, score, out=best)
        return best

    def _best(
        self,
        index: Scanned,
        rows: NDArray[np.intp],
        keys: NDArray[np.float32],
        offsets: Offsets,
    ) -> Found:
        some = offsets[rows] if offsets is not None else None
        keep = keys >= np.float32(self._least(index, keys, some))
        return rows[keep], keys[keep]

    def _least(self, index: Scanned, keys: NDArray[np.float32], offsets: Offsets) -> float:
        """Bound as in :meth:`least`, from the *keys* and *offsets* of some rows."""
        if self.top is None or len(keys) <= self.top:
            return -math.inf
        # At least *top* rows are truly as good as the last of these may be. It grows with the key,
        # so that the largest offset makes it a bound for all of them.
        place = len(keys) - self.top
        last = np.partition(keys, place)[place]
        return float(self.lower(index, last, None if offsets is None else offsets.max()))

    def _key_of(self, score: float) -> float:
        """Return what stands for a score; see :meth:`keys`."""
        if score == -math.inf:
            return score
        if self.normaliser is not None:
            plain = score * self.normaliser.deviation + self.normaliser.mean
            return plain if self.metric == "cosine" else plain - 1
        if self.metric == "cosine":
            return score
        return -((1.0 - score) ** 2) if score <= 1 else math.inf


def workers() -> ThreadPoolExecutor:
    """Threads for the cores that are left, started when first needed."""
    return ThreadPoolExecutor(max(len(os.sched_getaffinity(0)) - 1, 1))


def _on_all_cores(call: Callable[[S], T], pieces: Sequence[S], pool: ThreadPoolExecutor) -> list[T]:
    """Apply *call* to each piece on all cores; numkong and NumPy release the interpreter lock.

    This thread does its share: one that waited would be woken for each piece, and hold up others.
    """
    made: dict[int, T] = {}
    left = iter(range(len(pieces)))  # whose next number only one thread gets

    def work() -> None:
        for number in left:
            made[number] = call(pieces[number])

    helpers = min(len(os.sched_getaffinity(0)), len(pieces)) - 1
    others = [pool.submit(work) for _ in range(helpers)]
    work()
    for other in others:
        other.result()
    return [made[number] for number in range(len(pieces))]


def scan(
    rows: Iterable[Rows], questions: Sequence[Question], pool: ThreadPoolExecutor
) -> Iterator[int]:
    """Bring the best of some rows into each question; yields how many rows were done at a time.

    Parameters
    ----------
    rows : iterable of Rows
        One after the other: none is asked for before its turn, and few are held.
    pool : ThreadPoolExecutor
        Of :func:`workers`.
    """
    compare = _comparison(np.concatenate([question.codes for question in questions]))
    ends = np.cumsum([len(question.vectors) for question in questions])

    def products(index: Scanned, piece: Piece) -> list[NDArray[np.number[Any]]]:
        of_all = compare(_taken(index.codes, piece))
        return [of_all] if len(questions) == 1 else np.split(of_all, ends[:-1], axis=1)

    blocks = ((one, piece) for one in rows for piece in _blocks(one.pieces))
    while some := [*islice(blocks, AT_A_TIME)]:
        leasts = [question.least() for question in questions]
        one, piece = max(some, key=lambda block: length_of(block[1]))
        rows_here = sum(length_of(piece) for _, piece in some)
        # A sample rules most rows out. If it were most of them, it would take longer than it saves.
        if -math.inf in leasts and length_of(piece) > SAMPLE and rows_here > 2 * SAMPLE:
            sample = (
                slice(piece.start, min(piece.start + SAMPLE, piece.stop))
                if isinstance(piece, slice)
                else piece[:SAMPLE]
            )
            leasts = [
                max(least, question.sampled(one.columns, sample, part, one.offsets))
                for question, part, least in zip(
                    questions, products(one.columns, sample), leasts, strict=True
                )
            ]

        def likely(
            pieces: Sequence[tuple[Rows, Piece]], leasts: Sequence[float] = leasts
        ) -> tuple[_Block, list[Found]]:
            block = _Block.made(pieces)
            index, piece, offsets, _ = block
            return block, [
                question.likely(index, piece, part, least, offsets)
                for question, part, least in zip(
                    questions, products(index, piece), leasts, strict=True
                )
            ]

        together = _together(some)
        if rows_here * one.columns.codes.shape[1] <= _ALONE:
            found = [likely(pieces) for pieces in together]
        else:
            found = _on_all_cores(likely, together, pool)
        for number, question in enumerate(questions):
            question.consider([(block, those[number]) for block, those in found])
        yield rows_here


def _together(some: Sequence[tuple[Rows, Piece]]) -> list[list[tuple[Rows, Piece]]]:
    """Put small neighbours together that have no more rows than are scanned by one core."""
    found: list[list[tuple[Rows, Piece]]] = []
    room = 0
    for pair in some:
        length = length_of(pair[1])
        bytes_here = length * pair[0].columns.codes.shape[1]
        small = bytes_here < _JOINED or not isinstance(pair[1], slice)
        if found and small and length <= room:
            found[-1].append(pair)
            room -= length
        else:
            found.append([pair])
            room = SAMPLE - length if small else 0
    return found


def _joined(arrays: Sequence[NDArray[S]]) -> NDArray[S]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _those(rows: NDArray[np.intp], keys: NDArray[np.float32], chosen: NDArray[np.bool_]) -> Found:
    return rows[chosen], keys[chosen]


def _taken(column: NDArray[S], piece: Piece) -> NDArray[S]:
    """Rows of a column; those by number faster than by indexing, which is for more than that."""
    return column[piece] if isinstance(piece, slice) else column.take(piece, axis=0)


def _rows(piece: Piece, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of the rows at some places of *piece*."""
    return places + piece.start if isinstance(piece, slice) else piece[places]


def length_of(piece: Piece) -> int:
    """Return the number of rows of a piece."""
    return piece.stop - piece.start if isinstance(piece, slice) else len(piece)


def _comparison(probes: NDArray[np.int8]) -> Any:
    """A function from codes ``(n, dimension)`` to their products with the probes', ``(n, m)``."""
    if len(probes) == 1 and probes.shape[1] > _PACKED_UP_TO:
        return lambda codes: np.asarray(numkong.cdist(probes, codes, "dot")).T
    packed = numkong.dots_pack(probes)
    return lambda codes: np.asarray(numkong.dots_packed(codes, packed))


def _blocks(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Divide rows into blocks of similar size, so that no core waits for another."""
    for piece in pieces:
        length = length_of(piece)
        if length <= BLOCK:  # as of most parts, which are many
            yield piece
            continue
        edges = np.linspace(0, length, math.ceil(length / BLOCK) + 1).astype(int).tolist()
        for begin, end in pairwise(edges):
            if isinstance(piece, slice):
                yield slice(piece.start + begin, piece.start + end)
            else:
                yield piece[begin:end]
