"""Questions in SQL: DuckDB over the rows of a snapshot, for the product and for people.

The tables are those of schema.sql and the views those of views.sql, whatever the files are: lists
in the rows of recordings and tracklets are tables here. Pictures are in packs, which SQL does not
read: a shot has the number of its pack, and offset and length in it.
"""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from workbench.domain import EPOCH, to_microseconds
from workbench.errors import GalleryError, is_full
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.duck import (
    OWN_SETTINGS,
    connect,
    finish,
    interruptible,
    sql_literal,
    sql_part,
)
from workbench.gallery.entries import RECORDINGS, TRACKLETS, PartEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.parts import Part
from workbench.gallery.rows import RECORDINGS as RECORDINGS_SCHEMA
from workbench.gallery.rows import tracklets_schema
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage
from workbench.gallery.times import clock_table

MADE = "as_made"
NAMES = (
    "SELECT table_name AS name FROM duckdb_tables() UNION ALL "
    "SELECT view_name FROM duckdb_views() WHERE NOT internal"
)
_TIME = pa.timestamp("us", tz="UTC")
# Tables of schema.sql from the rows of recordings (r) and of tracklets (t).
_OF_RECORDINGS = (
    "* EXCLUDE (stretches, unseen, legs, spans, problems, different_people, track) "
    "REPLACE (width::INTEGER AS width, height::INTEGER AS height, frames_decoded::INTEGER "
    "AS frames_decoded, frames_examined::INTEGER AS frames_examined, faces::INTEGER AS faces)"
)
_TABLES = {
    "recordings": f"SELECT {_OF_RECORDINGS} FROM part_recordings",  # noqa: S608
    "stretches": "SELECT recording_id, unnest(stretches, recursive := true) FROM part_recordings",
    "unseen": "SELECT recording_id, unnest(unseen, recursive := true) FROM part_recordings",
    "legs": "SELECT recording_id, unnest(legs, recursive := true), track FROM part_recordings",
    "spans": "SELECT recording_id, camera_id, unnest(spans, recursive := true) "
    "FROM part_recordings",
    "problems": "SELECT recording_id, unnest(problems, recursive := true) FROM part_recordings",
    "different_people": "SELECT * REPLACE (comparisons::INTEGER AS comparisons) FROM (SELECT "
    "recording_id, unnest(different_people, recursive := true) FROM part_recordings)",
    "tracklets": "SELECT * EXCLUDE (notes, shots) FROM part_tracklets",
    "shots": "SELECT recording_id, ordinal, generate_subscripts(shots, 1)::INTEGER - 1 AS rank, "
    "unnest(shots, recursive := true) FROM part_tracklets",
}


def tables_of(manifest: Manifest) -> dict[str, pa.Table]:
    """Tables of what the manifest alone knows: cameras, clocks, runs and refusals."""
    cameras = manifest.cameras()
    runs, refusals = [*manifest.runs()], [*manifest.refusals()]

    def column(entries: list[Any], name: str, kind: Any) -> pa.Array:
        return pa.array([getattr(one, name) for one in entries], kind)

    whole, number, text = pa.int32(), pa.float64(), pa.string()
    kinds: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "cameras": (
            cameras,
            {"camera_id": text, "name": text, "latitude": number, "longitude": number},
        ),
        "runs": (
            runs,
            {
                "source": text, "started_at": _TIME, "ended_at": _TIME, "indexed": whole,
                "refused": whole, "unfinished": whole,
            },
        ),
        "refusals": (
            refusals,
            {
                "camera_id": text, "file": text, "started_at": _TIME, "reason": text,
                "refused_at": _TIME, "offset_seconds": number, "catalogue": text,
            },
        ),
    }  # fmt: skip
    found = {
        name: pa.table({one: column(entries, one, kind) for one, kind in columns.items()})
        for name, (entries, columns) in kinds.items()
    }
    found["cameras"] = found["cameras"].append_column(
        # The manifest keeps the newest of each, which views choose by this.
        "noted_at",
        pa.array([EPOCH] * len(cameras), _TIME),
    )
    names = ["left" if name == "unfinished" else name for name in found["runs"].column_names]
    found["runs"] = found["runs"].rename_columns(names)
    return found | {"clocks": clock_table(manifest.clocks())}


_FILES = pa.schema({"rows": pa.string(), "address": pa.string()})
_ROWS = {RECORDINGS: "part_recordings", TRACKLETS: "part_tracklets"}


def _schemas(snapshot: Snapshot) -> dict[str, pa.Schema]:
    """Columns of the rows of parts, by the name that they have here."""
    tracklets = tracklets_schema(snapshot.manifest.profile.dimension)
    people = tracklets.remove(tracklets.get_field_index("template"))
    return {"part_recordings": RECORDINGS_SCHEMA, "part_tracklets": people}


def _tables(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Make tables of what the manifest alone knows, and of the commit, in an empty database."""
    state = snapshot.state
    for name, table in tables_of(snapshot.manifest).items():
        connection.register("incoming", table)
        connection.execute(f"CREATE TABLE all_{name} AS FROM incoming")
        connection.unregister("incoming")
    connection.execute(
        'CREATE TABLE as_of AS SELECT ?::BIGINT AS "commit", make_timestamptz(?) AS committed_at',
        [state.commit, to_microseconds(state.committed_at)],
    )


def _views(kind: str, *parts: int) -> str:
    """Views over the rows of parts: those of schema.sql's tables, and those of views.sql."""
    made = "".join(f"CREATE {kind} all_{name} AS {sql};" for name, sql in _TABLES.items())
    return made + "".join(sql_part("views.sql", n).replace("TEMP VIEW", kind) for n in parts)


def _views_of(sql: str) -> str:
    """Views that a question names, and those that they name: each takes time to be made."""
    views = _own_views()
    named, left = set[str](), [sql]
    while left:
        fresh = (set(_WORD.findall(left.pop().lower())) & views.keys()) - named
        named |= fresh
        left += [views[name] for name in fresh]
    # They are listed after those that they name.
    return "".join(
        f"CREATE TEMP VIEW {name} AS {of};" for name, of in views.items() if name in named
    )


@functools.cache
def _own_views() -> dict[str, str]:
    """Query of each view that the product's own questions are about, in order."""
    return dict(_VIEW.findall(_views("TEMP VIEW", 1)))


_VIEW = re.compile(r"CREATE (?:OR REPLACE )?TEMP VIEW (\w+) AS\s(.*?);", re.DOTALL)
_WORD = re.compile(r"\w+")
_NOTHING_ELSE = "SET temp_directory = ''; SET enable_external_access = false"


def _register(
    connection: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    entries: Sequence[PartEntry],
    file: str,
    *,
    mapped: bool = False,
) -> None:
    """Have the rows of a file of parts in a connection, which reads them when it is asked.

    If they are *mapped*, it can do so after the files were deleted.
    """
    name, kind = _ROWS[file], ds.ParquetFileFormat()
    schema = _schemas(snapshot)[name]
    objects, storage = [entry.object(file) for entry in entries], snapshot.storage
    if not objects:
        connection.register(name, schema.empty_table())
    elif mapped:
        buffers = [_mapped(storage, one) for one in objects]
        fragments = [kind.make_fragment(buffer) for buffer in buffers]
        connection.register(name, ds.FileSystemDataset(fragments, schema, kind))
    else:
        # With their columns given, no file is opened before it is asked for.
        rows = ds.FileSystemDataset.from_paths(objects, schema, kind, storage.files)
        connection.register(name, rows)


def _mapped(storage: Storage, name: str) -> pa.Buffer:
    with storage.reading(name) as file:
        return file.read_buffer()


def asking() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB for :func:`ask`, which can open no file."""
    connection = connect()
    connection.execute(_NOTHING_ELSE)
    return connection


def ask(
    database: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    sql: str,
    parameters: Sequence[object] | Mapping[str, object] = (),
) -> pa.Table:
    """Answer of a question that the product asks, times in UTC.

    Its tables are those of schema.sql and of the first part of views.sql. It reads no file but
    those of parts, and of these what is asked for.

    Parameters
    ----------
    database : DuckDBPyConnection
        As :func:`asking` opens it; several threads may ask with one.

    Raises
    ------
    ObjectGone
        If a part was dropped and deleted meanwhile.
    GalleryError
        If a part cannot be read.
    """
    views = _views_of(sql)
    files = [file for file, name in _ROWS.items() if name in views or name in sql]
    entries = snapshot.parts() if files else []
    with contextlib.closing(database.cursor()) as cursor, interruptible():
        cursor.execute(OWN_SETTINGS)
        for file in files:
            _register(cursor, snapshot, entries, file)
        for name, table in tables_of(snapshot.manifest).items():
            cursor.register(f"all_{name}", table)
        cursor.execute(views)
        try:
            return cursor.sql(sql, params=parameters).to_arrow_table()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            _refuse_unread(snapshot, [one.object(file) for one in entries for file in files], error)
            raise


def _refuse_unread(snapshot: Snapshot, objects: Sequence[str], error: duckdb.Error) -> None:
    """Raise for an object that DuckDB could not read, if its *error* is of one."""
    for name in objects:
        if not snapshot.storage.holds(name):
            raise snapshot.storage.unreadable(name, FileNotFoundError()) from None
    text = str(error)
    if "reading the stream" in text:
        raise GalleryError(
            f"has a part that cannot be read ({text.rpartition('failed: ')[2]})",
            where=snapshot.storage.address,
            fix="`sightline gallery check` says which; restore it from a copy",
        ) from None


class PooledTemplates:
    """Pooled templates of parts as a stream of Arrow: a part is mapped when it is come to.

    A connection reads it as a table, as often as it is asked for it. If all parts are *mapped* from
    the beginning, it can do so after their files were deleted.
    """

    def __init__(self, snapshot: Snapshot, *, mapped: bool = False) -> None:
        self._snapshot, self._entries = snapshot, snapshot.parts()
        self._held: dict[str, Part] = {}
        for entry in self._entries if mapped else ():
            part = self._held[entry.name] = snapshot.part(entry)
            if entry.templates:
                part.exact  # noqa: B018 - it is mapped when it is asked for
        name = pa.dictionary(pa.int32(), pa.string())
        dimension = snapshot.manifest.profile.dimension
        self.schema = pa.schema(
            [
                ("recording_id", name), ("ordinal", pa.int32()), ("camera_id", name),
                ("first_seen", _TIME), ("last_seen", _TIME), ("quality", pa.float32()),
                ("template", pa.list_(pa.float32(), dimension)),
            ]
        )  # fmt: skip

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Rows of each part where they lie."""
        for entry in self._entries:
            if not entry.templates:
                continue
            part = self._held.get(entry.name) or self._snapshot.part(entry, self)
            recording = pa.array(part.recording).dictionary_encode()
            names = pa.array([f"{number:016x}" for number in recording.dictionary.to_pylist()])
            columns = [
                pa.DictionaryArray.from_arrays(recording.indices, names),
                pa.array(part.ordinal),
                pa.DictionaryArray.from_arrays(pa.array(part.camera), pa.array(part.cameras)),
                pa.array(part.first_seen).view(_TIME),
                pa.array(part.last_seen).view(_TIME),
                pa.array(part.quality),
                pa.FixedSizeListArray.from_arrays(
                    pa.array(part.all_templates().reshape(-1)), part.profile.dimension
                ),
            ]
            yield pa.record_batch(columns, schema=self.schema)

    def __arrow_c_schema__(self) -> object:
        """Columns, by the protocol of Arrow."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Rows, by the protocol of Arrow."""
        stream = pa.RecordBatchReader.from_batches(self.schema, iter(self))
        return stream.__arrow_c_stream__(requested_schema)


def read_only(snapshot: Snapshot) -> duckdb.DuckDBPyConnection:
    """Open a connection to a snapshot for questions of one's own; close it after use.

    It can write to nothing, and opens no file: the rows of parts are read for it, through the
    gallery's storage, and those in a folder are mapped, so that it shows the same after a merge.
    Its base is a file that is open for reading and deleted already.

    Raises
    ------
    GalleryError
        If it cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        base = Path(folder) / "base.duckdb"
        with _making(base, snapshot) as building:
            _tables(building, snapshot)
        connection = connect(base)
    try:
        with interruptible():
            connection.execute(_NOTHING_ELSE)
            entries, mapped = snapshot.parts(), snapshot.storage.root is not None
            for file in _ROWS:
                _register(connection, snapshot, entries, file, mapped=mapped)
            connection.register("templates_view", PooledTemplates(snapshot, mapped=mapped))
            connection.execute(_views("TEMP VIEW", 1, 2))
    except BaseException:
        connection.close()
        raise
    return connection


def write_named(path: Path, snapshot: Snapshot) -> None:
    """Put the file that people name at *path*: a DuckDB database with views of a snapshot.

    Its table ``as_of`` names the commit, and ``as_made`` all that was written into it. It takes the
    place of what is there in one step; who has that open keeps it.

    Views of files in an object store cannot be made, since DuckDB reads these by an extension that
    it would download. In their place is the table ``files``: what holds which rows, by address.

    Raises GalleryError if it cannot be written, or ObjectGone if a part was deleted meanwhile.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with _making(unfinished, snapshot) as connection:
            _tables(connection, snapshot)
            entries, local = snapshot.parts(), snapshot.storage.root is not None
            views: list[str] = []
            for file, name in _ROWS.items():
                addresses = [snapshot.storage.where(one.object(file)) for one in entries]
                if not local:
                    listed = pa.table({"rows": pa.repeat(name, len(entries)), "address": addresses})
                    connection.register("incoming", listed.cast(_FILES))
                    connection.execute("CREATE TABLE IF NOT EXISTS files (rows TEXT, address TEXT)")
                    connection.execute("INSERT INTO files FROM incoming")
                    connection.unregister("incoming")
                    continue
                # One without rows first, which has the columns.
                connection.register("incoming", _schemas(snapshot)[name].empty_table())
                connection.execute(f"CREATE TABLE no_{name} AS FROM incoming")
                connection.unregister("incoming")
                files = [sql_literal(address) for address in addresses]
                rows = f"UNION ALL BY NAME FROM read_parquet([{', '.join(files)}])"
                views.append(f"CREATE VIEW {name} AS FROM no_{name} {rows if files else ''};")
            try:  # each view looks at the files again
                if local:
                    connection.execute("".join([*views, _views("VIEW", 1, 2)]))
            except duckdb.IOException as error:
                _refuse_unread(snapshot, [e.object(file) for e in entries for file in _ROWS], error)
                raise
            # What is found in it later besides was made by hand.
            connection.execute(f"CREATE TABLE {MADE} AS {NAMES}")
        unfinished.chmod(0o600)
        sync_path(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


@contextlib.contextmanager
def _making(path: Path, snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to a new database, all of which is in its file when the block ends."""
    connection = connect(path, write=True)
    try:
        with interruptible():
            yield connection
            finish(connection, path)
    except duckdb.Error as error:
        if is_full(error):
            raise refused_by_disk(path, error) from None
        raise GalleryError(
            f"cannot be asked in SQL ({str(error).splitlines()[0]})",
            where=snapshot.storage.address,
            fix="Check the gallery with `sightline gallery check`",
        ) from None
    finally:
        connection.close()


__all__ = [
    "MADE",
    "NAMES",
    "PooledTemplates",
    "ask",
    "asking",
    "read_only",
    "tables_of",
    "write_named",
]
