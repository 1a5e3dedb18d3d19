"""Likelihood ratios of scores, and what they cost people who took no part in fitting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.calibration import LikelihoodRatioModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5


def fit_likelihood_ratio(rows: pd.DataFrame) -> LikelihoodRatioModel:
    """Fit the likelihood ratio to a table of comparisons; its costs by cross-validation.

    *rows* are those of :func:`workbench.evaluation.calibrate.comparison_table`.
    """
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
