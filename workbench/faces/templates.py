"""Templates of faces: aligned as the network was trained, normalised, embedded, pooled.

Alignment is where accuracy is won or lost: on the same faces and weights the share of appearances
found at a false-match rate of 1 % rose from 0.72 with DeepFace's crop to 0.97 with the network's
own chips. So chips are cut here, and DeepFace's recogniser is called on them directly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dlib
import numpy as np

from workbench.calibration.normaliser import plain_scores
from workbench.domain import Box, Face, Metric
from workbench.errors import ModelError
from workbench.faces.quality import crop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Image, Vector
    from workbench.faces.models import Models

# dlib's face recognition example: chips (of 150 px there) with a padding of 0.25.
DLIB_CHIP_PADDING = 0.25
# dlib's landmark predictor expects the boxes of its own detector. Against YuNet's landmarks these
# are centred on the mean of the five points, 2.33 eye-to-mouth distances wide (239 LFW faces,
# standard deviation 0.19).
HOG_BOX_PER_EYE_TO_MOUTH = 2.33
# The five points of ArcFace's 112 x 112 chips (insightface, arcface_src).
ARCFACE_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


def align(models: Models, image: Image, face: Face) -> Image:
    """Cut the chip of *face* the way the profile's recogniser was trained.

    Returns
    -------
    (height, width, 3) uint8, BGR, of the recogniser's input size

    Raises
    ------
    ModelError
        If the detector gives too few landmarks for this alignment.
    """
    alignment = models.profile.alignment
    if alignment == "dlib-chip":
        return _dlib_chip(models, image, face)
    if alignment == "arcface-112":
        return _arcface_chip(image, face, models.input_size)
    return _deepface_chip(image, face, models.input_size)


def embed(models: Models, chips: Sequence[Image]) -> NDArray[np.float32]:
    """Templates ``(n, dimension) float32`` of *n* chips, as the recogniser gives them."""
    if not chips:
        return np.empty((0, models.profile.dimension), np.float32)
    batch = models.prepare(np.stack(chips))
    output: Any = models.recogniser.forward(batch)
    templates = np.asarray(output, np.float32).reshape(len(chips), -1)
    if templates.shape[1] != models.profile.dimension:
        raise ModelError(
            f"gives templates of {templates.shape[1]} numbers, not {models.profile.dimension}",
            where=models.profile.name,
            fix="Check that its weights are the ones this profile asks for",
        )
    if not np.isfinite(templates).all():
        raise ModelError(
            "gives numbers that are infinite or not numbers (NaN) for a face",
            where=models.profile.name,
            fix="Use another profile, and tell who made the network",
        )
    return templates


def embed_both_ways(models: Models, chip: Image) -> NDArray[np.float32]:
    """Templates ``(2, dimension) float32`` of a chip as it is, and mirrored left to right."""
    return embed(models, [chip, np.ascontiguousarray(chip[:, ::-1])])


def embed_photograph(models: Models, chip: Image) -> Vector:
    """Template ``(dimension,) float32`` of a photograph's chip: that of it and its mirror image.

    Faces are nearly symmetric, and what is not (light, the side that is turned away) is not the
    person: the target is missed less often so, for one more embedding a photograph (see
    docs/findings.md). Templates in a gallery are of faces as they were recorded.
    """
    return pool(embed_both_ways(models, chip), models.profile.metric)


def pool(templates: NDArray[np.float32], metric: Metric) -> Vector:
    """One template ``(dimension,) float32`` for several ``(n, dimension)`` of the same person.

    The mean; for the cosine metric the mean of directions, so that a long vector weighs no more.
    """
    if metric == "cosine":
        templates = templates / np.linalg.norm(templates, axis=1, keepdims=True)
    mean: Vector = templates.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def scores(
    templates: NDArray[np.float32],
    probe: Vector,
    metric: Metric,
    normaliser: Normaliser | None = None,
) -> NDArray[np.float32]:
    """Similarity ``(n,) float32`` of templates ``(n, dimension)`` to a probe; higher, more alike.

    The cosine similarity, or 1 minus the Euclidean distance; with a *normaliser*, normalised.
    """
    if normaliser is not None:
        found = normaliser.scores(templates, probe[None])
    else:
        found = plain_scores(probe[None], templates, metric)
    return np.asarray(found[0], np.float32)


def group(templates: NDArray[np.float32], models: Models) -> list[list[int]]:
    """Divide the rows of ``(n, dimension)`` templates of one track by person, largest group first.

    Average linkage, stopped where shots are less alike than any two of one person on one camera
    (``models.split_below``). One group where the profile has no such figure.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(templates) < 2 or models.split_below is None:
        return [list(range(len(templates)))]
    metric = models.profile.metric
    unlike = [
        1 - float(score)
        for i, template in enumerate(templates[:-1])
        for score in scores(templates[i + 1 :], template, metric)
    ]
    labels = fcluster(linkage(unlike, "average"), 1 - models.split_below, "distance")
    groups = [[i for i, at in enumerate(labels) if at == label] for label in set(labels)]
    return sorted(groups, key=lambda members: (-len(members), members))


def same_person(first: Sequence[Vector], second: Sequence[Vector], models: Models) -> bool:
    """Return True if two fragments on one camera, close in time and place, show one person.

    Only for pieces that also agree in place and time: the bound (``models.join_from``) is too weak
    to stand alone.
    """
    if models.join_from is None:
        return False
    metric = models.profile.metric
    pooled = pool(np.stack(second), metric)
    score = scores(pool(np.stack(first), metric)[None], pooled, metric)[0]
    return bool(score >= models.join_from)


def _dlib_chip(models: Models, image: Image, face: Face) -> Image:
    import cv2

    box = _hog_box(face)
    rectangle = dlib.rectangle(
        round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height)
    )
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    points = models.landmarks(rgb, rectangle)
    chip = dlib.get_face_chip(rgb, points, models.input_size[0], DLIB_CHIP_PADDING)
    return np.ascontiguousarray(chip[:, :, ::-1])


def _hog_box(face: Face) -> Box:
    if face.landmarks is None or len(face.landmarks) < 5:
        return face.box  # dlib's own, or the best there is
    left_eye, right_eye, _, left_mouth, right_mouth = face.landmarks
    x = sum(p[0] for p in face.landmarks) / 5
    y = sum(p[1] for p in face.landmarks) / 5
    dx = (left_mouth[0] + right_mouth[0] - left_eye[0] - right_eye[0]) / 2
    dy = (left_mouth[1] + right_mouth[1] - left_eye[1] - right_eye[1]) / 2
    side = HOG_BOX_PER_EYE_TO_MOUTH * float((dx**2 + dy**2) ** 0.5)
    return Box(x - side / 2, y - side / 2, side, side)


def _arcface_chip(image: Image, face: Face, size: tuple[int, int]) -> Image:
    import cv2

    if face.landmarks is None or len(face.landmarks) < 3:
        raise ModelError(
            "needs landmarks, which the detector does not give",
            where="alignment arcface-112",
            fix="Use a profile with a detector such as yunet or retinaface",
        )
    count = len(face.landmarks)
    source = np.array(face.landmarks, np.float32)
    height, width = size
    target = np.array(ARCFACE_TEMPLATE[:count], np.float32) * (height / 112)
    target[:, 0] += (width - height) / 2
    matrix, _ = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)
    chip = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(chip, np.uint8)


def _deepface_chip(image: Image, face: Face, size: tuple[int, int]) -> Image:
    """DeepFace's own way: level the eyes, crop the box, letterbox to the input size."""
    import cv2
    from deepface.modules import preprocessing

    if face.landmarks is not None:
        (ax, ay), (bx, by) = face.landmarks[:2]
        angle = math.degrees(math.atan2(by - ay, bx - ax))
        centre = (face.box.centre_x, face.box.centre_y)
        matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
        image = np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1]), np.uint8)
    resized = preprocessing.resize_image(img=crop(image, face.box), target_size=size)
    return np.asarray(np.rint(resized[0] * 255), np.uint8)
