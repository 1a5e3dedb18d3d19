"""Sorting candidates before review: on record, undone on record, and no decision."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import list_for_review, waiting
from workbench.casework.reviewing.reviewlist import sightings
from workbench.casework.reviewing.triage import (
    may_see_clip,
    opinions,
    record_clip,
    sort_out,
    take_back,
)
from workbench.domain import Candidate, Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.faces.clips import Clip
from workbench.gallery import Gallery


@pytest.fixture
def candidates(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> tuple[Candidate, ...]:
    return search(gallery, subject, permitted, case="A-1", top=3).candidates


def test_opinions_are_on_record_and_the_last_counts(office: Any, candidates: Any) -> None:
    first, second, _ = candidates
    sort_out(office.register, "A-1", first, "same")
    sort_out(office.register, "A-1", second, "unsure")
    sort_out(office.register, "A-1", first, "different")
    standing = opinions(office.fresh(), "A-1")
    assert {key: one.verdict for key, one in standing.items()} == {
        first.tracklet_id: "different",
        second.tracklet_id: "unsure",
    }
    assert standing[first.tracklet_id].by == "anna"
    assert [e.about["verdict"] for e in office.events("triage.")] == ["same", "unsure", "different"]


def test_undo_goes_back_step_by_step_and_erases_nothing(office: Any, candidates: Any) -> None:
    first = candidates[0]
    for verdict in ("same", "different"):
        sort_out(office.register, "A-1", first, verdict)
    taken = take_back(office.register, "A-1")
    assert taken is not None
    assert taken.verdict == "different"
    assert opinions(office.register, "A-1")[first.tracklet_id].verdict == "same"
    assert take_back(office.register, "A-1") is not None
    assert opinions(office.fresh(), "A-1") == {}
    assert take_back(office.register, "A-1") is None
    noted, undone = office.events("triage.noted"), office.events("triage.undone")
    assert [e.about["entry"] for e in undone] == [noted[1].number, noted[0].number]


def test_nobody_takes_back_what_others_thought(office: Any, candidates: Any) -> None:
    sort_out(office.register, "A-1", candidates[0], "same")
    office.sit("ben")
    assert take_back(office.register, "A-1") is None
    assert len(opinions(office.register, "A-1")) == 1


def test_an_opinion_is_no_decision(office: Any, candidates: Any, gallery: Gallery) -> None:
    sort_out(office.register, "A-1", candidates[0], "same")
    assert sightings(office.register, "A-1") == frozenset()
    list_for_review(office.register, "A-1", candidates[:1], of=candidates, fillers=0)
    office.sit("rosa")
    (item,) = waiting(office.register, "A-1", gallery)
    assert set(item.__slots__) == {"case", "key", "face", "photographs"}  # and no opinion


def test_who_may_not_review_may_not_sort(office: Any, candidates: Any) -> None:
    office.sit("otto")
    with pytest.raises(NotPermitted):
        sort_out(office.register, "A-1", candidates[0], "same")
    assert office.events("triage.") == []
    assert office.events("review.first.refused")


@pytest.mark.parametrize("what", ["place", "time"])
def test_a_face_outside_the_case_is_refused_and_that_is_recorded(
    office: Any, candidates: Any, what: str
) -> None:
    seen = candidates[0]
    if what == "place":
        far = replace(seen, camera=replace(seen.camera, longitude=10.0))
    else:
        year = timedelta(days=365)
        far = replace(seen, first_seen=seen.first_seen + year, last_seen=seen.last_seen + year)
    with pytest.raises(CaseError, match="does not cover"):
        sort_out(office.register, "A-1", far, "same")
    with pytest.raises(CaseError, match="does not cover"):
        may_see_clip(office.register, "A-1", far)
    with pytest.raises(CaseError, match="does not cover"):
        record_clip(office.register, "A-1", far, Clip(b"film", 1.0, 5.0))
    assert office.events("triage.") == office.events("clip.") == []
    assert len(office.events("shot.view.refused")) == 2


def test_nothing_is_sorted_or_seen_once_the_case_is_closed(office: Any, candidates: Any) -> None:
    sort_out(office.register, "A-1", candidates[0], "same")
    office.register.close("A-1", reason="done")
    with pytest.raises(CaseError, match="closed"):
        sort_out(office.register, "A-1", candidates[0], "different")
    with pytest.raises(CaseError, match="closed"):
        take_back(office.register, "A-1")
    with pytest.raises(CaseError, match="closed"):
        may_see_clip(office.register, "A-1", candidates[0])


def test_what_is_no_opinion_is_refused(office: Any, candidates: Any) -> None:
    with pytest.raises(CaseError, match="is not an opinion"):
        sort_out(office.register, "A-1", candidates[0], "perhaps")  # type: ignore[arg-type]


def test_a_clip_that_is_shown_is_on_record(office: Any, candidates: Any) -> None:
    record_clip(office.register, "A-1", candidates[0], Clip(b"film", 1.0, 5.0))
    (entry,) = office.events("clip.viewed")
    assert entry.about["tracklet"] == candidates[0].tracklet_id
    assert entry.about["clip"] == hashlib.sha256(b"film").hexdigest()
    assert entry.about["seconds"] == [1.0, 5.0]
    assert entry.account == "anna"
