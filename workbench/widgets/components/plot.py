"""A Plotly figure on the page, which can be replaced and clicked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Dict, Unicode

from workbench.maps.charts import CONFIG

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Plot(anywidget.AnyWidget):
    """Shows a figure, and calls *on_click* with the ``customdata`` of a mark that was clicked.

    Plotly's FigureWidget sends its script of 5 MB with each figure and before the page is drawn,
    and mixes a new figure with the old one. This one sends it once, when the page is at rest.
    """

    _esm = Path(__file__).with_name("plot.js")
    figure = Unicode('{"data": [], "layout": {}}').tag(sync=True)  # as Plotly writes it
    config: Any = Dict(dict(CONFIG)).tag(sync=True)

    def __init__(self, on_click: Callable[[Any], None]) -> None:
        super().__init__()
        self._on_click = on_click
        self.on_msg(self._received)

    def draw(self, figure: Figure) -> None:
        """Show *figure* in place of what is there."""
        self.figure = figure.to_json()

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if message["kind"] == "script":
            from plotly.offline import get_plotlyjs

            self.send({"kind": "script"}, buffers=[get_plotlyjs().encode()])
        else:
            self._on_click(message["customdata"])
