"""Learning of a case that one is no member of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.export import export
from workbench.casework.reviewing.exports import considered
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.reviewing.reviewlist import reviewed
from workbench.casework.reviewing.sightings import confirmed_sightings, readable_cases
from workbench.casework.reviewing.triage import opinions, record_view
from workbench.cli.main import main
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.widgets import footage, indexing, investigate, review, sightings, thresholds

Ask = Callable[..., Request]
OUTSIDE = "no such case, or you are not one of its members"


def test_cases_of_others_in_lists(office: Any, case: Case) -> None:
    """Not even that there is one; with the wrong spelling neither."""
    register = office.sit("cleo")
    assert register.cases() == readable_cases(register) == ()
    for reference in ("A-1", "a-1", "A-2"):
        with pytest.raises(CaseError, match=OUTSIDE) as told:
            register.case(reference)
        assert "Perhaps you mean" not in str(told.value)
    (entry,) = office.events("case.read.refused")
    assert (entry.account, entry.about["case"]) == ("cleo", "A-1")
    for name in ("anna", "rosa", "sara", "otto"):
        assert [one.reference for one in office.sit(name).cases()] == ["A-1"]


def test_searching_under_a_case_of_others(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("cleo")
    with pytest.raises(CaseError, match=OUTSIDE):
        search(gallery, subject, permitted, case="A-1")
    assert office.events("search.refused")[0].account == "cleo"
    assert not office.events("search.asked")


def test_faces_of_a_case_of_others(
    office: Any, case: Case, gallery: Gallery, keys: list[str], tmp_path: Any
) -> None:
    register = office.sit("cleo")
    features = dict.fromkeys(("nose", "eyes", "mouth"), "similar")
    for look in (
        lambda: waiting(register, "A-1", gallery),
        lambda: reviewed(register, "A-1"),
        lambda: considered(register, "A-1"),
        lambda: opinions(register, "A-1"),
        lambda: confirmed_sightings(register, "A-1", gallery),
        lambda: record_view(register, "A-1", ["x"]),
        lambda: export(register, "A-1", gallery, tmp_path / "A-1.zip"),
        lambda: decide(
            register, "A-1", keys[0], conclusion=1, features=features, reason="the same nose"
        ),
    ):  # fmt: skip
        with pytest.raises(CaseError, match=OUTSIDE):
            look()
    assert not (tmp_path / "A-1.zip").exists()


def test_anything_without_a_role(office: Any, case: Case, gallery: Gallery) -> None:
    register = office.sit("nobody")
    assert register.cases() == ()
    with pytest.raises(NotPermitted, match="nobody has no role"):
        register.case("A-1")
    with pytest.raises(NotPermitted, match="nobody has no role"):
        waiting(register, "A-1", gallery)


def test_a_page_or_a_command_without_a_role(
    office: Any, case: Case, town_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = office.installation
    office.sit("nobody")
    for page in (footage, investigate, review, sightings):
        shown = page(town_file, installation=installation)
        assert "nobody has no role in this installation" in shown.value
    assert "nobody has no role" in indexing(town_file, installation=installation).value
    assert "nobody has no role" in thresholds(gallery=town_file, installation=installation).value
    for command in (
        ("people", "list"), ("audit", "head"), ("audit", "verify"), ("case", "list"),
        ("case", "show", "A-1"), ("gallery", "info", town_file), ("gallery", "check", town_file),
        ("gallery", "calibrate", town_file), ("installation", "show"), ("models", "list"),
        ("models", "show", "yunet"), ("doctor",),
        ("footage", "clock", "list", "--gallery", town_file),
    ):  # fmt: skip
        assert main([str(part) for part in command]) != 0
        said = capsys.readouterr()
        assert "nobody has no role" in said.err
        assert said.out == ""


def test_faces_of_training_before_the_installation_was_in_service(
    fresh_home: Path, unowned: Gallery, subject: Probe, permitted: Scope
) -> None:
    """A training case is everyone's; what was found in real footage while it trained is not."""
    register = Installation.open().register
    register.train("T-1", permitted)
    found = search(unowned, subject, permitted, case="T-1", threshold=0.6, top=2)
    list_for_review(register, "T-1", found.candidates, probe=subject)
    assert len(waiting(register, "T-1", unowned)) == 2
    register.grant(register.me.account, "reviewer")
    for again in (register, Installation.open().register):
        assert again.case("T-1").is_training
        assert waiting(again, "T-1", unowned) == reviewed(again, "T-1") == ()


def test_making_oneself_a_member(office: Any, case: Case) -> None:
    with pytest.raises(CaseError, match=OUTSIDE):
        office.sit("cleo").add_member("A-1", "cleo")
    with pytest.raises(NotPermitted, match="ben is not responsible for the case"):
        office.sit("ben").add_member("A-1", "cleo")
    with pytest.raises(CaseError, match="has no role here"):
        office.sit("anna").add_member("A-1", "nobody")
    with pytest.raises(CaseError, match="Perhaps you mean cleo"):
        office.register.add_member("A-1", "Cleo")
    assert office.register.add_member("A-1", "cleo").members[-1] == "cleo"
    assert office.sit("cleo").case("A-1").reference == "A-1"
    office.sit("sara").remove_member("A-1", "cleo")
    assert office.sit("cleo").cases() == ()
    with pytest.raises(CaseError, match="anna is responsible for the case"):
        office.sit("sara").remove_member("A-1", "anna")


def test_a_request_exchanged_before_its_approval(office: Any, ask: Ask, subject: Probe) -> None:
    """What is approved is what was read, by its digest."""
    request = ask("A-2")
    read = office.sit("anna").ask(request, subject=subject).digest
    assert read == request.digest == office.register.case("A-2").request.digest
    with pytest.raises(CaseError, match="not the request that was read"):
        office.sit("sara").approve("A-2", digest=replace(request, title="Another").digest)
    assert office.events("case.approve.refused")[0].account == "sara"
    assert office.register.approve("A-2", digest=read).status() == "open"
