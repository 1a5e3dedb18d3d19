"""Calibration of a profile: false and missed matches to expect at each score.

A calibration is made by :mod:`workbench.evaluation.calibrate` from people with known names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.domain import PLAIN_SCALE, Threshold
from workbench.domain.summaries import Summarised, Summary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration.normaliser import Normaliser

CONFIDENCE = 0.95  # of all intervals
# FMR of the default threshold: the share of different people who reach it; see docs/findings.md.
TARGET_FMR = 1 / 300
# Equal steps from 0 to 1 in which tracklets are counted by the quality of their best shot.
QUALITY_STEPS = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """Error rates by threshold, for probes and tracklets of one kind.

    Parameters
    ----------
    photographs : int
        Fewest photographs in a probe.
    quality : float
        Lowest quality of the tracklet's best shot; the next curve begins where this one ends.
    fmr, fmr_low, fmr_high : (t,) float
        FMR and its 95 % interval.
    fmr_dispersion : (t,) float
        Squared coefficient of variation of the FMR between probes: some people resemble many.
    fnmr, fnmr_low, fnmr_high : (t,) float
        FNMR and its 95 % interval.
    measured_to : float
        The highest threshold that ten comparisons of different people reached; beyond it the FMR
        falls exponentially, which overstates it.
    people, comparisons : int
        Basis of the FMR.
    """

    photographs: int
    quality: float
    fmr: tuple[float, ...] = field(repr=False)
    fmr_low: tuple[float, ...] = field(repr=False)
    fmr_high: tuple[float, ...] = field(repr=False)
    fmr_dispersion: tuple[float, ...] = field(repr=False)
    fnmr: tuple[float, ...] = field(repr=False)
    fnmr_low: tuple[float, ...] = field(repr=False)
    fnmr_high: tuple[float, ...] = field(repr=False)
    measured_to: float
    people: int
    comparisons: int

    @property
    def has_fnmr(self) -> bool:
        """True where pictures of one person were compared, so that there is an FNMR."""
        return any(low > 0 or high < 1 for low, high in zip(
            self.fnmr_low, self.fnmr_high, strict=True))  # fmt: skip


@dataclass(frozen=True, slots=True)
class LikelihoodRatioModel:
    """Likelihood ratio of a score, one person against two: its logarithm is linear.

    ``ln LR = intercept + score · slope + quality · by_quality + ln(photographs) · by_photographs``,
    fitted by logistic regression with both sides weighing the same (Brümmer and du Preez,
    "Application-independent evaluation of speaker detection", 2006). ``cllr`` is the cost of the
    ratios in bits for people who took no part in the fit (0 perfect, 1 useless), ``cllr_min``
    what the best monotone calibration (PAV) would have cost, ``ece`` the expected calibration
    error at even odds.
    """

    intercept: float
    slope: float
    by_quality: float
    by_photographs: float
    cllr: float
    cllr_min: float
    ece: float

    def ratio(self, score: float, *, quality: float, photographs: int) -> float:
        """Likelihood ratio: how many times likelier the score is for one person than for two."""
        log = self.intercept + self.slope * score + self.by_quality * quality
        return math.exp(min(700.0, log + self.by_photographs * math.log(max(1, photographs))))


@dataclass(frozen=True, slots=True)
class Nearness:
    """Dependence of a probe's FMR on how near it lies to strangers: on its offset.

    The logarithm of the FMR rises with the offset (Poisson regression); ``factor`` is that of one
    probe to the mean of all. See :mod:`workbench.calibration.normaliser` for offsets.

    Parameters
    ----------
    photographs : int
        Fewest photographs in a probe.
    offsets : (21,) float
        Offsets of the people's probes: the least, each twentieth of the people, the largest.
    mean, deviation : float
        Of these offsets.
    slope : float
        Of the logarithm, by deviation.
    intercept : float
        Makes the mean factor of the people 1.
    """

    photographs: int
    offsets: tuple[float, ...] = field(repr=False)
    mean: float
    deviation: float
    slope: float
    intercept: float

    def factor(self, offset: float) -> float:
        """FMR of a probe with that offset, as a multiple of the mean; flat beyond 3 deviations."""
        place = min(3.0, max(-3.0, (offset - self.mean) / self.deviation))
        return math.exp(self.intercept + self.slope * place)

    def share_below(self, offset: float) -> float:
        """Share of people who lie farther from strangers than a probe with that offset."""
        shares = np.linspace(0, 1, len(self.offsets))
        return float(np.interp(offset, self.offsets, shares))


@dataclass(frozen=True, slots=True)
class FalseCandidateEstimate:
    """Number of false candidates that a search returns: its mean and its 95 % interval.

    The interval allows for the uncertainty of the calibration, for targets who resemble many
    people, and for chance.
    """

    mean: float
    low: int
    high: int
    extrapolated: bool  # the threshold lies beyond what was measured: overstated, if anything


@dataclass(frozen=True, slots=True)
class FnmrEstimate:
    """FNMR: the share of true sightings that score below a threshold, with its 95 % interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, repr=False)
class Calibration(Summarised):
    """Error rates of one profile, by photographs in the probe and quality of the tracklet."""

    profile: str
    fingerprint: str  # of the profile
    data: str  # the pictures it was made from, in words
    data_fingerprint: str
    made: date
    thresholds: tuple[float, ...]  # (t,), rising
    curves: tuple[Curve, ...]
    likelihood_ratio_model: LikelihoodRatioModel | None  # None: no two pictures of one person
    # Made without labels: see workbench.evaluation.own_footage.
    provisional: bool = False
    network: str = ""  # of a network that does not come with Sightline: what it is, in words
    normaliser: Normaliser | None = None  # None: scores are plain
    nearness: tuple[Nearness, ...] = ()
    # For probes made of best shots of footage, not of photographs: see :attr:`of_shots`.
    shot_curves: tuple[Curve, ...] = ()
    shot_nearness: tuple[Nearness, ...] = ()
    probes: str = "photograph"  # what they are made of
    digest: str = field(default="", compare=False)  # SHA-256 of the file it was read from

    def summary(self) -> Summary:
        """Describe the calibration: data, scale, and the default threshold by photographs."""
        rows = []
        for number in self.photographs:
            threshold = self.threshold(photographs=number).score
            missed = self.fnmr(threshold, photographs=number)
            said = "not known"
            if not math.isnan(missed.rate):
                said = f"{missed.rate:.2%} ({missed.low:.2%} to {missed.high:.2%})"
            rows.append((f"{number}", f"{threshold:.2f}", said))
        return Summary(
            "Calibration",
            (
                ("profile", self.profile),
                ("data", self.data),
                ("made", f"{self.made:%Y-%m-%d}"),
                ("scale", self.scale),
                ("basis", "footage without labels (provisional)" if self.provisional else ""),
            ),
            headings=(f"{self.probes}s in the probe", "threshold", "FNMR there (95 % interval)"),
            rows=rows,
        )

    @property
    def of_shots(self) -> Calibration:
        """Calibration for probes made of best shots; itself where there are no curves of these."""
        if not self.shot_curves:
            return self
        return replace(
            self, curves=self.shot_curves, nearness=self.shot_nearness, probes="best shot"
        )

    @property
    def scale(self) -> str:
        """Name of the scale that its scores and thresholds are on."""
        return self.normaliser.scale if self.normaliser else PLAIN_SCALE

    def offset(self, template: NDArray[Any]) -> float | None:
        """Offset of a probe's template ``(dimension,)``, or the largest of several ``(m, …)``."""
        if self.normaliser is None:
            return None
        return float(self.normaliser.offsets(np.atleast_2d(template)).max())

    def nearness_of(self, photographs: int) -> Nearness | None:
        """Return the nearness for a probe of *photographs*, or of the next lower number."""
        below = [one for one in self.nearness if one.photographs <= photographs]
        return max(below or self.nearness[:1], key=lambda one: one.photographs, default=None)

    @property
    def photographs(self) -> tuple[int, ...]:
        """Numbers of photographs for which there are curves, rising."""
        return tuple(sorted({curve.photographs for curve in self.curves}))

    def curves_for(self, photographs: int) -> list[Curve]:
        """Curves for a probe of *photographs*, or of the next lower number, by rising quality."""
        known = self.photographs
        number = max((n for n in known if n <= photographs), default=known[0])
        curves = (curve for curve in self.curves if curve.photographs == number)
        return sorted(curves, key=lambda curve: curve.quality)

    def false_candidates(
        self,
        threshold: float,
        tracklets: Sequence[int],
        *,
        photographs: int,
        offset: float | None = None,
    ) -> FalseCandidateEstimate:
        """Estimate the number of false candidates of a search.

        Parameters
        ----------
        threshold : float
        tracklets : (QUALITY_STEPS,) int
            Tracklets to compare, counted by the quality of their best shot in equal steps.
        photographs : int
            Photographs in the probe.
        offset : float, optional
            Of the probe at hand: see :meth:`offset`; by default that of any probe.
        """
        mean = over = uncertain = 0.0
        beyond = False
        nearness = self.nearness_of(photographs)
        factor = 1.0 if offset is None or nearness is None else nearness.factor(offset)
        for curve, number in self._shares(tracklets, photographs):
            rate, least, most = (
                min(1.0, factor * self._interpolated(threshold, values, log=True))
                for values in (curve.fmr, curve.fmr_low, curve.fmr_high)
            )
            beyond |= bool(number) and threshold > curve.measured_to
            mean += number * rate
            over += number * rate * self._interpolated(threshold, curve.fmr_dispersion)
            # The interval as a relative standard deviation, on the side where it is wider.
            uncertain += number * max(most - rate, rate - least) / 1.96
        if mean <= 0:
            return FalseCandidateEstimate(0.0, 0, 0, beyond)
        # A Poisson number whose mean is Gamma distributed: between targets, and as it is unknown.
        variation = over / mean + (uncertain / mean) ** 2
        size = 1 / max(variation, 1e-9)
        low, high = (
            _quantile(share, size, size / (size + mean))
            for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
        )
        return FalseCandidateEstimate(mean, low, high, beyond)

    def fnmr(
        self, threshold: float, tracklets: Sequence[int] | None = None, *, photographs: int
    ) -> FnmrEstimate:
        """Estimate the share of the target's own tracklets that score below a threshold.

        *tracklets* as for :meth:`false_candidates`; by default those of the calibration. The rate
        is NaN where no two pictures of one person were compared.
        """
        total, sums = 0.0, [0.0, 0.0, 0.0]
        for curve, number in self._shares(tracklets, photographs):
            if not curve.has_fnmr:
                continue
            for place, values in enumerate((curve.fnmr, curve.fnmr_low, curve.fnmr_high)):
                sums[place] += number * self._interpolated(threshold, values)
            total += number
        if not total:
            return FnmrEstimate(math.nan, 0.0, 1.0)
        return FnmrEstimate(*(value / total for value in sums))

    def threshold(
        self,
        *,
        photographs: int,
        target_fmr: float = TARGET_FMR,
        tracklets: Sequence[int] | None = None,
    ) -> Threshold:
        """Lowest threshold at which the FMR is at most *target_fmr*.

        *tracklets* as for :meth:`false_candidates`; by default those of the calibration.
        """
        shares = [*self._shares(tracklets, photographs)]
        total = sum(number for _, number in shares) or 1.0

        def is_strict_enough(score: float) -> bool:
            false = sum(n * self._interpolated(score, curve.fmr, log=True) for curve, n in shares)
            return false <= target_fmr * total

        # The FMR falls, so that the lowest can be halved towards.
        low, high = math.ceil(self.thresholds[0] * 100), math.ceil(self.thresholds[-1] * 100)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_strict_enough(middle / 100) else (middle + 1, high)
        words = f"1 {self.probes}" if photographs == 1 else f"{photographs} {self.probes}s"
        share = f"1 false match in {1 / target_fmr:,.0f} comparisons"
        return Threshold(low / 100, f"{self.data}: {share}, {words}", self.scale)

    def rates(
        self, curve: Curve, threshold: float
    ) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """FMR and FNMR of a curve at a threshold, each as (rate, low, high)."""
        fmr, fmr_low, fmr_high = (
            self._interpolated(threshold, values, log=True)
            for values in (curve.fmr, curve.fmr_low, curve.fmr_high)
        )
        fnmr, fnmr_low, fnmr_high = (
            self._interpolated(threshold, values)
            for values in (curve.fnmr, curve.fnmr_low, curve.fnmr_high)
        )
        return (fmr, fmr_low, fmr_high), (fnmr, fnmr_low, fnmr_high)

    def _shares(
        self, tracklets: Sequence[int] | None, photographs: int
    ) -> list[tuple[Curve, float]]:
        """Curves for a number of photographs, each with its share of the tracklets."""
        curves = self.curves_for(photographs)
        if tracklets is None:
            return [(curve, float(curve.comparisons)) for curve in curves]
        numbers = [0.0] * len(curves)
        for step, number in enumerate(tracklets):
            middle = (step + 0.5) / len(tracklets)
            of = max((i for i, c in enumerate(curves) if c.quality <= middle), default=0)
            numbers[of] += number
        return list(zip(curves, numbers, strict=True))

    def _interpolated(
        self, threshold: float, values: Sequence[float], *, log: bool = False
    ) -> float:
        """Interpolate between thresholds; with *log* the logarithm, as rates fall by factors."""
        given: NDArray[Any] = np.asarray(values, float)
        if log:
            given = np.log(np.maximum(given, 1e-12))
        value = float(np.interp(threshold, self.thresholds, given))
        return math.exp(value) if log else value


def _quantile(share: float, size: float, success: float) -> int:
    """Quantile of the negative binomial distribution: the lowest number with that probability.

    Its distribution function is the regularised incomplete beta function (Johnson, Kemp and Kotz,
    "Univariate Discrete Distributions", 2005, 5.2). ``scipy.stats`` has it too, and takes a second
    to import while a person waits for the page.
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
