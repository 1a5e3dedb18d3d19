"""Tracklets: one person, one tracklet; side by side, two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from workbench.domain import Box, Face, Tracklet
from workbench.faces import tracklets
from workbench.faces.detection import detect, non_max_suppression
from workbench.faces.models import Models

WIDTH = 80.0  # of each face, pixels


@pytest.fixture(scope="module")
def face(models: Models, portrait: Path) -> tuple[np.ndarray, Face]:
    """A picture with a margin around a face of the common width, and the face in it."""
    image = cv2.imread(str(portrait))
    scale = WIDTH / detect(models, image, min_width=80)[0].box.width
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small, detect(models, small, min_width=WIDTH / 2)[0]


def followed(
    looks: Mapping[float, Sequence[tuple[int, bool]]],
    face: tuple[np.ndarray, Face],
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Tracklet]:
    """Tracklets of faces at these seconds and places (x), lit or in the dark."""
    picture, at = face
    builder = tracklets.TrackletBuilder(models, started_at=datetime(2026, 3, 29, tzinfo=UTC))
    for seconds, places in looks.items():
        frame = np.full((picture.shape[0], 1200, 3), 90, np.uint8)
        seen = []
        for x, lit in places:
            frame[:, x : x + picture.shape[1]] = picture if lit else picture // 40
            seen.append(at.moved(x, 0))
        monkeypatch.setattr(tracklets, "detect_in_looks", lambda *_, seen=seen: list(seen))
        builder.add_frame(seconds, frame, None)
    return list(builder.finish())


def test_a_look_at_who_crosses_does_not_part_a_walk(
    face: tuple[np.ndarray, Face], models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fourth look somebody in the dark comes, whose place the walker has later."""
    looks: dict[float, list[tuple[int, bool]]] = {
        0: [(100, True)],
        0.25: [(110, True)],
        0.5: [(120, True)],
        0.75: [(130, True), (230, False)],
        1: [(230, False)],
    }
    looks |= {2.3 + n / 4: [(230 + 10 * n, True)] for n in range(5)}
    found = followed(looks, face, models, monkeypatch)
    assert [tracklet.detections for tracklet in found] == [10]
    assert len(found[0].shots) == 5


def test_two_who_look_alike_side_by_side_are_two(
    face: tuple[np.ndarray, Face], models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = {n / 4: [(100 + 10 * n, True), (300 + 10 * n, True)] for n in range(3)}
    looks |= {0.75 + n / 4: [(130 + 10 * n, True)] for n in range(5)}
    found = followed(looks, face, models, monkeypatch)
    assert [tracklet.detections for tracklet in found] == [3, 8]
    assert all(tracklet.searchable for tracklet in found)


@pytest.mark.parametrize(
    ("detector", "part"),
    [("dlib", Box(272, 203, 43, 43)), ("yunet", Box(480, 215, 42, 42))],
)
def test_part_of_a_face_is_no_second_face(detector: str, part: Box) -> None:
    whole = {"dlib": Box(252, 207, 52, 52), "yunet": Box(438, 201, 79, 79)}[detector]
    faces = [Face(part, 0.2), Face(whole, 0.9)]
    assert part.overlap(whole) < 0.4
    assert [face.box for face in non_max_suppression(faces, detector=detector)] == [whole]


@pytest.mark.parametrize("detector", ["dlib", "yunet"])
def test_who_looks_over_a_shoulder_is_a_second_face(detector: str) -> None:
    faces = [Face(Box(0, 0, 100, 100), 0.9), Face(Box(60, -10, 80, 80), 0.8)]
    assert faces[0].box.overlap(faces[1].box) > 0.1
    assert len(non_max_suppression(faces, detector=detector)) == 2
