"""Cameras that a person can have reached from one that saw them, on the map and as a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
from traitlets import Float, Instance, Tuple, Unicode, observe

from workbench.casework.watching import watchable_cameras
from workbench.domain import Camera, Span, TimeNote, length_words
from workbench.errors import SightlineError
from workbench.maps.reach import SPEEDS, Reached, reachable
from workbench.maps.route import CAMERA_REACH_METRES
from workbench.maps.zones import local_time
from workbench.widgets.components import controls
from workbench.widgets.components.cameralayer import INSIDE, PICKED, CameraLayer
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.groundmap import ground_map
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    camera_name,
    count,
    escaped,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.tasks import GalleryTasks

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.gallery.times import RecordedPart

FIRST_MINUTES, HEIGHT = 30.0, 260
COLUMNS = ["No.", "Camera", "Distance", "Earliest", "Until", "First footage", "Clock"]
BOUND = (
    "The earliest time is a bound: the straight line at this speed, less the "
    f"{CAMERA_REACH_METRES:g} m at which either camera may see people. Every way is longer, so "
    "they came later, if they came there at all. Times are those of each camera's clock, and "
    "windows are widened by what it and that of the last sight may be off. Where that is not "
    "known, they are not widened by it: the person may be seen earlier or later."
)
NOT_KNOWN = "not known"


class Following(GalleryTasks):
    """View-model of *Follow from here*: cameras that can have been reached within a case.

    Problems are reported in ``messages``, under ``following``.
    """

    case = Unicode(help="reference of the case; empty while no one is followed")
    origin = Instance(Camera, allow_none=True, help="where the person was seen last")
    left_at = Instance(datetime, allow_none=True, help="UTC, of the last sight there")
    time = Instance(TimeNote, allow_none=True, help="what the time of the last sight rests on")
    kmh = Float(SPEEDS["on foot"], help="speed in a straight line that is hardly exceeded")
    minutes = Float(FIRST_MINUTES, help="how long after the last sight windows end")
    reached = Tuple(help="cameras that can have been reached, each a Reached, the first in front")

    cameras: tuple[Camera, ...] = ()
    _recorded: Sequence[RecordedPart] = ()

    def start(self, case: str, origin: Camera, left_at: datetime, time: TimeNote) -> None:
        """Follow from a camera, within the area and the time of a case."""
        self.stop()
        self.case, self.origin, asked = case, origin, self._asked

        def job() -> tuple[Case, tuple[Camera, ...], list[RecordedPart]]:
            known = self.installation.register.case(case)
            known.require_open(fix="People are followed under an open case")
            request = known.request
            with self.installation.open_gallery(self.gallery) as gallery:
                cameras = watchable_cameras(known, gallery)
                names = gallery.recorded_between(cameras, request.start, request.end)
                return known, cameras, gallery.recorded_parts(names)

        def done(found: tuple[Case, tuple[Camera, ...], list[RecordedPart]]) -> None:
            if asked != self._asked:  # something else was asked for meanwhile
                return
            self._case, self.cameras, self._recorded = found
            with self.hold_trait_notifications():
                self.left_at, self.time = left_at, time

        self.do("following", "Looking what the cameras recorded", job, done)

    def stop(self) -> None:
        """Follow no longer."""
        self._asked += 1
        self.say("following")
        with self.hold_trait_notifications():
            self.case, self.origin, self.left_at, self.time = "", None, None, None
            self.reached = ()

    @property
    def until(self) -> datetime | None:
        """End of the windows: so many minutes after the last sight, or that of the case."""
        if self.left_at is None:
            return None
        return min(self.left_at + timedelta(minutes=self.minutes), self._case.request.end)

    @property
    def windows(self) -> Span | None:
        """Beginning of the first window and end of the last, in whole seconds within the case."""
        if not self.reached:
            return None
        request = self._case.request
        since = min(one.earliest for one in self.reached).replace(microsecond=0)
        until = max(one.latest for one in self.reached) + timedelta(seconds=1, microseconds=-1)
        return max(since, request.start), min(until.replace(microsecond=0), request.end)

    @observe("origin", "left_at", "time", "kmh", "minutes")
    def _reach(self, _: object = None) -> None:
        if self.origin is None or self.left_at is None or self.until is None:
            return
        self.say("following")
        if self.origin.place is None:
            self.reached = ()
            where = f"Where {camera_name(self.origin)} stands is not known, so neither is what"
            self.say("following", f"{where} can be reached from there.")
            return
        request = self._case.request
        try:
            self.reached = reachable(
                self.origin,
                self.left_at,
                self.cameras,
                kmh=self.kmh,
                until=self.until,
                within=(request.start, request.end),
                known_to_seconds=self.time.known_to_seconds if self.time else None,
                recorded=self._recorded,
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
        self.taken = markup()
        self.words, self.bound = markup(), markup(f'<p class="sl-hint">{BOUND}</p>')
        self.how = controls.Dropdown(
            options=[
                *((f"{name}, up to {kmh:g} km/h", kmh) for name, kmh in SPEEDS.items()),
                ("at another speed", 0.0),
            ],
            tooltip="How they move",
        )
        self.kmh = controls.BoundedFloatText(
            model.kmh, min=0.5, max=300, description="km/h", tooltip="Speed in a straight line",
            layout={"width": "150px"},
        )  # fmt: skip
        self.minutes = controls.BoundedFloatText(
            model.minutes, min=1, max=1440, description="minutes",
            tooltip="How long after the last sight", layout={"width": "150px"},
        )  # fmt: skip
        self.table = Cards(self._choose, table=True, columns=COLUMNS, name="Cameras to look at")
        self.map = controls.VBox()
        self.fold = Foldable("Map", self.map, shown=True)
        self.scope = button(
            "Search these next", self._take, label="Make them and their time the next question"
        )
        super().__init__(
            [
                row(heading("Follow from here"), self.words, button("Close", model.stop)),
                row(self.how, self.kmh, self.minutes, self.scope),
                self.taken,
                message(model, "following"),
                self.bound,
                self.fold,
                self.table,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-following")
        ipywidgets.link((model, "kmh"), (self.kmh, "value"))
        ipywidgets.link((model, "minutes"), (self.minutes, "value"))
        self.how.observe(self._take_speed, "value")
        model.observe(self._show_speed, "kmh")
        model.observe(self._draw, ["reached", "origin", "left_at", "doing"])
        self._draw()

    def _take_speed(self, change: Any) -> None:
        if change["new"]:
            self.model.kmh = change["new"]

    def _show_speed(self, _: object = None) -> None:
        kmh = self.model.kmh
        self.how.value = kmh if kmh in SPEEDS.values() else 0.0

    def _choose(self, camera_id: str) -> None:
        for one in self.model.reached:
            if one.camera.camera_id == camera_id:
                self._watch(one.camera, one.recorded_from or one.earliest)

    def _take(self) -> None:
        windows = self.model.windows
        if self._search is not None and windows is not None:
            cameras = tuple(one.camera for one in self.model.reached)
            self._search(cameras, *windows)
            start, end = (local_time(moment, self.model.zone) for moment in windows)
            words = f"The next question is about {count(len(cameras), 'camera')}, {start} to {end}."
            self.taken.value = (
                f'<p class="sl-hint" role="status">{escaped(words)} Press Search to ask it.</p>'
            )

    def _draw(self, _: object = None) -> None:
        model, self.taken.value = self.model, ""
        self.layout.display = "none" if model.origin is None else ""
        if model.origin is None:
            return
        self.bound.layout.display = self.fold.layout.display = "" if model.left_at else "none"
        if model.left_at is None:
            words = f"{camera_name(model.origin)}: {model.doing}…" if model.doing else ""
            self.words.value = f'<span role="status">{escaped(words)}</span>'
            self.scope.layout.display, self.table.items = "none", []
            return
        left = local_time(model.left_at, model.zone, "%d %b %Y, %H:%M:%S")
        found = count(len(model.reached), "camera")
        words = f"{camera_name(model.origin)}, last seen {left}: {found} within the case. "
        words += f"Its clock: {_clock(model.time.known_to_seconds if model.time else None)}."
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
                local_time(one.recorded_from, zone) if one.recorded_from else "none then",
                _clock(one.known_to_seconds),
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


def _clock(known_to_seconds: float | None) -> str:
    """Say to what a clock is known."""
    return NOT_KNOWN if known_to_seconds is None else f"± {length_words(known_to_seconds)}"
