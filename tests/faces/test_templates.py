"""Templates: the same person alike, different people not; pooling, splitting and joining."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from workbench.domain import Box, Face, Metric
from workbench.errors import ModelError
from workbench.evaluation import pooling
from workbench.faces import templates
from workbench.faces.detection import detect
from workbench.faces.models import Models
from workbench.gallery import scan


def test_dlib_chips_are_those_of_dlib(models: Models, portrait: Path) -> None:
    import dlib

    image = cv2.imread(str(portrait))
    image = cv2.resize(image, None, fx=0.5, fy=0.5)
    (face, *_) = detect(models, image, min_width=80)
    rgb = image[:, :, ::-1].copy()
    box = dlib.rectangle(
        round(face.box.x), round(face.box.y),
        round(face.box.x + face.box.width), round(face.box.y + face.box.height),
    )  # fmt: skip
    reference = dlib.get_face_chip(rgb, models.landmarks(rgb, box), 150, 0.25)
    assert np.array_equal(templates.align(models, image, face), reference[:, :, ::-1])


def test_the_same_person_is_nearer_than_others(models: Models, shared: Path) -> None:
    def template(path: Path) -> np.ndarray:
        image = cv2.imread(str(path))
        scale = 800 / max(image.shape[:2])
        image = cv2.resize(image, None, fx=scale, fy=scale)
        face = detect(models, image, min_width=60)[0]
        return templates.embed(models, [templates.align(models, image, face)])[0]

    faces = shared / "faces"
    same = np.stack([template(p) for p in sorted((faces / "one_person").glob("*.jpg"))[:3]])
    others = np.stack([template(p) for p in sorted((faces / "canada").glob("*.jpg"))[:5]])
    alike = templates.scores(same[1:], same[0], "euclidean")
    different = templates.scores(others, same[0], "euclidean")
    assert alike.min() > different.max()


def test_no_chips_give_no_templates(models: Models) -> None:
    assert templates.embed(models, []).shape == (0, 128)


def test_pooling_by_direction_lets_no_long_vector_weigh_more() -> None:
    vectors = np.array([[1, 0], [0, 100]], np.float32)
    assert templates.pool(vectors, "cosine") == pytest.approx([0.5, 0.5])
    assert templates.pool(vectors, "euclidean") == pytest.approx([0.5, 50])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_scores_are_those_that_a_search_gives(metric: Metric) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 128)).astype(np.float32)
    vectors[1] = vectors[0]
    wanted = np.stack([scan.plain_scores(vectors, v.astype(float), metric) for v in vectors[:9]])
    assert pooling.similarity(vectors[:9], vectors, metric) == pytest.approx(wanted, abs=1e-6)
    for probe, expected in zip(vectors, wanted, strict=False):
        assert templates.scores(vectors, probe, metric) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "expected"), [("euclidean", [1, 1 - 2**0.5, -1]), ("cosine", [1, 0, -1])]
)
def test_scores_are_higher_for_more_alike(metric: str, expected: list[float]) -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    found = templates.scores(vectors, np.array([1, 0], np.float32), metric)  # type: ignore[arg-type]
    assert found == pytest.approx(expected, abs=1e-6)


def cloud(centre: float, count: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, (count, 128))
    return (np.full(128, centre / 128**0.5) + noise).astype(np.float32)


def test_a_track_of_two_people_is_divided(models: Models) -> None:
    mixed = np.concatenate([cloud(0, 2, 1), cloud(0.9, 3, 2)])
    assert templates.group(mixed, models) == [[2, 3, 4], [0, 1]]


def test_a_track_of_one_person_stays_whole(models: Models) -> None:
    assert templates.group(cloud(0, 5, 1), models) == [[0, 1, 2, 3, 4]]
    assert templates.group(cloud(0, 1, 1), models) == [[0]]


def test_track_fragments_are_of_one_person_only_if_they_are_alike(models: Models) -> None:
    assert templates.same_person(list(cloud(0, 2, 1)), list(cloud(0.2, 2, 2)), models)
    assert not templates.same_person(list(cloud(0, 2, 1)), list(cloud(0.6, 2, 2)), models)


def test_arcface_chips_put_the_landmarks_where_the_network_expects_them() -> None:
    # A face whose points are the template's own, enlarged and moved: warped back they fit.
    points = tuple((x * 3 + 40, y * 3 + 25) for x, y in templates.ARCFACE_TEMPLATE)
    image = np.zeros((500, 500, 3), np.uint8)
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), 6, (255, 255, 255), -1)
    chip = templates._arcface_chip(image, Face(Box(40, 25, 336, 336), 1, points), (112, 112))
    for x, y in templates.ARCFACE_TEMPLATE:
        assert chip[round(y), round(x)].mean() > 200


def test_alignment_without_landmarks_is_refused_where_it_needs_them() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(ModelError, match="needs landmarks"):
        templates._arcface_chip(image, Face(Box(0, 0, 50, 50), 1), (112, 112))
