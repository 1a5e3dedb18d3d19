"""Register file of a gallery: its profile and its segments. Small, and replaced whole.

A file that a reader may have open is never opened for writing: a commit writes a new register
beside the old one and takes its name. So readers never wait, and see a commit whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from workbench.domain import Profile
from workbench.errors import GalleryError
from workbench.gallery.disk import sync_path, unreadable
from workbench.gallery.duck import connect, finish, sql_literal, sql_part
from workbench.gallery.earlier import read_profile, schema_version
from workbench.gallery.earlier import segments_folder as segments_folder
from workbench.gallery.interrupts import undisturbed

SCHEMA_VERSION = 4
UPGRADED_FROM = 3  # see upgrade.py
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


def schema(part: int, dimension: int) -> str:
    """Part 1 (the register) or 2 (a segment) of schema.sql; templates have *dimension* numbers."""
    return sql_part("schema.sql", part).format(dimension=int(dimension))


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
                "SELECT fingerprint, epoch_us(created_at), owner FROM register.gallery"
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


def _contradictory(path: Path, about: str) -> GalleryError:
    return GalleryError(
        f"contradicts itself about {about}",
        where=str(path),
        fix="Restore it from a copy, or index the footage again",
    )
