"""Changes of a case: another area, time or photographs by a new approval, another person in charge.

A changed request is approved like a new one, by another person who names its digest. Until then,
and if it is declined, the request before it counts until it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.casework.members import checked_members
from workbench.casework.plaintext import required_reason
from workbench.casework.record.people import MAY
from workbench.casework.subjects import (
    describe_subject,
    keep_subject,
    require_described,
    required_likeness,
    resemblance,
)
from workbench.errors import CaseError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.casework.cases import Case, Request
    from workbench.casework.provenance import Provenance
    from workbench.casework.register import CaseRegister
    from workbench.domain import Probe

_ONLY_OPEN = "Only an open case is changed; request a new one"


def ask_change(register: CaseRegister, request: Request, *, subject: Probe | None = None) -> Case:
    """Request that a case becomes another; another person must approve it before it does.

    A request for a change that waits already gives way to this one. Members stay as they are.

    Parameters
    ----------
    register : CaseRegister
        Where the case is.
    request : Request
        All that is to count then, under the reference and purpose of the case.
    subject : Probe, optional
        Photographs of the same person that are to take the place of those before; without, the
        request's subject is that of the case.

    Returns
    -------
    Case
        The case, with the change that waits.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or they are neither responsible nor a supervisor.
    CaseError
        If the case has ended or was never approved, the change is for another purpose or person,
        or it changes nothing.
    """
    reference = request.reference
    me, case = register.require_own(reference, "case.change")
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    if case.confirm_by is not None:
        raise CaseError(
            "is urgent and not confirmed", where=reference, fix="Have it confirmed first"
        )
    if request.purpose != case.request.purpose:
        raise CaseError(
            f"was approved for another purpose ({case.request.purpose})",
            where=reference,
            fix="Request a new case",
        )
    if subject is not None:
        require_described(request, subject, calibrations=register.rules.calibrations)
        _require_same_person(register, case, subject)
    elif request.subject != case.request.subject:
        raise CaseError(
            "the photographs of the subject are missing",
            where=reference,
            fix="Describe the subject with a probe, or leave it as it is",
        )
    request = replace(request, members=case.members, urgent=case.request.urgent)
    if request.document() == {**case.request.document(), "members": list(request.members)}:
        raise CaseError("nothing is changed", where=reference, fix="Change what is to be another")
    with register.keeping_open(case, fix=_ONLY_OPEN, valid_now=False) as now:
        if now.digest != case.digest:
            raise CaseError(
                "was changed meanwhile", where=reference, fix="Read it, then request the change"
            )
        if subject is not None:
            keep_subject(register.folder, reference, subject)
        register.record("case.change.asked", {"case": reference, **request.document()}, by=me)
    return register.case(reference)


def changed_request(case: Case, changes: Mapping[str, Any]) -> Request:
    """Return the request of a case with some fields changed.

    Parameters
    ----------
    case : Case
        The case.
    changes : mapping
        Fields of :class:`workbench.casework.cases.Request`; and ``valid_days``, for which it may be
        searched from now on. What is not named stays.

    Raises
    ------
    CaseError, TimeError
        If a field is impossible.
    """
    fields = dict(changes)
    days = fields.pop("valid_days", None)
    if days is not None:
        now = datetime.now(UTC)
        fields |= {"valid_from": now, "valid_until": now + timedelta(days=days)}
    return replace(case.request, **fields)


def with_photographs(
    case: Case,
    request: Request,
    probe: Probe,
    *,
    provenance: Sequence[Provenance],
    born: str = "",
    calibrations: Path,
) -> Request:
    """Return a changed request with other photographs of the same person.

    Parameters
    ----------
    case : Case
        The case, whose words about the person stay, and whose date of birth unless *born* is given.
    request : Request
        What else is to be changed: see :func:`changed_request`.
    probe : Probe
        The photographs.
    provenance : sequence of Provenance
        Where each comes from, in their order.
    calibrations : Path
        Folder of the installation's own calibrations.

    Raises
    ------
    CaseError
        If the case names no person, or something about the photographs is missing or impossible.
    EvaluationError
        If the calibration of the photographs' profile cannot be used.
    """
    before = case.request.subject
    if before is None:
        raise CaseError(
            "a training case names no person", where=case.reference, fix="Request a case"
        )
    subject = describe_subject(
        probe,
        calibrations=calibrations,
        description=before.description,
        provenance=provenance,
        born=born or before.born,
    )
    return replace(request, subject=subject)


def hand_over(register: CaseRegister, reference: str, account: str, *, reason: str) -> Case:
    """Make another person responsible for a case, at once and on record.

    They become a member, and may close the case, change it and choose its members. It takes effect
    without their consent, as who hands a case over may be leaving; nobody searches or decides by
    it.

    Raises
    ------
    NotPermitted
        If the user is neither responsible for the case nor a supervisor.
    CaseError
        If the other person may not request cases, has approved this one or is responsible for it
        already, the case has ended, or the reason is missing.
    """
    with register.exclusively():
        me, case = register.require_own(reference, "case.handing")
        (name,) = checked_members(register.people, [account], where=reference)
        why, reason = "", required_reason(reason, reference)
        if case.ended_at is not None:
            why = f"the case is {case.state}"
        elif name == case.responsible:
            why = f"{name} is responsible for it already"
        elif not any("case.ask" in MAY[role] for role in register.people.roles[name]):
            why = f"{name} may not request cases, and so not be responsible for one"
        elif name in case.approved_by or (case.change and name in case.change.approved_by):
            why = f"{name} has approved the case and may not be responsible for it"
        if why:
            raise CaseError(why, where=reference, fix="Choose an analyst or another supervisor")
        about = {"case": reference, "account": name, "reason": reason}
        register.record("case.handed.over", about, by=me)
    return register.case(reference)


def _require_same_person(register: CaseRegister, case: Case, probe: Probe) -> None:
    """Raise CaseError unless all photographs resemble the subject: a case is about one person."""
    subject = case.request.subject
    assert subject is not None  # only training cases have none, and nobody is responsible for them
    required = required_likeness(
        subject,
        probe.profile,
        calibrations=register.rules.calibrations,
        where=case.reference,
    )
    found = resemblance(register.folder, case, probe, required)
    if not found >= required.least_score:  # NaN is not alike
        why = (
            f"a photograph does not resemble the case's subject: score {found:.2f}, "
            f"{required.least_score:.2f} is required"
        )
        register.refused("case.change", case.reference, [why])
        raise CaseError(why, where=case.reference, fix="Request a case about this person")
