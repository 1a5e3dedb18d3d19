"""Storage of a gallery's objects by name: a local folder or an object store, by one address.

Objects are written once and never changed. A name becomes part of a gallery when a commit of the
manifest names it; until then nobody looks for it.

Endpoint, region and credentials of an object store come from the environment and the files that
AWS defines (``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``, ``~/.aws``, ...). An address may name the first
two, ``s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-west-2``, and never a key:
addresses are kept and shown.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
from pyarrow import fs

from workbench.errors import GalleryError, refuse_others
from workbench.gallery.cache import Cache, Written
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.mapping import map_file

# Names become paths: none but our own kind is taken, also from a manifest that was altered.
_NAME = re.compile(r"[0-9a-z_-]+(?:/[0-9a-z_-]+)*(?:\.[a-z]+)?")
_BLOCK = 1 << 20  # bytes read at a time
_FAR_BLOCK = 1 << 24  # and of an object store, where each is a request

# An object store that does not answer is given up after so many attempts of each request, which
# the SDK repeats with growing pauses, and so many seconds without a byte.
_ATTEMPTS, _CONNECT_SECONDS, _SILENT_SECONDS = 4, 5.0, 30.0
# What errors of the SDK say, in words; the first that is found.
_TOLD = (
    ("curlCode: 28", "the object store did not answer in time"),
    ("NETWORK_CONNECTION", "the object store cannot be reached, or cut the connection"),
    ("ACCESS_DENIED", "the object store refuses access"),
    ("INVALID_ACCESS_KEY_ID", "the object store refuses the credentials"),
    ("SIGNATURE_DOES_NOT_MATCH", "the object store refuses the credentials"),
    ("NO_SUCH_BUCKET", "there is no such bucket"),
    ("SLOW_DOWN", "the object store asks for fewer requests"),
    ("SERVICE_UNAVAILABLE", "the object store is not available"),
    ("INTERNAL_FAILURE", "the object store failed"),
    ("HTTP status 5", "the object store failed"),
)


class ObjectGone(GalleryError):
    """An object is not there: a later commit dropped it, or it was lost."""


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
    cache : Cache, optional
        Where whole objects of an object store are kept on this machine.
    options : str
        What follows the address of an object store, to open it on another machine.
    """

    files: fs.FileSystem
    root: Path | None
    address: str
    cache: Cache | None = None
    options: str = ""

    @classmethod
    def at(cls, address: Path | str, *, cache: Cache | None = None) -> Storage:
        """Open the storage at a folder, or at the URI of an object store (``s3://bucket/prefix``).

        Nothing is asked of the store. The *cache* is for object stores alone: what is in a folder
        is mapped where it lies.

        Raises GalleryError if the address is not one that can be used.
        """
        if isinstance(address, str) and "://" in address:
            files, shown = _object_store(address)
            return cls(files, None, shown, cache, urlsplit(address).query)
        root = Path(address).resolve()
        local = fs.LocalFileSystem(use_mmap=True)
        return cls(fs.SubTreeFileSystem(str(root), local), root, str(address))

    @property
    def everywhere(self) -> str:
        """Address with which another machine opens the same storage: it holds no key."""
        if self.root:
            return str(self.root)
        return f"{self.address}?{self.options}" if self.options else self.address

    def where(self, name: str) -> str:
        """Place of an object, in messages and for DuckDB."""
        return str(self.root / _checked(name)) if self.root else f"{self.address}/{_checked(name)}"

    def prepare(self) -> None:
        """Make its folder, if it is one and is not there; raise GalleryError if it cannot be."""
        if self.root is None:
            return
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refused_by_disk(self.root, error) from error

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """Give a sink for a new object; when the block ends it is whole, and on the disk.

        Its folders below that of the storage are made, and are on the disk after :meth:`sync`. If
        the block raises, the object is deleted; to an object store nothing is sent before the block
        has ended, since an upload that was begun cannot be taken back. Raises GalleryError if it
        cannot be written.
        """
        _checked(name)
        if self.root is None:
            kept = pa.BufferOutputStream()  # a part or pack at most
            sink = Sink(kept)
            yield sink
            self._upload(name, kept.getvalue())
            return
        try:
            stream = self._new(name)
            sink = Sink(stream)
            try:
                yield sink
                stream.close()
                (self.root / name).chmod(0o600)
                sync_path(self.root / name)
            except BaseException:
                with contextlib.suppress(OSError):
                    stream.close()
                self.delete([name])
                raise
        except OSError as error:
            raise self._unwritten(name, error) from error

    def _new(self, name: str) -> pa.NativeFile:
        """Open a new file of a local folder; those above it are made."""
        assert self.root is not None
        while True:
            try:
                _make_private((self.root / name).parent, self.root)
                return self.files.open_output_stream(name)
            except FileNotFoundError:
                # Whoever deleted the last object of a day deleted its folder before this was in it.
                if not self.root.is_dir():
                    raise

    def _upload(self, name: str, content: pa.Buffer) -> None:
        """Have an object in the store: all of it when this returns, or none."""
        try:
            with self.files.open_output_stream(name) as stream:
                stream.write(content)
        except (OSError, pa.ArrowException) as error:
            raise self._unwritten(name, error) from error

    def _unwritten(self, name: str, error: BaseException) -> GalleryError:
        """Make the error for an object that could not be written or deleted."""
        if self.root:
            return refused_by_disk(self.root / name, error)
        return GalleryError(
            f"cannot be written ({told(error)})",
            where=self.where(name),
            fix="Check the object store and the access to it, and do this again; "
            "what was stored before is kept",
        )

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
    def reading(self, name: str, whole: Written | None = None) -> Iterator[pa.NativeFile]:
        """Open an object for reading; a local one is mapped, and what was read stays mapped.

        No file descriptor is kept for that: the mapping lives as long as the buffers do.

        Parameters
        ----------
        whole : Written, optional
            Size and checksum by the manifest of an object that is wanted whole. One of an object
            store is fetched in one piece then, into the cache or into memory, and is checked.
            Else each read fetches a range.

        Raises
        ------
        ObjectGone
            If it is not there.
        GalleryError
            If it cannot be read.
        """
        _checked(name)
        if whole is not None and self.root is None:
            with self._whole(name, whole) as file:
                yield file
            return
        try:
            with self.files.open_input_file(name) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise self.unreadable(name, error) from None

    def mapped(self, name: str, whole: Written) -> pa.Buffer:
        """All of an object, not empty; a local one where it lies, as :mod:`.mapping` maps it.

        Raises as :meth:`reading` does. No file descriptor is kept.
        """
        _checked(name)
        if self.root is None:
            with self._whole(name, whole) as file:
                return file.read_buffer()
        try:
            return map_file(self.root / name)
        except (OSError, pa.ArrowException) as error:
            raise self.unreadable(name, error) from None

    def _whole(self, name: str, whole: Written) -> contextlib.AbstractContextManager[pa.NativeFile]:
        fetch = functools.partial(self.fetch, name, whole)
        if self.cache is None:
            return contextlib.closing(pa.BufferReader(fetch()))
        return self.cache.reading(self.address, name, whole, fetch)

    def fetch(self, name: str, whole: Written) -> pa.Buffer:
        """All of an object, which is as the manifest has it, in memory.

        Raises
        ------
        ObjectGone
            If it is not there.
        GalleryError
            If it cannot be read, or was altered.
        """
        for _ in range(2):  # what was altered on its way here only comes whole the next time
            with self.reading(name) as file:
                found = file.read_buffer(whole.bytes) if file.size() == whole.bytes else None
            if found is not None and hashlib.sha256(found).hexdigest() == whole.sha256:
                return found
        raise self._altered(name)

    def _altered(self, name: str) -> GalleryError:
        return GalleryError(
            "is not as it was stored", where=self.where(name), fix="Restore it from a copy"
        )

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an object from *offset* on; fewer where it ends before."""
        with self.reading(name) as file:
            found: bytes = file.read_at(length, offset)
        return found

    def blocks(self, name: str) -> Iterator[bytes]:
        """All bytes of an object as it is in the storage, in blocks."""
        with self.reading(name) as file:
            while block := file.read(_BLOCK if self.root else _FAR_BLOCK):
                yield block

    def digest(self, name: str) -> Written:
        """Size and checksum of an object as it is, from all of its bytes."""
        size, found = 0, hashlib.sha256()
        for block in self.blocks(name):
            size += len(block)
            found.update(block)
        return Written(size, found.hexdigest())

    def copy(self, name: str, source: Storage, wanted: Written) -> None:
        """Copy an object of another storage, or restore it there, under its name.

        Raises
        ------
        ObjectGone
            If it is not in the *source*.
        GalleryError
            If it is not there as it was stored, or cannot be read or written. Nothing is left here
            then.
        """
        with self.writing(name) as sink:
            for block in source.blocks(name):
                sink.write(block)
            if sink.written != wanted:
                raise source._altered(name)

    def link(self, name: str, source: Storage, wanted: Written) -> bool | None:
        """Have the same file as another folder; return False if that is so, None if it cannot be.

        Raises ObjectGone if it is not in the *source*, or GalleryError if its size is another.
        """
        assert self.root
        assert source.root
        path, other = self.root / _checked(name), source.root / name
        try:
            about = other.stat()
            if about.st_size != wanted.bytes:
                raise source._altered(name)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), about):
                    return False
            _make_private(path.parent, self.root)
            os.link(other, path)
        except FileNotFoundError as error:
            raise source.unreadable(name, error) from None
        except OSError:  # another disk, one without links, or something is there: it is copied
            return None
        self.sync([name])
        return True

    def names(self, under: str) -> list[str]:
        """Names of all objects below a folder, sorted; none if it is not there.

        Raises GalleryError if they cannot be listed.
        """
        chosen = fs.FileSelector(_checked(under), recursive=True, allow_not_found=True)
        try:
            found = self.files.get_file_info(chosen)
        except OSError as error:
            raise self.unreadable(under, error) from None
        return sorted(one.path for one in found if one.type == fs.FileType.File)

    def holds(self, name: str) -> bool:
        """Return True if an object is there."""
        (found,) = self.files.get_file_info([_checked(name)])
        return bool(found.type == fs.FileType.File)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, with folders that are empty then; one that is not there is no error.

        A process that has one mapped keeps it. Raises GalleryError if one cannot be deleted.
        """
        folders = set()
        for name in names:
            try:
                if self.root:
                    self._delete_here(self.root / _checked(name))
                else:
                    folders.add(_checked(name).rpartition("/")[0])
                    with contextlib.suppress(FileNotFoundError):
                        self.files.delete_file(name)
                    if self.cache is not None:
                        self.cache.forget(self.address, name)
            except OSError as error:
                raise self._unwritten(name, error) from error
        self._delete_marks(folders - {""})

    def _delete_marks(self, folders: set[str]) -> None:
        """Delete the empty objects by which Arrow marks folders whose last object it deleted."""
        while folders:
            above = set()
            for folder in folders:
                try:
                    chosen = fs.FileSelector(folder, allow_not_found=True)
                    if not self.files.get_file_info(chosen):
                        with contextlib.suppress(FileNotFoundError):
                            self.files.delete_dir(folder)
                        above.add(folder.rpartition("/")[0])
                except OSError as error:
                    raise self._unwritten(folder, error) from error
            folders = {folder for folder in above if "/" in folder}

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
        asked = self.root is None and isinstance(error, OSError)  # of a store, not of its content
        return GalleryError(
            f"cannot be read ({told(error)})",
            where=self.where(name),
            fix="Check the object store and the access to it, and do this again"
            if asked
            else "Restore it from a copy",
        )


def told(error: BaseException) -> str:
    """Why an object could not be read or written, in words."""
    reason = (str(error).splitlines() or [repr(error)])[0]
    return next((words for sign, words in _TOLD if sign in reason), reason)


def _object_store(address: str) -> tuple[fs.FileSystem, str]:
    """Open the object store of an address; return it, and the address without its options."""
    parts = urlsplit(address)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        if "@" in parts.netloc or parts.fragment or options.keys() & _SECRET:
            raise ValueError("it holds a key, or part of one")
        if parts.scheme != "s3":
            found, prefix = fs.FileSystem.from_uri(address)
            return fs.SubTreeFileSystem(prefix, found), bare
        if options.keys() - {"endpoint", "region"} or (parts.query and not options):
            raise ValueError("its options are endpoint and region")
        if not parts.netloc:
            raise ValueError("it names no bucket")
        return fs.SubTreeFileSystem(f"{parts.netloc}{parts.path}", _s3(options)), bare
    except (pa.ArrowException, OSError, ValueError) as error:
        raise GalleryError(
            f"cannot be used as storage ({str(error).splitlines()[0]})",
            where=bare,
            fix="Give a folder, or an address such as s3://bucket/prefix; keys come from the "
            "environment or from ~/.aws",
        ) from None


_SECRET = {"access_key", "secret_key", "session_token", "token", "password"}


def _s3(options: dict[str, str]) -> fs.S3FileSystem:
    chosen: dict[str, Any] = {}
    if region := options.get("region"):
        chosen["region"] = region
    if endpoint := options.get("endpoint"):
        place = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        if place.scheme not in ("http", "https") or not place.netloc or "@" in place.netloc:
            raise ValueError(f"its endpoint is not an address ({place.netloc.rpartition('@')[2]})")
        chosen |= {"scheme": place.scheme, "endpoint_override": place.netloc}
    return fs.S3FileSystem(
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_SILENT_SECONDS,
        allow_delayed_open=True,  # a small object is one request
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        **chosen,
    )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise GalleryError(
            "is not the name of an object of a gallery", where=name, fix="Restore the manifest"
        )
    return name


def _make_private(folder: Path, root: Path) -> None:
    """Make folders below *root*, which is there, for their owner alone, whatever the umask."""
    if folder.is_dir():
        return
    if folder != root:  # which was deleted, with a gallery that is not to come back in part
        _make_private(folder.parent, root)
        folder.mkdir(mode=0o700, exist_ok=True)


__all__ = ["ObjectGone", "Sink", "Storage", "Written", "told"]
