"""Verdicts: what an examiner concludes of a face, and what the conclusions add up to.

The scale and the features are FISWG's (Facial Comparison Overview and Methodology Guidelines,
Feature List for Morphological Analysis).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from workbench.domain import PLAIN_SCALE

SCALE: Mapping[int, str] = {
    3: "strong support for the same person",
    2: "moderate support for the same person",
    1: "limited support for the same person",
    0: "no support either way",
    -1: "limited support for different people",
    -2: "moderate support for different people",
    -3: "strong support for different people",
}
"""Conclusions an examiner can reach; None stands for 'not suitable for comparison'."""

SAME_FROM = 2  # a sighting takes at least moderate support

FEATURES = (
    "skin", "face outline", "face composition", "hairline", "forehead", "eyebrows", "eyes",
    "cheeks", "nose", "ears", "mouth", "chin and jaw", "neck", "facial hair", "facial lines",
    "scars", "marks", "alterations",
)  # fmt: skip
"""Features to compare: the components of FISWG's Feature List for Morphological Analysis."""

Seen: TypeAlias = Literal["similar", "different", "not visible", "not looked at"]
SEEN: tuple[Seen, ...] = get_args(Seen)
NOT_LOOKED_AT: Seen = "not looked at"
LEAST_FEATURES = 3
ReviewVerdict: TypeAlias = Literal["same", "different", "undecided"]
Outcome: TypeAlias = Literal["sighting", "not a sighting", "undecided", "waiting"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Conclusion of one examiner about one face."""

    examiner: str
    at: datetime  # UTC
    conclusion: int | None  # a step of SCALE; None: not suitable for comparison
    features: Mapping[str, Seen]  # all; of a decision by an earlier version, some
    reason: str

    @property
    def verdict(self) -> ReviewVerdict:
        """Vote that the conclusion counts as: at least moderate support, or undecided."""
        if self.conclusion is None or abs(self.conclusion) < SAME_FROM:
            return "undecided"
        return "same" if self.conclusion > 0 else "different"

    @property
    def words(self) -> str:
        """Conclusion in words."""
        return "not suitable for comparison" if self.conclusion is None else SCALE[self.conclusion]

    @property
    def seen(self) -> str:
        """Features and what was seen of each, in words; those not looked at are told as such.

        Of features that a decision by an earlier version does not name, nothing is known.
        """
        looked = [f"{k} {what}" for k, what in self.features.items() if what != NOT_LOOKED_AT]
        if len(looked) < len(self.features):
            looked.append("no other feature looked at" if looked else "no feature looked at")
        return ", ".join(looked)


def lacking(
    conclusion: int | None, features: Mapping[str, Seen], reason: str
) -> dict[str, tuple[str, str]]:
    """Return what a decision lacks and what to do, by field; empty if it can be recorded.

    The fields are ``features``, ``conclusion`` and ``reason``, in the order of the work.
    """
    found: dict[str, tuple[str, str]] = {}
    unknown = sorted(set(features) - set(FEATURES))
    compared = sum(seen in ("similar", "different") for seen in features.values())
    if unknown or set(features.values()) - set(SEEN):
        what = ", ".join(unknown) or "an observation"
        found["features"] = f"{what} is not in the list", "Use the names in FISWG's list"
    elif conclusion is not None and compared < LEAST_FEATURES:
        number = "1 feature was" if compared == 1 else f"{compared or 'no'} features were"
        found["features"] = (
            f"only {number} compared" if compared else f"{number} compared",
            f"Compare at least {LEAST_FEATURES}, or conclude 'not suitable'",
        )
    if conclusion is not None and conclusion not in SCALE:
        found["conclusion"] = f"{conclusion!r} is not on the scale", "Choose from -3 to 3"
    if not reason.strip():
        found["reason"] = (
            "the reason is missing",
            "State in a sentence what the decision rests on",
        )
    return found


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A face on a review list and the decisions about it, in order."""

    key: str
    tracklet_id: str  # empty for a filler
    filler: str  # SHA-256 of the picture; empty for a candidate
    listed_by: str
    score: float | None
    scale: str = PLAIN_SCALE  # of the score
    decisions: tuple[Decision, ...] = ()
    photographs: tuple[str, ...] = ()  # SHA-256, if the case itself names no subject
    missing: bool = False  # its picture was not there when it was last to be shown
    gallery: str = ""  # in which it was found
    lost: bool = False  # missing there, and not only in another gallery
    listed_at: datetime | None = None  # UTC

    @property
    def outcome(self) -> Outcome:
        """Result so far: two equal votes count; if the first two differ, a third is taken."""
        votes = [decision.verdict for decision in self.decisions]
        if len(votes) < 2 or (len(votes) == 2 and votes[0] != votes[1]):
            return "waiting"
        agreed = {vote for vote in votes if votes.count(vote) >= 2}
        if "same" in agreed:
            return "sighting"
        return "not a sighting" if "different" in agreed else "undecided"

    @property
    def waits(self) -> bool:
        """True while people have still to decide on it: not settled, and not lost.

        A face is not lost for having been looked for in a gallery that it was not found in: else
        opening another one would end a review.
        """
        return self.outcome == "waiting" and not self.lost

    @property
    def round(self) -> int:
        """Number of the next decision: 1, 2 or 3."""
        return len(self.decisions) + 1


@dataclass(frozen=True, slots=True)
class ReviewState:
    """Numbers of faces on the review list of a case, fillers included."""

    case: str
    listed: int
    decided: int
    waiting: int  # for decisions
    lost: int  # undecided, and gone from the gallery they were found in


@dataclass(frozen=True, slots=True)
class Queue:
    """Numbers of faces on the review list of a case, as they concern one person."""

    mine: int  # that they can decide on now
    waiting: int  # for decisions of others
    done: int  # that need no further decision
    stuck: int = 0  # of those that wait for others: no member of the case can decide on them
    since: datetime | None = None  # UTC: when the first of mine was listed, or else of those
