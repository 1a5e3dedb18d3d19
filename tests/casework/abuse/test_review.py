"""Deciding for others, or by what a reviewer must not see."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from attempts import SEEN, judge

from workbench.casework.cases import Case
from workbench.casework.evidence.export import export
from workbench.casework.record.audit import AuditLog
from workbench.casework.reviewing.review import (
    add_fillers,
    error_rates,
    list_for_review,
    reviewed,
    waiting,
)
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.notebook import search


def test_taking_both_decisions_on_one_face(office: Any, keys: list[str]) -> None:
    judge(office, "rosa", keys[0])
    with pytest.raises(NotPermitted, match="rosa has already decided on this face"):
        judge(office, "rosa", keys[0])
    assert office.events("review.decide.refused")


def test_a_second_turn_without_the_role(office: Any, keys: list[str]) -> None:
    judge(office, "anna", keys[0])
    with pytest.raises(NotPermitted, match="may not make this decision"):
        judge(office, "ben", keys[0])


def test_peeking_at_the_first_decision(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "anna", keys[0])
    office.sit("rosa")
    told = repr(reviewed(office.register, "A-1")) + repr(waiting(office.register, "A-1", gallery))
    assert "anna" not in told
    assert "score=None" in told
    assert not re.search(r"score=0\.\d", told)


def test_peeking_at_the_fillers(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    add_fillers(office.sit("sara"), [b"one", b"two"], source="staff")
    found = search(gallery_for(office, gallery), subject, permitted, case="A-1", top=2)
    list_for_review(office.register, "A-1", found.candidates, fillers=2)
    office.sit("rosa")
    assert all(not item.filler for item in reviewed(office.register, "A-1"))
    with pytest.raises(NotPermitted):
        error_rates(office.register)


def gallery_for(office: Any, gallery: Gallery) -> Gallery:
    office.sit("anna")
    return gallery


def test_deciding_without_comparing(office: Any, keys: list[str]) -> None:
    with pytest.raises(CaseError, match="0 features were compared"):
        judge(office, "anna", keys[0], features={})
    with pytest.raises(CaseError, match="reason is missing"):
        judge(office, "anna", keys[0], reason="")


def test_a_decision_forged_in_the_record(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "anna", keys[0])
    about = {"case": "A-1", "key": keys[0], "round": 2, "conclusion": 3, "features": SEEN,
             "reason": "x"}  # fmt: skip
    AuditLog(office.folder).append("review.decided", {"account": "rosa"}, about)
    office.sit("otto")
    item = next(i for i in reviewed(office.register, "A-1") if i.key == keys[0])
    assert item.outcome == "waiting"
    assert "is not signed by rosa" in office.register.doubts("A-1")[0]


def test_a_candidate_made_a_sighting_without_review(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    export(office.sit("anna"), "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert "Sightings among them: 0" in archive.read("report.html").decode()
