"""Scores by which tracks are split and joined, as measured for one profile.

They are plain scores between shots on one camera; see :mod:`workbench.faces.templates`. Those of
the embedded recogniser are in :mod:`workbench.faces.profiles`. For another one they come with an
imported profile, or from :mod:`workbench.evaluation.labelled`, which keeps them in the model home.
Where there are none, tracks are neither split nor joined by what their faces look like.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ModelError, unwritten
from workbench.faces.weights import folder, landing_file

if TYPE_CHECKING:
    from workbench.domain import Profile

_FOLDER = "tracks"


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """Scores by which tracks are split and joined.

    Parameters
    ----------
    split_below : float
        A track is split where its shots are less alike than this on average.
    join_from : float
        Pieces close in place and time are joined where their pooled templates score at least so
        much.
    measured_on : str
        What they were measured on, in words.

    Raises
    ------
    ValueError
        If they are not scores, or the first is above the second.
    """

    split_below: float
    join_from: float
    measured_on: str

    def __post_init__(self) -> None:
        if not -10 <= self.split_below <= self.join_from <= 1:  # NaN is refused too
            raise ValueError(f"split_below {self.split_below:g}, join_from {self.join_from:g}")


def keep(profile: Profile, limits: TrackLimits, home: Path) -> Path:
    """Keep the limits of a profile in the model home *home*, from where they are loaded."""
    path = _path(profile, home)
    try:
        with landing_file(path.parent) as landing:
            landing.write_text(json.dumps(asdict(limits), indent=1) + "\n", "utf-8")
            landing.chmod(0o644)
            landing.replace(path)
    except OSError as error:
        what, fix = unwritten(error, fix="Make the model home writable")
        raise ModelError(what, where=str(path), fix=fix) from None
    return path


def of(profile: Profile, home: Path) -> TrackLimits | None:
    """Limits that were kept for a profile, or None; raise ModelError if they cannot be read."""
    path = _path(profile, home)
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text("utf-8"))
        split, join = float(stored["split_below"]), float(stored["join_from"])
        if not math.isfinite(split + join):
            raise ValueError("not finite")
        return TrackLimits(split, join, str(stored["measured_on"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"cannot be used ({error})",
            where=str(path),
            fix=f"Remove it, or run `sightline calibrate` for profile {profile.name} again",
        ) from None


def _path(profile: Profile, home: Path) -> Path:
    return folder(home) / _FOLDER / f"{profile.fingerprint}.json"
