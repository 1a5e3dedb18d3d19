"""Footage that is watched on a page: coarse, sharp for a reason, on record before it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely

from workbench.casework.viewing import viewings
from workbench.district import from_shapes
from workbench.domain import Scope, TimeNote
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components.following import Following, FollowPanel
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

    def told() -> list[tuple[str, float, float, str]]:
        seen = viewings(here.register, "T-1")
        return [(one.detail, one.start, one.end, one.reason) for one in seen]

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
    # So far a picture was shown, and a picture is on record; the rest is when it is played.
    assert told() == [("coarse", 0.0, 0.0, ""), ("sharp", 0.0, 0.0, "Colour of the coat")]
    model.coarsen()
    panel._received(None, {"to": 0, "plays": True}, None)
    assert panel.player.pieces
    assert len(model.views[0].film) > 2 * len(view.film)
    panel.player.at = 4.0  # as the browser says
    model.sharpen("Her bag", after=panel._at())
    assert not panel.player.pieces
    assert told() == [
        ("coarse", 0.0, 10.0, ""),
        ("sharp", 0.0, 0.0, "Colour of the coat"),
        ("sharp", 4.0, 4.0, "Her bag"),
    ]
    panel.player.at = float("nan")
    assert panel._at() == 0.0
    model.coarsen()
    for wrong in ({"to": "1"}, {"to": float("nan")}, {"to": 1e9}, {}, {"plays": True}):
        panel._received(None, wrong, None)
    assert model.moment == began + timedelta(seconds=4)
    panel._received(None, {"to": -16, "plays": False}, None)
    assert model.moment == began - timedelta(seconds=12)
    assert "recorded nothing then" in model.messages["watching"]
    model.open("T-1", cameras["CAM-003"], began + 3 * HOUR)  # after the case's time
    assert model.views == ()
    # What is refused while it plays is not asked for again, and nothing is shown any more.
    model.open("T-1", cameras["CAM-003"], began)
    here.register.close("T-1", reason="over")
    rounds = panel.player.round
    panel._received(None, {"to": 0, "plays": True}, None)
    assert "closed" in model.messages["watching"]
    assert (panel.player.failures, panel.player.round) == (1, rounds + 1)
    assert (model.views, panel.player.films) == ((), [])
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
    chosen: list[Any] = []
    panel = FollowPanel(
        model, watch=lambda *asked: chosen.append(asked), search=lambda *asked: chosen.append(asked)
    )
    model.start("T-1", origin, SEEN, TimeNote(SEEN, uncertainty_seconds=5.0))
    assert "± 5 s" in panel.words.value
    inside = {one.camera_id for one in cameras if shapely.intersects_xy(near, *one.place)}
    slow = {one.camera.camera_id for one in model.reached}
    assert slow < inside
    assert "less the 50 m at which either camera may see people" in panel.bound.value
    assert model.until == end  # of the case, before the half hour is over
    model.kmh = 80.0
    fast = {one.camera.camera_id for one in model.reached}
    assert slow < fast <= inside
    assert panel.how.label == "by car, up to 80 km/h"
    model.kmh = 79.0
    assert panel.how.label == "at another speed"  # and not still what was chosen before
    panel.how.value = 80.0
    assert model.kmh == 80.0
    # What a row opens, and what is asked next, lies in the case and in its windows.
    panel._take()
    cameras_next, since, until = chosen.pop()
    assert {one.camera_id for one in cameras_next} == fast
    assert (since, until) == model.windows
    assert SEEN - timedelta(seconds=5) <= since
    assert since <= min(one.earliest for one in model.reached)
    assert since.microsecond == 0  # the next question has whole seconds in its fields
    assert until == end
    panel._choose(model.reached[0].camera.camera_id)
    assert chosen == [(model.reached[0].camera, model.reached[0].earliest)]
    assert panel.table.items[0]["cells"][-2:] == ["none then", "not known"]
    model.kmh = 0.0
    assert model.reached == ()
    assert "km/h" in model.messages["following"]
    here.register.close("T-1", reason="over")
    model.start("T-1", origin, SEEN, TimeNote(SEEN))
    assert "closed" in model.messages["following"]
    assert (model.reached, panel.table.items) == ((), [])
