"""Error rates of comparisons between probes and gallery entries whose owners are known.

One-to-one: false match rate (FMR) and false non-match rate (FNMR), ISO/IEC 19795-1:2021, 8.3.
One-to-many, open set: false positive identification rate (FPIR) and false negative identification
rate (FNIR), ibid. 8.4 and NISTIR 8271, section 3; true positive identification rate is
TPIR = 1 - FNIR. Every rate comes with a 95 % interval from a bootstrap by person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.domain import PLAIN_SCALE
from workbench.domain.summaries import Summarised, Summary
from workbench.errors import EvaluationError
from workbench.evaluation.intervals import Rate, interval, resampled
from workbench.evaluation.operating import OperatingPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trial(Summarised):
    """Scores of probes against gallery entries, and whose they are.

    Parameters
    ----------
    scores : (p, g) float
        Higher for faces more alike; -inf where one of the two could not be enrolled, NaN where the
        two were not compared.
    probes : (p,) str
        Person of each probe.
    entries : (g,) str
        Whose each entry of the gallery is.
    own_left_out : bool
        True if each probe is searched twice, with its own entry in the gallery and without it:
        everybody then counts for the FPIR, and those with an own entry for the FNIR. By default
        only probes without an own entry count for the FPIR.
    scale : str
        That the scores are on.

    Raises
    ------
    EvaluationError
        If the shapes do not fit, or no two people are compared.
    """

    scores: NDArray[Any] = field(repr=False)
    probes: NDArray[Any] = field(repr=False)
    entries: NDArray[Any] = field(repr=False)
    own_left_out: bool = False
    scale: str = PLAIN_SCALE

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.probes), len(self.entries)):
            raise EvaluationError(
                f"there are {self.scores.shape} scores for {len(self.probes)} probes and "
                f"{len(self.entries)} entries",
                where="trial",
                fix="Give one row per probe and one column per entry",
            )
        if self.same.all():
            raise EvaluationError(
                "no two people are compared",
                where="trial",
                fix="Give pictures of two people at least",
            )

    def summary(self) -> Summary:
        """Describe the trial: how many people, probes and entries were compared."""
        known = ~np.isnan(self.scores)
        return Summary(
            "Trial",
            (
                ("people", f"{len(self.people):,}"),
                ("probes", f"{len(self.probes):,}"),
                ("entries", f"{len(self.entries):,}"),
                ("pairs of one person", f"{(self.same & known).sum():,}"),
                ("pairs of different people", f"{(~self.same & known).sum():,}"),
                ("scale", self.scale),
            ),
        )

    @property
    def same(self) -> NDArray[Any]:
        """Comparisons of one person, ``(p, g) bool``."""
        mask: NDArray[Any] = self.probes[:, None] == self.entries[None]
        return mask

    @property
    def people(self) -> NDArray[Any]:
        """All people of the trial, sorted."""
        return np.unique(np.concatenate([self.probes, self.entries]))

    @property
    def mated(self) -> NDArray[Any]:
        """Probes that were compared with an entry of their own person, ``(p,) bool``."""
        return np.asarray((self.same & ~np.isnan(self.scores)).any(axis=1))

    @property
    def strangers_only(self) -> NDArray[Any]:
        """Probes that are searched in a gallery without an entry of their own, ``(p,) bool``."""
        return np.ones(len(self.probes), bool) if self.own_left_out else ~self.mated

    @property
    def gallery(self) -> int:
        """Smallest number of entries of others that a probe was compared with."""
        return int((~self.same & ~np.isnan(self.scores)).sum(axis=1).min())

    # --- One to one -----------------------------------------------------------------------

    def fmr(self, thresholds: NDArray[Any], weights: NDArray[Any] | None = None) -> NDArray[Any]:
        """Share of comparisons of different people that reach each threshold.

        Parameters
        ----------
        thresholds : (t,)
        weights : (draws, people), optional
            How often each of ``people`` was drawn; by default all once.

        Returns
        -------
        (draws, t) float; NaN where there is nothing to compare
        """
        return self._reached(~self.same, thresholds, weights)

    def fnmr(self, thresholds: NDArray[Any], weights: NDArray[Any] | None = None) -> NDArray[Any]:
        """Share of comparisons of one person below each threshold; see :meth:`fmr`."""
        return 1 - self._reached(self.same, thresholds, weights, once=True)

    def _reached(
        self,
        which: NDArray[Any],
        thresholds: NDArray[Any],
        weights: NDArray[Any] | None,
        *,
        once: bool = False,
    ) -> NDArray[Any]:
        """Share of the pairs *which* that reach each threshold; *once*: a pair is one person's."""
        of_probe, of_entry = self._drawn(weights)
        entry = np.ones_like(of_entry) if once else of_entry
        which = which & ~np.isnan(self.scores)

        def weighed(pairs: NDArray[Any]) -> NDArray[Any]:
            # In single precision: the counts stay far below what it holds exactly.
            return np.asarray(((of_probe @ pairs.astype(np.float32)) * entry).sum(axis=1), float)

        total = weighed(which)
        reached = np.empty((len(of_probe), len(thresholds)))
        for number, threshold in enumerate(thresholds):
            reached[:, number] = weighed(which & (self.scores >= threshold))
        with np.errstate(invalid="ignore"):
            return np.asarray(reached / total[:, None])

    def _drawn(self, weights: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any]]:
        people = self.people
        if weights is None:
            weights = np.ones((1, len(people)))
        weights = weights.astype(np.float32)
        probe, entry = (np.searchsorted(people, who) for who in (self.probes, self.entries))
        return weights[:, probe], weights[:, entry]

    # --- One to many ----------------------------------------------------------------------

    def fpir(self, thresholds: NDArray[Any], weights: NDArray[Any] | None = None) -> NDArray[Any]:
        """Share of searches without a mate in the gallery that find a candidate, ``(draws, t)``."""
        alone = self.strangers_only
        best = self._best(~self.same)[alone]
        of_probe = self._drawn(weights)[0][:, alone]
        return _share(best[:, None] >= thresholds[None], of_probe)

    def fnir(
        self,
        thresholds: NDArray[Any],
        weights: NDArray[Any] | None = None,
        *,
        rank: int | None = None,
    ) -> NDArray[Any]:
        """Share of mated probes whose mate is not returned, ``(draws, t)``.

        A mate is returned if it reaches the threshold and, with *rank*, is among that many best.
        """
        best = self._best(self.same)[self.mated]
        if rank is not None:
            best = np.where(self.ranks() <= rank, best, -np.inf)
        of_probe = self._drawn(weights)[0][:, self.mated]
        return _share(best[:, None] < thresholds[None], of_probe)

    def ranks(self) -> NDArray[Any]:
        """Rank of the best mate of each mated probe, 1 being the first; ties count against it."""
        mated = self.mated
        own = self._best(self.same)[mated]
        others = np.where(self.same, -np.inf, self.scores)[mated]
        ranks: NDArray[Any] = 1 + (others >= own[:, None]).sum(axis=1)
        return np.where(np.isfinite(own), ranks, len(self.entries) + 1)

    def _best(self, which: NDArray[Any]) -> NDArray[Any]:
        """Highest score of each probe among some comparisons."""
        best: NDArray[Any] = np.where(which & ~np.isnan(self.scores), self.scores, -np.inf).max(
            axis=1, initial=-np.inf
        )
        return best

    def cmc(self, most: int = 50, *, draws: int = 200) -> pd.DataFrame:
        """Cumulative match characteristic (closed set) for ranks 1, 2, … *most*.

        Columns: rank, found (share of mated probes), and its ``low`` and ``high``.
        """
        ranks = np.arange(1, most + 1)
        among = self.ranks()[:, None] <= ranks[None]
        weights = resampled(len(self.people), draws)
        drawn = _share(among, self._drawn(weights)[0][:, self.mated])
        people = self._clusters("FNIR")
        rates = [interval(float(among[:, i].mean()), drawn[:, i], people) for i in range(most)]
        return pd.DataFrame(
            {
                "rank": ranks,
                "found": [rate.value for rate in rates],
                "low": [rate.low for rate in rates],
                "high": [rate.high for rate in rates],
            }
        )

    # --- With intervals -------------------------------------------------------------------

    def rates_at(self, threshold: float, *, draws: int = 500) -> dict[str, Rate]:
        """FMR, FNMR, FPIR, FNIR and TPIR at a threshold, as far as the trial has them."""
        found: dict[str, Rate] = {}
        where = np.array([threshold])
        for name, rate in self._measures().items():
            value = float(rate(where)[0, 0])
            if np.isfinite(value):
                found[name] = interval(
                    value, self._resample(rate, where, draws)[:, 0], self._clusters(name)
                )
        if "FNIR" in found:
            missed = found["FNIR"]
            found["TPIR"] = Rate(1 - missed.value, 1 - missed.high, 1 - missed.low, missed.people)
        return found

    def det(self, thresholds: NDArray[Any], *, draws: int = 200) -> pd.DataFrame:
        """Detection error trade-off: each rate with its interval by threshold.

        Columns: threshold, and for each of FMR, FNMR, FPIR, FNIR the value and its ``low`` and
        ``high``, such as ``FMR low``.
        """
        columns: dict[str, Any] = {"threshold": thresholds}
        for name, rate in self._measures().items():
            values = rate(thresholds)[0]
            if not np.isfinite(values).any():
                continue
            drawn = self._resample(rate, thresholds, draws)
            rates = [
                interval(float(value), drawn[:, number], self._clusters(name))
                for number, value in enumerate(values)
            ]
            columns[name] = values
            columns[f"{name} low"] = [rate.low for rate in rates]
            columns[f"{name} high"] = [rate.high for rate in rates]
        return pd.DataFrame(columns)

    def eer(self, *, draws: int = 200) -> Rate:
        """Equal error rate of one-to-one comparison, with its interval.

        In each draw it is read off between the nearest of 200 thresholds.
        """
        from sklearn.metrics import det_curve

        known = ~np.isnan(self.scores)
        false, missed, _ = det_curve(self.same[known], _finite(self.scores[known]))
        at = int(np.argmin(np.abs(false - missed)))
        value = float(false[at] + missed[at]) / 2
        thresholds = np.quantile(_finite(self.scores[known]), np.linspace(0, 1, 200))
        weights = resampled(len(self.people), draws)
        rates = self.fmr(thresholds, weights), self.fnmr(thresholds, weights)
        nearest = np.argmin(np.abs(rates[0] - rates[1]), axis=1)
        rows = np.arange(draws)
        drawn = (rates[0][rows, nearest] + rates[1][rows, nearest]) / 2
        return interval(value, drawn, self._clusters("FNMR"))

    def threshold_at(
        self, *, fmr: float | None = None, fpir: float | None = None
    ) -> OperatingPoint:
        """Find the lowest threshold at which a rate is at most *fmr* or *fpir*.

        >>> trial.threshold_at(fmr=0.001).score                          # doctest: +SKIP

        Where there are too few comparisons for that rate, it is the lowest that none of them
        reaches, and the answer says how high the rate may be all the same.

        Raises
        ------
        EvaluationError
            If not one rate above 0 and up to 1 was named, or nothing was compared for it.
        """
        scores, wanted, what = self._of_strangers(fmr, fpir)
        if not 0 < wanted <= 1 or not len(scores):
            raise EvaluationError(
                f"no threshold can be set for a rate of {wanted:g} on {len(scores):,} {what}",
                where="threshold_at",
                fix="Give a rate above 0 and up to 1, and people to compare",
            )
        enough = int(np.floor(wanted * len(scores) + 1e-9)) >= 1
        score = (
            self.lowest_score(fmr=fmr, fpir=fpir)
            if enough
            else float(np.nextafter(scores.max(), np.inf))
        )
        return OperatingPoint(
            score,
            "FMR" if fmr is not None else "FPIR",
            wanted,
            self.rates_at(score),
            f"{len(scores):,} {what}",
            enough,
            self.scale,
        )

    def lowest_score(self, *, fmr: float | None = None, fpir: float | None = None) -> float:
        """Return the lowest score from which on a rate is at most *fmr* or *fpir*.

        Raises EvaluationError where there are too few comparisons for that rate.
        """
        scores, wanted, what = self._of_strangers(fmr, fpir)
        allowed = int(np.floor(wanted * len(scores) + 1e-9))
        if allowed < 1:
            raise EvaluationError(
                f"{len(scores):,} {what} are too few for a rate of {wanted:g}",
                where="threshold",
                fix=f"Use more people, or ask for a rate of {1 / max(len(scores), 1):.2g} or more",
            )
        ordered = np.sort(scores)[::-1]
        # Just above the first score that must not pass.
        return float(np.nextafter(ordered[allowed], np.inf)) if allowed < len(ordered) else -np.inf

    def _of_strangers(
        self, fmr: float | None, fpir: float | None
    ) -> tuple[NDArray[Any], float, str]:
        """The scores that a rate counts, the rate, and what they are."""
        if fmr is not None and fpir is None:
            pairs = ~self.same & ~np.isnan(self.scores)
            return self.scores[pairs], fmr, "pairs of different people"
        if fpir is not None and fmr is None:
            best = self._best(~self.same)[self.strangers_only]
            return best, fpir, "probes without a mate"
        raise EvaluationError("name one rate", where="threshold_at", fix="Give fmr or fpir")

    def _measures(self) -> dict[str, Callable[..., NDArray[Any]]]:
        pairs = {"FMR": self.fmr, "FNMR": self.fnmr}
        # Single pairs have no one-to-many rates.
        whole = self.own_left_out or not np.isnan(self.scores).any()
        return pairs | ({"FPIR": self.fpir, "FNIR": self.fnir} if whole else {})

    def _resample(
        self, rate: Callable[..., NDArray[Any]], thresholds: NDArray[Any], draws: int
    ) -> NDArray[Any]:
        return rate(thresholds, resampled(len(self.people), draws))

    def _clusters(self, name: str) -> int:
        """Number of people that a rate rests on."""
        which = {"FPIR": self.strangers_only, "FNIR": self.mated, "FNMR": self.mated}.get(name)
        return len(np.unique(self.probes if which is None else self.probes[which]))


def pooled(trials: Sequence[Trial]) -> Trial:
    """One trial of several that have no person in common: nobody is compared across them.

    Two halves of the people, each told by what the other half taught, are pooled so; thresholds
    that differ between them are first subtracted from the scores.

    Raises
    ------
    EvaluationError
        If a person is in two of them.
    """
    people = np.concatenate([trial.people for trial in trials])
    if len(np.unique(people)) < len(people):
        raise EvaluationError(
            "a person is in two of the trials", where="pooled", fix="Divide the data by person"
        )
    sizes = np.array([trial.scores.shape for trial in trials])
    scores = np.full(sizes.sum(axis=0), np.nan)
    for trial, (down, across) in zip(trials, np.cumsum(sizes, axis=0) - sizes, strict=True):
        rows, columns = trial.scores.shape
        scores[down : down + rows, across : across + columns] = trial.scores
    return Trial(
        scores,
        np.concatenate([trial.probes for trial in trials]),
        np.concatenate([trial.entries for trial in trials]),
        own_left_out=all(trial.own_left_out for trial in trials),
        scale=trials[0].scale,
    )


def _share(happened: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Weighted share by column: ``(n, t) bool`` and ``(draws, n)`` to ``(draws, t)``."""
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ happened.astype(float) / weights.sum(axis=1, keepdims=True))


def _finite(scores: NDArray[Any]) -> NDArray[Any]:
    """Failures to enrol as the least of all scores, for libraries that want finite numbers."""
    least = scores[np.isfinite(scores)].min(initial=0.0)
    return np.asarray(np.where(np.isfinite(scores), scores, least - 1))
