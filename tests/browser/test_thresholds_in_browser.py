"""The page of thresholds: real server, kernel and Chromium, no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.calibration import Calibration, write_calibration
from workbench.domain import Profile
from workbench.faces.models import installed
from workbench.installation import Installation

pytestmark = pytest.mark.browser


@pytest.fixture
def ours(
    installation: Installation, calibrated: Callable[[Profile], Calibration]
) -> Iterator[Path]:
    path = installation.settings.calibrations_folder / "dlib.json"
    write_calibration(calibrated(installed("dlib", home=installation.settings.models)), path)
    yield path
    path.unlink()


def test_a_threshold_is_explained_and_compared(
    demo: Path, ours: Path, tmp_path: Path, serving: Any, visit: Any
) -> None:
    with serving(demo, tmp_path) as served:
        look_at_thresholds(served, visit(served.base), ours)


def look_at_thresholds(served: Any, seen: Any, calibration: Path) -> None:
    page = seen.page
    page.goto(served.address())
    page.get_by_role("link", name="Thresholds").click()
    page.get_by_text("Calibrated on eighty sets of numbers").wait_for()
    for number in range(4):
        page.locator(".sl-plot").nth(number).locator(".main-svg").first.wait_for()
    before = false_candidates(page)

    page.get_by_label("Tracklets compared").fill("100000")
    page.get_by_label("Tracklets compared").press("Enter")
    page.get_by_text("100,000 tracklets", exact=False).first.wait_for()
    assert false_candidates(page) > 5 * before

    page.get_by_role("button", name="As in the gallery here").click()
    page.get_by_text(re.compile("as in the gallery", re.IGNORECASE)).first.wait_for(
        state="attached"
    )
    slider = page.get_by_role("slider").last
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_role("button", name="Recommended").click()

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a calibration").click()
    chooser.value.set_files(calibration)
    page.locator(".sl-table").get_by_text("dlib.json").wait_for()
    seen.screenshot("thresholds")
    page.set_viewport_size({"width": 1366, "height": 2600})
    page.wait_for_timeout(500)
    seen.screenshot("thresholds-whole")
    assert page.locator(".sl-thresholds img").count() == 0  # nobody is shown
    seen.assert_clean()


def false_candidates(page: Any) -> float:
    return float(page.locator(".sl-facts strong").first.inner_text().replace(",", ""))
