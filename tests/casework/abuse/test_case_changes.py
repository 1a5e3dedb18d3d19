"""Attempts to change a case alone or into another, and to say nothing of its photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from office import stated
from searching import search

from workbench.casework.cases import Case, Request
from workbench.casework.changes import ask_change, hand_over
from workbench.casework.subjects import describe_subject
from workbench.casework.waiting import waiting_for_me
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery

Ask = Callable[..., Request]


def longer(case: Case, **changed: Any) -> Request:
    until = case.request.valid_until + timedelta(days=10)
    return replace(case.request, **{"valid_until": until, **changed})


def test_nobody_approves_a_change_of_a_case_of_their_own(office: Any, case: Case) -> None:
    """Neither who asked for the change, nor who asked for the case, nor who is responsible."""
    office.sit("ada").grant("anna", "supervisor")
    changed = ask_change(office.sit("sven"), longer(case))
    digest = changed.change.digest  # type: ignore[union-attr]
    hand_over(office.sit("sven"), "A-1", "ben", reason="leave")
    office.sit("ada").grant("ben", "supervisor")
    for name, why in (
        ("sven", "sven requested the change"),
        ("anna", "anna requested the case"),
        ("ben", "ben is responsible for the case"),
    ):
        with pytest.raises(NotPermitted, match=why):
            office.sit(name).approve("A-1", digest=digest)
    with pytest.raises(NotPermitted, match="ben is responsible for the case"):
        office.sit("ben").decline("A-1", reason="x")


def test_who_searched_does_not_approve_the_change(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("ada").grant("ben", "supervisor")
    office.sit("ben")
    search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    changed = ask_change(office.sit("anna"), longer(case))
    assert [one.what for one in waiting_for_me(office.sit("ben"))] == []
    assert [one.what for one in waiting_for_me(office.sit("sven"))] == ["approval"]
    with pytest.raises(NotPermitted, match="ben has searched under the case"):
        office.sit("ben").approve("A-1", digest=changed.change.digest)  # type: ignore[union-attr]
    (refusal,) = office.events("case.approve.refused")
    assert refusal.account == "ben"
    assert office.register.find_case("A-1").change is not None
    # Nor is anything declined, or closed, without a reason.
    with pytest.raises(CaseError, match="the reason is missing"):
        office.register.decline("A-1", reason=" ")
    with pytest.raises(CaseError, match="the reason is missing"):
        office.sit("anna").close("A-1", reason="")


def test_a_change_is_of_the_same_purpose_and_person(
    office: Any, case: Case, stranger: Probe, tmp_path: Path
) -> None:
    register = office.sit("anna")
    with pytest.raises(CaseError, match="approved for another purpose"):
        ask_change(register, longer(case, purpose="victim or witness"))
    other = describe_subject(stranger, calibrations=tmp_path / "none", provenance=stated())
    with pytest.raises(CaseError, match="does not resemble the case's subject"):
        ask_change(register, longer(case, subject=other), subject=stranger)
    with pytest.raises(CaseError, match="photographs of the subject are missing"):
        ask_change(register, longer(case, subject=other))
    with pytest.raises(CaseError, match="nothing is changed"):
        ask_change(register, case.request)
    with pytest.raises(NotPermitted, match="ben is not responsible"):
        ask_change(office.sit("ben"), longer(case))
    assert office.events("case.change.asked") == []


def test_without_their_provenance_photographs_are_refused(
    office: Any, ask: Ask, subject: Probe
) -> None:
    silent = describe_subject(subject, calibrations=office.home)
    with pytest.raises(CaseError, match="where its photographs come from is not stated"):
        office.sit("anna").ask(ask(subject=silent), subject=subject)
    with pytest.raises(CaseError, match="given by: is missing"):
        stated(given_by=" ")
    with pytest.raises(CaseError, match="is not a date"):
        stated(taken="last summer")
    with pytest.raises(CaseError, match="lies in the future"):
        stated(taken="2999")
    assert stated(taken="not known")
