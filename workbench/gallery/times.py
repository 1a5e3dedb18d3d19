"""Tables of what times rest on, and times that follow another offset of a clock."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.domain import (
    ClockCorrection,
    ClockSetting,
    Leg,
    Stretch,
    TimeNote,
    Unseen,
    outside_of,
    seen_spans,
    stretch_at,
)

if TYPE_CHECKING:
    import duckdb

    from workbench.gallery.index import TemplateRows

_TIME = pa.timestamp("us", tz="UTC")


def stretch_of(row: Mapping[str, Any]) -> Stretch:
    """Make a stretch from its row of the table."""
    values = {field.name: row[field.name] for field in fields(Stretch)}
    return Stretch(**values | {"found_at": _utc(row["found_at"])})


def setting_of(row: Mapping[str, Any]) -> ClockSetting:
    """Make the setting of a clock from its row of the table."""
    values = {field.name: row[field.name] for field in fields(ClockCorrection)}
    correction = ClockCorrection(**values)
    since, until = _utc(row["since"]), _utc(row["until"])
    return ClockSetting(correction, row["camera_id"], row["folder"], since, until, row["catalogue"])


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


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


def clock_table(settings: Sequence[ClockSetting]) -> pa.Table:
    """Rows of the table of clocks."""
    given = [setting.correction for setting in settings]
    return pa.table(
        {
            "camera_id": pa.array([setting.camera_id for setting in settings], pa.string()),
            "folder": pa.array([setting.folder for setting in settings], pa.string()),
            "since": pa.array([setting.since for setting in settings], _TIME),
            "until": pa.array([setting.until for setting in settings], _TIME),
            "offset_seconds": pa.array([c.offset_seconds for c in given], pa.float64()),
            "uncertainty_seconds": pa.array([c.uncertainty_seconds for c in given], pa.float64()),
            "found_by": pa.array([c.found_by for c in given], pa.string()),
            "how": pa.array([c.how for c in given], pa.string()),
            "found_at": pa.array([c.found_at for c in given], _TIME),
            "catalogue": pa.array([setting.catalogue for setting in settings], pa.string()),
        }
    )


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """Part of a recording that belongs to its camera and has one offset of the clock."""

    recording_id: str
    file: str  # as catalogued
    camera_id: str
    begins: datetime  # UTC: the time of second 0 by this offset
    start: float  # seconds of the recording
    end: float
    stretch: Stretch

    @property
    def since(self) -> datetime:
        """Time of its first picture (UTC)."""
        return self.begins + timedelta(seconds=self.start)

    @property
    def time(self) -> TimeNote:
        """Note on its times: what they rest on, and how certain they are."""
        return TimeNote.of(self.since, (self.stretch,), self.start, self.end)

    @property
    def mark(self) -> str:
        """Mark beside its times, in a few words; empty if there is nothing to say of them."""
        return self.time.mark

    def between(self, since: datetime, until: datetime) -> RecordedPart | None:
        """Return what of it lies between two times (UTC); None if nothing does."""
        start = max(self.start, (since - self.begins).total_seconds())
        end = min(self.end, (until - self.begins).total_seconds())
        return replace(self, start=start, end=end) if start < end else None


@dataclass(frozen=True, slots=True)
class Moved:
    """Part of a recording whose times move."""

    recording_id: str
    begin: float  # seconds of the recording
    end: float
    by: timedelta

    @property
    def microseconds(self) -> int:
        """Time by which it moves, exact."""
        return self.by // timedelta(microseconds=1)


def shifts(recording_id: str, old: Sequence[Stretch], new: Sequence[Stretch]) -> Iterator[Moved]:
    """Parts of a recording that move where *new* stretches come in place of *old* ones.

    Neighbours that move alike are one part.
    """
    edges = sorted({s.from_seconds for s in (*old, *new)} - {0.0})
    parts: list[tuple[float, float, timedelta]] = []
    for begin, end in zip([0.0, *edges], [*edges, math.inf], strict=True):
        by = stretch_at(old, begin).shift - stretch_at(new, begin).shift
        if parts and parts[-1][2] == by:
            parts[-1] = parts[-1][0], end, by
        else:
            parts.append((begin, end, by))
    yield from (Moved(recording_id, *part) for part in parts if part[2])


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


__all__ = [
    "Moved",
    "RecordedPart",
    "clock_table",
    "restate",
    "restated",
    "setting_of",
    "shifts",
    "span_table",
    "stretch_of",
    "stretch_table",
]
