"""Backup of a gallery in a folder: its manifest as of one commit, and all objects of that commit.

A backup is a gallery at rest. It is made beside writers, and may be made again into the same
folder: what is there already is not copied. Its manifest takes the place of the earlier one last,
in one step, so that a backup that was begun once is whole whenever the work is killed. On one disk
its files are the gallery's own (hard links): that costs nothing, and outlives what is removed from
the gallery, but not the disk.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from workbench.domain import ProgressCallback
from workbench.errors import GalleryError
from workbench.gallery.database import Database, SQLiteDatabase
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.manifest import Manifest
from workbench.gallery.moving import Copied, copy_objects, objects_of
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import ObjectGone, Storage

MANIFEST = "manifest.sqlite"


def back_up(
    manifest: Manifest,
    storage: Storage,
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
) -> Copied:
    """Back a gallery up in a folder, which is made, or holds an earlier backup of it.

    What the earlier one held and this one does not is deleted.

    Raises
    ------
    GalleryError
        If something cannot be read or written, is not as it was stored, or the folder holds
        something else. An earlier backup stays whole then.
    """
    target = Storage.at(folder)
    if storage.root and target.root and storage.root == target.root:
        raise GalleryError(
            "is the gallery itself", where=str(folder), fix="Choose another folder for the backup"
        )
    _refuse_another(manifest, folder)
    done: set[str] = set()
    copied = Copied()
    for _ in range(MOST_TRIES):
        kept = _manifest_copy(manifest, folder)
        try:
            copied += copy_objects(kept, storage, target, done=done, link=True, progress=progress)
            break
        except ObjectGone as error:  # merged or removed since the copy of the manifest
            if manifest.state().commit == kept.state().commit:
                raise
            gone = error
        finally:
            named = set(objects_of(kept))
            kept.scrub()
            kept.close()
    else:
        raise gone
    _put_in_place(folder)
    left = {*target.names("parts"), *target.names("packs")} - named
    target.delete(sorted(left))
    return copied


def _refuse_another(manifest: Manifest, folder: Path) -> None:
    if not (folder / MANIFEST).exists():
        return
    database = SQLiteDatabase(folder / MANIFEST)
    with contextlib.closing(database):
        manifest.refuse_another(database, str(folder))


def _manifest_copy(manifest: Manifest, folder: Path) -> Manifest:
    """Copy the manifest beside the earlier backup's."""
    unfinished = folder / f"{MANIFEST}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder.glob(f"{unfinished.name}*"):
            path.unlink()
    except OSError as error:
        raise refused_by_disk(folder, error) from error
    database = SQLiteDatabase(unfinished, write=True, create=True)
    try:
        return manifest.copy_to(database, str(folder), live_only=True)
    except BaseException:
        database.close()
        raise


def _put_in_place(folder: Path) -> None:
    """Have the new manifest take the place of the earlier one."""
    path = folder / MANIFEST
    try:
        for ending in ("-wal", "-shm"):  # of a reader that was killed
            path.with_name(path.name + ending).unlink(missing_ok=True)
        path.with_name(f"{path.name}.new").replace(path)
        sync_path(folder)
    except OSError as error:
        raise refused_by_disk(path, error) from error


def restore(
    folder: Path,
    target: Storage,
    database: Database,
    where: str,
    *,
    progress: ProgressCallback | None = None,
) -> Copied:
    """Restore a gallery from a backup to an empty storage and database; all of it is checked.

    If it is killed, it may be done again: what is there already is not copied.

    Raises
    ------
    GalleryError
        If the folder holds no backup, something is not as it was stored or cannot be written, or
        the database holds another gallery, or later commits.
    """
    manifest = Manifest(SQLiteDatabase(folder / MANIFEST), str(folder))
    with contextlib.closing(manifest):
        copied = copy_objects(manifest, Storage.at(folder), target, progress=progress)
        manifest.copy_to(database, where, live_only=True)
    return copied


__all__ = ["back_up", "restore"]
