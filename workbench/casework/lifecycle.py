"""Life of a case: what it is after each entry about it in the record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.casework.cases import Case, Request, State
from workbench.casework.record.chain import canonical

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry


def fold(entries: Sequence[Entry]) -> Case | None:
    """Build a case from the entries about it, in their order; None if none of them requests it.

    What cannot follow what came before does not count: a second request under one reference, or an
    approval of another request than the one that is recorded.
    """
    case: Case | None = None
    for entry in entries:
        case = _after(case, entry)
    return case


def _after(case: Case | None, entry: Entry) -> Case | None:
    about = entry.about
    if entry.what == "case.training" and (case is None or case.is_training):
        return Case(_requested(entry), entry.account, entry.at, _digest(entry), "open")
    if entry.what == "case.asked" and case is None:
        request = _requested(entry)
        members = tuple(dict.fromkeys((entry.account, *request.members)))
        return Case(request, entry.account, entry.at, _digest(entry), members=members)
    if case is None:
        return None
    match entry.what:
        case "case.approved" if (about.get("request"), case.state) == (case.digest, "requested"):
            approved_by = (*case.approved_by, entry.account)
            exceeds = (*case.exceeds, *about["exceeds"])
            state: State = "open" if len(approved_by) > bool(exceeds) else "requested"
            return replace(
                case,
                approved_by=approved_by,
                exceeds=tuple(dict.fromkeys(exceeds)),
                most_cameras=int(about["most_cameras"]),
                state=state,
            )
        case "case.member.added":
            members = tuple(dict.fromkeys((*case.members, about["account"])))
            return replace(case, members=members)
        case "case.member.removed":
            members = tuple(name for name in case.members if name != about["account"])
            return replace(case, members=members)
        case "case.closed" | "case.declined" if case.ended_at is None:
            ended: State = "closed" if entry.what == "case.closed" else "declined"
            return replace(case, state=ended, ended_at=entry.at, reason=str(about["reason"]))
    return case


def _requested(entry: Entry) -> Request:
    about = {name: value for name, value in entry.about.items() if name != "case"}
    return Request.from_document(about)


def _digest(entry: Entry) -> str:
    """Compute the digest of a request from what is recorded, whatever is read of it later."""
    about = {name: value for name, value in entry.about.items() if name != "case"}
    return hashlib.sha256(canonical(about)).hexdigest()
