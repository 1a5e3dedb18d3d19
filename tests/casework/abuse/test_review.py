"""Deciding for others, or by what a reviewer must not see."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attempts import SEEN, judge
from searching import search

from workbench.casework.cases import Case
from workbench.casework.evidence.export import export
from workbench.casework.ledger import Ledger
from workbench.casework.oversight import annual, audit_overview
from workbench.casework.record.audit import AuditLog
from workbench.casework.reviewing.exports import considered, record_export
from workbench.casework.reviewing.fillers import add_fillers, error_rates
from workbench.casework.reviewing.review import barred, list_for_review, missing, waiting
from workbench.casework.reviewing.reviewlist import is_over, reviewed
from workbench.casework.reviewing.sightings import confirmed_sightings
from workbench.casework.reviewing.triage import record_clip, record_view, sort_out, take_back
from workbench.domain import Candidate, Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.faces.clips import Clip
from workbench.gallery import Gallery
from workbench.gallery.lookup import tracklets_by_id
from workbench.widgets.components.exports import ExportBar
from workbench.widgets.components.whereabouts import Whereabouts


def test_taking_both_decisions_on_one_face(office: Any, keys: list[str]) -> None:
    judge(office, "rosa", keys[0])
    with pytest.raises(NotPermitted, match="rosa has already decided on this face"):
        judge(office, "rosa", keys[0])
    assert office.events("review.decide.refused")


def searches(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)


def looks(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    record_view(office.register, "A-1", ["x-1"])


def sorts(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    sort_out(office.register, "A-1", one_of(gallery), "same")
    take_back(office.register, "A-1")


def plays(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    record_clip(office.register, "A-1", one_of(gallery), Clip(b"film", 1.0, 5.0))


def lists(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    office.sit("anna")
    found = search(gallery, subject, permitted, case="A-1", top=5).candidates
    list_for_review(office.sit("ben"), "A-1", found[4:], of=found, fillers=0)


def exports(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    export(office.register, "A-1", gallery, path / "x.zip")


def saves(office: Any, gallery: Gallery, subject: Probe, permitted: Scope, path: Path) -> None:
    record_export(office.register, "A-1", ["x-1"], form="csv", content=b"", file="a.csv")


def one_of(gallery: Gallery) -> Candidate:
    """A tracklet of the first camera that is on no list."""
    ids = gallery.tracklets()["tracklet_id"].tolist()
    return tracklets_by_id(gallery, {ids[4]: 0.1})[ids[4]]


@pytest.mark.parametrize("knows", [searches, looks, sorts, plays, lists, exports, saves])
def test_reviewing_what_one_has_seen_otherwise(
    office: Any, keys: list[str], gallery: Gallery, subject: Probe, permitted: Scope,
    tmp_path: Path, knows: Callable[..., None],
) -> None:  # fmt: skip
    office.sit("ben")
    assert barred(office.register, "A-1") == ""
    knows(office, gallery, subject, permitted, tmp_path)
    assert "ben has " in barred(office.register, "A-1")
    assert waiting(office.register, "A-1", gallery) == ()
    with pytest.raises(NotPermitted, match=r"ben has .* and takes no part in its review"):
        judge(office, "ben", keys[0])
    (refused,) = office.events("review.decide.refused")
    assert refused.account == "ben"
    judge(office, "rosa", keys[0])  # who has seen faces alone


def test_the_second_turn_by_a_supervisor_who_exported(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    judge(office, "rosa", keys[0])
    export(office.sit("sara"), "A-1", gallery, tmp_path / "x.zip")
    with pytest.raises(NotPermitted, match="sara has exported its evidence"):
        judge(office, "sara", keys[0])
    judge(office, "rolf", keys[0])


def test_the_second_turn_by_a_supervisor_who_is_no_member(office: Any, keys: list[str]) -> None:
    judge(office, "rosa", keys[0])
    with pytest.raises(NotPermitted, match="sven is not a member of the case"):
        judge(office, "sven", keys[0])
    assert office.events("review.decide.refused")
    office.sit("sara").add_member("A-1", "sven")
    judge(office, "sven", keys[0])


def test_an_export_amid_a_review(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    add_fillers(office.sit("sara"), [b"a filler", b"another"], source="staff")
    office.sit("anna")
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2).candidates
    sort_out(office.register, "A-1", found[0], "unsure")
    list_for_review(office.register, "A-1", found, fillers=2)
    faces = waiting(office.sit("ben"), "A-1", gallery)
    for item in faces:
        judge(office, "ben", item.key, reason="A scar that ben saw.")
    files = exported(office, gallery, tmp_path / "amid.zip")
    told = b"".join(files.values()).decode("utf-8", errors="replace")
    assert (
        "The review is not finished: 4 faces wait for decisions." in files["report.html"].decode()
    )
    for item in faces:
        assert item.key not in told
    for hidden in ("ben saw", "triage.noted", "review.", hashlib.sha256(b"a filler").hexdigest()):
        assert hidden not in told, hidden
    assert all(one.tracklet_id not in files["candidates.csv"].decode() for one in found)
    assert not [name for name in files if name.startswith("shots/")]

    for item in faces:
        judge(office, "rosa", item.key)
    files = exported(office, gallery, tmp_path / "after.zip")
    assert files["record.jsonl"].count(b"review.decided") == 8
    assert b"triage.noted" in files["record.jsonl"]
    assert b"ben saw" in files["report.html"]
    assert "not finished" not in files["report.html"].decode()
    assert len([name for name in files if name.startswith("shots/")]) == 2


def test_a_table_amid_a_review(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=3).candidates
    list_for_review(office.register, "A-1", found[:2], of=found, fillers=0)
    settings = office.installation.settings
    shown = Whereabouts("A-1", found, frozenset(), (), permitted, ZoneInfo("UTC"), settings)
    said: list[str] = []
    bar, files = ExportBar(office.register, lambda: shown, said.append), []
    monkeypatch.setattr(bar.saver, "save", lambda *file: files.append(file[2].decode()))
    for form in ("csv", "geojson", "html"):
        bar.buttons[form].click()
    for file in files:
        assert "2 candidates are left out: the review is not finished" in file
        assert found[2].tracklet_id in file
        assert found[0].tracklet_id not in file
        assert found[1].tracklet_id not in file
    (first, *_) = office.events("sightings.exported")
    assert first.about["tracklets"] == [found[2].tracklet_id]
    shown = replace(shown, candidates=found[:2])
    bar.buttons["csv"].click()
    assert said[-1].startswith("Nothing was saved. 2 candidates are left out")
    assert len(files) == 3
    office.sit("anna").close("A-1", reason="done")  # nobody decides any more
    bar.buttons["csv"].click()
    assert found[0].tracklet_id in files[3]


def exported(office: Any, gallery: Gallery, path: Path) -> dict[str, bytes]:
    export(office.sit("anna"), "A-1", gallery, path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_list_read_before_one_s_own_turn(office: Any, keys: list[str]) -> None:
    """Supervisors decide second: what they read while the first decides is as blank."""
    assert office.sit("sara").me.may("review.second")
    blank = [(item.tracklet_id, item.score) for item in reviewed(office.register, "A-1")]
    assert blank == [("", None)] * 2
    known = reviewed(office.sit("otto"), "A-1")  # who decides nothing
    assert all(item.tracklet_id and item.score for item in known)


def test_a_second_turn_without_the_role(office: Any, keys: list[str]) -> None:
    judge(office, "rosa", keys[0])
    with pytest.raises(NotPermitted, match="may not make this decision"):
        judge(office, "ben", keys[0])


def test_peeking_at_the_first_decision(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "ben", keys[0])
    office.sit("rosa")
    told = repr(reviewed(office.register, "A-1")) + repr(waiting(office.register, "A-1", gallery))
    assert "ben" not in told
    assert "score=None" in told
    assert not re.search(r"score=0\.\d", told)


def test_peeking_at_the_fillers(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    add_fillers(office.sit("sara"), [b"one", b"two"], source="staff")
    found = search(gallery_for(office, gallery), subject, permitted, case="A-1", top=2)
    list_for_review(office.register, "A-1", found.candidates, fillers=2)
    office.sit("rosa")
    assert all(not item.filler for item in reviewed(office.register, "A-1"))
    with pytest.raises(NotPermitted):
        error_rates(office.register)


def test_sightings_read_while_one_has_still_to_decide(
    office: Any, keys: list[str], gallery: Gallery
) -> None:
    """Score, place and time of one face would tell a reviewer what to expect of the next."""
    for name in ("rosa", "rolf"):
        judge(office, name, keys[0])
    viewed = len(office.events("shot.viewed"))
    for name in ("rosa", "ben", "sara", "sven"):  # sven is no member, but may become one
        told = confirmed_sightings(office.sit(name), "A-1", gallery)
        assert told.withheld, name
        assert not told.sightings
        assert not any(item.tracklet_id or item.score for item in reviewed(office.register, "A-1"))
    assert len(office.events("shot.viewed")) == viewed
    told = confirmed_sightings(office.sit("anna"), "A-1", gallery)  # who searched decides nothing
    assert len(told.sightings) == 1
    for name in ("rosa", "rolf"):
        judge(office, name, keys[1])
    told = confirmed_sightings(office.sit("rosa"), "A-1", gallery)
    assert len(told.sightings) == 2
    assert not told.withheld


def test_deciding_after_an_audit_in_another_role(
    office: Any, keys: list[str], gallery: Gallery
) -> None:
    """The auditors' page shows searches, scores and decisions of all cases there are."""
    annual(office.sit("otto"), 2026)  # figures without names
    assert "has read" not in barred(office.register, "A-1")
    audit_overview(office.register)
    office.sit("ada").grant("otto", "auditor", granted=False)
    office.register.grant("otto", "reviewer")
    office.sit("anna").add_member("A-1", "otto")
    assert barred(office.sit("otto"), "A-1").startswith("otto has read the whole record")
    with pytest.raises(NotPermitted, match="as an auditor and takes no part in its review"):
        judge(office, "otto", keys[0])
    assert "otto" in Ledger(office.folder).not_blind("A-1")  # as read from the file too
    assert "otto" not in office.register.not_blind("A-2")  # which came later
    judge(office, "rosa", keys[0])


def test_listing_what_the_case_does_not_cover(office: Any, case: Case, gallery: Gallery) -> None:
    ids = gallery.tracklets()["tracklet_id"].tolist()
    all_there_are = tuple(tracklets_by_id(gallery, dict.fromkeys(ids, 0.99)).values())
    with pytest.raises(CaseError, match="the case does not cover"):
        list_for_review(office.sit("rosa"), "A-1", all_there_are, fillers=0)
    assert reviewed(office.register, "A-1") == ()
    (refused,) = office.events("review.first.refused")
    assert refused.account == "rosa"


def test_listing_what_no_search_found(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """Nor with other scores, nor what a search under another case found."""
    found = search(gallery, subject, permitted, case="A-1", top=3).candidates
    ids = gallery.tracklets()["tracklet_id"].tolist()
    mine = tuple(tracklets_by_id(gallery, {ids[4]: found[0].score}).values())
    better = (replace(found[0], score=0.99), *found[1:])
    office.sit("rosa")
    for listed, of in (
        (mine, None),
        (mine, found),
        (better, None),
        (better[:1], found),
        (mine, (*found, *mine)),
        (found[:2], None),
    ):
        with pytest.raises(CaseError, match="no search under the case found these faces"):
            list_for_review(office.register, "A-1", listed, of=of, fillers=0)
    assert reviewed(office.register, "A-1") == ()
    assert len(office.events("review.first.refused")) == 6
    assert list_for_review(office.register, "A-1", found[:2], of=found, fillers=0).faces == 2
    (listed_,) = office.events("review.listed")
    (asked,) = office.events("search.asked")
    assert (listed_.about["asked"], listed_.about["gallery"]) == (
        asked.number,
        asked.about["gallery"],
    )


def test_a_review_ended_by_looking_in_another_gallery(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    """What is not in some other gallery has still to be decided on."""
    with Gallery.create(tmp_path / "other.duckdb", gallery.profile) as other:
        assert waiting(office.sit("rosa"), "A-1", other) == ()
    assert missing(office.register, "A-1") == 2  # which the page says
    assert not is_over(office.register, office.register.case("A-1"))
    assert considered(office.sit("anna"), "A-1").waiting == 2
    assert len(waiting(office.sit("rosa"), "A-1", gallery)) == 2


def test_error_rates_read_between_two_decisions(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    """A count that one decision changes would tell a supervisor, or a reader, which is a filler."""
    add_fillers(office.sit("sara"), [b"one", b"two"], source="staff")
    found = search(gallery_for(office, gallery), subject, permitted, case="A-1", top=2)
    list_for_review(office.register, "A-1", found.candidates, fillers=2)
    faces = waiting(office.sit("rosa"), "A-1", gallery)
    told = set()
    for turn, name in enumerate(("rosa", "rolf")):
        for n, item in enumerate(faces):
            told.add(error_rates(office.sit("sara")))
            told.add(error_rates(office.sit("otto")))
            if n == 2:  # some faces are settled in the second turn, others wait
                report = exported(office, gallery, tmp_path / f"{turn}.zip")["report.html"]
                assert b"given when the review of the case is finished" in report
            judge(office, name, item.key)
    assert told == {()}
    over = error_rates(office.sit("sara"))
    assert [(one.reviewer, one.fillers) for one in over] == [("rolf", 2), ("rosa", 2)]


def gallery_for(office: Any, gallery: Gallery) -> Gallery:
    office.sit("anna")
    return gallery


def test_deciding_without_comparing(office: Any, keys: list[str]) -> None:
    with pytest.raises(CaseError, match="no features were compared"):
        judge(office, "ben", keys[0], features={})
    with pytest.raises(CaseError, match="reason is missing"):
        judge(office, "ben", keys[0], reason="")


def test_a_decision_forged_in_the_record(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "ben", keys[0])
    about = {"case": "A-1", "key": keys[0], "round": 2, "conclusion": 3, "features": SEEN,
             "reason": "x"}  # fmt: skip
    AuditLog(office.folder).append("review.decided", {"account": "rosa"}, about)
    office.sit("otto")
    item = next(i for i in reviewed(office.register, "A-1") if i.key == keys[0])
    assert item.outcome == "waiting"
    assert "in the name of rosa, is not signed" in office.register.doubts("A-1")[0]


def test_a_candidate_made_a_sighting_without_review(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    report = exported(office, gallery, tmp_path / "x.zip")["report.html"].decode()
    assert "Sightings among them: 0" in report
    assert "2 faces wait for decisions" in report
