"""The documentation site, opened from the disk by a browser that finds no other host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_the_site_is_read_and_searched_from_the_disk(
    built: Path, visit: Callable[..., Any]
) -> None:
    seen = visit()
    page = seen.page
    page.goto(built.joinpath("guides/operator.html").as_uri())
    drawing = page.get_by_alt_text("Who talks to whom on a server")
    assert drawing.evaluate("one => one.complete && one.naturalWidth > 0")
    field = page.get_by_role("textbox", name="Search")
    field.click()
    page.get_by_text("Type to start searching").wait_for()  # the index is read
    field.press_sequentially("surer detection upright")  # it listens to keys
    page.locator(".md-search-result__link", has_text="0008:").first.click()
    page.locator("h1", has_text="0008:").wait_for()
    assert page.url.startswith(built.joinpath("decisions/0008-upright.html").as_uri())
    seen.assert_clean()
