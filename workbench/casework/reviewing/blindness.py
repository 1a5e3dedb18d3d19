"""Blindness: who knows more of a case's candidates than somebody who decides on them may.

Reviewers see faces alone. Whoever searched under the case, saw its candidates with score, place and
time, sorted or listed them, or exported any, takes no part in its review. The record says who did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.casework.record.chain import Entry

UNBLINDING: Mapping[str, str] = {
    "search.asked": "has searched under this case",
    "shot.viewed": "has seen its candidates with score, place and time",
    "clip.viewed": "has seen a clip of a candidate",
    "probe.taken": "has taken a candidate as a photograph of the target",
    "triage.noted": "has sorted its candidates with their scores in view",
    "review.listed": "has put candidates on its review list",
    "evidence.exported": "has exported its evidence",
    "sightings.exported": "has exported its candidates",
}
"""Kinds of entries that end the blindness of the person they name, and what they say of them."""


def unblinding(entry: Entry) -> str:
    """Return in words by what an entry ended somebody's blindness; empty if it did not.

    Faces that were shown to a reviewer, and sightings that are confirmed, leave them blind to the
    faces that wait.
    """
    blind = "tracklets" not in entry.about or entry.about.get("confirmed")
    if entry.what == "shot.viewed" and blind:
        return ""
    return UNBLINDING.get(entry.what, "")


def is_about_review(entry: Entry) -> bool:
    """Check whether an entry is about opinions or a review: fillers, scores, decisions, faces."""
    shown = entry.what == "shot.viewed" and "items" in entry.about
    return shown or entry.what.startswith(("review.", "triage."))
