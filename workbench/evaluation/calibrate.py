"""Make a calibration from people with known names; see :mod:`workbench.calibration`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.calibration import (
    TARGET_FMR,
    Calibration,
    Curve,
    Nearness,
    Normaliser,
)
from workbench.errors import EvaluationError
from workbench.evaluation.intervals import interval, resampled
from workbench.evaluation.likelihood import fit_likelihood_ratio
from workbench.evaluation.normalise import (
    FEWEST_PEOPLE,
    PEOPLE_EACH,
    CrossFit,
    cross_fit,
    finds_a_contributor,
    make_normaliser,
)
from workbench.evaluation.pooling import similarity
from workbench.evaluation.protocols import Trial
from workbench.faces.templates import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.evaluation.samples import Samples

PHOTOGRAPHS = (1, 2, 3, 5)
SHOTS = (1, 2)  # best shots in a probe
# Below the first, faces in stills made smaller on purpose; between the last and 1, most stills.
QUALITIES = (0.0, 0.6, 0.8)
# Pictures pooled in an entry. Tracklets hold up to five shots, but of one walk: on footage with
# truth they let as many others pass as two stills do (docs/findings.md).
IN_ENTRY = 2
FEWEST = 10  # comparisons that must reach a threshold for a rate to count as measured
TAIL = 100  # comparisons that the tail is fitted to
DRAWS = 100
STRICT_FMR = 1e-4  # at which plain and normalised scores are compared


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Trial of probes of *photographs* each, with the quality of each entry's best picture.

    ``offsets`` are those of the probes, NaN where scores are plain.
    """

    trial: Trial
    photographs: int
    quality: NDArray[Any] = field(repr=False)  # (g,)
    offsets: NDArray[Any] = field(repr=False)  # (p,)

    def of_quality(self, least: float, below: float) -> Trial:
        """Comparisons whose entry has a quality in ``[least, below)``."""
        chosen = (self.quality >= least) & (self.quality < below)
        trial = self.trial
        return Trial(trial.scores[:, chosen], trial.probes, trial.entries[chosen])


def comparisons(
    probes: Samples,
    entries: Sequence[Samples],
    *,
    photographs: int,
    in_entry: int = IN_ENTRY,
    scale: CrossFit | None = None,
) -> Comparisons:
    """Compare each person's first pictures with their later ones, in several versions.

    Parameters
    ----------
    probes : Samples
    entries : sequence of Samples
        The same pictures as they are and made worse; each gives every person an entry. A person
        with too few pictures for both is compared with others only.
    scale : CrossFit, optional
        Gives the scores; by default they are plain.
    """

    metric = probes.profile.metric
    who, sides = [], []
    for person in np.unique(probes.people):
        rows = np.flatnonzero(probes.people == person)[:photographs]
        if len(rows) == photographs:
            who.append(person)
            sides.append(pool(probes.photographs(rows), metric))
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
    left, right = np.stack(sides), np.stack(templates)
    if scale is None:
        scores, offsets = similarity(left, right, metric).astype(float), np.full(len(who), np.nan)
    else:
        scores, offsets = scale.scores(left, right, who, of)
    trial = Trial(scores, np.array(who), np.array(of))
    # Pictures that are on both sides say nothing of how alike two pictures of a person are.
    scores[trial.same & np.array(shared)[None]] = np.nan
    return Comparisons(trial, photographs, np.array(quality), offsets)


def calibrate(
    versions: Sequence[Samples],
    *,
    data: str,
    licence: str = "not stated",
    normalise: bool = True,
    normaliser: Normaliser | None = None,
    thresholds: NDArray[Any] | None = None,
    photographs: Sequence[int] = PHOTOGRAPHS,
    qualities: Sequence[float] = QUALITIES,
) -> Calibration:
    """Calibrate on pictures as they are (first) and the same made worse.

    Scores are normalised where a normaliser is given, or where there are at least
    :data:`workbench.evaluation.normalise.FEWEST_PEOPLE` people to make one of and it misses fewer
    at strict thresholds; else they are plain. No one is measured with centroids made of their own
    pictures.

    Parameters
    ----------
    data, licence : str
        Name of the data, in a few words that people will read beside the threshold, and the
        licence of the pictures.
    normalise : bool
        False to leave scores plain whatever normalising gains, to measure that.
    normaliser : Normaliser, optional
        One that was made of other people, to keep its scale.
    thresholds : (t,), optional
        By default from the 80th percentile of scores of different people to the 99.9th of one.

    Raises
    ------
    EvaluationError
        If there are fewer than 20 people with enough pictures, or any centroids find one of the
        people whom they were made from.
    """
    scale = CrossFit({}, (normaliser,)) if normaliser is not None else None
    people = len(np.unique(versions[0].people))
    if normalise and normaliser is None and people >= FEWEST_PEOPLE:
        found = _normalised(versions, data=data, licence=licence)
        normaliser, scale = found or (None, None)
    made = [
        comparisons(versions[0], versions, photographs=number, scale=scale)
        for number in photographs
    ]
    if len(np.unique(made[-1].trial.probes)) < 20:
        raise EvaluationError(
            f"fewer than 20 people have {photographs[-1]} pictures",
            where=data,
            fix="Give more people, or calibrate for fewer photographs",
        )
    if thresholds is None:
        thresholds = _grid(made, 0.01 if normaliser is None else 0.1)
    curves, nearness = _measured(made, thresholds, qualities)
    shots = _shots(versions, scale)
    shot_curves, shot_nearness = _measured(shots, thresholds, qualities)
    digest = hashlib.sha256("".join(one.fingerprint for one in versions).encode())
    return Calibration(
        profile=versions[0].profile.name,
        fingerprint=versions[0].profile.fingerprint,
        data=data,
        data_fingerprint=digest.hexdigest()[:16],
        made=datetime.now(UTC).date(),
        thresholds=tuple(np.round(thresholds, 4).tolist()),
        curves=curves,
        likelihood_ratio_model=fit_likelihood_ratio(comparison_table(made)),
        normaliser=normaliser,
        nearness=nearness,
        shot_curves=shot_curves,
        shot_nearness=shot_nearness,
    )


def _shots(versions: Sequence[Samples], scale: CrossFit | None) -> list[Comparisons]:
    """Compare pictures as small as faces in footage, and not mirrored: probes of best shots."""
    if len(versions) < 2:
        return []
    middle = versions[len(versions) // 2]
    probes = replace(middle, mirrored=middle.templates)
    count = probes.about["person"].value_counts()
    return [
        comparisons(probes, versions, photographs=number, scale=scale)
        for number in SHOTS
        if (count >= number).sum() >= 20
    ]


def _measured(
    made: Sequence[Comparisons], thresholds: NDArray[Any], qualities: Sequence[float]
) -> tuple[tuple[Curve, ...], tuple[Nearness, ...]]:
    """Curves by number of pictures in a probe and by quality, and how they depend on the probe."""
    curves, nearness = [], []
    for each in made:
        near = _nearness(each) if np.isfinite(each.offsets).all() else None
        nearness += [near] if near is not None else []
        factors = np.array([near.factor(o) if near else 1.0 for o in each.offsets])
        for least, below in pairwise([*qualities, np.inf]):
            chosen = (each.quality >= least) & (each.quality < below)
            if chosen.sum() >= 20:
                of_quality = each.of_quality(least, below)
                curves.append(_curve(of_quality, thresholds, each.photographs, least, factors))
    return tuple(curves), tuple(nearness)


def _normalised(
    versions: Sequence[Samples], *, data: str, licence: str
) -> tuple[Normaliser, CrossFit] | None:
    """The normaliser whose centroids are each of the fewest people and find none of them.

    None where plain scores miss fewer: networks that were trained with a margin between people are
    little troubled by those who look like many.
    """
    native = versions[0]
    plain = comparisons(native, [native], photographs=1).trial
    for people_each in PEOPLE_EACH:
        crossed = cross_fit(native, people_each=people_each)
        alone = comparisons(native, [native], photographs=1, scale=crossed).trial
        if _missed(alone) >= _missed(plain):
            return None
        strangers = alone.scores[~alone.same & np.isfinite(alone.scores)]
        mean, deviation = float(strangers.mean()), float(strangers.std())
        normaliser = make_normaliser(
            native, native.people.tolist(), people_each=people_each, source=data, licence=licence,
            mean=mean, deviation=deviation,
        )  # fmt: skip
        crossed = crossed.with_scale(mean, deviation)
        trial = comparisons(native, versions, photographs=1, scale=crossed).trial
        if not finds_a_contributor(normaliser, native, trial.lowest_score(fmr=TARGET_FMR)):
            return normaliser, crossed
    raise EvaluationError(
        "centroids find people whom they were made from",
        where=data,
        fix="Give pictures of more people",
    )


def _missed(trial: Trial) -> float:
    return float(trial.fnmr(np.array([trial.lowest_score(fmr=STRICT_FMR)]))[0, 0])


def _nearness(made: Comparisons) -> Nearness | None:
    """How the FMR depends on the probe's offset, at the default threshold."""
    from sklearn.linear_model import PoissonRegressor

    trial = made.trial
    known = ~trial.same & np.isfinite(trial.scores)
    count = known.sum(axis=1)
    false = (known & (trial.scores >= trial.lowest_score(fmr=TARGET_FMR))).sum(axis=1)
    mean, deviation = float(made.offsets.mean()), float(made.offsets.std())
    if false.sum() < TAIL or deviation <= 0:
        return None
    place = np.clip((made.offsets - mean) / deviation, -3, 3)
    fitted = PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=1000).fit(
        place[:, None], false / count, sample_weight=count
    )
    slope = float(fitted.coef_[0])
    expected = count * fitted.predict(place[:, None])
    # People differ by more than chance, so the error is that of a quasi-Poisson regression.
    spread = ((false - expected) ** 2 / expected).sum() / (len(false) - 2)
    if abs(slope) < 1.96 * np.sqrt(spread / (expected * place**2).sum()):
        slope = 0.0  # an offset says nothing of false matches, as far as was measured
    return Nearness(
        photographs=made.photographs,
        offsets=tuple(np.quantile(made.offsets, np.linspace(0, 1, 21)).tolist()),
        mean=mean,
        deviation=deviation,
        slope=slope,
        intercept=-float(np.log(np.average(np.exp(slope * place), weights=count))),
    )


def _grid(made: Sequence[Comparisons], step: float) -> NDArray[Any]:
    others = np.concatenate([c.trial.scores[~c.trial.same] for c in made])
    own = np.concatenate([c.trial.scores[c.trial.same] for c in made])
    low, high = np.nanquantile(others, 0.8), np.nanquantile(own, 0.999)
    return np.arange(np.floor(low / step / 2) * step * 2, max(high, low + 20 * step), step)


def _curve(
    trial: Trial,
    thresholds: NDArray[Any],
    photographs: int,
    quality: float,
    factors: NDArray[Any],
) -> Curve:
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
        fmr_dispersion=tuple(_dispersion(trial, thresholds, factors).tolist()),
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


def _dispersion(trial: Trial, thresholds: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Dispersion of the FMR between probes beyond their *factors* ``(p,)`` and chance."""
    known = ~trial.same & np.isfinite(trial.scores)
    share = known.sum(axis=1) * factors
    spread, last = [], 0.0
    for threshold in thresholds:
        false = (known & (trial.scores >= threshold)).sum(axis=1)
        if false.sum() >= TAIL:
            expected = share * (false.sum() / share.sum())
            left = ((false - expected) ** 2 - expected).sum()
            last = max(0.0, float(left / (expected**2).sum()))
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
