"""Error rates by group, and where a group is too small for a statement.

Different people are compared inside a group, as in NISTIR 8280: that is where false matches of
whole groups show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.errors import EvaluationError
from workbench.evaluation.protocols import Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_PEOPLE = 30
# Doddington's rule of 30 (ISO/IEC 19795-1:2021, annex B): with 30 errors the true rate lies within
# 30 % of the one that was found, 9 times in 10.
FEWEST_ERRORS = 30


def by_group(
    trial: Trial,
    entries: NDArray[Any],
    *,
    threshold: float,
    probes: NDArray[Any] | None = None,
    draws: int = 300,
) -> pd.DataFrame:
    """FMR and FNMR of each group at a threshold, with 95 % intervals.

    Parameters
    ----------
    trial : Trial
    entries : (g,) str
        The group of each entry: a label of the data, or a property of the picture.
    probes : (p,) str, optional
        The group of each probe, where the groups are of people; then probes meet the entries of
        their own group only. By default all probes meet the entries of each group.

    Returns
    -------
    DataFrame
        group, people, FMR, FMR low, FMR high, FNMR, FNMR low, FNMR high, note; the note warns where
        the sample is too small to say.
    """
    if len(entries) != len(trial.entries) or (
        probes is not None and len(probes) != len(trial.probes)
    ):
        raise EvaluationError(
            "probes, entries and their groups differ in number",
            where="groups",
            fix="Give a label for each; an empty one leaves it out",
        )
    rows = []
    for group in sorted({str(name) for name in entries if str(name)}):
        across = entries == group
        down = np.ones(len(trial.probes), bool) if probes is None else probes == group
        if not down.any():
            continue
        inside = (trial.scores[np.ix_(down, across)], trial.probes[down], trial.entries[across])
        people = len(np.unique(inside[2]))
        if people < 2:
            rows.append({"group": group, "people": people, "note": "too few people to say"})
            continue
        part = Trial(*inside, scale=trial.scale)
        rates = part.rates_at(threshold, draws=draws)
        row: dict[str, Any] = {"group": group, "people": people}
        for name in ("FMR", "FNMR"):
            if name in rates:
                rate = rates[name]
                row |= {name: rate.value, f"{name} low": rate.low, f"{name} high": rate.high}
        known = ~np.isnan(part.scores)
        errors = {
            "FMR": int((known & ~part.same & (part.scores >= threshold)).sum()),
            "FNMR": int((known & part.same & (part.scores < threshold)).sum()),
        }
        few = [name for name, number in errors.items() if name in rates and number < FEWEST_ERRORS]
        row["note"] = (
            "too few people to say"
            if people < FEWEST_PEOPLE
            else f"fewer than {FEWEST_ERRORS} errors ({', '.join(few)}): read the interval"
            if few
            else ""
        )
        rows.append(row)
    return pd.DataFrame(rows)


def thirds(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Divide a property of the picture, such as its sharpness, into low, middle and high third."""
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    words = np.where(values <= low, "low", np.where(values <= high, "middle", "high"))
    return np.array([f"{name}: {word}" for word in words])
