"""Places of galleries by the files that people name: moved elsewhere, backed up, restored.

A backup is a gallery too, in a folder of its own: it is opened, checked and restored as any.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from workbench.domain import ProgressCallback
from workbench.errors import GalleryError, is_there
from workbench.gallery.backup import back_up, restore
from workbench.gallery.cache import CachePlace
from workbench.gallery.connecting import SCHEMES, database_at
from workbench.gallery.database import Database, DatabaseThere
from workbench.gallery.disk import refused_by_disk, sync_path, unreadable
from workbench.gallery.manifest import Manifest
from workbench.gallery.moving import Copied, move, objects_of
from workbench.gallery.named import refuse_other, renew
from workbench.gallery.opening import (
    WRITER,
    Location,
    Opened,
    folder_of,
    is_gallery,
    open_gallery,
    read_location,
    storage_at,
    take_lock,
    write_beside,
    write_description,
    write_location,
)
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

_BACKUP = Location(backup=True)
LEFT = "left.json"  # what moves left in the places where the gallery was


class Left(NamedTuple):
    """Objects that a move left in a storage, and the file of a manifest in the gallery's folder."""

    storage: str
    objects: list[str]
    manifest: str = ""


# --- Moving -----------------------------------------------------------------------------------


def location_of(
    path: Path, now: Location, *, storage: str | None, manifest: str | None
) -> Location:
    """Location of the gallery at *path*, from what people write; None is where it is *now*.

    A folder may be relative to the working directory; the gallery's own is its own whatever it is
    called by. Raises GalleryError if the manifest's is no address of Postgres, or holds a password.
    """
    if storage is not None and "://" not in storage:
        place = Path(storage).expanduser().resolve()
        storage = "." if place == folder_of(path).resolve() else str(place)
    if manifest is not None and not manifest.startswith(SCHEMES):
        raise GalleryError(
            "is not an address in Postgres",
            where=manifest,
            fix="Give an address such as postgresql://sightline@db.example.org/town",
        )
    if manifest is not None and _holds_password(manifest):
        raise GalleryError(
            "the address of the manifest holds a password, and would be kept and shown",
            where=manifest.partition("//")[0] + "//…",
            fix="Keep it in ~/.pgpass, or in the file that PGPASSFILE names",
        )
    return Location(manifest or now.manifest, storage or now.storage)


def _holds_password(address: str) -> bool:
    rest, _, options = address.partition("//")[2].partition("?")
    account = rest.rpartition("@")[0]
    return ":" in account or "password=" in options.lower()


def move_gallery(
    opened: Opened, to: Location, *, progress: ProgressCallback | None = None
) -> Copied:
    """Move a gallery that is open to another storage, another manifest, or both.

    Others may write it until nearly all is copied. What lies in the old place stays there until
    :func:`delete_left`.

    Raises
    ------
    GalleryError
        If it is there already, its manifest is in Postgres, or something cannot be read or written.
        It is where it was then; what was copied is found there when this is done again.
    GalleryBusy
        If another process writes or merges it when the rest is to be copied.
    """
    path, now = opened.path, opened.location
    if to == now:
        raise GalleryError("lies there now", where=str(path), fix="Name another place")
    if now.shared:  # and that is told before hours of copying
        with opened.holding():
            pass
    refuse_other(path, opened.folder)
    target = opened.storage if to.storage == now.storage else storage_at(path, to)
    elsewhere = not opened.storage.files.equals(target.files)
    with contextlib.ExitStack() as closing:
        database = None
        if to.manifest != now.manifest:
            database = _database(to.manifest, opened.folder)
            closing.callback(database.close)

        def switch() -> None:
            names = _all_objects(opened.manifest) if elsewhere else []
            before = left_by(path)
            there = [one for one in before if _of(path, one).files.equals(target.files)]
            # Where it comes back to a place, what was removed since is not to stay there.
            live = objects_of(opened.manifest)
            target.delete({name for one in there for name in one.objects} - set(live))
            own = now.manifest if database is not None else ""
            # A move that was killed just here has noted the same.
            kept = [one for one in before if one not in there and one.storage != now.storage]
            noted = [name for one in before if one.storage == now.storage for name in one.objects]
            _note_left(path, [*kept, Left(now.storage, sorted({*names, *noted}), own)])
            write_location(path, to)

        copied = move(
            opened.manifest,
            opened.storage,
            target,
            database,
            str(path),
            holding=opened.holding,
            switch=switch,
            progress=progress,
        )
    _renew(path)
    return copied


def _database(address: str, folder: Path) -> Database:
    """Make the database of a manifest, or open it where a killed move or restore left it."""
    try:
        return database_at(address, folder, write=True, create=True)
    except DatabaseThere:
        return database_at(address, folder, write=True)


def _all_objects(manifest: Manifest) -> list[str]:
    """Names of all objects that may be in the storage, also of what no commit has."""
    others = [*manifest.dropped(), *manifest.reserved()]
    return sorted({*objects_of(manifest), *(name for one in others for name in one.objects)})


def _of(path: Path, left: Left, cache: CachePlace | None = None) -> Storage:
    return storage_at(path, Location(storage=left.storage), cache)


def _renew(path: Path) -> None:
    with open_gallery(path) as opened:
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=0)
        renew(path, opened.folder, snapshot)


# --- What moves left --------------------------------------------------------------------------


def left_by(path: Path) -> list[Left]:
    """Objects and manifests that moves of the gallery at *path* left, where nothing uses them.

    Raises GalleryError if the note of it cannot be read.
    """
    file = folder_of(path) / LEFT
    try:
        found = [Left(**one) for one in json.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(file, str(error)) from error
    return [one for one in found if one.objects or one.manifest]


def _note_left(path: Path, left: Iterable[Left]) -> None:
    write_beside(folder_of(path) / LEFT, json.dumps([one._asdict() for one in left]))


def delete_left(opened: Opened) -> None:
    """Delete what moves of a gallery left: no purge would reach it.

    Nothing that the gallery has now is deleted, whatever the note says. If it is killed, it may be
    done again.

    Raises
    ------
    GalleryError
        If something cannot be deleted.
    """
    path, left = opened.path, left_by(opened.path)
    for n, one in enumerate(left):
        # With the cache of this machine, which is not to keep any of it either.
        storage, names = _of(path, one, opened.cache), set(one.objects)
        if storage.files.equals(opened.storage.files):
            names -= set(_all_objects(opened.manifest))
        elif storage.root is None and storage.address == opened.storage.address:
            raise GalleryError(
                "may be where the gallery is, reached in another way",
                where=one.storage,
                fix="Delete there with the store's own means what the gallery left, if it is not",
            )
        storage.delete(sorted(names))
        if one.manifest and one.manifest != opened.location.manifest:
            _delete_manifest(opened.folder / one.manifest)
        _note_left(path, left[n + 1 :])


def _delete_manifest(file: Path) -> None:
    try:
        for ending in ("-wal", "-shm", ""):
            file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
        sync_path(file.parent)
    except OSError as error:
        raise refused_by_disk(file, error) from error


# --- Backups ----------------------------------------------------------------------------------


def back_up_gallery(
    opened: Opened, path: Path, *, progress: ProgressCallback | None = None
) -> Copied:
    """Back a gallery that is open up as the one at *path*, beside whoever writes it.

    An earlier backup there is brought up to date, and what it held besides is deleted.

    Raises
    ------
    GalleryError
        If something else is at *path*, or something cannot be read or written, or is not as it was
        stored. An earlier backup stays whole then.
    GalleryBusy
        If another process writes the earlier backup.
    """
    folder = folder_of(path)
    if is_there(folder) and folder.samefile(opened.folder):
        raise GalleryError(
            "is the gallery itself", where=str(path), fix="Choose another name for the backup"
        )
    if is_gallery(path) and not read_location(path).backup:
        raise GalleryError(
            "is a gallery, and no backup of one",
            where=str(path),
            fix="Choose another name for the backup",
        )
    refuse_other(path, folder)
    _make(folder, path)
    with take_lock(folder, WRITER, path, "writes it"):
        copied = back_up(opened.manifest, opened.storage, folder, progress=progress)
        # Written again each time, by which those who have an earlier one open see that.
        write_description(folder, _BACKUP)
        _renew(path)
    return copied


class Due(NamedTuple):
    """Work of a backup: objects to copy, their bytes, and objects to delete."""

    objects: int
    bytes: int
    deleted: int


def due_for_backup(opened: Opened, path: Path) -> Due:
    """Objects that :func:`back_up_gallery` would copy to the backup at *path*, and delete there.

    By their names, without a look at what is in them. Raises GalleryError if they cannot be listed.
    """
    wanted, there = objects_of(opened.manifest), set[str]()
    if is_there(folder_of(path)):
        target = Storage.at(folder_of(path))
        there = {*target.names("parts"), *target.names("packs")}
    missing = [about.bytes for name, about in wanted.items() if name not in there]
    return Due(len(missing), sum(missing), len(there - set(wanted)))


def restore_gallery(
    backup: Opened, path: Path, to: Location, *, progress: ProgressCallback | None = None
) -> Copied:
    """Restore a gallery at *path* from a backup that is open; all of it is checked.

    Raises
    ------
    GalleryError
        If there is a gallery at *path*, or something cannot be read or written, or is not as it was
        stored, or a database in Postgres holds another gallery, or later commits. There is none at
        *path* then; what was copied is found when this is done again.
    GalleryBusy
        If another process restores it.
    """
    folder = folder_of(path)
    if backup.location != _BACKUP:
        raise GalleryError(
            "is a gallery, and no backup of one",
            where=str(backup.path),
            fix="Name what `sightline gallery backup` wrote",
        )
    if is_there(folder):
        raise GalleryError(
            "there is a folder already",
            where=str(folder),
            fix="Move it elsewhere, or choose another name",
        )
    refuse_other(path, folder)
    whole = objects_of(backup.manifest)
    unfinished = folder.with_name(f".{folder.name}.restoring")
    _make(unfinished, path)
    with take_lock(unfinished, WRITER, path, "restores it"):
        # By the absolute path of a folder, since it gets its name at the end.
        own = Location(storage=str(unfinished.resolve())) if to.storage == "." else to
        target = storage_at(path, own)
        with contextlib.closing(_database(to.manifest, unfinished)) as database:
            copied = restore(backup.folder, target, database, str(path), progress=progress)
        if to.storage == ".":  # a killed one may have begun with an earlier backup
            target.delete({*target.names("parts"), *target.names("packs")} - set(whole))
        write_description(unfinished, to)
        try:
            unfinished.rename(folder)
            sync_path(folder.parent)
        except OSError as error:
            raise refused_by_disk(folder, error) from error
        _renew(path)
    return copied


def _make(folder: Path, path: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refused_by_disk(path, error) from error


__all__ = [
    "Due",
    "Left",
    "back_up_gallery",
    "delete_left",
    "due_for_backup",
    "left_by",
    "location_of",
    "move_gallery",
    "restore_gallery",
]
