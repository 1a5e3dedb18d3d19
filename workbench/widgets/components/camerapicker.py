"""Cameras chosen one by one, from a list that is searched or on the map."""

from __future__ import annotations

import ipywidgets

from workbench.domain import Camera
from workbench.widgets.components import controls
from workbench.widgets.components.cameralayer import CameraLayer
from workbench.widgets.components.parts import (
    Panel,
    button,
    camera_name,
    count,
    escaped,
    markup,
    row,
)
from workbench.widgets.components.scope import ScopeModel

MOST_LISTED = 50


class CameraPicker(Panel):
    """Type part of a name, choose among what fits; or switch on choosing with the mouse."""

    def __init__(self, model: ScopeModel, layer: CameraLayer) -> None:
        self.model = model
        self._texts = [camera_name(camera).casefold() for camera in model.cameras]
        self._listed: list[Camera] = []
        self.find = controls.Text(
            placeholder="Part of a name or an id",
            description="Find",
            tooltip="Find cameras by part of their name or id",
            style={"description_width": "36px"},
            layout={"width": "100%"},
        )
        self.list = controls.SelectMultiple(
            rows=5, tooltip="Matching cameras", layout={"width": "100%"}
        )
        self.click = controls.ToggleButton(
            False,
            description="Choose on the map",
            tooltip="Click the map to choose a camera",
            layout={"width": "auto"},
        )
        self.status = markup()
        super().__init__(
            [
                self.find,
                self.list,
                row(
                    button("Add", self._add, label="Add the cameras marked in the list"),
                    button("Remove", self._take_out, label="Remove the cameras marked in the list"),
                    self.click,
                ),
                self.status,
            ]
        )
        ipywidgets.link((self.click, "value"), (layer, "picking"))
        self.find.observe(self._fill, "value")
        model.observe(self._fill, "selected_cameras")
        self._fill()

    def _fill(self, _: object = None) -> None:
        sought, marked = self.find.value.strip().casefold(), set(self.list.value)
        fitting = [i for i, text in enumerate(self._texts) if sought in text]
        self._listed = [self.model.cameras[number] for number in fitting[:MOST_LISTED]]
        picked = set(self.model.selected_cameras)
        self.list.options = [
            (f"{'✓ ' if one.camera_id in picked else ''}{camera_name(one)}", one.camera_id)
            for one in self._listed
        ]
        self.list.value = [one.camera_id for one in self._listed if one.camera_id in marked]
        words = f"{count(len(fitting), 'camera')} {'matches' if len(fitting) == 1 else 'match'}"
        if len(fitting) > MOST_LISTED:
            words += f", the first {MOST_LISTED} are listed"
        self.status.value = f'<p class="sl-hint" role="status">{escaped(words)}.</p>'

    def _add(self) -> None:
        if self.list.value:
            self.model.pick_cameras((*self.model.selected_cameras, *self.list.value))

    def _take_out(self) -> None:
        gone = set(self.list.value)
        if gone & set(self.model.selected_cameras):
            self.model.pick_cameras(
                [name for name in self.model.selected_cameras if name not in gone]
            )
