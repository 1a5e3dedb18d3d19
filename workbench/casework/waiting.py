"""Work that waits for a person: cases to confirm or approve, faces to decide on, cases that end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from workbench.casework.facts import may_begin, runs_out
from workbench.casework.reviewing.review import queue
from workbench.casework.searches import has_searched

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something about a case that waits for the person who asks."""

    case: Case
    what: Literal["confirmation", "approval", "review", "reviewer", "end"]
    since: datetime  # UTC; of an end, or of a case to confirm: when it comes
    faces: int = 0  # to decide on, or that lack somebody who can


def waiting_for_me(register: CaseRegister) -> tuple[Waiting, ...]:
    """Return what waits for the user: urgent cases to confirm, approvals, reviews, ends of cases.

    Of the cases that they are responsible for also: those that lack a reviewer, and run out soon.

    Raises as :meth:`CaseRegister.cases`.
    """
    me, now = register.me, datetime.now(UTC)
    cases = register.cases()
    found = [one for case in cases for one in _of(register, me, case, now)]
    order = {"confirmation": 0, "approval": 1, "review": 2, "reviewer": 3, "end": 4}
    return tuple(
        sorted(found, key=lambda one: (order[one.what], not may_begin(one.case), one.since))
    )


def may_decide_on(register: CaseRegister, me: Person, case: Case) -> bool:
    """Check whether what waits for approval in a case waits for a person."""
    waits = case.waiting
    return (
        waits is not None
        and me.may("case.approve")
        and not case.objection(me.account)
        and me.account not in waits.approved_by
        and (waits is case or not has_searched(register.folder, case.reference, me.account))
    )


def may_confirm(register: CaseRegister, me: Person, case: Case) -> bool:
    """Check whether an urgent case that has begun waits for a person to confirm it."""
    return (
        case.confirm_by is not None
        and me.may("case.approve")
        and not case.objection(me.account)
        and me.account not in case.approved_by
        and not has_searched(register.folder, case.reference, me.account)
    )


def _of(register: CaseRegister, me: Person, case: Case, now: datetime) -> Iterator[Waiting]:
    waits = case.waiting
    if case.confirm_by is not None and may_confirm(register, me, case):
        yield Waiting(case, "confirmation", case.confirm_by)
    if waits is not None and may_decide_on(register, me, case):
        yield Waiting(case, "approval", waits.asked_at)
    faces = queue(register, case.reference) if case.state == "open" else None
    if faces is not None and faces.since is not None:
        if faces.mine:
            yield Waiting(case, "review", faces.since, faces.mine)
        elif case.responsible == me.account:
            yield Waiting(case, "reviewer", faces.since, faces.stuck)
    if runs_out(case, now) and (case.responsible == me.account and not case.is_training):
        yield Waiting(case, "end", case.request.valid_until)
