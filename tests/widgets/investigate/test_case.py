"""The case under which one asks, as the page shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from searching import search

from workbench.casework.cases import Case, Request
from workbench.domain import Probe, Scope
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.widgets.investigate.case import CasePanel
from workbench.widgets.investigate.model import Investigation


def test_the_only_open_case_is_taken(office: Any, case: Case, town_file: Path) -> None:
    asked = Investigation(town_file, installation=office.installation)
    assert asked.case == "A-1"
    panel = CasePanel(asked)
    assert panel.choice.value == "A-1"
    assert "Authorised by Public prosecutor (P 117/26), approved by sara." in panel.allowed.value
    panel.whole.click()
    assert asked.district == case.request.district
    assert (asked.start, asked.end) == (case.request.start, case.request.end)


def test_of_several_cases_one_is_chosen_by_a_person(
    office: Any, case: Case, ask: Callable[..., Request], subject: Probe, town_file: Path,
) -> None:  # fmt: skip
    office.sit("anna").ask(ask("A-2"), subject=subject)
    office.approve("sara", "A-2")
    asked = Investigation(town_file, installation=office.installation)
    assert asked.case == ""
    assert "a case" in asked.missing
    asked.search()
    assert asked.messages["case"] == "Choose a case."
    panel = CasePanel(asked)
    panel.choice.value = "A-2"
    assert asked.case == "A-2"
    assert "case" not in asked.messages
    set_here = office.installation.settings.model_copy(update={"case": "A-1"})
    assert Investigation(town_file, installation=Installation(set_here)).case == "A-1"


def test_a_case_that_closes_goes_from_the_list(office: Any, case: Case, town_file: Path) -> None:
    asked = Investigation(town_file, installation=office.installation)
    panel = CasePanel(asked)
    office.sit("anna").close("A-1", reason="found")
    panel._refresh()
    assert asked.case == ""
    assert "none is open" in panel.allowed.value


def test_who_has_no_case_may_train(fresh_home: Path, unowned: Gallery) -> None:
    asked = Investigation(unowned.path, installation=Installation.open())
    panel = CasePanel(asked)
    panel.train.click()
    assert asked.case == "TRAINING"
    assert "carries no authority" in panel.allowed.value
    assert panel.train.layout.display == "none"


def test_training_in_service_says_why_not(office: Any, town_file: Path) -> None:
    office.sit("otto")
    asked = Investigation(town_file, installation=office.installation)
    CasePanel(asked).train.click()
    assert "otto has auditor" in asked.messages["case"]


def test_what_is_shown_of_an_answer_is_recorded_once(
    office: Any, case: Case, town_file: Path, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    from workbench.widgets.investigate.results import ResultsPanel

    asked = Investigation(town_file, installation=office.installation)
    panel = ResultsPanel(asked)
    asked.threshold = -1.0
    asked.result = search(gallery, subject, permitted, case="A-1")
    assert len(asked.shown) > 12
    first, *others = office.events("shot.viewed")
    assert not others
    assert first.about["tracklets"] == [c.tracklet_id for c in asked.shown[:12]]
    panel.next.click()
    panel.previous.click()
    assert len(office.events("shot.viewed")) == 2
