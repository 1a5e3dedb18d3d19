"""Register file of a gallery: its profile and its segments. Small, and replaced whole.

A file that a reader may have open is never opened for writing: a commit writes a new register
beside the old one and takes its name. So readers never wait, and see a commit whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from workbench.domain import Profile
from workbench.errors import GalleryBusy, GalleryError, is_full, refuse_others, unwritten

SCHEMA_VERSION = 4
UPGRADED_FROM = 3  # see upgrade.py
TRACKLET_ID = "recording_id || '-' || ordinal"  # as format_tracklet_id writes it
# That a file of a version must have to be a gallery.
_TABLES = {
    1: {"gallery", "weights", "cameras", "recordings", "tracklets", "templates", "shots"},
    2: {"gallery", "weights", "segments"},
    3: {"gallery", "weights", "segments"},
    4: {"gallery", "weights", "segments"},
}
_NAME = re.compile(r"\d{8}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One segment as the register names it."""

    name: str
    recordings: int
    tracklets: int
    templates: int
    bytes: int
    checksum: str
    # All its recordings were indexed into this gallery: none was imported, merged or made again.
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Register:
    """Profile, owner and segments of a gallery at one moment."""

    profile: Profile
    created_at: datetime  # UTC
    segments: tuple[SegmentEntry, ...] = ()
    owner: str = ""  # id of the installation that it belongs to; empty: of none yet

    def next_number(self) -> int:
        """Number of the next segment."""
        return 1 + max((int(entry.name[:8]) for entry in self.segments), default=0)


def sql_part(file: str, part: int) -> str:
    """Part 1 or 2 of a file of SQL in this folder."""
    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    first, second = text.split("-- Part 2:")
    return (first, f"-- {second}")[part - 1]


def schema(part: int, dimension: int) -> str:
    """Part 1 (the register) or 2 (a segment) of schema.sql; templates have *dimension* numbers."""
    return sql_part("schema.sql", part).format(dimension=int(dimension))


def segments_folder(path: Path) -> Path:
    """Folder of the segments of the gallery at *path*."""
    return path.with_name(f"{path.name}.segments")


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait until what is done here is done.

    DuckDB makes other errors of it, or loses it, and a commit is not to be left in its middle.
    """
    usual = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not callable(usual):
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if asked:
            signal.raise_signal(signal.SIGINT)


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


class DiskRefused(GalleryError):
    """The disk is full, read-only or broken, or its files are another account's."""


_REFUSALS = ("Permission denied", "Read-only file system", "Input/output error")


def refused_by_disk(path: Path, error: BaseException) -> DiskRefused:
    """Make the error for a gallery that could not be written; nothing that was stored is lost."""
    if not is_full(error) and getattr(error, "errno", None) is None and _is_full(path):
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # NumPy says only that it failed
    what, fix = unwritten(error, fix="Check the disk; what was stored before is kept")
    return DiskRefused(what, where=str(path), fix=fix)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE
    except OSError:
        return False


_LITTLE = 1 << 20  # bytes


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
    # DuckDB's own bar would print to standard output.
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
    return connection


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


def unreadable(path: Path, reason: str) -> GalleryError:
    """Make the error for a file that is damaged or foreign."""
    return GalleryError(
        f"is not a gallery that can be read ({reason.splitlines()[0]})",
        where=str(path),
        fix="Restore it from a copy, or index the footage again",
    )


def finish(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Have all that was written in the file itself; raise OSError or DuckDB's error if it is not.

    Closing a connection does so too, but says nothing when the disk is full.
    """
    connection.execute("CHECKPOINT")
    left = path.with_name(f"{path.name}.wal")
    if left.exists() and left.stat().st_size:
        raise OSError(errno.ENOSPC, "not all of it could be written", str(path))


@undisturbed()
def write_register(path: Path, register: Register) -> None:
    """Put *register* in the place of what is at *path*, in one step and on the disk."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    try:
        _write(unfinished, register)
        sync_path(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(f"{unfinished.name}.wal").unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def _write(unfinished: Path, register: Register) -> None:
    profile = register.profile
    connection = connect(unfinished, write=True)
    try:
        connection.execute("BEGIN")
        connection.execute(schema(1, profile.dimension))
        connection.execute(
            "INSERT INTO gallery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                SCHEMA_VERSION, register.created_at, profile.name, profile.detector,
                profile.recogniser, profile.alignment, profile.metric, profile.dimension,
                profile.version, profile.fingerprint, register.owner,
            ],
        )  # fmt: skip
        if profile.weights:
            connection.executemany("INSERT INTO weights VALUES (?, ?)", profile.weights)
        if register.segments:
            connection.executemany(
                "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)",
                [astuple(entry) for entry in register.segments],
            )
        connection.execute("COMMIT")
        finish(connection, unfinished)
    finally:
        connection.close()
    unfinished.chmod(0o600)


@undisturbed()
def version_of(path: Path) -> int:
    """Version of the schema of the gallery at *path*; raise GalleryError if there is none."""
    connection = connect(path)
    try:
        return schema_version(connection, path)
    finally:
        connection.close()


@undisturbed()
def read_register(path: Path, *, version: int = SCHEMA_VERSION) -> Register:
    """Read the register at *path*, which is open for no longer than that.

    Its schema is to be of *version*, by default the one that this Sightline writes.

    Raises
    ------
    GalleryError
        If it is damaged, foreign, or of another version of the schema.
    GalleryBusy
        If another process has the file itself open for writing.
    """
    connection = connect(path)
    try:
        found = schema_version(connection, path)
        if found != version:
            raise _of_another_version(path, found)
        profile = read_profile(connection, path)
        ((created,),) = connection.execute("SELECT epoch_us(created_at) FROM gallery").fetchall()
        owner = _owner(connection)
        segments = connection.execute("SELECT * FROM segments ORDER BY name").fetchall()
    except duckdb.Error as error:
        raise unreadable(path, str(error)) from None
    finally:
        connection.close()
    created_at = datetime.fromtimestamp(created / 1e6, UTC)
    return Register(profile, created_at, _entries(path, segments), owner)


def _owner(connection: duckdb.DuckDBPyConnection) -> str:
    """Owner of the gallery that *connection* has open; galleries made without one have none."""
    (row,) = connection.sql("FROM gallery").to_arrow_table().to_pylist()
    return str(row.get("owner", ""))


def _of_another_version(path: Path, found: int) -> GalleryError:
    if found == UPGRADED_FROM:
        fix = f"Upgrade it with `sightline gallery upgrade {path}`; no footage is needed"
    elif found < UPGRADED_FROM:
        fix = "It was made with an early Sightline, and cannot be upgraded: index the footage again"
    else:
        fix = "It was made with a newer Sightline: use that one"
    return GalleryError(
        f"has schema version {found}, this Sightline reads {SCHEMA_VERSION}",
        where=str(path),
        fix=fix,
    )


@undisturbed()
def reread_register(path: Path, known: Register, connection: duckdb.DuckDBPyConnection) -> Register:
    """Read the register through an open connection, which takes a tenth of the time.

    If anything but the segments differs from *known*, :func:`read_register` reads it all.
    """
    try:
        connection.execute(f"ATTACH {sql_literal(path.resolve())} AS register (READ_ONLY)")
        try:
            about = connection.execute(
                "SELECT schema_version, fingerprint, epoch_us(created_at), owner "
                "FROM register.gallery"
            ).fetchall()
            segments = connection.execute("FROM register.segments ORDER BY name").fetchall()
        finally:
            connection.execute("DETACH register")
    except duckdb.Error:
        return read_register(path)
    created = round(known.created_at.timestamp() * 1e6)
    if about != [(SCHEMA_VERSION, known.profile.fingerprint, created, known.owner)]:
        return read_register(path)
    return replace(known, segments=_entries(path, segments))


def _entries(path: Path, rows: list[tuple[Any, ...]]) -> tuple[SegmentEntry, ...]:
    # Names become paths and SQL: none but our own kind is taken.
    if not all(_NAME.fullmatch(row[0]) for row in rows):
        raise _contradictory(path, "its segments")
    return tuple(SegmentEntry(*row) for row in rows)


def schema_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Schema version of the gallery that *connection* has open; raise GalleryError otherwise."""
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
    ).fetchall()
    row = None
    if ("gallery",) in found:
        row = connection.execute("SELECT schema_version FROM gallery").fetchone()
    if row is None or not {name for (name,) in found} >= _TABLES.get(row[0], set()):
        raise GalleryError(
            "is a DuckDB file, but not a Sightline gallery",
            where=str(path),
            fix="Name the file that `sightline index` made",
        )
    return int(row[0])


def read_profile(connection: duckdb.DuckDBPyConnection, path: Path) -> Profile:
    """The profile of the gallery that *connection* has open, of any version so far."""
    row = connection.execute(
        "SELECT profile, detector, recogniser, alignment, metric, dimension, version, "
        "fingerprint FROM gallery"
    ).fetchone()
    assert row is not None
    weights = connection.execute("SELECT file, sha256 FROM weights ORDER BY file").fetchall()
    profile = Profile(
        name=row[0],
        detector=row[1],
        recogniser=row[2],
        alignment=row[3],
        metric=row[4],
        dimension=row[5],
        weights=tuple((file, sha256) for file, sha256 in weights),
        version=row[6],
    )
    if profile.fingerprint != row[7]:
        raise _contradictory(path, "its profile")
    return profile


def _contradictory(path: Path, about: str) -> GalleryError:
    return GalleryError(
        f"contradicts itself about {about}",
        where=str(path),
        fix="Restore it from a copy, or index the footage again",
    )


def sync_path(path: Path) -> None:
    """Have a file or folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
