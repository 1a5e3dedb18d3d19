"""The contract of a hook: what it is told, what is taken from it, and what happens if it fails."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import films
import numpy as np
import psutil
import pytest
from documented import examples
from shapely import box

from workbench.cli.main import main
from workbench.cli.output import REFUSED
from workbench.domain import District, Scope
from workbench.errors import CatalogueError, SettingsError
from workbench.footage.catalog import read_catalogue
from workbench.indexing.fetched import Fetched
from workbench.indexing.hook import Hook, HookReport

SCOPE = Scope(
    District("Old Town", box(-0.02, 51.47, 0.0, 51.485)),
    datetime(2026, 3, 1, 10, tzinfo=UTC),
    datetime(2026, 3, 1, 11, tzinfo=UTC),
)
CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"
# What every program of these tests begins with.
PROLOGUE = """
    import json, os, pathlib, shutil, sys, time
    told = json.load(sys.stdin)
    into, film = pathlib.Path(told["into"]), sys.argv[1]
    def say_ready():
        print("ready", file=sys.stderr, flush=True)
    def fetch(name="a.mkv", camera="C1", at="2026-03-01T10:30:00Z", **more):
        shutil.copyfile(film, into / name)
        print(json.dumps(dict(file=name, camera_id=camera, started_at=at, **more)), flush=True)
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of grey."""
    grey = [np.full((*films.SIZE, 3), 90, np.uint8)] * films.RATE
    return films.write(tmp_path_factory.mktemp("film") / "grey.mkv", grey)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "cameras.csv").write_text(CAMERAS)
    return folder


Run = Callable[..., HookReport]


@pytest.fixture
def run(tmp_path: Path, catalogue: Path, film: Path) -> Run:
    """``run(body)``: call a program with that body once; every film it fetched was noted."""

    def run(body: str, *, log: list[str] | None = None) -> HookReport:
        program = tmp_path / "fetch.py"
        program.write_text(textwrap.dedent(PROLOGUE) + textwrap.dedent(body))
        hook = Hook([sys.executable, str(program), str(film)], seconds=60)
        lines: list[str] = [] if log is None else log
        noted: list[Fetched] = []
        report = hook.run(catalogue, SCOPE, case="A-1", log=lines.append, note=noted.append)
        assert set(report.fetched) <= set(noted)
        return report

    return run


@pytest.fixture
def overdue(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A log: when the program says ``ready``, the time that it has is over."""
    passed = 0.0

    class Log(list[str]):
        def append(self, line: str) -> None:
            nonlocal passed
            passed = 3600.0 * (line == "ready")
            super().append(line)

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed)
    monkeypatch.setattr("workbench.indexing.hook.time", clock)
    return Log()


def test_what_a_hook_is_told(run: Run, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    run("fetch()")
    report = run("""
        told["variables"], told["kept"] = sorted(os.environ), sorted(os.listdir(told["keep"]))
        pathlib.Path(told["catalogue"], "told.json").write_text(json.dumps(told))
        pathlib.Path(told["keep"], "mine").touch()
    """)
    assert report.problems == ()
    told = json.loads((catalogue / "told.json").read_text())
    assert (told["contract"], told["case"], told["catalogue"]) == (1, "A-1", str(catalogue))
    assert told["start"] == "2026-03-01T10:00:00+00:00"
    assert told["end"] == "2026-03-01T11:00:00+00:00"
    assert told["area"]["geometry"]["type"] == "Polygon"
    assert told["cameras"] == [
        {"camera_id": "C1", "name": "Quay", "latitude": 51.48, "longitude": -0.01}
    ]
    (present,) = told["present"]
    assert present == {
        "file": "a.mkv", "camera_id": "C1", "started_at": "2026-03-01T10:30:00+00:00",
        "ended_at": present["ended_at"],
    }  # fmt: skip
    assert present["ended_at"].startswith("2026-03-01T10:30:01")
    assert set(told["variables"]) <= {
        "HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ",
    }  # fmt: skip
    assert told["kept"] == []
    assert [name.name for name in (catalogue / ".hook" / "keep").iterdir()] == ["mine"]
    assert list((catalogue / ".hook").glob("in-*")) == []


def test_what_a_hook_fetched_is_listed_and_keeps_the_table(run: Run, catalogue: Path) -> None:
    table = catalogue / "footage.csv"
    table.write_text(
        "sep=;\r\nfile;camera_id;started_at;note\r\nold.mkv;C1;2026-03-01T09:00:00Z;Süd, oben",
        encoding="utf-16",
    )
    log: list[str] = []
    report = run(
        'fetch("C1/b.mkv".replace("C1/", ""), clock_offset_seconds=90)\n'
        'print("one film", file=sys.stderr)', log=log,
    )  # fmt: skip
    (fetched,) = report.fetched
    assert fetched.recording.file == "b.mkv"
    assert len(fetched.sha256) == 64
    assert set(log) == {"fetched b.mkv", "one film"}
    assert table.read_text(encoding="utf-16").splitlines() == [
        "sep=;",
        "file;camera_id;started_at;note;clock_offset_seconds",
        "old.mkv;C1;2026-03-01T09:00:00Z;Süd, oben",
        "b.mkv;C1;2026-03-01T10:30:00Z;;90",
    ]
    listed = read_catalogue(catalogue)
    assert [(r.file, r.started_at.time().isoformat()) for r in listed.recordings] == [
        ("old.mkv", "09:00:00"), ("b.mkv", "10:28:30"),
    ]  # fmt: skip


def test_the_answer_that_the_document_shows_is_taken(run: Run, catalogue: Path) -> None:
    (line,) = examples("docs/hooks.md", "json")
    name, at = "C1-20260331T170410Z.mkv", "2026-03-31T17:05:40Z"
    line = line.replace(at, "2026-03-01T10:30:00Z")
    report = run(f"shutil.copyfile(film, into / {name!r})\nprint({line.strip()!r})")
    assert [fetched.recording.file for fetched in report.fetched] == [name]
    assert read_catalogue(catalogue).recordings[0].clock_offset_seconds == 90


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("fetch(camera='C2')", "camera C2 is not within the area of the case"),
        ("fetch(camera='C9')", "camera 'C9' is not among the cameras"),
        ("fetch(at='2026-03-01T09:59:00Z')", "is not within the time of the case"),
        ("fetch(at='2026-03-01T11:00:00Z')", "is not within the time of the case"),
        ("fetch(clock_offset_seconds=3600)", "is not within the time of the case"),
        ("fetch(at='2026-03-01T10:30:00')", "has no offset"),
        ("fetch();\nwhile (into / 'a.mkv').exists(): time.sleep(0.01)\nfetch()",
         "is listed already"),
        ("fetch('.a.mkv')", "its name begins with a dot"),
        ("fetch(); fetch('b.mkv', owner='me')", "is not a row of footage.csv as JSON"),
        ("fetch(); print('working')", "'working' is not a row of footage.csv as JSON"),
        ("fetch(); print('[' * 50_000)", "is not a row of footage.csv as JSON"),
        ("fetch('cameras.geojson')", "has the name of a table of the catalogue"),
        ("os.symlink('/tmp', pathlib.Path(told['catalogue']) / 'out'); "
         "(into / 'out' / 'new').mkdir(parents=True); fetch('out/new/a.mkv')",
         "leads out of the catalogue"),
        ("film = __file__; fetch()", "is not a recording that can be read"),
        ("os.symlink(film, into / 'l.mkv'); film = into / 'l.mkv'; print(json.dumps(dict("
         "file='l.mkv', camera_id='C1', started_at='2026-03-01T10:30:00Z')))", "lies outside"),
        ("print(json.dumps(dict(file='../x.mkv', camera_id='C1', "
         "started_at='2026-03-01T10:30:00Z')))", "lies outside"),
        ("(pathlib.Path(told['catalogue']) / 'a.mkv').write_bytes(b'mine'); fetch()",
         "a different file of this name is there"),
    ],
)  # fmt: skip
def test_what_a_hook_may_not_bring_is_refused(
    run: Run, catalogue: Path, body: str, said: str
) -> None:
    report = run(body)
    assert report.failure == ""
    (problem,) = report.refused
    assert said in problem.what
    assert len(report.fetched) == len(read_catalogue(catalogue).recordings)
    assert len(report.fetched) == body.count("fetch();")
    mine = catalogue / "a.mkv"
    assert not mine.exists() or mine.read_bytes() == b"mine" or report.fetched


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("fetch(); sys.exit('the recorder does not answer')",
         "ended with exit status 1: the recorder does not answer"),
        ("fetch(); os.kill(os.getpid(), 9)", "ended with exit status -9"),
        ("fetch(); (into / 'half.mkv').write_bytes(b'half'); say_ready(); time.sleep(60)",
         "took longer than 60 s and was stopped"),
    ],
)  # fmt: skip
def test_a_hook_that_fails_keeps_what_it_had_finished(
    run: Run, catalogue: Path, overdue: list[str], body: str, said: str
) -> None:
    report = run(body, log=overdue)
    assert report.failure == said
    assert [problem.where for problem in report.problems] == ["hook"]
    assert [film.recording.file for film in report.fetched] == ["a.mkv"]
    assert {path.name for path in catalogue.rglob("*.mkv")} == {"a.mkv"}


def is_alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_hook_that_is_stopped_leaves_no_process_behind(
    run: Run, catalogue: Path, overdue: list[str]
) -> None:
    report = run(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "(pathlib.Path(told['catalogue']) / 'child').write_text(str(child.pid))\n"
        "say_ready()\n"
        "child.wait()", log=overdue,
    )  # fmt: skip
    assert "took longer" in report.failure
    child = int((catalogue / "child").read_text())
    deadline = time.monotonic() + 240  # it was sent the signal; the machine may be busy
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)


def test_what_a_hook_leaves_running_does_not_keep_the_round_waiting(
    run: Run, tmp_path: Path
) -> None:
    """A daemon in a session of its own, which holds the streams for longer than the time is."""
    report = run(
        "import subprocess\n"
        "fetch()\n"
        "left = subprocess.Popen(['sleep', '150'], start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'left')!r}).write_text(str(left.pid))"
    )  # fmt: skip
    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    assert (len(report.fetched), report.problems) == (1, ())


def test_what_a_program_says_last_is_taken_however_late_it_is_looked_at(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"

    class Late(selectors.DefaultSelector):
        """Looks once before the program says anything, and tells of it once that has ended."""

        def select(self, timeout: float | None = None) -> list[Any]:
            if go.exists():
                return super().select(timeout)
            children = psutil.Process().children()
            (program,) = [one for one in children if str(tmp_path) in " ".join(one.cmdline())]
            go.touch()
            while program.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
            return []

    monkeypatch.setattr("workbench.indexing.hook.selectors.DefaultSelector", Late)
    report = run(f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nfetch()")
    assert (len(report.fetched), report.problems) == (1, ())


def test_what_a_hook_says_is_told_line_by_line(run: Run) -> None:
    log: list[str] = []
    report = run(
        "sys.stderr.buffer.write('Süd\\n\\nNord\\xff'.encode('latin-1') + b'x' * 250_000)\n"
        "fetch()\nsys.stdout.write('cut off')", log=log,
    )  # fmt: skip
    assert log[0] == "S\ufffdd"
    assert log[1].startswith("Nord")
    assert max(map(len, log)) <= 100_000
    assert sum(line.count("x") for line in log) == 250_000
    assert len(report.fetched) == 1
    assert "'cut off' is not a row" in report.problems[0].what


def test_two_hooks_do_not_work_in_one_catalogue(run: Run, catalogue: Path) -> None:
    import fcntl

    run("")
    lock = os.open(catalogue / ".hook" / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CatalogueError, match="another hook is at work"):
            run("")
    finally:
        os.close(lock)


@pytest.mark.parametrize("name", [".hook", "footage.csv"])
def test_a_hook_writes_through_no_link(
    run: Run, catalogue: Path, tmp_path: Path, name: str
) -> None:
    other = tmp_path / "elsewhere"
    if name == ".hook":
        (other / "in-1").mkdir(parents=True)
    (catalogue / name).symlink_to(other)
    with pytest.raises(CatalogueError, match="is a link, and a hook writes through none"):
        run("fetch()")
    assert other.exists() is (name == ".hook")  # a link that led nowhere still does
    assert [*other.glob("*")] == ([other / "in-1"] if name == ".hook" else [])


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("no program")
    for name in ("no-such-program", str(tmp_path / "plain.txt")):
        with pytest.raises(SettingsError, match="is not a program that can be run"):
            Hook([name])


def test_without_a_camera_in_the_area_the_program_is_not_called(run: Run, catalogue: Path) -> None:
    (catalogue / "cameras.csv").write_text(CAMERAS.replace("51.48,", "51.6,"))
    report = run("fetch()")
    assert report.failure.startswith("no camera of the catalogue is within the area")
    assert read_catalogue(catalogue).recordings == ()


@pytest.mark.parametrize(
    "more",
    [["--hook", "true"], ["--case", "A-1"], ["--hook", "true", "--case", "A-1", "--dry-run"]],
)
def test_a_hook_needs_a_case_and_a_run(
    catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    gallery = tmp_path / "g.duckdb"
    assert main(["index", str(catalogue), "--gallery", str(gallery), *more]) == REFUSED
    assert "--hook, --case: cannot be used like this" in capsys.readouterr().err
    assert not gallery.exists()
