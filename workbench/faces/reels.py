"""Compilation of clips: one film in the order of time, with the real time beside each picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, UnidentifiedImageError

from workbench.domain.times import zone_label
from workbench.footage.filmwriter import FilmWriter
from workbench.style import picture_font

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.domain import Image

WIDTH, HEIGHT, BAND = 1280, 720, 56  # pixels; times stand in the band, and cover nothing
CARD_SECONDS, FACTS_SECONDS = 2.5, 6.0
CARD_MARGIN = 70  # pixels
GAP_SECONDS = 0.04


class Reel:
    """A film of several clips, each behind a card that says what it shows.

    Parameters
    ----------
    zone : ZoneInfo
        Where times are local.
    notice : str
        What must be said with every picture, such as that it is for training.
    film : FilmWriter, optional
        What writes it; by default it is kept in memory.
    """

    def __init__(self, zone: ZoneInfo, notice: str = "", *, film: FilmWriter | None = None) -> None:
        self._zone, self._notice = zone, notice
        self._film, self._at, self._began = film or FilmWriter(), 0.0, 0.0
        self._label = ""
        self._first: datetime | None = None  # time of the clip's first picture

    def tell(self, facts: Mapping[str, str]) -> None:
        """Show a card that says what the film is, by name: its title, case, scope and so on."""
        lines = [f"{name.capitalize()}: {text}" for name, text in facts.items()]
        self._card(lines, top=60, size=24, seconds=FACTS_SECONDS)

    def begin(self, label: str, lines: Sequence[str], *, jpeg: bytes = b"") -> None:
        """Show a card with lines, and a picture where there is one, before a clip.

        *label* stands beside the times of the clip.
        """
        self._card(lines, jpeg=jpeg)
        self._label, self._first = label, None

    def _card(
        self,
        lines: Sequence[str],
        *,
        jpeg: bytes = b"",
        top: int = 150,
        size: int = 30,
        seconds: float = CARD_SECONDS,
    ) -> None:
        canvas = Pictures.new("RGB", (WIDTH, HEIGHT), "#14181d")
        pen, y, wide = ImageDraw.Draw(canvas), top, WIDTH - 2 * CARD_MARGIN
        if jpeg:
            try:
                face = Pictures.open(io.BytesIO(jpeg)).convert("RGB")
            except (UnidentifiedImageError, OSError):
                lines = [*lines, "Its picture cannot be read."]
            else:
                face.thumbnail((360, 360))
                canvas.paste(face, (WIDTH - 420, 150))
                wide = WIDTH - 440 - CARD_MARGIN
        notice = wrapped(self._notice, picture_font(19), WIDTH - 2 * CARD_MARGIN)
        foot = HEIGHT - 40 - 26 * len(notice)
        for line in (part for text in lines for part in wrapped(text, picture_font(size), wide)):
            if y + 1.5 * size > foot:
                break  # the file's tags have all of it
            pen.text((CARD_MARGIN, y), line, fill="#ffffff", font=picture_font(size))
            y += round(1.75 * size)
        for number, line in enumerate(notice):
            pen.text((CARD_MARGIN, foot + 26 * number), line, fill="#ffb4a8", font=picture_font(19))
        card = np.asarray(canvas)[:, :, ::-1]
        for second in (0.0, seconds - GAP_SECONDS):
            self._film.add(card, self._at + second)
        self._at += seconds

    def add(self, picture: Image, moment: datetime) -> None:
        """Add a picture ``(height, width, 3) uint8`` (BGR) of a clip, with its time (UTC)."""
        import cv2

        if self._first is None:
            self._first, self._began = moment, self._at
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        high, wide = picture.shape[:2]
        scale = min(WIDTH / wide, (HEIGHT - BAND) / high)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        left, top = (WIDTH - size[0]) // 2, (HEIGHT - BAND - size[1]) // 2
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size)
        canvas[HEIGHT - BAND :] = self._band(moment)
        self._at = self._began + (moment - self._first).total_seconds()
        self._film.add(canvas, self._at)
        self._at += GAP_SECONDS

    def finish(self) -> bytes:
        """End the film, and return it as MP4; nothing without a card, or if it is in a file."""
        return self._film.finish()

    def _band(self, moment: datetime) -> Image:
        local = moment.astimezone(self._zone)
        words = f"{local:%a %d %b %Y, %H:%M:%S}.{local.microsecond // 100_000} "
        words += zone_label(moment, self._zone)
        strip = Pictures.new("RGB", (WIDTH, BAND), "#14181d")
        pen = ImageDraw.Draw(strip)
        pen.text((20, 8), words, fill="#ffffff", font=picture_font(26))
        pen.text((WIDTH - 20, 11), self._label, fill="#ffffff", font=picture_font(21), anchor="ra")
        if self._notice:
            pen.text((20, 38), self._notice, fill="#ffb4a8", font=picture_font(12))
        return np.asarray(strip)[:, :, ::-1]


def wrapped(text: str, font: Any, wide: float) -> list[str]:
    """Break a text into lines of at most so many pixels; a word that is wider stays whole."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= wide:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
