"""The area of a question, drawn on a map of the cameras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ipyleaflet
import numpy as np
import shapely
from shapely.geometry import mapping

from workbench import district as districts
from workbench.domain import District
from workbench.errors import SightlineError
from workbench.settings import Settings
from workbench.widgets.components import controls
from workbench.widgets.components.bookmarkpicker import BookmarkField
from workbench.widgets.components.cameralayer import INSIDE, OUTSIDE, PICKED, CameraLayer
from workbench.widgets.components.camerapicker import CameraPicker
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
from workbench.widgets.components.placefinder import PlaceFinder
from workbench.widgets.components.scope import ScopeModel
from workbench.widgets.components.uploader import File, Uploader

HEIGHT = 270  # pixels
ACCENT = "#0b4f6c"
DRAWN = {"color": ACCENT, "weight": 3, "fillColor": ACCENT, "fillOpacity": 0.12}
DRAWN_BY_HAND = "Drawn on the map"
CHOSEN = "Cameras chosen one by one"
MOST_NAMES = 12
MOST_BYTES = 8 * 2**20


class DistrictPanel(Panel):
    """Draw polygons and rectangles, choose a named district, or paste GeoJSON."""

    def __init__(self, model: ScopeModel, *, step: int | None = None) -> None:
        self.model = model
        self._drawing = False
        settings = model.installation.settings
        self.draw = ipyleaflet.DrawControl(
            position="topleft",
            polygon={"shapeOptions": DRAWN, "allowIntersection": False},
            rectangle={"shapeOptions": DRAWN},
            polyline={},
            circlemarker={},
            circle={},
            marker={},
        )
        self.draw.observe(self._on_draw, "data")
        self.map = ground_map(
            settings,
            model.longitudes,
            model.latitudes,
            height=HEIGHT,
            say=lambda text: model.say("district", text),
        )
        self.map.add(self.draw)
        self.pointed = markup("", "sl-pointed")
        self.map.add(ipyleaflet.WidgetControl(widget=self.pointed, position="bottomright"))
        self.layer = CameraLayer(
            self.map,
            model.longitudes,
            model.latitudes,
            on_point=self._name_camera,
            on_pick=lambda number: model.pick_camera(model.cameras[number].camera_id),
        )
        self._named = _named(model, settings)
        self.named = controls.Dropdown(
            options=[DRAWN_BY_HAND, *self._named],
            description="Area",
            style={"description_width": "initial"},
            layout={"flex": "0 1 300px", "width": "auto", "min_width": "0"},
        )
        self.named.observe(self._on_choose, "value")
        self.text = controls.Textarea(
            placeholder='{"type": "Polygon", "coordinates": [[[longitude, latitude], …]]}',
            rows=5,
            layout={"width": "100%"},
        )
        self.file = Uploader(
            self._on_upload,
            description="Load a GeoJSON file",
            accept=".geojson,.json",
            most_bytes=MOST_BYTES,
        )
        self.picker = CameraPicker(model, self.layer)
        self.choosing = Foldable("Choose cameras one by one", self.picker)
        self.bookmarks = BookmarkField(model, self._offer_areas)
        self.cameras = markup()
        super().__init__(
            [
                row(
                    heading("District", step=step),
                    self.named,
                    button("Clear", self._clear, label="Remove the district"),
                    PlaceFinder(model, self.map),
                ),
                self.map,
                message(model, "district"),
                self.cameras,
                self.choosing,
                Foldable("Bookmarks", self.bookmarks),
                Foldable(
                    "Paste or load GeoJSON",
                    self.file,
                    self.text,
                    row(button("Use this area", self._paste)),
                ),
                self.layer,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-district")
        model.observe(self._show, ["district", "selected_cameras"])
        self._offer_areas()
        self._show()

    def _on_draw(self, _: object) -> None:
        """Make a district of what is drawn, all of it together."""
        if self._drawing:
            return
        features = [
            {"type": "Feature", "properties": {}, "geometry": feature["geometry"]}
            for feature in self.draw.data
        ]
        self._drawing = True  # the map has it already
        try:
            if features:
                drawn = {"type": "FeatureCollection", "features": features}
                if not self.model.set_district_geojson(drawn, name=DRAWN_BY_HAND):
                    # What the map shows is no district, and the one before is not on it any more.
                    self.model.district = None
            else:
                self.model.set_district(None)
        finally:
            self._drawing = False

    def _name_camera(self, number: int | None) -> None:
        name = "" if number is None else camera_name(self.model.cameras[number])
        self.pointed.value = escaped(name)

    def _offer_areas(self) -> None:
        """Offer the named districts and the bookmarks."""
        bookmarks = {f"Bookmark: {name}": one for name, one in self.bookmarks.kept.items()}
        self._offered = {**self._named, **bookmarks}
        drawing, self._drawing = self._drawing, True
        try:
            self.named.options = [DRAWN_BY_HAND, *self._offered, CHOSEN]
        finally:
            self._drawing = drawing
        self._show()

    def _on_upload(self, files: list[File]) -> None:
        file = files[-1]
        if file.content is None:
            self.model.say("district", f"{file.name}: is larger than {MOST_BYTES // 2**20} MB.")
            return
        try:
            text = districts.decoded(file.content)
        except UnicodeDecodeError:
            self.model.say("district", f"{file.name}: is not a text file. Load GeoJSON.")
            return
        self.model.set_district_geojson(text, drawn=False)

    def _on_choose(self, change: dict[str, Any]) -> None:
        if self._drawing:
            return
        if change["new"] == CHOSEN:
            self.choosing.switch.value = True  # where it is done
            self._show()
            return
        chosen = self._offered.get(change["new"])
        if chosen is None and self.model.district and not self.model.selected_cameras:
            chosen = replace(self.model.district, name=DRAWN_BY_HAND)
        self.model.set_district(chosen)

    def _paste(self) -> None:
        self.model.set_district_geojson(self.text.value, drawn=False)

    def _clear(self) -> None:
        self.model.set_district(None)

    def _show(self, _: object = None) -> None:
        """Show the model's district: its cameras, and its corners unless they were drawn here."""
        marks = np.full(len(self.model.cameras), OUTSIDE, np.uint8)
        marks[self.model.numbers_inside] = PICKED if self.model.selected_cameras else INSIDE
        self.layer.mark(marks)
        self.cameras.value = _inside_text(self.model)
        drawn, self._drawing = self._drawing, True
        try:
            if not drawn:
                self.draw.data = _drawn(self.model)
            names = [name for name, one in self._offered.items() if _same(one, self.model.district)]
            other = CHOSEN if self.model.selected_cameras else DRAWN_BY_HAND
            self.named.value = names[0] if names else other
        finally:
            self._drawing = drawn


def _same(offered: District, chosen: District | None) -> bool:
    """Tell whether a district is the one offered, also after it was written down and read again."""
    if chosen is None or offered is chosen:
        return offered is chosen
    areas = offered.area.normalize(), chosen.area.normalize()
    return offered.name == chosen.name and bool(shapely.equals_exact(*areas, tolerance=1e-9))


def _inside_text(model: ScopeModel) -> str:
    inside = model.cameras_inside
    if model.district is None:
        return (
            f'<p class="sl-hint">{count(len(model.cameras), "camera")} on the map. Draw a polygon '
            "or a rectangle with its tools, choose a district by name, or single cameras.</p>"
        )
    names = ", ".join(escaped(camera_name(camera)) for camera in inside[:MOST_NAMES])
    if len(inside) > MOST_NAMES:
        names += f" and {len(inside) - MOST_NAMES:,} more"
    listed = f": {names}" if inside else ""
    how = "chosen by hand" if model.selected_cameras else "inside"
    return (
        f'<p class="sl-inside" role="status"><strong>{count(len(inside), "camera")}</strong> of '
        f"{len(model.cameras):,} {how}{listed}.</p>"
    )


def _named(model: ScopeModel, settings: Settings) -> dict[str, District]:
    """The districts to choose from: all cameras, and those of the settings' folder, by name."""
    named: dict[str, District] = {}
    if model.cameras:
        everything = model.whole_area()
        named[everything.name] = everything
    for path in sorted(settings.districts.glob("*.geojson")) if settings.districts else []:
        try:
            district = districts.from_file(path)
        except SightlineError as error:
            model.say("district", str(error), also=True)
        else:
            # Two files may give the same name, which then does not tell which is which.
            known = district.name in {*named, DRAWN_BY_HAND, CHOSEN}
            named[f"{district.name} ({path.name})" if known else district.name] = district
    return named


def _drawn(model: ScopeModel) -> list[dict[str, Any]]:
    """The district's polygons one by one, as the drawing tools can change them."""
    if model.district is None or model.selected_cameras:
        return []
    area = model.district.area
    return [
        {
            "type": "Feature",
            "properties": {"style": DRAWN},
            "geometry": _lists(mapping(polygon)),
        }
        for polygon in getattr(area, "geoms", [area])
    ]


def _lists(value: Any) -> Any:
    """Tuples as lists: what the browser sends back, so that equal shapes compare equal."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value
