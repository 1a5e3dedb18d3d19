"""Progress of long work: below a cell, on a terminal, or as a line now and then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench import notebook
from workbench.domain import Progress, ProgressCallback
from workbench.indexing import IndexReport
from workbench.installation import Installation
from workbench.live import progress as shown
from workbench.notebook import galleries


def test_progress_without_a_terminal_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 101.0, 129.9, 130.0, 131.0, 132.0])
    monkeypatch.setattr(shown, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with shown.indexing() as progress:
        for done in range(6):
            progress(Progress(done, 6, "a.mkv", elapsed_seconds=60.0))
    captured = capsys.readouterr()
    assert captured.out == ""
    # At once, after thirty seconds, and at the end.
    assert [line[: line.index(" recordings")] for line in captured.err.splitlines()] == [
        "Indexing: 0/6", "Indexing: 3/6", "Indexing: 5/6",
    ]  # fmt: skip
    assert "1 min left" in captured.err


def test_an_interrupted_run_says_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    running = shown.indexing("Stopped. What is finished is stored.")
    progress = running.__enter__()
    progress(Progress(1, 6, "a.mkv", elapsed_seconds=60.0))
    assert not running.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # it goes on

    assert capsys.readouterr().err.splitlines()[1:] == ["Stopped. What is finished is stored."]


def test_a_quick_search_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.searching() as progress:
        progress(Progress(5, 5))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("asked", "shows"), [(True, True), (False, False)])
def test_progress_is_shown_unless_it_is_switched_off(
    asked: bool, shows: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown.followed(asked, shown.indexing) as progress:
        if progress is not None:
            progress(Progress(1, 6, "a.mkv"))
    assert bool(capsys.readouterr().err) is shows


def test_a_callback_of_ones_own_is_called_instead(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Progress] = []
    with shown.followed(seen.append, shown.indexing) as progress:
        assert progress is not None
        progress(Progress(1, 6))
    assert seen == [Progress(1, 6)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "drawn"), [(True, "━"), (False, "Indexing: 1/6")])
def test_indexing_uses_all_cores_and_shows_its_progress_unless_told_otherwise(
    terminal: bool,
    drawn: str,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    used: list[int] = []

    def index(*_: object, workers: int, progress: ProgressCallback, **__: object) -> IndexReport:
        used.append(workers)
        progress(Progress(1, 6, "a.mkv"))
        return IndexReport(())

    monkeypatch.setattr(galleries.indexing, "index_catalogue", index)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3, 5, 6})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    models = installation.load_models("dlib")
    with notebook.Gallery.create(tmp_path / "town.duckdb", models.profile) as gallery:
        notebook.index_catalogue(tmp_path, gallery, models)
    assert used == [5]
    assert drawn in capsys.readouterr().err


SCRIPT = """
import multiprocessing, os
from workbench.indexing.workers import without_script

print("ran", flush=True)
with without_script():
    worker = multiprocessing.get_context("spawn").Process(target=os.getpid)
    worker.start()
worker.join()
print(worker.exitcode, os.path.basename(__file__), __spec__)
"""


def test_workers_do_not_run_the_script_that_asks_for_them(tmp_path: Path) -> None:
    path = tmp_path / "town.py"
    path.write_text(SCRIPT)  # as people write it, without `if __name__ == "__main__"`
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["ran", "0 town.py None"]
