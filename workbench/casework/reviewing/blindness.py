"""Blindness: who knows more of a case's candidates than somebody who decides on them may.

Reviewers see faces alone. Whoever searched under the case, saw its candidates with score, place and
time, sorted or listed them, or exported any, takes no part in its review. The record says who did.
While a face of the case waits, score, place and time of its sightings too are kept from those who
may come to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from workbench.casework.record.chain import Entry
    from workbench.casework.record.people import Person

AUDITED = "audit.read"  # names no case: it is about all that there were

UNBLINDING: Mapping[str, str] = {
    "search.asked": "has searched under this case",
    "shot.viewed": "has seen its candidates with score, place and time",
    "clip.viewed": "has seen a clip of a candidate",
    "footage.viewed": "has watched footage of this case",
    "probe.taken": "has taken a candidate as a photograph of the target",
    "triage.noted": "has sorted its candidates with their scores in view",
    "review.listed": "has put candidates on its review list",
    "evidence.exported": "has exported its evidence",
    "sightings.exported": "has exported its candidates",
    AUDITED: "has read the whole record as an auditor",
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
    if entry.what == AUDITED and "year" in entry.about:  # the figures of a year, without names
        return ""
    return UNBLINDING.get(entry.what, "")


def may_come_to_decide(me: Person, not_blind: Collection[str]) -> bool:
    """Check whether the user may decide in the review of a case, now or once they are a member.

    *not_blind* are the accounts that are not blind to it. In training, everyone may decide.
    """
    role = me.may("review.first") or me.may("review.second")
    return not me.in_service or (role and me.account not in not_blind)


def is_about_review(entry: Entry) -> bool:
    """Check whether an entry would tell people who decide of opinions, decisions or faces."""
    shown = entry.what == "shot.viewed" and "items" in entry.about
    return shown or entry.what.startswith(
        ("review.", "triage.", "clip.viewed", "footage.viewed", "note.")
    )
