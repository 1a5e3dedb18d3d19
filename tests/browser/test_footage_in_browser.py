"""The page of footage: real server, kernel and Chromium, no network."""

from __future__ import annotations

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
    page.get_by_label("Camera").select_option(index=1)
    page.get_by_text("No recordings.").or_(table.locator("tbody tr").nth(0)).first.wait_for()
    page.get_by_role("button", name="Refresh", exact=True).click()
    page.get_by_text("As of").wait_for()
    seen.assert_clean()
