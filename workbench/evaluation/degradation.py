"""Good stills made as bad as a camera would: smaller, blurred, compressed, darker, turned away.

Each degradation is a documented transform of the whole picture, which then goes through detection
as footage does; so a face that is no longer found counts as missed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from workbench.errors import NoFaceFound
from workbench.faces.detection import detect

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.faces.models import Models

Kind: TypeAlias = Literal["size", "blur", "compression", "light", "yaw"]

# A head seen from above is about round; its outline is 1.3 boxes of a detector wide.
HEAD_WIDTH = 1.3
EXPOSURE_NOISE = 6.0  # grey levels of read noise, as dark pictures of small sensors have


@dataclass(frozen=True, slots=True)
class Degradation:
    """One transform and how strong it is.

    Parameters
    ----------
    kind, amount
        - ``size``: the face is *amount* pixels wide (averaged down, never enlarged);
        - ``blur``: Gaussian, its standard deviation *amount* hundredths of the face's width;
        - ``compression``: JPEG of quality *amount* (1 to 100);
        - ``light``: exposure changed by *amount* stops (in linear light, sRGB's 2.2 taken as
          exponent), cut off at 0 and 255, with noise of 6 grey levels;
        - ``yaw``: the head turned by *amount* degrees: the picture lies on an upright cylinder as
          wide as the head, which is turned.
    """

    kind: Kind
    amount: float

    @property
    def min_width(self) -> float:
        """Width in pixels of the smallest face that is looked for afterwards."""
        return min(40.0, 0.8 * self.amount) if self.kind == "size" else 40.0

    def apply(self, image: Image, models: Models) -> Image:
        """The picture made worse; raise NoFaceFound where its face is not found before."""
        if self.kind == "compression":
            _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(self.amount)])
            return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
        if self.kind == "light":
            linear = (image / 255.0) ** 2.2 * 2.0**self.amount
            # The same noise for the same picture, so that results can be repeated.
            noise = np.random.default_rng(0).normal(0, EXPOSURE_NOISE, image.shape)
            return np.asarray(np.clip(255 * linear ** (1 / 2.2) + noise, 0, 255), np.uint8)
        centre, width = _middle_face(image, models)
        if self.kind == "size":
            scale = min(1.0, self.amount / width)
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            return np.asarray(small)
        if self.kind == "blur":
            return np.asarray(cv2.GaussianBlur(image, (0, 0), max(self.amount * width / 100, 0.01)))
        return _turned(image, centre, width * HEAD_WIDTH / 2, math.radians(self.amount))


def _middle_face(image: Image, models: Models) -> tuple[float, float]:
    """Horizontal centre and width of the middle face, in pixels."""
    faces = detect(models, image)
    if not faces:
        raise NoFaceFound("no face", where="picture", fix="Leave it out")
    middle = image.shape[1] / 2, image.shape[0] / 2
    face = min(faces, key=lambda f: math.dist((f.box.centre_x, f.box.centre_y), middle))
    return face.box.centre_x, face.box.width


def _turned(image: Image, centre: float, radius: float, angle: float) -> Image:
    """The picture on an upright cylinder around *centre*, turned; what lay behind is drawn out."""
    height, width = image.shape[:2]
    # Where on the cylinder each column lies after the turn, and where it lay before.
    after = np.arcsin(np.clip((np.arange(width) - centre) / radius, -1, 1))
    before = np.clip(after - angle, -np.pi / 2, np.pi / 2)
    columns = centre + radius * np.sin(before)
    outside = np.abs(np.arange(width) - centre) >= radius
    columns = np.where(outside, np.arange(width), columns).astype(np.float32)
    across = np.broadcast_to(columns, (height, width))
    down = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], (height, width))
    return np.asarray(
        cv2.remap(image, np.ascontiguousarray(across), np.ascontiguousarray(down), cv2.INTER_LINEAR)
    )
