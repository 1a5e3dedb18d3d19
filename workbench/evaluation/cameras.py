"""Cameras that are worth searching: what a person who passes each of them may expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.calibration import QUALITY_STEPS
from workbench.errors import EvaluationError
from workbench.evaluation import drawing

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.calibration import Calibration

_SHARES = (
    ("found", "searchable, to be found"),
    ("missed", "searchable, to be missed"),
    ("not searchable", "seen, but not searchable"),
)


def by_camera(
    sightings: pd.DataFrame, calibration: Calibration, *, threshold: float, photographs: int
) -> pd.DataFrame:
    """Forecast for each camera how much of a target that passes it a search would find.

    It rests on the quality of the best shots that the camera has given so far, and on the error
    rates of the calibration for such shots: a target is taken to pass as these people did.

    Parameters
    ----------
    sightings : DataFrame
        One row a tracklet: ``camera`` and ``best_quality`` (0 to 1, missing if it cannot be
        searched), as the view ``sightings_view`` of a gallery has them.
    calibration : Calibration
    threshold : float
    photographs : int
        Photographs in the probe.

    Returns
    -------
    DataFrame
        camera, tracklets, quality (median), found, missed, not searchable (shares of the target's
        tracklets; NaN where the calibration has no FNMR), false candidates (to expect of the
        tracklets that there are); the most that is found first.

    Raises
    ------
    EvaluationError
        If the table lacks one of the columns.
    """
    missing = [name for name in ("camera", "best_quality") if name not in sightings]
    if missing:
        raise EvaluationError(
            f"has no column {', '.join(missing)}",
            where="sightings",
            fix="Give the rows of sightings_view",
        )
    rows = []
    for camera, quality in sightings.groupby("camera")["best_quality"]:
        known = quality.dropna().to_numpy(float)
        steps = np.histogram(known, bins=QUALITY_STEPS, range=(0, 1))[0].tolist()
        searchable = len(known) / len(quality)
        missed = (
            calibration.fnmr(threshold, steps, photographs=photographs).rate if len(known) else 0.0
        )
        false = calibration.false_candidates(threshold, steps, photographs=photographs).mean
        rows.append(
            {
                "camera": camera,
                "tracklets": len(quality),
                "quality": float(np.median(known)) if len(known) else np.nan,
                "found": searchable * (1 - missed),
                "missed": searchable * missed,
                "not searchable": 1 - searchable,
                "false candidates": false,
            }
        )
    columns = ["camera", "tracklets", "quality", "found", "missed", "not searchable",
               "false candidates"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["found", "tracklets"], ascending=False, ignore_index=True)


def worth(frame: pd.DataFrame) -> go.Figure:
    """Draw what :func:`by_camera` gives: shares of a target's tracklets, camera by camera.

    Raises EvaluationError if nothing is known of missed sightings: there is nothing to draw.
    """
    if frame["found"].isna().all():
        raise EvaluationError(
            "says nothing of missed sightings",
            where="cameras",
            fix="Take a calibration that was made of several pictures of each person",
        )
    figure = drawing.figure("Share of a target's tracklets", "", hover="closest")
    labels = [
        f"{drawing.text(str(row.camera), limit=32)} ({row.tracklets:,})"
        for row in frame.itertuples()
    ]
    colours = ("#0b4f6c", "#e0a060", "#c9ced4")
    for (column, name), colour in zip(_SHARES, colours, strict=True):
        figure.add_bar(
            x=frame[column], y=labels, name=name, orientation="h", marker={"color": colour},
            hovertext=[f"{label}<br>{name}: {share:.0%}"
                       for label, share in zip(labels, frame[column], strict=True)],
            hoverinfo="text",
        )  # fmt: skip
    figure.update_layout(barmode="stack", height=140 + 30 * max(3, len(frame)))
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    return figure
