"""Connection of a manifest to its database, and what differs between the databases there are.

The manifest speaks SQL that all of them understand, with parameters such as ``:day``. What is left
is here: how a table becomes its own index, how a list is a parameter, how errors are told.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from workbench.errors import GalleryBusy, GalleryError, refuse_others
from workbench.gallery.disk import refused_by_disk, sync_path, unreadable

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")


class KeyTaken(GalleryError):
    """A row with that key is in the table already."""


class DatabaseLost(GalleryError):
    """The database cannot be reached."""


class DatabaseThere(GalleryError):
    """A database that is to be made holds a manifest."""


class Database(Protocol):
    """A database that holds a manifest; for one process, and any of its threads."""

    shared: bool  # other processes may write at the same time, of this machine and of others

    def schema(self, sql: str) -> str:
        """Statements that make tables, as this database understands them."""
        ...

    def now(self) -> datetime:
        """UTC time, by one clock for all who write."""
        ...

    def among(self, column: str, name: str) -> str:
        """Condition that a column has one of the values of parameter *name*, as :meth:`values`."""
        ...

    def values(self, values: Iterable[object]) -> object:
        """Parameter for :meth:`among`."""
        ...

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Rows of a query; parameters are named in it as ``:name``."""
        ...

    def change(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run a statement inside :meth:`write`; return how many rows it changed."""
        ...

    def change_many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run a statement inside :meth:`write` once for each of several parameters.

        Raises KeyTaken if it inserts a row whose key there is already.
        """
        ...

    def write(self, work: Callable[[], T]) -> T:
        """Do some work in a transaction that no other writer is beside; undo it if it raises.

        It may be done several times, of which one counts: it changes nothing else.
        """
        ...

    def read(self, work: Callable[[], T]) -> T:
        """Do some work whose queries all see the database as it is at the first of them.

        It may be done several times.
        """
        ...

    def problems(self) -> list[str]:
        """Say what is wrong with the file of the database, where it is one: all of it is read."""
        ...

    def scrub(self) -> None:
        """Have nothing that was deleted stay in any file of the database."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SQLiteDatabase:
    """Database in a file of this machine, for one writing process at a time and any readers.

    It keeps a log beside the file (WAL), so that readers and the writer never wait for each other.
    A commit is on the disk when it returns. It is not for a network's file system.
    """

    shared = False

    def __init__(self, path: Path, *, write: bool = False, create: bool = False) -> None:
        """Open the file at *path*, or make it.

        Raises
        ------
        GalleryError
            If it is missing, cannot be read, or is to be made and exists.
        """
        self.path = path
        self._lock = threading.RLock()
        if create:
            self._make()
        if not path.is_file():
            raise GalleryError(
                "there is no manifest here", where=str(path), fix="Restore it from a copy"
            )
        # Where nothing can be written there is no writer either, and SQLite is told so.
        fixed = not write and not os.access(path.parent, os.W_OK)
        log = path.with_name(f"{path.name}-wal")
        if fixed and log.exists() and log.stat().st_size:  # SQLite would pass over it
            raise GalleryError(
                "has a log of commits beside it, which cannot be read where nothing is writable",
                where=str(path),
                fix="Copy the gallery to a disk that can be written, and open it there",
            )
        mode = "rw" if write else ("ro&immutable=1" if fixed else "ro")
        with self._translated():
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=30.0,
                isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            try:
                if write:
                    self._connection.execute("PRAGMA journal_mode = WAL")
                    self._connection.execute("PRAGMA synchronous = FULL")
                    self._connection.execute("PRAGMA secure_delete = ON")
                # What it holds, its log included, is read now: damage shows here and not later.
                self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except BaseException:
                self._connection.close()
                raise

    def _make(self) -> None:
        """Make an empty file for its owner alone, whatever the umask."""
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            os.close(handle)
            sync_path(self.path.parent)
        except FileExistsError:
            raise DatabaseThere(
                "already exists", where=str(self.path), fix="Open it, or choose another name"
            ) from None
        except OSError as error:
            raise refused_by_disk(self.path, error) from error

    def schema(self, sql: str) -> str:
        """Statements that make tables: those with a key of their own are its index."""
        return sql.replace("{keyed}", "WITHOUT ROWID")

    def now(self) -> datetime:
        """UTC time, by the clock of this machine."""
        return datetime.now(UTC)

    def among(self, column: str, name: str) -> str:
        """Condition that a column has one of the values of parameter *name*."""
        return f"{column} IN (SELECT value FROM json_each(:{name}))"  # noqa: S608 - our own

    def values(self, values: Iterable[object]) -> object:
        """Parameter for :meth:`among`: the values as JSON."""
        return json.dumps(list(values))

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Rows of a query; raise GalleryError if the file is damaged."""
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters or {}).fetchall()

    def change(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run a statement inside :meth:`write`; return how many rows it changed."""
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters or {}).rowcount

    def change_many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run a statement inside :meth:`write` once for each of several parameters."""
        with self._lock, self._translated():
            self._connection.executemany(sql, parameters)

    def write(self, work: Callable[[], T]) -> T:
        """Do some work in a transaction that no other writer is beside; undo it if it raises."""
        with self._transaction("BEGIN IMMEDIATE"):
            return work()

    def read(self, work: Callable[[], T]) -> T:
        """Do some work whose queries all see the file as it is at the first of them."""
        with self._lock:
            if self._connection.in_transaction:  # a reader inside a reader sees what that sees
                return work()
            with self._transaction("BEGIN"):
                return work()

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._lock, self._translated():
            self._connection.execute(begin)
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has undone it itself where the disk was full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise KeyTaken(str(error), where=str(self.path)) from None
        except sqlite3.ProgrammingError:  # a mistake of ours, and no damage
            raise
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: sqlite3.DatabaseError) -> GalleryError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what is more exact
        if code == sqlite3.SQLITE_FULL:
            return refused_by_disk(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
            return refused_by_disk(self.path, OSError(errno.EIO, str(error)))
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            refuse_others(self.path, PermissionError(str(error)))
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return GalleryBusy(
                "is in use by another process",
                where=str(self.path),
                fix="Wait until it has finished, and try again",
            )
        return unreadable(self.path, str(error))

    def problems(self) -> list[str]:
        """Say what is wrong with the file; every page of it is read."""
        try:
            found = [str(told) for (told,) in self.rows("PRAGMA integrity_check(10)")]
        except GalleryError as error:
            return [error.what]
        return [told for told in found if told != "ok"]

    def scrub(self) -> None:
        """Bring the log into the file and empty it: nothing that was deleted stays in either.

        Raises GalleryBusy if a process reads the database for longer than anybody should.
        """
        with self._lock, self._translated():
            ((busy, *_),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise GalleryBusy(
                "is being read by another process, so what was deleted is still in its log",
                where=str(self.path),
                fix="Close what reads the gallery, and do this again",
            )

    def backup(self, path: Path) -> None:
        """Copy the database as it is at one commit to a new file; writers go on meanwhile.

        Raises GalleryError if there is something at *path*, or it cannot be written.
        """
        new = SQLiteDatabase(path, write=True, create=True)
        with contextlib.closing(new), self._lock, new._translated():
            self._connection.backup(new._connection)
        sync_path(path)

    def close(self) -> None:
        """Close the file; what its log holds comes into it when the last process closes it."""
        with self._lock:
            self._connection.close()


__all__ = ["Database", "DatabaseLost", "DatabaseThere", "KeyTaken", "Row", "SQLiteDatabase"]
