"""Tables of what times rest on, and times that follow another offset of a clock."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from workbench.domain import (
    ClockCorrection,
    ClockSetting,
    Stretch,
    TimeNote,
    stretch_at,
)

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


__all__ = ["Moved", "RecordedPart", "clock_table", "setting_of", "shifts", "stretch_of"]
