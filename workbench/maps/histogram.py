"""Histograms of footage over time and by camera, so that gaps are seen before a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go

from workbench.domain import Camera, Span
from workbench.maps.charts import FONT, FOOTAGE, FOOTAGE_EDGE, GRID, INK
from workbench.maps.timeline import LocalAxis, _text
from workbench.maps.zones import local_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BINS = 60
MOST_ROWS = 8  # cameras that get a row of their own: those with the least footage
# Seconds of a bin: round by the clock.
STEPS = (1, 5, 10, 30, 60, 300, 600, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
MILLISECOND = timedelta(milliseconds=1)  # in which Plotly counts
GAP, GAP_EDGE = "#ffffff", "#8a4b08"


@dataclass(frozen=True, slots=True, eq=False)
class Occupancy:
    """The times at which the cameras in question have footage.

    ``edges (n + 1,)`` are seconds since 1970; ``cameras (n,)`` how many have footage in each bin;
    ``asked (n,)`` whether any moment of it is asked about. ``rows`` are cameras with the least
    footage first, each with the seconds it has, and its stretches of footage.
    """

    edges: NDArray[np.float64] = field(repr=False)
    cameras: NDArray[np.int64] = field(repr=False)
    asked: NDArray[np.bool_] = field(repr=False)
    gaps: tuple[Span, ...]  # UTC; no camera has footage
    rows: tuple[tuple[Camera, float, tuple[Span, ...]], ...]
    total: int  # cameras


def occupancy(
    recordings: tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]],
    cameras: Sequence[Camera],
    windows: Sequence[Span],
    *,
    chosen: NDArray[np.intp] | None = None,
    most_rows: int = MOST_ROWS,
) -> Occupancy:
    """Count the footage of some cameras in windows of time.

    Parameters
    ----------
    recordings : three arrays (n,)
        Of each the number of its camera in *cameras* (-1 for none of them), its start and its end
        in seconds since 1970.
    windows : sequence of (start, end)
        One at least; in order, none meets another.
    chosen : (m,) int, optional
        The numbers of the cameras that are asked about; by default all.
    """
    camera, begin, end = recordings
    if chosen is None:
        chosen = np.arange(len(cameras))
    place = np.full(len(cameras) + 1, -1)  # the last one for those that are no camera
    place[chosen] = np.arange(len(chosen))
    first, last = windows[0][0].timestamp(), windows[-1][1].timestamp()
    inside = (end > first) & (begin < last) & (place[camera] >= 0)
    camera = place[camera[inside]]
    begin, end = begin[inside].clip(first), end[inside].clip(max=last)

    step = next((s for s in STEPS if (last - first) / s <= MOST_BINS), 0)
    step = step or 86_400 * math.ceil((last - first) / 86_400 / MOST_BINS)
    origin = math.floor(first / step) * step
    edges = np.arange(origin, last + step, step, dtype=np.float64)
    edges = edges[: np.searchsorted(edges, last) + 1]
    low = ((begin - origin) // step).astype(np.int64)
    high = np.maximum(np.ceil((end - origin) / step).astype(np.int64), low + 1)
    met = np.zeros((len(edges) - 1, len(chosen)), bool)
    met[_ranges(low, high), np.repeat(camera, high - low)] = True
    count = met.sum(axis=1)
    asked = np.zeros(len(count), bool)
    for start, stop in windows:
        here = int((start.timestamp() - origin) // step)
        asked[here : math.ceil((stop.timestamp() - origin) / step)] = True

    order = np.argsort(begin, kind="stable")
    seen = np.bincount(camera, weights=end - begin, minlength=len(chosen))
    least = np.lexsort((np.arange(len(chosen)), seen))[:most_rows]
    rows = []
    for number in least:
        of = order[camera[order] == number]
        spans = _joined(begin[of], end[of], (last - first) / 500)
        rows.append((cameras[chosen[number]], float(seen[number]), tuple(map(_span, spans))))
    whole = _joined(begin[order], end[order], 1.0)
    return Occupancy(edges, count, asked, _gaps(whole, windows), tuple(rows), len(chosen))


def histogram(counted: Occupancy, *, zone: ZoneInfo) -> go.Figure:
    """Draw an :class:`Occupancy`: how many cameras have footage when, and some cameras' rows.

    What has no footage is hatched and framed, so that it is recognised without colour.
    """
    span = _span((counted.edges[0], counted.edges[-1]))
    axis = LocalAxis(zone, span)
    starts = [_moment(edge) for edge in counted.edges[:-1]]
    step = (counted.edges[1] - counted.edges[0]) * 1000  # Plotly's milliseconds
    where = [axis.place(start + timedelta(milliseconds=step / 2)) for start in starts]
    top = max(int(counted.cameras.max(initial=0)), 1)
    empty = counted.asked & (counted.cameras == 0)
    figure = go.Figure(layout=_layout(axis, counted, top))
    full = np.flatnonzero(counted.asked & (counted.cameras > 0))
    figure.add_bar(
        name="footage",
        x=[where[n] for n in full],
        y=counted.cameras[full].tolist(),
        width=step,
        marker={"color": FOOTAGE_EDGE, "line": {"color": "#ffffff", "width": 1}},
        hovertext=[
            f"{local_time(starts[n], zone)}<br>{counted.cameras[n]:,} of {counted.total:,} cameras "
            "have footage"
            for n in full
        ],
        hoverinfo="text",
    )
    edge = np.diff(np.r_[False, empty, False].astype(np.int8))
    stretches = [*zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)]
    begins = [_moment(counted.edges[first]) for first, _ in stretches]
    ends = [_moment(counted.edges[last]) for _, last in stretches]
    figure.add_bar(
        name="no footage",
        x=[axis.place(begin + (end - begin) / 2) for begin, end in zip(begins, ends, strict=True)],
        y=[top] * len(stretches),
        width=[(end - begin) / MILLISECOND for begin, end in zip(begins, ends, strict=True)],
        marker=_hatched(),
        hovertext=[
            f"{local_time(begin, zone)}<br>to {local_time(end, zone)}<br>no footage of any camera"
            for begin, end in zip(begins, ends, strict=True)
        ],
        hoverinfo="text",
    )
    _draw_rows(figure, counted, axis)
    return figure


def _draw_rows(figure: go.Figure, counted: Occupancy, axis: LocalAxis) -> None:
    """A row a camera: hatched all along, and over it the stretches with footage."""
    start, end = _span((counted.edges[0], counted.edges[-1]))
    count, common = len(counted.rows), {"orientation": "h", "yaxis": "y2", "showlegend": False}
    figure.add_bar(
        **common,
        y=list(range(count)),
        base=[axis.place(start)] * count,
        x=[(end - start) / MILLISECOND] * count,
        width=0.62,
        marker=_hatched(),
        hoverinfo="skip",
    )
    bars = [(row, one) for row, (_, _, spans) in enumerate(counted.rows) for one in spans]
    figure.add_bar(
        **common,
        y=[row for row, _ in bars],
        base=[axis.place(begin) for _, (begin, _) in bars],
        x=[(stop - begin) / MILLISECOND for _, (begin, stop) in bars],
        width=0.62,
        marker={"color": FOOTAGE, "line": {"color": FOOTAGE_EDGE, "width": 1}},
        hovertext=[
            f"Footage from {local_time(begin, axis.zone)}<br>to {local_time(stop, axis.zone)}"
            for _, (begin, stop) in bars
        ],
        hoverinfo="text",
    )


def _layout(axis: LocalAxis, counted: Occupancy, top: int) -> go.Layout:
    rows = len(counted.rows)
    high, low = 110, 18 * rows
    height = high + low + 100
    share = low / (high + low)
    below = axis.layout()
    if isinstance(title := below.get("title"), dict):  # on two lines: a panel may be narrow
        below["title"] = title | {"text": title["text"].replace(", ", "<br>", 1)}
    return go.Layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 26, "b": 8},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        font={"family": FONT, "size": 12, "color": INK},
        hoverlabel={"bgcolor": "#ffffff", "bordercolor": INK, "align": "left"},
        barmode="overlay",
        bargap=0,
        dragmode="pan",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        xaxis={**below, "anchor": "y2", "tickangle": 0},
        yaxis={
            "domain": [share + 0.04, 1], "range": [0, top * 1.04], "rangemode": "tozero",
            "gridcolor": GRID, "fixedrange": True, "tickformat": ",d",
            "dtick": math.ceil(top / 3), "automargin": True,
        },
        yaxis2={
            "domain": [0, share - 0.02], "tickvals": list(range(rows)),
            "ticktext": [_text(one.name or one.camera_id, limit=18) for one, *_ in counted.rows],
            "range": [rows - 0.4, -0.6], "fixedrange": True, "showgrid": False, "zeroline": False,
            "automargin": True, "ticklabeloverflow": "allow",
        },
    )  # fmt: skip


def _hatched() -> dict[str, object]:
    return {
        "color": GAP,
        "line": {"color": GAP_EDGE, "width": 1},
        "pattern": {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": GAP_EDGE},
    }


def _ranges(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """``low[0], …, high[0] - 1, low[1], …`` one after another."""
    lengths = high - low
    before = np.cumsum(lengths) - lengths
    numbers: NDArray[np.int64] = np.arange(lengths.sum()) - np.repeat(before - low, lengths)
    return numbers


def _joined(
    begin: NDArray[np.float64], end: NDArray[np.float64], tolerance: float
) -> list[tuple[float, float]]:
    """Stretches in order of their beginning, as one where they meet within *tolerance* seconds."""
    if not len(begin):
        return []
    reach = np.maximum.accumulate(end)
    breaks = np.flatnonzero(begin[1:] > reach[:-1] + tolerance)
    first, last = np.r_[0, breaks + 1], np.r_[breaks, len(begin) - 1]
    return list(zip(begin[first].tolist(), reach[last].tolist(), strict=True))


def _gaps(footage: Sequence[tuple[float, float]], windows: Sequence[Span]) -> tuple[Span, ...]:
    """List the parts of windows without any footage; both in order."""
    found, number = [], 0
    for start, stop in windows:
        here, end = start.timestamp(), stop.timestamp()
        while number and footage[number - 1][1] > here:
            number -= 1
        while number < len(footage) and footage[number][0] < end:
            begin, until = footage[number]
            if begin > here:
                found.append((here, begin))
            here = max(here, until)
            number += 1
        if here < end:
            found.append((here, end))
    return tuple(map(_span, found))


def _span(seconds: tuple[float, float]) -> Span:
    return _moment(seconds[0]), _moment(seconds[1])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
