"""Footage with known truth: who is seen where, and which tracklet shows whom.

The form is that of a ``truth.json``: ``fps``, ``wanted`` and ``absent`` people, and
``appearances``, each with file, camera_id, person, first_seen, last_seen and face boxes by
number of the frame.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.domain import QUALITY_PARTS, Box, Shot, format_tracklet_id, parse_time
from workbench.errors import EvaluationError
from workbench.evaluation.samples import Samples

if TYPE_CHECKING:
    from workbench.gallery import Gallery

# A shot is on a face if their centres are no further apart than this share of its width.
NEAR = 0.6
BEFORE_AND_AFTER = 0.5  # seconds that a face is known beyond its first and last box


@dataclass(frozen=True, slots=True)
class Appearance:
    """One person seen once by one camera."""

    file: str
    camera_id: str
    person: str
    first_seen: datetime
    last_seen: datetime
    boxes: dict[float, Box]  # by seconds into the recording

    def box_at(self, seconds: float) -> Box | None:
        """Interpolate the face between the known boxes; None before and after."""
        known = sorted(self.boxes)
        if not known[0] - BEFORE_AND_AFTER <= seconds <= known[-1] + BEFORE_AND_AFTER:
            return None
        numbers = [
            float(np.interp(seconds, known, [getattr(self.boxes[s], name) for s in known]))
            for name in ("x", "y", "width", "height")
        ]
        return Box(*numbers)


@dataclass(frozen=True, slots=True)
class Truth:
    """People to look for who are in the footage, people who are not, and all who are seen."""

    wanted: tuple[str, ...]
    absent: tuple[str, ...]
    appearances: tuple[Appearance, ...]

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read a ``truth.json``; raise EvaluationError if it is none."""
        try:
            stored = json.loads(path.read_text("utf-8"))
            fps = float(stored["fps"])
            appearances = tuple(
                Appearance(
                    entry["file"],
                    entry["camera_id"],
                    entry["person"],
                    parse_time(entry["first_seen"]),
                    parse_time(entry["last_seen"]),
                    {int(frame) / fps: Box(*box) for frame, box in entry["boxes"].items()},
                )
                for entry in stored["appearances"]
            )
            return cls(tuple(stored["wanted"]), tuple(stored["absent"]), appearances)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(
                f"is not truth of footage ({type(error).__name__}: {error})",
                where=str(path),
                fix="Give fps, wanted, absent and appearances, as the documentation shows them",
            ) from error

    def on_faces(self, file: str, shot: Shot) -> list[int]:
        """Numbers of the appearances on whose face a shot may lie, nearest first.

        Several where people pass each other: their true boxes lie in one place then.
        """
        near = []
        for number, appearance in enumerate(self.appearances):
            box = appearance.box_at(shot.seconds) if appearance.file == file else None
            if box is not None:
                away = math.dist(
                    (shot.box.centre_x, shot.box.centre_y), (box.centre_x, box.centre_y)
                )
                if away <= NEAR * box.width:
                    near.append((away, number))
        return [number for _, number in sorted(near)]

    def owner(self, file: str, shots: Sequence[Shot]) -> int | None:
        """Number of the appearance that a tracklet's shots lie on; None if they lie on no face."""
        votes: defaultdict[int, float] = defaultdict(float)
        for shot in shots:
            for rank, number in enumerate(self.on_faces(file, shot)):
                votes[number] += 1.0 if rank == 0 else 0.5
        return max(votes, key=lambda number: votes[number]) if votes else None


def tracklets(gallery: Gallery, truth: Truth) -> Samples:
    """The searchable tracklets of a gallery whose owners are known, as samples.

    Each has the pooled template, and the quality and width of its best shot. Faces of nobody (of
    posters, say) are left out.

    Raises
    ------
    EvaluationError
        If no tracklet lies on a face of the truth.
    """
    files = gallery.tracklets().set_index("tracklet_id")["recording"]
    rows, templates, failed = [], [], []
    for row in gallery.templates().to_pylist():
        tracklet_id = format_tracklet_id(row["recording_id"], row["ordinal"])
        shots = gallery.shots(tracklet_id)
        owner = truth.owner(files[tracklet_id], shots)
        if owner is None:
            failed.append(("", tracklet_id, "on no face of the truth"))
            continue
        best = shots[0]
        parts = [getattr(best.quality, part) for part in QUALITY_PARTS]
        person = truth.appearances[owner].person
        rows.append((person, tracklet_id, best.box.width, best.quality.overall, *parts, owner))
        templates.append(np.asarray(row["template"], np.float32))
    if not rows:
        raise EvaluationError(
            "no tracklet lies on a face of the truth",
            where=str(gallery.path),
            fix="Give the truth of the footage that was indexed",
        )
    columns = ["person", "name", "width", "quality", *QUALITY_PARTS, "appearance"]
    return Samples(
        pd.DataFrame(rows, columns=columns),
        np.stack(templates),
        np.stack(templates),
        gallery.profile,
        pd.DataFrame(failed, columns=["person", "name", "reason"]),
    )
