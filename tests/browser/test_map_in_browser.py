"""The saved map in a real browser without a network."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
import pytest
from playwright.sync_api import expect

from workbench.district import from_geojson
from workbench.domain import Camera, Candidate, District
from workbench.maps.offline import iframe, save_map, self_contained_html
from workbench.maps.sightings import sightings_map
from workbench.maps.timeline import timeline

pytestmark = pytest.mark.browser
LONDON = ZoneInfo("Europe/London")
HOSTILE = '<img src=x onerror="window.harm=1">{{ 7*7 }}${window.harm=1}</script>'
Make = Callable[..., Candidate]


@pytest.fixture
def cameras() -> list[Camera]:
    return [
        Camera("CAM-1", HOSTILE, 51.480, -0.010),
        Camera("CAM-2", "Station", 51.483, -0.004),
        Camera("CAM-3", "Harbour", 51.478, -0.002),
    ]


@pytest.fixture
def district() -> District:
    corners = [[-0.012, 51.476], [0.0, 51.476], [0.0, 51.485], [-0.012, 51.485], [-0.012, 51.476]]
    return from_geojson({"type": "Polygon", "coordinates": [corners]}, name=HOSTILE)


@pytest.fixture
def found(make_candidate: Make, cameras: list[Camera]) -> list[Candidate]:
    return [
        make_candidate(cameras[0], 0, 0.81, recording=HOSTILE),
        make_candidate(cameras[1], 40, 0.74),
    ]


def test_saved_map_works_without_a_network(
    tmp_path: Path, visit: Any, found: list[Candidate], cameras: list[Camera], district: District
) -> None:
    path = tmp_path / "map.html"
    save_map(path, sightings_map(found, cameras=cameras, district=district, zone=LONDON))
    seen = visit()
    seen.page.goto(path.as_uri())
    marks = seen.page.locator(".sl-sighting")
    expect(marks).to_have_count(2)
    assert marks.first.inner_text().split() == ["★", "1×", "0.81", "1"]

    marks.first.locator(".sl-plate").click()
    popup = seen.page.locator(".leaflet-popup")
    popup.wait_for()
    assert popup.locator("h2").inner_text() == f"{HOSTILE} CAM-1"
    assert "Sun 29 Mar 2026, 00:30:04 GMT" in popup.inner_text()
    picture = popup.locator("img")
    expect(picture).to_have_count(1)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48

    legend = seen.page.locator(".sl-legend").inner_text()
    assert "Candidates are leads, not identifications." in legend
    assert HOSTILE in legend
    assert seen.page.evaluate("window.harm") is None
    seen.screenshot("map")
    seen.assert_clean()


def test_cameras_at_one_pole_can_each_be_seen_and_opened_with_the_mouse(
    tmp_path: Path, visit: Any, make_candidate: Make
) -> None:
    pole = [Camera(f"P{n}", f"Pole {n}", 51.48, -0.01) for n in range(3)]
    pole.append(Camera("P3", "Pole 3", 51.48002, -0.01))  # two metres to the north
    elsewhere = Camera("E", "Elsewhere", 51.4805, -0.0105)
    found = [make_candidate(camera, 5 * n, 0.9 - n / 10) for n, camera in enumerate(pole)]
    found.append(make_candidate(elsewhere, 40, 0.5))
    path = tmp_path / "map.html"
    save_map(path, sightings_map(found, zone=LONDON))
    seen = visit()
    seen.page.goto(path.as_uri())
    plates = seen.page.locator(".sl-sighting .sl-plate")
    boxes = [plate.bounding_box() for plate in plates.all()]
    assert len(boxes) == 5
    for number, box in enumerate(boxes[:4]):
        for other in boxes[:number]:
            assert abs(box["y"] - other["y"]) >= box["height"]
    seen.screenshot("one-pole")
    for number in range(4):
        box = plates.nth(number).bounding_box()  # a popup may have moved the map
        # A real click where the plate is on the screen: what lies above it would take it.
        seen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        popup = seen.page.locator(".leaflet-popup")
        popup.locator("h2", has_text=f"Pole {number}").wait_for()
        popup.locator(".leaflet-popup-close-button").click()
        popup.wait_for(state="detached")
    seen.assert_clean()


def test_dots_of_cameras_at_one_pole_can_each_be_opened_with_the_mouse(
    tmp_path: Path, visit: Any, make_candidate: Make
) -> None:
    first = [Camera(f"C{n}", "", 51.47 + n / 1e4, -0.03) for n in range(60)]  # drawn as plates
    pole = [Camera(f"P{n}", f"Pole {n}", 51.473, -0.01) for n in range(3)]
    cameras = [*first, *pole]
    found = [make_candidate(camera, n, 0.9 - n / 200) for n, camera in enumerate(cameras)]
    path = tmp_path / "map.html"
    save_map(path, sightings_map(found, zone=LONDON, route=False))
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.locator(".sl-sighting").nth(59).wait_for(state="attached")
    seen.page.wait_for_timeout(300)
    pin = seen.page.locator(".sl-sighting:has(.sl-pin)").last  # there is no room for sixty plates
    seen.screenshot("crowded")
    expect(pin.locator(".sl-score")).to_be_hidden()
    pin.locator(".sl-plate").hover()
    expect(pin.locator(".sl-score")).to_be_visible()
    seen.page.mouse.move(5, 5)
    expect(pin.locator(".sl-score")).to_be_hidden()
    name = seen.page.evaluate("Object.keys(window).find((key) => /^map_[0-9a-f]+$/.test(key))")

    def on_screen(camera: Camera) -> tuple[float, float]:
        place = [camera.latitude, camera.longitude]
        point = seen.page.evaluate(f"place => window.{name}.latLngToContainerPoint(place)", place)
        box = seen.page.locator(".folium-map").bounding_box()
        return box["x"] + point["x"], box["y"] + point["y"]

    for number, camera in enumerate(pole):
        x, y = on_screen(camera)
        seen.page.mouse.click(x + 14 * number, y)
        popup = seen.page.locator(".leaflet-popup")
        popup.locator("h2", has_text=f"Pole {number}").wait_for()
        popup.locator(".leaflet-popup-close-button").click()
        popup.wait_for(state="detached")
    seen.assert_clean()


def test_map_can_be_used_with_the_keyboard(
    tmp_path: Path, visit: Any, found: list[Candidate]
) -> None:
    path = tmp_path / "map.html"
    save_map(path, sightings_map(found, zone=LONDON))
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.locator(".sl-sighting").nth(1).focus()
    seen.page.keyboard.press("Enter")
    seen.page.locator(".leaflet-popup h2", has_text="Station").wait_for()
    seen.assert_clean()


def test_the_map_plays_in_time(tmp_path: Path, visit: Any, found: list[Candidate]) -> None:
    path = tmp_path / "map.html"
    save_map(path, sightings_map(found, zone=LONDON))
    seen = visit()
    seen.page.goto(path.as_uri())
    slider = seen.page.get_by_label("Show candidates up to this time")
    slider.fill("200")
    expect(seen.page.locator(".sl-sighting")).to_have_count(1)
    assert seen.page.locator(".sl-player output").inner_text() == "Until Sun 29 Mar, 00:50 GMT"
    slider.fill("300")
    expect(seen.page.locator(".sl-sighting")).to_have_count(1)
    seen.page.get_by_role("button", name="Play").click()
    seen.page.get_by_role("button", name="Pause").wait_for()
    seen.page.locator(".sl-sighting").nth(1).wait_for(state="attached")
    seen.page.locator(".sl-legend summary").click()
    seen.page.locator(".leaflet-control-layers").hover()
    seen.page.get_by_label("Heat map").check()
    expect(seen.page.locator(".sl-heat")).to_have_count(1)
    seen.assert_clean()


def test_map_and_page_point_out_the_same_candidate(
    tmp_path: Path, visit: Any, found: list[Candidate]
) -> None:
    frame = iframe(self_contained_html(sightings_map(found, zone=LONDON)))
    path = tmp_path / "page.html"
    path.write_text(frame, encoding="utf-8")
    seen = visit()
    seen.page.goto(path.as_uri())
    inside = seen.page.frame_locator("iframe")
    inside.locator(".sl-sighting .sl-plate").first.wait_for()
    seen.page.evaluate(
        """id => { window.said = [];
        addEventListener("message", (event) => said.push(event.data));
        frames[0].postMessage({ kind: "sightline-select", id }, "*"); }""",
        found[1].tracklet_id,
    )
    chosen = inside.locator(".sl-chosen")
    chosen.wait_for(state="attached")
    assert "Station" in str(chosen.get_attribute("title"))
    inside.locator(".sl-sighting").first.focus()
    seen.page.keyboard.press("Enter")
    inside.locator(".leaflet-popup").wait_for()
    seen.page.wait_for_function("said.length")
    assert seen.page.evaluate("said[0]") == {
        "kind": "sightline-select",
        "id": found[0].tracklet_id,
    }
    seen.assert_clean()


def test_map_in_a_sandboxed_frame_fits_when_it_becomes_visible(
    tmp_path: Path, visit: Any, found: list[Candidate]
) -> None:
    frame = iframe(self_contained_html(sightings_map(found, zone=LONDON)))
    path = tmp_path / "page.html"
    path.write_text(f'<div id="tab" style="display:none">{frame}</div>', encoding="utf-8")
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.evaluate("document.getElementById('tab').style.display = 'block'")
    inside = seen.page.frame_locator("iframe")
    for mark in inside.locator(".sl-plate:not(.sl-legend *)").all():
        mark.click()  # fails where it is out of sight
    assert inside.locator(".leaflet-popup img").count() >= 1
    seen.assert_clean()


def test_a_missed_escape_could_not_run_a_script(tmp_path: Path, visit: Any) -> None:
    drawn = sightings_map([], zone=LONDON)
    hole = """<div id="hole"></div><img src="data:," onerror="window.harm = 1">"""
    drawn.get_root().html.add_child(folium.Element(hole))
    path = tmp_path / "map.html"
    save_map(path, drawn)
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.harm") is None
    assert any("Content Security Policy" in error for error in seen.errors)


def test_the_guard_notices_a_stock_folium_map(tmp_path: Path, visit: Any) -> None:
    path = tmp_path / "stock.html"
    folium.Map().save(str(path))
    seen = visit()
    with seen.page.expect_request(lambda one: not one.url.startswith("file:")):
        seen.page.goto(path.as_uri(), wait_until="commit")
    assert seen.foreign
    with pytest.raises(AssertionError):
        seen.assert_clean()


def test_tiles_come_from_the_server_that_was_set(
    tmp_path: Path, visit: Any, found: list[Candidate], tile_server: str
) -> None:
    path = tmp_path / "map.html"
    drawn = sightings_map(
        found, zone=LONDON, tiles=f"{tile_server}/{{z}}/{{x}}/{{y}}.png",
        tiles_attribution="© <Survey>",
    )  # fmt: skip
    save_map(path, drawn)
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.locator(".leaflet-tile-loaded").first.wait_for()
    assert seen.page.locator(".leaflet-control-attribution").inner_text() == "© <Survey>"
    assert seen.foreign
    assert all(address.startswith(tile_server) for address in seen.foreign)
    assert seen.errors == []


@pytest.fixture
def tile_server() -> Iterator[str]:
    """A server on this machine with one picture for every tile."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (256, 256), "palegreen").save(buffer, "PNG")

    class Tiles(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(buffer.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tiles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_timeline_shows_text_as_text_and_asks_nobody(
    tmp_path: Path, visit: Any, found: list[Candidate]
) -> None:
    path = tmp_path / "timeline.html"
    spoilt = replace(found[0].camera, name="<b>A&B</b>")
    figure = timeline([replace(found[0], camera=spoilt), found[1]], zone=LONDON)
    figure.write_html(path, include_plotlyjs=True)
    seen = visit()
    seen.page.goto(path.as_uri())
    seen.page.locator(".scatterlayer .point").first.wait_for()
    labels = seen.page.locator(".ytick").all_text_contents()
    assert labels == ["<b>A&B</b>", "Station"]
    seen.page.locator(".scatterlayer .point").first.hover(force=True)
    seen.page.mouse.move(*_centre(seen.page.locator(".scatterlayer .point").first))
    hover = seen.page.locator(".hoverlayer .hovertext")
    hover.wait_for()
    assert "<b>A&B</b> (CAM-1)" in hover.text_content()
    assert HOSTILE in hover.text_content()
    seen.screenshot("timeline")
    seen.assert_clean()


def _centre(point: Any) -> tuple[float, float]:
    box = point.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
