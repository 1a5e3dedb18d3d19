"""The dashboard as an analyst uses it: real server, kernel, models and Chromium, no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
Photographs = tuple[Path, ...]
HOSTILE = '<img src=x onerror="window.harm=1">'


@pytest.fixture
def opened(served: Any, visit: Callable[..., Any]) -> Any:
    """The dashboard, opened by its token."""
    seen = visit(served.base)
    seen.page.goto(served.address("investigate"))
    seen.page.locator(".sl-drop-button").first.wait_for()
    seen.page.locator(".sl-timeline .bars").first.wait_for()
    return seen


def upload(seen: Any, *files: Any) -> None:
    with seen.page.expect_file_chooser() as chooser:
        seen.page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files(list(files))


def message(seen: Any, field: str) -> Any:
    return seen.page.locator(f'[data-field="{field}"] .sl-message')


def point(seen: Any, x: float, y: float) -> None:
    """Move the mouse to a place on the map, by its share of width and height."""
    box = seen.page.locator(".sl-map .leaflet-container").bounding_box()
    for nearly in (9, 1, 0):  # as a hand does; a single movement may reach the page late
        seen.page.mouse.move(
            box["x"] + box["width"] * x - nearly, box["y"] + box["height"] * y - nearly
        )
        seen.page.wait_for_timeout(60)


def draw_polygon(seen: Any) -> None:
    """Around all cameras, with the mouse."""
    seen.page.locator(".sl-district").evaluate("panel => panel.scrollIntoView({block: 'start'})")
    seen.page.locator(".leaflet-draw-draw-polygon").click()
    for x, y in [(0.06, 0.02), (0.93, 0.02), (0.93, 0.97), (0.06, 0.97), (0.06, 0.02)]:
        point(seen, x, y)
        seen.page.mouse.down()
        seen.page.mouse.up()


def set_range(seen: Any, *fields: str) -> None:
    """Type the dates and times: start date, start time, end date, end time."""
    inputs = seen.page.locator(".sl-time input:is([type=date], [type=time])")
    for number, text in enumerate(fields):
        inputs.nth(number).fill(text)
        inputs.nth(number).blur()


def type_slowly(seen: Any) -> None:
    """Type a time as people do who look for each digit: the page has answered to each of them."""
    day, time = (
        seen.page.locator(f".sl-time input[type={kind}]").first for kind in ("date", "time")
    )
    day.fill("22026-03-29")
    seen.page.get_by_text("the start and the end each need a date and a time").wait_for()
    expect(day).to_have_value("")
    day.fill("2026-03-29")
    time.focus()
    for digit in "1037":
        seen.page.keyboard.press(digit)
        seen.page.wait_for_timeout(400)
    assert time.input_value().startswith("10:37")


def search(seen: Any) -> None:
    seen.page.get_by_role("button", name="Search", exact=True).click()


def led_to_the_answer(page: Any) -> None:
    """Wait until the page has moved the focus to the answer, which comes after the cards."""
    page.wait_for_function("document.activeElement.matches('.sl-summary h2')")


def test_a_person_is_searched_and_found(opened: Any, wanted: Photographs) -> None:
    seen = opened
    seen.screenshot("investigate-1-open")
    upload(seen, wanted[0], wanted[1])
    seen.page.locator(".sl-photograph").nth(1).wait_for()
    expect(seen.page.locator(".sl-photograph", has_text="Quality: good")).to_have_count(2)

    draw_polygon(seen)
    seen.page.locator(".sl-inside strong", has_text="12 cameras").wait_for()
    type_slowly(seen)
    set_range(seen, "2026-03-29", "00:30:00", "2026-03-29", "17:00:00")
    seen.page.locator(".sl-covered", has_text="3 cameras of 12").wait_for()
    seen.screenshot("investigate-2-asked")

    search(seen)
    cards = seen.page.locator(".sl-card")
    cards.nth(1).wait_for()
    expect(cards).to_have_count(2)
    text = " ".join(cards.all_inner_texts())
    assert "CAM-003" in text
    assert "CAM-006" in text
    assert "03:18:" in text  # local time: clocks have gone forward
    assert "BST" in text
    expect(seen.page.locator(".sl-probe img")).to_have_count(2)
    summed = seen.page.locator(".sl-summary")
    expect(summed).to_contain_text("2 candidates at 2 cameras")
    summary = summed.inner_text()
    assert "12 cameras in the district, 3 with footage in this time (30 s)" in summary
    assert "9 cameras have no footage in this time" in summary
    assert "never an identification" in summary

    seen.page.evaluate("scrollTo(0, 0)")
    seen.screenshot("investigate-3-candidates")
    seen.page.locator(".sl-sightings").scroll_into_view_if_needed()
    marks = seen.page.frame_locator(".sl-frame").locator(".sl-sighting")
    marks.first.locator(".sl-plate").wait_for()
    expect(marks).to_have_count(2)
    seen.page.locator(".sl-sightings").evaluate("panel => panel.scrollIntoView()")
    seen.screenshot("investigate-4-map")
    points = seen.page.locator(".sl-timeline .scatterlayer .point")
    points.first.wait_for()
    expect(points).to_have_count(2)
    seen.page.locator(".sl-timeline").evaluate("panel => panel.scrollIntoView()")
    seen.screenshot("investigate-5-timeline")
    seen.assert_clean()


def test_the_threshold_filters_cards_map_and_timeline(opened: Any, wanted: Photographs) -> None:
    seen = opened
    upload(seen, wanted[0])
    seen.page.locator(".sl-photograph").wait_for()
    seen.page.locator(".sl-district select").first.select_option("All cameras")
    search(seen)
    seen.page.locator(".sl-card").first.wait_for()
    expect(seen.page.locator(".sl-card")).to_have_count(2)
    led_to_the_answer(seen.page)

    handle = seen.page.locator(".sl-search .noUi-handle")
    handle.focus()
    points = seen.page.locator(".sl-timeline .scatterlayer .point")
    expect(points).to_have_count(2)
    seen.page.keyboard.press("End")  # the highest score that can be set
    seen.page.locator(".sl-search", has_text="stricter than recommended").wait_for()
    expect(seen.page.locator(".sl-card")).to_have_count(0)
    expect(points).to_have_count(0)
    seen.page.get_by_role("button", name="Recommended").click()
    expect(seen.page.locator(".sl-card")).to_have_count(2)
    expect(points).to_have_count(2)
    seen.page.get_by_role("button", name="Table").click()
    expect(seen.page.locator(".sl-table tbody tr")).to_have_count(2)
    seen.screenshot("investigate-table")
    with seen.page.expect_download() as download:
        seen.page.get_by_role("button", name="HTML map").click()
    assert "CAM-003" in download.value.path().read_text(encoding="utf-8")
    seen.assert_clean()


def test_choosing_in_map_timeline_or_list_chooses_in_all_three(
    opened: Any, wanted: Photographs
) -> None:
    seen = opened
    upload(seen, wanted[0])
    seen.page.locator(".sl-photograph").wait_for()
    seen.page.locator(".sl-district select").first.select_option("All cameras")
    search(seen)
    seen.page.locator(".sl-card").nth(1).wait_for()
    cameras = seen.page.locator(".sl-card strong").all_inner_texts()
    inside = seen.page.frame_locator(".sl-frame")
    inside.locator(".sl-sighting .sl-plate").nth(1).wait_for()
    seen.page.locator(".sl-frame").evaluate("frame => { frame.theSame = true; }")

    # On the map, with the keyboard.
    inside.locator(f'.sl-sighting[title^="{cameras[1]}"]').press("Enter")
    seen.page.locator(".sl-card.sl-selected strong", has_text=cameras[1]).wait_for()
    symbols = seen.page.locator(".sl-timeline .scatterlayer .point")
    expect(symbols).to_have_count(2)
    shapes = [symbol.get_attribute("d") for symbol in symbols.all()]
    assert len(set(shapes)) == 2  # a diamond among circles

    # On the timeline.
    seen.page.locator(".sl-timeline").scroll_into_view_if_needed()
    box = symbols.nth(0).bounding_box()
    seen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    seen.page.locator(".sl-card.sl-selected strong", has_text=cameras[0]).wait_for()
    inside.locator(f'.sl-chosen[title^="{cameras[0]}"]').wait_for(state="attached")
    expect(inside.locator(".sl-ring")).to_have_count(1)

    # In the list.
    seen.page.locator(".sl-card-open").nth(1).press("Enter")
    inside.locator(f'.sl-chosen[title^="{cameras[1]}"]').wait_for(state="attached")
    assert seen.page.locator(".sl-frame").evaluate("frame => frame.theSame") is True
    seen.page.locator(".sl-sightings").evaluate("panel => panel.scrollIntoView()")
    seen.screenshot("investigate-6-linked")
    seen.assert_clean()


def test_among_several_faces_one_is_chosen(
    opened: Any, wanted: Photographs, somebody_else: Path, tmp_path: Path
) -> None:
    pictures = [wanted[0], somebody_else]
    people = [Image.open(path).convert("RGB") for path in pictures]
    both = Image.new("RGB", (2 * people[0].width, people[0].height))
    for number, one in enumerate(people):
        both.paste(one, (number * people[0].width, 0))
    path = tmp_path / f"{HOSTILE.replace('/', '')}.png"
    both.save(path)

    seen = opened
    upload(seen, path)
    seen.page.locator(".sl-photograph", has_text="2 faces. Which one is the target?").wait_for()
    expect(seen.page.locator(".sl-picture rect:not(.sl-plate)")).to_have_count(2)
    seen.screenshot("investigate-several-faces")
    search(seen)
    message(seen, "target").filter(has_text="choose the target among its faces").wait_for()
    seen.page.get_by_role("button", name="Face 1").click()
    seen.page.locator(".sl-photograph", has_text="Quality:").wait_for()
    expect(seen.page.locator(".sl-picture rect.sl-chosen:not(.sl-plate)")).to_have_count(1)
    assert path.name in seen.page.locator(".sl-name").inner_text()
    assert seen.page.evaluate("window.harm") is None
    seen.assert_clean()


def test_bad_input_is_explained_beside_its_field(opened: Any, tmp_path: Path) -> None:
    notes, wall = tmp_path / "notes.jpg", tmp_path / "wall.png"
    notes.write_text("not a picture")
    Image.new("RGB", (400, 300), "teal").save(wall)
    seen = opened
    upload(seen, notes, wall)
    message(seen, "target").filter(has_text="wall.png: no face of at least 40 px").wait_for()
    assert "notes.jpg: is not a picture" in message(seen, "target").inner_text()

    set_range(seen, "2026-03-29", "12:00:00", "2026-03-29", "11:00:00")
    message(seen, "time").filter(has_text="the end is not after the start").wait_for()
    set_range(seen, "2026-03-29", "01:30:00")
    message(seen, "time").filter(has_text="never showed 01:30:00").wait_for()
    seen.page.locator(".sl-time").evaluate("panel => panel.scrollIntoView()")
    seen.screenshot("investigate-bad-time")

    seen.page.get_by_role("button", name="Paste or load GeoJSON").click()
    seen.page.locator(".sl-district textarea").fill('{"type": "Point", "coordinates": [0, 51]}')
    seen.page.get_by_role("button", name="Use this area").click()
    message(seen, "district").filter(has_text="holds no polygon").wait_for()
    search(seen)
    message(seen, "target").filter(has_text="Add a photograph").wait_for()
    assert seen.page.locator(".sl-card").count() == 0
    seen.page.evaluate("scrollTo(0, 0)")
    seen.screenshot("investigate-bad-input")
    seen.assert_clean()


def test_an_hour_that_clocks_showed_twice_is_asked_for(opened: Any) -> None:
    seen = opened
    set_range(seen, "2026-10-25", "00:30:00", "2026-10-25", "01:30:00")
    message(seen, "time").filter(has_text="showed 01:30:00 twice").wait_for()
    seen.page.get_by_role("button", name="GMT (the second time)").click()
    message(seen, "time").wait_for(state="detached")
    seen.assert_clean()


def test_names_are_shown_as_text(opened: Any) -> None:
    seen = opened
    seen.page.locator(".sl-district select").first.select_option(HOSTILE)
    seen.page.locator(".sl-inside strong", has_text="12 cameras").wait_for()
    assert seen.page.evaluate("window.harm") is None
    seen.assert_clean()


def test_a_district_is_drawn_edited_and_deleted(opened: Any) -> None:
    seen = opened
    seen.page.locator(".sl-district").evaluate("panel => panel.scrollIntoView({block: 'start'})")
    seen.page.locator(".leaflet-draw-draw-rectangle").click()
    point(seen, 0.06, 0.02)
    seen.page.mouse.down()
    point(seen, 0.97, 0.97)
    seen.page.mouse.up()
    seen.page.locator(".sl-inside strong", has_text="12 cameras").wait_for()

    seen.page.locator(".leaflet-draw-edit-edit").click()
    point(seen, 0.97, 0.97)
    seen.page.mouse.down()
    point(seen, 0.5, 0.5)
    seen.page.mouse.up()
    seen.page.get_by_role("link", name="Save").click()
    seen.page.locator(".sl-inside strong", has_text="12 cameras").wait_for(state="detached")

    seen.page.get_by_role("button", name="Clear").click()
    seen.page.locator(".sl-district", has_text="12 cameras on the map.").wait_for()
    expect(seen.page.locator(".sl-map .leaflet-overlay-pane path")).to_have_count(0)
    seen.assert_clean()


def test_the_page_can_be_used_with_the_keyboard(opened: Any, wanted: Photographs) -> None:
    seen = opened
    page = seen.page
    page.bring_to_front()  # a page in the background may not open a dialogue
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop input").press("Enter")
    chooser.value.set_files(wanted[0])
    page.locator(".sl-photograph").wait_for()
    page.locator(".sl-district select").first.focus()
    page.keyboard.press("ArrowDown")
    page.locator(".sl-inside").wait_for()
    page.get_by_role("button", name="Search", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator(".sl-card").first.wait_for()
    seen.assert_clean()


def test_a_broken_gallery_is_named_plainly(
    serving: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"not a gallery")
    with serving(broken, tmp_path) as served:
        seen = visit(served.base)
        seen.page.goto(served.address("investigate"))
        seen.page.locator(".sl-problem").wait_for()
        assert "broken.duckdb" in seen.page.locator(".sl-problem").inner_text()
        seen.screenshot("investigate-broken-gallery")
        seen.assert_clean()
