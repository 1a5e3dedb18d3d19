"""Make a calibration from people with known names; see :mod:`workbench.calibration`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.calibration import Calibration, Curve, LikelihoodRatioModel
from workbench.errors import EvaluationError
from workbench.evaluation.intervals import interval, resampled
from workbench.evaluation.pooling import similarity
from workbench.evaluation.protocols import Trial
from workbench.faces.templates import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.evaluation.samples import Samples

PHOTOGRAPHS = (1, 2, 3, 5)
# Below the first, faces in stills made smaller on purpose; between the last and 1, most stills.
QUALITIES = (0.0, 0.6, 0.8)
# Pictures pooled in an entry. Tracklets hold up to five shots, but of one walk: on footage with
# truth they let as many others pass as two stills do (docs/findings.md).
IN_ENTRY = 2
FEWEST = 10  # comparisons that must reach a threshold for a rate to count as measured
TAIL = 100  # comparisons that the tail is fitted to
DRAWS, FOLDS = 100, 5


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Trial of probes of *photographs* each, with the quality of each entry's best picture."""

    trial: Trial
    photographs: int
    quality: NDArray[Any]  # (g,)

    def of_quality(self, least: float, below: float) -> Trial:
        """Comparisons whose entry has a quality in ``[least, below)``."""
        chosen = (self.quality >= least) & (self.quality < below)
        trial = self.trial
        return Trial(trial.scores[:, chosen], trial.probes, trial.entries[chosen])


def comparisons(
    probes: Samples, entries: Sequence[Samples], *, photographs: int, in_entry: int = IN_ENTRY
) -> Comparisons:
    """Compare each person's first pictures with their later ones, in several versions.

    Parameters
    ----------
    probes : Samples
    entries : sequence of Samples
        The same pictures as they are and made worse; each gives every person an entry. A person
        with too few pictures for both is compared with others only.
    """

    metric = probes.profile.metric
    who, sides = [], []
    for person in np.unique(probes.people):
        rows = np.flatnonzero(probes.people == person)[:photographs]
        if len(rows) == photographs:
            who.append(person)
            sides.append(pool(probes.templates[rows], metric))
    in_probes = probes.about[probes.about["person"].isin(who)].groupby("person").head(photographs)
    used = set(zip(in_probes["person"], in_probes["name"], strict=True))
    of, templates, quality, shared = [], [], [], []
    for version in entries:
        measured, names = version.about["quality"].to_numpy(), version.about["name"].to_numpy()
        for person in np.unique(version.people):
            rows = np.flatnonzero(version.people == person)
            apart = np.array([(person, names[row]) not in used for row in rows])
            chosen = (rows[apart] if apart.any() else rows)[:in_entry]
            of.append(person)
            templates.append(pool(version.templates[chosen], metric))
            quality.append(float(measured[chosen].max()))
            shared.append(not apart.any())
    if not sides or not of:
        raise EvaluationError(
            f"no person has {photographs} pictures with a face",
            where="calibration",
            fix="Give more pictures of each person",
        )
    scores = similarity(np.stack(sides), np.stack(templates), metric).astype(float)
    trial = Trial(scores, np.array(who), np.array(of))
    # Pictures that are on both sides say nothing of how alike two pictures of a person are.
    scores[trial.same & np.array(shared)[None]] = np.nan
    return Comparisons(trial, photographs, np.array(quality))


def calibrate(
    versions: Sequence[Samples],
    *,
    data: str,
    thresholds: NDArray[Any] | None = None,
    photographs: Sequence[int] = PHOTOGRAPHS,
    qualities: Sequence[float] = QUALITIES,
) -> Calibration:
    """Calibrate on pictures as they are (first) and the same made worse.

    Parameters
    ----------
    data : str
        Name of the data, in a few words that people will read beside the threshold.
    thresholds : (t,), optional
        By default from the 80th percentile of scores of different people to the 99.9th of one.

    Raises
    ------
    EvaluationError
        If there are fewer than 20 people with enough pictures.
    """
    made = [comparisons(versions[0], versions, photographs=number) for number in photographs]
    if len(np.unique(made[-1].trial.probes)) < 20:
        raise EvaluationError(
            f"fewer than 20 people have {photographs[-1]} pictures",
            where=data,
            fix="Give more people, or calibrate for fewer photographs",
        )
    if thresholds is None:
        thresholds = _grid(made)
    edges = [*qualities, np.inf]
    curves = []
    for each in made:
        for least, below in pairwise(edges):
            chosen = (each.quality >= least) & (each.quality < below)
            if chosen.sum() >= 20:
                curves.append(
                    _curve(each.of_quality(least, below), thresholds, each.photographs, least)
                )
    digest = hashlib.sha256("".join(one.fingerprint for one in versions).encode())
    return Calibration(
        profile=versions[0].profile.name,
        fingerprint=versions[0].profile.fingerprint,
        data=data,
        data_fingerprint=digest.hexdigest()[:16],
        made=datetime.now(UTC).date(),
        thresholds=tuple(np.round(thresholds, 4).tolist()),
        curves=tuple(curves),
        likelihood_ratio_model=fit_likelihood_ratio(comparison_table(made)),
    )


def _grid(made: Sequence[Comparisons]) -> NDArray[Any]:
    others = np.concatenate([c.trial.scores[~c.trial.same] for c in made])
    own = np.concatenate([c.trial.scores[c.trial.same] for c in made])
    low, high = np.nanquantile(others, 0.8), np.nanquantile(own, 0.999)
    return np.arange(np.floor(low * 50) / 50, max(high, low + 0.2), 0.01)


def _curve(trial: Trial, thresholds: NDArray[Any], photographs: int, quality: float) -> Curve:
    drawn = resampled(len(trial.people), DRAWS)
    false, missed = trial.fmr(thresholds)[0], trial.fnmr(thresholds)[0]
    people = len(np.unique(trial.probes))
    of_false, of_missed = trial.fmr(thresholds, drawn), trial.fnmr(thresholds, drawn)
    both = len(np.unique(trial.probes[(trial.same & ~np.isnan(trial.scores)).any(axis=1)]))
    rates = [interval(float(v), of_false[:, i], people) for i, v in enumerate(false)]
    misses = [
        interval(float(v), of_missed[:, i], both) if np.isfinite(v) else None
        for i, v in enumerate(missed)
    ]
    others = np.sort(trial.scores[~trial.same & np.isfinite(trial.scores)])[::-1]
    low, high = np.array([r.low for r in rates]), np.array([r.high for r in rates])
    _extend(thresholds, false, low, high, others, people)
    return Curve(
        photographs=photographs,
        quality=quality,
        fmr=tuple(false.tolist()),
        fmr_low=tuple(low.tolist()),
        fmr_high=tuple(high.tolist()),
        fmr_dispersion=tuple(_dispersion(trial, thresholds).tolist()),
        fnmr=tuple(1.0 if m is None else m.value for m in misses),
        fnmr_low=tuple(0.0 if m is None else m.low for m in misses),
        fnmr_high=tuple(1.0 if m is None else m.high for m in misses),
        measured_to=float(others[min(FEWEST, len(others)) - 1]),
        people=people,
        comparisons=len(others),
    )


def _extend(
    thresholds: NDArray[Any],
    false: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    others: NDArray[Any],
    people: int,
) -> None:
    """Extrapolate rates in place where too few comparisons reach a threshold: an exponential tail.

    The tail of a bounded score falls faster than exponentially (Coles, "An Introduction to
    Statistical Modeling of Extreme Values", 2001, chapter 4), so this overstates it.
    """
    top = others[: min(TAIL, len(others))]
    begin, excess = float(top[-1]), float((top - top[-1]).mean())
    at = thresholds > others[min(FEWEST, len(others)) - 1]
    if not at.any() or excess <= 0:
        return
    falls = np.exp(-(thresholds[at] - begin) / excess)
    # Uncertainty of the mean excess; comparisons of one person are not independent.
    doubt = 1 + 2 / np.sqrt(min(people, len(top)))
    share = len(top) / len(others)
    false[at] = share * falls
    high[at] = 2 * share * falls ** (1 / doubt)
    low[at] = share / 2 * falls**doubt


def _dispersion(trial: Trial, thresholds: NDArray[Any]) -> NDArray[Any]:
    """Dispersion of the FMR between probes, less the part that chance alone explains."""
    known = ~trial.same & np.isfinite(trial.scores)
    count = known.sum(axis=1)
    spread, last = [], 0.0
    for threshold in thresholds:
        rates = (known & (trial.scores >= threshold)).sum(axis=1) / count
        mean = float(rates.mean())
        if (mean * count.sum()) >= TAIL:
            last = max(0.0, float(rates.var()) / mean**2 - 1 / (mean * float(count.mean())))
        spread.append(last)
    return np.maximum.accumulate(spread)  # what is rarer varies no less


def comparison_table(made: Sequence[Comparisons]) -> pd.DataFrame:
    """Table of comparisons: score, quality, photographs, same, person (of the probe).

    It has all comparisons of one person, and of different people at most ten per probe, drawn.
    """
    generator = np.random.default_rng(0)
    parts = []
    for each in made:
        scores, same = each.trial.scores, each.trial.same
        known = np.isfinite(scores)
        share = 10 / max(1, scores.shape[1])
        keep = known & (same | (generator.random(scores.shape) < share))
        probe, entry = np.nonzero(keep)
        parts.append(
            pd.DataFrame(
                {
                    "score": scores[probe, entry],
                    "quality": each.quality[entry],
                    "photographs": each.photographs,
                    "same": same[probe, entry],
                    "person": each.trial.probes[probe],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def fit_likelihood_ratio(rows: pd.DataFrame) -> LikelihoodRatioModel:
    """Fit the likelihood ratio to a :func:`comparison_table`; its costs by cross-validation."""
    from sklearn.isotonic import IsotonicRegression

    same = rows["same"].to_numpy(bool)
    held = held_out(rows)
    # PAV on the very same scores: what no monotone calibration could better.
    weights = _even(same)
    best = IsotonicRegression(out_of_bounds="clip", y_min=1e-6, y_max=1 - 1e-6)
    shares = best.fit(held, same, sample_weight=weights).predict(held)
    fitted = _logistic(rows)
    slope = fitted.coef_[0]
    return LikelihoodRatioModel(
        intercept=float(fitted.intercept_[0]),
        slope=float(slope[0]),
        by_quality=float(slope[1]),
        by_photographs=float(slope[2]),
        cllr=cllr(held, same),
        cllr_min=cllr(np.log(shares / (1 - shares)), same),
        ece=float(reliability(held, same).attrs["ece"]),
    )


def held_out(rows: pd.DataFrame) -> NDArray[Any]:
    """Log likelihood ratios ``(n,)`` of the rows, each by a fit to other people."""
    from sklearn.model_selection import GroupKFold

    found = np.empty(len(rows))
    folds = GroupKFold(FOLDS).split(rows, groups=rows["person"])
    for fitted_to, left in folds:
        found[left] = _logistic(rows.iloc[fitted_to]).decision_function(_features(rows.iloc[left]))
    return found


def _features(rows: pd.DataFrame) -> NDArray[Any]:
    return np.column_stack([rows["score"], rows["quality"], np.log(rows["photographs"])])


def _logistic(rows: pd.DataFrame) -> Any:
    from sklearn.linear_model import LogisticRegression

    same = rows["same"].to_numpy(bool)
    return LogisticRegression(C=1e4, max_iter=1000).fit(
        _features(rows), same, sample_weight=_even(same)
    )


def _even(same: NDArray[Any]) -> NDArray[Any]:
    """Weights that give both sides the same total."""
    return np.asarray(np.where(same, 0.5 / same.mean(), 0.5 / (1 - same.mean())))


def cllr(log_ratios: NDArray[Any], same: NDArray[Any]) -> float:
    """Cost of log likelihood ratios (natural) in bits, Brümmer and du Preez (2006), equation 11."""
    own, others = log_ratios[same], log_ratios[~same]
    cost = np.logaddexp(0, -own).mean() + np.logaddexp(0, others).mean()
    return float(cost / 2 / np.log(2))


def reliability(log_ratios: NDArray[Any], same: NDArray[Any], *, bins: int = 10) -> pd.DataFrame:
    """Reliability table at even odds: observed share by claimed probability.

    Columns: claimed, was, comparisons. ``attrs["ece"]`` is the expected calibration error: the
    mean distance of the two, weighted (Naeini et al., 2015).
    """
    claimed = 1 / (1 + np.exp(-log_ratios))
    weights = _even(same)
    number = np.minimum((claimed * bins).astype(int), bins - 1)
    rows, error = [], 0.0
    for place in range(bins):
        here = number == place
        if here.any():
            mean = float(np.average(claimed[here], weights=weights[here]))
            was = float(np.average(same[here], weights=weights[here]))
            rows.append((mean, was, int(here.sum())))
            error += abs(mean - was) * float(weights[here].sum() / weights.sum())
    frame = pd.DataFrame(rows, columns=["claimed", "was", "comparisons"])
    frame.attrs["ece"] = error
    return frame
