"""Questions in SQL: every view has what was given, and there is no way out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
from oracle import Town, check_tables
from parted import CAMERAS, answers, answers_of

from workbench.domain import (
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Problem,
    Profile,
    ScoreCount,
)
from workbench.gallery import questions
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import CameraEntry, Change, RefusalEntry, RunEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.questions import read_only, write_named
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage


@pytest.fixture
def recordings(
    indexed: Callable[..., IndexedRecording], joined: IndexedRecording
) -> list[IndexedRecording]:
    made = [indexed(n % 4, 200 * n, (n, n + 1, n + 2)) for n in range(8)]
    counted = ScoreCount("plain", 0.5, 0.5, 0.1, 3)
    problem = Problem("x", "its clock jumps", 12.0)
    made[0] = replace(made[0], different_people=(counted,), problems=(problem,))
    return [*made, joined]


@pytest.fixture
def snapshot(
    tmp_path: Path, profile: Profile, recordings: list[IndexedRecording]
) -> Iterator[Snapshot]:
    database = SQLiteDatabase(tmp_path / "manifest.sqlite", write=True, create=True)
    storage = Storage.at(tmp_path / "kept")
    storage.prepare()
    committer = Committer(Manifest.create(database, profile, "town.duckdb"), storage)
    at = recordings[0].started_at
    setting = ClockSetting(ClockCorrection(2.0, "Anna", "compared", at), camera_id="C4")
    committer.manifest.commit(
        Change(
            cameras=[CameraEntry(one, at) for one in CAMERAS.values()], clocks=[setting],
            runs=[RunEntry("footage", at, at + timedelta(hours=1), 9, 1, 2)],
            refusals=[RefusalEntry("C0", "bad.mp4", at, "is empty", at, 0.0, "")],
        )
    )  # fmt: skip
    for begin in range(0, 9, 3):
        committer.store(recordings[begin : begin + 3], CAMERAS)
    yield Snapshot.latest(committer.manifest, storage, memory_bytes=2**30)
    committer.manifest.close()


def test_answers_are_what_was_given(
    profile: Profile, recordings: list[IndexedRecording], snapshot: Snapshot
) -> None:
    manifest = snapshot.manifest
    town = Town(
        profile, CAMERAS, {one.recording_id: one for one in recordings}, manifest.clocks(),
        [*manifest.runs()], [*manifest.refusals()],
    )  # fmt: skip
    found = answers_of(snapshot)
    check_tables(found, town.tables())
    assert len(found["shots"][1]) > 40
    assert [len(found[name][1]) for name in ("clocks", "runs", "refusals")] == [1, 1, 1]
    with read_only(snapshot) as connection:
        assert connection.execute('SELECT "commit" FROM as_of').fetchall() == [(4,)]


def test_sql_shows_the_documented_tables(snapshot: Snapshot) -> None:
    documented = duckdb.connect()
    documented.execute((files("workbench.gallery") / "schema.sql").read_text("utf-8"))
    tables = [
        name for (name,) in documented.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    ]
    assert len(tables) == 13
    with read_only(snapshot) as shown:
        for table in tables:
            columns = [
                [(name, kind) for name, kind, *_ in one.sql(f"DESCRIBE {table}").fetchall()]
                for one in (documented, shown)
            ]
            assert columns[0] == columns[1], table


def test_the_file_that_people_name_is_read_by_duckdb_itself(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    path = tmp_path / "town.duckdb"
    write_named(path, snapshot)
    write_named(path, snapshot)
    assert path.stat().st_mode & 0o777 == 0o600
    asked = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql(sys.argv[2]).fetchall())"  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-c", asked, path, "SELECT count(*) FROM sightings_view, as_of"],
        capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    assert done.stdout.strip() == "[(38,)]"
    assert [*tmp_path.glob(".*")] == []


def test_an_empty_gallery_has_all_tables(tmp_path: Path, profile: Profile) -> None:
    database = SQLiteDatabase(tmp_path / "manifest.sqlite", write=True, create=True)
    manifest = Manifest.create(database, profile, "town.duckdb")
    snapshot = Snapshot.latest(manifest, Storage.at(tmp_path), memory_bytes=1)
    with read_only(snapshot) as connection:
        assert {len(rows) for _, rows in answers(connection).values()} == {0}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x (a INTEGER)", "DELETE FROM all_cameras", "FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '{folder}/kept/parts/x.csv'", "ATTACH '{folder}/y.duckdb'",
        "FROM read_blob('{folder}/manifest.sqlite')", "SET enable_external_access = true",
    ],
)  # fmt: skip
def test_a_question_can_write_nothing_and_read_nothing_else(
    tmp_path: Path, snapshot: Snapshot, sql: str
) -> None:
    with read_only(snapshot) as connection:
        with pytest.raises(duckdb.Error):
            connection.execute(sql.format(folder=tmp_path))
        assert not (tmp_path / "kept/parts/x.csv").exists()


def test_ctrl_c_in_a_statement_is_no_other_error_and_leaves_nothing(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long(connection: duckdb.DuckDBPyConnection, _: Snapshot) -> None:
        connection.execute("SET threads = 1")  # it looks for Ctrl-C between tasks of this one alone
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        connection.execute("SELECT sum(range) FROM range(1_000_000_000_000)").fetchall()

    monkeypatch.setattr(questions, "_tables", long)
    before = {*tmp_path.iterdir()}
    for asked in (
        lambda: read_only(snapshot),
        lambda: write_named(tmp_path / "x.duckdb", snapshot),
    ):
        with pytest.raises(KeyboardInterrupt):
            asked()
    assert {*tmp_path.iterdir()} == before
