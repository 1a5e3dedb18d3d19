"""A gallery takes the place of another: decisions stay valid, and a kill leaves one, whole."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from killed import killed_at
from parted import CAMERAS, answers_of, filled, pictures

from workbench.domain import ClockCorrection, IndexedRecording, Profile
from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery import replacing
from workbench.gallery.committing import Committer
from workbench.gallery.correcting import correct_clock
from workbench.gallery.entries import Change, RunEntry
from workbench.gallery.footage import Footage
from workbench.gallery.opening import create, folder_of, is_gallery, merging, open_gallery
from workbench.gallery.parts import check_part
from workbench.gallery.recordings import stored
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
Make = Callable[..., IndexedRecording]


def plain(recordings: Sequence[IndexedRecording]) -> list[Any]:
    """Recordings as values that compare, but for what a gallery does not keep."""

    def listed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: listed(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [listed(one) for one in value]
        return value.tolist() if isinstance(value, np.ndarray) else value

    return [
        listed(
            asdict(
                replace(
                    one,
                    recording=replace(
                        one.recording, path=Path(), rotation=one.recording.rotation or 0,
                        clock_given_for="",
                    ),
                )
            )
        )
        for one in recordings
    ]  # fmt: skip


def test_recordings_are_as_they_were_stored(tmp_path: Path) -> None:
    made = filled(tmp_path, "euclidean", 7, count=10)
    ids = [*made.town.recordings][::-1]
    found = stored(made.reader, ids)
    assert [one.stored_id for one in found] == ids
    wanted = [
        # Counts of scores are of the templates that there were.
        replace(
            one, stored_id=one.recording_id, different_people=(),
            problems=tuple(sorted(one.problems, key=lambda p: p.at_seconds or np.inf)),
        )
        for one in made.recordings[::-1]
    ]  # fmt: skip
    assert plain(found) == plain(wanted)
    with pytest.raises(GalleryError, match="holds no recording"):
        stored(made.reader, ["0" * 16])
    made.close()


def writer_of(path: Path, opened: Any) -> Writer:
    return Writer(Committer(opened.manifest, opened.storage), str(path))


@pytest.fixture
def old(tmp_path: Path, profile: Profile, indexed: Make) -> Path:
    path = tmp_path / "town.duckdb"
    with create(path, profile) as opened:
        writer = writer_of(path, opened)
        writer.add_cameras(CAMERAS.values())
        writer.add_recordings([indexed(0, 0, (1, 2)), indexed(1, 0, (3,))])
        opened.manifest.commit(Change(runs=[RunEntry("footage", NOON, NOON, 2, 0, 0)]))
    replacing._renew(path)
    return path


@pytest.fixture
def new(old: Path, profile: Profile) -> Path:
    """All of it again, with other templates, and a clock that was corrected since."""
    path = old.with_name("town.new.duckdb")
    with open_gallery(old, write=True) as one, create(path, replace(profile, version="2")) as other:
        snapshot = Snapshot.latest(one.manifest, one.storage, memory_bytes=0)
        writer, before = writer_of(path, other), Footage(one.manifest, "old")
        replacing.carry_over(one.manifest, writer.committer)
        ids = replacing.missing(before, writer.footage)
        assert len(ids) == 2
        for recording in stored(Reader(old, snapshot), ids[:1]):
            tracklets = [
                t if t.template is None else replace(t, template=t.template[::-1])
                for t in recording.tracklets
            ]
            writer.add_recordings([replace(recording, tracklets=tuple(tracklets))])
        assert replacing.missing(before, writer.footage) == ids[1:]
        with pytest.raises(GalleryBusy):
            replacing.replace(old, path)
    with pytest.raises(GalleryError, match=r"lacks 1 recordings of town\.duckdb"):
        replacing.replace(old, path)
    with open_gallery(old, write=True) as one, open_gallery(path, write=True) as other:
        snapshot = Snapshot.latest(one.manifest, one.storage, memory_bytes=0)
        writer_of(path, other).add_recordings(stored(Reader(old, snapshot), ids[1:]))
        correct_clock(
            Committer(one.manifest, one.storage), Footage(one.manifest, "old"), snapshot,
            ClockCorrection(90.0, "Anna", "speaking clock", NOON), recordings=ids[:1],
        )  # fmt: skip
    replacing._renew(path)
    return path


def seen(path: Path) -> tuple[str, dict[str, Any], Any]:
    """Version of the profile, and all that people see."""
    with open_gallery(path) as opened:
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
        rows = answers_of(snapshot)
        shown = {key: jpeg for key, (jpeg, _) in pictures(snapshot).items()}
        return opened.manifest.profile.version, rows, shown


def whole(path: Path) -> str:
    """Version of the profile, of a gallery in which all is there and sound."""
    with open_gallery(path) as opened:
        manifest = opened.manifest
        entries = manifest.parts(manifest.state().commit)
        for entry in entries:
            assert [*check_part(opened.storage, entry, manifest.profile)] == []
        assert sum(entry.tracklets for entry in entries) == 5
        assert len(manifest.all_recordings()) == sum(entry.recordings for entry in entries) == 2
        return manifest.profile.version


def test_the_new_one_takes_the_place_and_all_ids_stay(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, keep = seen(old), old.with_name("kept.duckdb")
    keep.write_bytes(b"mine")
    with pytest.raises(GalleryError, match="already exists"):
        replacing.replace(old, new, keep=keep)
    keep.unlink()
    # Parts of both are being merged: that is waited for.
    merged = [contextlib.ExitStack(), contextlib.ExitStack()]
    for stack, path in zip(merged, (new, old), strict=True):
        stack.enter_context(merging(path))
    monkeypatch.setattr(replacing.time, "sleep", lambda _: merged.pop().close())
    replacing.replace(old, new, keep=keep)
    assert merged == []
    after = seen(old)
    assert after[0] == "2"
    assert after[1:] == before[1:]
    assert seen(keep) == before
    names = {old.name, folder_of(old).name, keep.name, folder_of(keep).name}
    assert {one.name for one in old.parent.iterdir()} == names
    assert not (folder_of(old) / replacing.NOTE).exists()


def _killed_at(step: int, old: Path, new: Path, keep: Path | None, one_step: bool) -> None:
    once = killed_at(step)
    for name in ("sync_path", "_exchange", "_put_away", "_finish", "renew"):
        setattr(replacing, name, once(getattr(replacing, name)))
    if not one_step:
        replacing.ctypes = SimpleNamespace(CDLL=lambda *_, **__: object())  # type: ignore[assignment]
    for owner, name in ((shutil, "rmtree"), (Path, "rename")):
        setattr(owner, name, once(getattr(owner, name)))
    replacing.replace(old, new, keep=keep)
    os._exit(0)


@pytest.mark.parametrize(
    ("kept", "one_step"), [(False, True), pytest.param(True, False, marks=pytest.mark.slow)]
)
def test_a_kill_leaves_the_old_or_the_new_whole(
    old: Path, new: Path, tmp_path: Path, kept: bool, one_step: bool
) -> None:
    fork, versions = multiprocessing.get_context("fork"), []
    for step in range(30):
        folder = tmp_path / str(step)
        folder.mkdir()
        for each in (old, new):
            shutil.copy(each, folder)
            shutil.copytree(folder_of(each), folder / folder_of(each).name)
        mine, its = folder / old.name, folder / new.name
        keep = folder / "kept.duckdb" if kept else None
        process = fork.Process(target=_killed_at, args=(step, mine, its, keep, one_step))
        process.start()
        process.join()
        if one_step or is_gallery(mine):  # else it was put aside
            versions.append(whole(mine))
        if process.exitcode == 0:
            break
        replacing.replace(mine, its, keep=keep)
        assert whole(mine) == "2"
        assert not is_gallery(its)
        if keep is not None:
            assert whole(keep) != "2"
        names = {each.name for each in folder.iterdir() if not each.name.startswith("town.duckdb")}
        assert names == ({"kept.duckdb", "kept.duckdb.gallery"} if kept else set())
        assert not (folder_of(mine) / replacing.NOTE).exists()
        shutil.rmtree(folder)
    else:
        pytest.fail("it was killed at every step")
    assert versions == sorted(versions, key=lambda version: version == "2")
    assert {len([v for v in versions if v != "2"]) > 2, versions.count("2") > 2} == {True}
