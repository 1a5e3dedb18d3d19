"""Life of a case: what it is after each entry about it in the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.casework.cases import Case, Change, Request, State
from workbench.casework.record.chain import canonical

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry


def cases_of(entries: Iterable[Entry]) -> list[Case]:
    """Build all cases from entries that count, in the order in which they were requested."""
    about: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.what.startswith("case.") and not entry.what.endswith(".refused"):
            about.setdefault(str(entry.about.get("case", "")), []).append(entry)
    return [case for case in map(fold, about.values()) if case is not None]


def fold(entries: Sequence[Entry]) -> Case | None:
    """Build a case from the entries about it, in their order; None if none of them requests it.

    What cannot follow what came before does not count: a second request under one reference, or an
    approval of another request than the one that is recorded.
    """
    case: Case | None = None
    for entry in entries:
        case = after(case, entry)
    return case


def after(case: Case | None, entry: Entry) -> Case | None:
    """Return a case as it is after an entry about it; the same object if that does not count."""
    about = entry.about
    if entry.what == "case.training" and (case is None or case.is_training):
        return Case(
            _requested(entry),
            entry.account,
            entry.at,
            _digest(entry),
            "open",
            responsible=entry.account,
        )
    if entry.what == "case.asked" and case is None:
        request = _requested(entry)
        members = tuple(dict.fromkeys((entry.account, *request.members)))
        return Case(
            request,
            entry.account,
            entry.at,
            _digest(entry),
            members=members,
            responsible=entry.account,
            in_demo=bool(entry.by.get("played_by")),
        )
    if case is None:
        return None
    match entry.what:
        case "case.approved" | "case.begun" if _is_approval(case, entry):
            approved_by = (*case.approved_by, entry.account)
            exceeds = (*case.exceeds, *about["exceeds"])
            begun = entry.what == "case.begun"
            enough = len(approved_by) > bool(exceeds)
            state: State = "open" if begun or enough else "requested"
            return replace(
                case,
                approved_by=approved_by,
                exceeds=tuple(dict.fromkeys(exceeds)),
                most_cameras=int(about["most_cameras"]),
                state=state,
                approved_at=entry.at if enough and not begun else None,
                begun_at=entry.at if begun else None,
            )
        case "case.confirmed" if _is_confirmation(case, entry):
            return replace(
                case,
                approved_by=(*case.approved_by, entry.account),
                approved_at=entry.at,
                confirmed_by=entry.account,
                authorised_as=str(about["authorisation"]),
            )
        case "case.declined" if case.at(entry.at).confirm_by is not None:
            reason = str(about["reason"])
            return replace(case, state="not confirmed", ended_at=entry.at, reason=reason)
        case "case.erased":  # for good, whatever a clock says later
            over = case.at(case.confirm_by or entry.at)
            remains = [
                *about.get("exports not deleted", ()),
                *about.get("exported out of the installation", ()),
            ]
            return replace(over, erased_at=entry.at, not_erased="", remains=tuple(remains))
        case "case.erasing.failed":
            return replace(case, not_erased=str(about["reason"]))
        case "case.change.asked" if case.state == "open":
            change = Change(_requested(entry), entry.account, entry.at, _digest(entry))
            return replace(case, change=change)
        case "case.change.approved":
            return _changed(case, entry)
        case "case.change.declined" if case.change and about.get("request") == case.change.digest:
            return replace(case, change=None)
        case "case.handed.over":
            members = tuple(dict.fromkeys((*case.members, about["account"])))
            formerly = tuple(dict.fromkeys((*case.formerly, case.responsible)))
            return replace(case, responsible=about["account"], members=members, formerly=formerly)
        case "case.member.added":
            members = tuple(dict.fromkeys((*case.members, about["account"])))
            return replace(case, members=members)
        case "case.member.removed":
            members = tuple(name for name in case.members if name != about["account"])
            return replace(case, members=members)
        case "case.closed" | "case.declined" if case.ended_at is None:
            ended: State = "closed" if entry.what == "case.closed" else "declined"
            return replace(
                case, state=ended, ended_at=entry.at, reason=str(about["reason"]), change=None
            )
    return case


def _is_approval(case: Case, entry: Entry) -> bool:
    """Check that an entry approves the request of a case, or lets an urgent one begin."""
    asked = (entry.about.get("request"), case.state) == (case.digest, "requested")
    return asked and bool(case.request.urgent) == (entry.what == "case.begun")


def _is_confirmation(case: Case, entry: Entry) -> bool:
    """Check that an entry confirms an urgent case, in time and by a person of its own."""
    others = entry.account not in (case.asked_by, *case.approved_by)
    in_time = case.at(entry.at).confirm_by is not None
    return others and in_time and entry.about.get("request") == case.digest


def _changed(case: Case, entry: Entry) -> Case:
    """Count an approval of a change; with the last that it takes, it becomes what is requested."""
    change, about = case.change, entry.about
    if change is None or about.get("request") != change.digest:
        return case
    approved_by = (*change.approved_by, entry.account)
    exceeds = tuple(dict.fromkeys((*change.exceeds, *about["exceeds"])))
    if len(approved_by) <= bool(exceeds):
        return replace(case, change=replace(change, approved_by=approved_by, exceeds=exceeds))
    return replace(
        case,
        request=change.request,
        digest=change.digest,
        approved_by=tuple(dict.fromkeys((*case.approved_by, *approved_by))),
        exceeds=exceeds,
        most_cameras=int(about["most_cameras"]),
        change=None,
        changed_at=entry.at,
    )


def _requested(entry: Entry) -> Request:
    about = {name: value for name, value in entry.about.items() if name != "case"}
    return Request.from_document(about)


def _digest(entry: Entry) -> str:
    """Compute the digest of a request from what is recorded, whatever is read of it later."""
    about = {name: value for name, value in entry.about.items() if name != "case"}
    return hashlib.sha256(canonical(about)).hexdigest()
