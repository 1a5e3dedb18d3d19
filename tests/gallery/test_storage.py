"""Storage: a folder and an object store differ in their address alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import fs

from workbench.domain import Camera, IndexedRecording, Profile
from workbench.errors import GalleryError
from workbench.gallery import storage as storing
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import CameraEntry, Change
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import Merger
from workbench.gallery.parts import check_part
from workbench.gallery.removal import Removed, purge
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import ObjectGone, Sink, Storage

CAMERAS = {f"C{n}": Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01) for n in range(6)}


class InMemory(Storage):
    """Storage in memory. Its file system has folders, as that of an object store has not."""

    @contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """Make the folder, and write."""
        if "/" in name:
            self.files.create_dir(name.rpartition("/")[0])
        with super().writing(name) as sink:
            yield sink


@pytest.fixture(params=["folder", "store"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Storage in a folder, and one without: pyarrow's file system in memory."""
    if request.param == "folder":
        folder = Storage.at(tmp_path / "kept")
        folder.prepare()
        return folder
    return InMemory(fs._MockFileSystem(), None, "mock://kept")


def test_objects_are_written_once_read_in_ranges_and_deleted(storage: Storage) -> None:
    with storage.writing("parts/one/scan.arrow") as sink:
        assert sink.write(b"hello ") == 6
        sink.write(memoryview(b"world"))
    assert sink.written == (11, hashlib.sha256(b"hello world").hexdigest())
    assert storage.digest("parts/one/scan.arrow") == sink.written
    assert storage.read("parts/one/scan.arrow", 6, 3) == b"wor"
    assert storage.read("parts/one/scan.arrow", 6, 30) == b"world"
    with storage.writing("parts/two/scan.arrow") as sink:
        sink.write(b"x")
    storage.sync(["parts/one/scan.arrow", "parts/two/scan.arrow"])
    names = ["parts/one/scan.arrow", "parts/two/scan.arrow"]
    assert storage.names("parts") == names
    storage.delete([names[0], names[0], "parts/three/scan.arrow"])
    assert storage.names("parts") == names[1:]
    assert storage.names("packs") == []
    for ask in (storage.digest, lambda name: storage.read(name, 0, 1)):
        with pytest.raises(ObjectGone, match="is not there"):
            ask(names[0])
    with pytest.raises(TypeError), storage.writing("parts/four/scan.arrow") as sink:
        sink.write("no bytes")
    assert storage.names("parts") == names[1:]


def test_a_folder_that_another_process_deletes_as_empty_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Storage.at(tmp_path / "kept"), Storage.at(tmp_path / "kept")
    one.prepare()
    names = ["packs/2026-03-29/b.pack", "packs/2026-03-29/a.pack"]
    with other.writing(names[1]) as sink:
        sink.write(b"a")
    make, left = storing._make_private, names[1:]

    def delete_after(folder: Path, root: Path) -> None:
        make(folder, root)
        while left:
            other.delete([left.pop()])

    monkeypatch.setattr(storing, "_make_private", delete_after)
    with one.writing(names[0]) as sink:
        sink.write(b"b")
    assert one.names("packs") == names[:1]
    one.delete(names[:1])
    (tmp_path / "kept").rmdir()  # a gallery that is gone does not come back in part
    with pytest.raises(GalleryError, match="No such file"), one.writing(names[0]):
        pass


@pytest.mark.parametrize(
    "name", ["../out", "/etc/passwd", "parts//x", "a/../b", "", "A", "a.b.c/d"]
)
def test_a_name_that_is_not_our_own_is_never_a_path(storage: Storage, name: str) -> None:
    for ask in (storage.where, storage.digest, storage.names, lambda name: storage.delete([name])):
        with pytest.raises(GalleryError, match="is not the name of an object"):
            ask(name)
    with pytest.raises(GalleryError, match="is not the name"), storage.writing(name):
        pass


def test_what_a_store_refuses_is_told_with_its_address() -> None:
    files = fs._MockFileSystem()
    files.create_dir("parts/one")
    with (
        pytest.raises(GalleryError, match=r"mock://kept/parts/one: cannot be written"),
        Storage(files, None, "mock://kept").writing("parts/one"),
    ):
        pass


def test_an_address_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(GalleryError, match="cannot be used as storage"):
        Storage.at("nonsense://bucket")


def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    usual = os.umask(0)
    try:
        storage = Storage.at(tmp_path / "kept")
        with pytest.raises(GalleryError), storage.writing("parts/one/scan.arrow"):
            pass
        assert not (tmp_path / "kept").exists()  # a gallery that was deleted stays so
        storage.prepare()
        with storage.writing("parts/one/scan.arrow") as sink:
            sink.write(b"x")
    finally:
        os.umask(usual)
    kept = tmp_path / "kept"
    for path in (kept, *kept.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_gallery_is_stored_merged_and_purged_wherever_its_objects_are(
    storage: Storage, tmp_path: Path, profile: Profile, indexed: Callable[..., IndexedRecording]
) -> None:
    database = SQLiteDatabase(tmp_path / "manifest.sqlite", write=True, create=True)
    committer = Committer(Manifest.create(database, profile, "town.duckdb"), storage)
    recordings = [indexed(n, 10 * n, (n, n + 1)) for n in range(3)]
    known = [CameraEntry(one, recordings[0].started_at) for one in CAMERAS.values()]
    committer.manifest.commit(Change(cameras=known))
    for one in recordings:
        committer.store([one], CAMERAS)
    assert Merger(replace(committer, role="merger"), lambda _: True).run() == 1
    assert purge(committer, [recordings[1].recording_id]) == Removed(1, 3)
    snapshot = Snapshot.latest(committer.manifest, storage, memory_bytes=2**20)
    (entry,) = snapshot.parts()
    assert [*check_part(storage, entry, profile)] == []
    part = snapshot.part(entry)
    shots = part.best_shots(np.arange(len(part)))
    found = {one.jpeg for one in snapshot.pictures([shot["address"] for shot in shots])}
    assert found == {
        tracklet.shots[0].jpeg
        for one in (recordings[0], recordings[2])
        for tracklet in one.tracklets
        if tracklet.shots
    }
    assert len(storage.names("parts")) == 5
    assert len(storage.names("packs")) == 2  # that of the one removed is gone
