"""Merging in a process of its own: beside a writer, one at a time, and killed without loss."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from parted import CAMERAS

from workbench.domain import IndexedRecording, Profile, to_microseconds
from workbench.errors import GalleryBusy
from workbench.gallery import background, named
from workbench.gallery.background import days_at_rest, main, merge, start
from workbench.gallery.committing import Committer
from workbench.gallery.entries import day_of
from workbench.gallery.manifest import Manifest
from workbench.gallery.opening import Opened, create, folder_of, merging
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

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
        assert process.wait(30) == 0
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
            assert start(path).wait(30) == 0
    assert capfd.readouterr().err == ""


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
