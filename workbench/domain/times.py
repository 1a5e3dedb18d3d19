"""Times in UTC, and the microseconds since 1970 in which they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from workbench.errors import TimeError

Span: TypeAlias = tuple[datetime, datetime]  # [start, end), UTC

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(moment: datetime, *, where: str = "") -> datetime:
    """Return *moment* in UTC; raise TimeError if it carries no offset."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise TimeError(
            f"the time {moment.isoformat()} has no offset from UTC",
            where=where,
            fix="Write it with one, such as 2026-03-29T00:36:40+00:00",
        )
    return moment.astimezone(UTC)


def parse_time(text: str, *, where: str = "") -> datetime:
    """Read an ISO 8601 time with an offset, as UTC; raise TimeError for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeError(
            f"{text!r} is not an ISO 8601 time",
            where=where,
            fix="Write it like 2026-03-29T00:36:40+00:00",
        ) from None
    return utc(moment, where=where)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact; *moment* carries an offset."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime:
    """UTC time that many microseconds after the beginning of 1970."""
    return EPOCH + timedelta(microseconds=microseconds)
