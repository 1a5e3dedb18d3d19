"""The page on which two people decide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.reviewing.reviewlist import sightings
from workbench.casework.reviewing.verdicts import FEATURES, SCALE
from workbench.domain import Probe, Scope
from workbench.gallery import Gallery
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.cases.model import CasesModel
from workbench.widgets.cases.page import CasesPage
from workbench.widgets.review.model import CONCLUSIONS, UNSUITABLE, Review
from workbench.widgets.review.page import ReviewPanel

COMPARED = {"nose": "similar", "ears": "similar", "mouth": "different"}


@pytest.fixture
def listed(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Any:
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    list_for_review(office.register, "A-1", found.candidates)
    return office


def opened(listed: Any, town_file: Path) -> ReviewPanel:
    panel = ReviewPanel(Review(town_file, installation=listed.installation))
    panel.choice.value = "A-1"
    return panel


def record(
    panel: ReviewPanel, conclusion: str, reason: str = "Scar.", features: Any = COMPARED
) -> None:
    """What the browser sends when the decision is to be recorded."""
    said = {"features": features, "conclusion": conclusion, "reason": reason}
    panel.sheet._received(None, {"face": panel.sheet.face, **said}, None)


def test_two_reviewers_make_a_sighting(listed: Any, town_file: Path) -> None:
    for name in ("ben", "rosa"):
        listed.sit(name)
        panel = opened(listed, town_file)
        assert "2 faces to decide on." in panel.left.value
        assert len(panel.compared.photographs) == 2
        assert len(panel.compared.shots) == 1
        assert panel.compared.title == "Face 1 of 2"
        first = panel.sheet.face
        record(panel, SCALE[3])
        assert "Recorded: strong support for the same person. 1 face" in panel.left.value
        assert panel.sheet.face not in ("", first)
        record(panel, SCALE[-3])
        assert "Nothing is waiting for you." in panel.left.value
        assert panel.work.layout.display == "none"
        assert panel.sheet.face == ""
    assert len(sightings(listed.register, "A-1")) == 1
    entry = listed.events("review.decided")[0]
    assert entry.about["features"] == {n: COMPARED.get(n, "not looked at") for n in FEATURES}


def test_faces_are_not_given_again_once_the_review_is_over(listed: Any, town_file: Path) -> None:
    listed.sit("ben")
    panel = opened(listed, town_file)
    may = panel.comparison.standing
    assert may is not None
    assert may.holds()
    listed.sit("anna")  # who has searched
    assert not may.holds()
    listed.sit("ben")
    listed.sit("sara").close("A-1", reason="Found")
    listed.sit("ben")
    assert not may.holds()


def test_nothing_that_could_bias_is_sent_to_the_browser(listed: Any, town_file: Path) -> None:
    listed.sit("rosa")
    panel = opened(listed, town_file)
    # The identifiers that are drawn by chance may hold any four digits.
    sent = re.sub("[0-9a-f]{16,}", "", repr([panel.compared.get_state(), panel.sheet.get_state()]))
    for telling in ("Camera", "C0", ".mp4", "2026", "score", "anna"):
        assert telling not in sent.replace("aria", "")
    assert panel.compared.clip == ""


def test_who_knows_more_than_the_faces_is_told_and_shown_none(listed: Any, town_file: Path) -> None:
    listed.sit("anna")
    panel = opened(listed, town_file)
    assert "anna has searched under this case and takes no part" in panel.left.value
    assert not panel.compared.shown
    assert panel.sheet.face == ""


def test_the_queue_is_told_with_each_case(listed: Any, town_file: Path) -> None:
    listed.sit("ben")
    panel = opened(listed, town_file)
    assert panel.choice.options[1] == ("A-1: 2 for you, 0 for others, 0 done", "A-1")
    record(panel, SCALE[3])
    assert panel.choice.options[1][0] == "A-1: 1 for you, 1 for others, 0 done"
    assert panel.choice.value == "A-1"


def test_faces_that_no_member_can_decide_on_are_told(listed: Any, town_file: Path) -> None:
    listed.sit("anna")
    assert "no member" not in opened(listed, town_file).left.value
    for name in ("ben", "rosa", "rolf"):
        listed.register.remove_member("A-1", name)
    told = opened(listed, town_file).left.value
    assert "2 faces on which no member of the case can decide: who is responsible" in told
    page = CasesPage(CasesModel(installation=listed.installation), zone=UTC_ZONE)
    said = [item["cells"][0] for item in page.waiting.items]
    assert "2 faces on which no member can decide: add a reviewer" in said


def test_all_that_lacks_is_said_beside_its_field_and_nothing_is_recorded(
    listed: Any, town_file: Path
) -> None:
    listed.sit("ben")
    panel = opened(listed, town_file)
    record(panel, "", reason=" ", features={"nose": "not visible"})
    assert panel.sheet.problems == {
        "features": "No features were compared. Compare at least 3, or conclude 'not suitable'.",
        "conclusion": "No conclusion is chosen. Choose what your comparison supports.",
        "reason": "The reason is missing. State in a sentence what the decision rests on.",
    }
    record(panel, SCALE[3], features={**COMPARED, "aura": "bright"})
    assert list(panel.sheet.problems) == ["features"]
    assert listed.events("review.decided") == []
    assert len(panel.model.items) == 2
    record(panel, UNSUITABLE, reason="Too dark.", features={})
    assert panel.sheet.problems == {}
    assert listed.events("review.decided")[0].about["conclusion"] is None


def test_a_key_pressed_twice_decides_on_one_face_only(listed: Any, town_file: Path) -> None:
    listed.sit("ben")
    panel = opened(listed, town_file)
    said = {"features": COMPARED, "conclusion": SCALE[3], "reason": "Scar."}
    late = {"face": panel.sheet.face, **said}
    for _ in range(2):
        panel.sheet._received(None, late, None)
    assert len(listed.events("review.decided")) == 1
    for nonsense in ({}, {"face": panel.sheet.face}, {"face": panel.sheet.face, "features": 7}):
        panel.sheet._received(None, nonsense, None)
    assert len(listed.events("review.decided")) == 1


def test_a_face_may_be_left_for_later(listed: Any, town_file: Path) -> None:
    listed.sit("ben")
    panel = opened(listed, town_file)
    first = panel.sheet.face
    panel.sheet._received(None, {"step": 1}, None)
    assert panel.sheet.face != first
    assert panel.compared.title == "Face 2 of 2"
    panel.compared._received(None, {"step": -1}, None)
    assert panel.sheet.face == first


def test_conclusions_are_in_the_order_of_the_scale() -> None:
    assert list(CONCLUSIONS.values()) == [-3, -2, -1, 0, 1, 2, 3, None]


def test_who_may_not_review_is_told(listed: Any, town_file: Path) -> None:
    listed.sit("otto")
    panel = opened(listed, town_file)
    assert "otto has auditor" in panel.model.messages["case"]
