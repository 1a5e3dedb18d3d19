"""Confirmed sightings: who may read them, what they tell, and what is on record."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.exports import record_export
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.reviewing.sightings import confirmed_sightings, readable_cases
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.lookup import tracklets_by_id

SIMILAR = dict.fromkeys(("nose", "ears", "mouth"), "similar")


@pytest.fixture
def found(case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Any:
    return search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2).candidates


@pytest.fixture
def decided(office: Any, found: Any, gallery: Gallery) -> Any:
    """Two faces on the list: two people say that one is the subject, and the other is not."""
    list_for_review(office.register, "A-1", found)
    for name in ("ben", "rosa"):
        office.sit(name)
        for item, conclusion in zip(waiting(office.register, "A-1", gallery), (3, -3), strict=True):
            decide(office.register, "A-1", item.key, conclusion=conclusion, features=SIMILAR,
                   reason="The nose.")  # fmt: skip
    return office


def test_recalled_tracklets_are_the_candidates_they_were(found: Any, gallery: Gallery) -> None:
    scores = {one.tracklet_id: one.score for one in found}
    again = tracklets_by_id(gallery, scores | {"0123456789abcdef-7": 0.9})
    assert again == {one.tracklet_id: one for one in found}
    assert tracklets_by_id(gallery, {}) == {}


def test_a_sighting_tells_who_confirmed_it_and_when(
    decided: Any, found: Any, gallery: Gallery
) -> None:
    decided.sit("rolf")
    told = confirmed_sightings(decided.register, "A-1", gallery)
    (one,) = told.sightings
    assert one.candidate.tracklet_id in {candidate.tracklet_id for candidate in found}
    assert one.candidate.shot_jpeg in {candidate.shot_jpeg for candidate in found}
    assert one.confirmed_by == ("ben", "rosa")
    assert one.confirmed_at == one.decisions[-1].at
    assert told.gone == 0
    assert decided.events("shot.viewed")[-1].about["tracklets"] == [one.candidate.tracklet_id]


def test_nothing_confirmed_is_nothing_seen(office: Any, found: Any, gallery: Gallery) -> None:
    list_for_review(office.register, "A-1", found)
    viewed = len(office.events("shot.viewed"))
    assert confirmed_sightings(office.register, "A-1", gallery).sightings == ()
    assert len(office.events("shot.viewed")) == viewed


@pytest.mark.parametrize("name", ["otto", "ada", "nobody"])
def test_who_may_not_see_faces_sees_no_sightings(decided: Any, gallery: Gallery, name: str) -> None:
    with pytest.raises(NotPermitted):
        confirmed_sightings(decided.sit(name), "A-1", gallery)


def test_cases_are_listed_for_those_who_may_read_them(office: Any, case: Case) -> None:
    assert [one.reference for one in readable_cases(office.sit("rosa"))] == ["A-1"]
    assert readable_cases(office.sit("nobody")) == ()


def test_an_export_is_on_record_with_what_it_holds(decided: Any, found: Any) -> None:
    record_export(decided.sit("anna"), "A-1", ["x-1"], form="csv", content=b"table", file="a.csv")
    (entry,) = decided.events("sightings.exported")
    assert entry.account == "anna"
    assert dict(entry.about) == {
        "case": "A-1",
        "form": "csv",
        "sha256": hashlib.sha256(b"table").hexdigest(),
        "tracklets": ["x-1"],
        "file": "a.csv",
    }
    with pytest.raises(NotPermitted):
        record_export(decided.sit("rosa"), "A-1", [], form="csv", content=b"", file="a.csv")
    assert len(decided.events("sightings.exported")) == 1
    with pytest.raises(CaseError):
        record_export(decided.sit("anna"), "A-2", [], form="csv", content=b"", file="a.csv")
