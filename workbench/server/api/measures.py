"""Scores with what people decided, and scores of certainly different people, for data scientists.

Scores and counts only: no template, no picture, and nothing of a review that is not over.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.calibration import calibration_of
from workbench.casework.reviewing.exports import record_table
from workbench.casework.reviewing.reviewlist import is_over, reviewed
from workbench.casework.reviewing.sightings import readable_cases
from workbench.domain import PLAIN_SCALE
from workbench.gallery.frames import different_people
from workbench.server.api.endpoint import Endpoint
from workbench.server.api.problems import NotFound


class Scores(Endpoint):
    """``scores``: scores of the candidates of cases whose review is over, with its outcome."""

    async def get(self) -> None:
        """Send case, tracklet_id, score, scale, outcome, decisions, decided_at; it is on record."""
        await self.send(self._table, heavy=True)

    def _table(self) -> pd.DataFrame:
        register = self.served.installation.register
        register.require("case.read")
        rows = [
            (
                case.reference, item.tracklet_id, float(item.score), item.scale, item.outcome,
                len(item.decisions), max(decision.at for decision in item.decisions),
            )
            for case in readable_cases(register)
            # While one face waits, those who decide on it stay blind to all scores of the case.
            if is_over(register, case)
            for item in reviewed(register, case.reference)
            if item.tracklet_id and item.score is not None and item.outcome != "waiting"
        ]  # fmt: skip
        columns = ["case", "tracklet_id", "score", "scale", "outcome", "decisions", "decided_at"]
        cases = sorted({row[0] for row in rows})
        record_table(register, "scores", cases=cases, rows=len(rows))
        made = pd.DataFrame(rows, columns=columns)
        made["decided_at"] = made["decided_at"].astype("datetime64[us, UTC]")
        return made.astype({"score": float, "decisions": int})


class DifferentPeople(Endpoint):
    """``histograms/different-people``: scores of people who are certainly different, counted."""

    async def get(self) -> None:
        """Send camera_id, scale, quality, score (of a step's beginning), width and comparisons.

        It is on record.
        """
        await self.send(self._table, heavy=True)

    def _table(self) -> pd.DataFrame:
        installation = self.served.installation
        installation.register.require("case.read")
        with self.served.opened() as gallery:
            normaliser = installation.normaliser(gallery.profile)
            scale = normaliser.scale if normaliser else PLAIN_SCALE
            counted = different_people(gallery, scale)
        counted = counted[counted["comparisons"] > 0].assign(scale=scale)
        by = ["camera_id", "scale", "quality", "score", "width"]
        made = counted[[*by, "comparisons"]].groupby(by, as_index=False).sum()
        record_table(installation.register, "different people", cases=(), rows=len(made))
        return made


class CalibrationTable(Endpoint):
    """``calibration``: the error rates that thresholds rest on."""

    async def get(self) -> None:
        """Send FMR and FNMR with their intervals by threshold, photographs and quality."""
        await self.send(self._table)

    def _table(self) -> pd.DataFrame:
        installation = self.served.installation
        installation.register.require("case.read")
        with self.served.opened() as gallery:
            profile = gallery.profile
        found = calibration_of(profile, folder=installation.register.rules.calibrations)
        if found is None:
            raise NotFound(
                "there is no calibration", where=f"profile {profile.name}", fix="Make one first"
            )
        names = ("fmr", "fmr_low", "fmr_high", "fnmr", "fnmr_low", "fnmr_high")
        parts = [
            pd.DataFrame(
                {
                    "photographs": curve.photographs,
                    "quality": curve.quality,
                    "scale": found.scale,
                    "threshold": np.asarray(found.thresholds, float),
                    **{name: np.asarray(getattr(curve, name), float) for name in names},
                }
            )
            for curve in found.curves
        ]
        return pd.concat(parts, ignore_index=True)
