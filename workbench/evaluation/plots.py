"""Figures of error rates and calibrations. Lines differ in dash and marker, not in colour alone."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from workbench.errors import EvaluationError
from workbench.maps.timeline import FONT, GRID, INK

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.calibration import Calibration
    from workbench.evaluation.protocols import Trial

# Wong, "Points of view: color blindness" (Nature Methods 8, 2011), those dark enough for lines on
# white; each with a dash and a marker of its own.
STYLES = (
    ("#0b4f6c", "solid", "circle"),
    ("#a84300", "dash", "square"),
    ("#00654a", "dot", "diamond"),
    ("#8a3a72", "dashdot", "triangle-up"),
    ("#5b4a00", "longdash", "x"),
    ("#3a3a3a", "longdashdot", "cross"),
)
MARKERS = 12  # on a line; more of them hide it
# Shares that the axes of normal deviates are marked with.
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
_LEAST = 0.05  # candidates; where an axis of numbers ends below


def det(
    curves: Mapping[str, pd.DataFrame], *, rates: tuple[str, str] = ("FMR", "FNMR")
) -> go.Figure:
    """Detection error trade-off on axes of normal deviates (Martin et al., 1997).

    Parameters
    ----------
    curves : mapping of name to DataFrame
        As :meth:`Trial.det` and :func:`of_calibration` give them. The band goes from where both
        rates are at the low end of their intervals to where both are at the high end.
    rates : (false, missed)
        ``("FPIR", "FNIR")`` for one-to-many searches.

    Raises
    ------
    EvaluationError
        If a curve lacks one of the rates.
    """
    figure = _figure(*(_TITLES[rate] for rate in rates), hover="closest")
    for (name, frame), style in zip(curves.items(), cycle(STYLES), strict=False):
        for rate in rates:
            if rate not in frame:
                raise EvaluationError(
                    f"there is no {rate}; there are {', '.join(map(str, frame.columns))}",
                    where=f"DET of {name}",
                    fix="Ask for rates that the trial can tell",
                )
        false, missed = (_deviates(frame[rate]) for rate in rates)
        low, high = (
            [_deviates(frame[f"{rate} {end}"]) for rate in rates] for end in ("low", "high")
        )
        hover = [
            f"{_text(name)}<br>threshold {threshold:.2f}<br>{rates[0]} {share(x)}, "
            f"{rates[1]} {share(y)}"
            for threshold, x, y in zip(
                frame["threshold"], frame[rates[0]], frame[rates[1]], strict=True
            )
        ]
        _band(figure, low[0], low[1], high[0], high[1], style[0])
        # Where nothing went wrong there is no deviate: the line ends, and the band tells the rest.
        seen = [(x or None) and y for x, y in zip(frame[rates[0]], frame[rates[1]], strict=True)]
        _line(figure, name, false, _cut(missed, seen), style, hovertext=hover)
    figure.update_xaxes(_deviate_axis([f[rates[0]] for f in curves.values()]))
    figure.update_yaxes(_deviate_axis([f[rates[1]] for f in curves.values()]))
    return figure


def of_calibration(
    calibration: Calibration, *, quality: float | None = None, photographs: int | None = None
) -> dict[str, pd.DataFrame]:
    """A calibration's curves as :func:`det` and :func:`rates` want them, by what they are for.

    *quality* (at which a curve begins) and *photographs* leave those of one kind alone.
    """
    import pandas as pd

    found = {}
    for curve in sorted(calibration.curves, key=lambda c: (c.quality, c.photographs)):
        if quality not in (None, curve.quality) or photographs not in (None, curve.photographs):
            continue
        found[about(curve.photographs, None if quality is not None else curve.quality)] = (
            pd.DataFrame(
                {
                    "threshold": calibration.thresholds,
                    "FMR": curve.false, "FMR low": curve.false_low, "FMR high": curve.false_high,
                    "FNMR": curve.missed, "FNMR low": curve.missed_low,
                    "FNMR high": curve.missed_high,
                }
            )
        )  # fmt: skip
    return found


def rates(
    frame: pd.DataFrame,
    *,
    which: Sequence[str] = ("FPIR", "FNIR"),
    threshold: float | None = None,
) -> go.Figure:
    """Rates with their intervals by threshold; *frame* as :meth:`Trial.det` gives it."""
    figure = _figure("Threshold", "Share")
    for name, style in zip(which, cycle(STYLES), strict=False):
        if name not in frame:
            raise EvaluationError(
                f"there is no {name}; there are {', '.join(map(str, frame.columns))}",
                where="rates by threshold",
                fix="Ask for rates that the trial can tell",
            )
        x = frame["threshold"]
        _band(figure, x, frame[f"{name} low"], x, frame[f"{name} high"], style[0])
        hover = [f"{_TITLES[name]} {share(value)} at {at:.2f}"
                 for at, value in zip(x, frame[name], strict=True)]  # fmt: skip
        _line(figure, _TITLES[name], x, frame[name], style, hovertext=hover)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
    _mark(figure, threshold)
    return figure


def cmc(curves: Mapping[str, NDArray[Any]]) -> go.Figure:
    """Cumulative match characteristic; *curves* as :meth:`Trial.cmc` gives them."""
    figure = _figure("Rank", "Share of mated probes found within it")
    for (name, found), style in zip(curves.items(), cycle(STYLES), strict=False):
        ranks = list(range(1, len(found) + 1))
        hover = [f"{_text(name)}<br>rank {rank}: {value:.1%}"
                 for rank, value in zip(ranks, found, strict=True)]  # fmt: skip
        _line(figure, name, ranks, found, style, hovertext=hover)
    figure.update_xaxes(type="log", tickvals=[1, 2, 5, 10, 20, 50, 100])
    figure.update_yaxes(tickformat=".0%")
    return figure


def histograms(trial: Trial, *, threshold: float | None = None, bins: int = 80) -> go.Figure:
    """How often which score is reached by one person and by two, each side as shares of its own."""
    import numpy as np

    figure = _figure("Score", "Share of the comparisons of its kind")
    known = np.isfinite(trial.scores)
    scores = trial.scores[known]
    edges = np.linspace(scores.min(), scores.max(), bins + 1)
    for name, chosen, style in (
        ("different people", known & ~trial.same, STYLES[1]),
        ("one person", known & trial.same, STYLES[0]),
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
            fill="tozeroy", fillcolor=_pale(style[0]), mode="lines",
            hovertext=hover, hoverinfo="text",
        )  # fmt: skip
    figure.update_yaxes(tickformat=".1%")
    _mark(figure, threshold)
    return figure


def reliability(curves: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Claimed probabilities against what was so, at even odds.

    *curves* as :func:`workbench.evaluation.calibrating.reliability` gives them.
    """
    figure = _figure(
        "Claimed probability that it is one person", "Share that were", hover="closest"
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="as it should be", hoverinfo="skip",
        line={"color": "#5a6570", "width": 1, "dash": "dot"},
    )  # fmt: skip
    for (name, frame), style in zip(curves.items(), cycle(STYLES), strict=False):
        hover = [
            f"{_text(name)}<br>claimed {claimed:.1%}, was {was:.1%} ({number:,} comparisons)"
            for claimed, was, number in frame[["claimed", "was", "comparisons"]].to_numpy()
        ]
        _line(figure, f"{name} (ECE {frame.attrs['ece']:.2%})", frame["claimed"], frame["was"],
              style, hovertext=hover)  # fmt: skip
    figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.03])
    figure.update_yaxes(tickformat=".0%", range=[-0.03, 1.03])
    return figure


def expected_false(
    calibrations: Mapping[str, Calibration],
    tracklets: Mapping[str, Sequence[int]],
    *,
    photographs: int,
    threshold: float | None = None,
) -> go.Figure:
    """False candidates to expect by threshold.

    Parameters
    ----------
    calibrations : mapping of name to Calibration
    tracklets : mapping of name to (QUALITY_STEPS,) int
        Each a line for each calibration; see :meth:`Calibration.expected_false`. The first has its
        band.
    photographs : int
        In the probe.
    """
    figure = _figure("Threshold", "False candidates to expect")
    styles = cycle(STYLES)
    for name, calibration in calibrations.items():
        for place, (scope, numbers) in enumerate(tracklets.items()):
            style = next(styles)
            label = f"{name}, {scope}" if len(calibrations) > 1 else scope
            x = calibration.thresholds
            each = [calibration.expected_false(at, numbers, photographs=photographs) for at in x]
            low = [max(_LEAST, one.low) for one in each]
            high = [max(_LEAST, one.high) for one in each]
            if not place:
                _band(figure, x, low, x, high, style[0])
            hover = [
                f"{_text(label)}<br>{few(one.mean)} ({one.low:,} to {one.high:,}) at {at:.2f}"
                f"{'; beyond what was measured' if one.extrapolated else ''}"
                for at, one in zip(x, each, strict=True)
            ]
            _line(figure, label, x, _cut([e.mean for e in each], [e.mean >= _LEAST for e in each]),
                  style, hovertext=hover)  # fmt: skip
    figure.update_yaxes(type="log", tickvals=[10.0**power for power in range(-1, 7)],
                        ticktext=[few(10.0**power) for power in range(-1, 7)])  # fmt: skip
    _measured(figure, calibrations.values(), photographs)
    _mark(figure, threshold)
    return figure


def missed(
    calibrations: Mapping[str, Calibration],
    *,
    photographs: Sequence[int],
    tracklets: Sequence[int] | None = None,
    threshold: float | None = None,
) -> go.Figure:
    """Share of true sightings below each threshold, with its interval, by photographs."""
    figure = _figure("Threshold", "True sightings missed")
    styles = cycle(STYLES)
    for name, calibration in calibrations.items():
        for number in photographs:
            style, x = next(styles), calibration.thresholds
            label = about(number, None)
            label = f"{name}, {label}" if len(calibrations) > 1 else label
            each = [calibration.missed(at, tracklets, photographs=number) for at in x]
            _band(figure, x, [one.low for one in each], x, [one.high for one in each], style[0])
            hover = [
                f"{_text(label)}<br>{share(one.share)} ({share(one.low)} to {share(one.high)}) "
                f"at {at:.2f}"
                for at, one in zip(x, each, strict=True)
            ]
            _line(figure, label, x, [one.share for one in each], style, hovertext=hover)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
    _mark(figure, threshold)
    return figure


def evidence(
    calibrations: Mapping[str, Calibration],
    *,
    photographs: Sequence[int],
    quality: float,
    threshold: float | None = None,
) -> go.Figure:
    """Likelihood ratio by score: how many times likelier it is for one person than for two."""
    figure = _figure("Score", "Likelihood ratio, one person to two")
    styles = cycle(STYLES)
    for name, calibration in calibrations.items():
        for number in photographs:
            x = calibration.thresholds
            ratios = [
                calibration.evidence.ratio(at, quality=quality, photographs=number) for at in x
            ]
            label = about(number, None)
            label = f"{name}, {label}" if len(calibrations) > 1 else label
            hover = [f"{_text(label)}<br>{times(ratio)} at {at:.2f}"
                     for at, ratio in zip(x, ratios, strict=True)]  # fmt: skip
            _line(figure, label, x, ratios, next(styles), hovertext=hover)
    powers = range(-12, 25, 3)
    figure.update_yaxes(type="log", tickvals=[10.0**power for power in powers],
                        ticktext=["1" if not power else f"1e{power}" for power in powers],
                        range=[-7, 13])  # fmt: skip
    _mark(figure, threshold)
    return figure


def about(photographs: int, quality: float | None) -> str:
    """What a curve is for, in words."""
    words = "1 photograph" if photographs == 1 else f"{photographs} photographs"
    return words if quality is None else f"{words}, shots of quality {quality:g} and better"


def share(value: float) -> str:
    """A share as people read it: ``3%``, ``0.5%``, ``1 in 20,000``."""
    if value <= 0:
        return "0%"
    if value >= 0.0095:
        return f"{value:.0%}" if value < 0.99 or value >= 0.995 else f"{value:.1%}"
    if value >= 0.00095:
        return f"{value:.1%}"
    return f"1 in {float(f'{1 / value:.2g}'):,.0f}"


def few(number: float) -> str:
    """A mean number of things to two digits: ``0.04``, ``3.1``, ``480``, ``12,000``."""
    if number <= 0:
        return "0"
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}" if rounded >= 0.01 else "< 0.01"


def times(ratio: float) -> str:
    """A likelihood ratio in words: ``5,400 times likelier``, ``20 times less likely``."""
    if ratio > 1e9 or ratio < 1e-9:
        return f"more than 1e9 times {'likelier' if ratio > 1 else 'less likely'}"
    by = max(ratio, 1 / ratio)
    return f"{few(by)} times {'likelier' if ratio >= 1 else 'less likely'}"


_TITLES = {
    "FMR": "False match rate (FMR)",
    "FNMR": "False non-match rate (FNMR)",
    "FPIR": "False positive identification rate (FPIR)",
    "FNIR": "False negative identification rate (FNIR)",
}


def _figure(x: str, y: str, *, hover: str = "x") -> go.Figure:
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": INK, "ticks": "outside"}
    return go.Figure(
        layout=go.Layout(
            height=420,
            margin={"l": 12, "r": 16, "t": 34, "b": 12},
            paper_bgcolor="#ffffff",
            plot_bgcolor="#ffffff",
            font={"family": FONT, "size": 13, "color": INK},
            hoverlabel={"bgcolor": "#ffffff", "bordercolor": INK, "align": "left"},
            hovermode=hover,
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            xaxis=axis | {"title": x, "automargin": True},
            yaxis=axis | {"title": y, "automargin": True},
        )
    )


def _line(
    figure: go.Figure, name: str, x: Any, y: Any, style: tuple[str, str, str], **options: Any
) -> None:
    colour, dash, symbol = style
    figure.add_scatter(
        x=x, y=y, name=_text(name), mode="lines+markers", hoverinfo="text",
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 8, "color": colour, "maxdisplayed": MARKERS},
        **options,
    )  # fmt: skip


def _band(figure: go.Figure, x_low: Any, low: Any, x_high: Any, high: Any, colour: str) -> None:
    """The area between two lines, pale."""
    figure.add_scatter(
        x=[*x_low, *[*x_high][::-1]], y=[*low, *[*high][::-1]], fill="toself",
        fillcolor=_pale(colour), line={"width": 0}, mode="lines", hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip


def _mark(figure: go.Figure, threshold: float | None) -> None:
    if threshold is not None:
        figure.add_vline(
            threshold, line={"color": INK, "width": 1.5, "dash": "dash"},
            annotation={"text": f"{threshold:.2f}", "font": {"color": INK}},
        )  # fmt: skip


def _cut(values: Iterable[float], kept: Iterable[object]) -> list[float | None]:
    """Those values that are kept; where one is not, the line has a gap."""
    return [value if keep else None for value, keep in zip(values, kept, strict=True)]


def _measured(figure: go.Figure, calibrations: Any, photographs: int) -> None:
    """Shade where no calibration has been measured."""
    ends = list(_measured_to(calibrations, photographs))
    if ends:
        last = max(c.thresholds[-1] for c in calibrations)
        figure.add_vrect(
            max(ends), max(last, *ends), fillcolor="#8894a0", opacity=0.14, line_width=0,
            annotation={"text": "beyond what was measured", "font": {"color": INK, "size": 12}},
            annotation_position="top right",
        )  # fmt: skip


def _measured_to(calibrations: Any, photographs: int) -> Iterator[float]:
    for calibration in calibrations:
        fitting = max((n for n in calibration.photographs if n <= photographs), default=0)
        yield max(c.measured_to for c in calibration.curves
                  if c.photographs == (fitting or calibration.photographs[0]))  # fmt: skip


def _deviate_axis(shares: Sequence[Any]) -> dict[str, Any]:
    """An axis that begins near the least share that was seen, yet not below one in a million."""
    least = min((value for one in shares for value in one if value > 0), default=1e-3)
    ends = _deviates([max(1e-6, min(1e-3, least)) * 0.8, 0.98])
    return {
        "tickvals": _deviates(_TICKS).tolist(),
        "ticktext": [f"1e{math.log10(tick):.0f}" if tick < 1e-3 else share(tick)
                     for tick in _TICKS],
        "range": ends.tolist(),
    }  # fmt: skip


def _deviates(shares: Any) -> NDArray[Any]:
    import numpy as np
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(np.asarray(shares, float), 1e-9, 1 - 1e-4)))


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def _text(words: str, *, limit: int = 80) -> str:
    """*words* as Plotly shows them unchanged: it reads some HTML in all its texts."""
    return html.escape(words if len(words) <= limit else f"{words[: limit - 1]}…", quote=False)
