"""The page on which two people decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import list_for_review, sightings
from workbench.domain import Probe, Scope
from workbench.gallery import Gallery
from workbench.widgets.review import UNSUITABLE, Review, ReviewPanel


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
    for name in ("ben", "rosa"):
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


def test_who_knows_more_than_the_faces_is_told_and_shown_none(listed: Any, town_file: Path) -> None:
    listed.sit("anna")
    panel = ReviewPanel(Review(town_file, installation=listed.installation))
    panel.choice.value = "A-1"
    assert "anna has searched under this case and takes no part" in panel.left.value
    assert "<img" not in panel.faces.value


def test_what_lacks_is_said_and_nothing_is_recorded(listed: Any, town_file: Path) -> None:
    listed.sit("ben")
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
    listed.sit("ben")
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
