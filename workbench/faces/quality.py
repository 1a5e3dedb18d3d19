"""Quality of faces for recognition: one number made of named parts.

The parts and their names follow ISO/IEC 29794-5 (face image quality): size, sharpness, pose,
exposure, occlusion, and whether the landmarks lie as in a face. They are computed from the pixels
around a detected face and what its detector says, without a further network; closed eyes and
expression are not told (docs/decisions/0010-eyes-and-expression.md).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Box, Face, Quality

if TYPE_CHECKING:
    from workbench.domain import Image

# Interocular distance, pixels. Below the first a face holds no more than a guess; at the second the
# 150 px chip of the Dlib network (eyes 47 px apart) needs no enlarging.
IOD_USELESS, IOD_FULL = 8.0, 47.0
# Width of a detector's box in interocular distances, for detectors without landmarks: median of
# dlib's boxes on LFW.
BOX_WIDTHS_PER_IOD = 2.35
# Sharpness is measured at one scale, so that it does not repeat size.
SHARPNESS_WIDTH = 64
SHARPNESS_BLURRED, SHARPNESS_FULL = 0.02, 0.16
# How sure a detector is falls with what is hidden. On 100 LFW faces dlib's score is 0.9 to 2.5
# (10 to 90 %) as they are, 0.2 to 1.2 with the mouth covered, 0.2 to 1.4 with the eyes, 0.0 to 0.7
# with one side; YuNet's 0.92 to 0.94, then 0.83 to 0.92. The same faces as they are and covered
# lie 0.3 to 0.5 apart as templates of Dlib.
CERTAINTY = {"dlib": (-0.3, 1.5), "yunet": (0.75, 0.91)}
# Where landmarks lie on 150 LFW faces, in interocular distances below the line of the eyes (1 to
# 99 %): the nose's base 0.61 to 1.02 (dlib), its tip 0.47 to 0.73, the mouth 0.89 to 1.42 (YuNet);
# the eyes are 0.26 to 0.52 of the box's width apart.
NOSE_BELOW, MOUTH_BELOW, EYES_APART = (0.35, 1.15), (0.75, 1.6), (0.2, 0.58)


def assess(image: Image, face: Face, *, detector: str = "") -> Quality:
    """Assess *face* in *image* ``(height, width, 3) uint8``; all parts from 0 to 1.

    ``detector`` found it: its confidence is used as a measure of occlusion for dlib and yunet.
    """
    import cv2

    patch = crop(image, face.box)
    if patch.size == 0:
        return Quality(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    height = max(1, round(SHARPNESS_WIDTH * grey.shape[0] / grey.shape[1]))
    small = cv2.resize(grey, (SHARPNESS_WIDTH, height), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)

    size = _ramp(_interocular(face), IOD_USELESS, IOD_FULL)
    contrast = float(small.std())
    # Energy of the Laplacian against the contrast it rides on: a dark sharp face is still sharp.
    edges = float(cv2.Laplacian(small, cv2.CV_32F).var())
    sharpness = _ramp(edges / (contrast**2 + 25.0), SHARPNESS_BLURRED, SHARPNESS_FULL)
    occlusion = _ramp(face.confidence, *CERTAINTY[detector]) if detector in CERTAINTY else 1.0
    parts = (
        size, sharpness, _frontality(face), _exposure(small, contrast), occlusion,
        _plausibility(face),
    )  # fmt: skip
    overall = math.prod(parts) ** (1 / len(parts))
    return Quality(overall, *parts)


def crop(image: Image, box: Box) -> Image:
    """Return the part of *image* inside *box*, as a view; empty where they do not meet."""
    height, width = image.shape[:2]
    left, top = max(0, math.floor(box.x)), max(0, math.floor(box.y))
    right = min(width, math.ceil(box.x + box.width))
    bottom = min(height, math.ceil(box.y + box.height))
    return image[top : max(top, bottom), left : max(left, right)]


def _ramp(value: float, zero: float, one: float) -> float:
    return min(1.0, max(0.0, (value - zero) / (one - zero)))


def _interocular(face: Face) -> float:
    if face.landmarks is None:
        return face.box.width / BOX_WIDTHS_PER_IOD
    (ax, ay), (bx, by) = face.landmarks[:2]
    return math.hypot(bx - ax, by - ay)


def _frontality(face: Face) -> float:
    """1 for a frontal face, 0 for a profile: how far the nose lies off the line between the eyes.

    The nose's sideways offset in units of half the interocular distance grows about as tan(yaw);
    1 is reached near 45 degrees, where networks trained on frontal chips begin to fail.
    """
    if face.landmarks is None:
        return 1.0
    (ax, ay), (bx, by), (nx, ny) = face.landmarks[:3]
    dx, dy = bx - ax, by - ay
    iod = math.hypot(dx, dy)
    if iod == 0:
        return 0.0
    along = ((nx - ax) * dx + (ny - ay) * dy) / iod**2  # 0 at one eye, 1 at the other
    yaw = abs(along - 0.5) * 2
    roll = abs(math.degrees(math.atan2(dy, dx)))
    # Chips are levelled, so roll costs little until the detector itself suffers.
    return _ramp(yaw, 1.0, 0.15) * _ramp(roll, 60.0, 30.0)


def _plausibility(face: Face) -> float:
    """1 where nose and mouth lie below the eyes, and the eyes in the box, as in a face."""
    if face.landmarks is None:
        return 1.0
    (ax, ay), (bx, by) = face.landmarks[:2]
    iod = math.hypot(bx - ax, by - ay)
    if iod == 0:
        return 0.0

    def below(x: float, y: float) -> float:
        return ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / iod**2

    value = _inside(iod / face.box.width, *EYES_APART) * _inside(
        below(*face.landmarks[2]), *NOSE_BELOW
    )
    if len(face.landmarks) >= 5:
        (lx, ly), (rx, ry) = face.landmarks[3:5]
        value *= _inside(below((lx + rx) / 2, (ly + ry) / 2), *MOUTH_BELOW)
    return value


def _inside(value: float, low: float, high: float) -> float:
    """1 from *low* to *high*, falling to 0 within half of that span outside."""
    slack = (high - low) / 2
    return _ramp(value, low - slack, low) * _ramp(value, high + slack, high)


def _exposure(grey: object, contrast: float) -> float:
    pixels = np.asarray(grey)
    mean = float(pixels.mean())
    burnt = float(((pixels > 250) | (pixels < 5)).mean())
    return (
        _ramp(mean, 15, 60)
        * _ramp(mean, 250, 215)
        * _ramp(contrast, 4, 25)
        * _ramp(burnt, 0.6, 0.1)
    )
