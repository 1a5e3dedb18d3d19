"""Compilation of clips: one film in the order of time, with the real time beside each picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont, UnidentifiedImageError

from workbench.footage.filmwriter import FilmWriter

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.domain import Image

WIDTH, HEIGHT, BAND = 1280, 720, 56  # pixels; times stand in the band, and cover nothing
CARD_SECONDS = 2.5
GAP_SECONDS = 0.04


class Reel:
    """A film of several clips, each behind a card that says what it shows.

    Parameters
    ----------
    zone : ZoneInfo
        Where times are local.
    notice : str
        What must be said with every picture, such as that it is for training.
    """

    def __init__(self, zone: ZoneInfo, notice: str = "") -> None:
        self._zone, self._notice = zone, notice
        self._film, self._at, self._began = FilmWriter(), 0.0, 0.0
        self._label = ""
        self._first: datetime | None = None  # time of the clip's first picture

    def begin(self, label: str, lines: Sequence[str], *, jpeg: bytes = b"") -> None:
        """Show a card with lines, and a picture where there is one, before a clip.

        *label* stands beside the times of the clip.
        """
        canvas = Pictures.new("RGB", (WIDTH, HEIGHT), "#14181d")
        pen, y = ImageDraw.Draw(canvas), 150
        if jpeg:
            try:
                face = Pictures.open(io.BytesIO(jpeg)).convert("RGB")
            except (UnidentifiedImageError, OSError):
                lines = [*lines, "Its picture cannot be read."]
            else:
                face.thumbnail((360, 360))
                canvas.paste(face, (WIDTH - 420, 150))
        for line in lines:
            pen.text((70, y), line, fill="#ffffff", font=_font(30))
            y += 52
        if self._notice:
            pen.text((70, HEIGHT - 60), self._notice, fill="#ffb4a8", font=_font(19))
        card = np.asarray(canvas)[:, :, ::-1]
        for seconds in (0.0, CARD_SECONDS - GAP_SECONDS):
            self._film.add(card, self._at + seconds)
        self._at += CARD_SECONDS
        self._label, self._first = label, None

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
        """End the film, and return it as MP4; without a card, nothing."""
        return self._film.finish()

    def _band(self, moment: datetime) -> Image:
        local = moment.astimezone(self._zone)
        words = f"{local:%d %b %Y  %H:%M:%S}.{local.microsecond // 100_000} {local:%Z}"
        strip = Pictures.new("RGB", (WIDTH, BAND), "#14181d")
        pen = ImageDraw.Draw(strip)
        pen.text((20, 8), words, fill="#ffffff", font=_font(26))
        pen.text((WIDTH - 20, 11), self._label, fill="#ffffff", font=_font(21), anchor="ra")
        if self._notice:
            pen.text((20, 38), self._notice, fill="#ffb4a8", font=_font(12))
        return np.asarray(strip)[:, :, ::-1]


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
