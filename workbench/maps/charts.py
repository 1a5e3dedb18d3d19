"""Look of all charts, and the defaults of Plotly that keep each of them here.

Plotly's own buttons would upload a chart to a service of its makers, or link to them. A chart
shows where and when somebody was seen, so none of these buttons is on any chart: not on a page, not
in a notebook, not in a file that was saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import plotly.io
from plotly.io.base_renderers import PlotlyRenderer

from workbench.style import BEFORE_CHARTS

INK, ACCENT, GRID, WARNING = "#1d2733", "#7a1f5c", "#e6e9ec", "#b3261e"
FOOTAGE, FOOTAGE_EDGE = "#d5e2ee", "#6f93b3"
FONT = 'system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif'

# Beside the upload, tools that choose marks in a way that nothing here answers.
REMOVED = ("sendChartToCloud", "lasso2d", "select2d", "autoScale2d")
CONFIG: Mapping[str, object] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": list(REMOVED),
}
TEMPLATE = "sightline"


class Renderer(PlotlyRenderer):  # type: ignore[misc]
    """Shows a chart in a notebook, once the page has its style sheet."""

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, Any]:
        """Return the chart as a notebook takes it."""
        for call in BEFORE_CHARTS:
            call()
        bundle: dict[str, Any] = super().to_mimebundle(fig_dict)
        return bundle


def set_defaults() -> None:
    """Make Plotly draw every chart of this process, whoever makes it, without these buttons."""
    if TEMPLATE in plotly.io.templates:
        return
    # In the template, and so in the chart: whatever shows it, or keeps it in a file, obeys. It is
    # merged here, once: two names with a plus would be merged for every chart.
    removed = go.layout.Template(layout={"modebar": {"remove": list(REMOVED)}})
    merge = plotly.io.templates.merge_templates
    plotly.io.templates[TEMPLATE] = merge(plotly.io.templates.default, removed)
    plotly.io.templates.default = TEMPLATE
    for name in plotly.io.renderers:
        renderer = plotly.io.renderers[name]
        if type(renderer) is PlotlyRenderer:
            renderer = plotly.io.renderers[name] = Renderer()
        if hasattr(renderer, "config"):
            renderer.config = {**(renderer.config or {}), **CONFIG}
    plotly.io.renderers.default = plotly.io.renderers.default  # which it looks up once


set_defaults()
