"""Bring a gallery of an earlier schema to the present one."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from workbench.errors import GalleryError
from workbench.gallery.best import write_best
from workbench.gallery.index import sync
from workbench.gallery.register import (
    SCHEMA_VERSION,
    connect,
    read_profile,
    read_register,
    schema_version,
    segments_folder,
    sync_path,
    unreadable,
    write_register,
)
from workbench.gallery.segments import ROWS, checksum, columns, remove
from workbench.gallery.store import Gallery, take_lock

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.domain import Profile

# Recordings are taken over so many tracklets at a time, which bounds memory.
TRACKLETS_AT_A_TIME = 20_000

# Version 1 was one DuckDB file. What came into it only in time is made up here: recordings from
# before it was told why reading ended, shots from before hidden faces were told from free ones.
_MADE_UP = {
    "stopped": "'end of the file'",
    "elapsed_seconds": "0.0",
    "occlusion": "1.0",
    "landmarks": "1.0",
    "noted_at": "(SELECT created_at FROM gallery)",
}
_OF_THESE = "recording_id IN (SELECT unnest($ids::VARCHAR[]))"
_WHERE = {  # a segment has the cameras of its recordings
    "cameras": f"$whole OR camera_id IN (SELECT camera_id FROM recordings WHERE {_OF_THESE})",  # noqa: S608
    "runs": "$whole",
    "refusals": "$whole",
}


def migrate(path: Path, *, keep: Path | None = None) -> int:
    """Put a gallery of this schema in the place of an earlier one; returns its recordings.

    The new one is built beside the old, which can be read until the new one takes its name in one
    step; a migration that was stopped is begun again.

    Parameters
    ----------
    keep : Path, optional
        Where the old gallery stays; by default it goes.

    Raises
    ------
    GalleryError
        If *path* is no gallery of an earlier schema, is damaged, or the new one cannot be written.
    GalleryBusy
        If another process has it open for writing.
    """
    if not path.is_file():
        raise GalleryError("there is no gallery here", where=str(path), fix="Name another file")
    if keep is not None and keep.exists():
        raise GalleryError("there is a file already", where=str(keep), fix="Choose another name")
    old = connect(path)
    try:
        version = schema_version(old, path)
        if version == 2:
            old.close()
            return _with_best_shots(path, keep)
        if version != 1:
            raise GalleryError(
                f"has schema version {version}, which needs no migration"
                if version == SCHEMA_VERSION
                else f"has schema version {version}; this Sightline knows 1 to {SCHEMA_VERSION}",
                where=str(path),
                fix="Go on using it"
                if version == SCHEMA_VERSION
                else "Use the Sightline it was made with",
            )
        profile = read_profile(old, path)
        beside = path.with_name(f"{path.name}.migrating")
        # Version 1 had no such folders: what lies there was left by a migration that was stopped.
        beside.unlink(missing_ok=True)
        for leftover in (segments_folder(beside), segments_folder(path)):
            shutil.rmtree(leftover, ignore_errors=True)
        with Gallery.create(beside, profile) as gallery:
            for tables in _batches(old, profile):
                gallery.add_tables(tables)
            count = int(gallery.arrow("SELECT count(*) AS n FROM recordings")["n"][0].as_py())
            ((before,),) = old.execute("SELECT count(*) FROM recordings").fetchall()
            if count != before:
                raise unreadable(path, f"{before} recordings, of which {count} could be read")
    except duckdb.Error as error:
        raise unreadable(path, str(error)) from None
    finally:
        old.close()
    if keep is not None:
        os.link(path, keep)
    segments_folder(beside).rename(segments_folder(path))
    beside.replace(path)
    sync_path(path.parent)
    return count


def _with_best_shots(path: Path, keep: Path | None) -> int:
    """Bring a gallery up from version 2, whose segments had no :mod:`best`."""
    with take_lock(path):
        register = read_register(path, version=2)
        folder = segments_folder(path)
        named = {entry.name for entry in register.segments}
        for leftover in folder.iterdir():
            if leftover.is_dir() and leftover.name not in named:
                shutil.rmtree(leftover)
        if keep is not None:
            shutil.copytree(folder, segments_folder(keep), copy_function=os.link)
            os.link(path, keep)
        entries = []
        for entry in register.segments:
            fresh = folder / f"{entry.name[:8]}-{secrets.token_hex(4)}"
            shutil.copytree(folder / entry.name, fresh, copy_function=os.link)
            connection = connect(fresh / ROWS)
            try:
                write_best(fresh, np.load(fresh / "shot.npy", allow_pickle=False), connection)
            finally:
                connection.close()
            sync(fresh)
            entries.append(
                replace(
                    entry,
                    name=fresh.name,
                    bytes=sum(file.stat().st_size for file in fresh.iterdir()),
                    checksum=checksum(fresh),
                )
            )
        sync_path(folder)
        write_register(path, replace(register, segments=tuple(entries)))
        for entry in register.segments:
            remove(folder / entry.name)
    return sum(entry.recordings for entry in entries)


def _batches(old: duckdb.DuckDBPyConnection, profile: Profile) -> Iterator[dict[str, pa.Table]]:
    """The old tables in the columns of the new ones, some recordings at a time."""
    found = old.execute(
        "SELECT recording_id, count(t.ordinal) FROM recordings r LEFT JOIN tracklets t "
        "USING (recording_id) GROUP BY ALL ORDER BY min(r.started_at), recording_id"
    ).fetchall()
    ids: list[str] = []
    tracklets, first = 0, True
    for recording_id, count in found:
        ids.append(recording_id)
        tracklets += count
        if tracklets >= TRACKLETS_AT_A_TIME:
            yield _tables(old, profile, ids, whole=first)
            ids, tracklets, first = [], 0, False
    if ids or first:
        yield _tables(old, profile, ids, whole=first)


def _tables(
    old: duckdb.DuckDBPyConnection, profile: Profile, ids: Sequence[str], *, whole: bool
) -> dict[str, pa.Table]:
    """Those of some recordings, or *whole*, with all cameras, runs and refusals."""
    tables = {}
    for name, wanted in columns(profile).items():
        there = {
            column
            for (column,) in old.execute(
                "SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [name]
            ).fetchall()
        }
        if not there:
            tables[name] = wanted.empty_table()
            continue
        chosen = ", ".join(
            f'"{column}"' if column in there else f'{_MADE_UP[column]} AS "{column}"'
            for column in wanted.names
        )
        # Names of tables and columns are our own, never a user's.
        where = _WHERE.get(name, _OF_THESE)
        sql = f"SELECT {chosen} FROM {name} WHERE {where} ORDER BY rowid"  # noqa: S608
        known = {"ids": list(ids), "whole": whole}
        parameters = {key: value for key, value in known.items() if f"${key}" in where}
        tables[name] = old.sql(sql, params=parameters).to_arrow_table().cast(wanted)
    return tables
