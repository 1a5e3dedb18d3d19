"""Where: the candidates on a map."""

from __future__ import annotations

import base64
from typing import Any

import ipywidgets

from workbench.errors import SightlineError
from workbench.settings import settings
from workbench.widgets.mapframe import MapFrame
from workbench.widgets.model import Investigation
from workbench.widgets.parts import heading, markup, message, row

FILE_NAME = "sightings.html"


class SightingsPanel(ipywidgets.VBox):  # type: ignore[misc]
    """A Folium map of the candidates that are shown, which can be saved as one file."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.map = MapFrame(title="Map of the candidates")
        self.save = markup()
        super().__init__([row(heading("Where"), self.save), message(model, "map"), self.map])
        self.add_class("sl-panel")
        self.add_class("sl-sightings")
        model.observe(self._draw, ["result", "threshold"])
        model.observe(self._point, "selected")
        self.map.observe(self._chosen, "selected")
        self._draw()

    def _point(self, _: object = None) -> None:
        """Have the map point out what is chosen elsewhere; it stays as it is otherwise."""
        self.map.selected = self.model.selected

    def _chosen(self, change: Any) -> None:
        if any(candidate.tracklet_id == change["new"] for candidate in self.model.shown):
            self.model.selected = change["new"]

    def _draw(self, _: object = None) -> None:
        self.layout.display = "none" if self.model.result is None else ""
        if self.model.result is None:
            return
        try:
            page = map_page(self.model)
        except SightlineError as error:
            self.model.say("map", str(error))
        else:
            self.map.page = page
            self.save.value = _link(page)


def map_page(model: Investigation) -> str:
    """The candidates that are shown, as one self-contained HTML page with a map.

    Raises MapError where the base map or the tile server of the settings cannot be used.
    """
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
    """A link that saves the page: the browser has it already, so no server is asked for it."""
    address = f"data:text/html;base64,{base64.b64encode(page.encode()).decode('ascii')}"
    return f'<a class="sl-save" download="{FILE_NAME}" href="{address}">Save the map as a file</a>'
