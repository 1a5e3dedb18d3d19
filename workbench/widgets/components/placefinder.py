"""A field that finds a camera, or a place of the base map, and shows it on the map."""

from __future__ import annotations

from typing import Any

from workbench.domain import natural
from workbench.widgets.components import controls
from workbench.widgets.components.groundmap import named_places
from workbench.widgets.components.parts import camera_name, escaped, markup, row
from workbench.widgets.components.scope import ScopeModel

CLOSE = 16  # zoom at which a street is told from the next


class PlaceFinder(controls.HBox):  # type: ignore[misc]
    """Type part of a name and press Enter: the map goes there."""

    def __init__(self, model: ScopeModel, shown_on: Any) -> None:
        self.model, self.map = model, shown_on
        self._places = named_places(model.installation.settings)
        self.field = controls.Text(
            placeholder="Go to a camera or place",
            tooltip="Go to a camera or place on the map",
            continuous_update=False,
            layout={"width": "214px"},
        )
        self.status = markup()
        super().__init__([row(self.field, self.status)])
        self.field.observe(self._find, "value")

    def _find(self, _: object = None) -> None:
        sought = self.field.value.strip().casefold()
        self.status.value = self._said(sought) if sought else ""

    def _said(self, sought: str) -> str:
        """Go to the best match, and say what it is."""
        cameras = {
            camera_name(camera): (place.latitude, place.longitude)
            for camera in self.model.cameras
            if (place := camera.place) is not None and sought in camera_name(camera).casefold()
        }
        places = {name: at for name, at in self._places.items() if sought in name.casefold()}
        found = {**places, **cameras}
        if not found:
            return '<span role="status" class="sl-warning">Not found</span>'
        # What begins so comes first; of those the shortest, which holds least besides.
        name = min(found, key=lambda one: (
            not one.casefold().startswith(sought), len(one), natural(one)
        ))  # fmt: skip
        self.map.center = found[name]
        self.map.zoom = max(self.map.zoom, CLOSE)
        more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        return f'<span role="status" class="sl-hint">{escaped(name)}{more}</span>'
