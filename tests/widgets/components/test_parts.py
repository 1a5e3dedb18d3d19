"""Counts and lengths of time in words."""

from __future__ import annotations

import pytest

from workbench.widgets.components.parts import count, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (90, "1 min 30 s"), (3_600, "1 h"), (4_320, "1 h 12 min"),
     (200_000, "2 days 7 h")],
)  # fmt: skip
def test_lengths_of_time_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_agree_with_their_nouns() -> None:
    assert [count(n, "camera") for n in (0, 1, 1200)] == ["0 cameras", "1 camera", "1,200 cameras"]
