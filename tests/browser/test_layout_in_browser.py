"""Where things are on the page Investigate, by their boxes, at the widths of three screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boxes import boxes, overlap
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SCREENS = {390: 844, 1366: 768, 1920: 1080}
# The box of what has the focus, that of the bar of the search, and the part they belong to.
FOCUSED = """() => {
  const at = document.activeElement, bar = document.querySelector(".sl-search");
  const held = at.matches("input[type=file]") ? at.parentElement : at;
  const [one, own] = [held, bar].map((part) => part.getBoundingClientRect());
  return { name: at.outerHTML.slice(0, 90), inBar: bar.contains(at), top: one.top,
    height: one.height, bottom: one.bottom,
    sticky: getComputedStyle(bar).position === "sticky",
    bar: getComputedStyle(bar).position === "sticky" ? own.top : innerHeight };
}"""
LINES = """(one) => {
  const text = document.createRange();
  text.selectNodeContents(one);
  return new Set([...text.getClientRects()].map((line) => Math.round(line.top))).size;
}"""
# How far a map is zoomed in, as Leaflet draws it.
ZOOM = """() => Number(document.querySelector(".leaflet-proxy")
  .style.transform.match(/scale\\((.*)\\)/)[1])"""

# Whether the chart is drawn anew for the room that it has, and not cut off.
CHART_FITS = """() => {
  const [chart] = document.querySelectorAll(".sl-timeline .main-svg");
  const room = document.querySelector(".sl-timeline").getBoundingClientRect();
  const drawn = chart.getBoundingClientRect();
  return drawn.right <= room.right && drawn.width > 0.8 * room.width;
}"""


def area(box: dict[str, float]) -> float:
    return box["width"] * box["height"]


def box(page: Any, selector: str) -> dict[str, float]:
    found: dict[str, float] = page.locator(selector).first.bounding_box()
    return found


def assert_the_bar_covers_no_focus(page: Any) -> None:
    for _ in range(45):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if not at["inBar"] and at["height"]:
            assert at["top"] < at["bar"], at
            tall = at["bar"] if at["sticky"] else 0.5 * at["bar"]  # no bar: nothing covers it
            assert at["bottom"] <= at["bar"] + 1 or at["height"] > tall, at


def assert_cards_are_aligned_below_a_name_of_two_lines(page: Any, width: int) -> None:
    names = page.locator(".sl-card strong")
    name = "Gate 10, Corporation St" + ("reet, south side" if width > 1500 else "")  # wider cards
    names.first.evaluate("(one, name) => { one.textContent = name; }", name)
    assert [one.evaluate(LINES) for one in names.all()] == [2, 1]
    for part in ("img", "strong", ".sl-score", "strong + span", "strong + span + span"):
        tops = [one[1] for one in boxes(page, f".sl-card {part}")]
        assert len(tops) == 2
        assert max(tops) - min(tops) < 1
    for title, score in zip(boxes(page, ".sl-card strong"), boxes(page, ".sl-score"), strict=True):
        assert not overlap(title, score)


def assert_the_wheel_zooms_with_ctrl_alone(page: Any, drawn: Any, frame: Any) -> None:
    """*drawn* is the map on the page, *frame* the page or frame that draws it."""
    drawn.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    before, at = frame.evaluate(ZOOM), drawn.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 3)
    down = "innerHeight + scrollY < document.documentElement.scrollHeight - 20 ? 200 : -200"
    down, start = page.evaluate(down), page.evaluate("scrollY")
    page.mouse.wheel(0, down)
    if page.evaluate("document.documentElement.scrollHeight > innerHeight + 20"):
        page.wait_for_function("start => scrollY !== start", arg=start)
    page.wait_for_timeout(300)  # an animation would take no longer
    assert frame.evaluate(ZOOM) == before
    drawn.scroll_into_view_if_needed()
    at = drawn.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 3)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    for _ in range(100):  # the rules of the frame allow no waiting by a script
        page.wait_for_timeout(100)
        if frame.evaluate(ZOOM) > before:
            return
    raise AssertionError("Ctrl and the wheel do not zoom")


@pytest.mark.parametrize("width", SCREENS)
def test_the_map_is_large_while_asking_and_the_answer_afterwards(
    served: Any, visit: Callable[..., Any], wanted: tuple[Path, ...], width: int
) -> None:
    height = SCREENS[width]
    seen = visit(served.base, viewport={"width": width, "height": height})
    page = seen.page
    page.goto(served.address("investigate"))
    page.locator("canvas.sl-cameras[data-shown]").wait_for(state="attached")
    expect(page.locator("canvas.sl-cameras")).to_have_attribute("data-shown", "12")
    seen.screenshot(f"layout-{width}-1-asking")
    asking = box(page, ".sl-map")
    bar = box(page, ".sl-search")
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    if width > 1000:
        assert area(asking) >= 0.5 * width * height
        assert asking["y"] + asking["height"] <= bar["y"]
        assert bar["height"] <= 66  # one line
        assert bar["y"] + bar["height"] == pytest.approx(height, abs=1)
    else:
        assert asking["width"] >= 0.8 * width
    assert_the_bar_covers_no_focus(page)
    # What is refused, and what another score is worth, is told on the same line.
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-message", has_text="photograph").first.wait_for()
    assert width < 1000 or box(page, ".sl-search")["height"] <= 66
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files([wanted[0]])
    page.locator(".sl-photograph").wait_for()
    page.locator(".sl-district select").first.select_option("All cameras")
    page.locator(".sl-search [role=slider]").press("ArrowRight")
    page.locator(".sl-progress", has_text="stricter").wait_for()
    assert width < 1000 or box(page, ".sl-search")["height"] <= 66
    page.get_by_role("button", name="Recommended").click()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-card").nth(1).wait_for()
    page.wait_for_function("document.activeElement.matches('.sl-summary h2')")
    assert not page.locator(".sl-asking-pane").is_visible()
    top = box(page, ".sl-summary h2")
    assert 0 <= top["y"] < 0.3 * height
    marks = page.frame_locator(".sl-frame").locator(".sl-sighting .sl-plate")
    marks.nth(1).wait_for()
    page.locator(".sl-timeline .scatterlayer .point").nth(1).wait_for()
    page.wait_for_function(CHART_FITS)
    seen.screenshot(f"layout-{width}-2-answer")
    results, places = box(page, ".sl-results"), box(page, ".sl-places")
    if width > 1000:
        assert box(page, ".sl-asked")["height"] <= 48
        assert results["width"] > places["width"]
        assert places["x"] + places["width"] >= width - 60  # nothing of the window is left over
        filters = [one.bounding_box()["y"] for one in page.locator(".sl-filters select").all()]
        assert max(filters) - min(filters) < 1
        assert box(page, ".sl-search")["height"] <= 66
        assert_cards_are_aligned_below_a_name_of_two_lines(page, width)
        seen.screenshot(f"layout-{width}-3-names")
    inside = page.frame_locator(".sl-frame")
    plates, (legend,) = boxes(inside, ".sl-sighting .sl-plate"), boxes(inside, ".sl-legend")
    assert len(plates) == 2
    assert not overlap(*plates)
    assert not any(overlap(plate, legend) for plate in plates)
    page.locator(".sl-summary h2").focus()
    assert_the_bar_covers_no_focus(page)
    drawn = page.locator(".sl-frame")
    frame = drawn.element_handle().content_frame()
    assert_the_wheel_zooms_with_ctrl_alone(page, drawn, frame)
    page.get_by_role("button", name="Change the question").click()
    page.locator(".sl-asking-pane").wait_for()
    page.wait_for_function("document.activeElement.matches('.sl-steps *')")
    assert box(page, ".sl-map")["height"] == pytest.approx(asking["height"], abs=1)
    page.set_viewport_size({"width": 360, "height": height})
    page.wait_for_function(CHART_FITS)
    seen.assert_clean()


def test_the_wheel_scrolls_the_page_and_a_place_is_found(
    served: Any, visit: Callable[..., Any]
) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address("investigate"))
    page.locator("canvas.sl-cameras[data-shown]").wait_for(state="attached")
    expect(page.locator("canvas.sl-cameras")).to_have_attribute("data-shown", "12")
    assert_the_wheel_zooms_with_ctrl_alone(page, page.locator(".sl-map").first, page)
    page.get_by_placeholder("Go to a camera or place").fill("cam-00")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="CAM-001) and 8 more").wait_for()
    page.get_by_placeholder("Go to a camera or place").fill("street 3")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="Street 3").wait_for()
    page.get_by_placeholder("Go to a camera or place").fill("nowhere")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="Not found").wait_for()
    expect(page.locator(".sl-map .leaflet-control-scale-line")).to_have_text(
        re.compile(r"^\d+ k?m$")
    )
    page.locator(".sl-map .leaflet-control-fullscreen a").click()
    page.wait_for_function("document.fullscreenElement !== null")
    seen.screenshot("layout-full-screen")
    page.keyboard.press("Escape")
    seen.assert_clean()
