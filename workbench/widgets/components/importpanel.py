"""The panel that lists the footage of a folder that has no list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

import ipywidgets
import numpy as np

from workbench.footage.importing import TRUST_LEGEND, ProposedRecording
from workbench.widgets.components import controls
from workbench.widgets.components.cameralayer import INSIDE, CameraLayer
from workbench.widgets.components.groundmap import ground_map
from workbench.widgets.components.importmodel import NEITHER, ImportModel
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    markup,
    message,
    row,
    table,
)
from workbench.widgets.components.tasks import IDLE
from workbench.widgets.components.uploader import Uploader

ROWS = 100  # of each table
MAP_HEIGHT = 320  # pixels
MOST_BYTES = 8 * 2**20
NOTHING: tuple[Any, ...] = ()
_READY = ("File", "Camera", "Start", "Rests on", "How sure", "Why not surer")
_OPEN = ("File", "Camera", "Start", "What is missing")
_REFUSED = ("File or folder", "Why")


class ImportPanel(Panel):
    """Folder and answers, the proposal as tables, cameras on a map, and one button that writes."""

    def __init__(self, model: ImportModel) -> None:
        self.model = model
        wide = {"style": {"description_width": "180px"}, "layout": {"width": "550px"}}
        self.folder = controls.Combobox(description="Folder", **wide)
        self.pattern = controls.Text(
            description="Form of names",
            placeholder="{camera}/{year}-{month}-{day}/{hour}.{minute}",
            **wide,
        )
        self.zone = controls.Combobox(
            description="Zone of the clocks",
            options=sorted(available_timezones()),
            placeholder="Europe/London, UTC or +01:00",
            continuous_update=False,
            **wide,
        )
        self.camera = controls.Text(
            description="Camera if not stated", continuous_update=False, **wide
        )
        self.rate = controls.FloatText(
            description="Pictures per second", continuous_update=False, **wide
        )
        self.prefer = controls.Dropdown(
            options=[("Leave them out", NEITHER), ("Name", "name"), ("Container", "container")],
            description="In a contradiction",
            **wide,
        )
        self.weak = controls.Checkbox(
            description="List recordings with a weak time, too; it stays in doubt until confirmed",
            indent=False,
            layout={"width": "auto"},
        )
        self.overlaps = controls.Checkbox(
            description="List recordings of one camera that overlap, too: two streams of it",
            indent=False,
            layout={"width": "auto"},
        )
        self.look = button("Read folder", model.read)
        self.write = button("Write tables", model.write, style="primary")
        self.summary, self.tables = markup("", "sl-summary"), markup()
        self.placing = PlacingPanel(model)
        super().__init__(
            [
                markup(
                    '<p class="sl-hint">For a folder without cameras.csv and footage.csv: cameras '
                    "and starts from names, folders and the files themselves. What is uncertain "
                    "is shown, and nothing is written until you say so.</p>"
                ),
                row(self.folder, self.look),
                self.pattern,
                message(model, "import"),
                self.summary,
                self.zone,
                message(model, "zone"),
                self.camera,
                self.rate,
                self.prefer,
                self.placing,
                self.tables,
                self.overlaps,
                self.weak,
                row(self.write),
            ]
        )
        self.add_class("sl-import")
        for field, name in (
            (self.folder, "folder"),
            (self.pattern, "pattern"),
            (self.zone, "zone_name"),
            (self.camera, "camera"),
            (self.rate, "frame_rate"),
            (self.prefer, "prefer"),
            (self.weak, "weak_too"),
            (self.overlaps, "overlaps"),
        ):
            ipywidgets.link((model, name), (field, "value"))
        model.observe(self._draw, ["proposal", "written", "state", "progress", "weak_too"])
        model.observe(self._offer, "folders")
        self._draw()

    def _offer(self, _: object = None) -> None:
        # What is read if nothing is written there; a value would take the place of what is.
        self.folder.options = self.model.folders
        self.folder.placeholder = next(iter(self.model.folders), "")

    def _draw(self, _: object = None) -> None:
        model, proposal = self.model, self.model.proposal
        busy = model.state != IDLE
        self.look.disabled = busy
        rows = proposal.recordings if proposal else ()
        weak = sum(one.ready and not one.stated for one in rows)
        shown = {
            self.zone: proposal is not None,
            self.camera: bool(model.camera) or any(not one.camera_from for one in rows),
            self.rate: bool(model.frame_rate)
            or any("pictures per second" in text for one in rows for text in one.lacks),
            self.prefer: bool(model.prefer) or bool(proposal and proposal.contradictions),
            self.weak: weak > 0,
            self.overlaps: bool(proposal and proposal.overlapping),
            self.write: proposal is not None,
        }
        for widget, wanted in shown.items():
            widget.layout.display = "" if wanted else "none"
        chosen = model.chosen
        self.write.disabled = busy or not chosen
        self.write.description = f"Write {count(len(chosen), 'recording')}"
        self.summary.value = f'<div role="status">{_summary(model)}</div>'
        self.tables.value = _tables(rows, model) if proposal else ""


class PlacingPanel(Panel):
    """Cameras without a known place: from a list, by their coordinates, or by a click on the map.

    The map is made when the first of them is there: a page that is only looked at needs none.
    """

    def __init__(self, model: ImportModel) -> None:
        self.model = model
        self.which = controls.Dropdown(
            description="Camera to place",
            style={"description_width": "180px"},
            layout={"width": "550px"},
        )
        self.at = controls.Text(
            description="Latitude, longitude",
            placeholder="51.4779, -0.0015",
            style={"description_width": "180px"},
            layout={"width": "390px"},
        )
        self.set = button("Place", self._place_typed, label="Place the camera at these coordinates")
        self.file = Uploader(
            model.take_list,
            description="Load a list of cameras",
            accept=".csv,.geojson,.json,.kml,.txt",
            most_bytes=MOST_BYTES,
        )
        self.without = controls.Checkbox(
            description="List cameras without a place, too: they lie in no district, and are "
            "searched only under a case that names them",
            indent=False,
            layout={"width": "auto"},
        )
        ipywidgets.link((model, "without_places"), (self.without, "value"))
        self.words = markup()
        self.map: Any = None
        self.layer: Any = None
        super().__init__(())
        self.add_class("sl-import")
        model.observe(self._draw, ["proposal", "places"])

    def _draw(self, _: object = None) -> None:
        proposal = self.model.proposal
        unplaced = proposal.unplaced if proposal else ()
        used = [one.camera_id for one in proposal.cameras] if proposal else []
        if not unplaced and self.map is None:
            self.children = NOTHING
            return
        if self.map is None:
            self._make_map()
        chosen = self.which.value
        options = [*((f"{one} (no place yet)", one) for one in unplaced), *((o, o) for o in used)]
        self.which.options = options
        values = [value for _, value in options]
        # A click places the next one; a camera that has its place is moved only when chosen.
        if chosen in unplaced or (chosen in values and not unplaced):
            self.which.value = chosen
        elif unplaced:
            self.which.value = unplaced[0]
        named = f"{count(len(unplaced), 'camera')} without a known place" if unplaced else ""
        self.words.value = (
            f'<p class="sl-hint" role="status">{escaped(named or "Every camera has its place")}. '
            "Load a list in CSV, GeoJSON or KML, click on the map, or write the coordinates.</p>"
        )
        self._show_cameras()

    def _make_map(self) -> None:
        longitudes, latitudes = self._coordinates()
        self.map = ground_map(
            self.model.installation.settings,
            longitudes,
            latitudes,
            height=MAP_HEIGHT,
            say=lambda text: self.model.say("places", text),
        )
        self.map.on_interaction(self._clicked)
        self.layer = CameraLayer(
            self.map, longitudes, latitudes, on_point=lambda _: None, on_pick=lambda _: None
        )
        self.children = (
            self.words,
            row(self.file),
            message(self.model, "places"),
            self.which,
            row(self.at, self.set),
            self.map,
            self.without,
            self.layer,
        )

    def _coordinates(self) -> tuple[Any, Any]:
        cameras = [one for one in self.model.places.values() if one.place]
        return (
            np.array([one.longitude for one in cameras], np.float64),
            np.array([one.latitude for one in cameras], np.float64),
        )

    def _show_cameras(self) -> None:
        longitudes, latitudes = self._coordinates()
        self.layer.move(longitudes, latitudes)
        self.layer.mark(np.full(len(longitudes), INSIDE, np.uint8))

    def _clicked(self, **event: Any) -> None:
        if event.get("type") == "click" and self.which.value:
            latitude, longitude = event["coordinates"]
            self.model.place(self.which.value, latitude, longitude)

    def _place_typed(self) -> None:
        parts = self.at.value.replace(";", ",").split(",")
        try:
            latitude, longitude = (float(part) for part in parts)
        except ValueError:
            self.model.say(
                "places", "Write latitude and longitude in degrees, such as 51.4779, -0.0015."
            )
            return
        if self.which.value and abs(longitude) <= 180:
            self.model.place(self.which.value, latitude, longitude)
        else:
            self.model.say("places", f"Longitude {longitude:g} is not on Earth.")


def _summary(model: ImportModel) -> str:
    proposal = model.proposal
    if model.state != IDLE:
        done = model.progress
        far = f": {done.done:,} of {count(done.total, 'file')}" if done else ""
        return f"<p>{escaped(model.doing)}{escaped(far)}…</p>"
    if proposal is None:
        return ""
    ready = sum(one.ready for one in proposal.recordings)
    lines = [
        f"{count(ready, 'recording')} ready, {len(proposal.recordings) - ready:,} not ready, "
        f"{count(len(proposal.not_understood), 'file')} not understood, "
        f"{count(proposal.survey.skipped, 'hidden or system file')} passed over."
    ]
    if proposal.listed:
        lines.append(f"{count(proposal.listed, 'recording')} listed in the folder already.")
    if proposal.needs_zone:
        lines.append("Names state local times: choose the time zone of the cameras' clocks.")
    if model.written is not None:
        written = model.written
        lines.insert(
            0,
            f"Written: {count(written.recordings, 'recording')} and "
            f"{count(written.cameras, 'camera')}, in {written.folder}.",
        )
    return "".join(f"<p>{escaped(line)}</p>" for line in lines)


def _tables(rows: Sequence[ProposedRecording], model: ImportModel) -> str:
    ready = [one for one in rows if one.ready]
    others = [one for one in rows if not one.ready]
    refused = model.proposal.not_understood if model.proposal else ()
    parts = [
        _titled(
            "Ready",
            len(ready),
            table(
                _READY,
                [
                    (
                        one.file, one.camera_id, _start(one), one.rests_on, str(one.start.trust),
                        "; ".join(one.remarks),
                    )
                    for one in ready[:ROWS]
                ],
            ),
        ),
        _titled(
            "Not ready",
            len(others),
            table(
                _OPEN,
                [
                    (one.file, one.camera_id, _start(one), "; ".join(one.lacks))
                    for one in others[:ROWS]
                ],
            ),
        ),
        _titled(
            "Not understood",
            len(refused),
            table(_REFUSED, [(one.where, one.what) for one in refused[:ROWS]]),
        ),
    ]  # fmt: skip
    if ready:
        parts.append(f'<p class="sl-hint">{escaped(TRUST_LEGEND)}</p>')
    return "".join(parts)


def _titled(title: str, number: int, page: str) -> str:
    if not number:
        return ""
    more = f" (the first {ROWS} of {number:,})" if number > ROWS else f" ({number:,})"
    return f"<h3>{escaped(title + more)}</h3>{page}"


def _start(one: ProposedRecording) -> str:
    times = " or ".join(f"{at:%Y-%m-%d %H:%M:%S}" for at in one.start.possible)
    return f"{times} UTC" if times else ""
