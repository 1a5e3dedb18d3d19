"""Review list: the faces of a case and what was decided on each, as the record has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.casework.reviewing.blindness import may_come_to_decide
from workbench.casework.reviewing.verdicts import Decision, Reviewed, ReviewState
from workbench.domain import PLAIN_SCALE

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister


def review_list(register: CaseRegister, reference: str) -> tuple[Reviewed, ...]:
    """Build the review list of a case from the record, whoever asks."""
    listed: dict[str, Reviewed] = {}
    decided: dict[str, list[Decision]] = {}
    gone: set[str] = set()
    lost: set[str] = set()
    for entry in register.entries_of(reference, "review."):
        about = entry.about
        if entry.what == "review.listed":
            for item in about["items"]:
                listed[item["key"]] = Reviewed(
                    item["key"], item.get("tracklet", ""), item.get("filler", ""), entry.account,
                    item.get("score"), item.get("scale", PLAIN_SCALE),
                    photographs=tuple(about.get("photographs", ())), gallery=about["gallery"],
                    listed_at=entry.at,
                )  # fmt: skip
        elif entry.what == "review.decided":
            decided.setdefault(about["key"], []).append(_decision(entry))
        elif entry.what == "review.missing":
            gone |= {*about["items"]}
            lost |= {*about["lost"]}
        elif entry.what == "review.found":
            gone -= {*about["items"]}
            lost -= {*about["items"]}
    return tuple(
        replace(item, decisions=tuple(decided.get(key, ())), missing=key in gone, lost=key in lost)
        for key, item in listed.items()
    )


def reviewed(register: CaseRegister, reference: str) -> tuple[Reviewed, ...]:
    """Return the review list of a case with its decisions, as far as the user may know them.

    Of a face that waits and on which they may come to decide, now or in a later round, it shows
    only that it is on the list; of the others, while :func:`is_withheld`, only the decisions.
    Raises NotPermitted if they may not read cases, and CaseError if there is no such case.
    """
    me, case = register.require("case.read", reference), register.case(reference)
    may_decide = case.state == "open" and may_come_to_decide(me, register.not_blind(reference))
    withheld = is_withheld(register, case)

    def known(item: Reviewed) -> Reviewed:
        own = any(decision.examiner == me.account for decision in item.decisions)
        if may_decide and item.outcome == "waiting" and not own:
            return Reviewed(item.key, "", "", "", None)
        decided = Reviewed(item.key, "", "", "", None, decisions=item.decisions)
        return decided if withheld else item

    return tuple(known(item) for item in review_list(register, reference))


def review_state(register: CaseRegister, reference: str) -> ReviewState:
    """Return how far the review of a case is; which faces and how they were decided is not in it.

    Raises NotPermitted if the user may not read cases, and CaseError if there is no such case.
    """
    register.require("case.read", reference)
    register.case(reference)
    items = review_list(register, reference)
    return ReviewState(
        reference,
        listed=len(items),
        decided=sum(item.outcome != "waiting" for item in items),
        waiting=sum(item.waits for item in items),
        lost=sum(item.outcome == "waiting" and item.lost for item in items),
    )


def sightings(register: CaseRegister, reference: str) -> frozenset[str]:
    """Return the tracklets of a case that two people decided are sightings."""
    return frozenset(
        item.tracklet_id
        for item in review_list(register, reference)
        if item.tracklet_id and item.outcome == "sighting"
    )


def awaited(register: CaseRegister, reference: str) -> frozenset[str]:
    """Return the tracklets of a case on which people have still to decide."""
    return frozenset(
        item.tracklet_id
        for item in review_list(register, reference)
        if item.tracklet_id and item.outcome == "waiting"
    )


def is_over(register: CaseRegister, case: Case) -> bool:
    """Check whether the review of a case is over: no face waits, or the case has ended."""
    listed = () if case.state != "open" else review_list(register, case.reference)
    return not any(item.waits for item in listed)


def is_withheld(register: CaseRegister, case: Case) -> bool:
    """Check whether scores, places and times of a case are kept from the user: see blindness."""
    me = register.me
    if not me.in_service:  # one person plays every part
        return False
    may_decide = may_come_to_decide(me, register.not_blind(case.reference))
    return may_decide and not is_over(register, case)


def _decision(entry: Entry) -> Decision:
    about = entry.about
    return Decision(
        entry.account, entry.at, about["conclusion"], dict(about["features"]), about["reason"]
    )
