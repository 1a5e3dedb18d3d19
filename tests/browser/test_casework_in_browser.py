"""The pages of casework in a real browser, on the demo: the case, the review, the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boxes import boxes
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
    assert listed.faces == 2
    folder = tmp_path_factory.mktemp("server")
    with serving(copy, folder, SIGHTLINE_HOME=str(own)) as running:
        yield running


def opened(served: Any, visit: Callable[..., Any], name: str) -> Any:
    seen = visit(served.base)
    seen.page.goto(served.address(name))
    return seen


def test_a_face_is_compared_and_decided_on_with_the_keys(
    served: Any, visit: Callable[..., Any]
) -> None:
    seen = opened(served, visit, "review")
    page, keyboard = seen.page, seen.page.keyboard
    review = page.locator(".sl-review")
    sheet, compared = review.locator(".sl-sheet"), review.locator(".sl-comparing")
    choice = review.locator("select").first
    expect(choice.locator("option").last).to_have_text("TRAINING: 2 for you, 0 for others, 0 done")
    choice.select_option(index=1)
    page.get_by_text("2 faces to decide on.").wait_for()
    compared.get_by_text("Aligned: the eyes are level").wait_for()
    for picture in compared.locator(".sl-stage img").all():
        assert picture.evaluate("image => image.naturalWidth") > 20
    # Pictures and decision are on one screen, as large as it is.
    for size in ({"width": 1920, "height": 1080}, {"width": 1366, "height": 768}):
        page.set_viewport_size(size)
        for part in (compared, sheet):
            box = part.bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= size["height"]
            assert box["x"] + box["width"] <= size["width"]
        seen.screenshot(f"review-1-face-{size['width']}")
    # On a telephone each feature has its name, and each conclusion its words.
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    (name,) = boxes(page, ".sl-feature:has-text('Forehead') > span")
    assert name[2] - name[0] > 90
    conclusions = boxes(page, ".sl-scale button")
    assert len({one[0] for one in conclusions}) == 1
    seen.screenshot("review-1-face-390")
    page.set_viewport_size({"width": 1366, "height": 768})
    # All that lacks is said at once, each beside its field; the button is the last.
    keyboard.press("Control+Enter")
    expect(sheet.locator(".sl-sheet-problem:not(:empty)")).to_have_count(3)
    assert all(one.bounding_box()["y"] < 768 for one in sheet.locator(".sl-sheet-problem").all())
    seen.screenshot("review-2-lacking")
    keyboard.press("s")  # wherever the focus is: at first it is nowhere
    keyboard.press("d")
    keyboard.press("ArrowDown")
    keyboard.press("n")
    keyboard.press("s")
    expect(sheet.get_by_text("3 compared, 14 not looked at")).to_be_visible()
    keyboard.press("7")
    keyboard.press("6")
    expect(sheet.get_by_text("Moderate support for the same person")).to_be_visible()
    # The panel is the one of Investigate; keys go on there.
    compared.get_by_role("button", name="Overlay").click()
    compared.locator("input[type=range]").first.fill("2")
    keyboard.press("Backspace")
    keyboard.press("ArrowRight")  # the slider's own
    keyboard.press("r")
    keyboard.type("Shape of the nose & <b>ears</b>.")
    keyboard.press("Escape")
    expect(sheet.locator(".sl-feature:focus")).to_have_count(1)
    keyboard.press("ArrowRight")
    compared.get_by_text("Face 2 of 2").wait_for()
    expect(sheet.locator("textarea")).to_have_value("")
    keyboard.press("ArrowLeft")  # what was typed is still there
    expect(sheet.locator("textarea")).to_have_value("Shape of the nose & <b>ears</b>.")
    seen.screenshot("review-3-filled")
    keyboard.press("Control+Enter")
    page.get_by_text("1 face to decide on.").wait_for()
    expect(sheet.locator("textarea")).to_have_value("")
    expect(sheet.locator(".sl-feature:focus")).to_have_count(1)
    keyboard.press("x")
    keyboard.press("r")
    keyboard.type("Too dark.")
    sheet.get_by_role("button", name="Record the decision").click()
    page.get_by_text("Nothing is waiting for you.").wait_for()
    # What had the focus is gone; something else has it.
    page.wait_for_function("() => document.activeElement !== document.body")
    seen.assert_clean()


def test_the_record_is_shown_to_whoever_may_see_it(served: Any, visit: Callable[..., Any]) -> None:
    seen = opened(served, visit, "audit")
    seen.page.get_by_text("One unbroken chain").wait_for()
    audit = seen.page.locator(".sl-audit")
    expect(audit.locator("table", has_text="Busiest day").locator("tbody tr")).to_have_count(1)
    expect(audit.locator("table", has_text="Time searched").locator("tbody tr")).to_have_count(1)
    seen.page.set_viewport_size({"width": 390, "height": 844})
    (head,) = boxes(seen.page, ".sl-audit code")  # a digest is broken, as it is wider
    assert head[2] <= 390
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
