"""Intervals of rates: comparisons of one person are alike, so people are drawn again, not pairs.

The bootstrap by person (cluster or 'subset' bootstrap) is the one of Bolle, Ratha and Pankanti,
"Error analysis of pattern recognition systems: the subsets bootstrap" (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calibration import CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rate:
    """Rate between 0 and 1 with its 95 % interval and the number of people it rests on."""

    value: float
    low: float
    high: float
    people: int

    def __str__(self) -> str:
        return f"{self.value:.2%} ({self.low:.2%} to {self.high:.2%}, {self.people} people)"


def resampled(people: int, draws: int, *, seed: int = 0) -> NDArray[Any]:
    """Bootstrap counts ``(draws, people)``: how often each person is drawn, with replacement."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(people, np.full(people, 1 / people), size=draws)


def interval(value: float, drawn: NDArray[Any], people: int) -> Rate:
    """Rate *value* with the percentile interval of the draws ``(draws,)``.

    At a rate of 0 or 1 the bootstrap has no spread: then the bound is the exact one (Clopper and
    Pearson) for *people*, of whom none had an error, or all.
    """
    from scipy.stats import beta

    known = drawn[np.isfinite(drawn)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (0.0, 1.0)
    if people and value <= 0:
        low, high = 0.0, float(beta.ppf(1 - tail, 1, people))
    elif people and value >= 1:
        low, high = float(beta.ppf(tail, people, 1)), 1.0
    return Rate(value, min(float(low), value), max(float(high), value), people)
