"""The district as it is drawn, pasted or chosen by name."""

from __future__ import annotations

import json

from workbench.district import to_geojson
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.investigate.model import Investigation


def test_what_is_drawn_becomes_the_district_and_the_other_way_round(
    asked: Investigation,
) -> None:
    panel = DistrictPanel(asked)
    camera = asked.cameras[0]
    x, y = camera.longitude, camera.latitude
    corners = [[x - 0.001, y - 0.001], [x + 0.001, y - 0.001], [x, y + 0.001]]
    ring = [*corners, corners[0]]
    drawn_by_hand = {
        "type": "Feature",
        "properties": {"style": {}},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    panel.draw.data = [drawn_by_hand]  # as the browser sets it
    assert asked.cameras_inside == (camera,)
    assert panel.draw.data == [drawn_by_hand]
    assert "<strong>1 camera</strong> of 12 inside" in panel.cameras.value

    panel.named.value = "All cameras"
    assert len(asked.cameras_inside) == 12
    assert len(panel.draw.data) == 1
    assert len(panel.draw.data[0]["geometry"]["coordinates"][0]) == 5
    panel.draw.data = []
    assert asked.district is None
    assert panel.named.value == "Drawn on the map"


def test_a_shape_that_crosses_itself_is_explained_and_not_searched(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    asked.set_district(asked.whole_area())
    ring = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    drawn_by_hand = {
        "type": "Feature",
        "properties": {"style": {}},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    panel.draw.data = [drawn_by_hand]
    assert "not a simple area" in asked.messages["district"]
    assert asked.district is None  # the one before is no longer on the map
    assert panel.draw.data == [drawn_by_hand]


def test_pasted_geojson_becomes_the_district_or_is_explained(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel.text.value = json.dumps(to_geojson(asked.whole_area()))
    panel._paste()
    assert len(asked.cameras_inside) == 12
    panel.text.value = "not GeoJSON"
    panel._paste()
    assert "not GeoJSON" in asked.messages["district"]
    assert len(asked.cameras_inside) == 12


def test_a_named_district_can_be_taken_as_a_drawing(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel.named.value = "All cameras"
    panel.named.value = "Drawn on the map"
    assert asked.district is not None
    assert asked.district.name == "Drawn on the map"
    assert len(panel.draw.data) == 1
