"""A gallery as an earlier Sightline made it: schema 3, in which a recording had one time.

``earlier(path)`` takes a small gallery of today and writes every file as that version did, with
the ids that it gave.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path

import duckdb
import numpy as np

from workbench.gallery.register import read_register, segments_folder, write_register
from workbench.gallery.segments import ROWS, checksum

# The tables of a segment of schema 3, word for word but for their comments.
DDL = """
CREATE TABLE cameras (
    camera_id       VARCHAR PRIMARY KEY,
    name            VARCHAR NOT NULL,
    latitude        DOUBLE NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude       DOUBLE NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    noted_at        TIMESTAMPTZ NOT NULL
);
CREATE TABLE recordings (
    recording_id    VARCHAR PRIMARY KEY,
    camera_id       VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL CHECK (ended_at >= started_at),
    sha256          VARCHAR NOT NULL,
    size_bytes      BIGINT NOT NULL,
    modified_ns     BIGINT NOT NULL,
    width           INTEGER NOT NULL,
    height          INTEGER NOT NULL,
    frames_decoded  INTEGER NOT NULL,
    frames_examined INTEGER NOT NULL,
    faces           INTEGER NOT NULL,
    stopped         VARCHAR NOT NULL,
    elapsed_seconds DOUBLE NOT NULL,
    indexed_at      TIMESTAMPTZ NOT NULL
);
CREATE TABLE tracklets (
    recording_id    VARCHAR NOT NULL,
    ordinal         INTEGER NOT NULL,
    camera_id       VARCHAR NOT NULL,
    first_seen      TIMESTAMPTZ NOT NULL,
    last_seen       TIMESTAMPTZ NOT NULL CHECK (last_seen >= first_seen),
    detections      INTEGER NOT NULL,
    searchable      BOOLEAN NOT NULL
);
CREATE TABLE shots (
    recording_id    VARCHAR NOT NULL,
    ordinal         INTEGER NOT NULL,
    rank            INTEGER NOT NULL,
    seconds         DOUBLE NOT NULL,
    time            TIMESTAMPTZ NOT NULL,
    x DOUBLE NOT NULL, y DOUBLE NOT NULL, width DOUBLE NOT NULL, height DOUBLE NOT NULL,
    quality DOUBLE NOT NULL, size DOUBLE NOT NULL, sharpness DOUBLE NOT NULL,
    pose DOUBLE NOT NULL, exposure DOUBLE NOT NULL,
    occlusion DOUBLE NOT NULL, landmarks DOUBLE NOT NULL,
    jpeg            BLOB NOT NULL,
    template        FLOAT[{dimension}] NOT NULL
);
CREATE TABLE problems (
    recording_id    VARCHAR NOT NULL,
    what            VARCHAR NOT NULL,
    at_seconds      DOUBLE
);
CREATE TABLE runs (
    source          VARCHAR NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL,
    indexed         INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    "left"          INTEGER NOT NULL
);
CREATE TABLE refusals (
    camera_id       VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    reason          VARCHAR NOT NULL,
    refused_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (camera_id, file, started_at)
);
"""
TABLES = ("cameras", "recordings", "tracklets", "shots", "problems", "runs", "refusals")


def earlier(path: Path) -> None:
    """Rewrite the gallery at *path*, which is not open, as schema 3 had it."""
    from dataclasses import replace

    register = read_register(path)
    entries = []
    for entry in register.segments:
        folder = segments_folder(path) / entry.name
        _rewrite(folder, register.profile.dimension)
        size = sum(file.stat().st_size for file in folder.iterdir())
        entries.append(replace(entry, bytes=size, checksum=checksum(folder)))
    write_register(path, replace(register, segments=tuple(entries)))
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE gallery SET schema_version = 3")


def _rewrite(folder: Path, dimension: int) -> None:
    for name in ("first_seconds", "last_seconds"):
        (folder / f"{name}.npy").unlink()
    now = folder / "now.duckdb"
    (folder / ROWS).rename(now)
    with duckdb.connect(str(folder / ROWS)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(DDL.format(dimension=dimension))
        connection.execute(f"ATTACH '{now}' AS now (READ_ONLY)")
        rows = connection.execute(
            "SELECT recording_id, sha256, camera_id, started_at FROM now.recordings"
        ).fetchall()
        ids = {name: identity(*of_it) for name, *of_it in rows}
        connection.execute("CREATE TEMP TABLE renamed (recording_id VARCHAR, id VARCHAR)")
        if ids:
            connection.executemany("INSERT INTO renamed VALUES (?, ?)", list(ids.items()))
        for table in TABLES:
            columns = [
                name
                for (name,) in connection.execute(
                    "SELECT column_name FROM duckdb_columns() WHERE table_name = ? "
                    "AND database_name = 'rows' ORDER BY column_index",
                    [table],
                ).fetchall()
            ]
            ours = ", ".join(f'o."{name}"' for name in columns)
            join = ""
            if "recording_id" in columns:
                ours = ours.replace('o."recording_id"', "n.id")
                join = "JOIN renamed n ON n.recording_id = o.recording_id"
            connection.execute(
                f"INSERT INTO {table} SELECT {ours} FROM now.{table} o {join} ORDER BY o.rowid"
            )
        connection.execute("DETACH now")
    now.unlink()
    stored = np.load(folder / "recording_ids.npy")
    renamed = [ids[name.decode()] for name in stored.tolist()]
    np.save(folder / "recording_ids.npy", np.array(renamed, "S16"))


def identity(sha256: str, camera_id: str, started_at: object) -> str:
    """The id that schema 3 gave a recording, with its start in it."""
    start = started_at.astimezone(UTC).isoformat()  # type: ignore[attr-defined]
    return hashlib.sha256(f"{sha256}\n{camera_id}\n{start}".encode()).hexdigest()[:16]
