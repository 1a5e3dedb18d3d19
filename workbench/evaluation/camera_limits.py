"""Limits of cameras: the share of people that each kind of bad picture would lose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.domain import Progress
from workbench.evaluation.degradation import Degradation, Kind
from workbench.evaluation.pooling import similarity
from workbench.evaluation.protocols import Trial
from workbench.evaluation.samples import Samples, Still, enrol
from workbench.faces.templates import pool

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.domain import ProgressCallback
    from workbench.faces.models import Models

_AMOUNTS: dict[Kind, tuple[float, ...]] = {
    "size": (96, 64, 48, 32, 24),
    "blur": (2, 4, 8, 12),
    "compression": (50, 20, 10, 5),
    "light": (-2, -3, -4, 1.5),
    "yaw": (15, 30, 45),
}
LADDER = tuple(Degradation(kind, one) for kind, amounts in _AMOUNTS.items() for one in amounts)
"""From hardly worse to hardly useful, for :func:`usefulness`."""


def usefulness(
    probes: Samples,
    stills: Sequence[Still],
    models: Models,
    *,
    threshold: float,
    ladder: Sequence[Degradation] = LADDER,
    in_probe: int = 2,
    normaliser: Normaliser | None = None,
    cache: Path,
    progress: ProgressCallback | None = None,
) -> pd.DataFrame:
    """Measure the share of right people that a camera of each kind would lose at a threshold.

    Parameters
    ----------
    probes : Samples
        Good pictures of the people, of which the first *in_probe* of each are the probe.
    stills : sequence of Still
        One other picture of each person, which is made worse.
    normaliser : Normaliser, optional
        That of the calibration whose threshold it is; by default scores are plain.

    Returns
    -------
    DataFrame
        kind, amount, people, found (share in which a face was found), FNIR, FNIR low, FNIR high
        (a face that is not found counts as missed), FMR, FMR low, FMR high. First row: as they are.
    """

    rows = []
    metric = models.profile.metric
    who = [str(p) for p in np.unique(probes.people) if p in {still.person for still in stills}]
    pooled = np.stack(
        [
            pool(probes.photographs(np.flatnonzero(probes.people == person)[:in_probe]), metric)
            for person in who
        ]
    )
    for number, degraded in enumerate((None, *ladder)):
        made = enrol(stills, models, degraded=degraded, cache=cache)
        lost = [person for person in made.failed["person"] if person in who]
        scores = similarity(pooled, made.templates, metric, normaliser).astype(float)
        # A person whose face was not found is not in the gallery, and cannot be matched.
        scores = np.hstack([scores, np.full((len(who), len(lost)), -np.inf)])
        trial = Trial(scores, np.array(who), np.concatenate([made.people, lost]).astype(str))
        rates = trial.rates_at(threshold)
        row: dict[str, object] = {
            "kind": "as they are" if degraded is None else degraded.kind,
            "amount": None if degraded is None else degraded.amount,
            "people": len(who),
            "found": len(made) / (len(made) + len(made.failed)),
        }
        for name in ("FNIR", "FMR"):
            rate = rates[name]
            row |= {name: rate.value, f"{name} low": rate.low, f"{name} high": rate.high}
        rows.append(row)
        if progress is not None:
            progress(Progress(number + 1, len(ladder) + 1, str(row["kind"])))
    return pd.DataFrame(rows)
