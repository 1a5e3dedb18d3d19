"""Hours of certain weekdays as windows of time, by the clocks of a place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workbench.domain import Scope
from workbench.errors import TimeError

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def weekly_windows(
    scope: Scope, weekdays: Collection[int], from_hour: int, to_hour: int, *, zone: ZoneInfo
) -> tuple[tuple[datetime, datetime], ...]:
    """Windows of a scope in which clocks in *zone* show certain hours of certain weekdays.

    For :class:`workbench.domain.Filter`. An hour that clocks show twice, when summer time
    ends, counts both times; one that they skip gives no window.

    Parameters
    ----------
    weekdays : collection of int
        From 0 (Monday) to 6 (Sunday).
    from_hour, to_hour : int
        From 0 to 23, and from 1 to 24: ``[from_hour, to_hour)``. If the second is not after the
        first, the window goes on into the next day: 22 to 6 on a Friday ends on Saturday at 6.

    Returns
    -------
    tuple of (start, end)
        In UTC, in order, disjoint; empty if the scope has no such moment.

    Raises
    ------
    TimeError
        If a weekday or hour does not exist, none is chosen, or both hours are the same.
    """
    if not weekdays or not set(weekdays) <= set(range(7)):
        raise TimeError(
            f"{sorted(weekdays)} are not weekdays",
            where="weekdays",
            fix="Name at least one, from 0 (Monday) to 6 (Sunday)",
        )
    if not 0 <= from_hour <= 23 or not 1 <= to_hour <= 24 or from_hour == to_hour:
        raise TimeError(
            f"{from_hour} to {to_hour} is not a valid time of day range",
            where="hours",
            fix="Choose 0 to 24 for the whole day",
        )
    hours = timedelta(hours=from_hour), timedelta(hours=to_hour)
    if hours[1] < hours[0]:
        hours = hours[0], hours[1] + _DAY
    windows: list[tuple[datetime, datetime]] = []
    for begin, end, offset in _steady(scope.start, scope.end, zone):
        # While clocks differ from UTC by the same, a day of theirs is 24 hours.
        day = datetime.combine((begin + offset).date(), time(), UTC) - _DAY
        while day < end + offset:
            first, last = max(day + hours[0] - offset, begin), min(day + hours[1] - offset, end)
            if day.weekday() in weekdays and first < last:
                if windows and first <= windows[-1][1]:
                    windows[-1] = windows[-1][0], max(windows[-1][1], last)
                else:
                    windows.append((first, last))
            day += _DAY
    return tuple(windows)


def _steady(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Stretches of ``[start, end)`` in which the zone's difference from UTC stays the same."""
    begin, here = start, start
    while here < end:
        there = min(here + _DAY, end)
        if _offset(there, zone) != _offset(here, zone):
            same, other = here, there  # clocks were turned between these: no zone does so twice
            while other - same > _SECOND:
                middle = same + (other - same) / 2
                if _offset(middle, zone) == _offset(here, zone):
                    same = middle
                else:
                    other = middle
            turned = other.replace(microsecond=0)  # it is a full second
            yield begin, turned, _offset(here, zone)
            begin = there = turned
        here = there
    if begin < end:
        yield begin, end, _offset(begin, zone)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
