"""Cache of an object store's objects on this machine: bounded, checked, shared by its processes.

An object is fetched once, whole, by whichever process or thread asks first; the others wait for
it. It is checked against the manifest as it arrives, and again when a process opens it for the
first time. What was not asked for the longest goes when room is needed. A file that is let go of
stays readable for whoever has it mapped.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from workbench.errors import GalleryError, refuse_others, unwritten

_NEW = ".new"  # ending of a file that is being fetched


class Written(NamedTuple):
    """Size and checksum of an object, as they were found while it was written."""

    bytes: int
    sha256: str


class CachePlace(NamedTuple):
    """Folder of this machine for a cache, and the most bytes that it takes."""

    folder: Path
    most_bytes: int


class Cache:
    """Objects of object stores in a folder of this machine.

    Parameters
    ----------
    folder : Path
        It is for its owner alone: it holds what the gallery holds.
    most_bytes : int
        What all files in it take at most. What does not fit is kept in memory while it is used.

    Raises
    ------
    GalleryError
        If the folder cannot be made.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._checked: dict[str, tuple[int, int, int]] = {}  # what this process found whole
        self._lock = threading.Lock()
        with self._told():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    @contextlib.contextmanager
    def reading(
        self, address: str, name: str, whole: Written, fetch: Callable[[], pa.Buffer]
    ) -> Iterator[pa.NativeFile]:
        """Open an object where it lies in the cache, or fetch it first; it is mapped.

        Parameters
        ----------
        address, name : str
            Of its storage, and its own in that.
        whole : Written
            What it is by the manifest.
        fetch : callable
            Gives all of it, when it is not here.

        Raises
        ------
        GalleryError
            If there is no room for it, and whatever *fetch* raises.
        """
        if whole.bytes > self.most_bytes:
            with pa.BufferReader(fetch()) as file:
                yield file
            return
        key = _key(address, name)
        file = self._mapped(key, whole) or self._fetched(key, whole, fetch)
        with file:
            yield file

    def _mapped(self, key: str, whole: Written) -> pa.NativeFile | None:
        """Map what is here; None if nothing is, or it was altered: that is deleted then."""
        path = self.folder / key
        try:
            with path.open("rb") as opened:
                about = os.fstat(opened.fileno())
                seen = about.st_ino, about.st_mtime_ns, about.st_size
                if self._checked.get(key) != seen:
                    sound = about.st_size == whole.bytes and (
                        hashlib.file_digest(opened, "sha256").hexdigest() == whole.sha256
                    )
                    if not sound:
                        path.unlink(missing_ok=True)
                        return None
                    self._checked[key] = seen
            with contextlib.suppress(OSError):  # another process may let go of it just now
                # When it was asked for last; what was checked is known by when it was written.
                os.utime(path, ns=(time.time_ns(), about.st_mtime_ns))
            return pa.memory_map(str(path)) if whole.bytes else pa.BufferReader(b"")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def _fetched(self, key: str, whole: Written, fetch: Callable[[], pa.Buffer]) -> pa.NativeFile:
        """Fetch an object and map it, unless another process or thread has done so meanwhile."""
        new = self.folder / f"{key}{_NEW}"
        with self._told():
            handle = self._locked(new)
        try:
            if found := self._mapped(key, whole):
                new.unlink(missing_ok=True)
                return found
            with self._told():
                there_is_room = self._make_room(handle, whole.bytes, new)
            content = fetch()
            if not there_is_room:
                new.unlink(missing_ok=True)
                return pa.BufferReader(content)
            with self._told():
                view = memoryview(content)
                done = 0
                while done < len(view):
                    done += os.pwrite(handle, view[done:], done)
                about = os.fstat(handle)
                with contextlib.suppress(FileNotFoundError):  # taken for one of a killed process
                    new.rename(self.folder / key)
            self._checked[key] = about.st_ino, about.st_mtime_ns, about.st_size
            return self._mapped(key, whole) or pa.BufferReader(content)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def _locked(self, new: Path) -> int:
        """Open the file for an object that is to be fetched, once nobody else fetches it."""
        while True:
            handle = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                # Whoever had it may have renamed or deleted it.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(new.stat(), os.fstat(handle)):
                        return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _make_room(self, handle: int, size: int, new: Path) -> bool:
        """Let go of files until there is room for another, and take it.

        Return False if there is none: the rest is being fetched just now.
        """
        with self._lock, open(self.folder / "lock", "w", opener=_private) as room:
            fcntl.flock(room, fcntl.LOCK_EX)
            files = self._files()
            held = sum(about.st_size for path, about in files if path != new)
            goes = [path for path, _ in files if path != new and self._may_go(path)]
            while held + size > self.most_bytes and goes:
                held -= self._drop(goes.pop(0))
            if held + size > self.most_bytes:
                return False
            while size:
                try:
                    os.posix_fallocate(handle, 0, size)
                    break
                except OSError as error:
                    if error.errno != errno.ENOSPC or not goes:
                        raise
                    self._drop(goes.pop(0))
            return True

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """All files of objects, the one that was asked for the longest ago first."""
        found = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.name != "lock":
                    found.append((path, path.stat()))
        return sorted(found, key=lambda one: one[1].st_atime_ns)

    def _may_go(self, path: Path) -> bool:
        """Return False for a file that a process fetches just now; one that was killed does not."""
        if path.suffix != _NEW:
            return True
        try:
            with path.open("rb") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _drop(self, path: Path) -> int:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            self._checked.pop(path.name, None)
            return size
        return 0

    def forget(self, address: str, name: str) -> None:
        """Delete an object that was deleted in its storage, if it is here."""
        with self._told():
            self._drop(self.folder / _key(address, name))

    def keep(self, address: str, names: Iterable[str]) -> int:
        """Delete the objects of a storage that are not named; return how many.

        What another machine purged is not to stay here until there is no room for it.
        """
        kept = {_key(address, name) for name in names}
        mark, gone = _key(address, "").partition("-")[0], 0
        with self._told():
            for path, _ in self._files():
                own = path.name.partition("-")[0] == mark and path.suffix != _NEW
                if own and path.name not in kept:
                    gone += bool(self._drop(path) or not path.exists())
        return gone

    @property
    def bytes(self) -> int:
        """Bytes of all files in it."""
        return sum(about.st_size for _, about in self._files())

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> GalleryError:
        refuse_others(self.folder, error)
        what, fix = unwritten(error, fix="Check the disk, or choose another folder for the cache")
        return GalleryError(what, where=str(self.folder), fix=fix)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _key(address: str, name: str) -> str:
    """Name of the file of an object: which storage it is of, and which object."""
    parts = (hashlib.sha256(text.encode()).hexdigest() for text in (address, name))
    return "-".join(part[:32] for part in parts)


__all__ = ["Cache", "CachePlace", "Written"]
