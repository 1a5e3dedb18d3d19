"""The page of confirmed sightings: real server, kernel and Chromium, on the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from workbench.installation import Installation
from workbench.settings import Settings

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(
    demo: Path,
    installation: Installation,
    serving: Any,
    copied: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The demo with a training case: what two people said of its candidates is on record."""
    from workbench.casework.record.people import Person
    from workbench.casework.reviewing.review import list_for_review
    from workbench.casework.reviewing.reviewlist import reviewed
    from workbench.demo import demo_town
    from workbench.demo.check import training_case
    from workbench.district import from_file
    from workbench.domain import Scope
    from workbench.faces.probes import make_probe
    from workbench.gallery import Gallery
    from workbench.investigation import search

    own = tmp_path_factory.mktemp("office")
    models = installation.load_models("dlib")
    register = Installation(Settings(home=own)).register
    town = demo_town()
    reference = training_case(town, register)
    scope = Scope(from_file(town.root / "districts/fennmouth.geojson"), town.start, town.end)
    photographs = list(town.photographs[sorted(town.photographs)[0]])
    copy = copied(demo, own)
    with Gallery.open(copy) as gallery:
        probe = make_probe(photographs, models=models)
        # With no threshold, somebody else is among them, whom nobody could have travelled to be.
        found = search(gallery, probe, scope, case=reference, register=register, top=12)
    list_for_review(register, reference, found.candidates, probe=probe)
    for item in reviewed(register, reference):
        for number, account in enumerate(("anna", "<b>rosa</b>"), start=1):
            about = {"case": reference, "key": item.key, "round": number, "conclusion": 2,
                     "features": {}, "reason": "As a fixture."}  # fmt: skip
            by = Person(account, "account", 1, frozenset(), in_service=False)
            register.record("review.decided", about, by=by)
    folder = tmp_path_factory.mktemp("server")
    with serving(copy, folder, SIGHTLINE_HOME=str(own)) as running:
        yield running


def test_the_team_reads_chooses_and_saves(served: Any, visit: Callable[..., Any]) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address())
    page.locator("a[href*='sightings.ipynb']").click()
    page.get_by_text("12 confirmed sightings").wait_for()
    inside = page.frame_locator(".sl-frame")
    inside.locator(".sl-plate.sl-confirmed").first.wait_for()
    seen.screenshot("sightings-1-map")
    rows = page.locator(".sl-sightings-page tbody tr")
    expect(rows).to_have_count(12)
    assert "anna, <b>rosa</b>" in rows.first.inner_text()

    page.locator(".sl-frame").evaluate("frame => { frame.theSame = true; }")
    inside.locator(".sl-sighting").first.press("Enter")
    page.locator(".sl-sightings-page tr.sl-selected").wait_for()
    assert page.locator(".sl-frame").evaluate("frame => frame.theSame") is True
    page.locator(".sl-sightings-page tr.sl-selected").scroll_into_view_if_needed()
    seen.screenshot("sightings-2-table")
    rows.nth(1).locator("td").nth(2).click()
    page.locator(".sl-sightings-page tr:nth-child(2).sl-selected").wait_for()
    inside.locator(".sl-chosen").first.wait_for(state="attached")
    rows.nth(4).get_by_role("button", name="Show sighting 5").press("Enter")
    page.locator(".sl-sightings-page tr:nth-child(5).sl-selected").wait_for()

    starts = {"HTML map": b"<!DOCTYPE html>", "CSV": b"\xef\xbb\xbfrank,", "PNG": b"\x89PNG",
              "GeoJSON": b'{"type": "FeatureCollection"'}  # fmt: skip
    for name, start in starts.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().read_bytes().startswith(start)
        page.get_by_text("is on record under TRAINING").wait_for()
    page.locator(".sl-route summary").click()
    page.locator(".sl-route").scroll_into_view_if_needed()
    seen.screenshot("sightings-3-route")
    seen.assert_clean()
