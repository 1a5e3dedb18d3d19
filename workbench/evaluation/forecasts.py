"""Figures of the errors that a search must expect, from calibrations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

from workbench.calibration.words import (
    describe_curve,
    format_count,
    format_likelihood_ratio,
    format_rate,
)
from workbench.evaluation import drawing

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.calibration import Calibration

_LEAST = 0.05  # candidates; where an axis of numbers ends below


def of_calibration(
    calibration: Calibration, *, quality: float | None = None, photographs: int | None = None
) -> dict[str, pd.DataFrame]:
    """Curves of a calibration by description, as :mod:`workbench.evaluation.plots` takes them.

    Curves without an FNMR are left out.

    *quality* (at which a curve begins) and *photographs* select curves of one kind.
    """
    found = {}
    for curve in sorted(calibration.curves, key=lambda c: (c.quality, c.photographs)):
        if quality not in (None, curve.quality) or photographs not in (None, curve.photographs):
            continue
        if not curve.has_fnmr:
            continue
        found[describe_curve(curve.photographs, None if quality is not None else curve.quality)] = (
            pd.DataFrame(
                {
                    "threshold": calibration.thresholds,
                    "FMR": curve.fmr, "FMR low": curve.fmr_low, "FMR high": curve.fmr_high,
                    "FNMR": curve.fnmr, "FNMR low": curve.fnmr_low,
                    "FNMR high": curve.fnmr_high,
                }
            )
        )  # fmt: skip
    return found


def false_candidates(
    calibrations: Mapping[str, Calibration],
    tracklets: Mapping[str, Sequence[int]],
    *,
    photographs: int,
    threshold: float | None = None,
) -> go.Figure:
    """Draw the false candidates to expect by threshold.

    Parameters
    ----------
    calibrations : mapping of name to Calibration
    tracklets : mapping of name to (QUALITY_STEPS,) int
        Each is a line for each calibration; see :meth:`Calibration.false_candidates`. The first
        has its band.
    photographs : int
        Photographs in the probe.
    """
    figure = drawing.figure("Threshold", "False candidates to expect")
    styles = cycle(drawing.STYLES)
    for name, calibration in calibrations.items():
        for place, (scope, numbers) in enumerate(tracklets.items()):
            style = next(styles)
            label = f"{name}, {scope}" if len(calibrations) > 1 else scope
            x = calibration.thresholds
            each = [calibration.false_candidates(at, numbers, photographs=photographs) for at in x]
            low = [max(_LEAST, one.low) for one in each]
            high = [max(_LEAST, one.high) for one in each]
            if not place:
                drawing.band(figure, x, low, x, high, style[0])
            hover = [
                f"{drawing.text(label)}<br>{format_count(one.mean)} ({one.low:,} to {one.high:,}) "
                f"at {at:.2f}"
                f"{'; beyond what was measured' if one.extrapolated else ''}"
                for at, one in zip(x, each, strict=True)
            ]
            mean = drawing.with_gaps([e.mean for e in each], [e.mean >= _LEAST for e in each])
            drawing.line(figure, label, x, mean, style, hovertext=hover)
    figure.update_yaxes(type="log", tickvals=[10.0**power for power in range(-1, 7)],
                        ticktext=[format_count(10.0**power) for power in range(-1, 7)])  # fmt: skip
    _measured(figure, calibrations.values(), photographs)
    drawing.mark(figure, threshold)
    return figure


def fnmr(
    calibrations: Mapping[str, Calibration],
    *,
    photographs: Sequence[int],
    tracklets: Sequence[int] | None = None,
    threshold: float | None = None,
) -> go.Figure:
    """Draw the share of true sightings below each threshold, with its interval, by photographs."""
    figure = drawing.figure("Threshold", "True sightings missed")
    styles = cycle(drawing.STYLES)
    for name, calibration in calibrations.items():
        for number in photographs:
            if not any(curve.has_fnmr for curve in calibration.curves_for(number)):
                continue
            style, x = next(styles), calibration.thresholds
            label = describe_curve(number, None)
            label = f"{name}, {label}" if len(calibrations) > 1 else label
            each = [calibration.fnmr(at, tracklets, photographs=number) for at in x]
            drawing.band(
                figure, x, [one.low for one in each], x, [one.high for one in each], style[0]
            )
            hover = [
                f"{drawing.text(label)}<br>{format_rate(one.rate)} "
                f"({format_rate(one.low)} to {format_rate(one.high)}) at {at:.2f}"
                for at, one in zip(x, each, strict=True)
            ]
            drawing.line(figure, label, x, [one.rate for one in each], style, hovertext=hover)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
    drawing.mark(figure, threshold)
    return figure


def likelihood_ratios(
    calibrations: Mapping[str, Calibration],
    *,
    photographs: Sequence[int],
    quality: float,
    threshold: float | None = None,
) -> go.Figure:
    """Draw the likelihood ratio by score: how much likelier it is for one person than for two."""
    figure = drawing.figure("Score", "Likelihood ratio (same person to different people)")
    styles = cycle(drawing.STYLES)
    for name, calibration in calibrations.items():
        model = calibration.likelihood_ratio_model
        if model is None:
            continue
        for number in photographs:
            x = calibration.thresholds
            ratios = [model.ratio(at, quality=quality, photographs=number) for at in x]
            label = describe_curve(number, None)
            label = f"{name}, {label}" if len(calibrations) > 1 else label
            hover = [f"{drawing.text(label)}<br>{format_likelihood_ratio(ratio)} at {at:.2f}"
                     for at, ratio in zip(x, ratios, strict=True)]  # fmt: skip
            drawing.line(figure, label, x, ratios, next(styles), hovertext=hover)
    powers = range(-12, 25, 3)
    figure.update_yaxes(type="log", tickvals=[10.0**power for power in powers],
                        ticktext=["1" if not power else f"1e{power}" for power in powers],
                        range=[-7, 13])  # fmt: skip
    drawing.mark(figure, threshold)
    return figure


def _measured(figure: go.Figure, calibrations: Collection[Calibration], photographs: int) -> None:
    """Shade the thresholds beyond what was measured."""
    if not calibrations:
        return
    end = max(
        min(curve.measured_to for curve in one.curves_for(photographs)) for one in calibrations
    )
    figure.add_vrect(
        end, max(end, *(one.thresholds[-1] for one in calibrations)), fillcolor="#8894a0",
        opacity=0.14, line_width=0, annotation_position="top right",
        annotation={"text": "beyond what was measured", "font": {"size": 12}},
    )  # fmt: skip
