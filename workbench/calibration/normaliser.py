"""Normalised scores: how far two faces are alike beyond what each has in common with strangers.

Some faces resemble many others, and score high against everybody. What a template has in common
with people who are certainly somebody else is its *offset*: the mean of its :data:`BEST` best
scores against centroids, each the mean of many people and nobody's template. A normalised score
takes the mean offset of both sides away (symmetric score normalisation: Kenny, "Bayesian Speaker
Verification with Heavy-Tailed Priors", 2010, with the nearest of the cohort alone as Matějka et
al., "Analysis of Score Normalization in Multilingual Speaker Recognition", 2017)::

    (plain score - (offset of probe + offset of template) / 2 - mean) / deviation

*mean* and *deviation* are those of comparisons of different people, so that a score counts their
standard deviations: strangers lie about 0. A plain score, against centroids too, is the cosine
similarity or 1 minus the Euclidean distance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEST = 1
# Offsets are rounded to this, so that equal templates have equal ones wherever they stand: products
# of matrices may differ in the last bits.
_STEP = 2.0**-20
# Templates whose similarities are held at a time, which bounds memory.
_BLOCK = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Normaliser:
    """Centroids of strangers, and what makes normalised scores of them.

    Parameters
    ----------
    centroids : (k, dimension) float32
        Unit vectors for the cosine metric.
    mean, deviation : float
        Of comparisons of different people, before they are divided: see the module.
    people_each : int
        People whose mean each centroid is.
    people : int
        People that the centroids were made from.
    source, licence : str
        The pictures that they were made from, and under which licence these are, in words.
    """

    metric: Metric
    centroids: NDArray[np.float32] = field(repr=False)
    mean: float
    deviation: float
    people_each: int
    people: int
    source: str
    licence: str
    # Made once: a search asks for it for every part.
    _digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(np.ascontiguousarray(self.centroids).tobytes())
        digest.update(f"{self.metric} {BEST} {self.mean!r} {self.deviation!r}".encode())
        object.__setattr__(self, "_digest", digest.hexdigest())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Normaliser):
            return NotImplemented
        return self._about == other._about

    def __hash__(self) -> int:
        return hash(self._about)

    @property
    def _about(self) -> tuple[str | int, ...]:
        return self.scale, self.people_each, self.people, self.source, self.licence

    @property
    def digest(self) -> str:
        """SHA-256 of everything that its scores depend on, in hexadecimal digits."""
        return self._digest

    @property
    def scale(self) -> str:
        """Name of the scale of its scores; equal names have equal scores."""
        return f"normalised-{self.digest[:8]}"

    def offsets(self, templates: NDArray[np.floating]) -> NDArray[np.float32]:
        """Offsets ``(n,)`` of templates ``(n, dimension)``."""
        found = np.empty(len(templates), np.float32)
        for begin in range(0, len(templates), _BLOCK):
            block = templates[begin : begin + _BLOCK]
            likeness = plain_scores(block, self.centroids, self.metric)
            best = np.partition(likeness, -BEST, axis=1)[:, -BEST:].mean(axis=1)
            found[begin : begin + _BLOCK] = np.round(best / _STEP) * _STEP
        return found

    def scores(
        self, templates: NDArray[np.floating], probes: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Normalised scores ``(p, n)`` of probes ``(p, dimension)`` and ``(n, dimension)``."""
        shared = (self.offsets(probes)[:, None] + self.offsets(templates)[None]) / np.float64(2)
        return (plain_scores(probes, templates, self.metric) - shared - self.mean) / self.deviation


def plain_scores(
    first: NDArray[np.floating], second: NDArray[np.floating], metric: Metric
) -> NDArray[np.float64]:
    """Plain scores ``(n, m)`` of ``(n, dimension)`` and ``(m, dimension)``, in float64."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    if metric == "cosine":
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        b /= np.linalg.norm(b, axis=1, keepdims=True)
        return np.asarray(a @ b.T)
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None]
    return np.asarray(1 - np.sqrt(np.maximum(squares - 2 * (a @ b.T), 0.0)))
