"""Times in UTC, and the microseconds since 1970 in which they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from workbench.errors import TimeError

Span: TypeAlias = tuple[datetime, datetime]  # [start, end), UTC

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Footage from before is none: cameras that record files are not older.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# A clock may be ahead, and midnight comes sooner elsewhere.
LATEST_AHEAD = timedelta(days=1)


def utc(moment: datetime, *, where: str = "") -> datetime:
    """Return *moment* in UTC; raise TimeError if it carries no offset, or is none in UTC."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise TimeError(
            f"the time {moment.isoformat()} has no offset from UTC",
            where=where,
            fix="Write it with one, such as 2026-03-29T00:36:40+00:00",
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise TimeError(
            f"the time {moment.isoformat()} is before the year 1 or after 9999 in UTC",
            where=where,
            fix="Write it like 2026-03-29T00:36:40+00:00",
        ) from None


def is_possible(moment: datetime) -> bool:
    """Return True if there can be footage of *moment*, which carries an offset."""
    return EARLIEST <= moment <= datetime.now(UTC) + LATEST_AHEAD


def parse_time(text: str, *, where: str = "") -> datetime:
    """Read an ISO 8601 time with an offset, as UTC; raise TimeError for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeError(
            f"{text[:40]!r} is not an ISO 8601 time",
            where=where,
            fix="Write it like 2026-03-29T00:36:40+00:00",
        ) from None
    return utc(moment, where=where)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact; *moment* carries an offset."""
    return (moment - EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """UTC time that many microseconds after the beginning of 1970."""
    return EPOCH + microseconds * _MICROSECOND


def moments(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments (UTC) at which clocks in *zone* show the naive time *local*, in order.

    One as a rule; none where clocks jumped over it; two where they were put back and showed it
    twice. (PEP 495: the two folds of a time in a gap do not survive the way to UTC and back.)
    """
    readings = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(sorted({one for one in readings if wall_time(one, zone) == local}))


def wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """The naive time that clocks in *zone* show at a moment."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def zone_label(moment: datetime, zone: tzinfo) -> str:
    """Name the zone as clocks have it at a moment: GMT, BST or UTC+05."""
    name = moment.astimezone(zone).tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name  # many zones have no abbreviation


MINUTES = "%d %b %Y, %H:%M"
"""Form of a time to the minute for :func:`local_time`, which adds the zone."""


def local_time(moment: datetime, zone: tzinfo, pattern: str = "%a %d %b %Y, %H:%M:%S") -> str:
    """*moment* as the clocks of *zone* show it, and which clocks: ``… 02:30:00 BST``."""
    return f"{moment.astimezone(zone):{pattern}} {zone_label(moment, zone)}"
