"""Style shared by all figures of error rates: lines that differ beyond colour, bands, text."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from workbench.maps.charts import FONT, GRID, INK

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


def figure(x: str, y: str, *, hover: str = "x") -> go.Figure:
    """Make an empty figure with the titles of its axes."""
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


def line(
    figure: go.Figure, name: str, x: Any, y: Any, style: tuple[str, str, str], **options: Any
) -> None:
    """Add a line and its marks in one of STYLES, named in the legend."""
    colour, dash, symbol = style
    figure.add_scatter(
        x=x, y=y, name=text(name), mode="lines+markers", hoverinfo="text",
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 8, "color": colour, "maxdisplayed": MARKERS},
        **options,
    )  # fmt: skip


def band(figure: go.Figure, x_low: Any, low: Any, x_high: Any, high: Any, colour: str) -> None:
    """Add a pale area between two lines."""
    figure.add_scatter(
        x=[*x_low, *[*x_high][::-1]], y=[*low, *[*high][::-1]], fill="toself",
        fillcolor=pale(colour), line={"width": 0}, mode="lines", hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip


def mark(figure: go.Figure, threshold: float | None) -> None:
    """Add a threshold, if given, as a line from top to bottom."""
    if threshold is not None:
        figure.add_vline(
            threshold, line={"color": INK, "width": 1.5, "dash": "dash"},
            annotation={"text": f"{threshold:.2f}", "font": {"color": INK}},
        )  # fmt: skip


def with_gaps(values: Iterable[float], kept: Iterable[object]) -> list[float | None]:
    """Replace values that are not kept by None: the line has a gap there."""
    return [value if keep else None for value, keep in zip(values, kept, strict=True)]


def pale(colour: str) -> str:
    """Return a colour ``#rrggbb`` made transparent."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def text(words: str, *, limit: int = 80) -> str:
    """Escape *words* so that Plotly shows them unchanged: it reads some HTML in all its texts."""
    return html.escape(words if len(words) <= limit else f"{words[: limit - 1]}…", quote=False)
