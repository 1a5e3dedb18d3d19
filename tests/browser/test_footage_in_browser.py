"""The page of footage: real server, kernel and Chromium, no network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_footage_is_shown_by_camera_and_time(served: Any, visit: Any) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address())
    page.get_by_role("link", name="Footage").click()
    page.get_by_text("3 recordings", exact=False).first.wait_for()
    page.locator(".barlayer .point").first.wait_for()
    expect(page.locator(".barlayer .point")).to_have_count(3)
    table = page.locator(".sl-table").first
    expect(table.locator("tbody tr")).to_have_count(3)
    seen.screenshot("footage")
    page.get_by_label("Camera", exact=True).select_option(index=1)
    page.get_by_text("No recordings.").or_(table.locator("tbody tr").nth(0)).first.wait_for()
    page.get_by_role("button", name="Refresh", exact=True).click()
    page.get_by_text("As of").wait_for()
    seen.assert_clean()


def test_a_folder_without_a_list_is_listed_with_its_camera_on_the_map(
    served: Any, small_town: Path, visit: Any
) -> None:
    folder = served.log.parent / "handed in"
    (folder / "Quay").mkdir(parents=True)
    clip = small_town.parent / "footage" / "clips" / "cam-001.mp4"
    shutil.copyfile(clip, folder / "Quay" / "2026-03-30_18-00-00.mp4")
    seen = visit(served.base)
    page = seen.page
    try:
        page.goto(served.address("footage"))
        page.get_by_role("button", name="List the footage of a folder").click()
        page.get_by_label("Folder").fill(str(folder))
        page.get_by_role("button", name="Read folder").click()
        page.get_by_text("1 not ready").wait_for()
        page.get_by_label("Zone of the clocks").fill("Europe/London")
        page.get_by_label("Zone of the clocks").press("Tab")
        page.get_by_text("2026-03-30 17:00:00 UTC").wait_for()
        page.locator(".sl-import .leaflet-container").click(position={"x": 300, "y": 150})
        page.get_by_text("Every camera has its place").wait_for()
        seen.screenshot("footage-import")
        page.get_by_role("button", name="Write 1 recording").click()
        page.get_by_text("Written: 1 recording and 1 camera").wait_for()
        rows = (folder / "footage.csv").read_text().splitlines()
        assert rows[1] == "Quay/2026-03-30_18-00-00.mp4,Quay,2026-03-30T17:00:00+00:00,name"
        seen.assert_clean()
    finally:
        shutil.rmtree(folder)


def test_a_clock_is_looked_at_and_compared_and_a_correction_previewed(
    served: Any, visit: Any
) -> None:
    seen = visit(served.base)
    page = seen.page
    page.goto(served.address("footage"))
    clocks = page.locator(".sl-clocks")
    clocks.get_by_label("Recording", exact=True).select_option(index=1)
    clocks.get_by_role("button", name="Compare with the clock in the picture").click()
    clocks.get_by_label("Clock is at").select_option("Top right")
    clocks.get_by_role("button", name="Show the pictures").click()
    expect(clocks.locator(".sl-clock img:visible")).to_have_count(2)
    clocks.get_by_label("Clock shows").first.fill("00:47:00")
    clocks.get_by_label("That clock was ahead by").fill("0")
    clocks.get_by_label("How that is known").first.fill("set by a time server")
    clocks.get_by_role("button", name="Compare", exact=True).click()
    clocks.get_by_text("drift not measured").wait_for()
    clocks.get_by_role("button", name="Correct or confirm times").click()
    expect(clocks.get_by_label("The time is ahead by")).not_to_have_value("")
    clocks.get_by_role("button", name="Preview").click()
    clocks.get_by_text("Nothing has changed yet. This would correct or confirm 1 time.").wait_for()
    clocks.scroll_into_view_if_needed()
    seen.screenshot("footage_clocks")
    seen.assert_clean()
