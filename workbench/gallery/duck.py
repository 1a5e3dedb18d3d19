"""Files and connections of DuckDB: opened for what is asked of them alone, finished for certain.

What DuckDB says of a file that it cannot open is told as any other error is.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import duckdb

from workbench.errors import GalleryBusy, GalleryError, is_full, refuse_others
from workbench.gallery.disk import DiskRefused, refused_by_disk, unreadable

TRACKLET_ID = "recording_id || '-' || ordinal"  # as format_tracklet_id writes it
_REFUSALS = ("Permission denied", "Read-only file system", "Input/output error")
# DuckDB ends the name of a file at the one, and takes the other for a slash.
_MISREAD = {"?": "a question mark", "\\": "a backslash"}


def refuse_misread(path: Path) -> None:
    """Raise GalleryError if DuckDB would take *path* for another one."""
    where = str(path.resolve())
    for sign, name in _MISREAD.items():
        if sign in where:
            raise GalleryError(
                f"its path holds {name}, which DuckDB takes for something else",
                where=str(path),
                fix="Keep the gallery in a folder, and under a name, without one",
            )


def connect(path: Path | str = ":memory:", *, write: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection that loads and reads nothing by itself; raise GalleryError or GalleryBusy."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    in_memory = path == ":memory:"
    if not in_memory:
        refuse_misread(Path(path))
    try:
        connection = duckdb.connect(str(path), read_only=not write and not in_memory, config=config)
    except duckdb.Error as error:
        raise refusal(Path(path), error) from None
    connection.execute(OWN_SETTINGS)
    return connection


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C in a statement, of which DuckDB makes another error."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise


# Of each connection and cursor. DuckDB's own bar would print to standard output.
OWN_SETTINGS = "SET enable_progress_bar = false; SET TimeZone = 'UTC'"


def refusal(path: Path, error: duckdb.Error) -> GalleryError:
    """Translate an error of DuckDB's on opening *path*; raise NotPermitted if it is another's."""
    text = str(error)
    refuse_foreign(path, text)
    if is_full(error):
        return refused_by_disk(path, error)
    for reason in _REFUSALS:
        if reason in text:
            return DiskRefused(
                f"cannot be opened ({reason})",
                where=str(path),
                fix="Ask the person who runs this installation for access, or check the disk",
            )
    if "lock" in text.lower() or "different configuration" in text:
        return GalleryBusy(
            "is in use by another process",
            where=str(path),
            fix="Wait until indexing has finished, or close what has it open",
        )
    return unreadable(path, text)


def refuse_foreign(path: Path, text: str) -> None:
    """Raise NotPermitted if DuckDB's words are that what is at *path* is another account's."""
    if os.strerror(errno.EACCES) in text and os.path.lexists(path):
        refuse_others(path, PermissionError(text))


def sql_literal(text: object) -> str:
    """SQL literal of a text or path, for statements that take no parameters."""
    return "'" + str(text).replace("'", "''") + "'"


def finish(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Have all that was written in the file itself; raise OSError or DuckDB's error if it is not.

    Closing a connection does so too, but says nothing when the disk is full.
    """
    connection.execute("CHECKPOINT")
    left = path.with_name(f"{path.name}.wal")
    if left.exists() and left.stat().st_size:
        raise OSError(errno.ENOSPC, "not all of it could be written", str(path))


def sql_part(file: str, part: int) -> str:
    """Part 1 or 2 of a file of SQL in this folder."""
    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    first, second = text.split("-- Part 2:")
    return (first, f"-- {second}")[part - 1]


__all__ = [
    "OWN_SETTINGS",
    "TRACKLET_ID",
    "connect",
    "finish",
    "interruptible",
    "refusal",
    "refuse_foreign",
    "refuse_misread",
    "sql_literal",
    "sql_part",
]
