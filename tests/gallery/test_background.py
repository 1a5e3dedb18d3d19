"""Merging in a process of its own: beside a writer, one at a time, and killed without loss."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from parted import CAMERAS

from workbench.domain import IndexedRecording, Profile, to_microseconds
from workbench.errors import GalleryBusy
from workbench.gallery import Gallery, background, named
from workbench.gallery.background import days_at_rest, main, merge, start
from workbench.gallery.committing import Committer
from workbench.gallery.entries import PartEntry, day_of
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import Merger
from workbench.gallery.opening import Opened, create, folder_of, merging
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

START_UNATTENDED = background.start_unattended  # before it is kept from the tests
Make = Callable[..., IndexedRecording]


def counts(opened: Opened) -> dict[str, int]:
    return opened.manifest.counts(opened.manifest.state().commit)


def add(opened: Opened, recordings: list[IndexedRecording]) -> None:
    writer = Writer(Committer(opened.manifest, opened.storage), str(opened.path))
    writer.add_cameras(CAMERAS.values())
    for one in recordings:
        writer.add_recordings([one])


def test_a_process_merges_beside_the_writer(
    tmp_path: Path, profile: Profile, indexed: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "town.duckdb"
    with create(path, profile) as opened:
        add(opened, [indexed(n % 4, n, (n,)) for n in range(16)])
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
        named.renew(path, opened.folder, snapshot)
        assert counts(opened)["parts"] == 16
        # Killed in the middle of its work: a name is reserved, and a part half written.
        (left, *_), _ = opened.manifest.reserve("merger", parts=[1])
        process = start(path)
        add(opened, [indexed(n % 4, 100 + n, (n,)) for n in range(3)])
        assert (process.communicate(timeout=600)[1], process.returncode) == (b"", 0)
        found = counts(opened)
        assert found["parts"] < 16
        assert (found["recordings"], found["tracklets"]) == (19, 38)
        assert left not in {one.name for one in opened.manifest.unfinished("merger")}
        # The named file has views of parts that there are.
        with duckdb.connect(str(path), read_only=True) as shell:
            ((shown,),) = shell.execute("SELECT count(*) FROM recordings").fetchall()
        assert shown >= 16
        with merging(path):
            with pytest.raises(GalleryBusy, match="merges it"):
                merge(path)
            assert start(path).wait(600) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("call", "listed"), [(1, False), (2, False), (2, True)])
def test_a_gallery_is_closed_while_another_process_merges_it(
    tmp_path: Path, profile: Profile, indexed: Make, monkeypatch: pytest.MonkeyPatch,
    call: int, listed: bool,
) -> None:  # fmt: skip
    """Parts go before they are listed or after it, for what is derived or for the named file."""
    path = tmp_path / "town.duckdb"
    with create(path, profile) as opened:
        add(opened, [indexed(n % 4, n, (n,)) for n in range(16)])
    gallery = Gallery.open(path, write=True)
    gallery.writer.add_recordings([indexed(0, 100, (5,))])
    lists, asked_at = Snapshot.parts, []

    def parts(self: Snapshot) -> list[PartEntry]:
        before = lists(self)
        asked_at.append(self.commit)
        if len(asked_at) == call:
            merge(path)
            return before if listed else lists(self)
        return before

    monkeypatch.setattr(Snapshot, "parts", parts)
    gallery.close()
    monkeypatch.undo()
    with Gallery.open(path) as again, duckdb.connect(path, read_only=True) as asked:
        (found,) = asked.execute("SELECT count(*) FROM tracklets").fetchone() or ()
        assert found == len(again.tracklets()) > 16
        assert len(again.snapshot.parts()) < 16
    assert len(asked_at) == 3  # one of the two once more


def test_what_cannot_be_merged_is_told(
    tmp_path: Path, profile: Profile, indexed: Make, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "nice", lambda by: by)
    path = tmp_path / "town.duckdb"
    with create(path, profile) as opened:
        add(opened, [indexed(0, n, (n,)) for n in range(8)])
        found = next((folder_of(path) / "parts").rglob("tracklets.parquet"))
        kept = found.read_bytes()
        found.write_bytes(kept[:100])
        assert main(str(path)) == 2
        assert "sightline: merging: " in capfd.readouterr().err
        assert counts(opened)["parts"] == 8
        found.write_bytes(kept)

        def interrupted(*_: object) -> int:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(background, "merge", interrupted)
            assert main(str(path)) == 130
        assert main(str(path)) == 0
        assert counts(opened)["parts"] == 1


@pytest.mark.parametrize("at", ["run", "renew"])
def test_a_gallery_that_is_deleted_while_it_is_merged_stays_so_and_nobody_is_told(
    tmp_path: Path, profile: Profile, indexed: Make, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, at: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "nice", lambda by: by)
    path = tmp_path / "town.duckdb"
    with create(path, profile) as opened:
        add(opened, [indexed(0, n, (n,)) for n in range(8)])
    owner = Merger if at == "run" else background
    usual = getattr(owner, at)

    def deleted(*values: Any) -> Any:
        shutil.rmtree(folder_of(path))
        return usual(*values)

    monkeypatch.setattr(owner, at, deleted)
    assert main(str(path)) == 0
    assert main(str(path)) == 0
    assert capfd.readouterr().err == ""
    assert [*tmp_path.iterdir()] == []


def test_what_a_process_that_nobody_waits_for_says_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it ended by: with its own words, a traceback, or killed."""
    told = iter([(0, b""), (130, b""), (2, b"sightline: merging: x"), (1, b"Traceback"), (-9, b"")])

    class Ended:
        def __init__(self) -> None:
            self.returncode, self.said = next(told)

        def communicate(self) -> tuple[None, bytes]:
            return None, self.said

    monkeypatch.setattr(background, "start", lambda _: Ended())
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)
    for _ in range(5):
        START_UNATTENDED(Path("town.duckdb"))
    assert [one.getMessage() for one in caplog.records] == [
        "sightline: merging: x", "Traceback", "merging town.duckdb: ended with status -9",
    ]  # fmt: skip


def test_a_day_rests_an_hour_after_its_last_recording_and_not_before_it_is_over(
    tmp_path: Path, profile: Profile, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "town.duckdb"
    one = indexed(0, 0, (1,))
    day = day_of(to_microseconds(one.started_at))
    with create(path, profile) as opened:
        add(opened, [one])
        now = opened.manifest.now()
        for ahead, rests in ((0, False), (59, False), (61, True)):
            later = now + timedelta(minutes=ahead)
            monkeypatch.setattr(Manifest, "now", lambda _, later=later: later)
            assert days_at_rest(opened.manifest)(day) is rests, ahead
            assert not days_at_rest(opened.manifest)(day_of(to_microseconds(later)))
        assert days_at_rest(opened.manifest)(day - 1)  # of which there is nothing
