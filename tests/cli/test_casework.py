"""Cases, people and the record on the command line."""

from __future__ import annotations

import json
import os
import pwd
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from commands import Run

from workbench.casework import register
from workbench.cli.output import DONE, PROBLEMS, REFUSED

ME = pwd.getpwuid(os.getuid()).pw_name
TIMES = ["--from", "2026-03-31T17:00:00Z", "--to", "2026-03-31T18:00:00Z"]


@pytest.fixture(autouse=True)
def new_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("SIGHTLINE_HOME", str(home))
    return home


@pytest.fixture
def district(tmp_path: Path) -> Path:
    ring = [[0.5, 52.5], [0.7, 52.5], [0.7, 52.7], [0.5, 52.7], [0.5, 52.5]]
    path = tmp_path / "district.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    return path


@pytest.fixture
def face() -> Path:
    from workbench.demo import demo_town

    return next(iter(demo_town().photographs.values()))[0]


def opening(district: Path, face: Path) -> list[object]:
    return [
        "case", "request", "A-1", "--template", "missing-person", "--authority", "Prosecutor",
        "--authorisation", "P 1/26", "--district", district, *TIMES, "--subject", face,
        "--title", "=HYPERLINK(1) [red]x", "--source", "album", "--given-by", "the mother",
        "--taken", "2026-01", "--changes", "nothing",
    ]  # fmt: skip


def test_training_is_one_command_on_a_fresh_installation(run: Run, district: Path) -> None:
    said = run("case", "training", "T-1", "--district", district, *TIMES)
    assert said.status == DONE
    assert "carries no authority" in said.err
    (case,) = (json.loads(line) for line in run("case", "list", "--json").out.splitlines())
    assert (case["reference"], case["status"], case["purpose"]) == ("T-1", "open", "training")
    assert (case["asked_by"], case["approved_by"]) == (ME, [])


def test_a_fresh_installation_only_trains(run: Run, district: Path, face: Path) -> None:
    said = run(*opening(district, face))
    assert said.status == REFUSED
    assert f"{ME} may only train: this installation has granted no roles yet" in said.err


def test_a_case_is_asked_shown_and_closed(
    run: Run, district: Path, face: Path, new_home: Path
) -> None:
    assert run("people", "grant", "sara", "supervisor").status == DONE
    assert run("people", "grant", ME, "analyst").status == DONE
    said = run(*opening(district, face))
    assert said.status == DONE, said.err
    assert "sightline case approve A-1" in said.err
    shown = json.loads(run("case", "show", "A-1", "--json").out)
    assert shown["status"] == "requested"
    assert shown["authorisation"] == "P 1/26"
    assert len(shown["subject"]["photographs"]) == 1
    assert "=HYPERLINK(1) [red]x" in run("case", "show", "A-1").out  # text, not a colour
    assert "requested" in run("case", "list").out
    said = run("case", "approve", "A-1")
    assert said.status == REFUSED
    assert "this action requires supervisor" in said.err
    assert run("case", "close", "A-1", "--reason", "found").status == DONE
    assert json.loads(run("case", "list", "--json").out)["status"] == "closed"
    assert run("case", "close", "A-1", "--reason", "again").status == REFUSED


def test_a_case_is_shown_in_words_not_as_python_writes_it(
    run: Run, district: Path, face: Path
) -> None:
    run("people", "grant", ME, "analyst")
    run(*opening(district, face), "--description", "about forty", "--cameras", "1200")
    shown = run("case", "show", "A-1").out
    assert not re.search(r"[{}]|\('|\['|\(\(|None|Polygon|datetime", shown)
    for words in (
        "requested by", f"{ME}, ", "Tue 31 Mar 2026, 17:00:00 UTC to Tue 31 Mar 2026, 18:00:00 UTC",
        "at most 1,200 in one search", "about forty, 1 photograph",
        " km², longitude 0.5000 to 0.7000",
        "Prevention of a substantial risk to life",
    ):  # fmt: skip
        assert words in shown


def test_an_urgent_case_is_confirmed_and_changed_by_command(
    run: Run, office: Any, district: Path, face: Path
) -> None:
    """From the request to other photographs, each by who may."""

    def shown() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(run("case", "show", "A-1", "--json").out)
        return document

    asking = opening(district, face)
    at = asking.index("--authorisation")
    urgent = [*asking[:at], *asking[at + 2 :], "--urgent", "A child, by night"]
    office.sit("anna")
    said = run(*urgent)
    assert said.status == DONE, said.err
    digest = shown()["digest"]
    office.sit("sara")
    assert run("case", "approve", "A-1", "--digest", digest).status == DONE
    assert "urgent and not confirmed" in run("case", "list").out
    confirming = ("case", "confirm", "A-1", "--digest", digest)
    said = run(*confirming, "--authorisation", "P 9/26")
    assert said.status == REFUSED
    assert "sara let the case begin" in said.err
    office.sit("sven")
    said = run(*confirming)
    assert "reference of the outside decision is missing" in said.err
    assert run(*confirming, "--authorisation", "P 9/26").status == DONE
    assert "confirmed by" in run("case", "show", "A-1").out
    assert "authorised as P 9/26" in run("case", "history", "A-1").out
    # Other photographs, for which another person's approval counts as for all else.
    office.sit("anna")
    more = sorted(face.parent.glob(f"*{face.suffix}"))[1]
    changing = ("case", "change", "A-1", "--source", "passport office", "--given-by", "police",
                "--taken", "2026-02", "--changes", "nothing")  # fmt: skip
    said = run(*changing)
    assert said.status == REFUSED
    assert "--source: states something of photographs, and none is given" in said.err
    said = run(*changing, "--subject", face, more, "--under-18", "3")
    assert "there is no photograph 3" in said.err
    said = run(*changing, "--subject", face, more)
    assert said.status == DONE, said.err
    change = office.register.case("A-1").change
    assert [one.source for one in change.request.subject.provenance] == 2 * ["passport office"]
    for name in ("sven", "sara"):  # the area is beyond the limits, which takes two
        office.sit(name)
        assert run("case", "approve", "A-1", "--digest", change.digest).status == DONE
    assert len(shown()["subject"]["photographs"]) == 2


def test_the_old_name_of_requesting_a_case_works(run: Run, district: Path, face: Path) -> None:
    run("people", "grant", ME, "analyst")
    _, _, *rest = opening(district, face)
    assert run("case", "open", *rest).status == DONE
    assert "A-1" in run("case", "list").out


def test_people_are_listed_with_who_one_is(run: Run) -> None:
    assert "not in service: training only" in run("people", "list").err
    run("people", "grant", "otto", "auditor")
    rows = [json.loads(line) for line in run("people", "list", "--json").out.splitlines()]
    assert {row["account"]: row["roles"] for row in rows} == {
        ME: ["administrator"], "otto": ["auditor"],
    }  # fmt: skip
    assert run("people", "grant", "otto", "analyst").status == REFUSED
    assert run("people", "revoke", "otto", "auditor").status == DONE
    assert f"You are {ME} (administrator)" in run("people", "list").err


def test_verify_says_where_the_record_was_changed(run: Run, district: Path, new_home: Path) -> None:
    run("case", "training", "T-1", "--district", district, *TIMES)
    run("case", "training", "T-2", "--district", district, *TIMES)
    head = run("audit", "head").out.strip()
    said = run("audit", "verify", "--json", "--head", head)
    assert said.status == DONE
    assert json.loads(said.out) | {"sound": True, "head": head, "faults": []} == json.loads(
        said.out
    )
    log = new_home / "casework" / "audit.log"
    log.write_bytes(log.read_bytes().replace(b'"T-1"', b'"T-9"'))
    said = run("audit", "verify")
    assert said.status == PROBLEMS
    assert "line 2: entry 2 was changed" in said.out
    assert "was ALTERED" in said.err
    said = run("case", "training", "T-3", "--district", district, *TIMES)
    assert said.status == REFUSED
    assert "Searches stay blocked until an auditor has run" in said.err


def test_fillers_are_a_supervisor_s(run: Run, face: Path, new_home: Path) -> None:
    run("people", "grant", "sara", "supervisor")
    said = run("review", "fillers", face, "--source", "staff")
    assert said.status == REFUSED
    assert "this action requires supervisor" in said.err
    run("people", "grant", ME, "supervisor")
    said = run("review", "fillers", face, "--source", "staff who agreed")
    assert said.status == DONE
    assert "1 filler added" in said.err
    assert len(list((new_home / "casework" / "fillers").glob("*.jpg"))) == 1
    assert run("review", "rates", "--json").out == ""


def test_a_subject_is_forgotten_once_its_case_has_ended(
    run: Run, district: Path, face: Path, new_home: Path
) -> None:
    run("people", "grant", ME, "supervisor")
    run(*opening(district, face))
    assert run("case", "forget", "A-1", "--reason", "request").status == REFUSED
    run("case", "close", "A-1", "--reason", "found")
    said = run("case", "forget", "A-1", "--reason", "request")
    assert said.status == DONE
    assert "3 files" in said.err
    assert not list((new_home / "casework" / "subjects").iterdir())


def test_a_purge_empties_the_files_and_is_on_record(
    run: Run, demo: Path, copied: Any, tmp_path: Path, new_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from workbench.cli import output
    from workbench.gallery import Gallery

    gallery = copied(demo, tmp_path)
    with Gallery.open(gallery) as opened:
        vector = bytes(opened.shots(opened.tracklets().query("searchable")["tracklet_id"].iloc[0])
                       [0].template.tobytes())  # fmt: skip
    parts = [gallery, *(gallery.parent / f"{gallery.name}.gallery").rglob("*")]
    assert any(vector in part.read_bytes() for part in parts if part.is_file())
    before = sum(part.stat().st_size for part in parts if part.is_file())
    said = run("purge", "--gallery", gallery)
    assert said.status == REFUSED
    assert "may only train" in said.err
    run("people", "grant", "sara", "supervisor")
    said = run("purge", "--gallery", gallery, "--dry-run", "--json")
    planned = json.loads(said.out)["planned"]
    assert (said.status, planned["recordings"], planned["tracklets"]) == (DONE, 14, 30)
    assert planned["old_when_indexed"] == 14  # as footage of a cold case is
    said = run("purge", "--gallery", gallery)  # no terminal, so there is no one to ask
    assert said.status == REFUSED
    assert "14 recordings, 2026-03-" in said.err
    assert "30 tracklets with their best shots and templates" in said.err
    assert "14 recordings were already that old when indexed" in said.err
    assert "No open case holds anything." in said.err
    assert "Nothing was deleted. At a terminal you are asked; scripts give --yes." in said.err
    monkeypatch.setattr(output, "at_a_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    assert run("purge", "--gallery", gallery).status == PROBLEMS
    assert all(part.exists() for part in parts)
    kinds = [entry.what for entry in register.all_entries(new_home / "casework")]
    assert "retention.purging" not in kinds
    monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
    said = run("purge", "--gallery", gallery)
    assert said.status == DONE, said.err
    assert "Delete this for good?" in said.err
    assert "Deleted 14 recordings, 30 tracklets and what was kept of 0 subjects" in said.err
    left = list(gallery.parent.glob(f"{gallery.name}*"))
    files = [f for part in left for f in (part.rglob("*") if part.is_dir() else [part])]
    contents = [file.read_bytes() for file in files if file.is_file()]
    assert not any(vector in content for content in contents)
    assert sum(map(len, contents)) < before
    entries = list(register.all_entries(new_home / "casework"))
    kinds = [entry.what for entry in entries]
    assert kinds[-2:] == ["retention.purging", "retention.purged"]
    assert entries[-2].about["agreed"] == "asked at a terminal"
    assert entries[-2].about["planned"]["recordings"] == 14
    assert "retention.purge.refused" in kinds


def test_single_tracklets_are_forgotten_on_record(
    run: Run, demo: Path, copied: Any, tmp_path: Path, new_home: Path
) -> None:
    from workbench.gallery import Gallery

    gallery = copied(demo, tmp_path)
    with Gallery.open(gallery) as opened:
        rows = opened.tracklets()
    unseen, *_ = rows[~rows["searchable"]]["tracklet_id"]
    first, *_ = rows[rows["searchable"]]["tracklet_id"]
    missing = f"{'0' * 16}-1"
    asked = ["gallery", "forget", gallery, "--reason", "request of 3 May", first, unseen]
    assert run(*asked, "--yes").status == REFUSED  # in training
    run("people", "grant", "sara", "supervisor")
    said = run(*asked, missing, "--dry-run", "--json")
    assert (said.status, json.loads(said.out)) == (
        PROBLEMS, {"to delete": [first, unseen], "missing": [missing]},
    )  # fmt: skip
    (row,) = rows[rows["tracklet_id"] == first].itertuples()
    assert f"{first}: {row.recording}, camera {row.camera_id}\n" in said.err
    assert run(*asked).status == REFUSED  # no terminal, so there is no one to ask
    said = run(*asked, "--yes", "--json")
    assert (said.status, json.loads(said.out)) == (DONE, {"deleted": 2, "missing": []})
    with Gallery.open(gallery) as opened:
        left = set(opened.tracklets()["tracklet_id"])
    assert left == set(rows["tracklet_id"]) - {first, unseen}
    entries = list(register.all_entries(new_home / "casework"))
    assert [one.what for one in entries][-2:] == ["retention.removing", "retention.removed"]
    assert entries[-1].about["tracklets"] == sorted([first, unseen])
    assert entries[-1].about["reason"] == "request of 3 May"
    said = run(*asked, "--yes")
    assert said.status == PROBLEMS
    assert f"{first}: not in the gallery" in said.err
    assert run("gallery", "forget", gallery, "x", "--reason", "y").status == REFUSED


def test_verifying_against_a_malformed_head_is_refused(run: Run) -> None:
    assert run("audit", "verify", "--head", "12:abc").status == REFUSED


@pytest.mark.parametrize("missing", ["--authority", "--subject", "--district"])
def test_a_case_is_not_asked_without(run: Run, district: Path, face: Path, missing: str) -> None:
    arguments = opening(district, face)
    at = arguments.index(missing)
    with pytest.raises(SystemExit):
        run(*arguments[:at], *arguments[at + 2 :])


def test_a_search_without_a_case_is_not_understood(run: Run, district: Path, face: Path) -> None:
    with pytest.raises(SystemExit):
        run("search", "--gallery", "x", "--probe", face, "--district", district, *TIMES)


def test_notes_are_written_listed_and_withdrawn(run: Run, district: Path) -> None:
    run("case", "training", "T-1", "--district", district, *TIMES)
    said = run("note", "add", "T-1", "Wears [red]glasses")
    assert said.status == DONE
    (note,) = (json.loads(line) for line in run("note", "list", "T-1", "--json").out.splitlines())
    assert (note["by"], note["kind"], note["text"]) == (ME, "case", "Wears [red]glasses")
    assert "Wears [red]glasses" in run("note", "list", "T-1").out
    assert run("note", "withdraw", "T-1", note["number"]).status == DONE
    assert "withdrawn by" in run("note", "list", "T-1").out
    assert run("note", "withdraw", "T-1", note["number"]).status == REFUSED
    assert run("note", "list", "X-1").status == REFUSED
