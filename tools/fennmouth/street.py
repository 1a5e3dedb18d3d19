"""A canvas with perspective, and the street furniture painted on it.

Painted flat with OpenCV at twice the size, then softened like things behind the focus. A camera
stands ``EYE`` above the ground and looks level through a long lens: a point *x* metres to the side,
*y* above the ground and *z* away is seen at ``x · FOCAL / z`` from the middle of the picture and
``(EYE - y) · FOCAL / z`` below the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.fennmouth.surfaces import Floats, smooth_noise

WIDTH, HEIGHT = 640, 360
FOCAL = 2750.0  # pixels
EYE = 1.80  # metres above the ground
HORIZON = 58.0  # pixels from the top of the picture
FINE = 2  # the canvas is so many times larger than the picture

Shade = tuple[float, float, float]  # red, green, blue from 0 to 1, as shown


@dataclass(slots=True)
class Canvas:
    """A picture in the making."""

    rng: np.random.Generator
    pixels: Floats = field(
        default_factory=lambda: np.zeros((HEIGHT * FINE, WIDTH * FINE, 3), np.float32)
    )

    def at(self, x: float, y: float, z: float) -> tuple[int, int]:
        """Place on the canvas of a point of the scene (metres)."""
        return (
            round((WIDTH / 2 + x * FOCAL / z) * FINE),
            round((HORIZON + (EYE - y) * FOCAL / z) * FINE),
        )

    def block(self, z: float, x0: float, x1: float, y0: float, y1: float, colour: Shade) -> None:
        """An upright rectangle facing the camera."""
        cv2.rectangle(self.pixels, self.at(x0, y1, z), self.at(x1, y0, z), colour, -1)

    def shape(self, z: float, points: list[tuple[float, float]], colour: Shade) -> None:
        """An upright polygon facing the camera."""
        corners = np.array([self.at(x, y, z) for x, y in points], np.int32)
        cv2.fillPoly(self.pixels, [corners], colour, cv2.LINE_AA)

    def disc(self, z: float, x: float, y: float, radius: float, colour: Shade) -> None:
        """A ball seen from afar."""
        size = max(1, round(radius * FOCAL / z * FINE))
        cv2.circle(self.pixels, self.at(x, y, z), size, colour, -1, cv2.LINE_AA)

    def letters(self, z: float, x: float, y: float, text: str, size: float, colour: Shade) -> None:
        """Words on a sign, centred; ``size`` is the height of the letters in metres."""
        tall = size * FOCAL / z * FINE / 22
        (wide, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, tall, 2)
        left, base = self.at(x, y, z)
        ink = np.zeros(self.pixels.shape[:2], np.uint8)  # letters are only drawn in bytes
        cv2.putText(ink, text, (left - wide // 2, base), cv2.FONT_HERSHEY_DUPLEX, tall, 255, 2)
        cover = (ink.astype(np.float32) / 255)[..., None]
        self.pixels[:] = self.pixels * (1 - cover) + np.asarray(colour, np.float32) * cover

    def sky(self, top: Shade, low: Shade, down_to: float = HORIZON + 30) -> None:
        """Paint the sky from *top* to *low* at a row of the picture, without change below."""
        rows = np.clip(np.arange(HEIGHT * FINE) / (down_to * FINE), 0, 1)[:, None, None]
        self.pixels[:] = np.asarray(top) * (1 - rows) + np.asarray(low) * rows

    def ground(
        self, colour: Shade, *, beyond: float, slab: float = 0.0, joint: float = 0.86
    ) -> None:
        """Ground up to *beyond* metres, with slabs of a size in metres laid in bond."""
        rows = np.arange(HEIGHT * FINE) / FINE - HORIZON
        first = int((HORIZON + EYE * FOCAL / beyond) * FINE)
        z = EYE * FOCAL / np.maximum(rows[first:, None], 1e-3)
        x = (np.arange(WIDTH * FINE) / FINE - WIDTH / 2)[None] * z / FOCAL
        shape = (len(z), x.shape[1])
        tone = 1 + 0.012 * smooth_noise(self.rng, *shape, 3, 14)
        tone += 0.020 * smooth_noise(self.rng, *shape, 16, 70)
        if slab:
            row = np.floor(z / slab)
            column = np.floor(x / (1.5 * slab) + 0.5 * (row % 2))
            own = np.sin(row * 12.9898 + column * 78.233) * 43758.5453
            tone *= 1 + 0.055 * (own - np.floor(own) - 0.5)
            along = np.abs(x / (1.5 * slab) + 0.5 * (row % 2) - column - 0.5) > 0.485
            across = np.abs(z / slab - row - 0.5) > 0.46
            tone *= np.where(along | across, joint, 1.0)
        tone *= 0.86 + 0.18 * np.clip((HEIGHT * FINE - np.arange(len(z)))[:, None] / 900, 0, 1)
        self.pixels[first:] = np.asarray(colour) * 1.08 * tone[..., None]

    def finished(self) -> Floats:
        """The picture at its true size, a little out of focus."""
        small = cv2.resize(self.pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), 0.9)
        grain = 1 + 0.010 * smooth_noise(self.rng, HEIGHT, WIDTH, 0.8)
        return np.clip(soft * grain[..., None], 0, 1).astype(np.float32)


def darker(shade: Shade, share: float) -> Shade:
    """A shade with *share* of its light."""
    return shade[0] * share, shade[1] * share, shade[2] * share


# --- Things that stand about ------------------------------------------------------------------


def bricks(c: Canvas, z: float, x0: float, x1: float, colour: Shade, course: float = 0.22) -> None:
    """A wall from the ground to above the picture."""
    c.block(z, x0, x1, 0, 6, colour)
    left, top = c.at(x0, 6, z)
    right, bottom = c.at(x1, 0, z)
    left, top, right = max(left, 0), max(top, 0), min(right, WIDTH * FINE)
    part = c.pixels[top:bottom, left:right]
    if part.size:
        height, width = part.shape[:2]
        y = np.arange(height)[:, None] / (course * FOCAL / z * FINE)
        x = np.arange(width)[None] / (2.6 * course * FOCAL / z * FINE) + 0.5 * (np.floor(y) % 2)
        own = np.sin(np.floor(y) * 12.9898 + np.floor(x) * 78.233) * 43758.5453
        tone = 1 + 0.09 * (own - np.floor(own) - 0.5)
        tone *= np.where((y % 1 < 0.12) | (x % 1 < 0.05), 0.93, 1.0)
        part *= tone[..., None].astype(np.float32)


def shop(c: Canvas, z: float, x: float, wide: float, name: str, front: Shade, wall: Shade) -> None:
    """A shop front with a lit window full of things, a door and its name above."""
    bricks(c, z, x, x + wide, wall)
    dark = darker(front, 0.6)
    c.block(z, x + 0.15, x + wide - 0.15, 0, 2.75, front)
    c.block(z, x + 0.15, x + wide - 0.15, 2.35, 2.8, dark)
    c.letters(z, x + wide / 2, 2.40, name, 0.20, (0.93, 0.88, 0.74))
    door = x + wide - 1.35
    c.block(z, x + 0.35, door - 0.2, 0.55, 2.25, (0.93, 0.80, 0.55))  # a lit window
    for shelf in (0.75, 1.25):
        for thing in np.arange(x + 0.5, door - 0.45, 0.26):
            tall, tint = c.rng.uniform(0.12, 0.34), c.rng.uniform(0.25, 0.75, 3)
            c.block(z, float(thing), float(thing) + 0.19, shelf, shelf + float(tall),
                    (float(tint[0]), float(tint[1]) * 0.9, float(tint[2]) * 0.7))  # fmt: skip
        c.block(z, x + 0.35, door - 0.2, shelf - 0.05, shelf, (0.45, 0.33, 0.22))
    c.block(z, (x + 0.35 + door - 0.2) / 2 - 0.03, (x + 0.35 + door - 0.2) / 2 + 0.03, 0.55, 2.25,
            front)  # fmt: skip
    c.block(z, door, door + 1.0, 0, 2.2, dark)
    c.block(z, door + 0.14, door + 0.86, 0.9, 2.05, (0.75, 0.66, 0.48))


def window(c: Canvas, z: float, x: float, y: float, wide: float, tall: float, lit: bool) -> None:
    """A sash window."""
    c.block(z, x - 0.07, x + wide + 0.07, y - 0.10, y + tall + 0.07, (0.86, 0.84, 0.79))
    glass: Shade = (0.92, 0.78, 0.52) if lit else (0.34, 0.40, 0.46)
    c.block(z, x, x + wide, y, y + tall, glass)
    c.block(z, x + wide / 2 - 0.03, x + wide / 2 + 0.03, y, y + tall, (0.86, 0.84, 0.79))
    c.block(z, x, x + wide, y + tall / 2 - 0.03, y + tall / 2 + 0.03, (0.86, 0.84, 0.79))


def door(c: Canvas, z: float, x: float, colour: Shade) -> None:
    """A panelled door with a fanlight."""
    c.block(z, x - 0.12, x + 1.07, 0, 2.5, (0.86, 0.84, 0.79))
    c.block(z, x, x + 0.95, 0.08, 2.1, colour)
    c.block(z, x, x + 0.95, 2.15, 2.4, (0.92, 0.80, 0.56))
    c.disc(z, x + 0.8, 1.0, 0.04, (0.8, 0.7, 0.35))


def tree(c: Canvas, z: float, x: float, green: Shade, size: float = 1.0) -> None:
    """A tree with a round crown."""
    c.shape(z, [(x - 0.16, 0), (x + 0.16, 0), (x + 0.08, 3), (x - 0.08, 3)], (0.27, 0.21, 0.16))
    for _ in range(60):
        dx, dy = np.clip(c.rng.normal(size=2), -1.5, 1.5) * (0.75 * size, 0.5 * size)
        bright = float(c.rng.uniform(0.75, 1.2)) + 0.15 * float(dy)
        tint = (green[0] * bright, green[1] * bright, green[2] * bright)
        c.disc(z, x + float(dx), 2.6 * size + float(dy), float(c.rng.uniform(0.15, 0.4)), tint)


def lamp(c: Canvas, z: float, x: float) -> None:
    """The post of a street lamp."""
    c.block(z, x - 0.06, x + 0.06, 0, 6, (0.13, 0.16, 0.15))
    c.block(z, x - 0.13, x + 0.13, 0, 0.7, (0.13, 0.16, 0.15))


def bollards(c: Canvas, z: float, every: float) -> None:
    """A row of bollards across the picture."""
    for x in np.arange(-6, 6, every):
        c.block(z, float(x) - 0.09, float(x) + 0.09, 0, 0.85, (0.14, 0.15, 0.17))
        c.block(z, float(x) - 0.09, float(x) + 0.09, 0.66, 0.74, (0.75, 0.74, 0.70))


def railing(c: Canvas, z: float, colour: Shade, gap: float = 0.3) -> None:
    """A railing across the picture."""
    for x in np.arange(-7, 7, gap):
        c.block(z, float(x), float(x) + 0.035, 0, 1.05, colour)
    c.block(z, -8, 8, 1.02, 1.12, colour)
    c.block(z, -8, 8, 0.12, 0.17, colour)


def boat(c: Canvas, z: float, x: float, hull: Shade, size: float = 1.0) -> None:
    """A fishing boat, *x* amidships."""
    s = size
    c.block(z, x + 0.1 * s, x + 1.5 * s, 0.8 * s, 1.75 * s, (0.90, 0.89, 0.84))
    c.block(z, x + 0.3 * s, x + 1.3 * s, 1.2 * s, 1.6 * s, (0.28, 0.36, 0.42))
    c.shape(z, [(x - 1.7 * s, 0.95 * s), (x + 2.3 * s, 0.85 * s), (x + 2.0 * s, 0),
                (x - 1.2 * s, 0)], hull)  # fmt: skip
    c.block(z, x - 1.6 * s, x + 2.2 * s, 0.78 * s, 0.88 * s, (0.93, 0.91, 0.86))
    c.block(z, x - 0.6 * s, x - 0.52 * s, 0.8 * s, 6, (0.36, 0.30, 0.24))


def water(c: Canvas, near: float, far: float, colour: Shade) -> None:
    """Rippled water between two distances in metres."""
    top, bottom = c.at(0, 0, far)[1], c.at(0, 0, near)[1]
    wide = WIDTH * FINE
    ripple = 1 + 0.07 * smooth_noise(c.rng, bottom - top, wide, 1.6, 22)
    c.pixels[top:bottom] = np.asarray(colour) * ripple[..., None]
