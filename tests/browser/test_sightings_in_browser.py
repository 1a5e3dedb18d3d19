"""The page of confirmed sightings: real server, kernel and Chromium, on the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from boxes import boxes, overlap
from playwright.sync_api import Error, expect

from workbench.casework.viewing import viewings
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
    from workbench.domain import ClockCorrection, Scope
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
    # No two cameras of the demo record at once. By other clocks of three, four did.
    with Gallery.open(copy, write=True) as gallery:
        cameras = {camera.camera_id: camera for camera in gallery.cameras()}
        for name, ahead in (("FM-08", 105.0), ("FM-06", -350.0), ("FM-07", -582.0)):
            last = gallery.recorded_between([cameras[name]], town.start, town.end)[-1]
            compared = ClockCorrection(ahead, "anna", "compared", town.end, 4.0)
            gallery.correct_clock(compared, recordings=[last])
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
        yield running, Installation(Settings(home=own))


def test_the_team_reads_chooses_and_saves(served: Any, visit: Callable[..., Any]) -> None:
    running, _ = served
    seen = visit(running.base)
    page = seen.page
    page.goto(running.address())
    page.locator("a[href*='sightings.ipynb']").click()
    page.get_by_text("12 confirmed sightings").wait_for()
    inside = page.frame_locator(".sl-frame")
    inside.locator(".sl-plate.sl-confirmed").first.wait_for()
    seen.screenshot("sightings-1-map")
    plates, (legend,) = boxes(inside, ".sl-sighting .sl-plate"), boxes(inside, ".sl-legend")
    assert len(plates) > 1
    assert [one for one in plates if overlap(one, legend)] == []
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

    starts = {"HTML map": b"<!DOCTYPE html>", "CSV": b"\xef\xbb\xbfnumber,", "PNG": b"\x89PNG",
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


@contextmanager
def told_by(panel: Any) -> Iterator[None]:
    """Add to a failure what a panel says: why something is missing stands there."""
    try:
        yield
    except (AssertionError, Error) as error:
        error.add_note(f"The panel says: {panel.inner_text()}")
        raise


FILMS = """[...document.querySelectorAll(".sl-films video")]"""


def test_the_footage_of_four_cameras_plays_in_step_and_who_was_seen_is_followed(
    served: Any, visit: Callable[..., Any]
) -> None:
    running, installation = served
    seen = visit(running.base)
    page = seen.page
    watching, following = page.locator(".sl-watching"), page.locator(".sl-following")

    def told() -> list[Any]:
        return [*viewings(Installation(installation.settings).register, "TRAINING")]

    def look(panel: Any, name: str) -> None:
        for size in ({"width": 1920, "height": 1080}, {"width": 1366, "height": 768}):
            page.set_viewport_size(size)
            panel.evaluate("panel => panel.scrollIntoView({ block: 'start' })")
            page.wait_for_timeout(200)
            seen.screenshot(f"{name}-{size['width']}")

    page.goto(running.address("sightings"))
    # By the time of the sighting, not of its confirmation: that is now, which may be 18:34 too.
    seen_first = page.locator("td:nth-child(4)", has_text="18:34:30")
    rows = page.locator(".sl-sightings-page tbody tr", has_text="Market Place")
    rows.filter(has=seen_first).get_by_role("button").click()
    page.locator(".sl-sightings-page tr:nth-child(8).sl-selected").wait_for()
    page.get_by_role("button", name="Look at the footage").click()
    page.wait_for_function("document.activeElement.matches('.sl-watching .sl-heading')")
    with told_by(watching):
        expect(watching.locator("video")).to_have_count(4)
        page.wait_for_function(f"{FILMS}.every((v) => v.readyState >= 2 && v.videoWidth === 480)")
    expect(watching.locator("figcaption").first).to_have_text("Market Place (FM-03)")
    expect(watching.locator("figcaption", has_text="time corrected")).to_have_count(3)
    clock = watching.locator("time")
    assert ", 18:34:3" in clock.inner_text()
    look(watching, "look-1-pictures")
    # A picture of each is shown, and no more is on record.
    assert [(one.detail, one.end - one.start) for one in told()] == [("coarse", 0.0)] * 4

    play = watching.get_by_role("button", name="Play or pause")
    play.click()
    page.wait_for_function(f"{FILMS}.length === 4 && {FILMS}.every((v) => v.currentTime > 0.5)")
    play.click()
    expect(play).to_have_text("Play")
    at = page.evaluate(f"{FILMS}.map((v) => v.currentTime)")
    assert max(at) - min(at) < 0.5
    watching.get_by_role("button", name="1 second on", exact=True).click()
    page.wait_for_function(
        "before => " + FILMS + ".every((v, n) => v.currentTime > before[n] + 0.4)", arg=at
    )
    look(watching, "look-2-played")
    played = told()
    assert {one.camera_id for one in played} == {"FM-03", "FM-06", "FM-07", "FM-08"}
    assert len({one.since for one in played}) == 1  # at one instant, whatever their clocks said
    assert all(one.end - one.start > 2 for one in played)

    watching.get_by_role("button", name="Show sharp").click()
    page.get_by_text("Write the reason first").wait_for()
    watching.get_by_role("textbox").fill("Colour of the coat")
    watching.get_by_role("button", name="Show sharp").click()
    page.wait_for_function(f"{FILMS}.length === 4 && {FILMS}.every((v) => v.videoWidth === 640)")
    look(watching, "look-3-sharp")
    sharp = [one for one in told() if one.detail == "sharp"]
    assert {(one.reason, one.end - one.start) for one in sharp} == {("Colour of the coat", 0.0)}
    assert len(sharp) == 4

    page.get_by_role("button", name="Follow from here").click()
    page.wait_for_function("document.activeElement.matches('.sl-following .sl-heading')")
    following.get_by_text("last seen").wait_for()
    rows = following.locator("tbody tr")
    minutes = following.get_by_role("spinbutton").nth(1)
    minutes.fill("1.2")
    minutes.press("Enter")
    # 201 m on foot; 513 m, but not 610 m, by bicycle; all nine others by car.
    for how, number in (("on foot", 1), ("by bicycle", 8), ("by car", 9)):
        wanted = following.locator("option", has_text=how).inner_text()
        following.locator("select").select_option(wanted)
        expect(rows).to_have_count(number)
        following.get_by_text(f": {number} camera{'s' if number > 1 else ''} within").wait_for()
    minutes.fill("30")
    minutes.press("Enter")
    library = rows.filter(has_text="Library steps")
    expect(library).to_contain_text("18:39:30")
    expect(library).to_contain_text("not known")  # its clock
    expect(rows.filter(has_text="Fish Quay")).to_contain_text("none then")
    look(following, "follow-1-reached")
    library.get_by_role("button").click()
    expect(watching.locator("figcaption")).to_have_text(["Library steps (FM-04)"])
    assert ", 18:39:30" in clock.inner_text()
    seen.assert_clean()
