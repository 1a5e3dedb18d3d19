"""Faces in pictures, their quality, and the profiles that find and recognise them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image: TypeAlias = NDArray[np.uint8]
    Vector: TypeAlias = NDArray[np.float32]

Metric: TypeAlias = Literal["cosine", "euclidean"]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels; ``x, y`` is its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre_x(self) -> float:
        """Horizontal centre, pixels."""
        return self.x + self.width / 2

    @property
    def centre_y(self) -> float:
        """Vertical centre, pixels."""
        return self.y + self.height / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union with *other*, from 0 to 1."""
        w = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        h = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if w <= 0 or h <= 0:
            return 0.0
        shared = w * h
        return shared / (self.width * self.height + other.width * other.height - shared)

    def moved(self, dx: float, dy: float) -> Box:
        """Return the box moved *dx* pixels to the right and *dy* down."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def widened(self, margin: float) -> Box:
        """Return the box with *margin* of its own width and height added on each side."""
        dx, dy = margin * self.width, margin * self.height
        return Box(self.x - dx, self.y - dy, self.width + 2 * dx, self.height + 2 * dy)

    def scaled(self, factor: float) -> Box:
        """Return the box as it lies in a picture resized by *factor*."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)


Point: TypeAlias = tuple[float, float]  # x, y in pixels


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face.

    ``landmarks`` are, as far as the detector gives them: the eye at the left of the picture, the
    eye at its right, the nose, then the mouth's corner at the left and at the right (the order of
    the ArcFace template). Three or five points; ``None`` from a detector without landmarks.
    """

    box: Box
    confidence: float  # on the detector's own scale
    landmarks: tuple[Point, ...] | None = None

    def moved(self, dx: float, dy: float) -> Face:
        """Return the face moved *dx* pixels to the right and *dy* down."""
        points = self.landmarks
        if points is not None:
            points = tuple((x + dx, y + dy) for x, y in points)
        return Face(self.box.moved(dx, dy), self.confidence, points)


QUALITY_PARTS = ("size", "sharpness", "pose", "exposure", "occlusion", "landmarks")


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of a face for recognition, 0 (useless) to 1 (as good as an enrolment photograph).

    The parts, each from 0 to 1, follow ISO/IEC 29794-5; ``overall`` is made from them.
    """

    overall: float
    size: float
    sharpness: float
    pose: float
    exposure: float
    occlusion: float = 1.0  # 1: nothing is hidden
    landmarks: float = 1.0  # 1: eyes, nose and mouth lie as in a face

    def weakest(self) -> str:
        """Name of the part with the lowest value."""
        return min(QUALITY_PARTS, key=lambda part: float(getattr(self, part)))


@dataclass(frozen=True, slots=True)
class Profile:
    """A detector and a recogniser used together, and what their scores mean.

    Templates of different profiles never meet. ``weights`` maps file names to SHA-256, so that the
    same name with other weights is another profile.
    """

    name: str
    detector: str
    recogniser: str
    alignment: str
    metric: Metric
    dimension: int
    weights: tuple[tuple[str, str], ...] = ()
    version: str = "1"  # of our own alignment and normalisation code

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change whenever templates would not be comparable.

        The detector is part of it: it decides what is found and how faces lie in their chips.
        """
        parts = (self.detector, self.recogniser, self.alignment, self.metric, self.version)
        text = "\n".join([*parts, str(self.dimension), *(f"{n}={h}" for n, h in self.weights)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
