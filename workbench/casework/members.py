"""Members of a case: those who need to know of it, and see its title, faces and decisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.casework.record.identity import namesake, normal_name
from workbench.errors import CaseError, NotPermitted

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.people import People, Person


def sees(person: Person, case: Case) -> bool:
    """Check that a person needs to know of a case.

    Its members do; supervisors and auditors know of all. A training case is everyone's who may
    train, and so are all cases of an installation that only trains. Without a role that reads
    cases, a person knows of none.
    """
    if not person.may("case.read"):
        return False
    if not person.in_service or person.roles & {"supervisor", "auditor"}:
        return True
    if case.is_training:
        return person.may("training.use")
    return person.account in case.members


def checked_members(people: People, accounts: Iterable[str], *, where: str) -> tuple[str, ...]:
    """Return accounts in their one spelling; raise CaseError if one has no role here."""
    found = []
    for account in accounts:
        try:
            name = normal_name(account)
        except NotPermitted as error:
            raise CaseError(error.what, where=where, fix=error.fix) from None
        if not people.roles.get(name):
            close = namesake(name, people.roles)
            raise CaseError(
                f"{name} has no role here and cannot be a member",
                where=where,
                fix=f"Perhaps you mean {close}"
                if close
                else "Ask the administrator for a role first",
            )
        found.append(name)
    return tuple(dict.fromkeys(found))
