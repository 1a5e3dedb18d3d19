"""Change of profile: new templates from the stored pictures of faces."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import IndexedRecording, Problem, Progress, ProgressCallback, Shot, Tracklet
from workbench.errors import GalleryError
from workbench.faces import templates
from workbench.faces.detection import detect
from workbench.faces.tracklets import PICTURE_MARGIN
from workbench.gallery.adopting import adopt_clocks
from workbench.gallery.recordings import stored
from workbench.gallery.replacing import carry_over, missing
from workbench.indexing.different import with_different_people

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.domain import Image
    from workbench.faces.models import Models
    from workbench.gallery import Gallery

# Recordings that are stored together; a kill costs no more than these.
AT_A_TIME = 50
# A detector's own box and that of another for one face overlap by more.
SAME_FACE_OVERLAP = 0.3
# A face is looked for down to this share of the width that the first detector gave it: boxes of
# detectors differ in what they take in.
SMALLEST = 0.6


@dataclass(slots=True)
class Reembedded:
    """Counts of what was copied. Shots in which the new detector finds no face are left out."""

    recordings: int = 0
    searchable: int = 0  # tracklets
    unsearchable: int = 0  # of those that had been searchable
    shots: int = 0
    lost_shots: int = 0


def reembed(
    old: Gallery,
    new: Gallery,
    models: Models,
    *,
    normaliser: Normaliser | None = None,
    progress: ProgressCallback | None = None,
) -> Reembedded:
    """Copy to *new* the recordings of *old* that it lacks, with templates of *models*.

    The templates are made from the pictures of the best shots, so no footage is needed; what the
    first detector did not find stays unfound. Tracklets keep their ids. Stopped at any moment and
    called again, it continues; recordings added to *old* meanwhile are copied too.

    Parameters
    ----------
    new : Gallery
        Open for writing, made with the profile of *models*.
    normaliser : Normaliser, optional
        As in :func:`workbench.indexing.index_catalogue`.
    progress : callable, optional
        Called after each batch; ``done`` and ``total`` count recordings.

    Raises
    ------
    GalleryError
        If *new* is of another profile than *models*, or cannot be written.
    """
    if new.profile.fingerprint != models.profile.fingerprint:
        raise GalleryError(
            f"is of profile {new.profile.name}, not of {models.profile.name}",
            where=str(new.path),
            fix="Load the models of its profile",
        )
    if not len(new.places.ids):
        carry_over(old.opened.manifest, new.upkeep.committer)
    result = Reembedded()
    while left := missing(old.known, new.known):
        new.add_cameras(old.cameras())
        total = result.recordings + len(left)
        for begin in range(0, len(left), AT_A_TIME):
            some = stored(old, left[begin : begin + AT_A_TIME])
            new.add_recordings([_recording(one, models, normaliser, result) for one in some])
            result.recordings += len(some)
            if progress is not None:
                progress(Progress(result.recordings, total))
    adopt_clocks(old.opened.manifest, new.writer)
    return result


def _recording(
    indexed: IndexedRecording, models: Models, normaliser: Normaliser | None, result: Reembedded
) -> IndexedRecording:
    """Give a recording the templates of *models*; count shots and tracklets in *result*."""
    began = time.perf_counter()
    shots = [(t.ordinal, shot) for t in indexed.tracklets for shot in t.shots]
    chips = [(ordinal, shot, _chip(models, shot)) for ordinal, shot in shots]
    found = [(ordinal, shot, chip) for ordinal, shot, chip in chips if chip is not None]
    vectors = templates.embed(models, [chip for *_, chip in found])
    made: dict[int, list[Shot]] = {}
    for (ordinal, shot, _), vector in zip(found, vectors, strict=True):
        made.setdefault(ordinal, []).append(replace(shot, template=vector))
    tracklets = tuple(_tracklet(t, made.get(t.ordinal, []), models) for t in indexed.tracklets)
    result.shots += len(found)
    result.lost_shots += len(shots) - len(found)
    searchable = sum(t.searchable for t in tracklets)
    result.searchable += searchable
    lost = sum(t.searchable for t in indexed.tracklets) - searchable
    result.unsearchable += lost
    problems = indexed.problems
    if lost:
        what = f"{lost} tracklets have no shot in which {models.profile.detector} finds the face"
        problems += (Problem(indexed.recording.file, what),)
    made_again = replace(
        indexed,
        tracklets=tracklets,
        problems=problems,
        elapsed_seconds=indexed.elapsed_seconds + time.perf_counter() - began,
    )
    return with_different_people(made_again, models.profile.metric, normaliser)


def _tracklet(tracklet: Tracklet, shots: list[Shot], models: Models) -> Tracklet:
    if not shots:
        return replace(tracklet, shots=(), template=None)
    vectors = np.stack([shot.template for shot in shots])
    pooled = templates.pool(vectors, models.profile.metric)
    return replace(tracklet, shots=tuple(shots), template=pooled)


def _chip(models: Models, shot: Shot) -> Image | None:
    """Chip of the shot's face; None where the detector does not find it."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    image = np.asarray(picture, np.uint8)
    around = shot.box.widened(PICTURE_MARGIN)
    expected = shot.box.moved(-max(0, math.floor(around.x)), -max(0, math.floor(around.y)))
    faces = detect(models, image, min_width=SMALLEST * expected.width)
    best = max(faces, key=lambda face: face.box.overlap(expected), default=None)
    if best is None or best.box.overlap(expected) < SAME_FACE_OVERLAP:
        return None
    return templates.align(models, image, best)
