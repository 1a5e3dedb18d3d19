"""Eyes in a picture of one face, so that two pictures can be laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain import Point
from workbench.faces.detection import detect
from workbench.faces.photographs import read_photograph

if TYPE_CHECKING:
    from workbench.domain import Face
    from workbench.faces.models import Models

# Of the picture's smaller side: best shots and photographs are cut with a margin around the face,
# so that it fills about half of them.
SMALLEST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Eyes:
    """Centres of the eyes at the left and at the right of the picture, in pixels."""

    left: Point
    right: Point


def find_eyes(jpeg: bytes, models: Models) -> Eyes | None:
    """Find the eyes of the face in the middle of a picture; None where there is no face.

    Raises ImageError if it is not a picture.
    """
    image = read_photograph(jpeg, "picture of a face")
    height, width = image.shape[:2]

    def off_centre(face: Face) -> float:
        x, y = face.box.centre_x - width / 2, face.box.centre_y - height / 2
        return float(abs(x) + abs(y))

    found = detect(models, image, min_width=max(16.0, SMALLEST_SHARE * min(width, height)))
    faces = [face for face in found if face.landmarks and off_centre(face) < (width + height) / 4]
    if not faces:
        return None
    landmarks = min(faces, key=off_centre).landmarks
    assert landmarks is not None
    left, right = landmarks[:2]
    return Eyes(left, right) if left[0] < right[0] else None
