"""Attempts to keep an urgent case, or what came of it, without a confirmation by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.subjects import subject_folder
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery


@pytest.mark.parametrize("name", ["anna", "sara", "both"])
def test_who_requested_let_begin_or_searched_does_not_confirm(
    office: Any, begun: Case, name: str, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    reason = {
        "anna": "anna requested the case and may not confirm it",
        "sara": "sara let the case begin",
        "both": "has searched under the case",
    }[name]
    if name != "sara":
        office.sit("ada").grant("ben", "supervisor")
        office.sit("ada").grant("anna", "supervisor")
    if name == "both":
        office.sit("ben")
        search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
        name = "ben"
    register = office.sit(name)
    with pytest.raises(NotPermitted, match=reason):
        register.confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    (refusal,) = office.events("case.confirm.refused")
    assert reason in refusal.about["reasons"][0]
    assert register.find_case("A-1").confirm_by is not None


def test_a_confirmation_one_second_late_finds_the_case_over(
    office: Any, clock: Any, begun: Case
) -> None:
    clock.forward(hours=48, seconds=1)
    with pytest.raises(CaseError, match="not confirmed within 48 hours"):
        office.sit("sven").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    # Nor does an entry count that was made late by whatever way.
    register = office.register
    about = {"case": "A-1", "request": begun.digest, "authorisation": "P 9/26"}
    register.record("case.confirmed", about)
    ended = register.case("A-1", ended=True)
    assert (ended.status(), ended.confirmed_by) == ("not confirmed", "")
    assert ended.ended_at == begun.confirm_by
    # A clock that is set back brings nothing back: the record knows better.
    clock.ahead = timedelta()
    with pytest.raises(CaseError, match="not confirmed within 48 hours"):
        office.sit("anna").case("A-1")


def test_closing_it_spares_nobody_the_confirmation(office: Any, clock: Any, begun: Case) -> None:
    office.sit("anna").close("A-1", reason="found")
    clock.forward(hours=1)
    assert office.register.case("A-1").confirm_by == begun.confirm_by
    clock.forward(hours=47)
    assert office.sit("anna").case("A-1", ended=True).status() == "not confirmed"
    assert not subject_folder(office.folder, "A-1").exists()
