"""Accounts as the administrator sees them: roles, who gave them, cases, and the last sign-in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.keys import counting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Change of one role of an account, as the record has it."""

    role: str
    given: bool  # or taken back
    at: datetime  # UTC
    by: str  # who gave the command; empty: it was found in the people file
    noticed_by: str = ""  # who found it there

    @property
    def words(self) -> str:
        """By whom, in words."""
        return f"by {self.by}" if self.by else f"in the people file, noticed by {self.noticed_by}"


@dataclass(frozen=True, slots=True)
class Account:
    """Account that has a role, or had one."""

    name: str
    roles: tuple[str, ...]  # now
    changes: tuple[RoleChange, ...]  # of its roles, the latest first
    cases: tuple[str, ...]  # references of those it is a member of, and the reader may see
    other_cases: int  # of which the reader need not know
    signed_in: datetime | None = None  # UTC: the last sign-in at a server; None: there was none
    way: str = ""  # of it

    def change_of(self, role: str) -> RoleChange | None:
        """Return the latest change of a role; None if the record has none."""
        return next((change for change in self.changes if change.role == role), None)


def accounts(register: CaseRegister) -> tuple[Account, ...]:
    """Return all accounts that have a role or had one, by name; for administrators.

    Raises NotPermitted for others, on record.
    """
    me = register.require("people.change")
    people = register.people
    changes = _changes(register.entries_of("", "people."))
    names = sorted({*people.roles, *changes})
    seen = {case.reference for case in register.cases()} if me.may("case.read") else set()
    cases: dict[str, list[str]] = {name: [] for name in names}
    others: Counter[str] = Counter()
    for case in register.all_cases():
        for name in case.members:
            if name not in cases or case.state not in ("open", "requested"):
                continue
            if case.reference in seen:
                cases[name].append(case.reference)
            else:
                others[name] += 1
    last = _last_sign_ins(register)
    return tuple(
        Account(
            name,
            tuple(sorted(people.roles.get(name, ()))),
            tuple(reversed(changes.get(name, []))),
            tuple(cases[name]),
            others[name],
            last[name].at if name in last else None,
            str(last[name].by.get("way", "")) if name in last else "",
        )
        for name in names
    )


def _changes(entries: tuple[Entry, ...]) -> dict[str, list[RoleChange]]:
    """Return the changes of each account's roles, in their order.

    A change of the people file is noticed after a command as well; what it tells is known by then.
    """
    now: dict[str, set[str]] = {}
    found: dict[str, list[RoleChange]] = {}

    def note(account: str, change: RoleChange) -> None:
        roles = now.setdefault(account, set())
        (roles.add if change.given else roles.discard)(change.role)
        found.setdefault(account, []).append(change)

    for entry in entries:
        about = entry.about
        if entry.what in ("people.granted", "people.revoked"):
            change = RoleChange(about["role"], bool(about["granted"]), entry.at, entry.account)
            note(about["account"], change)
        elif entry.what == "people.changed":
            for account, role, given in _differences(now, about.get("people", {})):
                by = str(about.get("noticed_by", ""))
                note(account, RoleChange(role, given, entry.at, "", by))
    return found


def _differences(
    before: Mapping[str, set[str]], after: Mapping[str, list[str]]
) -> list[tuple[str, str, bool]]:
    """Return account, role and whether it is there now, for each role that is not as before."""
    return [
        (account, role, role in after.get(account, ()))
        for account in sorted({*before, *after})
        for role in sorted(before.get(account, set()) ^ set(after.get(account, ())))
    ]


def _last_sign_ins(register: CaseRegister) -> dict[str, Entry]:
    begun = AuditLog(register.folder, kinds=("session.begun",)).read_new()
    own: dict[str, list[Entry]] = {}
    for entry in reversed(begun):
        own.setdefault(entry.account, []).append(entry)
    last = {name: next(counting(found, register.folder), None) for name, found in own.items()}
    return {name: entry for name, entry in last.items() if entry is not None}
