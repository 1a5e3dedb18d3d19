"""Where things are on the page Investigate, by their boxes, at the widths of three screens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
    bar: getComputedStyle(bar).position === "sticky" ? own.top : innerHeight };
}"""
PLATES = """() => [...document.querySelectorAll(".sl-sighting .sl-plate, .sl-legend")]
  .map((one) => { const { left, top, right, bottom } = one.getBoundingClientRect();
    return [left, top, right, bottom]; })"""


def area(box: dict[str, float]) -> float:
    return box["width"] * box["height"]


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def box(page: Any, selector: str) -> dict[str, float]:
    found: dict[str, float] = page.locator(selector).first.bounding_box()
    return found


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
    for _ in range(45):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if not at["inBar"] and at["height"]:
            assert at["top"] < at["bar"], at
            assert at["bottom"] <= at["bar"] + 1 or at["height"] > 0.5 * height, at

    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files([wanted[0]])
    page.locator(".sl-photograph").wait_for()
    page.locator(".sl-district select").first.select_option("All cameras")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-card").nth(1).wait_for()
    page.wait_for_function("document.activeElement.matches('.sl-summary h2')")
    assert not page.locator(".sl-asking-pane").is_visible()
    top = box(page, ".sl-summary h2")
    assert 0 <= top["y"] < 0.3 * height
    marks = page.frame_locator(".sl-frame").locator(".sl-sighting .sl-plate")
    marks.nth(1).wait_for()
    page.locator(".sl-timeline .scatterlayer .point").nth(1).wait_for()
    seen.screenshot(f"layout-{width}-2-answer")
    results, places = box(page, ".sl-results"), box(page, ".sl-places")
    if width > 1000:
        assert box(page, ".sl-asked")["height"] <= 48
        assert results["width"] > places["width"]
        assert places["x"] + places["width"] >= width - 60  # nothing of the window is left over
        filters = [one.bounding_box()["y"] for one in page.locator(".sl-filters select").all()]
        assert max(filters) - min(filters) < 1
        for part in ("img", "strong", ".sl-score"):
            tops = [one.bounding_box()["y"] for one in page.locator(f".sl-card {part}").all()]
            assert max(tops) - min(tops) < 1
    *plates, legend = page.frames[-1].evaluate(PLATES)
    assert len(plates) == 2
    assert not overlap(*plates)
    assert not any(overlap(plate, legend) for plate in plates)
    page.get_by_role("button", name="Change the question").click()
    page.locator(".sl-asking-pane").wait_for()
    page.wait_for_function("document.activeElement.matches('.sl-steps *')")
    assert box(page, ".sl-map")["height"] == pytest.approx(asking["height"], abs=1)
    seen.assert_clean()


ZOOM = """() => Number(document.querySelector(".sl-map .leaflet-proxy")
  .style.transform.match(/scale\\((.*)\\)/)[1])"""


def test_the_wheel_scrolls_the_page_and_a_place_is_found(
    served: Any, visit: Callable[..., Any]
) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address("investigate"))
    page.locator("canvas.sl-cameras[data-shown]").wait_for(state="attached")
    expect(page.locator("canvas.sl-cameras")).to_have_attribute("data-shown", "12")
    page.wait_for_timeout(500)
    before = page.evaluate(ZOOM)
    page.mouse.move(800, 400)
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 100")
    assert page.evaluate(ZOOM) == before
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function(f"({ZOOM})() > {before}")

    page.get_by_placeholder("Go to a camera or place").fill("cam-00")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="CAM-001) and 8 more").wait_for()
    page.get_by_placeholder("Go to a camera or place").fill("street 3")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="Street 3").wait_for()
    page.get_by_placeholder("Go to a camera or place").fill("nowhere")
    page.keyboard.press("Enter")
    page.locator(".sl-district [role=status]", has_text="Not found").wait_for()
    page.locator(".sl-map .leaflet-control-fullscreen a").click()
    page.wait_for_function("document.fullscreenElement !== null")
    seen.screenshot("layout-full-screen")
    page.keyboard.press("Escape")
    seen.assert_clean()
