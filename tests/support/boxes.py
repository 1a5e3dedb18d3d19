"""Boxes of what is drawn on a page, and whether two of them cover each other."""

from __future__ import annotations

from typing import Any

Box = tuple[float, float, float, float]
BOXES = """(marks) => marks.map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [left, top, right, bottom];
})"""


def boxes(within: Any, selector: str) -> list[Box]:
    """Left, top, right and bottom of all that match in a page or frame, in pixels of its window."""
    found: list[Box] = within.locator(selector).evaluate_all(BOXES)
    return found


def overlap(one: Box, other: Box) -> bool:
    """True if the two cover each other in part."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
