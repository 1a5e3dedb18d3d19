"""Probes: templates of the target, made from photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Face, Photograph, Probe, Quality, Shot
from workbench.errors import ImageError, NoFaceFound, SeveralFacesFound
from workbench.faces import orientation, quality, templates
from workbench.faces.detection import detect
from workbench.faces.photographs import file_content, read_photograph, read_with_notes
from workbench.faces.tracklets import PICTURE_MARGIN, jpeg

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.faces.models import Models

SMALLEST_FACE = 40.0
# Where the first pass finds no face, a second looks for smaller faces to say how small they are.
SMALLEST_MENTIONED = 20.0
POOR_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The faces of one photograph, largest first, each with its quality and advice."""

    name: str
    image: Image = field(repr=False)  # upright, at most 1600 pixels a side
    faces: tuple[Face, ...]
    qualities: tuple[Quality, ...]
    notes: tuple[str, ...] = ()  # what was done to the photograph, as sentences without ends
    # Of each face, the degrees clockwise by which it would have to be turned to stand upright,
    # where others in the photograph are upright; empty: all are.
    turns: tuple[int, ...] = ()
    content: bytes = field(default=b"", repr=False)  # of the file, as it was given

    @property
    def advice(self) -> tuple[str, ...]:
        """Reason why each face makes a poor probe, in plain words; empty for a good one."""
        turns = self.turns or (0,) * len(self.faces)
        measured = zip(self.qualities, self.faces, turns, strict=True)
        return tuple(_advice(q, face, turn) for q, face, turn in measured)


def find_faces(source: Path | bytes, *, name: str = "", models: Models) -> FoundFaces:
    """Read a photograph and find its faces; turn it upright if its tags do not.

    Any still picture is read: see :data:`workbench.faces.photographs.FORMATS`. A photograph that
    lies on its side or stands on its head is turned, and a note says so.

    Raises
    ------
    ImageError
        If it is not a picture or is unreasonably large.
    NoFaceFound
        If it shows no face of at least 40 px.
    """
    name = name or (source.name if isinstance(source, Path) else "photograph")
    content = source if isinstance(source, bytes) else file_content(source, name)
    image, notes = read_with_notes(content, name)
    upright = orientation.find_upright(models, image, min_width=SMALLEST_FACE)
    image, faces = upright.image, upright.faces
    if not faces:
        tiny = detect(models, image, min_width=SMALLEST_MENTIONED)
        largest = f"; the largest was {tiny[0].box.width:.0f} px" if tiny else ""
        where_else = f" ({'; '.join(notes)})" if notes else ""
        raise NoFaceFound(
            f"no face of at least {SMALLEST_FACE:.0f} px{largest}{where_else}",
            where=name,
            fix="Use a closer photograph" if tiny else "Use one that shows the face from the front",
        )
    if upright.turned:
        notes += (f"it {orientation.WAS[upright.turned]} and was turned upright",)
    detector = models.profile.detector
    qualities = tuple(
        # A template of a face that is not upright resembles nobody, however sharp it is.
        replace(measured, overall=0.0, pose=0.0) if turn else measured
        for measured, turn in zip(
            (quality.assess(image, face, detector=detector) for face in faces),
            upright.turns,
            strict=True,
        )
    )
    return FoundFaces(name, image, faces, qualities, notes, upright.turns, content)


def make_photograph(found: FoundFaces, number: int | None = None, *, models: Models) -> Photograph:
    """Make the template of one face of a photograph: the only one, or that of a *number*.

    Faces are numbered from 1 by size, the largest first.

    Raises
    ------
    SeveralFacesFound
        If there are several faces and none was chosen.
    ImageError
        If no face has that number.
    """
    count = len(found.faces)
    if number is None:
        if count > 1:
            listed = ", ".join(
                f"{n} ({face.box.width:.0f} px wide at {face.box.x:.0f}, {face.box.y:.0f})"
                for n, face in enumerate(found.faces, start=1)
            )
            raise SeveralFacesFound(
                f"shows {count} faces: {listed}",
                where=found.name,
                fix="Choose one by its number, on the command line as IMAGE#2 or with "
                "--largest-face, or use a photograph of the target alone",
                count=count,
            )
        number = 1
    if not 1 <= number <= count:
        raise ImageError(
            f"has no face number {number}, only {count}",
            where=found.name,
            fix=f"Choose a number from 1 to {count}",
        )
    index = number - 1
    face = found.faces[index]
    chip = templates.align(models, found.image, face)
    picture = quality.crop(found.image, face.box.widened(PICTURE_MARGIN))
    return Photograph(
        name=found.name,
        face=face,
        quality=found.qualities[index],
        jpeg=jpeg(picture),
        template=templates.embed_photograph(models, chip),
        advice=found.advice[index],
        notes=found.notes,
        original=found.content,
        number=number,
    )


def from_shot(shot: Shot, *, name: str) -> tuple[FoundFaces, Photograph]:
    """Turn a best shot into a photograph: its picture, face and template as indexed."""
    image = read_photograph(shot.jpeg, name)
    around = shot.box.widened(PICTURE_MARGIN)
    # The picture was cut at full pixels, and at the edges of the frame.
    face = Face(shot.box.moved(-max(0, math.floor(around.x)), -max(0, math.floor(around.y))), 1.0)
    advice = _advice(shot.quality, face)
    photograph = Photograph(
        name, face, shot.quality, shot.jpeg, shot.template, advice, is_shot=True
    )
    return FoundFaces(name, image, (face,), (shot.quality,)), photograph


def pool_photographs(photographs: Sequence[Photograph], models: Models) -> Probe:
    """Pool photographs of one person into a probe; raise ImageError if the list is empty."""
    if not photographs:
        raise ImageError("no photograph", where="probe", fix="Give at least one photograph")
    pooled = templates.pool(np.stack([p.template for p in photographs]), models.profile.metric)
    return Probe(tuple(photographs), pooled, models.profile)


def make_probe(sources: Sequence[Path | bytes], *, models: Models) -> Probe:
    """Make a probe from photographs of one person, each showing one face.

    For photographs with several faces use :func:`find_faces` and :func:`make_photograph`.
    """
    found = [find_faces(source, models=models) for source in sources]
    return pool_photographs([make_photograph(f, models=models) for f in found], models)


_REASONS = {
    "size": "the face is small ({width:.0f} px); a closer photograph would find more",
    "sharpness": "the face is blurred; a sharper photograph would find more",
    "pose": "the face is turned away; one from the front would find more",
    "exposure": "the face is too dark or too bright; one in even light would find more",
    "occlusion": "part of the face is hidden; one that shows all of it would find more",
    "landmarks": "eyes, nose and mouth are hard to make out; one from the front would find more",
}


def _advice(measured: Quality, face: Face, turn: int = 0) -> str:
    if turn:
        return (
            f"the face {orientation.IS[turn]} beside others who are upright; "
            "one that shows it upright would find more"
        )
    if measured.overall >= POOR_BELOW:
        return ""
    return _REASONS[measured.weakest()].format(width=face.box.width)
