"""Work that waits for a person: requests to approve, faces to decide on, cases that run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from workbench.casework.facts import runs_out
from workbench.casework.reviewing.review import queue

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something about a case that waits for the person who asks."""

    case: Case
    what: Literal["approval", "review", "end"]
    since: datetime  # UTC; of an end: when it comes
    faces: int = 0  # to decide on


def waiting_for_me(register: CaseRegister) -> tuple[Waiting, ...]:
    """Return what waits for the user: approvals, reviews, and cases of theirs that run out soon.

    Raises as :meth:`CaseRegister.cases`.
    """
    me, now = register.me, datetime.now(UTC)
    cases = register.cases()
    found = [one for case in cases for one in _of(register, me, case, now)]
    order = {"approval": 0, "review": 1, "end": 2}
    return tuple(sorted(found, key=lambda one: (order[one.what], one.since)))


def may_decide_on(me: Person, case: Case) -> bool:
    """Check whether what waits for approval in a case waits for a person."""
    waits = case.waiting
    return (
        waits is not None
        and me.may("case.approve")
        and not case.objection(me.account)
        and me.account not in waits.approved_by
    )


def _of(register: CaseRegister, me: Person, case: Case, now: datetime) -> Iterator[Waiting]:
    waits = case.waiting
    if waits is not None and may_decide_on(me, case):
        yield Waiting(case, "approval", waits.asked_at)
    if case.state == "open" and (faces := queue(register, case.reference).mine):
        yield Waiting(case, "review", case.changed_at or case.asked_at, faces)
    if runs_out(case, now) and (case.responsible == me.account and not case.is_training):
        yield Waiting(case, "end", case.request.valid_until)
