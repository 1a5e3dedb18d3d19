"""Every page for those who use the keyboard, a reader of the screen, or a poor projector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pressing import press_everything, watch

pytestmark = pytest.mark.browser
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
# Words of ours that are there but cannot be read to their end.
CUT = """() => [...document.querySelectorAll(".widget-label, button, th, .sl-thumb span")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== "visible")
  .map((one) => one.textContent)"""
CONTROLS = {
    "button", "checkbox", "combobox", "link", "listbox", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox", "Date", "InputTime",
}  # fmt: skip
PAGES = {
    "investigate": ".sl-drop-button",
    "cases": ".sl-row-open",
    "footage": ".sl-table",
    "thresholds": ".sl-panel",
    "review": ".sl-panel",
    "audit": ".sl-panel",
    "sightings": ".sl-panel",
}


def nameless(page: Any) -> list[str]:
    """Controls that a reader of the screen could not tell, as Chromium sees the page."""
    tools = page.context.new_cdp_session(page)
    tools.send("Accessibility.enable")
    nodes = tools.send("Accessibility.getFullAXTree")["nodes"]
    return [
        f"{node['role']['value']} {node.get('description', {}).get('value', '')}"
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip(" \n\u200b")
    ]


@pytest.mark.parametrize("dashboard", PAGES)
def test_pages_can_be_read_and_told_aloud_and_nothing_on_them_leads_elsewhere(
    served: Any, visit: Callable[..., Any], dashboard: str
) -> None:
    seen = visit(served.base)
    windows = watch(seen.page)
    seen.page.goto(served.address(dashboard))
    seen.page.locator(PAGES[dashboard]).first.wait_for()
    seen.page.wait_for_timeout(1_500)
    seen.screenshot(f"accessible-{dashboard}")
    assert seen.page.evaluate(CONTRAST) == []
    assert nameless(seen.page) == []
    assert seen.page.evaluate(CUT) == []
    wide = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]  # nothing to scroll to sideways at 1366 by 768
    seen.page.emulate_media(color_scheme="dark")
    seen.screenshot(f"accessible-{dashboard}-dark")
    assert seen.page.evaluate(CONTRAST) == []
    assert press_everything(seen.page)
    seen.page.wait_for_timeout(500)
    assert (windows, seen.foreign) == ([], [])


def test_an_answer_can_be_read_and_told_aloud(
    served: Any, visit: Callable[..., Any], wanted: tuple[Path, ...]
) -> None:
    seen = visit(served.base)
    page = seen.page
    windows = watch(page)
    page.goto(served.address("investigate"))
    page.locator(".sl-drop-button").first.wait_for()
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files([wanted[0]])
    page.locator(".sl-photograph").first.wait_for()
    page.get_by_role("button", name="Use its area and time").click()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-summary").wait_for()
    page.wait_for_timeout(2_000)
    seen.screenshot("accessible-answer")
    assert page.evaluate(CONTRAST) == []
    assert nameless(page) == []
    assert page.evaluate(CUT) == []
    page.locator(".sl-card-open").first.click()
    page.locator(".sl-thumb").last.wait_for()
    assert page.evaluate(CUT) == []
    assert press_everything(page, most=200) > 40
    page.wait_for_timeout(500)
    assert (windows, seen.foreign) == ([], [])


def test_the_question_is_reached_with_the_keyboard_alone(
    served: Any, visit: Callable[..., Any]
) -> None:
    seen = visit(served.base)
    seen.page.goto(served.address("investigate"))
    seen.page.locator(".sl-drop-button").first.wait_for()
    reached = []
    for _ in range(80):
        seen.page.keyboard.press("Tab")
        told = seen.page.evaluate(
            """() => {
              const at = document.activeElement, style = getComputedStyle(at);
              const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
              return [at.closest(".sl-panel")?.className ?? "", at.outerHTML.slice(0, 120),
                      ring || style.boxShadow !== "none"];
            }"""
        )
        reached.append(told)
    panels = " ".join(panel for panel, *_ in reached)
    for name in ("sl-target", "sl-district", "sl-time", "sl-search"):
        assert name in panels
    assert [words for panel, words, visible in reached if panel and not visible] == []
