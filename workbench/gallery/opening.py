"""Opening of a gallery: from the file that people name to its manifest and its storage.

The gallery is the folder beside that file, ``town.duckdb.gallery`` of ``town.duckdb``. Its
``gallery.json`` says where manifest and objects are; a folder gets its name when it has one, so
that a gallery is there whole or not at all. The named file is not opened for that: it is derived.

A manifest in SQLite is written by one process at a time, and merged by one. Both hold a lock, which
the kernel takes back when they end, however that happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from workbench.domain import Profile
from workbench.errors import GalleryBusy, GalleryError, ProfileMismatch, is_there, refuse_others
from workbench.gallery.cache import Cache, CachePlace
from workbench.gallery.connecting import SCHEMES, database_at
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.duck import refuse_misread
from workbench.gallery.earlier import schema_of, way_over
from workbench.gallery.manifest import FORMAT, Manifest
from workbench.gallery.named import contents_of, refuse_other
from workbench.gallery.storage import Storage

ENDING = ".gallery"
DESCRIPTION, WRITER, MERGER = "gallery.json", "writer.lock", "merge.lock"
_FILE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_RESTORE = "Restore it from a copy, or index the footage again"


class Location(NamedTuple):
    """Places of a gallery's manifest and objects, as its ``gallery.json`` has them.

    ``manifest`` is a file in the folder, or an address of Postgres; ``storage`` is ``.`` for the
    folder itself, the absolute path of another, or an address of an object store. A ``backup`` is
    read alone: what was written to it would be lost when it is brought up to date.
    """

    manifest: str = "manifest.sqlite"
    storage: str = "."
    backup: bool = False

    @property
    def shared(self) -> bool:
        """True if processes of several machines may write the gallery at the same time."""
        return self.manifest.startswith(SCHEMES)


def folder_of(path: Path) -> Path:
    """Folder of the gallery whose named file is *path*."""
    return path.with_name(f"{path.name}{ENDING}")


def is_gallery(path: Path) -> bool:
    """Check that there is a gallery; raise NotPermitted if it is another account's alone."""
    return is_there(folder_of(path) / DESCRIPTION)


# --- gallery.json -----------------------------------------------------------------------------


def read_location(path: Path) -> Location:
    """Read where the gallery at *path* is.

    Raises
    ------
    GalleryError
        If there is none, its folder is missing or damaged, or it is of another format.
    NotPermitted
        If it is another account's alone.
    """
    file = folder_of(path) / DESCRIPTION
    try:
        text = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except OSError as error:
        refuse_others(file, error)
        raise GalleryError(
            f"cannot be read ({error.strerror})", where=str(file), fix="Check the disk"
        ) from None
    try:
        about = json.loads(text)
        found = about["format"]
        if type(found) is not int or found < FORMAT:
            raise ValueError("it has no format")
        if found == FORMAT:
            backup = about.get("backup", False) is True
            return _checked(Location(about["manifest"], about["storage"], backup))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GalleryError(
            f"does not say where a gallery is ({error})", where=str(file), fix=_RESTORE
        ) from None
    raise GalleryError(
        f"has format {found}, this Sightline reads {FORMAT}",
        where=str(path),
        fix="It was made with a newer Sightline: use that one",
    )


def _checked(location: Location) -> Location:
    """Refuse a place that this product does not write: names become paths."""
    manifest, storage, _ = location
    if not isinstance(manifest, str) or not isinstance(storage, str):
        raise ValueError("its places are not texts")  # noqa: TRY004 - as of all that is read
    if not location.shared and not _FILE.fullmatch(manifest):
        raise ValueError("its manifest is neither a file of the folder nor in Postgres")
    if storage != "." and "://" not in storage and not Path(storage).is_absolute():
        raise ValueError("its storage is neither a folder nor an object store")
    return location


def write_location(path: Path, location: Location) -> None:
    """Have the gallery at *path* be elsewhere, in one step and on the disk.

    Raises GalleryError if it cannot be written; it is where it was then.
    """
    write_description(folder_of(path), location)


def write_description(folder: Path, location: Location) -> None:
    """Write a gallery's ``gallery.json`` in its folder; raise GalleryError if that fails."""
    about = {"format": FORMAT, **_checked(location)._asdict()}
    if not location.backup:
        del about["backup"]
    text = json.dumps(about, indent=2)
    write_beside(folder / DESCRIPTION, text)


def write_beside(file: Path, text: str) -> None:
    """Write a small file of a gallery's folder in one step, on the disk, for its owner alone.

    Raises GalleryError if it cannot be written; what was there stays then.
    """
    folder = file.parent
    unfinished = folder / f".{file.name}.{secrets.token_hex(4)}.new"
    try:
        handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(f"{text}\n")
            sync_path(unfinished)
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync_path(folder)
    except OSError as error:
        raise refused_by_disk(file, error) from error


def _missing(path: Path) -> GalleryError:
    """Make the error for a gallery without a description: say what there is instead."""
    folder, where = folder_of(path), str(path)
    if is_there(folder):
        return GalleryError(
            f"its folder {folder.name} holds no {DESCRIPTION}",
            where=where,
            fix="Restore that file from a copy: it says where the rest is",
        )
    if path.name.endswith(ENDING) and is_there(path / DESCRIPTION):
        named = path.name.removesuffix(ENDING)
        return GalleryError("is the folder of a gallery", where=where, fix=f"Name {named}")
    if not is_there(path) or not path.is_file():
        return GalleryError(
            "there is no gallery here", where=where, fix="Make one with `sightline index`"
        )
    if contents_of(path).made:
        return GalleryError(
            f"its folder {folder.name} is missing, and with it all that it shows",
            where=where,
            fix=_where_it_may_be(path, folder),
        )
    # Of an earlier version, or a DuckDB file of somebody's, of which this raises.
    found = schema_of(path)
    return GalleryError(
        f"has schema version {found}, this Sightline reads format {FORMAT}",
        where=where,
        fix=way_over(path, found),
    )


def _where_it_may_be(path: Path, folder: Path) -> str:
    """Say what to do about a missing folder: one beside it may be it, under an earlier name."""
    beside = "Copy that folder beside it; the two belong together"
    without_file = [
        other.name
        for other in sorted(path.parent.glob(f"*{ENDING}"))
        if is_there(other / DESCRIPTION)
        and not is_there(other.with_name(other.name.removesuffix(ENDING)))
    ]
    if len(without_file) != 1:
        return beside
    return f"If {without_file[0]} is that folder, rename it to {folder.name}. {beside}"


# --- Locks ------------------------------------------------------------------------------------


def take_lock(folder: Path, name: str, path: Path, doing: str) -> BinaryIO:
    """Take a lock, held as long as the returned file is open.

    Raises
    ------
    GalleryBusy
        If another process holds it.
    GalleryError
        If nothing can be written, or the disk knows no locks.
    """
    file = folder / name
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # not the file, but its folder
            raise _missing(path) from None
        except OSError as error:
            refuse_others(file, error)
            raise refused_by_disk(path, error) from error
        lock = os.fdopen(handle, "r+b", buffering=0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(lock, file):
                return lock
        except BlockingIOError:
            lock.close()
            raise GalleryBusy(
                f"is in use by another process that {doing}",
                where=str(path),
                fix="Wait until it has finished, and try again",
            ) from None
        except OSError as error:
            lock.close()
            raise GalleryError(
                f"cannot be locked ({error.strerror})",
                where=str(path),
                fix="Keep it on a disk of this machine",
            ) from error
        lock.close()  # another gallery took the place of the one that it locks


def _is_still(lock: BinaryIO, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), file.stat())
    except FileNotFoundError:
        return False


# --- Opening ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A gallery that is open: its manifest and its storage.

    ``lock`` is held by who writes one whose manifest is in SQLite; ``cache`` is used where it is in
    an object store.
    """

    path: Path
    location: Location
    manifest: Manifest
    storage: Storage
    write: bool
    lock: BinaryIO | None
    cache: CachePlace | None = None

    @property
    def folder(self) -> Path:
        """Folder beside the named file."""
        return folder_of(self.path)

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Give a block in which nobody else writes or merges the gallery, to move it.

        Raises
        ------
        GalleryBusy
            If a process does.
        GalleryError
            If its manifest is in Postgres, where that cannot be known, or it was moved since it
            was opened.
        """
        if self.location.shared:
            raise GalleryError(
                "may be written by other machines at any time, since its manifest is in Postgres",
                where=str(self.path),
                fix="Leave it where it is",
            )
        with contextlib.ExitStack() as held:
            if self.lock is None:
                held.enter_context(take_lock(self.folder, WRITER, self.path, "writes it"))
            held.enter_context(take_lock(self.folder, MERGER, self.path, "merges it"))
            if read_location(self.path) != self.location:
                raise GalleryError(
                    "was moved since it was opened", where=str(self.path), fix="Open it again"
                )
            yield

    def close(self) -> None:
        """Close the manifest, and let go of the lock."""
        try:
            self.manifest.close()
        finally:
            if self.lock is not None:
                self.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create(path: Path | str, profile: Profile, location: Location | None = None) -> Opened:
    """Make an empty gallery for templates of *profile*, for its owner alone; open it for writing.

    If it is killed, there is none; what it left is used when it is done again.

    Raises
    ------
    GalleryError
        If there is something at *path* or in its folder's place, or it cannot be written.
    GalleryBusy
        If another process makes it.
    """
    path, location = Path(path), location or Location()
    refuse_misread(path)
    folder = folder_of(path)
    _refuse_taken(path, folder)
    unfinished = folder.with_name(f".{folder.name}.new")
    try:
        unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        refuse_others(unfinished, error)
        raise refused_by_disk(path, error) from error
    lock = take_lock(unfinished, WRITER, path, "makes it")
    try:
        try:
            _fill(unfinished, profile, location, path)
            if location.shared:
                (unfinished / WRITER).unlink()
            unfinished.rename(folder)
            sync_path(folder.parent)
        except BaseException as error:
            with contextlib.suppress(OSError):  # it is used when this is done again
                _empty(unfinished)
                unfinished.rmdir()
            if isinstance(error, OSError):
                _refuse_taken(path, folder)
                raise refused_by_disk(path, error) from error
            raise
        if location.shared:
            lock.close()
        return _open(path, location, write=True, lock=None if location.shared else lock)
    except BaseException:
        lock.close()
        raise


def _refuse_taken(path: Path, folder: Path) -> None:
    for place in (path, folder):
        if is_there(place) or os.path.lexists(place):
            raise GalleryError(
                f"there is a {'folder' if place.is_dir() else 'file'} already",
                where=str(place),
                fix="Open it, or choose another name",
            )


def _fill(folder: Path, profile: Profile, location: Location, path: Path) -> None:
    """Make manifest and description in a folder, in which a killed process may have left some."""
    _empty(folder, WRITER)
    if "://" not in location.storage:
        Storage.at(folder / location.storage).prepare()
    database = database_at(location.manifest, folder, write=True, create=True)
    with contextlib.closing(database):
        Manifest.create(database, profile, str(path))
    write_description(folder, location)


def _empty(folder: Path, but: str = "") -> None:
    for left in folder.iterdir():
        if left.name != but:
            left.unlink()


def open_gallery(
    path: Path | str,
    *,
    write: bool = False,
    profile: Profile | None = None,
    cache: CachePlace | None = None,
) -> Opened:
    """Open a gallery, by default for reading.

    Parameters
    ----------
    write : bool
        Open it for writing too. Where its manifest is in SQLite, one process at a time can.
    profile : Profile, optional
        The profile it must have been made with.
    cache : CachePlace, optional
        Where to keep objects of an object store; by default they are in memory while they are used.

    Raises
    ------
    GalleryError
        If it is missing, damaged, foreign or of another version; or is to be written, and a file
        that is not from it stands where its own does.
    GalleryBusy
        If it is to be written and another process writes it.
    ProfileMismatch
        If it was made with another profile than *profile*.
    NotPermitted
        If it is another account's alone.
    """
    path = Path(path)
    location = read_location(path)
    lock: BinaryIO | None = None
    try:
        if write and not location.shared:
            lock = take_lock(folder_of(path), WRITER, path, "writes it")
            location = read_location(path)  # as it is now that nobody moves it
            if location.shared:
                lock.close()
                lock = None
        if write:
            refuse_other(path, folder_of(path))
        opened = _open(path, location, write=write, lock=lock, cache=cache)
        try:
            _refuse_others(opened, profile)
        except BaseException:
            opened.manifest.close()
            raise
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return opened


@contextlib.contextmanager
def merging(path: Path) -> Iterator[Opened]:
    """Open a gallery to merge its parts, beside whoever writes it.

    Raises
    ------
    GalleryBusy
        If another process merges it.
    GalleryError
        As :func:`open_gallery` does.
    """
    with contextlib.ExitStack() as held:
        location = read_location(path)
        if not location.shared:
            held.enter_context(take_lock(folder_of(path), MERGER, path, "merges it"))
            location = read_location(path)  # as it is now that nobody moves it
        yield held.enter_context(_open(path, location, write=True, lock=None))


def storage_at(path: Path, location: Location, cache: CachePlace | None = None) -> Storage:
    """Storage of the gallery at *path*; raise GalleryError if its address cannot be used."""
    if "://" in location.storage:
        return Storage.at(location.storage, cache=Cache(*cache) if cache else None)
    return Storage.at(folder_of(path) / location.storage)


def _open(
    path: Path,
    location: Location,
    *,
    write: bool,
    lock: BinaryIO | None,
    cache: CachePlace | None = None,
) -> Opened:
    if write and location.backup:
        raise GalleryError(
            "is a backup, which nothing is written to but the gallery that it is of",
            where=str(path),
            fix="Make a gallery of it with `sightline gallery restore`",
        )
    folder = folder_of(path)
    storage = storage_at(path, location, cache)
    database = database_at(location.manifest, folder, write=write)
    try:
        manifest = Manifest(database, str(path))
    except BaseException:
        database.close()
        raise
    return Opened(path, location, manifest, storage, write, lock, cache)


def _refuse_others(opened: Opened, profile: Profile | None) -> None:
    """Refuse a gallery of another profile, and one whose objects were not copied with it."""
    found, where = opened.manifest.profile, str(opened.path)
    if profile is not None and profile.fingerprint != found.fingerprint:
        raise ProfileMismatch(
            f"was made with profile {found.name} ({found.fingerprint}), not with "
            f"{profile.name} ({profile.fingerprint})",
            where=where,
            fix=f"Use profile {found.name}, or another gallery",
        )
    root = opened.storage.root
    if root and not is_there(root / "parts"):
        state = opened.manifest.state()
        if opened.manifest.counts(state.commit)["parts"]:
            raise GalleryError(
                f"its parts are missing: there is no folder parts in {_short(opened)}",
                where=where,
                fix="Copy the whole folder; what is in it belongs together",
            )


def _short(opened: Opened) -> str:
    return opened.folder.name if opened.location.storage == "." else opened.location.storage


__all__ = [
    "DESCRIPTION",
    "WRITER",
    "Location",
    "Opened",
    "create",
    "folder_of",
    "is_gallery",
    "merging",
    "open_gallery",
    "read_location",
    "storage_at",
    "take_lock",
    "write_beside",
    "write_description",
    "write_location",
]
