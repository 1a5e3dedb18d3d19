"""The pages of casework as people see them: the case, the review, the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Case, Request
from workbench.casework.oversight import annual, audit_overview
from workbench.casework.record.audit import LOG, AuditLog
from workbench.casework.reviewing.review import list_for_review, sightings
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.notebook import search
from workbench.widgets.audit import AuditPanel, audit
from workbench.widgets.investigate.case import CasePanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.review import UNSUITABLE, Review, ReviewPanel

HOSTILE = "<b onclick=x>bold</b>"


# --- The case ---------------------------------------------------------------------------------


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
    office.sit("sara").approve("A-2")
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
    panel._look_again()
    assert asked.case == ""
    assert "none is open" in panel.allowed.value


def test_who_has_no_case_may_train(fresh_home: Path, town_file: Path) -> None:
    asked = Investigation(town_file, installation=Installation.open())
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


# --- Review -----------------------------------------------------------------------------------


@pytest.fixture
def listed(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Any:
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    list_for_review(office.register, "A-1", found.candidates)
    return office


def fill(panel: ReviewPanel, conclusion: str, reason: str = "Scar on the chin.") -> None:
    for name in ("nose", "ears", "mouth"):
        panel.features[name].value = "similar"
    panel.conclusion.value = conclusion
    panel.reason.value = reason
    panel.record.click()


def test_two_reviewers_make_a_sighting(listed: Any, town_file: Path) -> None:
    for name in ("anna", "rosa"):
        listed.sit(name)
        panel = ReviewPanel(Review(town_file, installation=listed.installation))
        panel.choice.value = "A-1"
        assert "2 faces to decide on." in panel.left.value
        assert panel.faces.value.count("<img") == 3  # two photographs and the face
        fill(panel, "3")
        assert "1 face to decide on." in panel.left.value
        assert panel.features["nose"].value == "not visible"
        fill(panel, "-3")
        assert "Nothing is waiting for you." in panel.left.value
        assert panel.work.layout.display == "none"
    assert len(sightings(listed.register, "A-1")) == 1


def test_what_lacks_is_said_and_nothing_is_recorded(listed: Any, town_file: Path) -> None:
    listed.sit("anna")
    model = Review(town_file, installation=listed.installation)
    panel = ReviewPanel(model)
    panel.choice.value = "A-1"
    panel.record.click()
    assert "Choose a conclusion." in panel.problems.value
    fill(panel, "3", reason="")
    assert "the reason is missing" in panel.problems.value
    assert len(model.items) == 2
    assert listed.events("review.decided") == []
    panel.reason.value = "Too dark."
    panel.conclusion.value = UNSUITABLE
    panel.record.click()
    assert panel.problems.value == '<div role="alert"></div>'
    assert listed.events("review.decided")[0].about["conclusion"] is None


def test_a_face_may_be_left_for_later(listed: Any, town_file: Path) -> None:
    listed.sit("anna")
    model = Review(town_file, installation=listed.installation)
    model.choose_case("A-1")
    first = model.item
    model.note("nose", "similar")
    model.skip()
    assert model.item is not first
    assert model.features == {}
    model.skip()
    assert model.item is first


def test_who_may_not_review_is_told(listed: Any, town_file: Path) -> None:
    listed.sit("otto")
    panel = ReviewPanel(Review(town_file, installation=listed.installation))
    panel.choice.value = "A-1"
    assert "otto has auditor" in panel.problems.value


# --- Audit ------------------------------------------------------------------------------------


@pytest.fixture
def searched(
    office: Any, case: Case, gallery: Gallery, subject: Probe, stranger: Probe, permitted: Scope
) -> Any:
    """Two searches by anna, one of them in vain, and two refused: hers and ben's."""
    search(gallery, subject, permitted, case="A-1", threshold=0.6)
    search(gallery, subject, permitted, case="A-1", threshold=0.9999)
    with pytest.raises(NotPermitted):
        search(gallery, stranger, permitted, case="A-1")
    office.sit("ben")
    with pytest.raises(NotPermitted):
        search(gallery, stranger, permitted, case="A-1")
    office.sit("otto")
    return office


def test_the_record_tells_who_searched_what(searched: Any) -> None:
    told = audit_overview(searched.register)
    assert told.verification.sound
    assert told.doubts == ()
    first = told.people[0]
    assert (first.account, first.searches, first.cases, first.refused) == ("anna", 2, 1, 1)
    assert (first.busiest_day, first.with_candidates, first.hit_rate) == (2, 1, 0.5)
    assert {p.account: p.refused for p in told.people}["ben"] == 1
    assert [s.candidates for s in told.searches] == [0, 4]
    assert {r.account for r in told.refusals} == {"anna", "ben"}
    assert "not the case's subject" in told.refusals[0].reasons
    assert list(told.frame()["account"]) == ["anna", "anna"]
    assert searched.events("audit.read")[-1].account == "otto"


def test_the_figures_of_a_year_name_nobody(searched: Any, case: Case) -> None:
    (row,) = annual(searched.register, case.asked_at.year)
    assert (row.purpose, row.asked, row.approved, row.declined) == ("missing person", 1, 1, 0)
    assert (row.searches, row.with_candidates, row.refused) == (2, 1, 2)
    assert (row.sightings, row.exports) == (0, 0)
    assert "anna" not in repr(row)
    assert annual(searched.register, 2020) == ()


@pytest.mark.parametrize("name", ["anna", "rosa", "sara", "ada", "nobody"])
def test_only_auditors_read_it(searched: Any, name: str) -> None:
    with pytest.raises(NotPermitted):
        audit_overview(searched.sit(name))
    page = audit()
    assert "The record is not shown" in page.value


def test_the_page_shows_and_filters(searched: Any) -> None:
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    html = "".join(child.value for child in panel.children if hasattr(child, "value"))
    assert "One unbroken chain" in html
    assert panel.refusals.value.count("<tr>") == 3
    panel.filter.value = "BEN"
    assert panel.refusals.value.count("<tr>") == 2
    assert panel.searches.value == '<p class="sl-hint">None.</p>'
    panel._show_all()
    assert panel.searches.value.count("<tr>") == 3


def test_names_stay_text(searched: Any) -> None:
    AuditLog(searched.folder).append(
        "search.refused", {"account": HOSTILE}, {"case": HOSTILE, "reasons": [HOSTILE]}
    )
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    assert "<b" not in panel.refusals.value
    assert "&lt;b onclick=x&gt;" in panel.refusals.value


def test_a_damaged_record_is_told_and_not_shown(searched: Any) -> None:
    content = (searched.folder / LOG).read_bytes()
    (searched.folder / LOG).write_bytes(content.replace(b'"candidates":4', b'"candidates":0'))
    assert "is no longer" in audit().value or "was changed" in audit().value


def test_a_forged_line_is_named(searched: Any) -> None:
    about = {"case": "A-1", "exceeds": [], "most_cameras": 5}
    AuditLog(searched.folder).append("case.approved", {"account": "sven"}, about)
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    assert "is not signed by sven" in panel.children[1].value
