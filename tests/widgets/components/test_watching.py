"""Footage that is watched on a page: coarse, sharp for a reason, on record before it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import shapely

from workbench.casework.viewing import viewings
from workbench.district import from_shapes
from workbench.domain import Scope
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components.following import Following
from workbench.widgets.components.watching import COARSE, SHARP, Watching, WatchPanel

SEEN = datetime(2026, 3, 29, 2, 18, tzinfo=UTC)  # at CAM-003
HOUR = timedelta(hours=1)


def test_footage_is_watched_on_record(fresh_home: Path, small_town: Path) -> None:
    here = Installation.open()
    with here.open_gallery(small_town) as gallery:
        cameras = {one.camera_id: one for one in gallery.cameras()}
        began = gallery.footage([cameras["CAM-003"]])["started_at"].iloc[0].to_pydatetime()
    area = from_shapes([shapely.box(-1, 51, 1, 52)], name="Around")
    here.register.train("T-1", Scope(area, began - HOUR, began + HOUR))
    model = Watching(small_town, installation=here, zone=UTC_ZONE)
    panel = WatchPanel(model)
    assert panel.layout.display == "none"
    model.open("T-1", cameras["CAM-003"], began)
    assert not model.messages
    (view,) = model.views  # no other camera recorded then
    assert view.film[4:8] == b"ftyp"
    assert len(panel.player.films) == 1
    assert COARSE in panel.hint.value
    model.sharpen(" ")
    assert "Write the reason" in model.messages["watching"]
    model.sharpen("Colour of the coat")
    assert SHARP in panel.hint.value
    panel._received(None, {"go": -1, "at": 3.0, "plays": False}, None)
    assert panel.player.at == 3.0
    assert model.moment == began - timedelta(seconds=10)
    assert "recorded nothing then" in model.messages["watching"]
    seen = viewings(here.register, "T-1")
    assert [(one.detail, one.camera_id, one.reason) for one in seen] == [
        ("coarse", "CAM-003", ""),
        ("sharp", "CAM-003", "Colour of the coat"),
    ]
    assert seen[0].since == began
    model.open("T-1", cameras["CAM-003"], began + 3 * HOUR)  # after the case's time
    assert model.views == ()
    # What is refused while it plays is not asked for again.
    model.open("T-1", cameras["CAM-003"], began)
    here.register.close("T-1", reason="over")
    rounds = panel.player.round
    panel._received(None, {"go": 1, "at": 0.0, "plays": True}, None)
    assert "closed" in model.messages["watching"]
    assert (panel.player.plays, panel.player.failures, panel.player.round) == (False, 1, rounds)
    model.close()
    assert panel.layout.display == "none"


def test_who_is_followed_is_followed_within_the_case(fresh_home: Path, small_town: Path) -> None:
    here = Installation.open()
    with here.open_gallery(small_town) as gallery:
        cameras = gallery.cameras()
    origin = cameras[3]
    assert origin.place is not None
    near = shapely.Point(*origin.place).buffer(0.012)
    end = SEEN + timedelta(minutes=10)
    here.register.train("T-1", Scope(from_shapes([near], name="Near"), SEEN - HOUR, end))
    model = Following(small_town, installation=here, zone=UTC_ZONE)
    model.start("T-1", origin, SEEN)
    inside = {one.camera_id for one in cameras if shapely.intersects_xy(near, *one.place)}
    slow = {one.camera.camera_id for one in model.reached}
    assert slow < inside
    assert model.until == end  # of the case, before the half hour is over
    model.kmh = 80.0
    fast = {one.camera.camera_id for one in model.reached}
    assert slow < fast <= inside
    model.kmh = 0.0
    assert model.reached == ()
    assert "km/h" in model.messages["following"]
