"""The file that people name: a DuckDB database with views of a gallery as of a commit.

It is written from the gallery whenever that is of use, and nothing is read from it. But a
table may have been made in it by hand, or another file put in its place: such a file stays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import duckdb

from workbench.errors import GalleryError, is_there
from workbench.gallery.disk import refused_by_disk, unreadable
from workbench.gallery.duck import connect
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.questions import MADE, NAMES, write_named
from workbench.gallery.snapshot import Snapshot, settled
from workbench.gallery.storage import Storage

NOTE = "derived/named.json"  # which file was written, of which commit and place


class Contents(NamedTuple):
    """Names of the tables and views of a DuckDB file, and which of them were written with it.

    Without the latter, it was not written from a gallery in parts.
    """

    names: frozenset[str]
    made: frozenset[str]


@undisturbed()
def contents_of(path: Path) -> Contents:
    """Names of the tables and views of a DuckDB file.

    Raises GalleryError if it is none, or GalleryBusy if another process has it open for writing.
    """
    connection = connect(path)
    try:
        names = _names(connection, f"({NAMES})")
        made = _names(connection, MADE) if {"as_of", MADE} <= names else frozenset[str]()
    except duckdb.Error as error:
        raise unreadable(path, str(error)) from None
    finally:
        connection.close()
    return Contents(names, made)


def _names(connection: duckdb.DuckDBPyConnection, source: str) -> frozenset[str]:
    rows = connection.execute(f"SELECT name FROM {source}").fetchall()  # noqa: S608 - our own
    return frozenset(name for (name,) in rows)


def refuse_other(path: Path, folder: Path) -> None:
    """Refuse to write a gallery where something that is not from it would be lost.

    Raises
    ------
    GalleryError
        If what is at *path* was not written from the gallery in *folder*, or holds a table or
        view that was made in it since.
    GalleryBusy
        If that cannot be seen, as another process writes it.
    """
    if not is_there(path):
        return
    # What a shell that was killed had changed lies in its log, and not in the file.
    if _stamp(path) == _note(folder).get("stamp") and not is_there(_log(path)):
        return
    what = "is not the file of the gallery in the folder beside it"
    try:
        found = contents_of(path)
    except GalleryError as error:
        if type(error) is GalleryError:  # no DuckDB file, and not one that is only in use
            raise _kept(path, folder, what) from None
        raise
    if not found.made:
        raise _kept(path, folder, what)
    if own := found.names - found.made - {MADE}:
        raise GalleryError(
            f"holds {', '.join(sorted(own))}, which would be lost when it is written again",
            where=str(path),
            fix="Copy that into a file of its own with DuckDB, and drop it here",
        )


def _kept(path: Path, folder: Path, what: str) -> GalleryError:
    return GalleryError(
        f"{what} ({folder.name})",
        where=str(path),
        fix="Move the file, or the folder, elsewhere; the gallery writes its own",
    )


def renew(path: Path, folder: Path, snapshot: Snapshot) -> bool:
    """Write the file at *path* again, unless it shows the last commit of the gallery in *folder*.

    To be called by who writes the gallery: when it was opened, since its folder may have moved;
    when a commit dropped parts, whose files the views name; and when it is closed.

    Returns
    -------
    bool
        True if it was written.

    Raises
    ------
    GalleryError
        As :func:`refuse_other` does, if it cannot be written, or if the folder is gone. What was
        there stays then.
    """
    if not is_there(folder):
        raise GalleryError(
            "was moved or deleted", where=str(path), fix="Restore it, or open another"
        )
    written, _ = settled(snapshot, lambda now: _renewed(path, folder, now))
    return written


def _renewed(path: Path, folder: Path, snapshot: Snapshot) -> bool:
    now = {"commit": snapshot.commit, "storage": snapshot.storage.where("parts")}
    if is_there(path) and _note(folder) == {**now, "stamp": _stamp(path)}:
        return False
    refuse_other(path, folder)
    try:
        _log(path).unlink(missing_ok=True)  # it is of a file that goes
        write_named(path, snapshot)
    except OSError as error:
        raise refused_by_disk(path, error) from error
    note = json.dumps({**now, "stamp": _stamp(path)}).encode()
    with Storage.at(folder).writing(NOTE) as sink:
        sink.write(note)
    return True


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _stamp(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_ino, about.st_size, about.st_mtime_ns]


def _note(folder: Path) -> dict[str, object]:
    """What is noted of the file as it was written; nothing where that is lost, or damaged."""
    try:
        found = json.loads((folder / NOTE).read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:  # cut short by a power failure: the file itself is looked at then
        return {}
    except OSError as error:
        raise unreadable(folder / NOTE, str(error)) from error
    return found if isinstance(found, dict) else {}


__all__ = ["Contents", "contents_of", "refuse_other", "renew"]
