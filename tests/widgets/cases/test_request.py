"""The form with which a case is requested or, in training, opened; without a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench
from workbench.casework.cases import Case
from workbench.casework.ownphotographs import own_photographs
from workbench.casework.subjects import kept_originals
from workbench.casework.training import TRAINING_NOTICE
from workbench.errors import CaseError, NotPermitted
from workbench.installation import Installation
from workbench.widgets.cases.form import RequestPanel
from workbench.widgets.cases.page import CasesPage, cases
from workbench.widgets.cases.request import NEEDED, RequestModel, photograph_field
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.target import SearchTargetPanel


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
    (upload,) = model.uploads
    model.state_of(
        upload.key, source="album", given_by="the mother", taken="2026-01", changes="cropped"
    )


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
    (one,) = request.subject.provenance
    assert (one.source, one.given_by, one.taken) == ("album", "the mother", "2026-01")
    assert kept_originals(office.folder, case) == (wanted[0].read_bytes(),)
    assert model.uploads == ()  # nothing is left for the next request
    assert model.reference == ""


def test_the_photographs_of_the_case_are_the_target_at_a_click(
    form: Any, office: Any, small_town: Path, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    model.request()
    office.approve("sara", "A-2026-1")
    office.sit("anna")
    asked = Investigation(small_town, installation=office.installation)
    panel = SearchTargetPanel(asked)
    assert panel.own.layout.display == ""
    panel.own.click()
    assert [upload.content for upload in asked.uploads] == [wanted[0].read_bytes()]
    assert panel.own.layout.display == "none"
    asked.take_case_scope()
    asked.search()
    assert asked.result.candidates
    probe = workbench.case_probe("A-2026-1", models=office.installation.load_models(asked.profile))
    assert np.allclose(probe.template, asked.result.probe.template)
    with pytest.raises(CaseError, match="has no photograph 2, only 1"):
        own_photographs(office.register, "A-2026-1", [2])
    office.sit("otto")
    with pytest.raises(NotPermitted):
        own_photographs(office.register, "A-2026-1")


def test_what_is_missing_is_said_beside_each_part(form: Any) -> None:
    model = form("anna")
    model.request()
    assert model.made == []
    assert model.messages["target"] == "Add a photograph of the subject."
    assert {"district", "time"} <= set(model.messages)
    assert model.messages["template"] == "Choose the kind of case."
    assert {name: model.messages[name] for name in NEEDED} == NEEDED


def test_what_is_wrong_is_said_beside_the_field(form: Any, wanted: tuple[Path, ...]) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    (upload,) = model.uploads
    model.reference, model.members, model.born = "?", "rosa, mallory", "soon"
    model.state_of(upload.key, taken=" ", changes="")
    model.request()
    assert model.made == []
    assert "is not a valid reference" in model.messages["reference"]
    assert "mallory has no role here" in model.messages["members"]
    assert "is not a date" in model.messages["born"]
    said = model.messages[photograph_field(upload.key)].splitlines()
    assert [line.partition(",")[0] for line in said] == [
        "Say when it was taken", "Say what was done to it",
    ]  # fmt: skip
    model.state_of(upload.key, kind="drawing")
    assert "A drawing cannot be used" in model.messages[photograph_field(upload.key)]
    model.state_of(upload.key, taken="2024", changes="nothing")
    for stated, words in (
        ({}, "A drawing cannot be used. Use photographs of the person alone."),
        ({"kind": "photograph", "taken": "2999"}, "2999 lies in the future. Correct the date."),
    ):
        model.state_of(upload.key, **stated)
        model.request()
        assert model.messages[photograph_field(upload.key)] == words


def test_what_it_exceeds_and_doubts_are_shown_while_asking(
    form: Any, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    assert model.exceeded == ()
    model.valid_days = 200
    assert model.exceeded == ("valid for 200 days, the limit is 92",)
    limits = RequestPanel(model).limits
    assert "Two supervisors have to approve this: valid for 200 days" in limits.value
    model.urgent = "A child, by night"
    assert "Urgent: one supervisor lets it begin at once." in limits.value
    assert "Beyond the limits: valid for 200 days, the limit is 92." in limits.value
    assert "Two supervisors" not in limits.value
    assert model.doubts == ()
    (upload,) = model.uploads
    model.state_of(upload.key, under_18=True, taken="2020")
    assert "under 18" in model.doubts[0]
    assert "at least 5 years before or after" in model.doubts[1]


def test_a_change_begins_with_the_case_as_it_is(
    form: Any, office: Any, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    model.request()
    case = office.approve("sara", "A-2026-1")
    office.sit("anna")
    model.begin_change(case)
    assert (model.reference, model.district) == ("A-2026-1", case.request.district)
    assert [upload.content for upload in model.uploads] == [wanted[0].read_bytes()]
    model.request()  # it may be searched from now on
    changed = model.made[-1]
    assert changed.change.request.subject == case.request.subject
    model.begin_change(case)
    model.add_photograph("b.jpg", wanted[1].read_bytes())
    second = model.uploads[-1]
    assert model.stated[second.key]["source"] == "album"  # as before; when it was taken is not
    model.state_of(second.key, taken="2025", changes="nothing")
    model.request()
    assert model.messages == {}
    assert len(model.made[-1].change.request.subject.photographs) == 2
    # A camera without a place that this gallery does not know stays in the case.
    panel = RequestPanel(model)
    named = replace(case, request=replace(case.request, unplaced=("bus 7",)))
    model.begin_change(named)
    choice = panel.without_place
    assert choice.options == (("bus 7, not in this gallery", "bus 7"),)
    assert (choice.value, choice.layout.display) == (("bus 7",), "")
    model.request()
    assert model.made[-1].change.request.unplaced == ("bus 7",)
    assert (model.without_place, choice.value, choice.layout.display) == ((), (), "none")
    # The form says above what it is for.
    page = cases(model.gallery, installation=office.installation)
    title = page.asking.switch
    assert "Request a case" in title.description
    page.form.model.begin_change(case)
    assert "Request a change of A-2026-1" in title.description
    page.form.model.clear()
    assert "Request a case" in title.description


def test_what_the_register_refuses_is_said_and_nothing_is_lost(
    form: Any, wanted: tuple[Path, ...]
) -> None:
    model = form("anna")
    fill(model, wanted[0].read_bytes())
    model.request()
    fill(model, wanted[0].read_bytes())
    model.request()
    assert len(model.made) == 1
    assert "this reference is taken" in model.messages["request"]
    assert model.reference == "A-2026-1"
    assert len(model.uploads) == 1


def test_who_may_not_ask_is_not_offered_the_form(office: Any, small_town: Path) -> None:
    office.sit("rosa")
    page = cases(small_town, installation=office.installation)
    assert isinstance(page, CasesPage)
    assert len(page.children) == 2  # the lists and the case
    office.sit("anna")
    assert len(cases(small_town, installation=office.installation).children) == 3


def test_in_training_a_case_is_opened_and_says_so(fresh_home: Path, small_town: Path) -> None:
    page = cases(small_town, installation=Installation.open())
    assert "This installation is in training" in page.children[0].children[1].value
    model = page.children[-1].children[1].children[0].model
    model.train()
    assert model.messages["reference"] == "Give the case a reference."
    model.reference, model.title = "T-1", "Learning"
    model.set_district(model.whole_area())
    model.set_all_footage()
    model.train()
    assert page.model.said == "T-1 is open for training."
    assert TRAINING_NOTICE in page.about.notes.value
    assert page.model.offers == ("close",)
    noting = page.about.noting
    noting.text.value = "The area is small."
    noting.writing.children[-1].click()
    assert [one.layout.display for one in (noting.writing, noting.withdrawing)] == ["", ""]
    page.about.reason.value = "Learned"
    page.about.acts["close"].click()
    assert page.model.shown.status() == "closed"
    # What was noted stays, and nothing is offered that would be refused.
    assert "The area is small." in noting.listed.value
    assert "The case is closed:" in noting.listed.value
    assert [one.layout.display for one in (noting.writing, noting.withdrawing)] == ["none", "none"]
