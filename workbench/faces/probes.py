"""From photographs of the target to a probe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import Face, Photograph, Probe, Quality, Shot
from workbench.errors import ImageError, NoFaceFound, SeveralFacesFound
from workbench.faces import quality, templates
from workbench.faces.detection import detect
from workbench.faces.tracklets import PICTURE_MARGIN, jpeg

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.faces.models import Models

# Larger photographs are refused before they are decoded: 64 megapixels decode to 192 MB.
MOST_MEGAPIXELS = 64
MOST_BYTES = 50 * 2**20
# Detection runs on a photograph no larger than this; faces in it are cut from the same.
WORKING_SIZE = 1600
SMALLEST_FACE = 40.0
# Where the first pass finds nobody, a second looks for smaller faces to say how small they are.
SMALLEST_MENTIONED = 20.0
POOR_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The faces of one photograph, largest first, each with its quality and advice."""

    name: str
    image: Image = field(repr=False)  # upright, at most WORKING_SIZE pixels a side
    faces: tuple[Face, ...]
    qualities: tuple[Quality, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """For each face why it makes a poor probe, in plain words; empty for a good one."""
        return tuple(_advice(q, face) for q, face in zip(self.qualities, self.faces, strict=True))


def find_faces(source: Path | bytes, *, name: str = "", models: Models) -> FoundFaces:
    """Read a photograph (any format Pillow knows, upright by its EXIF tag) and find its faces.

    Raises
    ------
    ImageError
        If it is not a picture or is unreasonably large.
    NoFaceFound
        If it shows no face of at least 40 px.
    """
    name = name or (source.name if isinstance(source, Path) else "photograph")
    image = read_photograph(source, name)
    faces = detect(models, image, min_width=SMALLEST_FACE)
    if not faces:
        tiny = detect(models, image, min_width=SMALLEST_MENTIONED)
        largest = f"; the largest was {tiny[0].box.width:.0f} px" if tiny else ""
        raise NoFaceFound(
            f"no face of at least {SMALLEST_FACE:.0f} px{largest}",
            where=name,
            fix="Use a closer photograph" if tiny else "Use one that shows the face from the front",
        )
    detector = models.profile.detector
    qualities = tuple(quality.assess(image, face, detector=detector) for face in faces)
    return FoundFaces(name, image, tuple(faces), qualities)


def make_photograph(found: FoundFaces, index: int | None = None, *, models: Models) -> Photograph:
    """Make the template of one face of a photograph: number *index*, or the only one.

    Raises
    ------
    SeveralFacesFound
        If there are several faces and none was chosen.
    ImageError
        If there is no face of that number.
    """
    count = len(found.faces)
    if index is None:
        if count > 1:
            raise SeveralFacesFound(
                f"shows {count} faces",
                where=found.name,
                fix="Choose one of them, or use a photograph of the target alone",
                count=count,
            )
        index = 0
    if not 0 <= index < count:
        raise ImageError(
            f"has no face number {index}; there are {count}",
            where=found.name,
            fix=f"Choose a number from 0 to {count - 1}",
        )
    face = found.faces[index]
    chip = templates.align(models, found.image, face)
    picture = quality.crop(found.image, face.box.widened(PICTURE_MARGIN))
    return Photograph(
        name=found.name,
        face=face,
        quality=found.qualities[index],
        jpeg=jpeg(picture),
        template=templates.embed(models, [chip])[0],
        advice=found.advice[index],
    )


def from_shot(shot: Shot, *, name: str) -> tuple[FoundFaces, Photograph]:
    """A best shot as a photograph of the target: its picture, face and template as indexed."""
    image = read_photograph(shot.jpeg, name)
    around = shot.box.widened(PICTURE_MARGIN)
    # The picture was cut at full pixels, and at the edges of the frame.
    face = Face(shot.box.moved(-max(0, math.floor(around.x)), -max(0, math.floor(around.y))), 1.0)
    advice = _advice(shot.quality, face)
    photograph = Photograph(name, face, shot.quality, shot.jpeg, shot.template, advice)
    return FoundFaces(name, image, (face,), (shot.quality,)), photograph


def pool_photographs(photographs: Sequence[Photograph], models: Models) -> Probe:
    """Pool photographs of one person into a probe; raise ImageError if there are none."""
    import numpy as np

    if not photographs:
        raise ImageError("no photograph", where="probe", fix="Give at least one photograph")
    pooled = templates.pool(np.stack([p.template for p in photographs]), models.profile.metric)
    return Probe(tuple(photographs), pooled, models.profile)


def make_probe(sources: Sequence[Path | bytes], *, models: Models) -> Probe:
    """From photographs of one person, each showing one face, to a probe.

    For photographs with several faces use :func:`find_faces` and :func:`make_photograph`.
    """
    found = [find_faces(source, models=models) for source in sources]
    return pool_photographs([make_photograph(f, models=models) for f in found], models)


def read_photograph(source: Path | bytes, name: str) -> Image:
    """The picture `(height, width, 3) uint8`, BGR, upright; raise ImageError if it is none."""
    import io
    import warnings

    import numpy as np
    from PIL import Image as Pictures
    from PIL import ImageOps, UnidentifiedImageError

    try:
        if isinstance(source, Path):
            size = source.stat().st_size
            if size > MOST_BYTES:
                raise _too_large(f"is {size / 2**20:.0f} MB", name)
            source = source.read_bytes()
        elif len(source) > MOST_BYTES:
            raise _too_large(f"is {len(source) / 2**20:.0f} MB", name)
        with warnings.catch_warnings():
            # Pillow warns of large pictures on opening; our own limit follows.
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(source)) as picture:
                width, height = picture.size
                if width * height > MOST_MEGAPIXELS * 1e6:
                    raise _too_large(
                        f"has {width * height / 1e6:.0f} megapixels ({width} by {height})", name
                    )
                picture.draft("RGB", (WORKING_SIZE, WORKING_SIZE))
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                upright.thumbnail((WORKING_SIZE, WORKING_SIZE))
    except ImageError:
        raise
    except Pictures.DecompressionBombError:
        raise _too_large("has far too many pixels", name) from None
    except UnidentifiedImageError:
        raise ImageError(
            "is not a picture that can be read", where=name, fix="Use a JPEG or PNG photograph"
        ) from None
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise ImageError(
            f"cannot be read ({error})", where=name, fix="Use a JPEG or PNG photograph"
        ) from None
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def _too_large(what: str, name: str) -> ImageError:
    return ImageError(
        what,
        where=name,
        fix=f"Use one of at most {MOST_MEGAPIXELS} megapixels and {MOST_BYTES // 2**20} MB",
    )


_REASONS = {
    "size": "the face is small ({width:.0f} px); a closer photograph would find more",
    "sharpness": "the face is blurred; a sharper photograph would find more",
    "pose": "the face is turned away; one from the front would find more",
    "exposure": "the face is too dark or too bright; one in even light would find more",
    "occlusion": "part of the face is hidden; one that shows all of it would find more",
    "landmarks": "eyes, nose and mouth are hard to make out; one from the front would find more",
}


def _advice(measured: Quality, face: Face) -> str:
    if measured.overall >= POOR_BELOW:
        return ""
    return _REASONS[measured.weakest()].format(width=face.box.width)
