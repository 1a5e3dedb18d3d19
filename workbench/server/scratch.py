"""Folder of a running server: sockets, connection files and keys of its kernels.

It is gone when the server ends. A server that is killed leaves it; the next one of the same account
removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from tornado.log import app_log

from workbench.errors import SettingsError

# Short, as is SOCKETS: the path of a Unix socket has room for 107 bytes.
_PREFIX = "sightline-"
SOCKETS = "k"
"""Name of the folder in it where the sockets of kernels are."""

_LONGEST_SOCKET = 107
_LONGEST_NAME = f"{_PREFIX}01234567/{SOCKETS}/kernel-{uuid4()}-ipc-5"
_LOCK = "server.lock"


def check_room() -> Path:
    """Return the folder for temporary files, in which each kernel has its sockets.

    Raises
    ------
    SettingsError
        If its path is so long that they would not fit.
    """
    folder = Path(tempfile.gettempdir())
    if len(os.fsencode(folder / _LONGEST_NAME)) > _LONGEST_SOCKET:
        raise SettingsError(
            "is too long for the sockets of kernels",
            where=str(folder),
            fix="Set TMPDIR to a folder with a shorter path, such as /tmp",
        )
    return folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder of this server's own, and remove those of servers that were killed.

    A server holds a lock in its folder for as long as it lives, and no longer, however it ends.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_if_dead(folder)
    with ExitStack() as last, tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        new = folder / "lock"
        lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        last.callback(os.close, lock)  # once the folder is gone
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(folder / _LOCK)  # none is seen there that is not held
        yield folder


def _remove_if_dead(folder: Path) -> None:
    """Remove a folder of our account's that holds a lock which nobody holds."""
    try:
        status = folder.lstat()
        if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
            return
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # something else of that name, or gone
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner)
            elif inner.name != _LOCK:  # the lock goes last: what cannot be removed now can later
                inner.unlink()
        shutil.rmtree(folder)
    except BlockingIOError:  # its server lives
        return
    except OSError as error:
        app_log.warning("what a killed server left cannot be removed: %s", error)
    finally:
        os.close(lock)
