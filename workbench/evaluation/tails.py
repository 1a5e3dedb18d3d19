"""Tails of scores of different people: how often the highest come, and beyond what is hardly two.

See :mod:`workbench.evaluation.own_footage`, which knows neither names nor pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from workbench.calibration import CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pairs that the tail is fitted to: the highest 100, but no more than a tenth.
TAIL, TAIL_SHARE = 100, 0.1
# A pair that one in so many sets of pairs would hold by chance is taken for one person seen twice.
RARE = 20
_NORMAL = NormalDist()
# Standard deviations of a normal distribution within which the interval lies.
SIDE = _NORMAL.inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Tail:
    """The highest scores: how many they are, where they begin, and by how much they exceed that."""

    number: int
    share: float  # of all
    begin: float
    excess: float  # mean

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Tail:
        """Take the tail of scores ``(n,)``, falling."""
        number = max(1, min(TAIL, int(len(scores) * TAIL_SHARE)))
        begin = float(scores[min(number, len(scores) - 1)])
        excess = float((scores[:number] - begin).mean())
        return cls(number, number / len(scores), begin, max(excess, 1e-6))

    def rate(self, threshold: float, worth: float) -> tuple[float, float, float]:
        """Share of scores from a threshold on, and its interval."""
        steps = (threshold - self.begin) / self.excess
        rate = self.share * math.exp(-steps)
        doubt = math.exp(SIDE * math.sqrt((1 + steps**2) * worth / self.number))
        # The normal distribution with the same share beyond the beginning, and the same excess.
        place = _NORMAL.inv_cdf(1 - self.share)
        deviation = self.excess / (_NORMAL.pdf(place) / self.share - place)
        lightest = 1 - _NORMAL.cdf(place + (threshold - self.begin) / deviation)
        return rate, min(lightest, rate) / doubt, min(1.0, rate * doubt)


def too_alike_from(scores: NDArray[np.float64]) -> float:
    """Score beyond which a pair is hardly of two people, judged by the others; falling *scores*.

    The median excess of the tail is hardly moved by a few such pairs, where the mean is.
    """
    number = min(TAIL, int(len(scores) * TAIL_SHARE))
    if number < 3:
        return math.inf
    begin = scores[number]
    typical = float(np.median(scores[:number] - begin)) / math.log(2)
    return float(begin + typical * math.log(RARE * number)) if typical > 0 else math.inf


def share_interval(reached: float, of: float) -> tuple[float, float]:
    """Interval of a share (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    side = (1 - CONFIDENCE) / 2
    low = float(betaincinv(reached, of - reached + 1, side)) if reached > 0 else 0.0
    high = float(betaincinv(reached + 1, of - reached, 1 - side)) if reached < of else 1.0
    return low, high


__all__ = ["SIDE", "TAIL_SHARE", "Tail", "share_interval", "too_alike_from"]
