"""Find faces in a picture or in parts of it, with the detector of a profile.

DeepFace's detector clients are built by DeepFace; dlib's and YuNet's networks are then called
directly, because DeepFace's wrappers fix the scale (one up-sampling, 640 pixels) and drop landmarks
that alignment needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.domain import Box, Face, Point
from workbench.faces.quality import crop

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.faces.models import Models

# The side of dlib's HOG window: smaller faces are found by enlarging the picture first.
HOG_WINDOW = 80
# YuNet's smallest reliable face, pixels of its input (its training set is WIDER Face).
YUNET_SMALLEST = 20
# Two boxes that overlap by more are one face seen from two regions.
SAME_FACE_OVERLAP = 0.4
# So are two of which the centre of one lies this near that of the other, in sizes of the larger: a
# part of a face was found as a face of its own. Of one face such boxes lay up to 0.45 (dlib) and
# 0.32 (YuNet) apart in 24 films; of two people, one half hidden by the other, no less than 0.50
# (1,500 photographs, dlib) and 0.42 (3,600, YuNet). The smaller stands for what was not measured.
PART_OF_FACE, PART_OF_FACE_OTHERWISE = {"dlib": 0.47}, 0.37
# Dlib's score grows with certainty and is not capped; see docs for the figures on town.
HOG_THRESHOLD = 0.0
YUNET_THRESHOLD = 0.8


def detect(
    models: Models,
    image: Image,
    *,
    min_width: float = 40.0,
    regions: Sequence[Box] | None = None,
) -> list[Face]:
    """Faces in *image*, largest first.

    Parameters
    ----------
    models : Models
        Loaded by :func:`workbench.faces.models.load`.
    image : (height, width, 3) uint8, BGR
    min_width : float
        Width in pixels of the smallest face looked for. Cost grows with its inverse square.
    regions : sequence of Box, optional
        Look only inside these parts of the picture. By default, everywhere.
    """
    return detect_in_looks(models, image, [Look(min_width, regions)])


@dataclass(frozen=True, slots=True)
class Look:
    """Part of a picture to look at, and the smallest face to look for; see :func:`detect`."""

    min_width: float
    regions: Sequence[Box] | None = None


def detect_in_looks(models: Models, image: Image, looks: Sequence[Look]) -> list[Face]:
    """Faces that several looks at one picture find, each of them once, largest first."""
    found: list[_Found] = []
    for look in looks:
        found += _suppressed(_found_in(models, image, look), models.profile.detector)
    if len(looks) > 1:
        found = _suppressed(found, models.profile.detector)
    return [one.face if one.complete is None else one.complete() for one in found]


@dataclass(frozen=True, slots=True)
class _Found:
    """A face that was found; landmarks that take long wait until it is known that it is kept."""

    face: Face
    complete: Callable[[], Face] | None = None

    def moved(self, dx: float, dy: float) -> _Found:
        complete = self.complete
        if complete is None:
            return _Found(self.face.moved(dx, dy))
        return _Found(self.face.moved(dx, dy), lambda: complete().moved(dx, dy))


def _found_in(models: Models, image: Image, look: Look) -> list[_Found]:
    find = _BACKENDS.get(models.profile.detector, _detect_with_deepface)
    if look.regions is None:
        return find(models, image, look.min_width)
    found: list[_Found] = []
    for region in look.regions:
        part = crop(image, region)
        if min(part.shape[:2]) < look.min_width / 2:
            continue
        left, top = max(0, math.floor(region.x)), max(0, math.floor(region.y))
        found += [one.moved(left, top) for one in find(models, part, look.min_width)]
    return found


def _suppressed(found: list[_Found], detector: str) -> list[_Found]:
    of = {id(one.face): one for one in found}
    return [
        of[id(face)] for face in non_max_suppression([one.face for one in found], detector=detector)
    ]


def _detect_with_dlib(models: Models, image: Image, min_width: float) -> list[_Found]:
    import cv2

    network: dict[str, Any] = models.detector.model
    scale = HOG_WINDOW / min_width
    resized, scale = _resized(image, scale)
    rgb = np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)
    rectangles, scores, _ = network["face_detector"].run(rgb, 0, HOG_THRESHOLD)
    faces = []
    for rectangle, score in zip(rectangles, scores, strict=True):
        box = Box(rectangle.left(), rectangle.top(), rectangle.width(), rectangle.height())
        face = Face(box.scaled(1 / scale), float(score), None)
        # A millisecond each, and of what is found every second one is the same face again.
        complete = partial(_with_dlib_landmarks, network["sp"], rgb, rectangle, scale, face)
        faces.append(_Found(face, complete))
    return faces


def _with_dlib_landmarks(
    predictor: Any, rgb: Image, rectangle: Any, scale: float, face: Face
) -> Face:
    points = predictor(rgb, rectangle)
    # Corners of the eye at the right of the picture, of the one at the left, base of the nose.
    right_outer, right_inner, left_outer, left_inner, nose = (
        np.array([points.part(i).x, points.part(i).y]) / scale for i in range(5)
    )
    left_eye, right_eye = (left_outer + left_inner) / 2, (right_outer + right_inner) / 2
    return replace(face, landmarks=(_point(left_eye), _point(right_eye), _point(nose)))


def _detect_with_yunet(models: Models, image: Image, min_width: float) -> list[_Found]:
    network = models.detector.model
    resized, scale = _resized(image, min(1.0, YUNET_SMALLEST / min_width))
    height, width = resized.shape[:2]
    network.setInputSize((width, height))
    network.setScoreThreshold(YUNET_THRESHOLD)
    _, rows = network.detect(resized)
    faces = []
    for row in () if rows is None else rows:
        values = [float(value) / scale for value in row[:14]]
        landmarks = tuple((values[i], values[i + 1]) for i in range(4, 14, 2))
        faces.append(Face(Box(*values[:4]), float(row[14]), landmarks))
    return [_Found(face) for face in faces if face.box.width >= min_width * 0.8]


def _detect_with_deepface(models: Models, image: Image, min_width: float) -> list[_Found]:
    faces = []
    for region in models.detector.detect_faces(image):
        # DeepFace names eyes from the subject's side: the left eye lies at the picture's right.
        points = (
            region.right_eye, region.left_eye, getattr(region, "nose", None),
            getattr(region, "mouth_right", None), getattr(region, "mouth_left", None),
        )  # fmt: skip
        known: list[Point] = []
        for point in points:
            if point is None:
                break
            known.append((float(point[0]), float(point[1])))
        landmarks = tuple(known) if len(known) >= 3 else None
        box = Box(float(region.x), float(region.y), float(region.w), float(region.h))
        if box.width >= min_width:
            faces.append(_Found(Face(box, float(region.confidence or 0.0), landmarks)))
    return faces


_Backend = Callable[["Models", "Image", float], list[_Found]]
_BACKENDS: dict[str, _Backend] = {"dlib": _detect_with_dlib, "yunet": _detect_with_yunet}


def _resized(image: Image, scale: float) -> tuple[Image, float]:
    import cv2

    if abs(scale - 1) < 0.02:
        return image, 1.0
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)), scale


def _point(pair: Any) -> Point:
    return float(pair[0]), float(pair[1])


def non_max_suppression(faces: list[Face], *, detector: str) -> list[Face]:
    """Keep the most confident of the boxes that *detector* gave each face; largest first."""
    kept: list[Face] = []
    apart = PART_OF_FACE.get(detector, PART_OF_FACE_OTHERWISE)
    for face in sorted(faces, key=lambda f: -f.confidence):
        if not any(_is_same_face(face.box, other.box, apart) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda f: (-f.box.width, f.box.x, f.box.y))


def _is_same_face(one: Box, other: Box, apart: float) -> bool:
    larger = one if one.width > other.width else other
    dx = abs(one.centre_x - other.centre_x) / larger.width
    dy = abs(one.centre_y - other.centre_y) / larger.height
    return max(dx, dy) < apart or one.overlap(other) >= SAME_FACE_OVERLAP
