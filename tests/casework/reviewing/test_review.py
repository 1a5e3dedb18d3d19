"""A sighting is what two people decide who see neither score nor each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.exports import considered
from workbench.casework.reviewing.fillers import ErrorRate, add_fillers, error_rates
from workbench.casework.reviewing.review import (
    Item,
    decide,
    list_for_review,
    missing,
    other_shots,
    queue,
    waiting,
)
from workbench.casework.reviewing.reviewlist import (
    review_list,
    review_state,
    reviewed,
    sightings,
)
from workbench.casework.reviewing.verdicts import FEATURES, SCALE, ReviewState
from workbench.casework.waiting import waiting_for_me
from workbench.cli.main import main
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.installation import Installation

SEEN = {"nose": "similar", "ears": "similar", "mouth": "different", "marks": "not visible"}
Say = Callable[..., None]


@pytest.fixture
def listed(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> list[str]:
    """The tracklets of four candidates on the review list of A-1; anna is at work."""
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=4)
    assert list_for_review(office.register, "A-1", found.candidates).faces == 4
    return [candidate.tracklet_id for candidate in found.candidates]


@pytest.fixture
def say(office: Any) -> Say:
    def say(name: str, key: str, conclusion: int | None, **changed: Any) -> None:
        given = {"conclusion": conclusion, "features": SEEN, "reason": "Compared side by side."}
        decide(office.sit(name), "A-1", key, **(given | changed))

    return say


@pytest.fixture
def key(office: Any, listed: list[str], gallery: Gallery) -> str:
    return waiting(office.sit("ben"), "A-1", gallery)[0].key


def outcome(office: Any, key: str) -> str:
    office.sit("otto")
    return next(item.outcome for item in reviewed(office.register, "A-1") if item.key == key)


@pytest.mark.parametrize(
    ("conclusions", "expected"),
    [
        ([3], "waiting"),
        ([3, 2], "sighting"),
        ([-3, -2], "not a sighting"),
        ([1, 0], "undecided"),
        ([None, None], "undecided"),
        ([3, 1], "waiting"),
        ([3, -3], "waiting"),
        ([3, -3, 2], "sighting"),
        ([3, -3, -2], "not a sighting"),
        ([3, 1, 2], "sighting"),
        ([3, 1, 0], "undecided"),
        ([3, -3, 0], "undecided"),
        ([2, None, 3], "sighting"),
    ],
)
def test_two_who_agree_decide_and_a_third_where_they_do_not(
    office: Any, key: str, say: Say, conclusions: list[int | None], expected: str
) -> None:
    for name, conclusion in zip(("ben", "rosa", "rolf"), conclusions, strict=False):
        say(name, key, conclusion)
    assert outcome(office, key) == expected
    if expected != "waiting":
        with pytest.raises(NotPermitted, match="needs no further decision"):
            say("sara", key, 3)
    assert len(sightings(office.register, "A-1")) == (expected == "sighting")


def test_an_examiner_sees_faces_and_nothing_else(
    office: Any, listed: list[str], gallery: Gallery, subject: Probe
) -> None:
    assert {field.name for field in fields(Item)} == {"case", "key", "face", "photographs"}
    items = waiting(office.sit("rosa"), "A-1", gallery)
    assert len(items) == 4
    assert items[0].photographs == tuple(p.jpeg for p in subject.photographs)
    told = repr(items)
    assert not any(tracklet in told for tracklet in listed)
    viewed = office.events("shot.viewed")[-1]
    assert viewed.account == "rosa"
    assert viewed.about["items"] == [item.key for item in items]


def test_the_second_learns_nothing_of_the_first(
    office: Any, key: str, say: Say, gallery: Gallery
) -> None:
    say("ben", key, 3)
    register = office.sit("rosa")
    blank = next(item for item in reviewed(register, "A-1") if item.key == key)
    assert (blank.decisions, blank.score, blank.tracklet_id, blank.filler) == ((), None, "", "")
    assert key in {item.key for item in waiting(register, "A-1", gallery)}
    say("rosa", key, 2)
    known = next(item for item in reviewed(office.register, "A-1") if item.key == key)
    assert [decision.examiner for decision in known.decisions] == ["ben", "rosa"]
    assert known.decisions[1].words == "moderate support for the same person"
    assert known.outcome == "sighting"
    assert len(sightings(office.register, "A-1")) == 1


def test_nobody_decides_twice(office: Any, key: str, say: Say, gallery: Gallery) -> None:
    say("rosa", key, 3)
    with pytest.raises(NotPermitted, match="rosa has already decided on this face"):
        say("rosa", key, 3)
    assert key not in {item.key for item in waiting(office.sit("rosa"), "A-1", gallery)}
    assert office.events("review.decide.refused")


def test_the_second_turn_is_a_reviewer_s(office: Any, key: str, say: Say) -> None:
    say("rosa", key, 3)
    with pytest.raises(NotPermitted, match="ben may not make this decision"):
        say("ben", key, 3)
    with pytest.raises(NotPermitted, match="otto may not"):
        say("otto", key, 3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"conclusion": 4}, "not on the scale"),
        ({"features": {"aura": "similar"}}, "aura is not in the list"),
        ({"features": {"nose": "nice"}}, "not in the list"),
        ({"features": {"nose": "similar", "ears": "not visible"}}, "only 1 feature was compared"),
        ({"reason": "  "}, "the reason is missing"),
    ],
)
def test_a_decision_needs_its_grounds(
    office: Any, key: str, say: Say, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(CaseError, match=said):
        say("ben", key, **({"conclusion": 2} | changed))
    assert office.events("review.decided") == []


def test_all_that_lacks_is_told_at_once_and_no_internal_id(office: Any, key: str, say: Say) -> None:
    with pytest.raises(
        CaseError, match=r"no features were compared; the reason is missing"
    ) as told:
        say("ben", key, 2, features={}, reason="")
    assert key not in str(told.value)
    with pytest.raises(CaseError) as unknown:
        say("ben", "48eaa3053249e07e", 2)
    assert "48eaa3053249e07e" not in str(unknown.value)


def test_what_was_not_looked_at_is_told_from_what_was_not_visible(
    office: Any, key: str, say: Say
) -> None:
    say("ben", key, 2, features=SEEN)
    (entry,) = office.events("review.decided")
    assert set(entry.about["features"]) == set(FEATURES)
    assert entry.about["features"]["marks"] == "not visible"
    assert entry.about["features"]["neck"] == "not looked at"
    # A decision as an earlier version wrote it names what was chosen alone.
    say("rosa", key, 2, features=SEEN)
    about = {**entry.about, "round": 3, "features": {"nose": "similar", "ears": "not visible"}}
    office.sit("rolf").record("review.decided", about)
    new, _, old = next(i for i in review_list(office.fresh(), "A-1") if i.key == key).decisions
    assert new.seen == (
        "ears similar, marks not visible, mouth different, nose similar, no other feature looked at"
    )
    assert old.seen == "ears not visible, nose similar"
    assert (old.verdict, old.features.get("neck")) == ("same", None)


def test_the_queue_says_mine_waiting_and_done(
    office: Any, key: str, say: Say, gallery: Gallery
) -> None:
    keys = [item.key for item in waiting(office.sit("rosa"), "A-1", gallery)]
    others = len(keys) - 1

    def of(name: str) -> tuple[int, int, int]:
        found = queue(office.sit(name), "A-1")
        return found.mine, found.waiting, found.done

    assert of("rosa") == (others + 1, 0, 0)
    (told,) = waiting_for_me(office.register)
    listed = office.events("review.listed")[0]
    assert (told.what, told.since, told.faces) == ("review", listed.at, others + 1)
    assert of("anna") == (0, others + 1, 0)  # she has searched
    say("rosa", key, 3)
    assert of("rosa") == (others, 1, 0)
    say("rolf", key, 3)
    assert of("ben") == of("rosa") == (others, 0, 1)


def test_who_is_responsible_is_told_of_faces_that_no_member_can_decide_on(
    office: Any, listed: list[str], key: str, say: Say
) -> None:
    def told(name: str) -> list[tuple[str, int]]:
        return [(one.what, one.faces) for one in waiting_for_me(office.sit(name))]

    say("rosa", key, 3)
    assert ("reviewer", 1) not in told("anna")
    say("rolf", key, -3)
    # The third decision is no analyst's: ben can only begin with the others.
    assert queue(office.register, "A-1").stuck == 1
    assert ("reviewer", 1) in told("anna")
    assert told("sara") == []
    office.sit("anna").add_member("A-1", "sara")
    assert ("review", 1) in told("sara")
    assert ("reviewer", 1) not in told("anna")


def test_other_shots_are_shown_only_where_no_face_can_be_a_filler(
    office: Any, key: str, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = type(gallery).shots
    monkeypatch.setattr(type(gallery), "shots", lambda self, name: real(self, name) * 3)
    office.sit("rosa")
    assert len(other_shots(office.register, "A-1", key, gallery)) == 2
    shown = office.events("shot.viewed")[-1]
    assert (shown.account, shown.about) == ("rosa", {"case": "A-1", "items": [key], "further": 2})
    assert queue(office.register, "A-1").mine, "who has seen them is as blind as before"
    # What counts is what is on the list, not what lies in the folder by now.
    add_fillers(office.sit("sara"), [b"jpeg of somebody else"], source="staff")
    assert len(other_shots(office.sit("rosa"), "A-1", key, gallery)) == 2
    office.sit("anna")
    more = search(gallery, subject, permitted, case="A-1", top=6).candidates
    assert list_for_review(office.register, "A-1", more, fillers=1).fillers == 1
    for picture in (office.folder / "fillers").glob("*.jpg"):
        picture.unlink()
    before = len(office.events("shot.viewed"))
    assert other_shots(office.sit("rosa"), "A-1", key, gallery) == ()
    assert len(office.events("shot.viewed")) == before
    with pytest.raises(CaseError, match="not yours to decide on"):
        other_shots(office.sit("anna"), "A-1", key, gallery)


def test_what_cannot_be_compared_needs_no_features(office: Any, key: str, say: Say) -> None:
    say("ben", key, None, features={})


def test_fillers_tell_who_errs(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, say: Say
) -> None:
    pictures = [b"jpeg of somebody else %d" % n for n in range(5)]
    with pytest.raises(NotPermitted, match="this action requires supervisor"):
        add_fillers(office.sit("anna"), pictures, source="staff")
    fillers = add_fillers(office.sit("sara"), pictures, source="staff who agreed to it")
    found = search(gallery_of(office, gallery), subject, permitted, case="A-1", top=3)
    with pytest.raises(CaseError, match="only 5 fillers are available, not 9"):
        list_for_review(office.register, "A-1", found.candidates, fillers=9)
    assert list_for_review(office.register, "A-1", found.candidates, fillers=4).faces == 7
    items = waiting(office.sit("rosa"), "A-1", gallery)
    mixed = {item.key for item in items if item.face in pictures}
    assert len(mixed) == 4
    for item in items:
        say("ben", item.key, -3 if item.key in mixed else 3)
        say("rosa", item.key, 3)
    for key in mixed:
        say("rolf", key, -3)
    with pytest.raises(NotPermitted, match="this action requires supervisor"):
        error_rates(office.sit("rosa"))
    ben, _, rosa = error_rates(office.sit("otto"))
    assert (ben.reviewer, ben.fillers, ben.wrong, ben.rate) == ("ben", 4, 0, 0.0)
    assert (rosa.wrong, rosa.rate) == (4, 1.0)
    assert rosa.interval[0] == pytest.approx(0.5101, abs=1e-3)
    assert len(sightings(office.register, "A-1")) == 3
    assert all(item.filler in fillers for item in reviewed(office.register, "A-1") if item.filler)


def gallery_of(office: Any, gallery: Gallery) -> Gallery:
    office.sit("anna")
    return gallery


def test_a_share_of_fillers_is_mixed_in_by_itself(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    add_fillers(office.sit("sara"), [b"%d" % n for n in range(9)], source="staff")
    found = search(gallery_of(office, gallery), subject, permitted, case="A-1", top=20)
    assert list_for_review(office.register, "A-1", found.candidates).faces == 25


def test_intervals_are_wilson_s() -> None:
    # Brown, Cai & DasGupta 2001: 10 of 100.
    low, high = ErrorRate("x", 100, 10).interval
    assert (low, high) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert ErrorRate("x", 0, 0).interval == (0.0, 1.0)


def test_training_compares_with_the_photographs_of_the_search(
    fresh_home: Any, unowned: Gallery, subject: Probe, stranger: Probe, permitted: Scope
) -> None:
    register = Installation.open().register
    register.train("T-1", permitted)
    for probe in (subject, stranger):
        found = search(unowned, probe, permitted, case="T-1", threshold=0.6, top=1)
        list_for_review(register, "T-1", found.candidates, probe=probe)
    told = {item.photographs for item in waiting(register, "T-1", unowned)}
    assert told == {tuple(p.jpeg for p in probe.photographs) for probe in (subject, stranger)}


def test_a_tracklet_is_listed_once(
    office: Any, listed: list[str], gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=4)
    assert list_for_review(office.register, "A-1", found.candidates).faces == 0


def test_a_face_that_is_gone_is_told_and_the_others_are_reviewed(
    office: Any, case: Case, subject: Probe, permitted: Scope, town_file: Path, tmp_path: Path,
    say: Say,
) -> None:  # fmt: skip
    shutil.copytree(town_file.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / town_file.name
    add_fillers(office.sit("sara"), [b"somebody else"], source="staff")
    (digest,) = office.events("review.fillers")[0].about["sha256"]
    with Gallery.open(copy, write=True) as gallery:
        office.sit("anna")
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=3).candidates
        list_for_review(office.register, "A-1", found, fillers=1)
        gone = found[0].tracklet_id
        gallery.purge((), tracklet_ids=[gone])
        (office.folder / "fillers" / f"{digest}.jpg").unlink()
        shown = waiting(office.sit("rosa"), "A-1", gallery)
        assert len(shown) == 2
        assert missing(office.register, "A-1") == 2
        waiting(office.register, "A-1", gallery)
        (noted,) = office.events("review.missing")  # once
        assert noted.account == "rosa"
        assert {item.key for item in shown}.isdisjoint(noted.about["items"])
    for item in shown:
        say("rosa", item.key, 3)
        say("rolf", item.key, 3)
    assert len(sightings(office.register, "A-1")) == 2
    # It counts as waiting no longer, so that evidence can be complete.
    assert considered(office.sit("anna"), "A-1").waiting == 0
    with Gallery.open(town_file) as whole:  # another gallery may still hold it
        (again,) = waiting(office.sit("ben"), "A-1", whole)
    assert [entry.about["items"] for entry in office.events("review.found")] == [[again.key]]
    assert missing(office.register, "A-1") == 1
    assert considered(office.sit("anna"), "A-1").waiting == 1


def test_a_face_that_another_gallery_lacked_is_lost_once_its_own_does(
    office: Any, case: Case, subject: Probe, permitted: Scope, town_file: Path, tmp_path: Path
) -> None:
    own, other = (tmp_path / name / town_file.name for name in ("own", "other"))
    shutil.copytree(town_file.parent, own.parent)
    shutil.copytree(town_file.parent, other.parent)
    with Gallery.open(own) as gallery:
        office.sit("anna")
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2).candidates
        list_for_review(office.register, "A-1", found, fillers=0)
    for copy, lost in ((other, 0), (own, 1)):
        with Gallery.open(copy, write=True) as gallery:
            gallery.purge((), tracklet_ids=[found[0].tracklet_id])
            for name in ("rosa", "rolf"):  # on record once
                assert len(waiting(office.sit(name), "A-1", gallery)) == 1
        state = review_state(office.register, "A-1")
        assert (state.waiting, state.lost) == (2 - lost, lost)
    noted = [entry.about["gallery"] for entry in office.events("review.missing")]
    assert noted == [str(other), str(own)]


def test_a_face_is_lost_that_its_gallery_lacks_where_it_was_moved_to(
    office: Any, case: Case, subject: Probe, permitted: Scope, town_file: Path, tmp_path: Path
) -> None:
    """Not if a gallery without its recording lacks it."""
    own, moved = (tmp_path / name / town_file.name for name in ("own", "moved"))
    shutil.copytree(town_file.parent, own.parent)
    with Gallery.open(own) as gallery:
        office.sit("anna")
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2).candidates
        list_for_review(office.register, "A-1", found, fillers=0)
    own.parent.rename(moved.parent)
    with Gallery.create(tmp_path / "other.duckdb", gallery.profile) as other:
        assert waiting(office.sit("rosa"), "A-1", other) == ()
    assert review_state(office.register, "A-1").lost == 0
    with Gallery.open(moved, write=True) as gallery:
        gallery.purge((), tracklet_ids=[found[0].tracklet_id])
        assert len(waiting(office.sit("rosa"), "A-1", gallery)) == 1
    state = review_state(office.register, "A-1")
    assert (state.waiting, state.lost) == (1, 1)


def test_a_closed_case_is_not_reviewed(office: Any, key: str, say: Say, gallery: Gallery) -> None:
    office.sit("anna").close("A-1", reason="found")
    with pytest.raises(CaseError, match="is closed"):
        say("rosa", key, 3)
    with pytest.raises(CaseError, match="is closed"):
        waiting(office.register, "A-1", gallery)


def test_the_scale_and_the_features_are_whole() -> None:
    assert list(SCALE) == [3, 2, 1, 0, -1, -2, -3]
    assert len(FEATURES) == len(set(FEATURES)) == 18


def test_a_supervisor_sees_how_far_reviews_are(
    office: Any, listed: list[str], gallery: Gallery, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = waiting(office.sit("rosa"), "A-1", gallery)
    for name in ("rosa", "rolf"):
        say(name, first.key, 3)
    say("rosa", second.key, 3)
    office.sit("sara")
    assert review_state(office.register, "A-1") == ReviewState("A-1", 4, 1, 3, 0)
    assert main(["review", "status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"case": "A-1", "listed": 4, "decided": 1, "waiting": 3, "lost": 0}
    office.sit("cleo")  # a member of no case
    assert main(["review", "status"]) == 0
    assert "No open case that you may see has a review list." in capsys.readouterr().err
    with pytest.raises(CaseError, match="not one of its members"):
        review_state(office.register, "A-1")
