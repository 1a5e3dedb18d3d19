"""Storage of a gallery's objects by name: a local folder or an object store, by one address.

Objects are written once and never changed. A name becomes part of a gallery when a commit of the
manifest names it; until then nobody looks for it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import fs

from workbench.errors import GalleryError, refuse_others, unwritten
from workbench.gallery.register import refused_by_disk, sync_path

# Names become paths: none but our own kind is taken, also from a manifest that was altered.
_NAME = re.compile(r"[0-9a-z_-]+(?:/[0-9a-z_-]+)*(?:\.[a-z]+)?")
_BLOCK = 1 << 20  # bytes read at a time


class ObjectGone(GalleryError):
    """An object is not there: a later commit dropped it, or it was lost."""


class Written(NamedTuple):
    """Size and checksum of an object, as they were found while it was written."""

    bytes: int
    sha256: str


class Sink(io.RawIOBase):
    """File-like object that counts and digests what is written through it."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream, self._digest, self._bytes = stream, hashlib.sha256(), 0

    def writable(self) -> bool:
        """Return True: writing is all that it is for."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes, or a buffer of them; return how many."""
        view = memoryview(data).cast("B")
        self._stream.write(view)
        self._digest.update(view)
        self._bytes += len(view)
        return len(view)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._bytes

    @property
    def written(self) -> Written:
        """Size and checksum of what was written so far."""
        return Written(self._bytes, self._digest.hexdigest())


@dataclass(frozen=True)
class Storage:
    """Objects by name at one address.

    Parameters
    ----------
    files : pyarrow.fs.FileSystem
        Names are paths in it.
    root : Path or None
        Folder of a local one, which is mapped where it lies and synchronised with the disk; None
        for any other, whose objects are whole when their writing ends.
    address : str
        Address for people, in messages.
    """

    files: fs.FileSystem
    root: Path | None
    address: str

    @classmethod
    def at(cls, address: Path | str) -> Storage:
        """Open the storage at a folder, or at the URI of an object store (``s3://bucket/prefix``).

        Raises GalleryError if the address is not one that can be used.
        """
        if isinstance(address, str) and "://" in address:
            try:
                found, prefix = fs.FileSystem.from_uri(address)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise GalleryError(
                    f"cannot be used as storage ({str(error).splitlines()[0]})",
                    where=address,
                    fix="Give a folder, or an address such as s3://bucket/prefix",
                ) from None
            return cls(fs.SubTreeFileSystem(prefix, found), None, address)
        root = Path(address).resolve()
        local = fs.LocalFileSystem(use_mmap=True)
        return cls(fs.SubTreeFileSystem(str(root), local), root, str(address))

    def where(self, name: str) -> str:
        """Place of an object, in messages and for DuckDB."""
        return str(self.root / _checked(name)) if self.root else f"{self.address}/{_checked(name)}"

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """Give a sink for a new object; when the block ends it is whole, and on the disk.

        Its folders are on the disk after :meth:`sync`. If the block raises, the object is deleted.
        Raises GalleryError if it cannot be written.
        """
        _checked(name)
        try:
            if self.root:
                _make_private((self.root / name).parent, self.root)
            stream = self.files.open_output_stream(name)
            sink = Sink(stream)
            try:
                yield sink
                stream.close()
                if self.root:
                    (self.root / name).chmod(0o600)
                    sync_path(self.root / name)
            except BaseException:
                with contextlib.suppress(OSError):
                    stream.close()
                self.delete([name])
                raise
        except OSError as error:
            raise self._unwritten(name, error) from error

    def _unwritten(self, name: str, error: OSError) -> GalleryError:
        """Make the error for an object that could not be written or deleted."""
        if self.root:
            return refused_by_disk(self.root / name, error)
        what, fix = unwritten(error, fix="Check the object store, and its access rights")
        return GalleryError(what, where=self.where(name), fix=fix)

    def sync(self, names: Iterable[str]) -> None:
        """Have the folders of objects on the disk; elsewhere there is nothing to do."""
        if self.root is None:
            return
        above = {parent for name in names for parent in Path(_checked(name)).parents}
        for folder in sorted(above, key=lambda path: -len(path.parts)):
            try:
                sync_path(self.root / folder)
            except OSError as error:
                raise refused_by_disk(self.root / folder, error) from error

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[pa.NativeFile]:
        """Open an object for reading; a local one is mapped, and what was read stays mapped.

        No file descriptor is kept for that: the mapping lives as long as the buffers do.

        Raises
        ------
        ObjectGone
            If it is not there.
        GalleryError
            If it cannot be read.
        """
        try:
            with self.files.open_input_file(_checked(name)) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise self.unreadable(name, error) from None

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an object from *offset* on; fewer where it ends before."""
        with self.reading(name) as file:
            found: bytes = file.read_at(length, offset)
        return found

    def digest(self, name: str) -> Written:
        """Size and checksum of an object as it is, from all of its bytes."""
        sink = Sink(io.BytesIO())
        with self.reading(name) as file:
            while block := file.read(_BLOCK):
                sink._digest.update(block)
                sink._bytes += len(block)
        return sink.written

    def names(self, under: str) -> list[str]:
        """Names of all objects below a folder, sorted; none if it is not there."""
        chosen = fs.FileSelector(_checked(under), recursive=True, allow_not_found=True)
        found = self.files.get_file_info(chosen)
        return sorted(one.path for one in found if one.type == fs.FileType.File)

    def holds(self, name: str) -> bool:
        """Return True if an object is there."""
        (found,) = self.files.get_file_info([_checked(name)])
        return bool(found.type == fs.FileType.File)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, with folders that are empty then; one that is not there is no error.

        A process that has one mapped keeps it. Raises GalleryError if one cannot be deleted.
        """
        for name in names:
            try:
                if self.root:
                    self._delete_here(self.root / _checked(name))
                else:
                    with contextlib.suppress(FileNotFoundError):
                        self.files.delete_file(_checked(name))
            except OSError as error:
                raise self._unwritten(name, error) from error

    def _delete_here(self, path: Path) -> None:
        assert self.root is not None
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root:
                return
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return
                raise

    def unreadable(self, name: str, error: BaseException) -> GalleryError:
        """Make the error for an object that cannot be read; NotPermitted if it is another's."""
        if isinstance(error, FileNotFoundError):
            return ObjectGone("is not there", where=self.where(name), fix="Restore it from a copy")
        if self.root and isinstance(error, OSError):
            refuse_others(self.root / name, error)
        reason = (str(error).splitlines() or [repr(error)])[0]
        return GalleryError(
            f"cannot be read ({reason})", where=self.where(name), fix="Restore it from a copy"
        )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise GalleryError(
            "is not the name of an object of a gallery", where=name, fix="Restore the manifest"
        )
    return name


def _make_private(folder: Path, root: Path) -> None:
    """Make folders below *root* for their owner alone, whatever the umask."""
    if folder.is_dir():
        return
    if folder != root:
        _make_private(folder.parent, root)
    folder.mkdir(mode=0o700, parents=folder == root, exist_ok=True)


__all__ = ["ObjectGone", "Sink", "Storage", "Written"]
