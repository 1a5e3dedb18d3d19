"""Hours of the week to which a time range is narrowed, by the clocks where the cameras stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workbench.domain import Scope
from workbench.errors import TimeError
from workbench.widgets.components.parts import listed
from workbench.windows import weekly_windows

if TYPE_CHECKING:
    from workbench.domain import Filter

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """``from_hour`` to ``to_hour`` of each of some weekdays, 0 being Monday.

    Where the second is not after the first they go on into the next day. Raises TimeError if no day
    is chosen, or both hours are the same.
    """

    weekdays: frozenset[int]
    from_hour: int
    to_hour: int

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise TimeError("no weekday is chosen", where="Hours", fix="Choose at least one")
        if not (0 <= self.from_hour <= 23 and 1 <= self.to_hour <= 24) or (
            self.from_hour == self.to_hour
        ):
            raise TimeError(
                f"{self.from_hour:02}:00 to {self.to_hour:02}:00 is not a valid time of day range",
                where="Hours",
                fix="Choose 00:00 to 24:00 for the whole day",
            )

    def windows(self, scope: Scope, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
        """List the windows (UTC) of *scope* in which clocks in *zone* show these hours.

        See :func:`workbench.windows.weekly_windows`.
        """
        return weekly_windows(scope, self.weekdays, self.from_hour, self.to_hour, zone=zone)

    def __str__(self) -> str:
        over = " (into the next day)" if self.to_hour <= self.from_hour else ""
        hours = f"{self.from_hour:02}:00 to {self.to_hour:02}:00{over}"
        if (self.from_hour, self.to_hour) == (0, 24):
            hours = "all day"
        return f"{_days(self.weekdays)}, {hours}"


WORKING_HOURS = WeeklyHours(frozenset(range(5)), 9, 17)


def narrowed(only: Filter | None) -> list[str]:
    """Describe what a search left out of its district and time range, a sentence each."""
    lines = []
    if only is not None and only.cameras is not None:
        lines.append(f"Only cameras chosen by hand were searched ({len(only.cameras):,}).")
    if only is not None and only.windows is not None:
        hours = sum((end - start).total_seconds() for start, end in only.windows) / 3600
        lines.append(
            "Only the chosen hours of the week were searched: "
            f"{len(only.windows):,} {'period' if len(only.windows) == 1 else 'periods'}, "
            f"{hours:,.1f} h in all. People who passed at other hours are not among the candidates."
        )
    return lines


def _days(weekdays: Collection[int]) -> str:
    """``Mon to Fri``, ``Sat and Sun``, ``every day``: days in a row by their first and last."""
    if len(weekdays) == 7:
        return "every day"
    runs = []
    for _, run in groupby(enumerate(sorted(weekdays)), lambda pair: pair[1] - pair[0]):
        days = [WEEKDAYS[day] for _, day in run]
        runs += [f"{days[0]} to {days[-1]}"] if len(days) > 2 else days
    return listed(runs)
