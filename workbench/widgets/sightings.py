"""Where and when: the candidates on a map and on a timeline."""

from __future__ import annotations

from typing import Any

import ipywidgets

from workbench.settings import settings
from workbench.widgets.mapframe import MapFrame
from workbench.widgets.model import Investigation
from workbench.widgets.parts import heading, markup, row

MAP_HEIGHT = "440px"
FILE_NAME = "sightings.html"


class SightingsPanel(ipywidgets.VBox):  # type: ignore[misc]
    """A Folium map of the candidates and a Plotly timeline; empty until there is a result."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.map = MapFrame(height=MAP_HEIGHT, title="Map of the candidates")
        self.download = markup()
        self.timeline = ipywidgets.VBox()
        super().__init__(
            [
                row(heading("Where"), self.download),
                self.map,
                heading("When"),
                self.timeline,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-sightings")
        model.observe(self._draw, ["result", "threshold"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        result = self.model.result
        self.layout.display = "none" if result is None else ""
        if result is None:
            return
        page = map_page(self.model)
        self.map.page = page
        self.download.value = _link(page)
        old, self.timeline.children = self.timeline.children, [_timeline(self.model)]
        for widget in old:
            widget.close()


def map_page(model: Investigation) -> str:
    """The candidates that are shown, as one self-contained HTML page with a map."""
    from workbench.maps.offline import self_contained_html
    from workbench.maps.sightings import sightings_map

    assert model.result is not None
    here = settings()
    return self_contained_html(
        sightings_map(
            model.shown,
            cameras=model.result.cameras,
            district=model.result.scope.district,
            zone=model.zone,
            base_map=here.base_map,
            tiles=here.tiles,
            tiles_attribution=here.tiles_attribution,
        )
    )


def _link(page: str) -> str:
    """The page as a link that saves it: the browser has it already, no server is asked."""
    import base64

    address = f"data:text/html;base64,{base64.b64encode(page.encode()).decode('ascii')}"
    return f'<a class="sl-download" download="{FILE_NAME}" href="{address}">Save the map</a>'


def _timeline(model: Investigation) -> Any:
    from plotly import graph_objects

    from workbench.maps.timeline import timeline

    assert model.result is not None
    inside = {camera.camera_id for camera in model.result.cameras}
    footage = model.footage[model.footage["camera_id"].isin(inside)]
    figure = timeline(model.shown, zone=model.zone, scope=model.result.scope, coverage=footage)
    return graph_objects.FigureWidget(figure)
