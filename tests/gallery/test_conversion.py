"""Conversion of segments into parts: all of it, and after any kill the old or the new, whole."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parted import CAMERAS, VIEWS, answers, twins

from workbench.domain import IndexedRecording, Profile, Progress
from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery import Gallery, conversion
from workbench.gallery.conversion import to_parts
from workbench.gallery.opening import folder_of, is_gallery, open_gallery
from workbench.gallery.questions import read_only
from workbench.gallery.register import segments_folder
from workbench.gallery.snapshot import Snapshot


def test_a_gallery_of_segments_becomes_one_of_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "BATCH", 12)  # so that a segment takes several commits
    made = twins(tmp_path, "euclidean", 7, count=8)
    path, seen = made.gallery.path, list[Progress]()
    made.gallery.give_to("ab")
    with made.gallery.connection() as wanted:
        theirs = answers(wanted)
    with pytest.raises(GalleryBusy, match="writes it"):
        to_parts(path)
    made.close()
    assert to_parts(path, progress=seen.append) == len(made.recordings)
    assert (seen[-1].done, seen[-1].total) == 2 * (len(made.recordings),)
    assert len(seen) > 6
    assert not segments_folder(path).exists()
    with open_gallery(path, write=True) as opened:
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
        with read_only(snapshot) as found:
            mine = answers(found)
        assert snapshot.state.owner == "ab"
    for view in VIEWS:
        assert mine[view] == theirs[view], view
    assert to_parts(path) is None


@pytest.fixture
def small(tmp_path: Path, profile: Profile, indexed: Callable[..., IndexedRecording]) -> Path:
    path = tmp_path / "town.duckdb"
    with Gallery.create(path, profile) as gallery:
        gallery.add_cameras(CAMERAS.values())
        gallery.add_recordings([indexed(0, 0, (1,)), indexed(1, 0, (2,))])
    return path


def _killed_at(step: int, path: Path) -> None:
    left = [step]

    def once(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return real(*values, **named)

        return call

    for name in ("sync_path", "open_gallery", "renew"):
        setattr(conversion, name, once(getattr(conversion, name)))
    shutil.rmtree = once(shutil.rmtree)  # type: ignore[assignment]
    conversion.to_parts(path)
    os._exit(0)


def test_a_gallery_of_nothing_is_converted_with_what_a_killed_writer_left(
    tmp_path: Path, profile: Profile
) -> None:
    path = tmp_path / "town.duckdb"
    Gallery.create(path, profile).close()
    (segments_folder(path) / "00000009-aaaaaaaa").mkdir()
    assert to_parts(path) == 0
    assert {one.name for one in tmp_path.iterdir()} == {path.name, folder_of(path).name}


def test_a_kill_leaves_the_old_or_the_new_whole(small: Path, tmp_path: Path) -> None:
    fork, kinds = multiprocessing.get_context("fork"), []
    for step in range(20):
        path = tmp_path / str(step) / small.name
        path.parent.mkdir()
        shutil.copy(small, path)
        shutil.copytree(segments_folder(small), segments_folder(path))
        process = fork.Process(target=_killed_at, args=(step, path))
        process.start()
        process.join()
        kinds.append(is_gallery(path))
        if not kinds[-1]:
            with Gallery.open(path) as gallery:
                assert len(gallery.recordings()) == 2
        to_parts(path)
        with open_gallery(path, write=True) as opened:
            assert len(opened.manifest.all_recordings()) == 2
        assert {one.name for one in path.parent.iterdir()} == {path.name, folder_of(path).name}
        if process.exitcode == 0:
            break
    else:
        pytest.fail("it was killed at every step")
    assert kinds == sorted(kinds)
    assert kinds.count(False) > 2
    assert kinds.count(True) > 2


def test_another_gallery_that_was_put_in_its_place_stays(
    small: Path, tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "_finish", full)
        with pytest.raises(OSError, match="No space"):
            to_parts(small)
    small.unlink()
    shutil.rmtree(segments_folder(small))
    with Gallery.create(small, profile) as gallery:  # somebody's copy, of other footage
        gallery.add_cameras(CAMERAS.values())
    with pytest.raises(GalleryError, match="is another gallery than the one") as refused:
        to_parts(small)
    assert "Move it elsewhere with town.duckdb.segments" in refused.value.fix
    with Gallery.open(small) as gallery:
        assert len(gallery.cameras()) == len(CAMERAS)
    kept = tmp_path / "kept"
    kept.mkdir()
    small.rename(kept / small.name)
    segments_folder(small).rename(kept / segments_folder(small).name)
    assert to_parts(small) is None
    assert sorted(one.name for one in folder_of(small).iterdir() if one.suffix == ".json") == [
        "gallery.json"
    ]


def test_what_was_altered_is_not_converted(small: Path) -> None:
    found = next(segments_folder(small).rglob("rows.duckdb"))
    before = found.read_bytes()
    found.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(GalleryError, match="a file was altered"):
        to_parts(small)
    found.write_bytes(before)
    assert not folder_of(small).exists()
    assert to_parts(small) == 2
