"""Orientation of a photograph: faces are tried turned, and the surest detection decides.

Detectors find faces that stand on their head, and templates made of them resemble nobody, not even
the person. What gives them away is that the detector is surer of the same face turned upright
(docs/decisions/0008-upright.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.faces.detection import detect
from workbench.faces.quality import crop

if TYPE_CHECKING:
    from workbench.domain import Face, Image
    from workbench.faces.models import Models

# A face of at least this confidence is upright: of those that were found upside down, none had more
# than 0.78 (dlib, of 42) or 0.907 (YuNet, of 209).
UPRIGHT_FROM = {"dlib": 1.0, "yunet": 0.925}
# By how much surer of a turned face the detector must be.
SURER_BY = {"dlib": 0.2, "yunet": 0.015}
# How sure of a face in a turned photograph the detector must be where it finds none as it is.
FOUND_FROM = {"dlib": 0.3, "yunet": 0.83}
# Of a crowd, the largest faces that the detector is not sure of are tried.
MOST_TRIED = 20
# The part of the photograph that is turned: as much as the face on each side of it.
AROUND = 1.0
# The smallest faces looked for in that part, in widths of the face: two scales, of which the mean
# confidence counts, since at one alone it varies by as much as YuNet tells up from down.
SEARCHED = (0.4, 0.7)

TURNS = (180, 90, 270)  # degrees clockwise, the commonest first
IS = {90: "lies on its side", 180: "stands on its head", 270: "lies on its side"}
WAS = {90: "lay on its side", 180: "stood on its head", 270: "lay on its side"}


@dataclass(frozen=True, slots=True)
class Upright:
    """A photograph turned as its faces stand, and these."""

    image: Image = field(repr=False)
    faces: tuple[Face, ...]  # largest first
    turned: int  # degrees clockwise, a multiple of 90
    # Of each face, the degrees by which it would have to be turned beyond the picture: not 0 for
    # one on its head among others who are upright.
    turns: tuple[int, ...]


def find_upright(models: Models, image: Image, *, min_width: float) -> Upright:
    """Faces of a photograph, turned first if that is how they stand upright.

    A photograph on which the detector is sure of each face is looked at once. Only dlib's and
    YuNet's confidence is known well enough to compare; with other detectors a photograph is tried
    turned where no face is found in it.
    """
    faces = detect(models, image, min_width=min_width)
    if not faces:
        return _turned_whole(models, image, min_width)
    turns, sure = _turns(models, image, faces)
    degrees = turns[max(range(len(faces)), key=sure.__getitem__)]
    if degrees:
        turned = turn(image, degrees)
        again = detect(models, turned, min_width=min_width)
        if again:
            turns, _ = _turns(models, turned, again)
            return Upright(turned, tuple(again), degrees, turns)
    return Upright(image, tuple(faces), 0, turns)


def turn(image: Image, degrees: int) -> Image:
    """The picture turned clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def _turned_whole(models: Models, image: Image, min_width: float) -> Upright:
    """The photograph turned so that a face is found, the surest of the three ways."""
    best = Upright(image, (), 0, ())
    found_from = FOUND_FROM.get(models.profile.detector, 0.0)
    for degrees in TURNS:
        turned = turn(image, degrees)
        faces = detect(models, turned, min_width=min_width)
        sure = max((face.confidence for face in faces), default=-1.0)
        least = max((face.confidence for face in best.faces), default=found_from)
        if faces and sure >= least:
            best = Upright(turned, tuple(faces), degrees, (0,) * len(faces))
    return best


def _turns(models: Models, image: Image, faces: list[Face]) -> tuple[tuple[int, ...], list[float]]:
    """For each face the degrees that put it upright, and how sure the detector is of it then."""
    detector = models.profile.detector
    turns, sure = [0] * len(faces), [face.confidence for face in faces]
    if detector in UPRIGHT_FROM:
        doubtful = [n for n, s in enumerate(sure) if s < UPRIGHT_FROM[detector]][:MOST_TRIED]
        for number in doubtful:
            turns[number], sure[number] = _turn_of(models, image, faces[number])
    return tuple(turns), sure


def _turn_of(models: Models, image: Image, face: Face) -> tuple[int, float]:
    """The degrees that put a face upright, and how sure the detector is of it then.

    All four ways are tried at the same scales, since confidence depends on them.
    """
    part = crop(image, face.box.widened(AROUND))

    def sure(degrees: int) -> float:
        turned, total = turn(part, degrees), 0.0
        for share in SEARCHED:
            found = detect(models, turned, min_width=share * face.box.width)
            total += max((other.confidence for other in found), default=0.0)
        return total / len(SEARCHED)

    as_it_is = sure(0)
    best, most = 0, as_it_is + SURER_BY[models.profile.detector]
    for degrees in TURNS:
        if (turned := sure(degrees)) > most:
            best, most = degrees, turned
    return best, most if best else max(as_it_is, face.confidence)
