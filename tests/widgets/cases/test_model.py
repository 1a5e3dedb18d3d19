"""The page of the cases, without a browser: what is offered to whom, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from office import START

from workbench.casework.cases import Case
from workbench.casework.viewing import Piece, record_viewing
from workbench.domain import Probe
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.cases.model import CasesModel
from workbench.widgets.cases.page import CasesPage, cases
from workbench.widgets.components.media import Media


@pytest.fixture
def asked(office: Any, ask: Any, subject: Probe) -> Any:
    """A-1, which anna requested and nobody has approved."""
    office.sit("anna").ask(ask(members=()), subject=subject)
    return office


def shown(office: Any, name: str, reference: str = "A-1") -> CasesModel:
    office.sit(name)
    model = CasesModel(installation=office.installation)
    model.choose(reference)
    return model


def test_only_what_a_person_may_do_is_offered(asked: Any) -> None:
    assert shown(asked, "sara").offers == ("approve", "decline", "close", "members")
    assert shown(asked, "anna").offers == ("close", "members")
    assert shown(asked, "otto").offers == ()
    asked.sit("anna").add_member("A-1", "rosa")
    assert shown(asked, "rosa").offers == ()


def test_an_urgent_request_is_told_apart_and_leaves_no_attempts_when_it_is_over(
    asked: Any, ask: Any, subject: Probe, clock: Any
) -> None:
    urgent = ask("U-1", urgent="A child, by night", authorisation="", members=())
    asked.sit("anna").ask(urgent, subject=subject)
    page = CasesPage(shown(asked, "sara", "U-1"), zone=UTC_ZONE)
    assert all(item["cells"][-1].endswith(" UTC") for item in page.waiting.items)
    assert [item["cells"][0] for item in page.waiting.items] == [
        "Urgent: a request of anna to let begin", "A request of anna to approve",
    ]  # fmt: skip
    assert "Urgent: one supervisor lets it begin at once." in page.about.notes.value
    assert "one approval is enough" not in page.about.notes.value
    page.model.approve()
    clock.forward(hours=48)
    page = CasesPage(shown(asked, "anna", "U-1"), zone=UTC_ZONE)
    assert "<td>not confirmed</td>" in page.about.facts.value
    for fold in (page.about.noting_fold, page.about.looked):
        assert fold.layout.display == "none"
    assert [one.what for one in asked.events() if one.what.endswith(".refused")] == []
    page.model.choose("A-1")
    assert page.about.looked.layout.display == ""


def test_who_is_no_member_sees_nothing_of_the_case(asked: Any) -> None:
    model = shown(asked, "ben")
    assert model.cases == ()
    assert model.shown is None
    assert model.photographs == ()
    page = CasesPage(model, zone=UTC_ZONE)
    assert "There are no cases yet, or none that you may see." in page.empty.value
    asked.sit("nobody")
    with pytest.raises(NotPermitted):
        CasesModel(installation=asked.installation)
    assert "No cases can be shown" in cases(installation=asked.installation).value


def test_a_request_is_read_and_approved(asked: Any) -> None:
    model = shown(asked, "sara")
    page = CasesPage(model, zone=UTC_ZONE)
    facts = page.about.facts.value
    assert all(words in facts for words in ("Public prosecutor", "P 117/26", "anna", "Old Town"))
    assert page.about.faces.value.count("<img") == 2
    page.about.acts["approve"].click()
    assert model.said == "You approved A-1; it is open."
    assert asked.register.case("A-1").approved_by == ("sara",)
    assert page.about.acts["approve"].layout.display == "none"


@contextmanager
def asking(page: CasesPage) -> Iterator[Callable[[], int]]:
    """A browser that asks for the photographs on a page; how many it is given."""
    media = Media.of_kernel()
    sent: list[Any] = []
    names = re.findall(f"{media.mark}([0-9a-f]+)", page.about.faces.value)

    def ask() -> int:
        media._asked(None, {"ask": names}, None)
        return len(sent.pop()["found"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media, "send", lambda message, **_: sent.append(message))
        yield ask


def test_photographs_are_given_when_the_case_is_closed_too(asked: Any) -> None:
    asked.sit("anna").add_member("A-1", "rosa")
    page = CasesPage(shown(asked, "rosa"), zone=UTC_ZONE)
    assert page.about.faces.value.count("<img") == 2
    with asking(page) as ask:
        assert ask() == 2
        asked.sit("sara").close("A-1", reason="found")
        asked.sit("rosa")
        assert ask() == 2, "what a decision rested on can be asked for afterwards"
    page = CasesPage(shown(asked, "rosa"), zone=UTC_ZONE)
    assert page.about.faces.value.count("<img") == 2


def test_photographs_are_not_given_again_to_who_is_no_member_any_more(asked: Any) -> None:
    asked.sit("anna").add_member("A-1", "rosa")
    page = CasesPage(shown(asked, "rosa"), zone=UTC_ZONE)
    with asking(page) as ask:
        assert ask() == 2
        asked.sit("anna").remove_member("A-1", "rosa")
        asked.sit("rosa")
        assert ask() == 0


def test_what_was_exchanged_after_it_was_read_is_not_approved(asked: Any, ask: Any) -> None:
    """The digest that goes with the approval is that of the case on the page."""
    model = shown(asked, "sara")
    model.shown = Case(
        ask(title="Something smaller"), "anna", model.shown.asked_at, digest="0" * 64
    )
    model.approve()
    assert "case" in model.messages
    assert asked.register.case("A-1").state == "requested"


def test_declining_and_closing_take_a_reason(asked: Any) -> None:
    model = shown(asked, "sara")
    model.decline("  ")
    assert model.messages["case"] == "Write the reason first: it is on record."
    assert asked.register.case("A-1").state == "requested"
    model.decline("Too wide")
    assert asked.register.case("A-1").reason == "Too wide"
    assert model.listed == []
    model.ended = True
    assert [case.reference for case in model.listed] == ["A-1"]


def test_members_are_added_and_removed(asked: Any) -> None:
    model = shown(asked, "anna")
    page = CasesPage(model, zone=UTC_ZONE)
    page.about.account.value = "nobody"
    assert not model.add_member("nobody")
    assert "has no role here" in model.messages["members"]
    assert model.add_member("rosa")
    assert [one.description for one in page.about.known.children] == ["Remove rosa"]
    page.about.known.children[0].click()
    assert asked.register.case("A-1").members == ("anna",)


def test_text_of_people_is_escaped(office: Any, ask: Any, subject: Probe) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    office.sit("anna").ask(ask(title=hostile, authority=hostile), subject=subject)
    model = shown(office, "anna")
    page = CasesPage(model, zone=UTC_ZONE)
    assert hostile not in page.about.title.value + page.about.facts.value
    assert "&lt;img" in page.about.title.value


def test_without_a_gallery_cases_are_decided_all_the_same(asked: Any, tmp_path: Path) -> None:
    asked.sit("sara")
    page = cases(tmp_path / "none.duckdb", installation=asked.installation)
    assert isinstance(page, CasesPage)
    assert [item["id"] for item in page.others.items] == ["A-1"]
    assert [item["id"] for item in page.waiting.items] == ["approval A-1"]


def test_what_of_the_footage_was_watched_is_told_when_it_is_asked_for(
    office: Any, case: Case, gallery: Gallery, town_file: Path
) -> None:
    row = next(gallery.recordings().itertuples())
    camera = next(c for c in gallery.cameras() if c.camera_id == row.camera_id)
    piece = Piece(str(row.recording_id), str(row.file), camera, START, 0.0, 120.0)
    record_viewing(office.register, "A-1", gallery, piece, "coarse")
    model = CasesModel(installation=office.installation, gallery=town_file)
    page = CasesPage(model, zone=UTC_ZONE)
    model.choose("A-1")
    assert page.about.watched.value == ""
    page.about.looked.children[0].value = True
    assert "Shown: 2 min of 40 min (5%)" in page.about.watched.value
    assert "0.mp4" in page.about.watched.value
    model.gallery = town_file.with_name("none.duckdb")
    page.about._tell_watched()
    assert page.about.watched.value == ""
    assert "none.duckdb" in model.messages["watched"]
