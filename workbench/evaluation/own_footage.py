"""Calibration on one's own footage without labels: what pairs of certainly different people tell.

While footage is indexed, pairs of people who are seen in one picture are compared, and their scores
counted (:mod:`workbench.indexing.different`). Nobody knows who they are, but they are not the same:
their scores are those of different people, in this footage, with these cameras. So they tell

- for a profile with a calibration, whether its FMR holds here;
- for a profile without one, from :data:`FEWEST_PAIRS` pairs on, a *provisional* calibration: an FMR
  with its interval. How many true sightings a threshold misses cannot be learned in this way.

Rates below one in a hundred rest on the shape of the tail. It is taken for an exponential, which
the tails of scores fall faster than, so that the FMR is overstated and the threshold too high
rather than too low; the interval reaches down to what a normal tail would give. People who are seen
together are, if anything, more alike than any two strangers, which errs on the same side.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calibration import (
    QUALITY_STEPS,
    TARGET_FMR,
    Calibration,
    Curve,
    calibration_of,
    provisional_file,
    write_calibration,
)
from workbench.calibration.words import format_rate
from workbench.domain import PLAIN_SCALE
from workbench.errors import EvaluationError
from workbench.evaluation.tails import SIDE, TAIL_SHARE, Tail, share_interval
from workbench.evaluation.together import FEWEST_PAIRS, OwnFootage, own_footage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.gallery import Gallery

# A tracklet lets about as many others pass as a probe of this many photographs.
LIKE_PHOTOGRAPHS = 2
# On plain scores a probe of so many photographs lets by up to so many times as many, as more of
# them bring it nearer to everyone; and one of a single photograph down to half as many (LFW).
TIMES, FEWER = {1: 1.0, LIKE_PHOTOGRAPHS: 1.25, 3: 1.75}, 0.5
# How much more the FMR of single probes varies than its mean, as calibrations with labels have it:
# more, the rarer the match. Nothing of it can be seen in counts.
_DISPERSION, _MOST_DISPERSION = 0.4, 20.0
# An interval that reaches to more than so many times what a calibration says tells nothing of it.
TOO_WIDE = 4


@dataclass(frozen=True, slots=True)
class FootageCheck:
    """Check of a calibration on one's own footage: the FMR at a threshold, seen and expected."""

    threshold: float
    reached: int  # pairs of certainly different people that reach it
    pairs: int
    rate: float
    low: float
    high: float
    expected: float  # as the calibration says, for pairs of this quality

    @property
    def holds(self) -> bool:
        """True if what the calibration says lies in the interval of what was seen."""
        return self.low <= self.expected <= self.high

    def words(self) -> str:
        """Put the check in words."""
        text = (
            f"{format_rate(self.rate)} ({format_rate(self.low)} to {format_rate(self.high)}, 95 % "
            f"interval) of {self.pairs:,} pairs of certainly different people reach the threshold "
            f"of {self.threshold:.2f}; the calibration says {format_rate(self.expected)}."
        )
        if self.holds and self.high > TOO_WIDE * self.expected:
            return f"{text} So few pairs cannot tell whether that holds here."
        if self.holds:
            return f"{text} The two agree."
        if self.expected < self.low:
            return (
                f"{text} People in this footage are more alike than it says: expect more false "
                "candidates, or search with a higher threshold."
            )
        return f"{text} Fewer do than it says: expect fewer false candidates."


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Lesson of a gallery's footage for the calibration of its profile.

    ``check`` is there if the profile is ``calibrated`` from labels and there are pairs to check on,
    ``provisional`` if it is not and there are enough pairs to make one.
    """

    own: OwnFootage
    calibrated: bool
    check: FootageCheck | None = None
    provisional: Calibration | None = None

    def words(self) -> list[str]:
        """Put the lesson in words, a sentence or two each."""
        found = [self.own.words()]
        if self.check is not None:
            return [*found, self.check.words()]
        if self.calibrated:
            return found
        if self.provisional is None:
            return [line for line in (*found, self.own.missing()) if line]
        for photographs in TIMES:
            curve = self.provisional.curves_for(photographs)[0]
            threshold = self.provisional.threshold(photographs=photographs)
            (_, low, high), _ = self.provisional.rates(curve, threshold.score)
            found.append(
                f"Provisional threshold for {photographs} "
                f"{'photograph' if photographs == 1 else 'photographs'}: {threshold.score:.2f}, at "
                f"{format_rate(TARGET_FMR)} false matches ({format_rate(low)} to "
                f"{format_rate(high)}, 95 % interval)."
            )
        return [*found, "How many true sightings are missed cannot be learned without labels."]


def learn(gallery: Gallery, *, calibrations: Path, count: bool = True) -> Lesson:
    """Check the calibration of a gallery's profile on its footage, or make a provisional one.

    Parameters
    ----------
    calibrations : Path
        Where the installation keeps its own calibrations; nothing is written there.
    count : bool
        Count the pairs of recordings whose counts are not kept, which reads their tracklets; else
        they are left out.
    """
    calibration = calibration_of(gallery.profile, folder=calibrations)
    if calibration is None or calibration.provisional:
        own = own_footage(gallery, count=count)
        enough = own.pairs >= FEWEST_PAIRS
        return Lesson(own, False, provisional=provisional(own) if enough else None)
    own = own_footage(gallery, calibration.normaliser, count=count)
    return Lesson(own, True, check(own, calibration) if own.pairs else None)


def keep(lesson: Lesson, *, calibrations: Path) -> Path:
    """Write the provisional calibration of a lesson where searches find it; return its path.

    Raises
    ------
    EvaluationError
        If the lesson has none: there are too few pairs, or a calibration from labels is there.
    """
    name = lesson.own.profile.name
    if lesson.provisional is None:
        if not lesson.calibrated:
            raise _too_few(lesson.own)
        raise EvaluationError(
            "has a calibration from labels, which holds against a provisional one",
            where=f"profile {name}",
            fix="Leave out writing one",
        )
    path = provisional_file(name, folder=calibrations)
    write_calibration(lesson.provisional, path)
    return path


def check(own: OwnFootage, calibration: Calibration) -> FootageCheck:
    """Compare the FMR that a calibration says with that of certainly different people.

    At its default threshold for a probe of two photographs, which a tracklet resembles most.

    Raises
    ------
    EvaluationError
        If it is of another profile or scale, or there are no pairs.
    """
    if calibration.fingerprint != own.profile.fingerprint or calibration.scale != own.scale:
        raise EvaluationError(
            f"is a calibration of other scores ({calibration.scale} scores of profile "
            f"{calibration.fingerprint})",
            where=calibration.data,
            fix="Check it on a gallery of its profile",
        )
    if not own.pairs:
        raise EvaluationError(
            "holds no two people in one picture that could be compared",
            where="gallery",
            fix="Index more footage",
        )
    threshold = calibration.threshold(photographs=LIKE_PHOTOGRAPHS).score
    steps = np.zeros(QUALITY_STEPS, int)
    for band, number in zip(*np.unique(own.quality, return_counts=True), strict=True):
        steps[min(QUALITY_STEPS - 1, round(float(band) * QUALITY_STEPS))] += number
    said = calibration.false_candidates(threshold, steps.tolist(), photographs=LIKE_PHOTOGRAPHS)
    reached = int((own.scores >= threshold).sum())
    low, high = share_interval(reached / own.worth, own.pairs / own.worth)
    return FootageCheck(
        threshold, reached, own.pairs, reached / own.pairs, low, high, said.mean / own.pairs
    )


def provisional(own: OwnFootage) -> Calibration:
    """Make a provisional calibration of plain scores: the FMR alone, with its interval.

    Raises
    ------
    EvaluationError
        If the scores are not plain, or there are fewer than :data:`FEWEST_PAIRS` pairs; then it
        says how much footage is missing.
    """
    if own.scale != PLAIN_SCALE:
        raise EvaluationError(
            f"has scores of the scale {own.scale}, and a provisional calibration is of plain ones",
            where=f"profile {own.profile.name}",
            fix="Count the pairs of its footage without a normaliser",
        )
    if own.pairs < FEWEST_PAIRS:
        raise _too_few(own)
    start = math.floor(float(np.quantile(own.scores, 0.8)) * 50) / 50
    thresholds = np.arange(start, max(float(own.scores[0]), 1.0) + 0.005, 0.01)
    curves = [_curve(own, thresholds, number) for number in TIMES]
    digest = hashlib.sha256(own.scores.tobytes() + own.quality.tobytes())
    return Calibration(
        profile=own.profile.name,
        fingerprint=own.profile.fingerprint,
        data=f"people seen together in one's own footage (provisional: {own.pairs:,} pairs, FMR "
        f"within a factor of {_factor(false_match_rates(own, thresholds)):.1f})",
        data_fingerprint=digest.hexdigest()[:16],
        made=datetime.now(UTC).date(),
        thresholds=tuple(np.round(thresholds, 4).tolist()),
        curves=tuple(curves),
        likelihood_ratio_model=None,
        provisional=True,
    )


def false_match_rates(
    own: OwnFootage, thresholds: NDArray[Any], *, photographs: int = LIKE_PHOTOGRAPHS
) -> NDArray[np.float64]:
    """FMR at each threshold, with its 95 % interval: ``(t, 3) float`` of rate, low and high.

    As counted down to where the tail begins, and from there the exponential that is fitted to it;
    overstated for probes of a single photograph.
    """
    tail = Tail.of(own.scores)
    found = np.empty((len(thresholds), 3))
    for row, threshold in enumerate(np.asarray(thresholds, float).tolist()):
        if threshold > tail.begin:
            found[row] = tail.rate(threshold, own.worth)
            continue
        rate = float((own.scores >= threshold).mean())
        doubt = SIDE * math.sqrt((1 - rate) * own.worth / (rate * own.pairs))
        found[row] = rate, rate * math.exp(-doubt), min(1.0, rate * math.exp(doubt))
    if own.scale == PLAIN_SCALE:
        found[:, (0, 2)] *= max(times for least, times in TIMES.items() if least <= photographs)
        if photographs < LIKE_PHOTOGRAPHS:
            found[:, 1] *= FEWER
    return np.clip(found, 1e-12, 1.0)


def _curve(own: OwnFootage, thresholds: NDArray[Any], photographs: int) -> Curve:
    rate, low, high = false_match_rates(own, thresholds, photographs=photographs).T
    known = len(rate)
    spread = np.minimum(_MOST_DISPERSION, _DISPERSION * np.sqrt(TAIL_SHARE / rate))
    return Curve(
        photographs=photographs,
        quality=0.0,
        fmr=tuple(rate.tolist()),
        fmr_low=tuple(low.tolist()),
        fmr_high=tuple(high.tolist()),
        fmr_dispersion=tuple(spread.tolist()),
        # Not known: see Curve.has_fnmr.
        fnmr=(1.0,) * known,
        fnmr_low=(0.0,) * known,
        fnmr_high=(1.0,) * known,
        measured_to=float(own.scores[9]),
        # How many people there are, nobody knows; so many pairs of their own would tell as much.
        people=max(1, round(own.pairs / own.worth)),
        comparisons=own.pairs,
    )


def _factor(rates: NDArray[np.float64]) -> float:
    """Factor by which the FMR may differ either way at the default threshold."""
    rate, low, high = rates[int(np.argmin(np.abs(np.log(rates[:, 0] / TARGET_FMR))))]
    return float(max(rate / low, high / rate))


def _too_few(own: OwnFootage) -> EvaluationError:
    return EvaluationError(
        f"there are {own.pairs:,} pairs of certainly different people, too few for a provisional "
        "calibration",
        where=f"profile {own.profile.name}",
        fix=f"Index more footage. {own.missing()}",
    )


__all__ = [
    "FootageCheck",
    "Lesson",
    "check",
    "false_match_rates",
    "keep",
    "learn",
    "provisional",
]
