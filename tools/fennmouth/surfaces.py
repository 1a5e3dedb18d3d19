"""Surfaces made of points, and a camera that splats them: all the 3-D the demo needs.

Lengths are centimetres; x points to the right of the picture, y up, z towards the camera. Colours
are linear red, green, blue; what :func:`draw` returns is ready to be shown (gamma 2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp or low sun from a direction, and the sky all round."""

    direction: tuple[float, float, float] = (0.40, 0.55, 0.75)
    ambient: float = 0.5  # share of the light that comes from all round
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 1.0


@dataclass(frozen=True, slots=True)
class Surface:
    """A cloud of n oriented points, dense enough to be seen as a surface."""

    points: Floats  # (n, 3)
    normals: Floats  # (n, 3), unit length, outward
    albedo: Floats  # (n, 3)
    shade: Floats  # (n,) share of the sky that reaches the point
    gloss: Floats  # (n,)

    def moved(self, turn: ArrayLike, offset: ArrayLike = (0, 0, 0)) -> Surface:
        """Turned by a rotation matrix (3, 3) about the origin, then shifted."""
        r = np.asarray(turn, np.float32)
        points = self.points @ r.T + np.asarray(offset, np.float32)
        return Surface(points, self.normals @ r.T, self.albedo, self.shade, self.gloss)

    def thinned(self, step: int) -> Surface:
        """Every *step*-th point."""
        k = slice(None, None, step)
        return Surface(
            self.points[k], self.normals[k], self.albedo[k], self.shade[k], self.gloss[k]
        )


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Several surfaces as one."""
    return Surface(
        *(
            np.concatenate([getattr(s, part) for s in surfaces])
            for part in ("points", "normals", "albedo", "shade", "gloss")
        )
    )


def sheet(
    points: ArrayLike,
    *,
    outward: ArrayLike,
    albedo: ArrayLike,
    shade: ArrayLike = 1.0,
    gloss: ArrayLike = 0.05,
    keep: NDArray[np.bool_] | None = None,
) -> Surface:
    """A surface from a grid of points (rows, columns, 3).

    Normals follow from the grid; ``outward`` (broadcast to the grid) says which of the two sides
    they point to. ``keep`` (rows, columns) leaves points out.
    """
    grid = np.asarray(points, np.float32)
    normals = np.cross(np.gradient(grid, axis=0), np.gradient(grid, axis=1))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9
    side = (normals * np.asarray(outward, np.float32)).sum(-1, keepdims=True)
    normals *= np.where(side < 0, -1, 1)

    def flat(values: ArrayLike, *more: int) -> Floats:
        full = np.broadcast_to(np.asarray(values, np.float32), (*grid.shape[:2], *more))
        chosen = full.reshape(-1, *more) if keep is None else full[keep]
        return np.ascontiguousarray(chosen, np.float32)

    return Surface(
        flat(grid, 3), flat(normals, 3), flat(albedo, 3).clip(0, 1.2), flat(shade), flat(gloss)
    )


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """Rotation matrix (3, 3) for degrees about y, x and z; positive pitch is seen from above."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_x @ about_y @ about_z
    return turned


def draw(
    surface: Surface,
    size: tuple[int, int],
    *,
    scale: float,
    origin: tuple[float, float],
    light: Light,
    distance: float = 300.0,
    splat: int = 2,
    oversample: int = 1,
) -> tuple[Floats, Floats]:
    """Draw a surface into a picture of *size* (height, width).

    ``scale`` is pixels per centimetre at z = 0, ``origin`` the pixel (x, y) of the model's origin,
    ``distance`` the camera's from it in centimetres, ``splat`` the side in (oversampled) pixels of
    one point. Returns colours (height, width, 3), already multiplied by the coverage (height,
    width) that comes with them; both from 0 to 1.
    """
    height, width = size[0] * oversample, size[1] * oversample
    shrink = distance / (distance - surface.points[:, 2])
    x = (origin[0] * oversample + surface.points[:, 0] * shrink * scale * oversample).astype(int)
    y = (origin[1] * oversample - surface.points[:, 1] * shrink * scale * oversample).astype(int)
    inside = (x >= 0) & (x <= width - splat) & (y >= 0) & (y <= height - splat)
    seen = np.nonzero(inside & (surface.normals[:, 2] > -0.05))[0]
    if not len(seen):
        return np.zeros((*size, 3), np.float32), np.zeros(size, np.float32)
    # Far points first, so that near ones overwrite them; 16 bits sort by radix.
    depth = (surface.points[seen, 2] * 300).clip(-32000, 32000).astype(np.int16)
    seen = seen[np.argsort(depth, kind="stable")]

    at = y[seen] * width + x[seen]
    owner = np.full(height * width, -1, np.int32)
    steps = np.add.outer(np.arange(splat) * width, np.arange(splat)).ravel()
    owner[(at[:, None] + steps).ravel()] = np.repeat(
        np.arange(len(seen), dtype=np.int32), len(steps)
    )
    covered = owner >= 0
    colour = np.zeros((height * width, 3), np.float32)
    colour[covered] = _lit(surface, seen[owner[covered]], light)
    coverage = covered.reshape(height, width).astype(np.float32)
    image, alpha = _filled(colour.reshape(height, width, 3), coverage)
    if oversample > 1:
        image, alpha = (
            np.asarray(cv2.resize(i, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
            for i in (image, alpha)
        )
    share = np.maximum(alpha, 1e-3)[..., None]
    shown = np.clip(image / share, 0, 1) ** np.float32(1 / 2.2)
    return np.asarray(shown * alpha[..., None], np.float32), alpha


def over(picture: Floats, drawn: tuple[Floats, Floats]) -> Floats:
    """Lay the result of :func:`draw` over *picture*."""
    return picture * (1 - drawn[1][..., None]) + drawn[0]


def _lit(surface: Surface, chosen: NDArray[np.intp], light: Light) -> Floats:
    normal, shade = surface.normals[chosen], surface.shade[chosen]
    towards = np.asarray(light.direction, np.float32)
    towards = towards / np.linalg.norm(towards)
    halfway = towards + np.array([0, 0, 1], np.float32)
    halfway /= np.linalg.norm(halfway)
    # Light wraps a little round skin and cloth.
    direct = np.clip((normal @ towards + 0.3) / 1.3, 0, None) * np.sqrt(shade)
    sky = (0.57 + 0.30 * normal[:, 1] + 0.18 * normal[:, 2]) * shade
    gleam = np.clip(normal @ halfway, 0, 1) ** 24 * surface.gloss[chosen]
    diffuse = light.ambient * sky + (1 - light.ambient) * 1.25 * direct
    lit = surface.albedo[chosen] * diffuse[:, None]
    lit += (0.2 * (1 - light.ambient) * gleam)[:, None]
    shown: Floats = lit * (light.exposure * np.asarray(light.tint, np.float32))
    return shown


def _filled(image: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Close the pinholes between points with the colours around them."""
    closed = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((5, 5)))
    holes = (closed > 0) & (alpha == 0)
    if holes.any():
        around, weight = cv2.blur(image, (5, 5)), cv2.blur(alpha, (5, 5))
        image[holes] = around[holes] / np.maximum(weight[holes], 1e-3)[:, None]
        alpha[holes] = 1
    return image, alpha


def smooth_noise(
    rng: np.random.Generator, rows: int, columns: int, along: float, across: float | None = None
) -> Floats:
    """Noise (rows, columns) of unit deviation, blurred by *across* columns and *along* rows."""
    wild = rng.standard_normal((rows, columns)).astype(np.float32)
    soft = cv2.GaussianBlur(wild, (0, 0), sigmaX=across or along, sigmaY=along)
    even: Floats = soft / soft.std()
    return even
