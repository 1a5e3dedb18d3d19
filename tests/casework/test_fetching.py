"""Footage is fetched under an open case alone, within it, and on record."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import films
import numpy as np
import pytest
from office import AREA, ROLES, START, Office, vector
from pictures import jpeg
from searching import search
from shapely import box

from workbench.casework.cases import Case, Request
from workbench.casework.fetching import Fetching
from workbench.casework.forfeited import erase_films, forfeited_films
from workbench.casework.record.audit import LOG
from workbench.casework.register import CaseRegister
from workbench.casework.retention import plan, purge, remove_old
from workbench.domain import (
    Box,
    District,
    Filter,
    IndexedRecording,
    Probe,
    Quality,
    Recording,
    Scope,
    Shot,
    Tracklet,
)
from workbench.errors import AuditDamaged, CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.indexing.hook import Hook
from workbench.server.rounds import Rounds

PROGRAM = """
import json, pathlib, shutil, sys
told, (film, answer) = json.load(sys.stdin), sys.argv[1:]
if answer == "fail":
    sys.exit("no recorder there")
if not told["present"]:
    shutil.copyfile(film, pathlib.Path(told["into"], "a.mkv"))
    print(json.dumps({"file": "a.mkv", "camera_id": "C1", "started_at": told["start"]}))
"""

Make = Callable[..., Fetching]


@pytest.fixture
def make(case: Case, hooked: Make) -> Make:
    """``make(case, answer)``: a fetching in a catalogue with one camera in the Old Town."""
    return hooked


@pytest.fixture
def hooked(tmp_path: Path, office: Office) -> Make:
    """The same without a case."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.6,-0.02\n"
    )
    grey = [np.full((*films.SIZE, 3), 90, np.uint8)] * films.RATE
    film = films.write(tmp_path / "grey.mkv", grey)
    (tmp_path / "fetch.py").write_text(PROGRAM)

    office.sit("sven")

    def make(case: str, answer: str = "", narrowed: Scope | None = None) -> Fetching:
        hook = Hook([sys.executable, str(tmp_path / "fetch.py"), str(film), answer])
        return Fetching(office.register, case, hook, folder, narrowed=narrowed, log=lambda _: None)

    return make


def test_what_is_asked_for_and_fetched_is_on_record(office: Office, case: Case, make: Make) -> None:
    fetching = make(case.reference)
    assert fetching() == ()
    assert fetching() == ()
    (asked,) = office.events("footage.asked")
    assert asked.account == "sven"
    assert asked.about["case"] == "A-1"
    assert asked.about["start"] == START.isoformat()
    assert len(asked.about["program"]) == 64
    (fetched,) = office.events("footage.fetched")
    assert fetched.about["asked"] == asked.number
    film = fetched.about
    assert (film["file"], film["camera"], film["started_at"]) == ("a.mkv", "C1", START.isoformat())
    assert len(film["sha256"]) == 64


def test_a_film_that_cannot_be_recorded_is_not_listed(
    office: Office, case: Case, make: Make, tmp_path: Path
) -> None:
    fetching = make(case.reference)
    record = CaseRegister.record

    def damage(self: CaseRegister, what: str, *rest: Any, **more: Any) -> Any:
        """Somebody gets at the record while the program is at work."""
        if what == "footage.fetched":
            (office.folder / LOG).chmod(0o666)
        return record(self, what, *rest, **more)

    office.patch.setattr(CaseRegister, "record", damage)
    with pytest.raises(AuditDamaged):
        fetching()
    table = (tmp_path / "footage" / "footage.csv").read_text()
    assert table == "file,camera_id,started_at\n"
    assert not (tmp_path / "footage" / "a.mkv").exists()


def test_a_failure_is_on_record_once_and_does_not_stop_the_next_call(
    office: Office, case: Case, make: Make
) -> None:
    fetching = make(case.reference, "fail")
    for _ in range(3):
        (problem,) = fetching()
        assert problem.what == "ended with exit status 1: no recorder there"
    (failed,) = office.events("footage.failed")
    assert failed.about["reason"] == f"hook: {problem.what}"


@pytest.mark.parametrize("name", ["anna", "rosa", "otto", "nobody"])
def test_only_those_who_index_footage_fetch(
    office: Office, case: Case, make: Make, name: str
) -> None:
    office.sit(name)
    with pytest.raises(NotPermitted, match="requires supervisor or administrator"):
        make(case.reference)()
    (refused,) = office.events("footage.index.refused")
    assert refused.about["case"] == "A-1"
    assert office.events("footage.asked") == []


def test_an_administrator_fetches_without_seeing_the_case(
    office: Office, case: Case, make: Make
) -> None:
    office.sit("ada")
    assert make(case.reference)() == ()
    with pytest.raises(NotPermitted):
        office.register.case(case.reference)


def test_who_searched_under_the_case_or_approved_it_does_not_fetch(
    office: Office, case: Case, make: Make, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """Whatever other roles they have."""
    roles = {**ROLES, "anna": ["analyst", "administrator"]}
    (office.folder / "people.json").write_text(json.dumps({"people": roles}))
    fetching = make("A-1")
    office.sit("anna")
    fetching.permitted()
    search(gallery, subject, permitted, case="A-1")
    for name, why in (("anna", "has searched under"), ("sara", "approved")):
        office.sit(name)
        with pytest.raises(NotPermitted, match=f"{name} {why} the case") as told:
            fetching()
        assert told.value.fix == "Leave it to another supervisor or administrator"
    refused = [entry.account for entry in office.events("footage.refused")]
    assert refused == ["anna", "sara"]
    assert office.events("footage.asked") == []


def test_who_fetched_for_the_case_does_not_search_under_it(
    office: Office, case: Case, make: Make, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """Nor once they may not index footage any more."""
    roles = {**ROLES, "anna": ["analyst", "administrator"]}
    (office.folder / "people.json").write_text(json.dumps({"people": roles}))
    fetching = make("A-1")
    office.sit("anna")
    fetching()
    (office.folder / "people.json").write_text(json.dumps({"people": ROLES}))
    with pytest.raises(NotPermitted, match="anna has fetched footage for the case"):
        search(gallery, subject, permitted, case="A-1")
    office.sit("ben")
    assert search(gallery, subject, permitted, case="A-1").candidates


def test_nothing_outside_the_case_is_fetched(office: Office, case: Case, make: Make) -> None:
    day = timedelta(days=1)
    wide = Scope(District("everywhere", box(-1, 51, 1, 52)), START - day, START + day)
    with pytest.raises(NotPermitted, match=r"outside the permitted.*is not within the permitted"):
        make(case.reference, narrowed=wide)()
    (refused,) = office.events("footage.refused")
    assert len(refused.about["reasons"]) == 2
    narrow = Scope(AREA, START, START + timedelta(hours=1))
    assert make(case.reference, narrowed=narrow)() == ()
    (asked,) = office.events("footage.asked")
    assert asked.about["end"] == narrow.end.isoformat()


def test_nothing_is_fetched_once_the_case_is_closed(office: Office, case: Case, make: Make) -> None:
    fetching = make(case.reference)
    fetching()
    office.register.close(case.reference, reason="found")
    with pytest.raises(NotPermitted, match="the case is closed"):
        fetching()
    assert len(office.events("footage.refused")) == 1
    with pytest.raises(CaseError, match="no such case"):
        make("A-9")()


def test_in_service_a_training_case_fetches_nothing(office: Office, case: Case, make: Make) -> None:
    office.register.train("T-1", replace(case.scope))
    with pytest.raises(NotPermitted, match="a training case may not fetch footage"):
        make("T-1")()


def with_film(town_file: Path, folder: Path, sha256: str) -> Path:
    """A copy of the town's gallery in which the film that was fetched is indexed, too."""
    shutil.copytree(town_file.parent, folder)
    started = START + timedelta(hours=1, minutes=30)
    shot = Shot(0.0, started, Box(10, 20, 30, 40), Quality(0.9, 0.9, 0.8, 0.7, 0.6), jpeg(),
                vector(0))  # fmt: skip
    tracklet = Tracklet(0, started, started + timedelta(seconds=5), 9, (shot,), vector(0))
    with Gallery.open(folder / town_file.name, write=True) as gallery:
        recording = Recording("a.mkv", Path("a.mkv"), "C1", started)
        gallery.add_recording(
            IndexedRecording(
                recording, sha256, 1000, 2000, 600.0, 640, 360, 7200, 1200, 50, (tracklet,)
            )
        )
    return folder / town_file.name


def test_films_of_an_urgent_case_that_nobody_confirmed_are_searched_no_more_and_deleted(
    office: Office, begun: Case, hooked: Make, ask: Callable[..., Request], subject: Probe,
    permitted: Scope, town_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Under any case, from the same minute on."""
    assert hooked("A-1")() == ()
    (fetched,) = office.events("footage.fetched")
    film = tmp_path / "footage" / "a.mkv"
    table = film.with_name("footage.csv")
    with table.open("a") as rows:
        rows.write("own.mkv,C1,2026-03-29T00:00:00Z\n")
    path = with_film(town_file, tmp_path / "copy", fetched.about["sha256"])
    office.sit("anna").ask(ask("A-2"), subject=subject)
    office.approve("sara", "A-2")
    office.sit("anna")
    with Gallery.open(path) as gallery:
        assert "a.mkv" in {
            c.recording for c in search(gallery, subject, permitted, case="A-2").found
        }
        office.sit("sven").decline("A-1", reason="not authorised")
        assert film.exists(), "whoever looks at a case waits for no large file"
        office.sit("anna")
        for _ in range(2):
            with pytest.raises(
                NotPermitted, match=r"footage of .*C1\)? was fetched for the urgent case A-1"
            ):
                search(gallery, subject, permitted, case="A-2")
            Rounds(office.home, town_file).make()  # which deletes the film: another gallery's
        others = Filter(cameras=frozenset({"C0", "C2", "C3"}))
        assert search(gallery, subject, permitted, case="A-2", only=others).found
        elsewhere = replace(permitted, end=START + timedelta(hours=1))
        assert search(gallery, subject, elsewhere, case="A-2").found
        planned = plan(office.sit("ada"), gallery)
    planned = replace(planned, before=START)  # or all of the town would be too old
    assert not film.exists()
    assert [line.split(",")[0] for line in table.read_text().splitlines()] == ["file", "own.mkv"]
    (said,) = office.events("case.footage.erased")
    assert (said.account, said.about["films"], said.about["not deleted"]) == ("", [str(film)], [])
    assert planned.forfeited == 1
    served = Path(shutil.copytree(path.parent, tmp_path / "served")) / path.name
    with Gallery.open(path, write=True) as gallery:
        purge(office.register, path, partial(remove_old, gallery), planned=planned, agreed="--yes")
    told = office.events("case.footage.remov")
    assert [entry.what for entry in told] == ["case.footage.removing", "case.footage.removed"]
    assert [entry.account for entry in told] == ["ada", "ada"]
    assert told[1].about | {"case": "A-1", "removed": 1, "held by open cases": 0} == told[1].about
    rounds = Rounds(office.home, served)
    with Gallery.open(served, write=True):  # as by somebody who indexes: that is said once
        for _ in range(2):
            rounds.make()
    assert caplog.text.count("deleted later") == 1
    for _ in range(2):
        rounds.make()
    with monkeypatch.context() as changed:  # and once it is gone, nothing is opened
        changed.setattr(Gallery, "open", None)
        rounds.make()
    before, after = office.events("case.footage.remov")[2:]
    assert (before.account, after.account) == ("", "")
    assert before.about["recordings"] == after.about["removed"] == 1
    assert after.about["held by open cases"] == 0
    office.sit("anna")
    for left in (path, served):
        with Gallery.open(left) as gallery:
            found = {c.recording for c in search(gallery, subject, permitted, case="A-2").found}
        assert found
        assert "a.mkv" not in found


def test_what_another_case_has_fetched_too_or_is_another_film_stays(
    office: Office, begun: Case, hooked: Make, ask: Callable[..., Request], subject: Probe,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    hooked("A-1")()
    (fetched,) = office.events("footage.fetched")
    film = tmp_path / "footage" / "a.mkv"
    office.sit("sven").decline("A-1", reason="not authorised")
    assert forfeited_films(office.register) == {fetched.about["sha256"]: "A-1"}
    content = film.read_bytes()
    film.write_bytes(b"another film of this name")
    assert erase_films(office.register) == 0
    with monkeypatch.context() as changed:  # what is known not to be the film is not read again
        changed.setattr("workbench.casework.forfeited.sha256_of", None)
        assert erase_films(office.register) == 0
    (said,) = office.events("case.footage.erased")
    assert said.about["not deleted"] == [f"{film}: not the film that was fetched"]
    film.write_bytes(content)
    office.sit("anna").ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "asked": 0, "file": "a.mkv", "sha256": fetched.about["sha256"]}
    office.sit("sven").record("footage.fetched", about)
    assert forfeited_films(office.register) == {}
    assert erase_films(office.register) == 0
    assert film.exists()
