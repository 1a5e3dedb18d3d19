"""The features of a face: bumps that raise the skull's surface, and the colours painted on it.

Coordinates are those of the face in centimetres: x sideways, y up, origin between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tools.fennmouth.people import Traits
from tools.fennmouth.surfaces import smooth_noise

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Skull:
    """The bare head: every array is (rows, columns)."""

    angle: Grid  # around the head, 0 in front
    points: Grid  # (rows, columns, 3)
    front: Grid  # 1 in the face, 0 behind the ears
    level: Grid  # height, as if the lower edge did not rise towards the ears
    edge: Grid  # height of that lower edge


class Face:
    """Features of a face, as bumps and masks over its grid."""

    def __init__(self, p: Traits, skull: Skull) -> None:
        self.x, self.y = skull.points[..., 0], skull.points[..., 1]
        self.ax = np.abs(self.x)
        self.front = skull.front
        self.eye_x, self.eye_y = p.eye_distance, p.eye_level
        self.nose_y = -4.75 - p.nose_length  # its base
        self.mouth_y = -7.1 + p.mouth_level - 0.45 * p.nose_length
        self.chin_y = -11.3 - p.chin_length
        x, y, ax = self.x, self.y, self.ax
        # The line between the lips.
        self.lips = (
            self.mouth_y
            + (p.mouth_curve + 0.10) * (ax / p.mouth_width) ** 2
            - 0.10 * np.exp(-((x / 0.5) ** 2))
        )
        # The fold from the wing of the nose to the corner of the mouth.
        fold = ax - (1.9 * p.nose_width + 0.15) - 0.48 * (self.nose_y + 0.2 - y)
        self.fold = (
            np.exp(-((fold / 0.38) ** 2))
            * step((self.nose_y + 0.7 - y) * 3)
            * step((y - self.mouth_y + 0.2) * 3)
        )

    def bump(self, x: float, y: float, width: float, height: float) -> Grid:
        """A hill on both sides of the face, at ±x and y."""
        return hill(self.ax - x, self.y - y, width, height)

    def relief(self, p: Traits) -> Grid:
        """Height of each point above the skull, centimetres."""
        ax, y, bump, eye = self.ax, self.y, self.bump, self.eye_y
        deep = p.eye_depth
        d = p.brow_ridge * bump(2.8, 1.9 + eye, 2.6, 0.9) + 0.25 * bump(0, 5.5, 4.5, 2.5)
        d -= (0.75 + 0.6 * deep) * bump(self.eye_x - 0.9, eye + 0.25, 1.5, 1.25)
        d -= 0.5 * bump(self.eye_x + 0.4, eye - 0.9, 1.8, 0.9) * (0.3 + p.age)
        d += (0.62 + 0.25 * deep) * bump(self.eye_x, eye, 1.35, 1.05)
        d += p.cheek * bump(4.4, -2.9, 1.9, 1.5) + 0.6 * p.fat * bump(4.0, -5.6, 2.2, 2.4)
        d -= 0.45 * (1 - p.fat) * bump(4.9, -6.0, 1.7, 2.2)
        d += self._nose(p)
        near_mouth = step((p.mouth_width - ax) * 4)
        d += 0.5 * bump(0, self.mouth_y, 3.2, 2.0)
        upper, lower = p.upper_lip, p.lower_lip
        d += (
            (0.5 * upper + 0.12)
            * near_mouth
            * np.exp(-(((y - self.lips - 0.45 * upper - 0.08) / (0.32 + 0.4 * upper)) ** 2))
        )
        d += (0.6 * lower + 0.1) * np.exp(
            -(((y - self.lips + 0.5 * lower + 0.1) / (0.34 + 0.45 * lower)) ** 2)
            - (ax / (p.mouth_width * 0.75)) ** 4
        )
        d -= 0.30 * np.exp(-(((y - self.lips) / 0.16) ** 2)) * near_mouth
        d -= 0.42 * bump(0, self.mouth_y - 1.75, 1.9, 0.55)
        d -= 0.14 * bump(0, self.mouth_y + 1.3, 0.35, 0.7)
        d += 0.55 * bump(0, self.chin_y + 1.4, 1.7 * p.chin_width, 1.1)
        d -= (0.10 + 0.30 * p.age + 0.12 * max(p.fat, 0)) * self.fold
        lines = np.sin(5 * y + 0.5 * np.sin(0.6 * self.x)) * bump(0, 5.0, 4, 1.6)
        return d + 0.06 * p.age**2 * lines * self.front

    def _nose(self, p: Traits) -> Grid:
        """A bridge, a rounded tip and two wings, melted together."""
        base, wide = self.nose_y, p.nose_width
        down = np.clip((self.eye_y + 0.9 - self.y) / (self.eye_y + 0.9 - base), 0, 1)
        begins = np.clip((self.eye_y + 1.8 - self.y) / 1.6, 0, 1)
        begins = begins * begins * (3 - 2 * begins)
        tip_y = base + 0.62 + 0.25 * p.tip_up
        ends = step((self.y - tip_y + 0.25) * 3.4)
        ridge = (p.bridge_height * begins * (1 - down) + 0.88 * p.nose_height * down**1.15) * ends
        half = 0.78 * p.bridge_width + 0.30 * down * wide
        bridge = ridge * np.exp(-((self.ax / half) ** 2.0))
        below = self.y < tip_y
        tip = p.nose_height * np.exp(
            -((self.ax / (0.62 + 0.42 * wide)) ** 2.4)
            - (np.abs(self.y - tip_y) / np.where(below, 0.80, 1.15)) ** 2.2
        )
        wing = (0.45 + 0.30 * p.nose_height) * wide**0.5
        wings = wing * self.bump(1.12 * wide, base + 0.42, 0.56 + 0.08 * wide, 0.60)
        melted: Grid = (bridge**4 + tip**4 + wings**4 + 1e-9) ** 0.25
        groove = 0.18 * self.bump(1.95 * wide + 0.2, base + 0.25, 0.4, 0.8)
        return melted - groove

    def skin(self, p: Traits, rng: np.random.Generator) -> Grid:
        """Colours of the bare skin with lips and nostrils, (rows, columns, 3)."""
        ax, y, bump, front = self.ax, self.y, self.bump, self.front
        rows, columns = y.shape
        skin = np.asarray(p.skin)
        a = np.broadcast_to(skin, (rows, columns, 3)).copy()
        red = 0.6 * p.blush * bump(4.1, -3.4, 2.0, 1.7) + 0.5 * bump(0, self.nose_y + 0.5, 1.5, 1.2)
        a *= 1 - red[..., None] * (0.02, 0.22, 0.22)
        blotches = 0.035 * smooth_noise(rng, rows, columns, 18)
        a *= (1 + blotches + 0.02 * smooth_noise(rng, rows, columns, 1.3))[..., None]
        if p.freckles:
            dots = step((smooth_noise(rng, rows, columns, 1.8) - 1.3) * 5)
            a *= (1 - 0.35 * p.freckles * dots * bump(2.5, -2.6, 3.6, 2.4))[..., None]
        around_eye = 0.28 * bump(self.eye_x, self.eye_y + 0.1, 1.7, 1.3) * (0.5 + 0.5 * p.age)
        bags = 0.22 * p.age * bump(self.eye_x - 0.2, self.eye_y - 1.3, 1.2, 0.5)
        a *= (1 - around_eye - bags - (0.10 + 0.22 * p.age) * self.fold * front)[..., None]

        half = np.sqrt(np.clip(1 - (ax / p.mouth_width) ** 2, 0, 1))
        bow = 0.12 + p.upper_lip * (1 - 0.25 * np.exp(-((ax / 0.3) ** 2)))
        tall = np.where(y > self.lips, bow, 0.15 + p.lower_lip) * half
        lips = step((tall - np.abs(y - self.lips)) * 12) * front * (ax < p.mouth_width)
        red_lips = skin * (0.82, 0.45, 0.46) * (1 - 0.25 * p.lip_red)
        red_lips += np.array([0.10, 0, 0.01]) * p.lip_red
        a = painted(a, red_lips, lips * (0.45 + 0.5 * p.lip_red))
        gap = np.exp(-(((y - self.lips) / 0.12) ** 2)) * step((p.mouth_width + 0.1 - ax) * 8)
        a = painted(a, skin * 0.22, 0.8 * gap * front)

        wide = p.nose_width
        holes = bump(0.74 * wide, self.nose_y + 0.02, 0.33 * wide, 0.20)
        a = painted(a, skin * 0.14, 0.8 * np.clip(1.4 * holes, 0, 1) * front)
        shadow = 0.26 * bump(0, self.nose_y - 0.30, 1.5 * wide, 0.42) * front
        return a * (1 - shadow)[..., None]

    def eyes(self, p: Traits, colours: Grid) -> Grid:
        """Paint the eyes, their lids and lashes."""
        ax, y, front, skin = self.ax, self.y, self.front, np.asarray(p.skin)
        u = (ax - self.eye_x) / p.eye_width
        tilted = self.eye_y + p.eye_tilt * (ax - self.eye_x)
        upper = tilted + p.eye_height * np.clip(1 - np.abs(u) ** 2.2, 0, 1) * (1 - 0.15 * u)
        lower = tilted - 0.75 * p.eye_height * np.clip(1 - np.abs(u) ** 2.4, 0, 1) * (1 + 0.12 * u)
        inside = step((upper - y) * 16) * step((y - lower) * 16) * (np.abs(u) < 1) * front
        crease = np.exp(-(((y - upper - 0.42 - 0.2 * p.lid_crease) / 0.16) ** 2 + (u / 1.05) ** 4))
        a = painted(colours, skin * 0.4, 0.55 * p.lid_crease * crease * front)
        white = np.array([0.58, 0.54, 0.52]) * (0.6 + 0.4 * step((upper - y - 0.25) * 8))[..., None]
        a = painted(a, white, inside)
        gaze_y, iris = self.eye_y + 0.05, 0.65
        r = np.hypot(ax - self.eye_x, y - gaze_y)
        tinted = np.asarray(p.iris) * (0.55 + 0.6 * np.clip(r / iris, 0, 1))[..., None]
        a = painted(a, tinted, inside * step((iris - r) * 18))
        a = painted(a, (0.02, 0.015, 0.01), 0.7 * inside * np.exp(-(((r - iris) / 0.09) ** 2)))
        a = painted(a, (0.01, 0.01, 0.01), inside * step((0.27 - r) * 22))
        glint = hill(self.x - np.sign(self.x) * self.eye_x + 0.2, y - gaze_y - 0.2, 0.13, 0.13)
        a = painted(a, (1.2, 1.2, 1.2), inside * np.clip(1.3 * glint, 0, 1))
        lash = np.exp(-(((y - upper - 0.03) / (0.13 if p.male else 0.19)) ** 2))
        a = painted(a, (0.03, 0.02, 0.02), 0.9 * lash * (np.abs(u) < 1.06) * front)
        lid = 0.5 * np.exp(-(((y - lower + 0.03) / 0.09) ** 2)) * (np.abs(u) < 1)
        return painted(a, skin * 0.35, lid * front)

    def brows(self, p: Traits) -> Grid:
        """Density of the eyebrows at each point."""
        u = (self.ax - self.eye_x - 0.1) / 2.05
        line = self.eye_y + p.brow_level + p.brow_tilt * (self.ax - self.eye_x)
        line = line + 0.6 * p.brow_arch * (1 - (u - 0.3) ** 2)
        thick = p.brow_thickness * (1.15 - 0.5 * np.clip(u, -1, 1))
        cover = np.exp(-(((self.y - line) / thick) ** 4)) * step((1 - np.abs(u)) * 9)
        return p.brow_density * cover * self.front

    def beard(self, p: Traits, ragged: Grid, angle: Grid) -> tuple[Grid, Grid]:
        """Density that beard and moustache could have at each point."""
        ax, y = self.ax, self.y
        jaw = step((0.55 * ax - 2.9 - 0.75 * (y - self.mouth_y) + 0.25 * ragged) * 2.2)
        chin = 3.2 * step((self.mouth_y - 1.0 - y) * 3)
        reach = step((-2.2 - y + 0.1 * ax + 0.2 * ragged) * 2) * step(
            (np.pi * 0.5 - np.abs(angle)) * 6
        )
        cover = np.clip(jaw + chin, 0, 1) * reach
        lips = np.exp(-(((y - self.lips) / (0.35 + 0.6 * p.lower_lip)) ** 4)) * step(
            (p.mouth_width * 0.9 - ax) * 4
        )
        lip_hair = np.exp(-(((y - self.mouth_y - 1.05) / 0.55) ** 4)) * step(
            (p.mouth_width + 0.3 - ax) * 3
        )
        lip_hair = lip_hair * (1 - lips * step((self.mouth_y + 0.3 - y) * 5))
        return cover * (1 - lips) * self.front, lip_hair * self.front


def step(v: ArrayLike) -> Grid:
    """Smooth step from 0 below zero to 1 above."""
    return np.asarray(1 / (1 + np.exp(-np.clip(v, -40, 40))), np.float64)


def hill(x: Grid, y: Grid, width: float, height: float) -> Grid:
    """A Gaussian hill of height 1 at the origin."""
    return np.asarray(np.exp(-((x / width) ** 2) - (y / height) ** 2), np.float64)


def painted(colours: Grid, with_colour: ArrayLike, cover: Grid) -> Grid:
    """*colours* covered by another colour where *cover* is 1."""
    c = cover[..., None]
    return colours * (1 - c) + np.asarray(with_colour) * c
