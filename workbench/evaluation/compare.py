"""Comparison of profiles: error rates, speed and memory side by side."""

from __future__ import annotations

import dataclasses
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from workbench.errors import EvaluationError
from workbench.evaluation.pooling import FusionRule, trial
from workbench.evaluation.protocols import Trial
from workbench.evaluation.samples import Samples, Still, enrol
from workbench.faces.models import load

if TYPE_CHECKING:
    from workbench.domain import Metric, ProgressCallback
    from workbench.faces.models import Models
    from workbench.faces.profiles import Alignment

TIMED = 12  # pictures on which speed is measured


@dataclass(frozen=True, slots=True)
class Combination:
    """A profile, with its metric or alignment replaced where another is named.

    ``profile`` is a name as in :mod:`workbench.faces.profiles`, such as ``yunet+SFace``.
    """

    profile: str
    metric: Metric | None = None
    alignment: Alignment | None = None

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.profile, self.metric, self.alignment)))

    def load(self, *, home: Path) -> Models:
        """Load the models from *home*; raise ModelError where weights are missing."""
        models = load(self.profile, home=home)
        own = models.profile
        profile = dataclasses.replace(
            own,
            name=str(self),
            metric=self.metric or own.metric,
            alignment=self.alignment or own.alignment,
        )
        return models if profile == own else dataclasses.replace(models, profile=profile)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measurements of a combination."""

    combination: Combination
    samples: Samples
    trial: Trial
    milliseconds: float  # per picture, with detection, on this machine
    memory_mib: float  # resident, after loading and first use


def measure(
    combination: Combination,
    stills: Sequence[Still],
    *,
    in_probe: int = 1,
    alone: Sequence[str] = (),
    rule: FusionRule = "mean",
    home: Path,
    cache: Path,
    progress: ProgressCallback | None = None,
) -> Measured:
    """Enrol the stills and compare them; what was enrolled before is taken from the cache.

    *home* is where the weights are, see :func:`workbench.faces.models.load`; *alone* are people
    without an entry in the gallery, for FPIR, see :func:`workbench.evaluation.pooling.trial`.
    """
    models = combination.load(home=home)
    with tempfile.TemporaryDirectory() as fresh:
        enrol(stills[:1], models, cache=Path(fresh))  # what is slow once
        began = time.perf_counter()
        timed = stills[1 : TIMED + 1] or stills[:1]
        enrol(timed, models, cache=Path(fresh) / "again")
        seconds = (time.perf_counter() - began) / len(timed)
    samples = enrol(stills, models, cache=cache, progress=progress)
    return Measured(
        combination,
        samples,
        trial(samples, in_probe=in_probe, alone=alone, rule=rule),
        seconds * 1e3,
        _resident_mib(),
    )


def side_by_side(measured: Sequence[Measured], *, fmr: float = 0.01) -> pd.DataFrame:
    """One row a combination: failures to enrol, EER, FNMR at an FMR and FNIR at FPIR 0.1, cost.

    Rates with 95 % intervals; rates that the data cannot give are left out. Thresholds are each
    combination's own, set on this very data: for comparing combinations, not for a search.
    """
    rows = []
    for one in measured:
        tried = len(one.samples) + len(one.samples.failed)
        equal = one.trial.eer()
        row: dict[str, object] = {
            "combination": str(one.combination),
            "failed to enrol": len(one.samples.failed) / tried,
            "EER": equal.value,
            "EER low": equal.low,
            "EER high": equal.high,
        }
        for name, about in (("FNMR", {"fmr": fmr}), ("FNIR", {"fpir": 0.1})):
            try:
                rate = one.trial.rates_at(one.trial.lowest_score(**about))[name]
            except (EvaluationError, KeyError):  # too few people for that rate
                continue
            row |= {name: rate.value, f"{name} low": rate.low, f"{name} high": rate.high}
        rows.append(row | {"ms a picture": one.milliseconds, "MiB": one.memory_mib})
    return pd.DataFrame(rows)


def _resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
