"""What a profile's scores mean: how often others reach one, how often the right person does not.

A calibration is made by :mod:`workbench.evaluation.calibrating` from people with known names, and
is a small file of numbers: no picture, no template, no name. Those that come with Sightline lie in
this folder; one made for an installation lies in ``HOME/calibrations`` and is taken before them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.domain import Threshold
from workbench.errors import EvaluationError
from workbench.settings import settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Profile

VERSION = 1
LEVEL = 0.95
# Of the people who are compared with the target, so many pass by default; see docs/findings.md.
PASSING = 1 / 200
# Tracklets are counted by the quality of their best shot in so many equal steps from 0 to 1.
QUALITY_STEPS = 20
MOST_THRESHOLDS, MOST_CURVES = 1000, 100  # in a file; ours have 55 and 8


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

    def write(self, path: Path) -> None:
        """Write it as JSON, rates to five digits."""
        told = asdict(self) | {"version": VERSION, "made": self.made.isoformat()}
        for curve in told["curves"]:
            for name, value in curve.items():
                if isinstance(value, tuple):
                    curve[name] = [float(f"{number:.5g}") for number in value]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_compact(told), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """Read what :meth:`write` wrote; raise EvaluationError if it is something else."""
        try:
            text = path.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise _unreadable(str(path), error) from error
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, *, where: str) -> Calibration:
        """That of a file's text; *where* it comes from is for the EvaluationError."""
        try:
            told: dict[str, Any] = json.loads(text)
            if told["version"] != VERSION:
                raise EvaluationError(
                    f"is a calibration of version {str(told['version'])[:20]}; "
                    f"this is for {VERSION}",
                    where=where,
                    fix="Calibrate again",
                )
            thresholds = tuple(float(number) for number in told["thresholds"])
            curves = tuple(_curve(one, len(thresholds)) for one in told["curves"])
            if len(thresholds) > MOST_THRESHOLDS or len(curves) > MOST_CURVES:
                raise ValueError("more thresholds or curves than anybody can look at")
            if not curves or len(thresholds) < 2 or not _rises(thresholds):
                raise ValueError("no curves, or thresholds that do not rise")
            evidence = {f.name: float(told["evidence"][f.name]) for f in fields(Evidence)}
            if not all(math.isfinite(number) for number in evidence.values()):
                raise ValueError("evidence that is no number")
            return cls(
                profile=str(told["profile"]),
                fingerprint=str(told["fingerprint"]),
                data=str(told["data"]),
                data_fingerprint=str(told["data_fingerprint"]),
                made=date.fromisoformat(told["made"]),
                thresholds=thresholds,
                curves=curves,
                evidence=Evidence(**evidence),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _unreadable(where, error) from error

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


def calibration_of(profile: Profile) -> Calibration | None:
    """That of a profile: of this installation, else one that comes with Sightline, else None.

    Raises EvaluationError if there is one that cannot be read, or is of another profile.
    """
    for path in files_of(profile.name):
        found = Calibration.read(path)
        if found.fingerprint == profile.fingerprint:
            return found
        if path.parent == own_folder():
            raise EvaluationError(
                f"was made for other weights ({found.fingerprint}, not {profile.fingerprint})",
                where=str(path),
                fix="Remove it, or calibrate again",
            )
    return None


def files_of(profile: str) -> list[Path]:
    """The calibrations there are for profiles of that name; that of this installation first."""
    folders = (own_folder(), Path(__file__).parent)
    return [path for folder in folders if (path := folder / f"{profile}.json").is_file()]


def calibrated_profiles() -> list[str]:
    """Names of the profiles that there are calibrations for."""
    folders = (own_folder(), Path(__file__).parent)
    return sorted({path.stem for folder in folders for path in folder.glob("*.json")})


def own_folder() -> Path:
    """Where this installation keeps calibrations of its own."""
    return settings().calibrations or settings().home / "calibrations"


def _unreadable(where: str, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"is not a calibration ({type(error).__name__}: {str(error)[:100]})",
        where=where,
        fix="Remove it, or calibrate again",
    )


def _rises(numbers: Sequence[float]) -> bool:
    return all(math.isfinite(n) for n in numbers) and all(a < b for a, b in pairwise(numbers))


_RANGES = {
    "photographs": (1, 1000),
    "quality": (0, 1),
    "measured_to": (-1e9, 1e9),
    "people": (1, 1e12),
    "comparisons": (1, 1e18),
}


def _curve(told: dict[str, Any], length: int) -> Curve:
    values: dict[str, Any] = {}
    for one in fields(Curve):
        value = told[one.name]
        if not isinstance(value, list):
            values[one.name] = int(value) if one.type == "int" else float(value)
            least, most = _RANGES[one.name]
            if not least <= values[one.name] <= most:
                raise ValueError(f"{one.name} is {values[one.name]:g}")
            continue
        values[one.name] = numbers = tuple(float(number) for number in value)
        # No share varies more between n probes than n times its mean.
        most = 1e6 if one.name == "spread" else 1.0
        if len(numbers) != length:
            raise ValueError("a curve has not as many values as there are thresholds")
        if not all(0 <= number <= most for number in numbers):
            raise ValueError(f"{one.name} holds what is no share")
    return Curve(**values)


def _compact(told: dict[str, Any]) -> str:
    """JSON with one line a list, so that a change can be read."""
    curves = told.pop("curves")
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
    inner = [
        "    {\n" + ",\n".join(f"      {json.dumps(n)}: {json.dumps(v)}" for n, v in c.items())
        + "\n    }"
        for c in curves
    ]  # fmt: skip
    lines.append('  "curves": [\n' + ",\n".join(inner) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
