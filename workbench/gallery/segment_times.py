"""Times of the rows of a segment that follow another offset of a clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.domain import Leg, Stretch, Unseen, outside_of, seen_spans
from workbench.gallery.times import Moved, shifts, stretch_of

if TYPE_CHECKING:
    import duckdb

    from workbench.gallery.index import TemplateRows

_TIME = pa.timestamp("us", tz="UTC")


def stretch_table(stretches: Sequence[tuple[str, Stretch]]) -> pa.Table:
    """Rows of the table of stretches, of recordings by their ids."""
    columns = {"recording_id": pa.array([name for name, _ in stretches], pa.string())}
    for name, kind in (
        ("from_seconds", pa.float64()), ("doubt", pa.string()), ("offset_seconds", pa.float64()),
        ("uncertainty_seconds", pa.float64()), ("found_by", pa.string()), ("how", pa.string()),
        ("found_at", _TIME), ("given_for", pa.string()), ("note", pa.string()),
    ):  # fmt: skip
        columns[name] = pa.array([getattr(stretch, name) for _, stretch in stretches], kind)
    return pa.table(columns)


def span_table(spans: Sequence[tuple[str, str, datetime, datetime]]) -> pa.Table:
    """Rows of the table of spans: recording, camera, beginning and end."""
    return pa.table(
        {
            "recording_id": pa.array([name for name, *_ in spans], pa.string()),
            "camera_id": pa.array([camera for _, camera, *_ in spans], pa.string()),
            "started_at": pa.array([start for *_, start, _ in spans], _TIME),
            "ended_at": pa.array([end for *_, end in spans], _TIME),
        }
    )


def restate(
    connection: duckdb.DuckDBPyConnection, stretches: Mapping[str, Sequence[Stretch]]
) -> list[Moved]:
    """Give recordings other *stretches* in the tables of a segment, and all times with them.

    A tracklet and its shots follow the stretch in which the tracklet begins. Rows keep their
    numbers. Returns the parts of recordings that moved, for :func:`restated`.
    """
    old = _by_recording(connection, "FROM stretches ORDER BY recording_id, from_seconds")
    moved = [
        part
        for name, those in stretches.items()
        for part in shifts(name, list(map(stretch_of, old[name])), those)
    ]
    if moved:
        _move(connection, moved)
        _place_in_time(connection, stretches)
    _exchange(
        connection,
        "stretches",
        stretch_table([(name, one) for name, those in stretches.items() for one in those]),
    )
    return moved


def _move(connection: duckdb.DuckDBPyConnection, moved: Sequence[Moved]) -> None:
    parts = pa.table(
        {
            "recording_id": pa.array([part.recording_id for part in moved], pa.string()),
            "begin_seconds": pa.array([part.begin for part in moved], pa.float64()),
            "end_seconds": pa.array([part.end for part in moved], pa.float64()),
            "shift": pa.array([part.microseconds for part in moved], pa.int64()),
        }
    )
    connection.register("moved", parts)
    inside = "first_seconds >= begin_seconds AND first_seconds < end_seconds"
    connection.execute(
        "UPDATE shots SET time = time + to_microseconds(shift) FROM "  # noqa: S608
        f"(FROM tracklets JOIN moved USING (recording_id) WHERE {inside}) AS t "
        "WHERE shots.recording_id = t.recording_id AND shots.ordinal = t.ordinal"
    )
    connection.execute(
        "UPDATE tracklets SET first_seen = first_seen + to_microseconds(shift), "  # noqa: S608
        "last_seen = last_seen + to_microseconds(shift) FROM moved "
        f"WHERE tracklets.recording_id = moved.recording_id AND {inside}"
    )
    connection.unregister("moved")


def _place_in_time(
    connection: duckdb.DuckDBPyConnection, stretches: Mapping[str, Sequence[Stretch]]
) -> None:
    """Say anew when recordings begin, end and show something."""
    about = _by_recording(
        connection, "SELECT recording_id, camera_id, stated_at, seconds FROM recordings"
    )
    gaps = _by_recording(connection, "FROM unseen")
    legs = _by_recording(connection, "FROM legs ORDER BY recording_id, start_seconds")
    spans, whole = [], []
    for name, those in stretches.items():
        (recording,) = about[name]
        began, length = recording["stated_at"], recording["seconds"]
        unseen = [
            Unseen(row["start_seconds"], row["end_seconds"], row["why"])
            for row in gaps.get(name, ())
        ]
        own = [Leg(row["start_seconds"], row["end_seconds"], None) for row in legs.get(name, ())]
        elsewhere = [Unseen(*outside, "") for outside in outside_of(own, length)]
        camera_id = recording["camera_id"]
        spans += [
            (name, camera_id, *span)
            for span in seen_spans(began, length, those, [*unseen, *elsewhere])
        ]
        all_of_it = seen_spans(began, length, those, elsewhere)
        first, last = min(start for start, _ in all_of_it), max(end for _, end in all_of_it)
        whole.append((name, camera_id, first, last))
    _exchange(connection, "spans", span_table(spans), of=list(stretches))
    connection.register("whole", span_table(whole))
    connection.execute(
        "UPDATE recordings SET started_at = whole.started_at, ended_at = whole.ended_at "
        "FROM whole WHERE recordings.recording_id = whole.recording_id"
    )
    connection.unregister("whole")


def _exchange(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: pa.Table,
    *,
    of: Sequence[str] | None = None,
) -> None:
    """Put *rows* in the place of what a table has of recordings, by default of theirs."""
    names = rows["recording_id"].to_pylist() if of is None else list(of)
    # The name of the table is one of our own, never a user's.
    connection.execute(
        f"DELETE FROM {table} WHERE recording_id IN (SELECT unnest(?::VARCHAR[]))",  # noqa: S608
        [names],
    )
    if rows.num_rows:
        connection.register("incoming", rows)
        connection.execute(f"INSERT INTO {table} FROM incoming")
        connection.unregister("incoming")


def restated(rows: TemplateRows, moved: Sequence[Moved], number: Mapping[str, int]) -> TemplateRows:
    """The columns that are scanned, with the times of what moved.

    *number* has the row number of each recording in its table.
    """
    by = np.zeros(len(rows), np.int64)
    whole = np.zeros(max(number.values(), default=-1) + 1, np.int64)
    for part in moved:
        if part.begin == 0 and part.end == math.inf:
            whole[number[part.recording_id]] = part.microseconds
        else:
            inside = (rows.recording == number[part.recording_id]) & (
                rows.first_seconds >= part.begin
            )
            by[inside & (rows.first_seconds < part.end)] = part.microseconds
    by += whole[rows.recording]
    return replace(rows, first_seen=rows.first_seen + by, last_seen=rows.last_seen + by)


def _by_recording(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> dict[str, list[dict[str, Any]]]:
    """Rows of a query by their recording_id, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.sql(sql).to_arrow_table().to_pylist():
        found.setdefault(row["recording_id"], []).append(row)
    return found


__all__ = ["restate", "restated", "span_table", "stretch_table"]
