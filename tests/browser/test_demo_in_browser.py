"""The demo from its beginning to its end: one person, every part, no command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from workbench.casework.record.identity import PART, account_of_process
from workbench.casework.register import all_entries
from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_settings
from workbench.demo.home import demo_installation
from workbench.installation import Installation

pytestmark = pytest.mark.browser
WANTED = "Maren Holt"


@pytest.fixture
def own(demo: Path, installation: Installation, copied: Any, tmp_path: Path) -> Installation:
    """The demo's own home as `sightline demo` makes it; the town has been indexed before."""
    settings = installation.settings.model_copy(update={"home": tmp_path})
    made = demo_installation(Installation(settings))
    copied(demo, made.settings.home)
    return made


@pytest.fixture
def served(own: Installation, serving: Any, tmp_path: Path) -> Iterator[Any]:
    town = demo_town()
    gallery, settings = demo_gallery(town, own), demo_settings(town, own)
    with serving(gallery, tmp_path, **settings.environment()) as running:
        yield running


def play(page: Any, part: str) -> None:
    button = page.locator(".sl-parts").get_by_role("button", name=part)
    with page.expect_navigation():
        button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def go(page: Any, name: str, within: str = ".sl-nav") -> None:
    with page.expect_navigation():
        page.locator(within).get_by_role("link", name=name).click()


def decide(page: Any) -> None:
    """Decide on each face that waits, with the keys."""
    keyboard, sheet = page.keyboard, page.locator(".sl-sheet")
    page.get_by_text("to decide on.").wait_for()
    for left in range(9, 0, -1):
        faces = page.get_by_text(f"{left} face{'s' if left > 1 else ''} to decide on.")
        if not faces.is_visible():
            continue
        for key in "sss7r":
            keyboard.press(key)
        keyboard.type("Nose, ears and mouth.")
        sheet.get_by_role("button", name="Record the decision").click()
        expect(faces).to_be_hidden()


def test_the_demo_is_walked_to_its_end(
    served: Any, own: Installation, visit: Callable[..., Any]
) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address())
    page.get_by_text("The demo from its beginning to its end").wait_for()
    play(page, "Anna")
    go(page, "Cases", ".sl-cards")
    page.get_by_role("button", name="Request a case").click()
    page.get_by_role("button", name=WANTED).click()
    page.locator(".sl-photographs img").nth(2).wait_for()
    page.get_by_role("button", name="Request the case").click()
    page.get_by_text("You requested DEMO-1.").wait_for()

    play(page, "Sara")
    assert "case=DEMO-1" in page.url  # and the case is shown
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You approved DEMO-1; it is open.").wait_for()

    play(page, "Anna")
    go(page, "Investigate")
    page.get_by_role("button", name=WANTED).click()
    page.get_by_role("button", name="Use its area and time").click()
    page.locator(".sl-photographs img").nth(2).wait_for()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-summary h2").wait_for()
    page.get_by_role("button", name="Send to review").click()
    go(page, "Open Review", ".sl-reviewing")
    page.get_by_text("takes no part in its review").wait_for()

    for part in ("Rosa", "Tom"):
        play(page, part)
        decide(page)
    go(page, "Open Sightings", ".sl-review")
    play(page, "Anna")
    page.get_by_text("confirmed sighting").first.wait_for()
    page.get_by_text("this case carries no authority").first.wait_for()
    seen.screenshot("demo-sightings")

    # Back at the question, the last one is offered.
    go(page, "Investigate")
    page.get_by_role("button", name="Restore and search").wait_for()
    play(page, "Otto")
    assert page.locator(".sl-cards").is_visible()  # Investigate is not for an auditor
    go(page, "Audit", ".sl-cards")
    page.locator(".sl-audit td", has_text="rosa").first.wait_for()
    seen.screenshot("demo-audit")

    for width in (390, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.assert_clean()

    played = [e for e in all_entries(own.folder) if e.by.get("way") == PART]
    assert {e.by["account"] for e in played} == {"anna", "sara", "rosa", "tom", "otto"}
    assert {e.by["played_by"] for e in played} == {account_of_process()}
    assert not any(e.what.endswith(".refused") for e in all_entries(own.folder))
