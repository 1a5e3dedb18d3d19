"""Counts in words."""

from __future__ import annotations

from workbench.widgets.components.parts import count


def test_counts_agree_with_their_nouns() -> None:
    assert [count(n, "camera") for n in (0, 1, 1200)] == ["0 cameras", "1 camera", "1,200 cameras"]
