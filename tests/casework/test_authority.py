"""A question outside the case is refused with the exact reason, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from searching import search
from shapely import box

from workbench.casework.authority import admit
from workbench.casework.cases import Case, Request
from workbench.domain import District, Filter, Probe, Progress, Scope
from workbench.errors import Cancelled, CaseError, DistrictError, EvaluationError, NotPermitted
from workbench.gallery import Gallery
from workbench.installation import Installation

Ask = Callable[..., Request]


@pytest.fixture
def inside(permitted: Scope) -> Scope:
    return permitted


def test_a_permitted_question_is_answered_and_recorded(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    result = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=50)
    assert {c.camera.camera_id for c in result.candidates} == {"C0", "C1", "C2", "C3"}
    assert (result.case, result.training) == ("A-1", False)
    asked, answered = office.events("search.")
    assert (asked.what, answered.what) == ("search.asked", "search.answered")
    assert asked.account == answered.account == "anna"
    assert asked.about["case"] == "A-1"
    assert asked.about["threshold"] == 0.6
    assert asked.about["top"] == 50
    assert asked.about["profile"] == gallery.profile.fingerprint
    assert asked.about["cameras"] == 4
    assert asked.about["start"] == "2026-03-29T00:00:00+00:00"
    assert answered.about["asked"] == asked.number
    assert answered.about["commit"] == gallery.snapshot.commit
    assert answered.about["candidates"] == len(result.candidates)


def test_a_search_narrowed_inside_the_scope_is_answered_and_recorded_as_such(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    everything = search(gallery, subject, permitted, case="A-1")
    first = everything.candidates[0]
    window = (first.first_seen, first.first_seen + timedelta(seconds=1))
    only = Filter(cameras=frozenset({first.camera.camera_id}), windows=(window,), quality=0.01)
    narrow = search(gallery, subject, permitted, case="A-1", only=only)
    assert first.tracklet_id in {c.tracklet_id for c in narrow.candidates}
    assert {c.camera.camera_id for c in narrow.candidates} == {first.camera.camera_id}
    assert [camera.camera_id for camera in narrow.cameras] == [first.camera.camera_id]
    assert narrow.coverage.cameras == 1
    assert narrow.compared == narrow.coverage.tracklets == len(narrow.candidates)
    assert narrow.coverage.footage_seconds == 1
    assert everything.compared == everything.coverage.tracklets > narrow.compared
    asked = office.events("search.asked")[-1].about
    assert asked["windows"] == [[moment.isoformat() for moment in window]]
    assert (asked["cameras"], asked["least quality"]) == (1, 0.01)
    assert len(asked["only cameras"]) == 64


def test_a_filter_that_leaves_no_camera_is_said_as_such(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    with pytest.raises(DistrictError, match="holds none of the cameras that were chosen"):
        search(gallery, subject, permitted, case="A-1", only=Filter(cameras=frozenset({"C9"})))
    assert office.events("search.refused")


def test_a_cancelled_search_stays_on_record(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    reported = []

    def cancel(progress: Progress) -> None:
        reported.append(progress)
        raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        search(gallery, subject, permitted, case="A-1", progress=cancel)
    asked, cancelled = office.events("search.")
    assert (asked.what, cancelled.what) == ("search.asked", "search.cancelled")
    assert cancelled.about == {"case": "A-1", "asked": asked.number, "compared": reported[0].done}


def test_each_reason_is_said_and_all_are_recorded(
    office: Any, case: Case, gallery: Gallery, stranger: Probe, permitted: Scope
) -> None:
    elsewhere = District("Elsewhere", box(-0.03, 51.47, 0.01, 51.49))
    wide = Scope(elsewhere, permitted.start - timedelta(hours=1), permitted.end)
    with pytest.raises(NotPermitted) as refused:
        search(gallery, stranger, wide, case="A-1")
    said = str(refused.value)
    assert "reaches 693.4 m outside the permitted Old Town, at longitude" in said
    assert (
        "the time range 2026-03-28T23:00:00Z to 2026-03-29T12:00:00Z is not within the permitted "
        "2026-03-29T00:00:00Z to 2026-03-29T12:00:00Z" in said
    )
    assert "the probe does not resemble the case's subject: score" in said
    (entry,) = office.events("search.")
    assert entry.what == "search.refused"
    assert len(entry.about["reasons"]) == 3


def test_a_case_that_is_not_there_is_recorded_too(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    with pytest.raises(CaseError, match="no such case"):
        search(gallery, subject, permitted, case="B-9")
    (entry,) = office.events("search.")
    assert (entry.what, entry.about["case"]) == ("search.refused", "B-9")


def test_a_district_without_cameras_is_recorded_too(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    nowhere = replace(permitted, district=District("the sea", box(5, 55, 6, 56)))
    with pytest.raises(DistrictError, match="holds no camera"):
        search(gallery, subject, nowhere, case="A-1")
    assert office.events("search.refused")[0].about["reasons"] == [
        "holds no camera of this gallery"
    ]


def test_a_calibration_that_cannot_be_used_is_recorded_too(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    file = office.home / "calibrations" / f"{gallery.profile.name}.json"
    file.parent.mkdir()
    for text, words in (
        ("{", "is not a calibration"),
        ("{}", "is of no version of calibrations that is known"),
        ('{"version": 1}', "is a calibration of version 1, not 2"),
    ):
        file.write_text(text)
        with pytest.raises(EvaluationError, match=words):
            search(gallery, subject, permitted, case="A-1")
        entry = office.events("search.")[-1]
        assert (entry.what, entry.about["case"]) == ("search.refused", "A-1")
        (reason,) = entry.about["reasons"]
        assert words in reason
        assert str(file) in reason
    assert len(office.events("search.")) == 3


def test_who_authorised_does_not_search(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    people = office.folder / "people.json"
    people.write_text(people.read_text().replace('"sara": ["', '"sara": ["analyst", "', 1))
    office.sit("anna").ask(ask(), subject=subject)
    office.approve("sara", "A-1")
    with pytest.raises(NotPermitted, match="may not search under it"):
        search(gallery, subject, permitted, case="A-1")


@pytest.mark.parametrize("name", ["rosa", "sara", "otto", "ada", "nobody"])
def test_only_analysts_search(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, name: str
) -> None:
    office.sit(name)
    with pytest.raises(NotPermitted, match="this action requires analyst"):
        search(gallery, subject, permitted, case="A-1")
    assert office.events("search.refused")


def test_more_cameras_than_approved_are_refused(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").ask(ask(cameras=3), subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    with pytest.raises(NotPermitted, match="covers 4 cameras; the case allows 3"):
        search(gallery, subject, permitted, case="A-1")
    smaller = replace(permitted, district=District("half", box(-0.02, 51.47, -0.004, 51.49)))
    assert search(gallery, subject, smaller, case="A-1").coverage.cameras == 3


def test_before_approval_and_after_the_end_nothing_is_searched(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    def refused(why: str) -> None:
        office.sit("anna")
        with pytest.raises(NotPermitted, match=why):
            search(gallery, subject, permitted, case="A-1")

    office.sit("anna").ask(ask(), subject=subject)
    refused("has not been approved")
    office.approve("sara", "A-1")
    office.sit("anna").close("A-1", reason="found")
    refused("the case is closed")


def test_training_in_service_searches_fiction_alone(
    office: Any, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").train("T-1", permitted)
    with pytest.raises(NotPermitted, match="only search the fictional footage of the demo"):
        search(gallery, subject, permitted, case="T-1")


def test_training_before_service_searches_what_is_there(
    fresh_home: Path, unowned: Gallery, subject: Probe, permitted: Scope
) -> None:
    Installation.open().register.train("T-1", permitted)
    result = search(unowned, subject, permitted, case="T-1")
    assert result.training
    assert len(result.candidates) == 20


def test_the_demos_footage_is_known_by_its_content(demo: Path) -> None:
    import hashlib

    from workbench.casework.training import FICTIONAL, is_fictional
    from workbench.demo import demo_town

    clips = (demo_town().root / "clips").iterdir()
    assert {hashlib.sha256(clip.read_bytes()).hexdigest() for clip in clips} == FICTIONAL
    with Gallery.open(demo) as opened:
        assert is_fictional(opened)


def test_a_case_of_another_profile_says_so(
    office: Any, case: Case, tmp_path: Path, subject: Probe, permitted: Scope
) -> None:
    other = replace(subject.profile, version="2")
    with Gallery.create(tmp_path / "other.duckdb", other) as gallery:
        gallery.add_cameras(replace(c) for c in [])
        from workbench.domain import Camera

        gallery.add_cameras([Camera("C0", "x", 51.48, -0.01)])
        with pytest.raises(CaseError, match="another model profile"):
            search(gallery, replace(subject, profile=other), permitted, case="A-1")
    assert office.events("search.refused")


def test_the_border_itself_is_inside(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    assert search(gallery, subject, permitted, case="A-1").candidates
    moment = timedelta(microseconds=1)
    for scope in (
        replace(permitted, end=permitted.end + moment),
        replace(permitted, start=permitted.start - moment),
    ):
        with pytest.raises(NotPermitted, match="is not within the permitted"):
            search(gallery, subject, scope, case="A-1")


def test_a_clock_behind_the_record_is_refused(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.write_at(datetime.now(UTC) + timedelta(minutes=4))
    assert search(gallery, subject, permitted, case="A-1").candidates
    office.write_at(datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(NotPermitted, match="this machine's clock"):
        search(gallery, subject, permitted, case="A-1")


def test_a_face_from_footage_joins_the_target_if_it_is_the_subject(
    office: Any, case: Case, subject: Probe, stranger: Probe
) -> None:
    register = office.sit("anna")
    admit(register, case.reference, subject, tracklet_id="0123456789abcdef-0")
    assert office.events()[-1].what == "probe.taken"
    with pytest.raises(NotPermitted, match="this face does not resemble the case's subject"):
        admit(register, case.reference, stranger, tracklet_id="0123456789abcdef-1")
    assert office.events()[-1].what == "search.refused"
    with pytest.raises(NotPermitted, match="this action requires analyst"):
        admit(office.sit("rosa"), case.reference, subject, tracklet_id="0123456789abcdef-0")
    register = office.sit("anna")
    register.close(case.reference, reason="found")
    with pytest.raises(NotPermitted, match="the case is closed"):
        admit(register, case.reference, subject, tracklet_id="0123456789abcdef-0")
