"""Every page for those who use the keyboard, a reader of the screen, or a poor projector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fullhouse import DECIDED, TO_REVIEW, fill
from pressing import EITHER, press_everything

from workbench.casework.record.identity import account_of_process

pytestmark = pytest.mark.browser
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
# Words of ours that are there but cannot be read to their end.
CUT = """() => [...document.querySelectorAll(".widget-label, button, th, .sl-thumb span")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== "visible"
    && getComputedStyle(one).clipPath === "none")  // else it is for readers of the screen alone
  .map((one) => one.textContent)"""
CONTROLS = {
    "button", "checkbox", "combobox", "link", "listbox", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox", "Date", "InputTime",
}  # fmt: skip
# What shows that a page is there, and the least number of controls that are pressed on it. All that
# is there is pressed; a page on which less is there than now is not what it was.
PAGES = {
    "investigate": (".sl-drop-button", 65),
    "cases": (".sl-row-open", 85),
    "footage": (".sl-table", 35),
    "thresholds": (".sl-panel", 40),
    "review": (".sl-stage img", 85),
    "audit": (".sl-panel", 9),
    "sightings": (".sl-sightings-page tbody tr", 60),  # and its map's again, if drawn in time
    "people": (".sl-people", 10),
}
# One case, face, sighting or candidate has the page until another is chosen: what belongs to it
# goes with it, so that not all of it can be pressed. On other pages nothing may go before it was.
ONE_AT_A_TIME = {"cases", "review", "sightings", "answer"}


@pytest.fixture(scope="module")
def office(
    small_town: Path,
    wanted: tuple[Path, ...],
    copied: Any,
    serving: Any,
    ground: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The small town, served in service: no page is empty for whoever owns this process."""
    own = tmp_path_factory.mktemp("office")
    gallery = copied(small_town, own)
    fill(own, gallery, wanted[:2])
    settings = {"SIGHTLINE_HOME": str(own), "SIGHTLINE_CASE": TO_REVIEW}
    with serving(gallery, tmp_path_factory.mktemp("server"), **settings, **ground) as running:
        yield running


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
    served: Any, office: Any, visit: Callable[..., Any], dashboard: str
) -> None:
    server = served if dashboard == "audit" else office  # an auditor has no other role
    before = len(server.log.read_text())
    seen = visit(server.base)
    case = f"&case={DECIDED}" if dashboard == "sightings" else ""
    shown, least = PAGES[dashboard]
    seen.page.goto(server.address(dashboard) + case)
    seen.page.locator(shown).first.wait_for()
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
    press_all(seen, server, dashboard, least, before)


def press_all(seen: Any, server: Any, name: str, least: int, before: int) -> None:
    """Press all that is on a page, which goes on without an error there or on the server.

    What its log said *before* is left out.
    """
    fleeting = [""] if name in ONE_AT_A_TIME else EITHER
    own = f"Remove {account_of_process()}"  # from a case, which would not be shown any more
    pressed = press_everything(seen.page, leave=[own], fleeting=fleeting)
    assert len(pressed) >= least, pressed
    assert nameless(seen.page) == []  # of what was brought
    seen.assert_clean()
    said = server.log.read_text()[before:]
    assert "Traceback" not in said, said
    assert "ERROR" not in said, said


def test_an_answer_can_be_read_and_told_aloud(
    office: Any, visit: Callable[..., Any], wanted: tuple[Path, ...]
) -> None:
    seen = visit(office.base)
    page, before = seen.page, len(office.log.read_text())
    page.goto(office.address("investigate"))
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
    press_all(seen, office, "answer", 150, before)


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
