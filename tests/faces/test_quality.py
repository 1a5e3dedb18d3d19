"""Quality falls with each thing that makes a face hard to recognise, and names it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from workbench.domain import Box, Face
from workbench.faces.detection import detect
from workbench.faces.models import Models
from workbench.faces.quality import assess, crop


@pytest.fixture(scope="module")
def seen(models: Models, portrait: Path) -> tuple[np.ndarray, Face]:
    """A good photograph, 700 px high, and its face."""
    image = cv2.imread(str(portrait))
    scale = 700 / max(image.shape[:2])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image, detect(models, image, min_width=80)[0]


def test_a_good_photograph_is_good(seen: tuple[np.ndarray, Face]) -> None:
    quality = assess(*seen)
    assert quality.overall > 0.7
    assert all(0 <= getattr(quality, p) <= 1 for p in ("size", "sharpness", "pose", "exposure"))


def test_blur_is_told(seen: tuple[np.ndarray, Face]) -> None:
    image, face = seen
    blurred = assess(cv2.GaussianBlur(image, (0, 0), 8), face)
    assert blurred.overall < assess(image, face).overall
    assert blurred.weakest() == "sharpness"


@pytest.mark.parametrize("change", [lambda image: image // 8, lambda image: image // 8 + 223])
def test_bad_light_is_told(seen: tuple[np.ndarray, Face], change: object) -> None:
    image, face = seen
    spoilt = assess(change(image), face)  # type: ignore[operator]
    assert spoilt.overall < 0.7 * assess(image, face).overall
    assert spoilt.weakest() == "exposure"


def test_smallness_is_told(seen: tuple[np.ndarray, Face]) -> None:
    image, face = seen
    factor = 30 / face.box.width
    assert face.landmarks is not None
    points = tuple((x * factor, y * factor) for x, y in face.landmarks)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    assert assess(small, Face(face.box.scaled(factor), 1, points)).weakest() == "size"


def test_a_turned_head_is_told() -> None:
    image = np.random.default_rng(1).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    box = Box(50, 50, 100, 100)
    front = Face(box, 1, ((75, 90), (125, 90), (100, 115)))
    turned = Face(box, 1, ((75, 90), (125, 90), (120, 115)))
    assert assess(image, front).pose == 1
    assert assess(image, turned).pose < 0.4
    assert assess(image, Face(box, 1, ((90, 90), (90, 90), (90, 90)))).pose == 0


def test_a_box_outside_the_picture_is_worth_nothing() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    assert assess(image, Face(Box(100, 100, 20, 20), 1)).overall == 0
    assert crop(image, Box(40, 40, 20, 20)).shape == (10, 10, 3)
    assert crop(image, Box(-30, -30, 20, 20)).size == 0


@pytest.mark.parametrize("part", ["mouth", "eyes"])
def test_what_hides_a_face_is_told(
    models: Models, seen: tuple[np.ndarray, Face], part: str
) -> None:
    image, face = seen
    assert face.landmarks is not None
    (ax, ay), (bx, _), (_, ny) = face.landmarks[:3]
    iod = bx - ax
    top, bottom = (ay - 0.25 * iod, ay + 0.25 * iod) if part == "eyes" else (ny, ny + iod)
    covered = image.copy()
    covered[int(top) : int(bottom), int(ax - 0.6 * iod) : int(bx + 0.6 * iod)] = (90, 100, 150)
    found = detect(models, covered, min_width=80)
    assert found, "the covered face is still found"
    before = assess(image, face, detector="dlib")
    after = assess(covered, found[0], detector="dlib")
    assert before.occlusion == 1
    assert after.occlusion < 0.9
    assert after.overall < before.overall


def test_landmarks_that_make_no_face_are_told() -> None:
    image = np.random.default_rng(1).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    box = Box(50, 50, 100, 100)

    def plausibility(*points: tuple[float, float]) -> float:
        return assess(image, Face(box, 1, points)).landmarks

    eyes = ((80, 90), (120, 90))
    assert plausibility(*eyes, (100, 118)) == 1
    assert plausibility(*eyes, (100, 112), (85, 130), (115, 130)) == 1
    assert plausibility(*eyes, (100, 70)) == 0  # the nose above the eyes
    assert plausibility(*eyes, (100, 112), (85, 95), (115, 95)) < 0.3  # the mouth beside them
    assert plausibility((99, 90), (101, 90), (100, 92)) < 0.1  # the eyes in one place
