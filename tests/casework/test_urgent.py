"""Urgent cases: begun by one, confirmed by another in time, or over and deleted."""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from looping import run_apart
from searching import search

from workbench.casework import erasure
from workbench.casework.authority import permit_fetching
from workbench.casework.cases import Case, Request
from workbench.casework.drafts import keep_draft, read_drafts
from workbench.casework.evidence.archive import UNFINISHED
from workbench.casework.evidence.export import export
from workbench.casework.facts import facts, notices_of, status_words
from workbench.casework.history import history
from workbench.casework.oversight import UrgentCases, annual
from workbench.casework.retention import held
from workbench.casework.reviewing.exports import exportable, record_export
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.reviewing.reviewlist import review_list, review_state, reviewed
from workbench.casework.reviewing.sightings import confirmed_sightings
from workbench.casework.reviewing.triage import opinions, record_view, sort_out
from workbench.casework.subjects import subject_folder
from workbench.casework.waiting import waiting_for_me
from workbench.client.documents import case_document, case_from
from workbench.domain import Probe, Scope
from workbench.domain.times import local_time
from workbench.errors import CaseError, NotPermitted, SightlineError
from workbench.gallery import Gallery
from workbench.maps.zones import UTC_ZONE, zone_of_cameras
from workbench.server.rounds import Rounds

LEFT = r"47 h 5\d min left"  # a busy machine takes minutes for what takes a second
SEEN = {"nose": "similar", "ears": "similar", "mouth": "similar"}


@pytest.fixture
def found(office: Any, begun: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Any:
    """Candidates of A-1, one of them a sighting, another sorted; a saved question; a file."""
    result = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    register, first = office.register, result.candidates[0]
    keep_draft(register, "A-1", {"district": "here"}, [b"photograph"], page="p1")
    sort_out(register, "A-1", result.candidates[1], "unsure")
    list_for_review(register, "A-1", [first], of=result.candidates)
    (item,) = waiting(office.sit("ben"), "A-1", gallery)
    for name in ("ben", "rosa"):
        office.sit(name)
        decide(office.register, "A-1", item.key, conclusion=3, features=SEEN, reason="Scar.")
    office.sit("anna")
    assert held(register).sightings == {first.tracklet_id}
    return result


def test_an_answer_tells_until_when_in_the_zone_of_its_cameras(begun: Case, found: Any) -> None:
    (notice,) = found.notices
    zone = zone_of_cameras(found.cameras)
    assert zone != UTC_ZONE
    assert begun.confirm_by is not None
    assert local_time(begun.confirm_by, zone) in notice


def test_an_urgent_case_opens_for_one_and_stays_open_for_another(
    office: Any, clock: Any, begun: Case
) -> None:
    assert (begun.status(), begun.approved_by) == ("open", ("sara",))
    assert begun.confirm_by is not None
    assert begun.confirm_by - begun.begun_at == timedelta(hours=48)
    (notice,) = notices_of(begun)
    assert notice.startswith(f"Urgent, not confirmed until {local_time(begun.confirm_by, UTC)}")
    assert re.fullmatch(rf"open, urgent and not confirmed \({LEFT}\)", status_words(begun))
    told = dict(facts(begun))
    assert told["urgent"] == "A child, by night"
    assert told["begun by"].startswith("sara, ")
    assert re.search(LEFT, told["to be confirmed"])
    clock.forward(hours=47)
    confirmed = office.sit("sven").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    assert confirmed.approved_by == ("sara", "sven")
    assert confirmed.authorisation == "P 9/26"
    assert not notices_of(confirmed)
    clock.forward(hours=2)
    again = office.sit("anna").case("A-1")
    assert (again.confirmed_by, again.status()) == ("sven", "expired")  # valid for two days
    assert not office.events("case.erasing")


def test_who_may_confirm_is_told_that_it_waits(office: Any, begun: Case) -> None:
    (told,) = waiting_for_me(office.sit("sven"))
    assert (told.what, told.since) == ("confirmation", begun.confirm_by)
    for name, waits in (("sara", []), ("anna", ["end"]), ("otto", [])):
        assert [one.what for one in waiting_for_me(office.sit(name))] == waits
    office.sit("sven").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    assert waiting_for_me(office.register) == ()


def test_a_server_goes_on_with_its_rounds_whatever_happens(
    office: Any, begun: Case, town_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    made = []

    def make() -> None:
        made.append(1)
        raise ValueError("something nobody thought of")

    async def run() -> None:
        rounds = Rounds(office.home, town_file)
        monkeypatch.setattr("workbench.server.rounds.ROUND_SECONDS", 0.01)
        monkeypatch.setattr(rounds, "make", make)
        task = asyncio.create_task(rounds.run())
        while len(made) < 2 and not task.done():
            await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()

    run_apart(run())
    assert "ValueError: something nobody thought of" in caplog.text


def test_it_is_confirmed_by_the_request_that_was_read_and_with_a_decision(
    office: Any, begun: Case
) -> None:
    register = office.sit("sven")
    with pytest.raises(CaseError, match="not the request that was read"):
        register.confirm("A-1", digest="4f" * 32, authorisation="P 9/26")
    with pytest.raises(CaseError, match="reference of the outside decision is missing"):
        register.confirm("A-1", digest=begun.digest)
    with pytest.raises(NotPermitted):
        office.sit("rosa").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    with pytest.raises(CaseError, match="is open"):
        office.sit("sven").approve("A-1", digest=begun.digest)
    assert register.find_case("A-1").confirm_by is not None


def test_a_request_that_can_wait_is_not_confirmed(
    office: Any, case: Case, ask: Callable[..., Request]
) -> None:
    with pytest.raises(CaseError, match="waits for no confirmation"):
        office.sit("sven").confirm("A-1", digest=case.digest, authorisation="P 9/26")
    with pytest.raises(CaseError, match="is missing"):
        ask(authorisation="")


DOORS: dict[str, Callable[..., Any]] = {
    "search": lambda r, g, s, f: search(g, s, f.scope, case="A-1", threshold=0.6),
    "faces": lambda r, g, s, f: record_view(r, "A-1", [f.candidates[0].tracklet_id]),
    "triage": lambda r, g, s, f: sort_out(r, "A-1", f.candidates[0], "same"),
    "opinions": lambda r, g, s, f: opinions(r, "A-1"),
    "draft": lambda r, g, s, f: keep_draft(r, "A-1", {}, page="p2"),
    "drafts": lambda r, g, s, f: read_drafts(r, "A-1"),
    "list": lambda r, g, s, f: list_for_review(r, "A-1", f.candidates),
    "queue": lambda r, g, s, f: waiting(r, "A-1", g),
    "decide": lambda r, g, s, f: decide(r, "A-1", "k", conclusion=3, features=SEEN, reason="Scar."),
    "reviewed": lambda r, g, s, f: reviewed(r, "A-1"),
    "state": lambda r, g, s, f: review_state(r, "A-1"),
    "sightings": lambda r, g, s, f: confirmed_sightings(r, "A-1", g),
    "table": lambda r, g, s, f: exportable(r, "A-1", f.candidates, zone=UTC, missing=None),
    "evidence": lambda r, g, s, f: export(r, "A-1", g, Path("out.zip")),
    "close": lambda r, g, s, f: r.close("A-1", reason="found"),
    "member": lambda r, g, s, f: r.add_member("A-1", "cleo"),
    "hook": lambda r, g, s, f: permit_fetching(r, "A-1"),
}


def test_every_door_is_shut_from_that_minute_on_and_all_is_deleted(
    office: Any, clock: Any, found: Any, gallery: Gallery, subject: Probe
) -> None:
    people = {"queue": "rolf", "decide": "rolf", "hook": "sven"}
    kept = subject_folder(office.folder, "A-1")
    inside = office.home / "A-1.zip"
    outside = office.home.parent / "A-1.zip"
    for path in (inside, outside):
        export(office.register, "A-1", gallery, path)
    page = b"<p>"
    saved = {"form": "csv", "content": page, "file": "candidates-A-1.csv"}
    record_export(office.register, "A-1", [found.candidates[0].tracklet_id], **saved)
    # Two photographs, as given and as cut, templates, a question, its photograph.
    assert len(list(kept.iterdir())) == 7
    clock.forward(hours=48)
    assert kept.is_dir(), "no timer has run"
    assert held(office.register).tracklets == frozenset()
    for name, door in DOORS.items():
        register = office.sit(people.get(name, "anna"))
        with pytest.raises(SightlineError, match="urgent and is over: not confirmed"):
            door(register, gallery, subject, found)
    assert not kept.exists()
    assert not inside.exists()
    assert outside.exists()
    assert not Path("out.zip").exists()
    assert review_list(office.register, "A-1") == ()
    (doing,), (done,) = office.events("case.erasing"), office.events("case.erased")
    assert doing.account == done.account == ""
    told = done.about
    assert told["why"] == "not confirmed within 48 hours"
    assert told["photographs, templates and saved questions"] == 7
    assert told["exports"] == [str(inside)]
    gone = told["exported out of the installation"]
    assert [words.split(", ")[0] for words in gone] == [str(outside), "candidates-A-1.csv"]
    assert (told["searches"], told["opinions"], told["decisions"]) == (1, 1, 2)
    # What remains says so, to those who know of the case.
    (listed,) = office.sit("anna").cases()
    assert status_words(listed) == "not confirmed"
    said = dict(facts(listed))["what came of it"]
    assert said.startswith("deleted, ")
    assert f"Someone has to delete by hand: {outside}, 20" in said
    assert "; candidates-A-1.csv, 20" in said
    assert history(office.register, "A-1")[-1].words == "what came of the urgent case was deleted"
    assert office.sit("sven").case("A-1", ended=True).erased_at == done.at


def test_a_declined_confirmation_ends_it_at_once(office: Any, found: Any) -> None:
    kept = subject_folder(office.folder, "A-1")
    assert kept.is_dir()
    ended = office.sit("sven").decline("A-1", reason="the prosecutor declined")
    assert (ended.status(), ended.reason) == ("not confirmed", "the prosecutor declined")
    assert not kept.exists()
    with pytest.raises(CaseError, match="is over: the prosecutor declined"):
        confirmed_sightings(office.sit("anna"), "A-1", None)


@pytest.mark.parametrize("after", ["case.erasing", "photographs", "case.erased"])
def test_who_is_killed_over_the_deletion_leaves_the_rest_to_the_next(
    office: Any, clock: Any, found: Any, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = subject_folder(office.folder, "A-1")
    clock.forward(hours=49)
    child = os.fork()
    if child == 0:
        register = office.fresh()
        record = register.record_alone

        def recorded(what: str, about: Any) -> Any:
            if what == "case.erased" and after == "photographs":
                os.kill(os.getpid(), signal.SIGKILL)
            record(what, about)
            if what == after:
                os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(register, "record_alone", recorded)
        register.erase_unconfirmed()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert kept.exists() == (after == "case.erasing")
    register = office.fresh()
    assert register.erase_unconfirmed() == (() if after == "case.erased" else ("A-1",))
    assert not kept.exists()
    assert len(office.events("case.erased")) == 1
    first = office.events("case.erasing")[0].about
    assert first["photographs, templates and saved questions"] == 7
    assert register.erase_unconfirmed() == ()


def test_what_cannot_be_deleted_is_on_record_and_tried_again(
    office: Any, clock: Any, begun: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.forward(hours=49)

    def broken(*_: Any) -> int:
        raise OSError(5, "Input/output error", "a.jpg")

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "delete_subject", broken)
        patch.setattr(erasure, "RETRY_SECONDS", math.inf)
        real, read = office.register.recorded, []
        patch.setattr(office.register, "recorded", lambda: read.append(1) or real())
        told = dict(facts(office.sit("sven").case("A-1", ended=True)))
        reason = "could not be deleted, and is tried again: a.jpg: Input/output error"
        assert told["what came of it"] == reason
        for _ in range(3):
            office.register.cases()
        assert len(read) == 1, "time passes before the whole record is read again"
        patch.setattr(erasure, "RETRY_SECONDS", 0.0)
        office.register.cases()
        assert len(read) == 2
        office.register.erase_unconfirmed(at_once=True)
    monkeypatch.setattr(erasure, "RETRY_SECONDS", 0.0)  # as if it had passed
    (failed,) = office.events("case.erasing.failed")
    assert failed.about["reason"] == "a.jpg: Input/output error"
    kinds = [entry.what for entry in office.events("case.erasing")]
    assert kinds == ["case.erasing", "case.erasing.failed"]
    told = dict(facts(office.sit("sven").case("A-1", ended=True)))
    assert told["what came of it"].startswith("deleted")
    assert not subject_folder(office.folder, "A-1").exists()


def test_what_killed_exports_left_in_the_home_goes_with_the_case(
    office: Any, found: Any, gallery: Gallery
) -> None:
    """Whole, as a page has it saved, or begun; but not what another export is writing."""
    saved = "court-package-A-1.zip"
    copy = office.home / f"0123abcd-{saved}"
    export(office.register, "A-1", gallery, copy, saved_as=saved)
    other = office.home / f"4567abcd-{saved}"
    other.write_bytes(b"no archive of this case")
    left, writing = (office.home / f".{n}-{saved}.{UNFINISHED}-{n}" for n in (1, 2))
    left.write_bytes(b"faces")
    with writing.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        office.sit("sven").decline("A-1", reason="not authorised")
    assert [path.exists() for path in (copy, left, writing, other)] == [False, False, True, True]
    (told,) = office.events("case.erased")
    assert told.about["exports"] == [str(copy)]


def test_a_running_server_deletes_what_is_due_though_no_one_asks(
    office: Any, clock: Any, begun: Case, town_file: Path
) -> None:
    rounds = Rounds(office.home, town_file)
    rounds.make()
    assert subject_folder(office.folder, "A-1").is_dir()
    clock.forward(hours=48)
    rounds.make()
    assert not subject_folder(office.folder, "A-1").exists()
    assert len(office.events("case.erased")) == 1


def test_the_record_counts_urgent_cases_and_programs_are_told_of_them(
    office: Any, clock: Any, begun: Case, ask: Callable[..., Request], subject: Probe
) -> None:
    assert case_from(case_document(begun)) == begun
    office.sit("anna").ask(ask("A-2", urgent="At night"), subject=subject)
    second = office.approve("sven", "A-2")
    confirmed = office.sit("sara").confirm("A-2", digest=second.digest)
    assert case_from(case_document(confirmed)) == confirmed
    clock.forward(hours=48)
    found = UrgentCases.of(office.events())
    assert (found.begun, found.confirmed, found.ended, found.waiting) == (2, 1, 1, 0)
    year = begun.begun_at.year if begun.begun_at else 0
    (figures,) = annual(office.sit("otto"), year)
    assert (figures.asked, figures.approved, figures.urgent, figures.confirmed) == (2, 1, 2, 1)
