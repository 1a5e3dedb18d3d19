"""Cameras chosen one by one, bookmarks, and the message beside each field."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from shapely import Point

from workbench.errors import DistrictError, SettingsError
from workbench.installation import Installation
from workbench.widgets.components.bookmarks import LONGEST, MOST, Bookmarks
from workbench.widgets.components.cameralayer import INSIDE, OUTSIDE, PICKED
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.components.scope import places_of
from workbench.widgets.components.uploader import File
from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def bookmarks(installation: Installation) -> Iterator[Bookmarks]:
    kept = Bookmarks(installation.settings.home, installation.register.me)
    kept.path.unlink(missing_ok=True)
    yield kept
    kept.path.unlink(missing_ok=True)


def marks(panel: DistrictPanel) -> list[int]:
    return list(panel.layer.marks)


def test_cameras_chosen_by_hand_are_searched_and_no_others(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    panel = DistrictPanel(asked)
    asked.add_photograph("1.jpg", probe(1))
    panel.picker.find.value = "cam-003"
    (only,) = panel.picker.list.options
    assert only[1] == "CAM-003"
    panel.picker.list.value = ("CAM-003",)
    panel.picker._add()
    assert "<strong>1 camera</strong> of 12 chosen by hand" in panel.cameras.value
    assert sorted(marks(panel)) == [OUTSIDE] * 11 + [PICKED]
    assert panel.draw.data == []
    assert panel.picker.list.options[0][0].startswith("✓ ")

    asked.search()
    assert {one.camera.camera_id for one in asked.shown} == {"CAM-003"}
    assert asked.result is not None
    assert asked.result.coverage.cameras == 1

    assert panel.named.value == "Cameras chosen one by one"
    panel.named.value = "All cameras"
    assert asked.selected_cameras == ()
    assert marks(panel) == [INSIDE] * 12


def test_the_list_of_areas_leads_to_where_cameras_are_chosen(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel.named.value = "Cameras chosen one by one"
    assert panel.choosing.children[1].layout.display == ""
    assert panel.named.value == "Drawn on the map"  # as long as there is none
    asked.pick_cameras(["CAM-003", "CAM-999"])
    assert asked.messages["district"] == "Cameras no longer in this gallery: 1."
    assert panel.named.value == "Cameras chosen one by one"
    panel.named.value = "Drawn on the map"
    assert asked.district is None
    assert asked.selected_cameras == ()


def test_the_district_of_a_camera_is_its_own_place(asked: Investigation) -> None:
    here_, beside = asked.cameras[0], asked.cameras[0].latitude + 1e-5
    area = places_of([here_]).area
    west, south, east, north = area.bounds
    assert max(east - west, north - south) < 3e-6  # some decimetres
    assert not area.contains(Point(here_.longitude, beside))


def test_a_click_chooses_a_camera_only_while_that_is_switched_on(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    click = {"kind": "pick", "camera": 5}
    panel.layer._received(None, click, None)
    assert asked.selected_cameras == ()
    panel.picker.click.value = True
    panel.layer._received(None, click, None)
    assert asked.selected_cameras == (asked.cameras[5].camera_id,)
    panel.layer._received(None, {"kind": "pick", "camera": 99}, None)
    panel.layer._received(None, click, None)
    assert asked.selected_cameras == ()
    assert asked.district is None
    panel.layer._received(None, {"kind": "point", "camera": 2}, None)
    assert asked.cameras[2].camera_id in panel.pointed.value
    panel.layer._received(None, {"kind": "point", "camera": -1}, None)
    assert panel.pointed.value == ""


def test_places_reach_the_browser_to_some_decimetres(asked: Investigation) -> None:
    layer = DistrictPanel(asked).layer
    sent = np.frombuffer(layer.places, "<f4").reshape(-1, 2) + np.array(layer.origin)
    assert np.abs(sent[:, 0] - asked.longitudes).max() < 1e-7
    assert np.abs(sent[:, 1] - asked.latitudes).max() < 1e-7


def test_an_uploaded_file_becomes_the_district_or_is_explained(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel._on_upload([File("area.geojson", 3, b"\xff\xfe\xff")])
    assert asked.messages["district"] == "area.geojson: is not a text file. Load GeoJSON."
    panel._on_upload([File("area.geojson", 2**30, None)])
    assert "is larger than 8 MB" in asked.messages["district"]
    ring = b"[[-1,51],[1,51],[1,52],[-1,52],[-1,51]]"
    panel._on_upload([File("area.geojson", 3, b'{"type":"Polygon","coordinates":[' + ring + b"]}")])
    assert len(asked.cameras_inside) == 12
    assert "district" not in asked.messages


def test_a_bookmark_is_kept_offered_and_deleted(asked: Investigation, bookmarks: Bookmarks) -> None:
    panel = DistrictPanel(asked)
    panel.bookmarks._keep()
    assert asked.messages["bookmarks"] == "There is no area to save. Draw one first."
    asked.set_district(asked.whole_area())
    panel.bookmarks.name.value = "  Market <b> square "
    panel.bookmarks._keep()
    assert "bookmarks" not in asked.messages
    assert bookmarks.path.stat().st_mode & 0o777 == 0o600

    again = DistrictPanel(asked)
    asked.set_district(None)
    again.named.value = "Bookmark: Market <b> square"
    assert asked.district is not None
    assert asked.district.area.equals(asked.whole_area().area)
    again.bookmarks._delete()
    assert bookmarks.read() == {}
    assert "Bookmark: Market <b> square" not in again.named.options


def test_a_damaged_file_of_bookmarks_is_told_and_not_overwritten(
    asked: Investigation, bookmarks: Bookmarks
) -> None:
    bookmarks.path.parent.mkdir(exist_ok=True)
    bookmarks.path.write_text("not GeoJSON")
    panel = DistrictPanel(asked)
    assert "your bookmarks cannot be read" in asked.messages["bookmarks"]
    asked.set_district(asked.whole_area())
    panel.bookmarks.name.value = "Market"
    panel.bookmarks._keep()
    assert "cannot be read" in asked.messages["bookmarks"]
    assert bookmarks.path.read_text() == "not GeoJSON"
    with pytest.raises(SettingsError):
        bookmarks.read()


def test_bookmarks_have_names_and_are_not_without_number(
    asked: Investigation, bookmarks: Bookmarks
) -> None:
    area = asked.whole_area()
    for name in ("", "   ", "x" * (LONGEST + 1)):
        with pytest.raises(DistrictError, match="name has 1 to 80 characters"):
            bookmarks.keep(name, area)
    for number in range(MOST):
        bookmarks.keep(f"area {number}", area)
    bookmarks.keep("area 0", area)
    with pytest.raises(DistrictError, match="100 bookmarks already"):
        bookmarks.keep("one more", area)
