"""Steps 1 to 3 of the question as an analyst fills them in: photographs, district, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(served: Any, visit: Callable[..., Any]) -> Any:
    seen = visit(served.base)
    seen.page.goto(served.address("investigate"))
    seen.page.locator(".sl-drop-button").first.wait_for()
    return seen


def test_gaps_are_seen_before_anything_is_searched(opened: Any) -> None:
    seen = opened
    plot = seen.page.locator(".sl-footage-plot")
    plot.locator(".bars").first.wait_for()
    words = plot.inner_text()
    assert "No camera has footage in 2 periods" in words
    assert "No footage does not mean not there" in words
    # Told by hatching, not by colour alone.
    assert plot.locator("pattern").count() >= 1
    plot.evaluate("panel => panel.scrollIntoView({block: 'end'})")
    seen.screenshot("asking-1-footage")
    box = plot.bounding_box()
    panel = seen.page.locator(".sl-time").bounding_box()
    assert box["x"] >= panel["x"]
    assert box["x"] + box["width"] <= panel["x"] + panel["width"]
    seen.assert_clean()
