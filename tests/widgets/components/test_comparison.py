"""Pictures side by side, without a browser."""

from __future__ import annotations

import pytest

from workbench.widgets.components.comparison import Comparison, Picture


def test_a_choice_among_the_pictures_of_the_face_before_is_no_error() -> None:
    made = Comparison(lambda: pytest.fail("no eyes are looked for"))
    assert (made.left, made.right, made.alignment) == (None, None, "")
    made.photographs = made.shots = (Picture(b"", "the best"),)
    made.photograph, made.shot = 2, 4  # as the browser says when the next face has come
    assert (made.left, made.right) == (made.photographs[0], made.shots[0])
    assert "no eyes were found" in made.alignment
    made.shots = (Picture(b"", "the best"), Picture(b"", "another"))
    assert made.right == made.shots[1]
