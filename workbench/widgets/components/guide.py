"""Brings a part of a page into view, and the keyboard's focus to it."""

from __future__ import annotations

from pathlib import Path

import anywidget


class Guide(anywidget.AnyWidget):
    """Leads whoever is at the page to a part of it; must be displayed, though it shows nothing."""

    _esm = Path(__file__).with_name("guide.js")

    def lead(self, part: str, *, focus: str = "") -> None:
        """Scroll to what a CSS selector names first, and focus it, or what *focus* names.

        Waits until both are drawn; does nothing where they are not after some seconds.
        """
        self.send({"show": part, "focus": focus or part})
