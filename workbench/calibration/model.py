"""What a profile's scores mean: how often others reach one, how often the right person does not.

A calibration is made by :mod:`workbench.evaluation.calibrate` from people with known names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from workbench.domain import Threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
# Of the people who are compared with the target, so many pass by default; see docs/findings.md.
PASSING = 1 / 200
# Tracklets are counted by the quality of their best shot in so many equal steps from 0 to 1.
QUALITY_STEPS = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """Error rates by threshold, for probes and tracklets of one kind.

    Parameters
    ----------
    photographs : int
        In a probe, at least.
    quality : float
        Of the tracklet's best shot, at least; that of the next curve is the end.
    false, false_low, false_high : (t,) float
        FMR and its 95 % interval.
    spread : (t,) float
        Squared coefficient of variation of the FMR between probes: some people look like many.
    missed, missed_low, missed_high : (t,) float
        FNMR and its 95 % interval.
    measured_to : float
        The highest threshold that ten comparisons of different people reached; beyond it the FMR
        falls exponentially, which overstates it.
    people, comparisons : int
        That the FMR rests on.
    """

    photographs: int
    quality: float
    false: tuple[float, ...]
    false_low: tuple[float, ...]
    false_high: tuple[float, ...]
    spread: tuple[float, ...]
    missed: tuple[float, ...]
    missed_low: tuple[float, ...]
    missed_high: tuple[float, ...]
    measured_to: float
    people: int
    comparisons: int

    @property
    def tells_missed(self) -> bool:
        """Whether pictures of one person were compared, so that there is an FNMR at all."""
        return any(low > 0 or high < 1 for low, high in zip(
            self.missed_low, self.missed_high, strict=True))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much a score speaks for one person: the logarithm of the likelihood ratio is linear.

    ``ln LR = intercept + score · slope + quality · by_quality + ln(photographs) · by_photographs``,
    fitted by logistic regression with both sides weighing the same (Brümmer and du Preez,
    "Application-independent evaluation of speaker detection", 2006). ``cllr`` is the cost of the
    ratios in bits for people who took no part in the fit (0 perfect, 1 useless), ``cllr_least``
    what the best monotone calibration (PAV) would have cost, ``ece`` the expected calibration
    error at even odds.
    """

    intercept: float
    slope: float
    by_quality: float
    by_photographs: float
    cllr: float
    cllr_least: float
    ece: float

    def ratio(self, score: float, *, quality: float, photographs: int) -> float:
        """How many times likelier the score is for one person than for two."""
        log = self.intercept + self.slope * score + self.by_quality * quality
        return math.exp(min(700.0, log + self.by_photographs * math.log(max(1, photographs))))


@dataclass(frozen=True, slots=True)
class Expected:
    """How many false candidates a search returns on average, and between which numbers.

    ``low`` and ``high`` hold the number itself 19 times in 20: they allow for what the calibration
    could not tell, for targets who look like many, and for chance.
    """

    mean: float
    low: int
    high: int
    extrapolated: bool  # beyond what was measured; overstated rather than understated


@dataclass(frozen=True, slots=True)
class Missed:
    """Share of true sightings that stay below a threshold, with its 95 % interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores of one profile mean, by photographs of the target and quality of the tracklet."""

    profile: str
    fingerprint: str  # of the profile
    data: str  # what it was made of, in words
    data_fingerprint: str
    made: date
    thresholds: tuple[float, ...]  # (t,), rising
    curves: tuple[Curve, ...]
    evidence: Evidence

    @property
    def photographs(self) -> tuple[int, ...]:
        """The numbers of photographs that curves are for."""
        return tuple(sorted({curve.photographs for curve in self.curves}))

    def curves_for(self, photographs: int) -> list[Curve]:
        """By quality, those for so many photographs, else for the next fewer there are."""
        known = self.photographs
        number = max((n for n in known if n <= photographs), default=known[0])
        curves = (curve for curve in self.curves if curve.photographs == number)
        return sorted(curves, key=lambda curve: curve.quality)

    def expected_false(
        self, threshold: float, tracklets: Sequence[int], *, photographs: int
    ) -> Expected:
        """False candidates to expect from a search.

        Parameters
        ----------
        threshold : float
        tracklets : (QUALITY_STEPS,) int
            That are compared, by the quality of their best shot in equal steps.
        photographs : int
            In the probe.
        """
        mean = over = uncertain = 0.0
        beyond = False
        for curve, number in self._shares(tracklets, photographs):
            rate = self._at(threshold, curve.false, log=True)
            least = self._at(threshold, curve.false_low, log=True)
            most = self._at(threshold, curve.false_high, log=True)
            beyond |= bool(number) and threshold > curve.measured_to
            mean += number * rate
            over += number * rate * self._at(threshold, curve.spread)
            # The interval as a relative standard deviation, on the side where it is wider.
            uncertain += number * max(most - rate, rate - least) / 1.96
        if mean <= 0:
            return Expected(0.0, 0, 0, beyond)
        # A Poisson number whose mean is Gamma distributed: between targets, and as it is unknown.
        variation = over / mean + (uncertain / mean) ** 2
        size = 1 / max(variation, 1e-9)
        low, high = (
            _quantile(share, size, size / (size + mean))
            for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
        )
        return Expected(mean, low, high, beyond)

    def missed(
        self, threshold: float, tracklets: Sequence[int] | None = None, *, photographs: int
    ) -> Missed:
        """Share of the target's tracklets expected below a threshold, were there any.

        *tracklets* as for :meth:`expected_false`; by default those that it was calibrated on. The
        share is NaN where no two pictures of one person were compared.
        """
        total, sums = 0.0, [0.0, 0.0, 0.0]
        for curve, number in self._shares(tracklets, photographs):
            if not curve.tells_missed:
                continue
            for place, values in enumerate((curve.missed, curve.missed_low, curve.missed_high)):
                sums[place] += number * self._at(threshold, values)
            total += number
        if not total:
            return Missed(math.nan, 0.0, 1.0)
        share, low, high = (one / total for one in sums)
        return Missed(share, low, high)

    def threshold(
        self, *, photographs: int, passing: float = PASSING, tracklets: Sequence[int] | None = None
    ) -> Threshold:
        """The threshold that lets so many of different people pass, for so many photographs.

        *tracklets* as for :meth:`expected_false`; by default those that it was calibrated on.
        """
        shares = [*self._shares(tracklets, photographs)]
        total = sum(number for _, number in shares) or 1.0
        for score in self.thresholds:
            let_by = sum(n * self._at(score, curve.false, log=True) for curve, n in shares)
            if let_by <= passing * total:
                break
        words = "1 photograph" if photographs == 1 else f"{photographs} photographs"
        share = f"1 of {1 / passing:,.0f} different people passes"
        return Threshold(round(score, 3), f"{self.data}: {share}, {words}")

    def at(
        self, curve: Curve, threshold: float
    ) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """FMR and FNMR of one of its curves at a threshold, each with the ends of its interval."""
        false = (curve.false, curve.false_low, curve.false_high)
        missed = (curve.missed, curve.missed_low, curve.missed_high)
        one, low, high = (self._at(threshold, values, log=True) for values in false)
        other, least, most = (self._at(threshold, values) for values in missed)
        return (one, low, high), (other, least, most)

    def _shares(
        self, tracklets: Sequence[int] | None, photographs: int
    ) -> list[tuple[Curve, float]]:
        """The curves for so many photographs, each with how many tracklets are of its kind."""
        curves = self.curves_for(photographs)
        if tracklets is None:
            return [(curve, float(curve.comparisons)) for curve in curves]
        numbers = [0.0] * len(curves)
        for step, number in enumerate(tracklets):
            middle = (step + 0.5) / len(tracklets)
            of = max((i for i, c in enumerate(curves) if c.quality <= middle), default=0)
            numbers[of] += number
        return list(zip(curves, numbers, strict=True))

    def _at(self, threshold: float, values: Sequence[float], *, log: bool = False) -> float:
        """A value between those at the thresholds; rates fall by factors, so their logarithm."""
        import numpy as np

        given: NDArray[Any] = np.asarray(values, float)
        if log:
            given = np.log(np.maximum(given, 1e-12))
        found = float(np.interp(threshold, self.thresholds, given))
        return math.exp(found) if log else found


def _quantile(share: float, size: float, success: float) -> int:
    """The least number that a negative binomial one stays within so often.

    Its distribution function is the regularised incomplete beta function (Johnson, Kemp and Kotz,
    "Univariate Discrete Distributions", 2005, 5.2). ``scipy.stats`` has it too, and takes a second
    to import while somebody waits for the page.
    """
    from scipy.special import betainc

    low, high = -1, 1
    while betainc(size, high + 1, success) < share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if betainc(size, middle + 1, success) < share:
            low = middle
        else:
            high = middle
    return high
