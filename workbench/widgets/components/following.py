"""Cameras that a person can have reached from one that saw them, on the map and as a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
from traitlets import Float, Instance, Tuple, Unicode, observe

from workbench.casework.watching import watchable_cameras
from workbench.domain import Camera
from workbench.errors import SightlineError
from workbench.maps.reach import SPEEDS, Reached, reachable
from workbench.maps.zones import local_time
from workbench.widgets.components.cameralayer import INSIDE, PICKED, CameraLayer
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.groundmap import ground_map
from workbench.widgets.components.parts import (
    Panel,
    button,
    camera_name,
    count,
    escaped,
    fold,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.tasks import Tasks

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.installation import Installation

FIRST_MINUTES, HEIGHT = 30.0, 260
COLUMNS = ["No.", "Camera", "Distance", "Earliest", "Until"]
BOUND = (
    "The earliest time is a bound: the straight line at this speed. Every way is longer, so they "
    "came later, if they came there at all."
)


class Following(Tasks):
    """View-model of *Follow from here*: cameras that can have been reached within a case.

    Problems are reported in ``messages``, under ``following``.
    """

    case = Unicode(help="reference of the case; empty while no one is followed")
    origin = Instance(Camera, allow_none=True, help="where the person was seen last")
    left_at = Instance(datetime, allow_none=True, help="UTC, of the last sight there")
    kmh = Float(SPEEDS["on foot"], help="speed in a straight line that is hardly exceeded")
    minutes = Float(FIRST_MINUTES, help="how long after the last sight windows end")
    reached = Tuple(help="cameras that can have been reached, each a Reached, the first in front")

    def __init__(self, gallery: Path, *, installation: Installation, zone: ZoneInfo) -> None:
        super().__init__()
        self.gallery, self.installation, self.zone = gallery, installation, zone
        self.cameras: tuple[Camera, ...] = ()

    def start(self, case: str, origin: Camera, left_at: datetime) -> None:
        """Follow from a camera, within the area and the time of a case."""
        self.say("following")
        try:
            self._case = self.installation.register.case(case)
            with self.installation.open_gallery(self.gallery) as gallery:
                self.cameras = watchable_cameras(self._case, gallery)
        except SightlineError as error:
            self.say("following", str(error))
            return
        with self.hold_trait_notifications():
            self.case, self.origin, self.left_at = case, origin, left_at

    def stop(self) -> None:
        """Follow no longer."""
        self.say("following")
        with self.hold_trait_notifications():
            self.case, self.origin, self.left_at, self.reached = "", None, None, ()

    @property
    def until(self) -> datetime | None:
        """End of the windows: so many minutes after the last sight, or that of the case."""
        if self.left_at is None:
            return None
        return min(self.left_at + timedelta(minutes=self.minutes), self._case.request.end)

    @observe("origin", "left_at", "kmh", "minutes")
    def _reach(self, _: object = None) -> None:
        if self.origin is None or self.left_at is None or self.until is None:
            return
        self.say("following")
        try:
            self.reached = reachable(
                self.origin, self.left_at, self.cameras, kmh=self.kmh, until=self.until
            )
        except SightlineError as error:
            self.reached = ()
            self.say("following", str(error))


class FollowPanel(Panel):
    """Speed and time, and the cameras that can have been reached, on the map and as a list.

    Parameters
    ----------
    watch : callable
        Called with a camera and a moment to show its footage.
    search : callable, optional
        Called with cameras, start and end: the scope of the next search.
    """

    def __init__(
        self,
        model: Following,
        *,
        watch: Callable[[Camera, datetime], None],
        search: Callable[[tuple[Camera, ...], datetime, datetime], None] | None = None,
    ) -> None:
        self.model, self._watch, self._search = model, watch, search
        self.words, self.bound = markup(), markup(f'<p class="sl-hint">{BOUND}</p>')
        self.how = ipywidgets.Dropdown(
            options=[(f"{name}, up to {kmh:g} km/h", kmh) for name, kmh in SPEEDS.items()],
            tooltip="How they move",
        )
        self.kmh = ipywidgets.BoundedFloatText(
            model.kmh, min=0.5, max=300, description="km/h", tooltip="Speed in a straight line",
            layout={"width": "150px"},
        )  # fmt: skip
        self.minutes = ipywidgets.BoundedFloatText(
            model.minutes, min=1, max=1440, description="minutes",
            tooltip="How long after the last sight", layout={"width": "150px"},
        )  # fmt: skip
        self.table = Cards(self._choose, table=True, columns=COLUMNS, name="Cameras to look at")
        self.map = ipywidgets.VBox()
        self.scope = button(
            "Search these next", self._take, label="Make them and their time the next question"
        )
        super().__init__(
            [
                row(heading("Follow from here"), self.words, button("Close", model.stop)),
                row(self.how, self.kmh, self.minutes, self.scope),
                message(model, "following"),
                self.bound,
                fold("Map", self.map, shown=True),
                self.table,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-following")
        ipywidgets.link((model, "kmh"), (self.kmh, "value"))
        ipywidgets.link((model, "minutes"), (self.minutes, "value"))
        self.how.observe(lambda change: setattr(model, "kmh", change["new"]), "value")
        model.observe(self._draw, ["reached", "origin", "left_at"])
        self._draw()

    def _choose(self, camera_id: str) -> None:
        for one in self.model.reached:
            if one.camera.camera_id == camera_id:
                self._watch(one.camera, one.earliest)

    def _take(self) -> None:
        left_at, until = self.model.left_at, self.model.until
        if self._search is not None and self.model.reached and left_at and until:
            self._search(tuple(one.camera for one in self.model.reached), left_at, until)

    def _draw(self, _: object = None) -> None:
        model = self.model
        self.layout.display = "none" if model.origin is None else ""
        if model.origin is None or model.left_at is None:
            return
        left = local_time(model.left_at, model.zone, "%d %b %Y, %H:%M:%S")
        found = count(len(model.reached), "camera")
        words = f"{camera_name(model.origin)}, last seen {left}: {found} within the case."
        self.words.value = f'<span role="status">{escaped(words)}</span>'
        offered = self._search is not None and bool(model.reached)
        self.scope.layout.display = "" if offered else "none"
        self.table.items = [
            self._row(number, one) for number, one in enumerate(model.reached, start=1)
        ]
        self._mark(model.origin)

    def _row(self, number: int, one: Reached) -> dict[str, object]:
        zone = self.model.zone
        return {
            "id": one.camera.camera_id,
            "rank": number,
            "does": f"Watch {camera_name(one.camera)}",
            "cells": [
                camera_name(one.camera),
                f"{one.metres:,.0f} m",
                local_time(one.earliest, zone),
                local_time(one.latest, zone),
            ],
        }

    def _mark(self, origin: Camera) -> None:
        """Show on the map which cameras can have been reached, and where from."""
        placed = [one for one in self.model.cameras if one.place is not None]
        places = np.array([one.place for one in placed], float).reshape(-1, 2)
        known = {one.camera.camera_id for one in self.model.reached}
        if not self.map.children:
            drawn = ground_map(
                self.model.installation.settings, places[:, 0], places[:, 1], height=HEIGHT,
                say=lambda words: self.model.say("following", words),
            )  # fmt: skip
            self._points = CameraLayer(
                drawn, places[:, 0], places[:, 1],
                on_point=lambda _: None, on_pick=lambda _: None,
            )  # fmt: skip
            self.map.children = [drawn, self._points]
        else:
            self._points.move(places[:, 0], places[:, 1])
        marks = [
            PICKED if one.camera_id == origin.camera_id else INSIDE * (one.camera_id in known)
            for one in placed
        ]
        self._points.mark(np.array(marks, np.uint8))
