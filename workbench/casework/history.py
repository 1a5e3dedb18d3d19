"""History of a case in words, as the record has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.keys import counting

if TYPE_CHECKING:
    from datetime import datetime

    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister

# Neither opinions, nor decisions, nor numbers of candidates: members who review the case read this.
_ELSEWHERE = ("search.asked", "evidence.exported")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a case: when, in whose name, and in words."""

    at: datetime  # UTC
    account: str
    words: str
    entry: int  # of the record


def history(register: CaseRegister, reference: str) -> tuple[Event, ...]:
    """Return what happened to a case that the user may see, in order.

    Only what counts is in it, also of an urgent case that was not confirmed. The whole record is
    read, a second for 100,000 entries. Raises NotPermitted or CaseError if there is no such case
    for the user: see :meth:`CaseRegister.case`.
    """
    case = register.case(reference, ended=True)
    entries = list(register.entries_of(reference, "case."))
    entries += register.entries_of(reference, "subject.")
    since = entries[0].number if case.is_training and entries else 0
    others = AuditLog(register.folder, kinds=_ELSEWHERE).read_new()
    own = (e for e in others if e.about.get("case") == reference and e.number > since)
    entries += counting(own, register.folder)
    found = (_event(entry) for entry in sorted(entries, key=lambda entry: entry.number))
    return tuple(event for event in found if event is not None)


def _event(entry: Entry) -> Event | None:
    write = WORDS.get(entry.what)
    if write is None:
        return None
    return Event(entry.at, entry.account, write(entry.about), entry.number)


def _approval(about: Mapping[str, Any]) -> str:
    beyond = "; ".join(about["exceeds"])
    return f", which goes beyond the limits: {beyond}" if beyond else ""


def _decision(about: Mapping[str, Any]) -> str:
    return f", authorised as {about['authorisation']}" if about.get("authorisation") else ""


def _reason(about: Mapping[str, Any]) -> str:
    return f": {about['reason']}" if about.get("reason") else ""


def _scope(about: Mapping[str, Any]) -> str:
    return f"searched {about['district']}, {about['cameras']:,} cameras"


WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "case.asked": lambda _: "requested the case",
    "case.training": lambda _: "opened the case for training",
    "case.approved": lambda about: f"approved the case{_approval(about)}",
    "case.begun": lambda about: f"let the urgent case begin{_approval(about)}",
    "case.confirmed": lambda about: f"confirmed the urgent case{_decision(about)}",
    "case.erased": lambda _: "what came of the urgent case was deleted",
    "case.footage.erased": lambda about: (
        f"of the films fetched for the case, {len(about['films']):,} were deleted"
    ),
    "case.footage.removed": lambda about: (
        f"what was found in {about['removed']:,} of them was deleted from a gallery"
    ),
    "case.declined": lambda about: f"declined the case{_reason(about)}",
    "case.closed": lambda about: f"closed the case{_reason(about)}",
    "case.member.added": lambda about: f"made {about['account']} a member",
    "case.member.removed": lambda about: f"ended the membership of {about['account']}",
    "case.handed.over": lambda about: f"handed the case over to {about['account']}{_reason(about)}",
    "case.change.asked": lambda _: "requested a change of the case",
    "case.change.approved": lambda about: f"approved the change{_approval(about)}",
    "case.change.declined": lambda about: f"declined the change{_reason(about)}",
    "subject.deleted": lambda about: f"deleted the subject's photographs{_reason(about)}",
    "search.asked": _scope,
    "evidence.exported": lambda _: "exported the evidence",
}
"""Words for each kind of entry, from what it is about."""
