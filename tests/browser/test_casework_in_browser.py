"""The pages of casework in a real browser, on the demo: the case, the review, the audit."""

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
    """The demo, served with casework of its own: a training case and two faces to decide on."""
    from workbench.casework.reviewing.review import list_for_review
    from workbench.demo import demo_town
    from workbench.demo.check import demo_threshold, training_case
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
        found = search(
            gallery, probe, scope, case=reference, register=register,
            threshold=demo_threshold(town, photographs=len(photographs)), top=2,
        )  # fmt: skip
    listed = list_for_review(register, reference, found.candidates, probe=probe)
    assert listed == 2
    folder = tmp_path_factory.mktemp("server")
    with serving(copy, folder, SIGHTLINE_HOME=str(own)) as running:
        yield running


def opened(served: Any, visit: Callable[..., Any], name: str) -> Any:
    seen = visit(served.base)
    seen.page.goto(served.address(name))
    return seen


def test_a_face_is_compared_and_decided_on(served: Any, visit: Callable[..., Any]) -> None:
    seen = opened(served, visit, "review")
    review = seen.page.locator(".sl-review")
    review.wait_for()
    review.locator("select").first.select_option("TRAINING")
    seen.page.get_by_text("2 faces to decide on.").wait_for()
    face = review.locator(".sl-compare img").last
    face.wait_for()
    assert face.evaluate("image => image.naturalWidth") > 20
    seen.screenshot("review-1-face")
    seen.page.get_by_role("button", name="Record the decision").click()
    seen.page.get_by_text("Choose a conclusion.").wait_for()
    for feature in ("Nose", "Ears", "Mouth"):
        review.locator(".widget-dropdown, .jupyter-widget-dropdown").filter(
            has_text=feature
        ).locator("select").select_option("similar")
    review.locator("select").last.select_option("Moderate support for the same person")
    review.locator("textarea").fill("Shape of the nose & <b>ears</b>.")
    seen.page.get_by_role("button", name="Record the decision").click()
    seen.page.get_by_text("1 face to decide on.").wait_for()
    assert review.locator("textarea").input_value() == ""
    seen.assert_clean()


def test_the_record_is_shown_to_whoever_may_see_it(served: Any, visit: Callable[..., Any]) -> None:
    seen = opened(served, visit, "audit")
    seen.page.get_by_text("One unbroken chain").wait_for()
    audit = seen.page.locator(".sl-audit")
    expect(audit.locator("table", has_text="Busiest day").locator("tbody tr")).to_have_count(1)
    expect(audit.locator("table", has_text="Time searched").locator("tbody tr")).to_have_count(1)
    audit.locator("input").fill("nobody at all")
    seen.page.get_by_text("None.").last.wait_for()
    seen.screenshot("audit-1-record")
    seen.assert_clean()


def test_the_case_is_chosen_before_anything_is_searched(
    served: Any, visit: Callable[..., Any]
) -> None:
    seen = opened(served, visit, "investigate")
    case = seen.page.locator(".sl-case")
    case.wait_for()
    assert case.locator("select").input_value() in ("TRAINING", "TRAINING: The demo")
    case.get_by_text("this case carries no authority").wait_for()
    seen.screenshot("case-1-training")
    case.locator("select").select_option("Choose a case…")
    seen.page.get_by_role("button", name="Search", exact=True).click()
    case.get_by_text("Choose a case.").wait_for()
    case.locator("select").select_option("TRAINING: The demo")
    case.get_by_role("button", name="Use its area and time").click()
    seen.page.locator(".sl-search", has_text="Needs a photograph.").wait_for()
    seen.assert_clean()
