"""Which rows of a segment are the best: an int8 scan with a bound of its error, then exact scores.

The scan reads a quarter of what the templates hold. What it loses is known, so every row that could
be among the best is compared exactly; nothing is approximate in the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from workbench.gallery.index import TemplateIndex, quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Metric

# Rows compared at a time: their codes and products stay in the processor's cache.
BLOCK = 32_768
# numkong has two ways. For one probe the packed one takes 0.6 of the time at 128 numbers a
# template, and 1.7 times at 512; for several it is always the faster one.
_PACKED_UP_TO = 256
# Sums in float32 round; far below what the codes lose.
_ROUNDING = 2e-6

Piece: TypeAlias = "slice | NDArray[np.intp]"


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

    def cut(self) -> float:
        """A row below this score is not among the best."""
        if self.top is None or len(self.score) < self.top:
            return self.threshold
        place = len(self.score) - self.top
        return max(float(np.partition(self.score, place)[place]), self.threshold)

    def keys(
        self, products: NDArray[np.number[Any]], scale: NDArray[np.float32], square: Any
    ) -> NDArray[np.float32]:
        """What stands for the scores: the larger, the better; off by no more than :meth:`slack`.

        The dot product for the cosine metric. For the Euclidean one, ``2 p·t - |p|² - |t|²``,
        which is minus the square of the distance.
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
        """How far a key can be from the true one: by Cauchy and Schwarz, from what codes lose."""
        product = float(self._length.max()) * index.lost
        product += self._lost * (index.longest + index.lost)
        return (product if self.metric == "cosine" else 2 * product) + _ROUNDING

    def consider(
        self, number: int, index: TemplateIndex, piece: Piece, keys: NDArray[np.float32]
    ) -> None:
        """Compare the rows of *piece* exactly that may be among the best; keep those that are."""
        slack = self.slack(index)
        least = self._key_of(self.cut()) - slack
        likely = np.flatnonzero(keys >= np.float32(least)) if least > -math.inf else None
        count = len(keys) if likely is None else len(likely)
        if self.top is not None and count > self.top:
            # So many rows are truly at least as good as the last of these, less the slack.
            some = keys if likely is None else keys[likely]
            least = float(np.partition(some, count - self.top)[count - self.top]) - 2 * slack
            likely = np.flatnonzero(keys >= np.float32(least))
        elif likely is None:
            likely = np.arange(count)
        if not len(likely):
            return
        rows = likely + piece.start if isinstance(piece, slice) else piece[likely]
        found = scores(index.templates[rows], self.vectors, self.metric)
        self.segment = np.concatenate([self.segment, np.full(len(rows), number, np.intp)])
        self.row = np.concatenate([self.row, rows])
        self.score = np.concatenate([self.score, found])
        keep = self.score >= self.cut()
        self.segment, self.row, self.score = self.segment[keep], self.row[keep], self.score[keep]

    def _key_of(self, score: float) -> float:
        if self.metric == "cosine" or score == -math.inf:
            return score
        return -((1.0 - score) ** 2) if score <= 1 else math.inf


def scan(
    number: int, index: TemplateIndex, pieces: Sequence[Piece], questions: Sequence[Question]
) -> Iterator[int]:
    """Bring the best of some rows into each question; yields how many rows were done at a time.

    Parameters
    ----------
    number : int
        Of the segment, by which questions name it.
    pieces : sequence of slice or (k,) int array
        The rows inside the scope; numbers ascend.
    """
    compare = _comparison(np.concatenate([question.codes for question in questions]))
    for piece in _blocks(pieces):
        products, scale = compare(index.codes[piece]), index.scale[piece]
        square = index.square[piece] if len(index.square) else 0
        column = 0
        for question in questions:
            width = len(question.vectors)
            keys = question.keys(products[:, column : column + width], scale, square)
            question.consider(number, index, piece, keys)
            column += width
        yield len(scale)


def _comparison(probes: NDArray[np.int8]) -> Any:
    """A function from codes ``(n, dimension)`` to their products with the probes', ``(n, m)``."""
    import numkong

    if len(probes) == 1 and probes.shape[1] > _PACKED_UP_TO:
        return lambda codes: np.asarray(numkong.cdist(probes, codes, "dot")).T
    packed = numkong.dots_pack(probes)
    return lambda codes: np.asarray(numkong.dots_packed(codes, packed))


def _blocks(pieces: Sequence[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        if isinstance(piece, slice):
            for begin in range(piece.start, piece.stop, BLOCK):
                yield slice(begin, min(begin + BLOCK, piece.stop))
        else:
            for begin in range(0, len(piece), BLOCK):
                yield piece[begin : begin + BLOCK]
