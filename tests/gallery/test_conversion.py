"""Conversion of earlier galleries: all of it, and after any kill the old or the new, whole."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from former import unpacked
from killed import killed_at
from parted import VIEWS, answers_of

from workbench.domain import Progress
from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery import conversion, earlier
from workbench.gallery.committing import Committer
from workbench.gallery.conversion import Upgraded, to_parts
from workbench.gallery.earlier import segments_folder
from workbench.gallery.importing import import_into
from workbench.gallery.opening import (
    Opened,
    create,
    folder_of,
    is_gallery,
    open_gallery,
    take_lock,
)
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

TWICE = ("0-0.mp4", "again.mp4")


@pytest.mark.parametrize("schema", [3, 4])
def test_what_was_stored_by_an_earlier_version_is_what_its_export_holds(
    tmp_path: Path, schema: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "BATCH", 30)  # so that a segment takes several commits
    path, imported = unpacked(schema, tmp_path), tmp_path / "imported.duckdb"
    seen: list[Progress] = []
    owner = earlier.read(path).owner
    with (
        closing(take_lock(segments_folder(path), earlier.LOCK, path, "writes it")),
        pytest.raises(GalleryBusy, match="writes it"),
    ):
        to_parts(path)
    done = to_parts(path, progress=seen.append)
    assert done == (Upgraded(3, 10, 3, TWICE) if schema == 3 else Upgraded(4, 14))
    assert (seen[-1].done, seen[-1].total) == 2 * (done.recordings,)
    assert len(seen) > 6
    assert to_parts(path) is None
    assert {one.name for one in tmp_path.iterdir()} == {"export", path.name, folder_of(path).name}
    with open_gallery(path) as opened:
        mine, state = answers_of(_snapshot(opened)), opened.manifest.state()
        profile = opened.manifest.profile
    assert state.owner == owner
    with create(imported, profile) as other:
        writer = Writer(Committer(other.manifest, other.storage), str(imported))
        import_into(writer, tmp_path / "export")
        theirs = answers_of(_snapshot(other))
    for view in VIEWS:
        assert mine[view] == theirs[view], view
    assert len(mine["recordings"][1]) == (10 if schema == 3 else 14)


def _snapshot(opened: Opened) -> Snapshot:
    return Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A gallery of schema 3, alone in its folder."""
    path = unpacked(3, tmp_path)
    shutil.rmtree(path.with_name("export"))
    return path


def _killed_at(step: int, path: Path) -> None:
    once = killed_at(step)
    for name in ("arrive", "sync_path", "open_gallery", "renew"):
        setattr(conversion, name, once(getattr(conversion, name)))
    shutil.rmtree = once(shutil.rmtree)  # type: ignore[assignment]
    conversion.to_parts(path)
    os._exit(0)


def test_a_kill_leaves_the_old_or_the_new_whole(old: Path, tmp_path: Path) -> None:
    # One segment will do: each takes a commit.
    with duckdb.connect(str(old)) as register:
        register.execute("DELETE FROM segments WHERE recordings <> 6")
    fork, kinds = multiprocessing.get_context("fork"), []
    for step in range(20):
        path = tmp_path / str(step) / old.name
        path.parent.mkdir()
        shutil.copy(old, path)
        shutil.copytree(segments_folder(old), segments_folder(path))
        process = fork.Process(target=_killed_at, args=(step, path))
        process.start()
        process.join()
        kinds.append(is_gallery(path))
        if not kinds[-1]:
            for segment in earlier.read(path).segments:
                segment.check()
        assert (to_parts(path) is None) == kinds[-1]
        with open_gallery(path, write=True) as opened:
            assert len(opened.manifest.all_recordings()) == 6
        assert {one.name for one in path.parent.iterdir()} == {path.name, folder_of(path).name}
        if process.exitcode == 0:
            break
    else:
        pytest.fail("it was killed at every step")
    assert kinds == sorted(kinds)
    assert kinds.count(False) > 2
    assert kinds.count(True) > 2


def test_a_gallery_of_nothing_is_converted_with_what_a_killed_writer_left(old: Path) -> None:
    with duckdb.connect(str(old)) as register:
        register.execute("DELETE FROM segments")
    assert to_parts(old) == Upgraded(3, 0)
    assert {one.name for one in old.parent.iterdir()} == {old.name, folder_of(old).name}


def test_another_gallery_that_was_put_in_its_place_stays(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "_finish", full)
        with pytest.raises(OSError, match="No space"):
            to_parts(old)
    old.unlink()
    shutil.rmtree(segments_folder(old))
    unpacked(4, tmp_path)  # somebody's copy, of other footage
    with pytest.raises(GalleryError, match="is another gallery than the one") as refused:
        to_parts(old)
    assert "Move it elsewhere with town.duckdb.segments" in refused.value.fix
    for segment in earlier.read(old).segments:
        segment.check()
    kept = tmp_path / "kept"
    kept.mkdir()
    old.rename(kept / old.name)
    segments_folder(old).rename(kept / segments_folder(old).name)
    assert to_parts(old) is None
    assert sorted(one.name for one in folder_of(old).iterdir() if one.suffix == ".json") == [
        "gallery.json"
    ]


def test_what_was_altered_is_not_converted(old: Path) -> None:
    found = next(segments_folder(old).rglob("rows.duckdb"))
    before = found.read_bytes()
    found.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(GalleryError, match="a file was altered"):
        to_parts(old)
    found.write_bytes(before)
    assert not folder_of(old).exists()
    with duckdb.connect(str(old)) as register:
        register.execute("UPDATE segments SET tracklets = tracklets + 1 WHERE recordings = 6")
    with pytest.raises(GalleryError, match="cannot be upgraded whole"):
        to_parts(old)
    assert {one.name for one in old.parent.iterdir()} == {old.name, segments_folder(old).name}
