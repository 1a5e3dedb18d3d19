"""Galleries of an earlier Sightline, of schema 3 or 4, whose tables are read as of exports.

Such a gallery is a register, the DuckDB file that people name, and segments in a folder beside it.
A segment is a folder with tables (``rows.duckdb``) and the templates of its tracklets, one column a
file. Nothing of it is ever written.

Schema 3 knew one time of a recording, its corrected start. So all that was indexed becomes one
stretch from there, without an offset. Where its rules are known to have made wrong times, these are
in doubt: after a clock jumped, in sequences of pictures, and in streams without times. All others
carry a note of these rules until somebody confirms or corrects them; a doubt about each would be
one about none. The picture stream and what could not be seen were not noted, and stay unknown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from workbench.domain import Profile
from workbench.errors import GalleryError, is_there, refuse_others
from workbench.gallery.disk import unreadable
from workbench.gallery.duck import connect
from workbench.gallery.exchange import Tables, columns, empty_tables
from workbench.gallery.interrupts import undisturbed

ONE_TIME = 3  # the schema of which the docstring speaks
SCHEMAS = (ONE_TIME, 4)
LOCK = "lock"  # in the folder of the segments, held by who writes them
JUMPED = "an earlier Sightline read it, and its clock jumped"
ORDERED = "an earlier Sightline took its pictures in the order of letters, 10 before 9"
COUNTED = "an earlier Sightline counted its pictures at 25 per second, and not all of them"
NOTE = (
    "read by the rules of an earlier version (some seconds early if the film was cut between key "
    "pictures)"
)
_SEQUENCE = "regexp_matches(file, '[*?\\[][^/]*$')"
# No more than their names were kept of streams without times.
_STREAM = r"regexp_matches(lower(file), '\.(h?26[345]|avc|hevc|mjpe?g|m[12]v|mpv)$')"
# That a file of a version must have to be a gallery.
_TABLES = {
    1: {"gallery", "weights", "cameras", "recordings", "tracklets", "templates", "shots"},
    **{schema: {"gallery", "weights", "segments"} for schema in (2, *SCHEMAS)},
}
_NAME = re.compile(r"\d{8}-[0-9a-f]{8}")
_ROWS = "rows.duckdb"
_ONCE = ("clocks", "runs", "refusals")

# What of a segment of schema 3 is not a table of that name and these columns.
_OF_SCHEMA_3 = {
    "recordings": "SELECT x.*, started_at AS stated_at, epoch(ended_at - started_at) AS seconds, "
    "0 AS stream, NULL AS rotation, NULL AS pixel_aspect, NULL AS frame_rate, '' AS catalogue "
    "FROM recordings x SEMI JOIN wanted USING (recording_id) ORDER BY x.rowid",
    "tracklets": "SELECT x.*, epoch(x.first_seen - r.started_at) AS first_seconds, "
    "epoch(x.last_seen - r.started_at) AS last_seconds "
    "FROM tracklets x JOIN recordings r USING (recording_id) SEMI JOIN wanted USING (recording_id) "
    "ORDER BY x.rowid",
    # All that is put in here is of this module.
    "stretches": "SELECT *, 0 AS offset_seconds, NULL AS uncertainty_seconds, '' AS found_by, "  # noqa: S608
    "'' AS how, NULL AS found_at, '' AS given_for FROM ("
    f"SELECT recording_id, 0 AS from_seconds, CASE WHEN {_SEQUENCE} THEN '{ORDERED}' "
    f"WHEN {_STREAM} THEN '{COUNTED}' ELSE '' END AS doubt, "
    f"CASE WHEN {_SEQUENCE} OR {_STREAM} THEN '' ELSE '{NOTE}' END AS note FROM recordings "
    f"UNION ALL SELECT recording_id, min(at_seconds), '{JUMPED}', '' FROM problems "
    "WHERE at_seconds > 0 AND (what LIKE 'its clock jumps from %' "
    "OR what LIKE '% Times from here on are not certain') GROUP BY recording_id) "
    "SEMI JOIN wanted USING (recording_id) ORDER BY recording_id, from_seconds",
    "spans": "SELECT recording_id, camera_id, started_at, ended_at "
    "FROM recordings x SEMI JOIN wanted USING (recording_id) ORDER BY x.rowid",
    "refusals": "SELECT *, 0 AS offset_seconds, '' AS catalogue FROM refusals ORDER BY rowid",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of an earlier gallery, and what the register says of it."""

    folder: Path
    recordings: int
    tracklets: int
    templates: int
    checksum: str
    indexed: bool  # all its recordings were indexed into the gallery: none was brought along

    def check(self) -> None:
        """Raise GalleryError if a file was altered: once its rows are elsewhere, nothing tells."""
        if not is_there(self.folder) or _checksum(self.folder) != self.checksum:
            raise GalleryError(
                "a file was altered or is missing",
                where=str(self.folder),
                fix="Restore it from a copy",
            )


@dataclass(frozen=True, slots=True)
class EarlierGallery:
    """Profile, owner and segments of an earlier gallery; ``owner`` is empty where none is noted."""

    path: Path
    schema: int
    profile: Profile
    owner: str
    segments: tuple[Segment, ...]

    def tables(self, *, at_a_time: int) -> Iterator[tuple[Segment, Tables]]:
        """Tables of all segments in turn, with whole recordings of *at_a_time* tracklets or one.

        They are those of :mod:`workbench.gallery.exchange`. What belongs to no recording comes with
        the first ones of its segment, cameras with each.

        Raises
        ------
        GalleryError
            If one cannot be read.
        """
        for segment in self.segments:
            once = True
            for ids in _divided(segment, at_a_time):
                yield segment, _tables_of(self, segment, ids, once=once)
                once = False


def segments_folder(path: Path) -> Path:
    """Folder of the segments of the gallery at *path*."""
    return path.with_name(f"{path.name}.segments")


@undisturbed()
def schema_of(path: Path) -> int:
    """Schema version of the gallery at *path*; raise GalleryError if there is none."""
    connection = connect(path)
    try:
        return schema_version(connection, path)
    except duckdb.Error as error:
        raise unreadable(path, str(error)) from None
    finally:
        connection.close()


def way_over(path: Path, schema: int) -> str:
    """Say how a gallery of another schema becomes one that this Sightline reads."""
    if schema in SCHEMAS:
        return f"Upgrade it with `sightline gallery upgrade {path}`; no footage is needed"
    if schema < SCHEMAS[0]:
        return "An early Sightline made it, and it cannot be upgraded: index the footage again"
    return "A newer Sightline made it: use that one"


@undisturbed()
def read(path: Path) -> EarlierGallery:
    """Read the register at *path*, which is open for no longer than that.

    Raises
    ------
    GalleryError
        If there is none, it is damaged or foreign, of a schema that is not in :data:`SCHEMAS`, or
        its segments are missing.
    GalleryBusy
        If another process has the file itself open for writing.
    """
    if not is_there(path) or not path.is_file():
        raise GalleryError(
            "there is no gallery here", where=str(path), fix="Name the file that is one"
        )
    connection = connect(path)
    try:
        found = schema_version(connection, path)
        if found not in SCHEMAS:
            raise GalleryError(
                f"has schema version {found}, and those that can be upgraded have "
                f"{' or '.join(map(str, SCHEMAS))}",
                where=str(path),
                fix=way_over(path, found),
            )
        profile = read_profile(connection, path)
        (about,) = connection.sql("FROM gallery").to_arrow_table().to_pylist()
        rows = connection.sql("FROM segments ORDER BY name").to_arrow_table().to_pylist()
    except duckdb.Error as error:
        raise unreadable(path, str(error)) from None
    finally:
        connection.close()
    folder = segments_folder(path)
    if not is_there(folder):
        raise GalleryError(
            f"its segments are missing: the folder {folder.name} does not exist",
            where=str(path),
            fix="Copy that folder beside it; the two belong together",
        )
    # Names become paths: none but our own kind is taken.
    if not all(_NAME.fullmatch(row["name"]) for row in rows):
        raise _contradictory(path, "its segments")
    segments = tuple(
        Segment(
            folder / row["name"], row["recordings"], row["tracklets"], row["templates"],
            row["checksum"], bool(row.get("indexed", False)),
        )
        for row in rows
    )  # fmt: skip
    return EarlierGallery(path, found, profile, about.get("owner") or "", segments)


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
    """The profile of the gallery that *connection* has open, of any of these versions."""
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


def _checksum(folder: Path) -> str:
    """SHA-256 of the names and SHA-256 of all files in a segment's folder."""
    lines = []
    try:
        for path in sorted(folder.iterdir()):
            with path.open("rb") as file:
                lines.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n")
    except OSError as error:
        refuse_others(folder, error)
        raise unreadable(folder, str(error)) from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@undisturbed()
def _divided(segment: Segment, at_a_time: int) -> list[list[str]]:
    """Ids of a segment's recordings, in lists of few enough tracklets; one list at least."""
    connection = connect(segment.folder / _ROWS)
    try:
        rows = connection.execute(
            "SELECT r.recording_id, (SELECT count(*) FROM tracklets t "
            "WHERE t.recording_id = r.recording_id) FROM recordings r ORDER BY r.rowid"
        ).fetchall()
    except duckdb.Error as error:
        raise unreadable(segment.folder, str(error)) from None
    finally:
        connection.close()
    lists: list[list[str]] = [[]]
    held = 0
    for name, count in rows:
        if lists[-1] and held + count > at_a_time:
            lists.append([])
            held = 0
        lists[-1].append(name)
        held += count
    return lists


@undisturbed()
def _tables_of(
    gallery: EarlierGallery, segment: Segment, ids: Sequence[str], *, once: bool
) -> Tables:
    """Tables of some recordings of a segment; *once*, with what belongs to none."""
    wanted = columns(gallery.profile)
    found = empty_tables(gallery.profile)
    connection = connect(segment.folder / _ROWS)
    try:
        connection.register("wanted", pa.table({"recording_id": pa.array(ids, pa.string())}))
        rows = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [Path(_ROWS).stem]
        ).fetchall()
        # Early segments of schema 4 count no different people.
        there = {name for (name,) in rows} | (
            _OF_SCHEMA_3.keys() if gallery.schema == ONE_TIME else set()
        )
        for name, kind in wanted.items():
            if name not in there or (name in _ONCE and not once):
                continue
            of = "SEMI JOIN wanted USING (recording_id)" if "recording_id" in kind.names else ""
            sql = f"SELECT x.* FROM {name} x {of} ORDER BY x.rowid"  # noqa: S608 - our own names
            if gallery.schema == ONE_TIME:
                sql = _OF_SCHEMA_3.get(name, sql)
            found[name] = connection.sql(sql).to_arrow_table().select(kind.names).cast(kind)
        found["templates"] = _templates(segment, ids, wanted["templates"])
    except (duckdb.Error, pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        if isinstance(error, OSError):
            refuse_others(segment.folder, error)
        raise unreadable(segment.folder, str(error)) from error
    finally:
        connection.close()
    return found


def _templates(segment: Segment, ids: Sequence[str], kind: pa.Schema) -> pa.Table:
    """Templates of a segment's recordings."""

    def column(name: str, *, mapped: bool = False) -> Any:
        file = segment.folder / f"{name}.npy"
        return np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False)

    names, recording = column("recording_ids").astype(np.str_), column("recording")
    vectors = column("templates", mapped=len(recording) > 0)  # no empty file can be
    kept = np.isin(names, np.array(ids, np.str_))
    rows = np.flatnonzero(kept[recording]) if len(recording) else np.empty(0, np.intp)
    vector = kind.field("template").type
    flat = pa.array(np.asarray(vectors[rows], np.float32).reshape(-1), pa.float32())
    return pa.table(
        {
            "recording_id": pa.array(names[recording[rows]], pa.string()),
            "ordinal": pa.array(column("ordinal")[rows], pa.int32()),
            "template": pa.FixedSizeListArray.from_arrays(flat, vector.list_size),
        },
        schema=kind,
    )


__all__ = [
    "COUNTED",
    "JUMPED",
    "LOCK",
    "NOTE",
    "ONE_TIME",
    "ORDERED",
    "SCHEMAS",
    "EarlierGallery",
    "Segment",
    "read",
    "read_profile",
    "schema_of",
    "schema_version",
    "segments_folder",
    "way_over",
]
