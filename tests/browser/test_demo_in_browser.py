"""The demo from its beginning to its end: one person, every part, no command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.walk import NOTE, Walk
from workbench.casework.record.identity import PART, account_of_process
from workbench.casework.register import all_entries
from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_settings
from workbench.demo.home import demo_installation
from workbench.installation import Installation

pytestmark = pytest.mark.browser


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


def test_the_demo_is_walked_to_its_end(
    served: Any, own: Installation, visit: Callable[..., Any]
) -> None:
    seen = visit(served.base)
    page = seen.page
    walk = Walk(page, served.address())
    walk.to_sightings()
    walk.play("Anna")
    page.get_by_text("confirmed sighting").first.wait_for()
    page.get_by_text("this case carries no authority").first.wait_for()
    page.locator(".sl-sightings-page .sl-notes td", has_text=NOTE).wait_for()
    seen.screenshot("demo-sightings")

    # Back at the question, the last one is offered.
    walk.go("Investigate")
    page.get_by_role("button", name="Restore and search").wait_for()
    walk.play("Otto")
    assert page.locator(".sl-cards").is_visible()  # Investigate is not for an auditor
    walk.audit()
    seen.screenshot("demo-audit")

    for width in (390, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.assert_clean()

    played = [e for e in all_entries(own.folder) if e.by.get("way") == PART]
    assert {e.by["account"] for e in played} == {"anna", "sara", "rosa", "tom", "otto"}
    assert {e.by["played_by"] for e in played} == {account_of_process()}
    done = {(e.by["account"], e.what) for e in played}
    assert {("anna", "note.written"), ("anna", "footage.viewed")} <= done
    assert not any(e.what.endswith(".refused") for e in all_entries(own.folder))
