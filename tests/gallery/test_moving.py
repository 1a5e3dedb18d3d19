"""Moving, backing up and restoring: all of the gallery is there, or it is where it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from manifests import Opening
from parted import CAMERAS

from tests.gallery.test_committing import pictured, wanted
from workbench.domain import IndexedRecording
from workbench.errors import GalleryError
from workbench.gallery.backup import back_up, restore
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.manifest import Manifest
from workbench.gallery.moving import Copied, copy_objects, move, objects_of
from workbench.gallery.parts import check_part
from workbench.gallery.removal import purge
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import ObjectGone, Storage

Make = Callable[..., IndexedRecording]


@pytest.fixture
def recordings(committer: Committer, indexed: Make, joined: IndexedRecording) -> list[
    IndexedRecording
]:  # fmt: skip
    made = [indexed(0, 0, (1, 2)), indexed(1, 24 * 60, (3,)), joined]
    for one in made:
        committer.store([one], CAMERAS)
    return made


def contents(manifest: Manifest, storage: Storage) -> object:
    """All that a gallery says: pictures by tracklet, recordings, cameras, its commit."""
    snapshot = Snapshot.latest(manifest, storage, memory_bytes=2**30)
    for entry in snapshot.parts():
        assert [*check_part(storage, entry, manifest.profile)] == []
    assert sorted(objects_of(manifest)) == sorted(
        [*storage.names("parts"), *storage.names("packs")]
    )
    return (
        pictured(snapshot), manifest.all_recordings(), manifest.cameras(), manifest.places(),
        manifest.state(), manifest.created_at(),
    )  # fmt: skip


def at(folder: Path) -> tuple[Manifest, Storage]:
    return Manifest(SQLiteDatabase(folder / "manifest.sqlite"), str(folder)), Storage.at(folder)


def killed(work: Callable[[], object], step: int) -> bool:
    """Do some work in a process that is killed when it has written so many files."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            left = iter(range(step))
            sync, replace = Storage.sync, Path.replace

            def dying(storage: Storage, names: object) -> None:
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                sync(storage, names)  # type: ignore[arg-type]

            def before(path: Path, to: Path) -> None:
                dying(Storage.at(path.parent), [])
                replace(path, to)

            Storage.sync = dying  # type: ignore[method-assign]
            Path.replace = before  # type: ignore[method-assign, assignment]
            work()
            os._exit(0)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def test_a_move_is_done_whole_or_not_at_all(
    committer: Committer, recordings: list[IndexedRecording], opening: Opening, tmp_path: Path,
    indexed: Make,
) -> None:  # fmt: skip
    manifest, source, target = committer.manifest, committer.storage, Storage.at(tmp_path / "new")
    folder = tmp_path / "other"
    folder.mkdir()
    before, told, late = contents(manifest, source), [], indexed(2, 0, (9,))
    database = opening(folder, write=True, create=True)

    @contextlib.contextmanager
    def holding():  # type: ignore[no-untyped-def]
        told.append("held")
        yield
        told.append("let go")

    def failing() -> None:
        raise GalleryError("cannot be written", where="gallery.json", fix="Free some space")

    with pytest.raises(GalleryError, match=r"gallery.json"):
        move(manifest, source, target, database, "new", holding=holding, switch=failing)
    assert contents(manifest, source) == before
    committer.store([late], CAMERAS)
    now = contents(manifest, source)
    switch = lambda: told.append("switched")  # noqa: E731
    copied = move(manifest, source, target, database, "new", holding=holding, switch=switch)
    assert copied.objects == 6  # the rest was there from the first time
    assert told[-3:] == ["held", "switched", "let go"]
    moved = Committer(Manifest(database, "new"), target)
    assert contents(moved.manifest, target) == now == contents(manifest, source)
    moved.store([indexed(3, 0, (11,))], CAMERAS)
    purge(moved, [late.recording_id])
    assert contents(manifest, source) == now  # the old place is as it was
    with pytest.raises(GalleryError, match="or later commits of this one"):
        manifest.copy_to(database, "new", live_only=True)
    moved.manifest.close()


def test_a_manifest_moves_alone_with_what_is_left_to_delete(
    committer: Committer, recordings: list[IndexedRecording], opening: Opening, tmp_path: Path
) -> None:
    manifest, storage = committer.manifest, committer.storage
    manifest.reserve("writer", parts=[20_541], packs=[20_541])
    (tmp_path / "other").mkdir()
    database = opening(tmp_path / "other", write=True, create=True)
    move(
        manifest, storage, storage, database, "new",
        holding=contextlib.nullcontext, switch=lambda: None,
    )  # fmt: skip
    moved = Manifest(database, "new")
    assert contents(moved, storage) == contents(manifest, storage)
    assert moved.unfinished("writer") == manifest.unfinished("writer") != []
    moved.close()


def test_what_is_damaged_or_lost_is_not_copied(
    committer: Committer, recordings: list[IndexedRecording], tmp_path: Path
) -> None:
    manifest, source = committer.manifest, committer.storage
    name = next(iter(objects_of(manifest)))
    path = Path(source.where(name))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    target = Storage.at(tmp_path / "new")
    with pytest.raises(GalleryError, match="is not as it was stored"):
        copy_objects(manifest, source, target)
    assert name not in target.names("parts")
    path.unlink()
    with pytest.raises(ObjectGone):
        copy_objects(manifest, source, target)
    path.write_bytes(whole)
    damaged = target.root / name if target.root else path
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_bytes(whole[:10])  # what a killed copy left
    copy_objects(manifest, source, target)
    assert copy_objects(manifest, source, target) == Copied(0, 0, len(objects_of(manifest)))


def test_a_backup_is_whole_whenever_it_is_killed_and_comes_back(
    committer: Committer, recordings: list[IndexedRecording], opening: Opening, tmp_path: Path,
    indexed: Make,
) -> None:  # fmt: skip
    manifest, source, folder = committer.manifest, committer.storage, tmp_path / "backup"
    first = contents(manifest, source)
    assert back_up(manifest, source, folder) == Copied(len(objects_of(manifest)), 0, 0)
    assert contents(*at(folder)) == first
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    committer.store([indexed(2, 0, (9,))], CAMERAS)
    purge(committer, [recordings[0].recording_id])
    now, step = contents(manifest, source), 0
    work = lambda: back_up(Manifest(opening(tmp_path), "town"), source, folder)  # noqa: E731
    while killed(work, step):
        backed, storage = at(folder)
        snapshot = Snapshot.latest(backed, storage, memory_bytes=2**30)
        assert pictured(snapshot) in (wanted(*recordings), first[0], now[0])  # type: ignore[index]
        step += 1
    assert step >= 3
    assert contents(*at(folder)) == now
    left = {path.name for path in folder.iterdir()}
    # SQLite keeps two files beside one that is open.
    left -= {"manifest.sqlite-shm", "manifest.sqlite-wal"}
    assert left == {"manifest.sqlite", "packs", "parts"}
    with pytest.raises(GalleryError, match="is the gallery itself"):
        back_up(manifest, source, Path(source.address))

    # It comes back elsewhere, without a link; what is damaged in it is told.
    new, other = tmp_path / "restored", tmp_path / "database"
    other.mkdir()
    database = opening(other, write=True, create=True)
    assert restore(folder, Storage.at(new), database, "restored").bytes > 0
    restored = Manifest(database, "restored")
    assert contents(restored, Storage.at(new)) == now
    assert {path.stat().st_nlink for path in new.rglob("*.*")} == {1}
    restored.close()
    shutil.rmtree(new)
    name = next(iter(objects_of(manifest)))
    (folder / name).unlink()
    (folder / name).write_bytes(b"damaged")
    (other / "third").mkdir()
    third = opening(other / "third", write=True, create=True)
    with pytest.raises(GalleryError, match="is not as it was stored"):
        restore(folder, Storage.at(new), third, "restored")
    third.close()


def test_objects_of_a_backup_that_were_merged_away_meanwhile_are_those_of_a_later_commit(
    committer: Committer, recordings: list[IndexedRecording], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    manifest, folder = committer.manifest, tmp_path / "backup"
    copy_to = Manifest.copy_to

    def overtaken(own: Manifest, *given: object, **more: object) -> Manifest:
        made = copy_to(own, *given, **more)  # type: ignore[arg-type]
        monkeypatch.undo()
        purge(committer, [recordings[1].recording_id])
        return made

    monkeypatch.setattr(Manifest, "copy_to", overtaken)
    back_up(manifest, committer.storage, folder)
    assert contents(*at(folder)) == contents(manifest, committer.storage)
    assert pictured(Snapshot.latest(*at(folder), memory_bytes=2**30)) == wanted(
        recordings[0], recordings[2]
    )
