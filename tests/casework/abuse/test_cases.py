"""Searching without a case, or under a doubtful one."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attempts import judge
from searching import search
from shapely import box

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.export import export
from workbench.domain import District, Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery

Ask = Callable[..., Request]
Refused = Callable[..., None]


def test_no_case(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    with pytest.raises(TypeError, match="case"):
        search(gallery, subject, permitted)  # type: ignore[call-arg]


@pytest.mark.parametrize("reference", ["", "B-1", "A-1 ", "a-1", "А-1", "A-1'--", "*", "%"])
def test_a_case_that_is_not_there(refused: Refused, reference: str) -> None:
    refused("no such case", reference=reference, error=CaseError)


@pytest.mark.parametrize("reference", [None, 1, True, ["A-1"]])
def test_a_case_that_is_no_text(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, reference: Any
) -> None:
    with pytest.raises((CaseError, TypeError, AttributeError)):
        search(gallery, subject, permitted, case=reference)
    assert not office.events("search.asked")


def test_a_case_that_was_only_asked(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    office.sit("anna").ask(ask("A-2"), subject=subject)
    refused("has not been approved", reference="A-2")


def test_approving_a_case_of_ones_own(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("sara").ask(ask("A-2"), subject=subject)
    with pytest.raises(NotPermitted, match="may not approve it"):
        office.approve("sara", "A-2")
    assert office.events("case.approve.refused")


def test_the_second_approval_by_the_first(office: Any, ask: Ask, subject: Probe) -> None:
    wide = ask("A-2", district=District("County", box(-1, 51, 1, 52)))
    office.sit("anna").ask(wide, subject=subject)
    assert office.approve("sara", "A-2").status() == "requested"
    with pytest.raises(NotPermitted, match="takes two people"):
        office.approve("sara", "A-2")


def test_searching_what_one_authorised(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("ada").grant("sara", "analyst")
    office.sit("anna").ask(ask(), subject=subject)
    office.approve("sara", "A-1")
    with pytest.raises(NotPermitted, match="may not search under it"):
        search(gallery, subject, permitted, case="A-1")


@pytest.mark.parametrize(
    ("begin", "end", "why"),
    [(-48, -1, "the case expired at"), (1, 48, "the case is not valid before")],
)
def test_a_case_out_of_its_time(
    office: Any, ask: Ask, refused: Refused, subject: Probe, begin: int, end: int, why: str
) -> None:
    now = datetime.now(UTC)
    request = ask(
        "A-2", valid_from=now + timedelta(hours=begin), valid_until=now + timedelta(hours=end)
    )
    office.sit("anna").ask(request, subject=subject)
    office.approve("sara", "A-2")
    office.sit("anna")
    refused(why, reference="A-2")


def test_a_closed_case(office: Any, refused: Refused) -> None:
    office.sit("anna").close("A-1", reason="found")
    refused("the case is closed")
    with pytest.raises(CaseError, match="is closed"):
        office.approve("sven", "A-1")


def test_a_declined_case(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    office.sit("anna").ask(ask("A-2"), subject=subject)
    office.sit("sara").decline("A-2", reason="no")
    with pytest.raises(CaseError, match="is declined"):
        office.approve("sven", "A-2")
    office.sit("anna")
    refused("the case is declined", reference="A-2")


def test_a_case_requested_again_with_more(
    office: Any, case: Case, ask: Ask, subject: Probe
) -> None:
    wide = District("County", box(-1, 51, 1, 52))
    for reference in ("A-1", "a-1"):
        with pytest.raises(CaseError, match="this reference is taken"):
            office.sit("anna").ask(ask(reference, district=wide), subject=subject)
    assert office.register.case("A-1").request.district.name == "Old Town"


def test_training_on_real_footage(
    office: Any, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").train("T-1", permitted)
    with pytest.raises(NotPermitted, match="only search the fictional footage of the demo"):
        search(gallery, subject, permitted, case="T-1")


def test_training_in_a_case_s_name(office: Any, case: Case, permitted: Scope) -> None:
    with pytest.raises(CaseError, match="this reference is taken"):
        office.sit("anna").train("A-1", permitted)


def test_training_that_asks_for_approval(office: Any, ask: Ask, subject: Probe) -> None:
    with pytest.raises(CaseError, match="a training case is not requested"):
        office.sit("anna").ask(ask("A-2", purpose="training"), subject=subject)


def test_sql_in_a_title(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    title = "'); DROP TABLE tracklets; --"
    office.sit("anna").ask(ask(title=title), subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    assert search(gallery, subject, permitted, case="A-1").candidates
    assert office.fresh().case("A-1").request.title == title
    assert len(gallery.tracklets()) == 25


def test_html_in_names(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, tmp_path: Path, town_file: Path
) -> None:
    from workbench.widgets.investigate.case import CasePanel
    from workbench.widgets.investigate.model import Investigation

    hostile = '<img src=x onerror="harm()">'
    office.sit("anna").ask(ask(title=hostile, authority=hostile), subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    export(office.register, "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert "<img src=x" not in archive.read("report.html").decode()
    panel = CasePanel(Investigation(town_file, installation=office.installation))
    assert "<img" not in panel.allowed.value
    assert "&lt;img" in panel.allowed.value


@pytest.mark.parametrize("reference", ["../A-1", "/etc/passwd", "A\x00", "A\n1", "..", "-rf", ""])
def test_a_path_as_a_reference(ask: Ask, reference: str) -> None:
    with pytest.raises(CaseError, match="reference"):
        ask(reference)


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\ufeff", "\x1b", "\u2028"])
def test_invisible_letters(ask: Ask, letter: str) -> None:
    with pytest.raises(CaseError, match="invisible character"):
        ask(title=f"Missing{letter}person")


def test_a_formula_in_a_reason(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    judge(office, "rolf", keys[0], reason='=HYPERLINK("http://x","y")')
    judge(office, "rosa", keys[0], reason="-2+3+cmd|' /C calc'!A0")
    export(office.sit("anna"), "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        table = archive.read("candidates.csv").decode()
    assert "'=HYPERLINK" in table
    assert "'-2+3+cmd" in table
