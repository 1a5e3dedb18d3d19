"""Timeline of candidates by camera, over the footage there is."""

from __future__ import annotations

from typing import Any

from workbench.domain import Scope
from workbench.maps.timeline import timeline
from workbench.widgets.components.parts import Panel, heading, markup
from workbench.widgets.components.plot import Plot
from workbench.widgets.investigate.model import Investigation


class TimelinePanel(Panel):
    """A Plotly timeline: before a search the footage there is, after it the candidates too."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.plot = Plot(self._select)
        self.hint = markup()
        super().__init__([heading("When"), self.hint, self.plot])
        self.add_class("sl-panel")
        self.add_class("sl-timeline")
        model.observe(self._draw, ["result", "threshold", "selected", "district", "start", "end"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        self.plot.draw(drawn(self.model))
        words = (
            "Click a mark to highlight its candidate."
            if self.model.shown
            else "Bars are footage. Where there is none, no one can be found."
        )
        self.hint.value = f'<p class="sl-hint">{words}</p>'

    def _select(self, tracklet_id: Any) -> None:
        self.model.selected = str(tracklet_id)


def drawn(model: Investigation) -> Any:
    """The timeline of the result, or, as long as there is none, of the footage in question."""
    result = model.result
    scope: Scope | None
    if result is not None:
        scope, cameras = result.scope, result.cameras
    else:
        area = model.district or model.whole_area()
        scope = Scope(area, model.start, model.end) if model.start and model.end else None
        cameras = model.cameras_inside or model.cameras
    footage = model.footage
    if len(cameras) < len(model.cameras):
        footage = footage[footage["camera_id"].isin([camera.camera_id for camera in cameras])]
    return timeline(
        None if result is None else model.shown,
        zone=model.zone,
        scope=scope,
        coverage=footage,
        selected=model.selected or None,
    )
