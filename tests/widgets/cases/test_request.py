"""The form with which a case is requested or, in training, opened; without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Case
from workbench.casework.training import TRAINING_NOTICE
from workbench.installation import Installation
from workbench.widgets.cases.page import CasesPage, cases
from workbench.widgets.cases.request import RequestModel


@pytest.fixture
def form(office: Any, small_town: Path) -> Callable[[str], RequestModel]:
    """``form(name)``: the form as *name* has it, with ``.made``, the cases that came of it."""

    def form(name: str) -> RequestModel:
        office.sit(name)
        made: list[Case] = []
        model = RequestModel(small_town, installation=office.installation, done=made.append)
        model.made = made
        return model

    return form


def fill(model: RequestModel, photograph: bytes) -> None:
    model.take_template("missing-person")
    model.reference, model.title = "A-2026-1", "Last seen at the market"
    model.authority, model.authorisation = "Public prosecutor", "P 117/26"
    model.set_district(model.whole_area())
    model.set_all_footage()
    model.add_photograph("a.jpg", photograph)


def test_a_case_is_requested_with_all_that_is_on_the_form(
    form: Any, office: Any, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    model.members, model.valid_days, model.most_cameras = "rosa, rolf", 3, 40
    model.request()
    assert model.messages == {}
    (case,) = model.made
    request = case.request
    assert (case.asked_by, case.state) == ("anna", "requested")
    assert case.members == ("anna", "rolf", "rosa")
    assert request.purpose == "missing person"
    assert "Prevention of a substantial risk to life" in request.legal_basis
    assert (request.valid_until - request.valid_from).days == 3
    assert request.cameras == 40
    assert (request.start, request.end) == (model.start, model.end)
    assert request.district == model.district
    assert len(request.subject.photographs) == 1
    assert model.uploads == ()  # nothing is left for the next request
    assert model.reference == ""


def test_what_is_missing_is_said_beside_each_part(form: Any) -> None:
    model = form("anna")
    model.request()
    assert model.made == []
    assert model.messages["target"] == "Add a photograph of the subject."
    assert {"district", "time"} <= set(model.messages)
    assert model.messages["request"].splitlines() == [
        "Choose the kind of case.",
        "Give the case a reference.",
        "Name the legal basis.",
        "Name the outside body or person that authorised it.",
        "Give the reference of their decision.",
    ]


def test_what_the_register_refuses_is_said_and_nothing_is_lost(
    form: Any, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    model.members = "rosa, mallory"
    model.request()
    assert model.made == []
    assert "mallory has no role here" in model.messages["request"]
    assert model.reference == "A-2026-1"
    assert len(model.uploads) == 1


def test_who_may_not_ask_is_not_offered_the_form(office: Any, small_town: Path) -> None:
    office.sit("rosa")
    page = cases(small_town, installation=office.installation)
    assert isinstance(page, CasesPage)
    assert len(page.children) == 2
    office.sit("anna")
    assert len(cases(small_town, installation=office.installation).children) == 3


def test_in_training_a_case_is_opened_and_says_so(fresh_home: Path, small_town: Path) -> None:
    page = cases(small_town, installation=Installation.open())
    assert "This installation is in training" in page.children[0].children[1].value
    model = page.children[-1].children[1].children[0].model
    model.train()
    assert model.messages["request"] == "Give the case a reference."
    model.reference, model.title = "T-1", "Learning"
    model.set_district(model.whole_area())
    model.set_all_footage()
    model.train()
    assert page.model.said == "T-1 is open for training."
    assert TRAINING_NOTICE in page.about.title.value
    assert page.model.offers == ("close",)
    page.about.reason.value = "Learned"
    page.about.acts["close"].click()
    assert page.model.shown.status() == "closed"
