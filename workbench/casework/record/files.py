"""Small files of casework: for their owner alone, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.errors import SettingsError, refuse_others

_MOST_BYTES = 1 << 20


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, new: bool = False) -> None:
    """Write a file whole or not at all, whatever interrupts it, and onto the disk.

    With *new*, a file that is there already is kept, so that several processes agree on one.
    Raises OSError if it cannot be written; nothing is left then.
    """
    with written_first(path, content, mode=mode, new=new):
        pass


@contextlib.contextmanager
def written_first(
    path: Path, content: bytes, *, mode: int = 0o600, new: bool = False
) -> Iterator[None]:
    """Write a file as :func:`write_whole` does, but give it its name only after the block.

    So what the block records of it is not said of a file for which the disk has no room; and if
    the block raises, what was there before stays.
    """
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fchmod(handle, mode)
            owner = path.parent.stat()
            if os.geteuid() == 0 != owner.st_uid:  # root must not lock the owner out
                os.fchown(handle, owner.st_uid, owner.st_gid)
            os.fsync(handle)
        yield
        if new:
            with contextlib.suppress(FileExistsError):
                os.link(unfinished, path)
        else:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_owned(path: Path, *, unusable: Callable[[Path, str], SettingsError]) -> bytes | None:
    """Read a file that the owner of its folder alone may write; None if there is none.

    Raises SettingsError, made by *unusable* of the path and what is wrong, if the file is a link,
    is of another account or writable by others, or cannot be opened.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        refuse_others(path, error)
        raise unusable(path, f"cannot be opened ({error.strerror})") from None
    try:
        status, owner = os.fstat(file), path.parent.stat().st_uid
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise unusable(path, "is a link or not a regular file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise unusable(path, "is writable by others than its owner")
        if status.st_uid not in (0, owner):
            raise unusable(path, "does not belong to the owner of the casework folder")
        return os.read(file, _MOST_BYTES)
    finally:
        os.close(file)
