"""``sightline footage import``: asked at a terminal, told to a script, and indexed afterwards."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office

from workbench.cli import importing
from workbench.cli.main import main
from workbench.cli.output import DONE, PROBLEMS, REFUSED
from workbench.gallery import Gallery


@pytest.fixture
def export(tmp_path: Path, cuts: dict[str, Path]) -> Path:
    """Two films of which only one states its time, a list of cameras, and a text."""
    root = tmp_path / "export"
    (root / "Quay").mkdir(parents=True)
    shutil.copyfile(cuts["Maren Holt"], root / "Quay" / "2026-03-31_18-00-00.mkv")
    shutil.copyfile(cuts["Tobias Reed"], root / "Quay" / "tobias.mkv")
    (root / "notes.txt").write_text("call me back\n")
    (tmp_path / "list.csv").write_text("id;lat;lon\nquay;51,48;-0,01\n")
    return root


@pytest.fixture
def run(export: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*options: str) -> tuple[int, str, str]:
        capsys.readouterr()
        cameras = str(export.parent / "list.csv")
        status = main(["footage", "import", str(export), "--cameras", cameras, *options])
        return (status, *capsys.readouterr())

    return run


def test_a_script_writes_what_is_stated_and_the_result_is_indexed(
    export: Path, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    status, out, _ = run("--zone", "Europe/London", "--yes", "--json")
    assert status == PROBLEMS
    said = [json.loads(line) for line in out.splitlines()]
    first, second, problem, summary = said
    assert (first["how_sure"], first["written"], first["camera_id"]) == ("likely", True, "quay")
    assert (second["rests_on"], second["ready"], second["written"]) == (
        "modification time", True, False,
    )  # fmt: skip
    assert problem["where"] == "notes.txt"
    assert (summary["recordings"], summary["written"], summary["not_understood"]) == (2, 1, 1)

    gallery = tmp_path / "g.duckdb"
    assert main(["index", str(export), "--gallery", str(gallery)]) == DONE
    with Gallery.open(gallery) as opened:
        (recording,) = opened.recordings().to_dict("records")
        assert len(opened.tracklets()) == 1
    assert recording["started_at"] == datetime(2026, 3, 31, 17, tzinfo=UTC)

    # Again: what is listed stays, and rows are added only if that is wanted.
    before = (export / "footage.csv").read_bytes()
    status, out, _ = run("--zone", "Europe/London", "--yes", "--json")
    assert (status, json.loads(out.splitlines()[-1])["listed"]) == (PROBLEMS, 1)
    assert (export / "footage.csv").read_bytes() == before


def test_at_a_terminal_the_zone_is_asked_for_once(
    export: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "at_a_terminal", lambda: True)
    answers = "Europe/Londn\nEurope/London\nyes\ny\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    status, out, err = run()
    assert status == PROBLEMS  # for notes.txt
    assert "'Europe/Londn' is not a time zone" in err
    assert "2026-03-31 18:00:00+01:00" in out
    assert "The time of 1 recording is weak" in err
    rows = (export / "footage.csv").read_text().splitlines()
    assert rows[0] == "file,camera_id,started_at,time_from"
    assert rows[1] == "Quay/2026-03-31_18-00-00.mkv,quay,2026-03-31T17:00:00+00:00,name"
    assert rows[2].endswith(",modification time")
    # What rests on a modification time alone stays in doubt in the gallery.
    assert main(["index", str(export), "--gallery", str(export / "g.duckdb")]) == PROBLEMS
    with Gallery.open(export / "g.duckdb") as opened:
        doubts = (
            opened.recordings()
            .set_index("file")["recording_id"]
            .map(
                {
                    name: those[0].doubt
                    for name, those in opened.stretches_by_id(
                        opened.recordings()["recording_id"]
                    ).items()
                }
            )
        )
    assert doubts["Quay/2026-03-31_18-00-00.mkv"] == ""
    assert "when the file was last written" in doubts["Quay/tobias.mkv"]


def test_nothing_is_written_unless_somebody_agrees(
    export: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("--zone", "UTC")[0] == REFUSED  # no terminal, and no --yes
    assert run("--zone", "UTC", "--yes", "--dry-run")[0] == PROBLEMS
    monkeypatch.setattr(importing, "at_a_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n\n"))
    _, out, err = run()
    assert "(Europe/London if empty)" in err  # where the cameras of the list stand
    assert "2026-03-31 18:00:00+01:00" in out
    assert "Nothing was written." in err
    assert [*export.glob("*.csv")] == []


def test_in_service_the_role_decides_and_the_record_says_who(
    office: Office, export: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    office.sit("anna")  # an analyst, who searches
    status, _, told = run("--zone", "UTC", "--yes")
    assert status == REFUSED
    assert "this action requires supervisor or administrator" in " ".join(told.split())
    assert not (export / "footage.csv").exists()
    assert office.events("footage.import.refused")
    office.sit("sara")
    assert run("--zone", "UTC", "--yes")[0] == PROBLEMS
    (entry,) = office.events("footage.listed")
    assert (entry.about["recordings"], entry.about["zone"]) == (1, "UTC")
    assert entry.about["catalogue"] == str(export)
