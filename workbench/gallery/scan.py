"""Best rows of a segment: an int8 scan with a bound of its error, then exact scores.

The scan reads a quarter of what the templates hold. What it loses is known, so every row that could
be among the best is compared exactly; nothing is approximate in the answer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numkong
import numpy as np

from workbench.gallery.index import TemplateIndex, quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Metric

# Rows compared at a time; and blocks between which a search can be cancelled.
BLOCK, AT_A_TIME = 65_536, 64
# Rows from which the score of the best is estimated.
SAMPLE = 8_192
# numkong has two ways. For one probe the packed one takes 0.6 of the time at 128 numbers a
# template, and 1.7 times at 512; for several it is always the faster one.
_PACKED_UP_TO = 256
# Sums in float32 round; far below what the codes lose.
_ROUNDING = 2e-6

T = TypeVar("T")
Piece: TypeAlias = "slice | NDArray[np.intp]"
Found: TypeAlias = "tuple[NDArray[np.intp], NDArray[np.float32]]"
"""Rows and what stands for their scores."""


def scores(
    templates: NDArray[np.float32], probes: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """Exact scores in float64 of rows ``(n, dimension)``: of each the best of ``(m, dimension)``.

    Cosine similarity, or 1 minus the Euclidean distance, as
    :func:`workbench.faces.templates.scores` has it. Equal rows have equal scores wherever they
    stand, which products of matrices do not promise.
    """
    rows = templates.astype(np.float64)
    best = np.full(len(rows), -math.inf)
    for probe in probes:
        if metric == "cosine":
            length = np.sqrt((rows * rows).sum(axis=1)) * math.sqrt(float((probe * probe).sum()))
            score = (rows * probe).sum(axis=1) / length
        else:
            apart = rows - probe
            score = 1.0 - np.sqrt((apart * apart).sum(axis=1))
        np.maximum(best, score, out=best)
    return best


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
    """

    def __init__(
        self,
        vectors: NDArray[np.floating[Any]],
        metric: Metric,
        *,
        top: int | None,
        threshold: float,
    ) -> None:
        self.vectors = np.atleast_2d(vectors).astype(np.float64)
        if metric == "cosine":
            self.vectors /= np.linalg.norm(self.vectors, axis=1, keepdims=True)
        self.metric, self.top, self.threshold = metric, top, threshold
        rounded = self.vectors.astype(np.float32)
        self.scale, self.codes, lost = quantise(rounded)
        self._lost = float((lost + np.linalg.norm(self.vectors - rounded, axis=1)).max())
        self._length = np.linalg.norm(self.vectors, axis=1)
        self.segment = np.empty(0, np.intp)
        self.row = np.empty(0, np.intp)
        self.score = np.empty(0, np.float64)

    def lowest_score(self) -> float:
        """Score below which a row is not among the best."""
        if self.top is None or len(self.score) < self.top:
            return self.threshold
        place = len(self.score) - self.top
        return max(float(np.partition(self.score, place)[place]), self.threshold)

    def keys(
        self, products: NDArray[np.number[Any]], scale: NDArray[np.float32], square: Any
    ) -> NDArray[np.float32]:
        """Approximate scores, the larger the better, with an error of at most :meth:`slack`.

        A key is the dot product for the cosine metric, and for the Euclidean one
        ``2 p·t - |p|² - |t|²``, which is minus the square of the distance.
        """
        best: NDArray[np.float32] | None = None
        for k in range(len(self.vectors)):
            key = products[:, k].astype(np.float32)
            if self.metric == "cosine":
                key *= scale * self.scale[k]
            else:
                key *= scale * np.float32(2 * self.scale[k])
                key -= square
                key -= np.float32(self._length[k] ** 2)
            best = key if best is None else np.maximum(best, key)
        assert best is not None
        return best

    def slack(self, index: TemplateIndex) -> float:
        """Bound of a key's error, by Cauchy and Schwarz from the rounding of the codes."""
        product = float(self._length.max()) * index.lost
        product += self._lost * (index.longest + index.lost)
        return (product if self.metric == "cosine" else 2 * product) + _ROUNDING

    def least(self, index: TemplateIndex) -> float:
        """Key below which a row of *index* is not among the best, as far as is known."""
        return self._key_of(self.lowest_score()) - self.slack(index)

    def likely(
        self, index: TemplateIndex, piece: Piece, keys: NDArray[np.float32], least: float
    ) -> Found:
        """The rows of *piece* that may be among the best, and their keys."""
        if least == -math.inf:  # a sample rules most rows out
            least = self._least(keys[:SAMPLE], index)
        chosen = np.flatnonzero(keys >= np.float32(least))
        rows = chosen + piece.start if isinstance(piece, slice) else piece[chosen]
        return self._best(rows, keys[chosen], index)

    def consider(self, number: int, index: TemplateIndex, found: Sequence[Found]) -> None:
        """Compare exactly the rows that may be among the best; keep those that are."""
        rows, keys = (np.concatenate(parts) for parts in zip(*found, strict=True))
        rows, _ = self._best(rows, keys, index)
        if not len(rows):
            return
        score = scores(index.templates[rows], self.vectors, self.metric)
        self.segment = np.concatenate([self.segment, np.full(len(rows), number, np.intp)])
        self.row = np.concatenate([self.row, rows])
        self.score = np.concatenate([self.score, score])
        keep = self.score >= self.lowest_score()
        self.segment, self.row, self.score = self.segment[keep], self.row[keep], self.score[keep]

    def _best(
        self, rows: NDArray[np.intp], keys: NDArray[np.float32], index: TemplateIndex
    ) -> Found:
        keep = keys >= np.float32(self._least(keys, index))
        return rows[keep], keys[keep]

    def _least(self, keys: NDArray[np.float32], index: TemplateIndex) -> float:
        """Bound as in :meth:`least`, from the *keys* of some rows."""
        if self.top is None or len(keys) <= self.top:
            return -math.inf
        # At least *top* rows are truly as good as the last of these, less the slack.
        place = len(keys) - self.top
        return float(np.partition(keys, place)[place]) - 2 * self.slack(index)

    def _key_of(self, score: float) -> float:
        if self.metric == "cosine" or score == -math.inf:
            return score
        return -((1.0 - score) ** 2) if score <= 1 else math.inf


def workers() -> ThreadPoolExecutor:
    """Threads for the cores that are left, started when first needed."""
    return ThreadPoolExecutor(max(len(os.sched_getaffinity(0)) - 1, 1))


def _on_all_cores(
    call: Callable[[Piece], T], pieces: Sequence[Piece], pool: ThreadPoolExecutor
) -> list[T]:
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
    number: int,
    index: TemplateIndex,
    pieces: Sequence[Piece],
    questions: Sequence[Question],
    pool: ThreadPoolExecutor,
) -> Iterator[int]:
    """Bring the best of some rows into each question; yields how many rows were done at a time.

    Parameters
    ----------
    number : int
        Of the segment, by which questions name it.
    pieces : sequence of slice or (k,) int array
        The rows inside the scope; numbers ascend.
    pool : ThreadPoolExecutor
        Of :func:`workers`.
    """
    compare = _comparison(np.concatenate([question.codes for question in questions]))
    ends = np.cumsum([len(question.vectors) for question in questions])

    def likely(piece: Piece) -> list[Found]:
        products, scale = compare(index.codes[piece]), index.scale[piece]
        square = index.square[piece] if len(index.square) else 0
        parts = np.split(products, ends[:-1], axis=1)
        return [
            question.likely(index, piece, question.keys(part, scale, square), least)
            for question, part, least in zip(questions, parts, leasts, strict=True)
        ]

    blocks = [*_blocks(pieces)]
    for begin in range(0, len(blocks), AT_A_TIME):
        some = blocks[begin : begin + AT_A_TIME]
        leasts = [question.least(index) for question in questions]
        found = _on_all_cores(likely, some, pool)
        for question, of_question in zip(questions, zip(*found, strict=True), strict=True):
            question.consider(number, index, of_question)
        yield sum(_length(piece) for piece in some)


def _length(piece: Piece) -> int:
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
        length = _length(piece)
        edges = np.linspace(0, length, math.ceil(length / BLOCK) + 1).astype(int).tolist()
        for begin, end in pairwise(edges):
            if isinstance(piece, slice):
                yield slice(piece.start + begin, piece.start + end)
            else:
                yield piece[begin:end]
