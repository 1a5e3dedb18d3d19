"""Style sheets of pages and panels: the colours of both, and what panels look like.

``tokens.css`` holds the colours, sizes and fonts, for light and for dark surroundings: pages of the
server and panels share it. ``widgets.css`` holds what panels look like. Panels bring both along to
wherever they are shown: JupyterLab, Voila, a page of the server. All rules of ``widgets.css`` hold
for the class ``sl`` and what is within, so nothing else on the page changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
"""Folder of the style sheets."""

FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)
"""Where machines keep fonts with many letters, the best first: for papers and films."""

PANEL_CLASS = "sl"
"""Class of the elements that ``widgets.css`` is about."""

BEFORE_CHARTS: list[Callable[[], None]] = []
"""What is called before Plotly shows a chart in a notebook, which then gets its style sheet."""


@cache
def picture_font(size: float) -> Any:
    """Load the font with the most letters on this machine; where there is none, Pillow's own.

    That one has the letters of English alone.
    """
    from PIL import ImageFont  # which few that ask for style sheets need

    path = next((path for path in FONTS if Path(path).is_file()), None)
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def tokens() -> str:
    """Return the colours, sizes and fonts, as CSS."""
    return (FOLDER / "tokens.css").read_text("utf-8")


def sheet() -> str:
    """Return all that panels need, as CSS: the tokens, and their rules."""
    return tokens() + (FOLDER / "widgets.css").read_text("utf-8")
