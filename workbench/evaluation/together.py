"""Pairs of certainly different people in a gallery's footage, as counts of their scores.

See :mod:`workbench.evaluation.own_footage`, which learns from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import PLAIN_SCALE
from workbench.evaluation.tails import Tail, too_alike_from
from workbench.gallery.frames import different_people
from workbench.gallery.recordings import stored
from workbench.indexing.different import with_different_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Profile
    from workbench.gallery import Gallery

# Pairs from which on a calibration is made of them. Drawn from LFW, 1,000 leave a factor of 2 in
# the FMR of the default threshold, 200 one of 4, 60 one of 10 and more (docs/findings.md).
FEWEST_PAIRS = 1000
# A tracklet is in up to three pairs, which are alike for it: such pairs vary by this much more than
# as many independent ones, at most (LFW).
SHARED = 1.3
# Recordings or cameras from which on their difference tells how much more pairs vary than that.
FEWEST_GROUPS = 5
_AT_A_TIME = 50  # recordings whose pictures are in memory


@dataclass(frozen=True, slots=True, eq=False)
class OwnFootage:
    """Scores of certainly different people in the footage of a gallery, on one scale.

    Parameters
    ----------
    scores : (n,) float
        Falling; exact to the step in which they were counted.
    quality : (n,) float
        At which the band begins that the poorer of each pair's best shots lies in.
    too_alike : int
        Pairs that were left out: so alike that they are taken for one person seen twice, as in a
        mirror or on a screen.
    worth : float
        How many times more the pairs vary than as many independent ones.
    seconds : float
        Of the footage that was looked through.
    recordings : int
        Number of recordings that were looked through.
    left_out : int
        Number of recordings that were not: their counts are not kept on this scale.
    """

    profile: Profile
    scale: str
    scores: NDArray[np.float64] = field(repr=False)
    quality: NDArray[np.float64] = field(repr=False)
    too_alike: int
    worth: float
    seconds: float = 0.0
    recordings: int = 0
    left_out: int = 0

    @classmethod
    def of(
        cls,
        profile: Profile,
        scores: NDArray[np.float64],
        quality: NDArray[np.float64],
        *,
        scale: str = PLAIN_SCALE,
    ) -> OwnFootage:
        """Take scores ``(n,)`` of pairs in any order, and leave out those that are too alike."""
        order = np.argsort(-scores, kind="stable")
        scores, quality = scores[order], quality[order]
        kept = scores <= too_alike_from(scores)
        return cls(profile, scale, scores[kept], quality[kept], int((~kept).sum()), SHARED)

    @property
    def pairs(self) -> int:
        """Number of pairs, without those left out."""
        return len(self.scores)

    @property
    def missing_hours(self) -> float | None:
        """Hours of such footage that are missing for a calibration; None if that is not known."""
        if self.pairs >= FEWEST_PAIRS:
            return 0.0
        if not self.pairs or not self.seconds:
            return None
        return (FEWEST_PAIRS - self.pairs) / self.pairs * self.seconds / 3600

    def words(self) -> str:
        """Put into words what there is, and what is missing for a calibration."""
        hours = self.seconds / 3600
        length = f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"
        text = (
            f"{self.pairs:,} pairs of certainly different people in {length} of footage "
            f"({self.recordings:,} recordings)."
        )
        if self.too_alike:
            text += (
                f" {self.too_alike:,} more were left out: so alike that they may be one person "
                "seen twice, as in a mirror or on a screen."
            )
        if self.left_out:
            text += (
                f" {self.left_out:,} more recordings are left out here, as their pairs were not "
                "counted on this scale while they were indexed; `sightline gallery calibrate` "
                "counts them too."
            )
        return text

    def missing(self) -> str:
        """Put into words how much footage is missing for a calibration.

        Empty if none is, or if recordings were left out, whose pairs may be enough.
        """
        hours = self.missing_hours
        if hours == 0 or self.left_out:
            return ""
        lack = f"A provisional calibration takes {FEWEST_PAIRS:,} pairs"
        if hours is None:
            return f"{lack}; how much footage that is cannot be said before the first."
        return f"{lack}: about {max(0.1, hours):,.1f} more hours of such footage."


def own_footage(
    gallery: Gallery, normaliser: Normaliser | None = None, *, count: bool = True
) -> OwnFootage:
    """Count the scores of certainly different people in a gallery: plain ones, or normalised.

    Recordings in which they were not counted when they were indexed are counted now, from what is
    stored of them: an earlier Sightline indexed them, the profile had another calibration, or a
    tracklet was removed since. That reads their tracklets; without *count* they are left out, and
    their number is told.
    """
    scale = normaliser.scale if normaliser else PLAIN_SCALE
    frame, left_out = different_people(gallery, scale), 0
    every = gallery.arrow("SELECT recording_id FROM recordings")["recording_id"].to_pylist()
    kept = set(frame["recording_id"])
    left = [name for name in every if name not in kept]
    if count:
        frame = _counted(gallery, left, frame, scale, normaliser)
    else:
        left_out = len(left)
    counted = frame[frame["comparisons"] > 0]
    steps = counted.groupby(["quality", "score", "width"])["comparisons"].sum().reset_index()
    own = OwnFootage.of(gallery.profile, *_spread(steps), scale=scale)
    looked = frame.drop_duplicates("recording_id")
    return replace(
        own,
        worth=_worth(counted, Tail.of(own.scores).begin) if own.pairs else SHARED,
        seconds=float(looked["seconds"].sum()),
        recordings=len(looked),
        left_out=left_out,
    )


def _counted(
    gallery: Gallery,
    left: Sequence[str],
    kept: pd.DataFrame,
    scale: str,
    normaliser: Normaliser | None,
) -> pd.DataFrame:
    """Add the counts of the recordings that are left, in the columns of those that are kept."""
    import pandas as pd

    rows = []
    for begin in range(0, len(left), _AT_A_TIME):
        for one in stored(gallery, left[begin : begin + _AT_A_TIME]):
            seconds = sum((end - start).total_seconds() for start, end in one.spans)
            about = one.recording_id, one.recording.camera_id, seconds
            counted = with_different_people(one, gallery.profile.metric, normaliser)
            for line in counted.different_people:
                if line.scale == scale:
                    rows.append((*about, line.quality, line.score, line.width, line.comparisons))
    if not rows:
        return kept
    made = pd.DataFrame(rows, columns=kept.columns)
    return made if kept.empty else pd.concat([kept, made], ignore_index=True)


def _spread(steps: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores, evenly over the steps in which they were counted; and their quality."""
    number = steps["comparisons"].to_numpy(int)
    of = np.repeat(np.arange(len(number)), number)
    place = np.concatenate([(np.arange(n) + 0.5) / n for n in number] or [np.empty(0)])
    scores = steps["score"].to_numpy(float)[of] + steps["width"].to_numpy(float)[of] * place
    return scores, steps["quality"].to_numpy(float)[of]


def _worth(counted: pd.DataFrame, begin: float) -> float:
    """How many times more pairs vary than independent ones, by how recordings and cameras differ.

    The share that reaches the tail differs more between them than chance explains where somebody is
    in many pairs of one of them (dispersion of quasi-likelihood: McCullagh and Nelder, "Generalized
    Linear Models", 1989, 4.5).
    """
    worth = SHARED
    counted = counted.assign(high=counted["comparisons"].where(counted["score"] >= begin, 0))
    for group in ("recording_id", "camera_id"):
        sums = counted.groupby(group)[["comparisons", "high"]].sum().to_numpy(float)
        share = sums[:, 1].sum() / sums[:, 0].sum()
        if len(sums) >= FEWEST_GROUPS and 0 < share < 1:
            beyond = (sums[:, 1] - sums[:, 0] * share) ** 2 / (sums[:, 0] * share * (1 - share))
            worth = max(worth, float(beyond.sum()) / (len(sums) - 1))
    return worth


__all__ = ["FEWEST_PAIRS", "OwnFootage", "own_footage"]
