"""Heads: a surface around a skull with features, hair and glasses.

The surface has an angle around the head and rows from the crown to the chin. The origin lies
between the eyes, lengths are centimetres.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from cv2 import GaussianBlur
from numpy.typing import ArrayLike

from tools.fennmouth.features import Face, Grid, Skull, painted, step
from tools.fennmouth.people import Traits
from tools.fennmouth.surfaces import Surface, joined, sheet, smooth_noise


def head(person: Traits, rows: int = 440) -> Surface:
    """The head and neck of a person, ``rows`` points from crown to chin."""
    rng = np.random.default_rng(person.seed)
    skull = _skull(person, rows, int(rows * 0.96))
    face = Face(person, skull)
    surfaces = [_covered_skull(person, skull, face, rng), _neck(person, skull, rows)]
    if person.long_hair:
        surfaces += _curtain(person, rng, rows)
    if person.glasses:
        surfaces += _glasses(person)
    return joined(surfaces)


def _skull(p: Traits, rows: int, columns: int) -> Skull:
    around = np.linspace(-1, 1, columns)
    angle = np.sign(around) * np.abs(around) ** 1.35 * np.pi * 0.99  # denser in front
    angle, down = np.broadcast_arrays(angle, np.linspace(0, 1, rows)[:, None])
    chin, top = -11.3 - p.chin_length, 11.4 + 0.6 * p.forehead
    edge = chin + 5.2 * np.clip((np.abs(angle) - 0.05) / 1.4, 0, 1) ** 1.8
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
    return Skull(angle, np.stack([x, y, z], -1), step((cosine - 0.15) * 14), level, edge)


def _covered_skull(p: Traits, skull: Skull, face: Face, rng: np.random.Generator) -> Surface:
    """The skull with its features, skin, hair and ears."""
    rows, columns = face.y.shape
    y, angle, front = face.y, np.abs(skull.angle), skull.front
    wisps = smooth_noise(rng, rows, columns, 7, 1.1)  # locks, finer than the volume
    waves = smooth_noise(rng, rows, columns, 14, 5)
    coarse = smooth_noise(rng, rows, columns, 2.5)
    ragged = np.asarray(0.5 * smooth_noise(rng, rows, columns, 1.0) + 0.5 * coarse, np.float64)

    hair = _hair(p, skull, face, wisps)
    ear = np.exp(-(((angle - 1.5) / 0.11) ** 2)) * step((y + 4.6) * 3) * step((1.9 - y) * 3) * front
    relief = face.relief(p) * front
    bulk = 0.25 if p.hair == "bald" else 1.0
    crown = step((y - 2) * 0.8)
    soft = GaussianBlur(hair, (0, 0), rows / 130)  # no cliff at the hairline
    lifted = soft * (0.35 + bulk * p.hair_volume * crown + 0.04 * p.hair_volume * waves)
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
        a = painted(a, a * 0.5 + 0.02, np.clip(0.6 * p.stubble * whiskers, 0, 1))
    own = np.asarray(p.hair_colour)
    grown = np.maximum(beard * min(1, 1.6 * p.beard), lip_hair * min(1, 1.6 * p.moustache))
    a = painted(
        a, own * (1 + 0.28 * ragged)[..., None], np.clip(grown * (1 + 0.25 * ragged), 0, 0.95)
    )
    a = painted(a, own * 0.7, np.clip(face.brows(p) * (1.05 + 0.22 * ragged), 0, 0.95))
    a = painted(a, _strands(p, rng, rows, columns, y), hair)
    hollow = relief - GaussianBlur(relief, (0, 0), 14)
    shade = np.clip(1 + 0.4 * hollow, 0.66, 1.08) * (1 - 0.35 * step((skull.edge + 0.9 - y) * 4))
    # Hair throws a soft shadow on the skin below it.
    shadow = np.clip(GaussianBlur(hair, (0, 0), 9) - 0.15, 0, 1) * (1 - hair)
    return sheet(
        points,
        outward=np.stack([sine, 0 * sine, cosine], -1),
        albedo=a,
        shade=shade * (1 - 0.45 * shadow),
        gloss=0.25 * (1 - hair) + 0.10 * hair,
    )


def _hair(p: Traits, skull: Skull, face: Face, wisps: ArrayLike) -> Grid:
    """Density of the hair at each point of the skull."""
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
    sides = step((np.abs(skull.angle) - temple) * 16) * step((y + lowest + 0.2 * wisps) * 3)
    if p.hair == "bald":
        return sides * step(4.5 - y)
    return np.clip(np.maximum(step((y - line) * 5), sides), 0, 1)


def _strands(p: Traits, rng: np.random.Generator, rows: int, columns: int, y: Grid) -> Grid:
    fine = smooth_noise(rng, rows, columns, 12, 0.8)
    locks = smooth_noise(rng, rows, columns, 20, 4)
    sheen = 0.28 * np.exp(-(((y - 8.4) / 1.3) ** 2))
    light = 1 + 0.22 * fine + 0.14 * locks + sheen
    strands: Grid = np.clip(np.asarray(p.hair_colour) * light[..., None], 0.008, 1)
    return strands


def _neck(p: Traits, skull: Skull, rows: int) -> Surface:
    around, down = np.linspace(-np.pi, np.pi, rows)[None], np.linspace(0, 1, rows)[:, None]
    chin = float(skull.edge.min())
    y = -5 - 12 * down
    radius = (5.1 if p.male else 4.4) + 0.4 * p.fat + 0 * y
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


def _curve(at: list[float], values: list[float], where: Grid) -> Grid:
    """A smooth curve through points: linear between them, then blurred."""
    fine = np.linspace(at[0], at[-1], 400)
    bell = np.exp(-0.5 * (np.arange(-20, 21) / 9) ** 2)
    line = np.pad(np.interp(fine, at, values), 20, mode="edge")
    return np.interp(where, fine, np.convolve(line, bell / bell.sum(), "valid"))
