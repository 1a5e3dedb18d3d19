"""Forecasts of false candidates against what came, by how near probes lie to strangers.

A mean that holds over all searches can hide that it is wrong for those who look like many. So
searches are told apart by how near the probe lies to people who are not in the gallery, which is
known before the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.calibration import CONFIDENCE, QUALITY_STEPS, FalseCandidateEstimate
from workbench.errors import EvaluationError
from workbench.evaluation.pooling import similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Metric
    from workbench.evaluation.protocols import Trial

NEAREST = 20
"""Strangers whose scores make the nearness of a probe."""
SHARES = {"nearest 5 %": 0.95, "next 15 %": 0.8, "middle 60 %": 0.2, "farthest 20 %": 0.0}
"""Groups of searches, with the share of probes that lie farther from strangers."""


def quality_histogram(quality: Sequence[float] | NDArray[Any]) -> list[int]:
    """Count entries ``(n,)`` by step of quality, as calibrations take them."""
    steps = np.minimum((np.asarray(quality) * QUALITY_STEPS).astype(int), QUALITY_STEPS - 1)
    return [int(number) for number in np.bincount(steps, minlength=QUALITY_STEPS)]


def nearness(probes: NDArray[Any], strangers: NDArray[Any], metric: Metric) -> NDArray[Any]:
    """Nearness ``(p,)`` of probes ``(p, d)`` to strangers ``(s, d)``, who are certainly others.

    The mean of the :data:`NEAREST` best plain scores, whatever scale the search is on.
    """
    scores = similarity(probes, strangers, metric)
    best = np.sort(scores, axis=1)[:, -NEAREST:]
    return np.asarray(best.mean(axis=1))


def interval_score(
    low: NDArray[Any], high: NDArray[Any], got: NDArray[Any], *, confidence: float = CONFIDENCE
) -> NDArray[Any]:
    """Interval score ``(n,)`` of foretold intervals: their width, and a penalty for each miss.

    ``width + 2 / (1 - confidence) · distance outside``: lower is better, and neither a wide
    interval nor a narrow wrong one is rewarded (Gneiting and Raftery, "Strictly proper scoring
    rules, prediction, and estimation", 2007, section 6.2).
    """
    outside = np.maximum(low - got, 0) + np.maximum(got - high, 0)
    return np.asarray(high - low + 2 / (1 - confidence) * outside)


def searches(
    trial: Trial,
    quality: NDArray[Any],
    near: NDArray[Any],
    *,
    threshold: float,
    foretell: Callable[[int, Sequence[int]], FalseCandidateEstimate],
    size: int | None = None,
) -> pd.DataFrame:
    """Search everybody among all others, and compare the false candidates with those foretold.

    Parameters
    ----------
    trial : Trial
    quality : (g,) float
        Quality of each entry.
    near : (p,) float
        How near each probe lies to strangers: see :func:`nearness`.
    threshold : float
    foretell : callable
        Called with the number of the probe and the entries of its gallery by quality (see
        :func:`quality_histogram`); returns what is foretold.
    size : int, optional
        Entries of each gallery, drawn anew for each probe; by default all of others.

    Returns
    -------
    DataFrame
        person, near, compared, told, low, high, got: one row per probe.

    Raises
    ------
    EvaluationError
        If there are fewer entries of others than *size*.
    """
    if size is not None and size > trial.gallery:
        raise EvaluationError(
            f"{trial.gallery:,} entries of others are fewer than {size:,}",
            where="gallery",
            fix="Ask for a smaller gallery, or give more people",
        )
    generator = np.random.default_rng(0)
    rows = []
    for number, person in enumerate(trial.probes):
        others = np.flatnonzero(~trial.same[number] & ~np.isnan(trial.scores[number]))
        others = others if size is None else generator.permutation(others)[:size]
        told = foretell(number, quality_histogram(quality[others]))
        got = int((trial.scores[number, others] >= threshold).sum())
        rows.append((person, near[number], len(others), told.mean, told.low, told.high, got))
    columns = ["person", "near", "compared", "told", "low", "high", "got"]
    return pd.DataFrame(rows, columns=columns)


def by_nearness(made: pd.DataFrame) -> pd.DataFrame:
    """Summarise :func:`searches` by how near their probes lie to strangers, and over all.

    Returns
    -------
    DataFrame
        probes, people, told, low, high, got (means), inside (share of searches whose number lies
        inside the interval), score (mean interval score; see :func:`interval_score`).
    """
    score = interval_score(*(made[name].to_numpy() for name in ("low", "high", "got")))
    inside = (made["got"] >= made["low"]) & (made["got"] <= made["high"])
    whole = made.assign(score=score, inside=inside)
    rank = whole["near"].rank(method="first", pct=True)
    parts, most = [], 1.0
    for name, least in SHARES.items():
        parts.append((name, whole[(rank > least) & (rank <= most)]))
        most = least
    means = ["told", "low", "high", "got", "inside", "score"]
    return pd.DataFrame(
        [
            {"probes": name, "people": part["person"].nunique(), **part[means].mean().to_dict()}
            for name, part in [*parts, ("all", whole)]
        ]
    )
