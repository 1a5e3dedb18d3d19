"""Database of a manifest in Postgres: for many writing processes, of as many machines.

Writers come one after another, by a lock on the row of the gallery that each takes first: numbers
of commits rise in the order in which readers see them. A connection may be lost at any moment, also
while a change is on its way. Each change has a name that is stored with it, so that the next
connection finds out whether it came through, and makes it only if it did not.

An address is a URI as libpq takes it, with all that it says of accounts, TLS and time limits. A
password that is not part of it comes from libpq's own file (PGPASSFILE, ``~/.pgpass``) or a
service; none is ever shown. The connection must keep its session: a pool that gives each
transaction another one is not for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from workbench.domain import from_microseconds
from workbench.errors import GalleryBusy, GalleryError, NotPermitted
from workbench.gallery.database import DatabaseLost, DatabaseThere, KeyTaken, Row

T = TypeVar("T")
# A server that starts again is back by then. People wait for what is read.
PATIENCE_WRITING, PATIENCE_READING = 60.0, 10.0  # seconds

# The server ends a transaction whose process or machine stands still, before another gives up.
_SETTINGS = {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "45s"}
# An address, but no service and no variable, may say otherwise: a line that is cut is noticed.
_DEFAULTS = {
    "application_name": "sightline", "connect_timeout": "10", "keepalives_idle": "30",
    "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "40000",
}  # fmt: skip
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class _Undone(GalleryBusy):
    """Postgres undid a transaction because of others; it can be made again."""


@lru_cache
def _as_psycopg(sql: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


class PostgresDatabase:
    """Database in Postgres, whose tables lie in the first schema that the account looks in."""

    shared = True

    def __init__(self, address: str, *, write: bool = False, create: bool = False) -> None:
        """Connect, or make a manifest's database of one that has none yet.

        Raises
        ------
        GalleryError
            If it cannot be reached, refuses the account, or is to be made and holds a manifest.
        """
        try:
            given = conninfo_to_dict(address)
        except psycopg.Error:  # whose words may hold the password
            raise GalleryError(
                "the address of its database cannot be read",
                where=address.partition(":")[0] + "://…",
                fix="Write it as postgresql://ACCOUNT@HOST/DATABASE",
            ) from None
        self._given: dict[str, Any] = _DEFAULTS | given | {"client_encoding": "UTF8"}
        self.address = _without_secrets(given)
        self._write, self._lock = write or create, threading.RLock()
        self._inside = False  # of a transaction
        self._connect()
        if create:
            self._make()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    # --- The connection -----------------------------------------------------------------------

    def _connect(self) -> None:
        self._process = os.getpid()
        try:
            connection = psycopg.Connection[Row].connect(**self._given, autocommit=True)
        except psycopg.Error as error:
            raise self._lost(error) from None
        self._connection = connection
        try:
            self._set(connection)
        except BaseException:
            connection.close()
            raise

    def _set(self, connection: psycopg.Connection[Row]) -> None:
        with self._translated():
            for name, value in _SETTINGS.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            # A commit is on the disk when it returns: what it dropped is deleted then.
            connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
            if not self._write:
                connection.execute("SET default_transaction_read_only = on")

    def _connected(self) -> psycopg.Connection[Row]:
        """Return the connection; make another if it was lost, or is that of a parent process."""
        if self._inside:
            return self._connection
        if self._connection.closed or self._process != os.getpid():
            self._connect()
        return self._connection

    def _lost(self, error: psycopg.Error) -> DatabaseLost:
        return DatabaseLost(
            f"its database cannot be reached ({_said(error)})",
            where=self.address,
            fix="Check that it runs, the address, and what PGPASSFILE or the service says",
        )

    def _again(self, work: Callable[[], T], seconds: float) -> T:
        """Do some work, again for so long if the connection is lost or it was undone."""
        until, wait = time.monotonic() + seconds, 0.02
        while True:
            try:
                return work()
            except (DatabaseLost, _Undone):
                if time.monotonic() + wait > until:
                    raise
            time.sleep(wait)
            wait = min(2 * wait, 1.0)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._refusal(error) from None

    def _refusal(self, error: psycopg.Error) -> Exception:
        """What to raise for an error of the driver; its words hold no values of parameters."""
        code, what = error.sqlstate or "", _said(error)
        # The server ends the connection, the machine is gone, or nothing is known.
        if code.startswith(("57P", "08")) or code == "25P03" or self._is_broken(error):
            self._connection.close()
            return self._lost(error)
        if code in ("40001", "40P01"):
            return _Undone(
                "is changed by other processes at the same time",
                where=self.address, fix="Do this again",
            )  # fmt: skip
        if code == "55P03":
            return GalleryBusy(
                "is in use by another process", where=self.address,
                fix="Wait until it has finished, and try again",
            )  # fmt: skip
        if code == "23505":
            return KeyTaken(what, where=self.address)
        if code == "42501":
            return NotPermitted(
                f"its database does not let this account do that ({what})", where=self.address,
                fix="Have its administrator give the account what it needs",
            )  # fmt: skip
        if code == "25006":
            return GalleryError(
                "its database can only be read", where=self.address,
                fix="Open it for writing; if it is a copy that follows another, name that one",
            )  # fmt: skip
        if code.startswith("53"):
            return GalleryError(
                f"its database has no room left ({what})", where=self.address,
                fix="Give its server more; what was stored before is kept",
            )  # fmt: skip
        return GalleryError(
            f"its database refuses this ({what})", where=self.address,
            fix="Check the database, or restore it from a copy",
        )  # fmt: skip

    def _is_broken(self, error: psycopg.Error) -> bool:
        return not error.sqlstate and self._connection.closed

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    # --- What differs in SQL ------------------------------------------------------------------

    def _make(self) -> None:
        (encoding,), (held,) = (
            self._execute(sql).fetchall()[0]
            for sql in ("SHOW server_encoding", "SELECT to_regclass('gallery')")
        )
        if encoding != "UTF8":
            raise GalleryError(
                f"its database holds text as {encoding}", where=self.address,
                fix="Make one with `createdb --encoding UTF8 --template template0`",
            )  # fmt: skip
        if held is not None:
            raise DatabaseThere(
                "already exists", where=self.address,
                fix="Open it, or choose another database or schema",
            )  # fmt: skip
        for statement in (
            "CREATE TABLE IF NOT EXISTS changes "
            "(name TEXT PRIMARY KEY, made_at TIMESTAMPTZ NOT NULL DEFAULT now())",
            "CREATE INDEX IF NOT EXISTS changes_by_time ON changes (made_at)",
        ):
            self._execute(statement)

    def schema(self, sql: str) -> str:
        """Statements that make tables, whose text is in the order of its code points."""
        return sql.replace("{keyed}", "").replace(" TEXT", ' TEXT COLLATE "C"')

    def now(self) -> datetime:
        """UTC time, by the server's clock."""
        sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
        ((found,),) = self.rows(sql)
        return from_microseconds(found)

    def among(self, column: str, name: str) -> str:
        """Condition that a column has one of the values of parameter *name*."""
        return f"{column} = ANY(:{name})"

    def values(self, values: Iterable[object]) -> object:
        """Parameter for :meth:`among`: a list."""
        return list(values)

    # --- Statements and transactions ----------------------------------------------------------

    def _execute(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> psycopg.Cursor[Row]:
        with self._translated():
            # psycopg asks for text that no user can have made: every statement here is our own.
            return self._connected().execute(_as_psycopg(sql).encode(), dict(parameters or {}))

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Rows of a query; raise DatabaseLost if the server cannot be reached for a while."""
        with self._lock:
            if self._inside:
                return self._execute(sql, parameters).fetchall()
            return self._again(lambda: self._execute(sql, parameters).fetchall(), PATIENCE_READING)

    def change(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run a statement inside :meth:`write`; return how many rows it changed."""
        with self._lock:
            return self._execute(sql, parameters).rowcount

    def change_many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run a statement inside :meth:`write` once for each of several parameters."""
        with self._lock, self._translated(), self._connected().cursor() as cursor:
            if parameters:
                cursor.executemany(_as_psycopg(sql).encode(), parameters)

    def write(self, work: Callable[[], T]) -> T:
        """Do some work in a transaction that no other writer is beside; undo it if it raises.

        Where the connection is lost, it is found out whether the change was made, and it is made
        if it was not.

        Raises
        ------
        DatabaseLost
            If the server cannot be reached for a minute; it says so if the change may have been
            made nevertheless.
        """
        name = secrets.token_hex(8)
        done: list[T] = []  # by the try before this one
        sent = False  # its end, to which no answer came

        def once() -> T:
            nonlocal sent
            if not self._enter(name):
                return done[-1]
            sent = False
            done[:] = [work()]
            sent = True
            return done[-1]

        with self._lock:
            try:
                return self._again(lambda: self._transaction(_WRITING, once), PATIENCE_WRITING)
            except (DatabaseLost, GalleryBusy) as error:
                if not sent:
                    raise
                raise DatabaseLost(
                    "lost its database while a change was on its way, so that it is not known "
                    f"whether it was made: {error.what}",
                    where=self.address,
                    fix="When it can be reached, do this again: nothing is stored twice",
                ) from None

    def _enter(self, name: str) -> bool:
        """Wait until no other writer is at work; return False if the named change was made.

        A transaction whose connection was lost has the lock until it has come to its end.
        """
        ((held,),) = self._execute("SELECT to_regclass('gallery')").fetchall()
        if held is not None:
            self._execute("SELECT 1 FROM gallery FOR UPDATE")
        self._execute("DELETE FROM changes WHERE made_at < now() - interval '1 day'")
        return self.change(
            "INSERT INTO changes (name) VALUES (:name) ON CONFLICT DO NOTHING", {"name": name}
        ) == 1  # fmt: skip

    def read(self, work: Callable[[], T]) -> T:
        """Do some work whose queries all see the database as it is at the first of them."""
        with self._lock:
            if self._inside:  # a reader inside a reader sees what that sees
                return work()
            return self._again(lambda: self._transaction(_READING, work), PATIENCE_READING)

    def _transaction(self, begin: str, work: Callable[[], T]) -> T:
        self._execute(begin)
        self._inside = True
        try:
            found = work()
            ended = self._execute("COMMIT").statusmessage
            if ended != "COMMIT":  # Postgres undid it, for a statement in it that failed
                raise GalleryError(
                    f"its database undid a change ({ended})", where=self.address,
                    fix="Do this again",
                )  # fmt: skip
            return found
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._inside = False

    def _roll_back(self) -> None:
        connection = self._connection
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:  # the server undoes it when the connection ends
            connection.close()

    def problems(self) -> list[str]:
        """Return nothing: its files are the server's, which checks them itself."""
        return []

    def scrub(self) -> None:
        """Have Postgres take back the room of what was deleted.

        Its log, and copies that follow it, keep that as long as its administrator has them do so.

        Raises GalleryBusy if another process does the same for longer than anybody should.
        """
        with self._lock:
            self._execute("VACUUM parts, packs, recordings, spans, refusals, clocks")


def _said(error: psycopg.Error) -> str:
    """First line of what is said about an error, without the values that it is about."""
    text = error.diag.message_primary or str(error) or type(error).__name__
    return text.strip().splitlines()[0]


def _without_secrets(given: Mapping[str, Any]) -> str:
    """Address for people: where the database is, and as whom it is opened."""
    account = f"{given['user']}@" if given.get("user") else ""
    port = f":{given['port']}" if given.get("port") else ""
    service = f"?service={given['service']}" if given.get("service") else ""
    host = given.get("host") or given.get("hostaddr") or ""
    return f"postgresql://{account}{host}{port}/{given.get('dbname', '')}{service}"


__all__ = ["PATIENCE_READING", "PATIENCE_WRITING", "PostgresDatabase"]
