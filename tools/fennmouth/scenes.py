"""The ten places of the town as its cameras see them when nobody is there, and their light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tools.fennmouth.street import (
    FINE,
    HEIGHT,
    WIDTH,
    Canvas,
    Shade,
    boat,
    bollards,
    bricks,
    darker,
    door,
    lamp,
    railing,
    shop,
    tree,
    water,
    window,
)
from tools.fennmouth.surfaces import Floats, Light, smooth_noise


@dataclass(frozen=True, slots=True)
class Scene:
    """A backdrop and the light of its place."""

    paint: Callable[[Canvas], None]
    light: Light

    def painted(self, seed: int) -> Floats:
        """The backdrop (360, 640, 3), red, green, blue from 0 to 1."""
        canvas = Canvas(np.random.default_rng(seed))
        self.paint(canvas)
        return canvas.finished()


def station(c: Canvas) -> None:
    """A forecourt before a brick station with arched windows and a clock."""
    c.sky((0.62, 0.72, 0.82), (0.90, 0.84, 0.74))
    z = 52.0
    bricks(c, z, -8, 8, (0.66, 0.41, 0.31))
    for x in (-5.6, -3.4, 1.6, 3.8):
        c.disc(z, x + 0.6, 1.75, 0.68, (0.84, 0.80, 0.70))
        c.block(z, x - 0.08, x + 1.28, 0.6, 1.75, (0.84, 0.80, 0.70))
        c.disc(z, x + 0.6, 1.75, 0.56, (0.36, 0.42, 0.47))
        c.block(z, x + 0.04, x + 1.16, 0.7, 1.75, (0.36, 0.42, 0.47))
        c.block(z, x + 0.57, x + 0.63, 0.7, 2.3, (0.84, 0.80, 0.70))
    c.block(z, -1.5, 1.1, 0, 2.55, (0.84, 0.80, 0.70))
    c.block(z, -1.3, -0.25, 0, 2.25, (0.16, 0.27, 0.25))
    c.block(z, -0.15, 0.9, 0, 2.25, (0.16, 0.27, 0.25))
    for x in (-1.15, 0.0):
        c.block(z, x, x + 0.75, 0.95, 2.1, (0.93, 0.82, 0.58))
    c.block(z, -2.3, 1.9, 2.5, 2.85, (0.12, 0.20, 0.33))
    c.letters(z, -0.2, 2.58, "FENNMOUTH", 0.22, (0.95, 0.94, 0.9))
    c.ground((0.60, 0.575, 0.54), beyond=z, slab=0.8)
    lamp(c, 44, -2.5)
    bollards(c, 40, 1.25)


def corner(c: Canvas) -> None:
    """A street corner with a bakery and a bicycle shop."""
    c.sky((0.66, 0.74, 0.82), (0.88, 0.84, 0.78))
    z = 40.0
    shop(c, z, -5.9, 4.6, "BAKERY", (0.20, 0.36, 0.33), (0.74, 0.67, 0.56))
    shop(c, z, -1.2, 4.8, "CYCLES & REPAIRS", (0.50, 0.20, 0.17), (0.62, 0.40, 0.31))
    shop(c, z, 3.7, 4.0, "FLOWERS", (0.33, 0.28, 0.42), (0.78, 0.74, 0.66))
    c.ground((0.57, 0.56, 0.545), beyond=z, slab=0.6)
    c.block(38.8, -8, 8, 0, 0.06, (0.68, 0.67, 0.64))


def market(c: Canvas) -> None:
    """The market place: striped stalls before pale houses."""
    c.sky((0.60, 0.70, 0.82), (0.90, 0.86, 0.78))
    far = 60.0
    walls = [(0.80, 0.74, 0.62), (0.70, 0.52, 0.44), (0.82, 0.80, 0.75), (0.66, 0.70, 0.68)]
    for i, x in enumerate((-8.0, -4.0, 0.0, 4.0)):
        c.block(far, x, x + 4, 0, 6, walls[i])
        window(c, far, x + 0.5, 1.0, 0.9, 1.4, lit=i % 2 == 0)
        door(c, far, x + 2.3, (0.20, 0.28, 0.36))
    c.ground((0.60, 0.56, 0.50), beyond=far, slab=0.42)
    fruit: list[Shade] = [
        (0.80, 0.35, 0.12),
        (0.70, 0.15, 0.12),
        (0.55, 0.62, 0.20),
        (0.85, 0.70, 0.20),
    ]
    stalls: list[tuple[float, Shade]] = [
        (-5.2, (0.72, 0.20, 0.18)),
        (-1.0, (0.17, 0.38, 0.50)),
        (3.0, (0.24, 0.45, 0.28)),
    ]
    for x, stripe in stalls:
        z, wide = 43.0, 3.1
        c.block(z, x, x + wide, 0, 0.85, (0.50, 0.40, 0.29))
        for k in range(34):
            c.disc(z, x + 0.1 + k * 0.088, 0.92, 0.08, fruit[(k // 5 + int(x) % 3) % 4])
        for post in (x, x + wide):
            c.block(z, post - 0.04, post + 0.04, 0, 2.1, (0.55, 0.52, 0.48))
        for k in range(8):
            left = x - 0.2 + k * (wide + 0.4) / 8
            colour = stripe if k % 2 else (0.90, 0.87, 0.80)
            cloth = [(left + 0.12, 2.5), (left + 0.5, 2.5), (left + 0.44, 1.95), (left, 1.95)]
            c.shape(z, cloth, colour)


def library(c: Canvas) -> None:
    """Stone steps and columns."""
    c.sky((0.64, 0.72, 0.80), (0.88, 0.85, 0.78))
    z = 48.0
    bricks(c, z, -8, 8, (0.72, 0.67, 0.57), course=0.5)
    c.block(z, -1.3, 1.3, 0.5, 2.9, (0.45, 0.40, 0.34))
    c.block(z, -0.95, 0.95, 0.5, 2.6, (0.26, 0.19, 0.14))
    c.block(z, -0.7, -0.1, 1.3, 2.4, (0.90, 0.76, 0.50))
    c.block(z, 0.1, 0.7, 1.3, 2.4, (0.90, 0.76, 0.50))
    for x in (-4.2, -2.1, 1.7, 3.8):
        c.block(z - 1, x - 0.08, x + 0.55, 0.5, 6, (0.66, 0.61, 0.52))
        c.block(z - 1, x, x + 0.35, 0.5, 6, (0.84, 0.80, 0.70))
        c.block(z - 1, x - 0.15, x + 0.62, 0.45, 0.7, (0.80, 0.76, 0.66))
    c.ground((0.61, 0.585, 0.54), beyond=z, slab=0.7)
    for k in range(5):
        tone = 0.80 - 0.035 * k
        c.block(z - 1.5 - 0.5 * k, -8, 8, 0, 0.5 - 0.1 * k, (tone, tone * 0.95, tone * 0.85))
    c.letters(z - 1, -3.15, 1.6, "FREE", 0.16, (0.35, 0.30, 0.25))
    c.letters(z - 1, -3.15, 1.35, "LIBRARY", 0.16, (0.35, 0.30, 0.25))


def terrace(c: Canvas) -> None:
    """A terrace of houses with painted doors."""
    c.sky((0.66, 0.73, 0.80), (0.88, 0.84, 0.78))
    z = 44.0
    walls: list[Shade] = [
        (0.64, 0.43, 0.34),
        (0.83, 0.79, 0.70),
        (0.58, 0.39, 0.32),
        (0.71, 0.74, 0.74),
    ]
    doors: list[Shade] = [
        (0.17, 0.31, 0.42),
        (0.55, 0.15, 0.14),
        (0.19, 0.36, 0.25),
        (0.78, 0.62, 0.2),
    ]
    for i, x in enumerate((-7.6, -3.8, 0.0, 3.8)):
        bricks(c, z, x, x + 3.8, walls[i])
        window(c, z, x + 0.5, 0.8, 1.3, 1.5, lit=i in (1, 2))
        door(c, z, x + 2.4, doors[i])
    c.ground((0.55, 0.545, 0.54), beyond=z, slab=0.55)
    c.block(42.6, -8, 8, 0, 0.10, (0.66, 0.65, 0.62))
    tree(c, 41, -2.5, (0.34, 0.44, 0.24), 0.9)


def bridge(c: Canvas) -> None:
    """The town bridge: a stone parapet, the river and far houses."""
    c.sky((0.58, 0.68, 0.80), (0.92, 0.84, 0.72))
    far = 150.0
    for i in range(12):
        x, tall = -20 + 3.4 * i, float(c.rng.uniform(2.4, 3.4))
        tone = float(c.rng.uniform(0.75, 1.1))
        c.block(far, x, x + 3.2, -0.4, tall, (0.62 * tone, 0.52 * tone, 0.46 * tone))
        for w in (0.6, 1.9):
            c.block(far, x + w, x + w + 0.6, 1.0, 1.8, (0.85, 0.74, 0.52))
    water(c, 45, far, (0.52, 0.58, 0.62))
    c.ground((0.585, 0.57, 0.545), beyond=46, slab=0.7)
    z = 46.0
    c.block(z, -8, 8, 0, 1.0, (0.70, 0.66, 0.58))
    for k in range(18):
        c.block(z, -8 + k * 0.9, -7.97 + k * 0.9, 0, 1.0, (0.58, 0.55, 0.48))
    c.block(z - 0.1, -8, 8, 0.95, 1.14, (0.80, 0.77, 0.69))
    for x in (-4.4, 3.6):
        c.block(z - 0.2, x, x + 0.9, 0, 1.5, (0.75, 0.71, 0.63))
        c.block(z - 0.2, x - 0.1, x + 1.0, 1.45, 1.62, (0.83, 0.80, 0.72))


def park(c: Canvas) -> None:
    """The park: lawns, trees and a gravel path between low hedges."""
    c.sky((0.62, 0.73, 0.84), (0.88, 0.88, 0.78))
    c.block(110, -20, 20, 0, 4.0, (0.40, 0.49, 0.32))
    for x in np.linspace(-13, 13, 9):
        tree(c, 100, float(x), (0.36, 0.47, 0.27), 1.4)
    c.ground((0.42, 0.53, 0.28), beyond=110)
    path = [(-1.2, 0.0, 90.0), (0.9, 0.0, 90.0), (3.2, 0.0, 14.0), (-3.2, 0.0, 14.0)]
    corners = np.array([c.at(*p) for p in path], np.int32)
    mask = np.zeros(c.pixels.shape[:2], np.float32)
    cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA)
    gravel = np.array([0.70, 0.63, 0.51]) * (
        1 + 0.04 * smooth_noise(c.rng, HEIGHT * FINE, WIDTH * FINE, 2, 4)[..., None]
    )
    c.pixels[:] = c.pixels * (1 - mask[..., None]) + gravel * mask[..., None]
    tree(c, 48, -4.0, (0.33, 0.46, 0.23), 1.2)
    tree(c, 48, 4.2, (0.38, 0.48, 0.22), 1.2)
    c.block(46, 2.2, 3.9, 0.42, 0.50, (0.42, 0.29, 0.18))  # a bench
    c.block(46, 2.2, 3.9, 0.62, 0.92, (0.46, 0.32, 0.20))
    for x in (2.3, 3.75):
        c.block(46, x, x + 0.07, 0, 0.9, (0.20, 0.20, 0.20))


def harbour(c: Canvas) -> None:
    """The harbour: railing, moored boats and the sea."""
    c.sky((0.56, 0.68, 0.82), (0.94, 0.86, 0.74))
    water(c, 40, 900, (0.46, 0.57, 0.62))
    c.block(400, -60, 60, 0, 3.0, (0.52, 0.55, 0.54))
    boat(c, 95, -8.0, (0.20, 0.32, 0.44), 1.5)
    boat(c, 72, 2.6, (0.62, 0.20, 0.16), 1.35)
    boat(c, 66, -4.4, (0.22, 0.40, 0.34), 1.1)
    c.ground((0.63, 0.60, 0.55), beyond=44, slab=0.75)
    c.block(43.5, -8, 8, 0, 0.08, (0.74, 0.72, 0.67))
    railing(c, 43, (0.88, 0.88, 0.86))


def quay(c: Canvas) -> None:
    """The fish quay: tarred sheds, crates and nets."""
    c.sky((0.60, 0.70, 0.80), (0.90, 0.85, 0.76))
    z = 47.0
    sheds: list[Shade] = [(0.19, 0.22, 0.24), (0.46, 0.20, 0.16), (0.22, 0.30, 0.33)]
    for i, x in enumerate((-7.5, -2.5, 2.5)):
        c.block(z, x, x + 4.9, 0, 6, sheds[i])
        for plank in np.arange(x, x + 4.9, 0.24):
            c.block(z, float(plank), float(plank) + 0.03, 0, 6, darker(sheds[i], 0.86))
        c.block(z, x + 1.3, x + 3.5, 0, 2.4, (0.62, 0.66, 0.66))
        c.block(z, x + 2.37, x + 2.43, 0, 2.4, (0.34, 0.37, 0.38))
    c.letters(z, -0.1, 2.52, "FRESH FISH", 0.24, (0.92, 0.90, 0.84))
    c.ground((0.53, 0.53, 0.525), beyond=z, slab=1.3)
    for x, tall in ((-4.6, 3), (-3.7, 2), (3.6, 3), (4.5, 1)):
        for k in range(tall):
            crate: Shade = (0.85, 0.55, 0.16) if k == 1 else (0.18, 0.42, 0.60)
            c.block(44, x, x + 0.8, 0.36 * k, 0.36 * k + 0.33, crate)
            c.block(44, x + 0.06, x + 0.74, 0.36 * k + 0.22, 0.36 * k + 0.26, (0.1, 0.2, 0.3))


def ferry(c: Canvas) -> None:
    """The ferry landing: a gangway, a white ferry and lifebelts."""
    c.sky((0.55, 0.67, 0.82), (0.95, 0.86, 0.73))
    water(c, 40, 900, (0.44, 0.55, 0.61))
    z = 75.0
    c.shape(z, [(-9, 1.5), (7.5, 1.5), (6.6, -0.3), (-9, -0.3)], (0.16, 0.24, 0.38))
    c.block(z, -9, 6.2, 1.4, 3.2, (0.91, 0.90, 0.86))
    for x in np.arange(-8, 5.5, 1.1):
        c.block(z, float(x), float(x) + 0.7, 1.85, 2.5, (0.93, 0.82, 0.58))
    c.block(z, -9, 7.2, 1.4, 1.55, (0.72, 0.25, 0.18))
    c.ground((0.60, 0.55, 0.48), beyond=45, slab=0.32, joint=0.80)  # planks
    railing(c, 43, (0.22, 0.30, 0.36), 0.5)
    for x in (-2.9, 3.0):
        c.disc(42.9, x, 0.75, 0.33, (0.86, 0.40, 0.16))
        c.disc(42.9, x, 0.75, 0.18, (0.50, 0.52, 0.52))


_EVENING = Light(direction=(0.45, 0.5, 0.75), ambient=0.55, tint=(1.04, 1.0, 0.94), exposure=1.22)
_FROM_LEFT = Light(direction=(-0.5, 0.5, 0.75), ambient=0.55, tint=(1.05, 1.0, 0.93), exposure=1.22)
_OVERCAST = Light(direction=(0.1, 0.75, 0.65), ambient=0.66, tint=(0.98, 1.0, 1.03), exposure=1.22)

SCENES = {
    "station": Scene(station, _EVENING),
    "corner": Scene(corner, _OVERCAST),
    "market": Scene(market, _FROM_LEFT),
    "library": Scene(library, _OVERCAST),
    "terrace": Scene(terrace, _EVENING),
    "bridge": Scene(bridge, _FROM_LEFT),
    "park": Scene(park, _OVERCAST),
    "harbour": Scene(harbour, _EVENING),
    "quay": Scene(quay, _FROM_LEFT),
    "ferry": Scene(ferry, _EVENING),
}
