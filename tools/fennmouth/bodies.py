"""Whole figures: a coat with arms, legs that walk, and a head that looks about.

A figure stands with the origin between its eyes; its feet are ``eye_height`` below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tools.fennmouth.heads import head
from tools.fennmouth.people import Colour, Traits
from tools.fennmouth.surfaces import Surface, joined, sheet, smooth_noise, turn

NECK = np.array([0.0, -11.0, -1.0])  # about which the head turns
SHOULDER = (16.4, -24.2, -1.8)
HIP = (8.0, -84.0, -1.5)
UPPER_ARM, FOREARM = 28.0, 25.0
EYES_TO_CROWN = 11.5


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment of a walk; angles in degrees.

    ``stride`` goes from 0 to 1 over two steps. ``heading`` is where the body goes: 0 towards the
    camera, positive to the right of the picture. The head's angles are seen by the camera.
    """

    stride: float
    heading: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    above: float = 0.0  # how far the camera looks down on the figure
    swing: float = 1.0  # 0 stands still


class Figure:
    """A person from head to foot, built once and posed often.

    Parameters
    ----------
    person : Traits
    rows : int
        Points from crown to chin; the rest follows.
    """

    def __init__(self, person: Traits, rows: int = 300) -> None:
        rng = np.random.default_rng(person.seed + 1)
        fine = rows / 300
        self._head = head(person, rows).moved(np.eye(3), -NECK)
        self._torso = _torso(person, rng, fine)
        self.eye_height = person.height - EYES_TO_CROWN
        thigh = 0.5 * (self.eye_height + HIP[1]) - 2
        self._thigh, shin = thigh, self.eye_height + HIP[1] - thigh
        wide = 1.0 + 0.08 * person.fat
        coat, skin, cloth = person.coat, person.skin, person.trousers
        self._upper_arm = _limb(UPPER_ARM, [5.2, 5.2, 4.9, 4.6], coat, wide, rng, fine)
        self._forearm = joined(
            [
                _limb(FOREARM - 1, [4.7, 4.5, 4.0, 3.9], coat, wide, rng, fine),
                _ball((0, -FOREARM - 5, 0.5), (2.6, 6.2, 3.4), skin, fine),
            ]
        )
        self._upper_leg = _limb(thigh, [7.7, 7.9, 7.2, 6.4], cloth, wide, rng, fine)
        self._lower_leg = joined(
            [
                _limb(shin - 3, [6.3, 6.4, 5.6, 5.4], cloth, wide, rng, fine),
                _ball((0, -shin + 3.4, 4.5), (4.6, 3.8, 12.5), (0.03, 0.025, 0.022), fine),
            ]
        )

    def posed(self, pose: Pose) -> Surface:
        """The figure in a pose, as the camera sees it."""
        phase = 2 * np.pi * pose.stride
        parts = [self._torso]
        for side in (-1, 1):
            leg = side * np.sin(phase) * pose.swing  # forward with the opposite arm
            lifted = max(0.0, side * np.cos(phase)) * pose.swing
            parts += _bent(
                self._upper_leg, self._lower_leg, HIP, side, self._thigh,
                first=25 * leg + 10 * lifted, second=-5 - 42 * lifted, splay=1.0,
            )  # fmt: skip
            parts += _bent(
                self._upper_arm, self._forearm, SHOULDER, side, UPPER_ARM,
                first=-24 * leg, second=16 + 12 * max(0.0, -leg), splay=6.0,
            )  # fmt: skip
        sway = turn(yaw=5 * np.sin(phase) * pose.swing)
        body = joined(parts).moved(turn(yaw=pose.heading) @ sway)
        face = self._head.moved(turn(pose.yaw, pose.pitch, pose.roll))
        return joined([body, face.moved(np.eye(3), NECK)]).moved(turn(pitch=pose.above))


def _bent(
    upper: Surface,
    lower: Surface,
    joint: tuple[float, float, float],
    side: int,
    length: float,
    *,
    first: float,
    second: float,
    splay: float,
) -> list[Surface]:
    """An arm or a leg: swung forward by *first* at the joint, by *second* more at the middle."""
    outward = turn(roll=side * splay)
    swung = outward @ turn(pitch=-first)
    at = np.array([side * joint[0], joint[1], joint[2]])
    middle = at + swung @ np.array([0, -length, 0])
    return [upper.moved(swung, at), lower.moved(outward @ turn(pitch=-first - second), middle)]


def _torso(p: Traits, rng: np.random.Generator, fine: float) -> Surface:
    """A coat with a collar, open over a shirt."""
    rows, columns = int(330 * fine), int(420 * fine)
    down = np.linspace(0, 1, rows)[:, None] ** 1.5  # denser at the shoulders
    spread = np.linspace(-1, 1, columns)[None]
    around = np.pi * np.sign(spread) * np.abs(spread) ** 1.18  # even across the chest
    y = -13.6 - 77 * down
    broad, fat = (1.0 if p.male else 0.90), 0.05 * p.fat
    heights = [-95.0, -88, -75, -52, -35, -25, -20.8, -18.0, -15.9, -14.6, -13.6]
    widths = np.array([18.2, 18.0, 17.4, 15.4, 16.6, 17.4, 16.2, 12.0, 8.6, 7.2, 6.7])
    depths = np.array([14.5, 14.0, 12.6, 11.0, 11.3, 10.4, 9.2, 8.2, 7.2, 6.7, 6.4])
    half = np.interp(y, heights, widths * broad * (1 + fat))
    deep = np.interp(y, heights, depths * (1 + 2 * fat))
    folds = 0.25 * smooth_noise(rng, rows, columns, 16, 6) * np.clip((-y - 13.6) / 8, 0, 1)
    sine, cosine = np.sin(around), np.cos(around)
    x = half * np.sign(sine) * np.abs(sine) ** 0.85 + folds * sine
    z = deep * np.sign(cosine) * np.abs(cosine) ** 0.85 + folds * cosine
    z = z - 0.5 - 1.4 * np.clip((-y - 14) / 8, 0, 1)  # the neck stands forward

    opening = np.clip((y + 42) / 27, 0, 1) * 6.2  # a V, widest at the neck
    front = cosine > 0
    shirt = front & (np.abs(x) < opening)
    lapel = front & (np.abs(x) >= opening) & (np.abs(x) < opening + 2.6) & (y > -42)
    zip_line = front & (np.abs(x) < 0.5) & (y <= -42)
    rise = np.clip((np.abs(x) - opening + 0.3) / 0.9, 0, 1)  # soft, or one could see through
    fall = np.clip((np.abs(x) - opening - 2.2) / 0.9, 0, 1)
    z = z + 0.8 * (rise - fall) * front * np.clip((y + 44) / 4, 0, 1)
    cloth = 1 + 0.05 * smooth_noise(rng, rows, columns, 3) + 0.05 * folds / 0.25
    albedo = np.asarray(p.coat) * cloth[..., None]
    albedo = np.where(lapel[..., None], albedo * 0.78, albedo)
    albedo = np.where(zip_line[..., None], albedo * 0.45 + 0.04, albedo)
    albedo = np.where(shirt[..., None], np.asarray(p.shirt) * cloth[..., None], albedo)
    under_chin = 1 - 0.45 * np.exp(-(((y + 13) / 3.5) ** 2)) * front
    points = np.stack(np.broadcast_arrays(x, y, z), -1)
    outward = np.stack(np.broadcast_arrays(sine, 0.3 + 0 * y, cosine), -1)
    return sheet(points, outward=outward, albedo=albedo, shade=under_chin, gloss=0.03)


def _limb(
    length: float,
    radii: list[float],
    colour: Colour,
    wide: float,
    rng: np.random.Generator,
    fine: float,
) -> Surface:
    """A sleeve or a trouser leg hanging from the origin, rounded at its top."""
    rows, columns = int(5 * length * fine), int(110 * fine)
    down = np.linspace(0, 1, rows)[:, None] ** 1.6  # denser at the rounded top
    around = np.linspace(-np.pi, np.pi, columns)[None]
    radius = wide * np.interp(down, np.linspace(0, 1, len(radii)), radii)
    top = radii[0] * wide
    cap = np.clip(1 - down * length / top, 0, 1)
    radius = radius * np.sqrt(np.clip(1 - cap**2, 0, 1))
    radius = radius * (1 + 0.02 * smooth_noise(rng, rows, columns, 6))
    y = 0.55 * top - (length + 0.55 * top) * down
    points = np.stack(np.broadcast_arrays(radius * np.sin(around), y, radius * np.cos(around)), -1)
    cloth = 1 + 0.06 * smooth_noise(rng, rows, columns, 4)
    outward = np.stack(np.broadcast_arrays(np.sin(around), 0.9 * cap, np.cos(around)), -1)
    return sheet(points, outward=outward, albedo=np.asarray(colour) * cloth[..., None], shade=0.9)


def _ball(centre: ArrayLike, radii: ArrayLike, colour: Colour, fine: float) -> Surface:
    rows = int(80 * fine)
    polar = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(-np.pi, np.pi, rows)[None]
    unit: NDArray[np.float64] = np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)
        ),
        -1,
    )
    return sheet(
        unit * np.asarray(radii) + np.asarray(centre), outward=unit, albedo=colour, shade=0.85
    )
