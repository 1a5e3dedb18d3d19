"""Map of the area of one case, and of the change of it that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipyleaflet
import numpy as np
import shapely

from workbench.district import to_geojson
from workbench.widgets.components import controls
from workbench.widgets.components.cameralayer import INSIDE, OUTSIDE, CameraLayer
from workbench.widgets.components.groundmap import ground_map
from workbench.widgets.components.parts import escaped, markup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.casework.cases import Case
    from workbench.domain import District
    from workbench.settings import Settings

HEIGHT = 300  # pixels
NOW = {"color": "#0b4f6c", "weight": 3, "fillColor": "#0b4f6c", "fillOpacity": 0.12}
THEN = {"color": "#a3420c", "weight": 3, "dashArray": "8 6", "fillOpacity": 0.04}


class CaseMap(controls.VBox):  # type: ignore[misc]
    """The area of a case on the base map, with the cameras where a gallery is at hand.

    Parameters
    ----------
    settings : Settings
        Which base map is used.
    places : tuple of (n,) float64
        Longitudes and latitudes of the cameras, WGS 84 degrees; empty arrays without a gallery.
    """

    def __init__(
        self, settings: Settings, places: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> None:
        self._settings, self._places = settings, places
        self.wrong, self.legend = markup(), markup()
        self._shown: Case | None = None
        self._drawn_before: list[Any] = []
        super().__init__()
        self.add_class("sl-case-map")

    def show(self, case: Case | None) -> None:
        """Show where a case may be searched, and where its change would have it."""
        if case is None or case == self._shown:
            return
        self._shown = case
        areas = [case.request.district]
        if case.change is not None and case.change.request.district != case.request.district:
            areas.append(case.change.request.district)
        before, self._drawn_before = self._drawn_before, self._drawn(areas)
        self.children = [*self._drawn_before, self.wrong, self.legend]
        for widget in before:
            widget.close()
        words = (
            "" if len(areas) == 1 else "Solid: the area as it is. Dashed: as it is to be changed."
        )
        self.legend.value = f'<p class="sl-hint">{words}</p>' if words else ""

    def _drawn(self, areas: list[District]) -> list[Any]:
        corners = np.vstack([shapely.get_coordinates(area.area) for area in areas])
        made = ground_map(
            self._settings, corners[:, 0], corners[:, 1], height=HEIGHT, say=self._say
        )
        longitudes, latitudes = self._places
        shown = [made]
        if len(longitudes):
            layer = CameraLayer(
                made, longitudes, latitudes, on_point=lambda _: None, on_pick=lambda _: None,
                fitted=corners,
            )  # fmt: skip
            inside = shapely.intersects_xy(areas[-1].area, longitudes, latitudes)
            layer.mark(np.where(inside, INSIDE, OUTSIDE).astype(np.uint8))
            shown.append(layer)
        for area, style in zip(areas, (NOW, THEN), strict=False):
            made.add(ipyleaflet.GeoJSON(data=to_geojson(area), style=style))
        return shown

    def _say(self, text: str) -> None:
        self.wrong.value = f'<p class="sl-hint">{escaped(text)}</p>'
