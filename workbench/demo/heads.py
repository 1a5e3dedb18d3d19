"""Heads: one surface around a skull, displaced by features and painted.

The surface has an angle around the head and rows from the crown to the chin; features are bumps
in the coordinates of the face (x sideways, y up, origin between the eyes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.demo.people import Traits
from workbench.demo.surfaces import Surface, joined, sheet, smooth_noise

Grid = NDArray[np.float64]


def head(person: Traits, rows: int = 440) -> Surface:
    """The head and neck of a person, ``rows`` points from crown to chin."""
    rng = np.random.default_rng(person.seed)
    skull = _skull(person, rows, int(rows * 0.96))
    face = _Face(person, skull)
    surfaces = [_covered_skull(person, skull, face, rng), _neck(person, skull, rows)]
    if person.long_hair:
        surfaces += _curtain(person, rng, rows)
    if person.glasses:
        surfaces += _glasses(person)
    return joined(surfaces)


@dataclass(frozen=True, slots=True)
class _Skull:
    """The bare head: every array is (rows, columns)."""

    angle: Grid  # around the head, 0 in front
    points: Grid  # (rows, columns, 3)
    front: Grid  # 1 in the face, 0 behind the ears
    level: Grid  # height, as if the lower edge did not rise towards the ears
    edge: Grid  # height of that lower edge


def _skull(p: Traits, rows: int, columns: int) -> _Skull:
    around = np.linspace(-1, 1, columns)
    angle = np.sign(around) * np.abs(around) ** 1.35 * np.pi * 0.99  # denser in front
    angle, down = np.broadcast_arrays(angle, np.linspace(0, 1, rows)[:, None])
    chin, top = -11.3 - p.chin_length, 11.4 + 0.6 * p.forehead
    edge = chin + 5.2 * np.clip((np.abs(angle) - 0.08) / 1.37, 0, 1) ** 1.45
    y = top + (edge - top) * down
    level = 0.45 * (top + (chin - top) * down) + 0.55 * y

    heights = [
        chin, chin + 0.7, chin + 2, -7, -4, 0, 3, 6, 8.5, top - 1.3, top - 0.4, top
    ]  # fmt: skip
    wide, jaw, fat = p.face_width, p.jaw, p.fat
    half_width = _curve(
        heights,
        [
            1.5 * p.chin_width + 0.6,
            2.8 * p.chin_width + 0.9,
            4.3 * jaw + 0.3 * p.chin_width + 0.2 * fat,
            5.9 * jaw + 0.5 * fat,
            6.75 * wide * (0.5 + 0.5 * jaw) + 0.35 * fat,
            *(w * wide for w in (7.3, 7.5, 7.3, 6.4, 4.7, 2.8)),
            0.3,
        ],
        level,
    )
    depth = _curve(heights, [7.6, 8.9, 8.9, 9.3, 9.1, 8.9, 9.3, 8.9, 7.8, 5.8, 3.4, 0.4], level)
    sine, cosine = np.sin(angle), np.cos(angle)
    x = half_width * np.sign(sine) * np.abs(sine) ** (2 / p.flatness)
    power = np.where(cosine > 0, 2 / p.flatness, 2 / 2.2)
    z = depth * np.sign(cosine) * np.abs(cosine) ** power
    return _Skull(angle, np.stack([x, y, z], -1), _step((cosine - 0.15) * 14), level, edge)


class _Face:
    """Where the features of a face lie; bumps and masks over its grid."""

    def __init__(self, p: Traits, skull: _Skull) -> None:
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
            * _step((self.nose_y + 0.7 - y) * 3)
            * _step((y - self.mouth_y + 0.2) * 3)
        )

    def bump(self, x: float, y: float, width: float, height: float) -> Grid:
        """A hill on both sides of the face, at ±x and y."""
        return _hill(self.ax - x, self.y - y, width, height)

    def relief(self, p: Traits) -> Grid:
        """How far each point stands out of the skull, centimetres."""
        ax, y, bump, eye = self.ax, self.y, self.bump, self.eye_y
        deep = p.eye_depth
        d = p.brow_ridge * bump(2.8, 1.9 + eye, 2.6, 0.9) + 0.25 * bump(0, 5.5, 4.5, 2.5)
        d -= (0.75 + 0.6 * deep) * bump(self.eye_x - 0.9, eye + 0.25, 1.5, 1.25)
        d -= 0.5 * bump(self.eye_x + 0.4, eye - 0.9, 1.8, 0.9) * (0.3 + p.age)
        d += (0.62 + 0.25 * deep) * bump(self.eye_x, eye, 1.35, 1.05)
        d += p.cheek * bump(4.4, -2.9, 1.9, 1.5) + 0.6 * p.fat * bump(4.0, -5.6, 2.2, 2.4)
        d -= 0.45 * (1 - p.fat) * bump(4.9, -6.0, 1.7, 2.2)
        d += self._nose(p)
        near_mouth = _step((p.mouth_width - ax) * 4)
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
        ends = _step((self.y - tip_y + 0.25) * 3.4)
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
            dots = _step((smooth_noise(rng, rows, columns, 1.8) - 1.3) * 5)
            a *= (1 - 0.35 * p.freckles * dots * bump(2.5, -2.6, 3.6, 2.4))[..., None]
        around_eye = 0.28 * bump(self.eye_x, self.eye_y + 0.1, 1.7, 1.3) * (0.5 + 0.5 * p.age)
        bags = 0.22 * p.age * bump(self.eye_x - 0.2, self.eye_y - 1.3, 1.2, 0.5)
        a *= (1 - around_eye - bags - (0.10 + 0.22 * p.age) * self.fold * front)[..., None]

        half = np.sqrt(np.clip(1 - (ax / p.mouth_width) ** 2, 0, 1))
        bow = 0.12 + p.upper_lip * (1 - 0.25 * np.exp(-((ax / 0.3) ** 2)))
        tall = np.where(y > self.lips, bow, 0.15 + p.lower_lip) * half
        lips = _step((tall - np.abs(y - self.lips)) * 12) * front * (ax < p.mouth_width)
        red_lips = skin * (0.82, 0.45, 0.46) * (1 - 0.25 * p.lip_red)
        red_lips += np.array([0.10, 0, 0.01]) * p.lip_red
        a = _painted(a, red_lips, lips * (0.45 + 0.5 * p.lip_red))
        gap = np.exp(-(((y - self.lips) / 0.12) ** 2)) * _step((p.mouth_width + 0.1 - ax) * 8)
        a = _painted(a, skin * 0.22, 0.8 * gap * front)

        wide = p.nose_width
        holes = bump(0.74 * wide, self.nose_y + 0.02, 0.33 * wide, 0.20)
        a = _painted(a, skin * 0.14, 0.8 * np.clip(1.4 * holes, 0, 1) * front)
        shadow = 0.26 * bump(0, self.nose_y - 0.30, 1.5 * wide, 0.42) * front
        return a * (1 - shadow)[..., None]

    def eyes(self, p: Traits, colours: Grid) -> Grid:
        """Paint the eyes, their lids and lashes."""
        ax, y, front, skin = self.ax, self.y, self.front, np.asarray(p.skin)
        u = (ax - self.eye_x) / p.eye_width
        tilted = self.eye_y + p.eye_tilt * (ax - self.eye_x)
        upper = tilted + p.eye_height * np.clip(1 - np.abs(u) ** 2.2, 0, 1) * (1 - 0.15 * u)
        lower = tilted - 0.75 * p.eye_height * np.clip(1 - np.abs(u) ** 2.4, 0, 1) * (1 + 0.12 * u)
        inside = _step((upper - y) * 16) * _step((y - lower) * 16) * (np.abs(u) < 1) * front
        crease = np.exp(-(((y - upper - 0.42 - 0.2 * p.lid_crease) / 0.16) ** 2 + (u / 1.05) ** 4))
        a = _painted(colours, skin * 0.4, 0.55 * p.lid_crease * crease * front)
        white = (
            np.array([0.58, 0.54, 0.52]) * (0.6 + 0.4 * _step((upper - y - 0.25) * 8))[..., None]
        )
        a = _painted(a, white, inside)
        gaze_y, iris = self.eye_y + 0.05, 0.65
        r = np.hypot(ax - self.eye_x, y - gaze_y)
        tinted = np.asarray(p.iris) * (0.55 + 0.6 * np.clip(r / iris, 0, 1))[..., None]
        a = _painted(a, tinted, inside * _step((iris - r) * 18))
        a = _painted(a, (0.02, 0.015, 0.01), 0.7 * inside * np.exp(-(((r - iris) / 0.09) ** 2)))
        a = _painted(a, (0.01, 0.01, 0.01), inside * _step((0.27 - r) * 22))
        glint = _hill(self.x - np.sign(self.x) * self.eye_x + 0.2, y - gaze_y - 0.2, 0.13, 0.13)
        a = _painted(a, (1.2, 1.2, 1.2), inside * np.clip(1.3 * glint, 0, 1))
        lash = np.exp(-(((y - upper - 0.03) / (0.13 if p.male else 0.19)) ** 2))
        a = _painted(a, (0.03, 0.02, 0.02), 0.9 * lash * (np.abs(u) < 1.06) * front)
        lid = 0.5 * np.exp(-(((y - lower + 0.03) / 0.09) ** 2)) * (np.abs(u) < 1)
        return _painted(a, skin * 0.35, lid * front)

    def brows(self, p: Traits) -> Grid:
        """How densely the eyebrows cover each point."""
        u = (self.ax - self.eye_x - 0.1) / 2.05
        line = self.eye_y + p.brow_level + p.brow_tilt * (self.ax - self.eye_x)
        line = line + 0.6 * p.brow_arch * (1 - (u - 0.3) ** 2)
        thick = p.brow_thickness * (1.15 - 0.5 * np.clip(u, -1, 1))
        cover = np.exp(-(((self.y - line) / thick) ** 4)) * _step((1 - np.abs(u)) * 9)
        return p.brow_density * cover * self.front

    def beard(self, p: Traits, ragged: Grid, angle: Grid) -> tuple[Grid, Grid]:
        """How densely beard and moustache could cover each point."""
        ax, y = self.ax, self.y
        jaw = _step((0.55 * ax - 2.9 - 0.75 * (y - self.mouth_y) + 0.25 * ragged) * 2.2)
        chin = 3.2 * _step((self.mouth_y - 1.0 - y) * 3)
        reach = _step((-2.2 - y + 0.1 * ax + 0.2 * ragged) * 2) * _step(
            (np.pi * 0.5 - np.abs(angle)) * 6
        )
        cover = np.clip(jaw + chin, 0, 1) * reach
        lips = np.exp(-(((y - self.lips) / (0.35 + 0.6 * p.lower_lip)) ** 4)) * _step(
            (p.mouth_width * 0.9 - ax) * 4
        )
        lip_hair = np.exp(-(((y - self.mouth_y - 1.05) / 0.55) ** 4)) * _step(
            (p.mouth_width + 0.3 - ax) * 3
        )
        lip_hair = lip_hair * (1 - lips * _step((self.mouth_y + 0.3 - y) * 5))
        return cover * (1 - lips) * self.front, lip_hair * self.front


def _covered_skull(p: Traits, skull: _Skull, face: _Face, rng: np.random.Generator) -> Surface:
    """The skull with its features, skin, hair and ears."""
    rows, columns = face.y.shape
    y, angle, front = face.y, np.abs(skull.angle), skull.front
    wisps = smooth_noise(rng, rows, columns, 7, 1.1)  # locks, finer than the volume
    waves = smooth_noise(rng, rows, columns, 14, 5)
    coarse = smooth_noise(rng, rows, columns, 2.5)
    ragged = np.asarray(0.5 * smooth_noise(rng, rows, columns, 1.0) + 0.5 * coarse, np.float64)

    hair = _hair(p, skull, face, wisps)
    ear = (
        np.exp(-(((angle - 1.5) / 0.11) ** 2)) * _step((y + 4.6) * 3) * _step((1.9 - y) * 3) * front
    )
    relief = face.relief(p) * front
    bulk = 0.25 if p.hair == "bald" else 1.0
    crown = _step((y - 2) * 0.8)
    lifted = hair * (0.35 + bulk * p.hair_volume * crown + 0.04 * p.hair_volume * waves)
    out = relief + lifted + 1.3 * ear * (1 - 0.7 * hair)
    up = np.clip((skull.level - 6) / 5.5, 0, 1)  # at the crown, outward is upward
    sine, cosine = np.sin(skull.angle), np.cos(skull.angle)
    points = skull.points + np.stack(
        [
            out * sine * (1 - 0.75 * front) * (1 - 0.7 * up),
            out * up,
            out * cosine * (1 - 0.6 * up),
        ],
        -1,
    )

    a = face.eyes(p, face.skin(p, rng))
    beard, lip_hair = face.beard(p, ragged, skull.angle)
    whiskers = np.maximum(beard, lip_hair)
    if p.stubble:
        a = _painted(a, a * 0.5 + 0.02, np.clip(0.6 * p.stubble * whiskers, 0, 1))
    own = np.asarray(p.hair_colour)
    grown = np.maximum(beard * min(1, 1.6 * p.beard), lip_hair * min(1, 1.6 * p.moustache))
    a = _painted(
        a, own * (1 + 0.28 * ragged)[..., None], np.clip(grown * (1 + 0.25 * ragged), 0, 0.95)
    )
    a = _painted(a, own * 0.7, np.clip(face.brows(p) * (1.05 + 0.22 * ragged), 0, 0.95))
    a = _painted(a, _strands(p, rng, rows, columns, y), hair)
    from cv2 import GaussianBlur

    hollow = relief - GaussianBlur(relief, (0, 0), 14)
    shade = np.clip(1 + 0.4 * hollow, 0.66, 1.08) * (1 - 0.35 * _step((skull.edge + 0.9 - y) * 4))
    # Hair throws a soft shadow on the skin below it.
    shadow = np.clip(GaussianBlur(hair, (0, 0), 9) - 0.15, 0, 1) * (1 - hair)
    return sheet(
        points,
        outward=np.stack([sine, 0 * sine, cosine], -1),
        albedo=a,
        shade=shade * (1 - 0.45 * shadow),
        gloss=0.25 * (1 - hair) + 0.10 * hair,
    )


def _hair(p: Traits, skull: _Skull, face: _Face, wisps: ArrayLike) -> Grid:
    """How densely hair covers each point of the skull."""
    x, y, ax, wisps = face.x, face.y, face.ax, np.asarray(wisps)
    high = 6.4 + 0.6 * p.hairline + 0.5 * p.forehead
    if p.hair == "fringe":  # to above the eyebrows, longer on one side
        line = 4.7 + 0.35 * p.hairline + 0.10 * p.part * x + 0.30 * wisps - 0.012 * ax**2
    elif p.hair == "swept":  # away from a parting
        line = high - 0.055 * (x - 2.2 * p.part) ** 2 + 0.12 * wisps + 0.5
    else:
        line = high - 0.035 * ax**1.5 + 0.16 * wisps
    lowest = 2.0 if p.hair == "bald" else 4.0
    temple = 1.25 + 0.07 * np.clip(-y, -2, 6) + 0.02 * wisps
    sides = _step((np.abs(skull.angle) - temple) * 16) * _step((y + lowest + 0.2 * wisps) * 3)
    if p.hair == "bald":
        return sides * _step(4.5 - y)
    return np.clip(np.maximum(_step((y - line) * 5), sides), 0, 1)


def _strands(p: Traits, rng: np.random.Generator, rows: int, columns: int, y: Grid) -> Grid:
    fine = smooth_noise(rng, rows, columns, 12, 0.8)
    locks = smooth_noise(rng, rows, columns, 20, 4)
    sheen = 0.28 * np.exp(-(((y - 8.4) / 1.3) ** 2))
    light = 1 + 0.22 * fine + 0.14 * locks + sheen
    strands: Grid = np.clip(np.asarray(p.hair_colour) * light[..., None], 0.008, 1)
    return strands


def _neck(p: Traits, skull: _Skull, rows: int) -> Surface:
    around, down = np.linspace(-np.pi, np.pi, rows)[None], np.linspace(0, 1, rows)[:, None]
    chin = float(skull.edge.min())
    y = -5 - 12 * down
    radius = (5.3 if p.male else 4.6) + 0.4 * p.fat + 0 * y
    x, z = radius * np.sin(around), 0.88 * radius * np.cos(around) - 0.3
    lit = 0.40 + 0.5 * np.clip((chin - 0.5 - y) / 4, 0, 1)  # below, the chin takes the light
    points = np.stack([x, y + 0 * x, z], -1)
    return sheet(points, outward=points * (1, 0, 1), albedo=p.skin, shade=lit + 0 * x)


def _curtain(p: Traits, rng: np.random.Generator, rows: int) -> list[Surface]:
    """Long hair: falls from the temples beside the face and behind it, inward at its ends."""
    columns, count = rows, int(rows * 0.8)
    down = np.linspace(0, 1, count)[:, None]
    # From the edge beside the face round the back to the other edge; looser towards the ends.
    edge = 1.22 - 0.34 * np.exp(-(((down - 0.30) / 0.22) ** 2)) - 0.22 * down
    side = np.linspace(-1, 1, columns)[None]
    angle = np.pi + side * (np.pi - edge)
    locks = smooth_noise(rng, 4, columns, 0.6, 5)[:1]
    fine = smooth_noise(rng, 4, columns, 0.6, 1.0)[:1]
    length = 20 + 4 * float(rng.random()) + 0.5 * locks + 0.2 * fine
    y = 6.2 - length * down
    flare = 0.35 + 0.25 * p.hair_volume + 0.9 * np.sin(2.6 * down) - 0.8 * down**4
    radius = 7.5 * p.face_width + flare + 0.22 * locks * down + 0.10 * np.sin(23 * angle) * down
    x, z = radius * np.sin(angle), 1.05 * radius * np.cos(angle) - 0.6
    points = np.stack([x, y, z], -1)
    strands = _strands(p, rng, count, columns, y)
    outward = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], -1)
    shade = np.broadcast_to(0.95 - 0.25 * down, y.shape)
    return [
        sheet(points, outward=outward, albedo=strands, shade=shade, gloss=0.10),
        sheet(points * 0.985, outward=-outward, albedo=strands * 0.4, shade=0.5, gloss=0.0),
    ]


def _glasses(p: Traits) -> list[Surface]:
    """One of three frames, with bridge and temples."""
    half_width, half_height, squareness, rim, colour = (
        (2.35, 1.75, 2.6, 0.17, (0.03, 0.03, 0.03)),
        (2.25, 2.10, 2.0, 0.11, (0.25, 0.21, 0.14)),
        (2.50, 1.50, 3.2, 0.19, (0.13, 0.035, 0.02)),
    )[p.glasses - 1]
    x0, y0, z0 = p.eye_distance, p.eye_level, 10.4 + 0.3 * p.brow_ridge
    across = np.linspace(-1, 1, 9)[:, None] * rim
    around, along = np.linspace(0, 2 * np.pi, 2400)[None], np.linspace(0, 1, 340)[None]

    def bar(x: ArrayLike, y: ArrayLike, z: ArrayLike, out: tuple[float, float, float]) -> Surface:
        points = np.stack(np.broadcast_arrays(x, y, z), -1)
        made = sheet(points, outward=out, albedo=colour, gloss=0.4)
        flat = np.asarray(out, np.float32) / np.linalg.norm(out)  # too thin to shade
        return replace(made, normals=np.broadcast_to(flat, made.normals.shape))

    def rounded(v: Grid) -> Grid:
        return np.sign(v) * np.abs(v) ** (2 / squareness)

    parts = []
    for side in (-1, 1):
        x = side * (x0 + 0.1) + (half_width + across) * rounded(np.cos(around))
        y = y0 - 0.25 + (half_height + across) * rounded(np.sin(around))
        parts.append(bar(x, y, z0 - 0.042 * (np.abs(x) - 1) ** 2, (0, 0, 1)))
        ear = x0 + half_width + (7.7 * p.face_width - x0 - half_width) * along**0.4
        parts.append(bar(side * ear, y0 + 0.7 + across, z0 - 1 - 9 * along, (0.5 * side, 0, 0.85)))
    over_nose = np.linspace(-1, 1, 90)[None]
    arch = y0 + 0.25 + 0.25 * (1 - over_nose**2) + across
    parts.append(bar(over_nose * (x0 - half_width + 0.1), arch, z0 + 0.1, (0, 0, 1)))
    return parts


def _step(v: ArrayLike) -> Grid:
    """From 0 below zero to 1 above, smoothly."""
    return np.asarray(1 / (1 + np.exp(-np.clip(v, -40, 40))), np.float64)


def _hill(x: Grid, y: Grid, width: float, height: float) -> Grid:
    return np.asarray(np.exp(-((x / width) ** 2) - (y / height) ** 2), np.float64)


def _painted(colours: Grid, with_colour: ArrayLike, cover: Grid) -> Grid:
    """*colours* covered by another colour where *cover* is 1."""
    c = cover[..., None]
    return colours * (1 - c) + np.asarray(with_colour) * c


def _curve(at: list[float], values: list[float], where: Grid) -> Grid:
    """A smooth curve through points: linear between them, then blurred."""
    fine = np.linspace(at[0], at[-1], 400)
    bell = np.exp(-0.5 * (np.arange(-20, 21) / 9) ** 2)
    line = np.pad(np.interp(fine, at, values), 20, mode="edge")
    return np.interp(where, fine, np.convolve(line, bell / bell.sum(), "valid"))
