"""Comparison of photographs with each other: one person, or several, by their templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.calibration import calibration_of
from workbench.domain import Photograph, Profile
from workbench.errors import NotCalibrated
from workbench.faces.profiles import calibrated_threshold
from workbench.faces.templates import scores

# So far below the score from which two pictures are called alike, they are of different people
# rather than poor. Normalised, with the profile dlib: 0.6 % of 5,119 pairs of one person of LFW are
# so unlike, and 98 % of those of two people. Plain: of ten people none of the 28 pairs of the same
# person (the lowest score is 0.44 at a calibration of 0.48), and 99 % of 378 pairs of two people.
CLEARLY_NORMALISED, CLEARLY_PLAIN = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Agreement:
    """Groups of photographs that can be of one person, by their numbers, the largest first.

    More than one means different people. They are None where the profile has no calibration:
    nothing says then how alike two pictures of one person are.
    """

    groups: tuple[tuple[int, ...], ...] | None

    @property
    def apart(self) -> tuple[int, ...]:
        """The photographs outside the largest group; all, if no group is the largest."""
        if self.groups is None or len(self.groups) < 2:
            return ()
        first, second = self.groups[:2]
        begin = 0 if len(first) == len(second) else 1
        return tuple(sorted(number for group in self.groups[begin:] for number in group))


def agreement(
    photographs: Sequence[Photograph], profile: Profile, *, calibrations: Path
) -> Agreement:
    """Compare photographs with each other.

    Two belong together when their score is not clearly below the profile's own calibration, or a
    third belongs to both: a profile and a frontal view may meet only in a half profile.
    """
    if not photographs:
        return Agreement(())
    calibration = calibration_of(profile, folder=calibrations)
    normaliser = calibration.normaliser if calibration else None
    try:
        least = calibrated_threshold(profile, calibrations=calibrations).score
    except NotCalibrated:
        return Agreement(None)
    least -= CLEARLY_NORMALISED if normaliser else CLEARLY_PLAIN
    templates = np.stack([photograph.template for photograph in photographs])
    group = np.arange(len(templates))
    for number, template in enumerate(templates):
        alike = scores(templates, template, profile.metric, normaliser) >= least
        for other in np.flatnonzero(alike):
            group[group == group[other]] = group[number]
    found = [tuple(map(int, np.flatnonzero(group == name))) for name in np.unique(group)]
    return Agreement(tuple(sorted(found, key=lambda one: (-len(one), one))))
