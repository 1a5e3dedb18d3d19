"""Figures of error rates with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calibration.words import format_rate
from workbench.errors import EvaluationError
from workbench.evaluation import drawing

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from workbench.evaluation.protocols import Trial

# Ticks of the axes of normal deviates, as rates.
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)


def det(
    curves: Mapping[str, pd.DataFrame], *, rates: tuple[str, str] = ("FMR", "FNMR")
) -> go.Figure:
    """Detection error trade-off on axes of normal deviates (Martin et al., 1997).

    Parameters
    ----------
    curves : mapping of name to DataFrame
        As :meth:`Trial.det` and :func:`workbench.evaluation.forecasts.of_calibration` give them.
        The band goes from where both rates are at the low end of their intervals to where both are
        at the high end. A trial in which no threshold brings both kinds of error has no curve: its
        mark is where both rates are no higher (95 %), and words say so.
    rates : (false, missed)
        ``("FPIR", "FNIR")`` for one-to-many searches.

    Raises
    ------
    EvaluationError
        If a curve lacks one of the rates.
    """
    figure = drawing.figure(*(_TITLES[rate] for rate in rates), hover="closest")
    without: list[str] = []
    for (name, frame), style in zip(curves.items(), cycle(drawing.STYLES), strict=False):
        for rate in rates:
            if rate not in frame:
                raise EvaluationError(
                    f"has no {rate}, only {', '.join(map(str, frame.columns))}",
                    where=f"DET of {name}",
                    fix="Ask for rates that the trial has",
                )
        if not ((frame[rates[0]] > 0) & (frame[rates[1]] > 0)).any():
            without.append(_bound(figure, name, frame, rates, style))
            continue
        false, missed = (_deviates(frame[rate]) for rate in rates)
        low, high = (
            [_deviates(frame[f"{rate} {end}"]) for rate in rates] for end in ("low", "high")
        )
        hover = [
            f"{drawing.text(name)}<br>threshold {threshold:.2f}<br>{rates[0]} {format_rate(x)}, "
            f"{rates[1]} {format_rate(y)}"
            for threshold, x, y in zip(
                frame["threshold"], frame[rates[0]], frame[rates[1]], strict=True
            )
        ]
        drawing.band(figure, low[0], low[1], high[0], high[1], style[0])
        # A rate of 0 has no deviate: the line ends there, and only the band goes on.
        seen = [(x or None) and y for x, y in zip(frame[rates[0]], frame[rates[1]], strict=True)]
        drawing.line(figure, name, false, drawing.with_gaps(missed, seen), style, hovertext=hover)
    figure.update_xaxes(_deviate_axis([f[rates[0]] for f in curves.values()]))
    figure.update_yaxes(_deviate_axis([f[rates[1]] for f in curves.values()]))
    if without:
        figure.add_annotation(
            text="<br>".join(without), xref="paper", yref="paper", x=0.02, y=0.02, align="left",
            xanchor="left", yanchor="bottom", showarrow=False, bgcolor="#ffffff",
        )  # fmt: skip
    return figure


def _bound(
    figure: go.Figure,
    name: str,
    frame: pd.DataFrame,
    rates: tuple[str, str],
    style: tuple[str, str, str],
) -> str:
    """Mark how high both rates may be where no curve can be drawn; return words on it.

    Of the thresholds at which no error was seen, or of all, the one with the least bounds.
    """
    tops = frame[[f"{rate} high" for rate in rates]]
    sums = tops.sum(axis=1).to_numpy(float)
    clean = ~(frame[[*rates]] > 0).any(axis=1).to_numpy()
    best = int(np.where(clean, sums, np.inf if clean.any() else sums).argmin())
    x, y = (float(value) for value in tops.iloc[best])
    none = [rate for rate in rates if not frame[rate].iloc[best] > 0]
    seen = f"no error of {' or '.join(none)}" if none else "no threshold with both errors"
    words = (
        f"{drawing.text(name)}: {seen} at {frame['threshold'].iloc[best]:.2f}, so there is no "
        f"curve.<br>All that this says: {rates[0]} is at most {format_rate(x)}, {rates[1]} at most "
        f"{format_rate(y)} (95 %)."
    )
    figure.add_scatter(
        x=_deviates([x]), y=_deviates([y]), name=f"{drawing.text(name)}, bound",
        mode="markers", hovertext=[words], hoverinfo="text", showlegend=True,
        marker={"symbol": "triangle-sw", "size": 16, "color": style[0]},
    )  # fmt: skip
    return words


def rates(
    frame: pd.DataFrame,
    *,
    which: Sequence[str] = ("FPIR", "FNIR"),
    threshold: float | None = None,
) -> go.Figure:
    """Draw rates with their intervals by threshold; *frame* as :meth:`Trial.det` gives it."""
    figure = drawing.figure("Threshold", "Share")
    for name, style in zip(which, cycle(drawing.STYLES), strict=False):
        if name not in frame:
            raise EvaluationError(
                f"have no {name}, only {', '.join(map(str, frame.columns))}",
                where="rates by threshold",
                fix="Ask for rates that the trial has",
            )
        x = frame["threshold"]
        drawing.band(figure, x, frame[f"{name} low"], x, frame[f"{name} high"], style[0])
        hover = [f"{_TITLES[name]} {format_rate(value)} at {at:.2f}"
                 for at, value in zip(x, frame[name], strict=True)]  # fmt: skip
        drawing.line(figure, _TITLES[name], x, frame[name], style, hovertext=hover)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
    drawing.mark(figure, threshold)
    return figure


def cmc(curves: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw the cumulative match characteristic with its interval, as :meth:`Trial.cmc` has it."""
    figure = drawing.figure("Rank", "Share of mated probes found within it")
    for (name, frame), style in zip(curves.items(), cycle(drawing.STYLES), strict=False):
        hover = [
            f"{drawing.text(name)}<br>rank {row.rank}: {row.found:.1%} "
            f"({row.low:.1%} to {row.high:.1%})"
            for row in frame.itertuples()
        ]
        rank = frame["rank"]
        drawing.band(figure, rank, frame["low"], rank, frame["high"], style[0])
        drawing.line(figure, name, rank, frame["found"], style, hovertext=hover)
    figure.update_xaxes(type="log", tickvals=[1, 2, 5, 10, 20, 50, 100])
    least = min((float(frame["low"].min()) for frame in curves.values()), default=0.0)
    figure.update_yaxes(tickformat=".0%", range=[max(-0.02, least - 0.05), 1.02])
    return figure


def histograms(trial: Trial, *, threshold: float | None = None, bins: int = 80) -> go.Figure:
    """Draw the scores of one person and of two as histograms, each in shares of its own."""
    figure = drawing.figure("Score", "Share of the comparisons of its kind")
    known = np.isfinite(trial.scores)
    scores = trial.scores[known]
    edges = np.linspace(scores.min(), scores.max(), bins + 1)
    for name, chosen, style in (
        ("different people", known & ~trial.same, drawing.STYLES[1]),
        ("same person", known & trial.same, drawing.STYLES[0]),
    ):
        counted = np.histogram(trial.scores[chosen], edges)[0]
        shares = counted / max(1, counted.sum())
        hover = [
            f"{low:.2f} to {high:.2f}: {value:.2%} of {name}"
            for low, high, value in zip(edges[:-1], edges[1:], shares, strict=True)
        ]
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=shares, name=f"{name} ({counted.sum():,})",
            line={"color": style[0], "dash": style[1], "shape": "hvh", "width": 2},
            fill="tozeroy", fillcolor=drawing.pale(style[0]), mode="lines",
            hovertext=hover, hoverinfo="text",
        )  # fmt: skip
    figure.update_yaxes(tickformat=".1%")
    drawing.mark(figure, threshold)
    return figure


def reliability(curves: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw claimed probabilities against observed shares, at even odds.

    *curves* as :func:`workbench.evaluation.calibrate.reliability` gives them.
    """
    figure = drawing.figure(
        "Stated probability of the same person", "Observed share", hover="closest"
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfectly calibrated", hoverinfo="skip",
        line={"color": "#5a6570", "width": 1, "dash": "dot"},
    )  # fmt: skip
    for (name, frame), style in zip(curves.items(), cycle(drawing.STYLES), strict=False):
        hover = [
            f"{drawing.text(name)}<br>stated {claimed:.1%}, observed {was:.1%} "
            f"({number:,} comparisons)"
            for claimed, was, number in frame[["claimed", "was", "comparisons"]].to_numpy()
        ]
        label = f"{name} (ECE {frame.attrs['ece']:.2%})"
        drawing.line(figure, label, frame["claimed"], frame["was"], style, hovertext=hover)
    figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.03])
    figure.update_yaxes(tickformat=".0%", range=[-0.03, 1.03])
    return figure


_TITLES = {
    "FMR": "False match rate (FMR)",
    "FNMR": "False non-match rate (FNMR)",
    "FPIR": "False positive identification rate (FPIR)",
    "FNIR": "False negative identification rate (FNIR)",
}


def _deviate_axis(shares: Sequence[Any]) -> dict[str, Any]:
    """An axis that begins near the least share that was seen, yet not below one in a million."""
    least = min((value for one in shares for value in one if value > 0), default=1e-3)
    ends = _deviates([max(1e-6, min(1e-3, least)) * 0.8, 0.98])
    return {
        "tickvals": _deviates(_TICKS).tolist(),
        "ticktext": [f"1e{math.log10(tick):.0f}" if tick < 1e-3 else format_rate(tick)
                     for tick in _TICKS],
        "range": ends.tolist(),
    }  # fmt: skip


def _deviates(shares: Any) -> NDArray[Any]:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(np.asarray(shares, float), 1e-9, 1 - 1e-4)))
