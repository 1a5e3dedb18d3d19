"""The clock in the picture, compared with what the catalogue says of the same picture.

A person reads the clock in the first and in the last picture of a stretch of a recording. For a
picture at second ``s`` the catalogue says the time ``stated``, and the clock shows ``shown``::

    offset(s)   = stated - shown + error of the clock       seconds; positive: stated is ahead
    offset      = (offset(first) + offset(last)) / 2
    drift       = (offset(last) - offset(first)) / (s(last) - s(first))
    uncertainty = resolution + |offset(last) - offset(first)| / 2 + uncertainty of the clock's error

The error of the clock is how far the clock in the picture itself was ahead of the true time, as
somebody found who compared it with a clock that is right; 0 where the clock in the picture is
taken to be right. ``stated - offset`` is then the true time, in error by at most the uncertainty: a
clock that shows whole seconds shows the second that has begun, and what it drifts over the
stretch is at most half as much away from the middle.

Two readings of resolution ``r`` differ by up to ``r`` although nothing drifts. Only what is more
is called a drift.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from workbench.domain.clocks import MOST_OFFSET_SECONDS
from workbench.domain.times import moments, utc
from workbench.errors import TimeError

DAY = 86_400.0  # seconds
# Zones differ by half hours; an offset so near to some is likely to be one of zones.
HALF_HOUR, NEAR_ZONE_SECONDS = 1800.0, 180.0
# No clock that anyone uses drifts by so much in a day.
TOO_SHORT_SECONDS_PER_DAY = 600.0
_DATE = r"(?:(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[T ]+)?"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>[.,]\d{1,6})?)?"
_OFFSET = r"(?P<offset>Z|[+-]\d{2}:?\d{2})?"
_READING = re.compile(rf"\s*{_DATE}{_TIME}\s*{_OFFSET}\s*", re.ASCII | re.IGNORECASE)
_LIKE = "Write it like 18:04:07, 2026-03-31 18:04:07 or 2026-03-31T18:04:07+01:00"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Time that the clock shows in one picture, beside the one that the catalogue says."""

    seconds: float  # of the recording
    stated: datetime  # UTC, by the catalogue
    shown: datetime  # UTC, by the clock in the picture
    resolution_seconds: float  # of the smallest place that was read

    def __post_init__(self) -> None:
        object.__setattr__(self, "stated", utc(self.stated))
        object.__setattr__(self, "shown", utc(self.shown))

    @property
    def offset_seconds(self) -> float:
        """Seconds by which the catalogue is ahead of the clock in the picture."""
        return (self.stated - self.shown).total_seconds()


@dataclass(frozen=True, slots=True)
class ClockComparison:
    """Offset and drift of the catalogue's times against the true time; see the module.

    ``drift_ppm`` is in millionths, positive where stated times run faster than the clock; None
    where only one picture was read. ``smallest_drift_ppm`` is the drift that the readings could
    just have shown.
    """

    readings: tuple[ClockReading, ...]
    offset_seconds: float
    uncertainty_seconds: float
    drift_ppm: float | None
    smallest_drift_ppm: float | None

    @property
    def drifts(self) -> bool:
        """True if the readings differ by more than their resolution explains."""
        if self.drift_ppm is None or self.smallest_drift_ppm is None:
            return False
        return abs(self.drift_ppm) > self.smallest_drift_ppm

    def words(self) -> str:
        """``72.5 s ahead of the true time, ± 1.5 s, drifting by 2.1 s per day``."""
        offset = self.offset_seconds
        way = "ahead of" if offset >= 0 else "behind"
        words = f"{abs(offset):,.1f} s {way} the true time, ± {self.uncertainty_seconds:,.1f} s"
        halves = round(abs(offset) / HALF_HOUR)
        if halves and abs(abs(offset) - halves * HALF_HOUR) <= NEAR_ZONE_SECONDS:
            words += f" (about {halves / 2:g} h: check the zones of clock and catalogue)"
        if self.drift_ppm is None or self.smallest_drift_ppm is None:
            return f"{words}; drift not measured, since only one picture was read"
        if self.drifts:
            return f"{words}, drifting by {per_day(self.drift_ppm):+,.1f} s per day"
        least = per_day(self.smallest_drift_ppm)
        if least >= TOO_SHORT_SECONDS_PER_DAY:
            return f"{words}; the pictures are too close to each other to show a drift"
        return f"{words}; no drift that can be seen (at most {least:,.1f} s per day)"


def compare(
    first: ClockReading,
    last: ClockReading | None = None,
    *,
    error_seconds: float = 0.0,
    error_uncertainty_seconds: float = 0.0,
) -> ClockComparison:
    """Compute offset, drift and uncertainty from the readings of one or two pictures.

    Parameters
    ----------
    first, last : ClockReading
        Of the first and the last picture of a stretch; without *last* no drift is known.
    error_seconds : float
        How far the clock in the picture was ahead of the true time.
    error_uncertainty_seconds : float
        By how much that may be wrong.

    Raises
    ------
    TimeError
        If the last picture does not come after the first, or a number is not possible.
    """
    # Written so that NaN fails too.
    if not abs(error_seconds) <= MOST_OFFSET_SECONDS:
        raise TimeError(
            f"a clock that was {error_seconds:g} s ahead is not possible",
            fix="Write by how many seconds it was ahead, at most a year; negative: behind",
        )
    if not 0 <= error_uncertainty_seconds <= MOST_OFFSET_SECONDS:
        raise TimeError(
            f"an uncertainty of {error_uncertainty_seconds:g} s is not possible",
            fix="Write by how many seconds the time may be wrong, 0 or more",
        )
    readings = (first,) if last is None else (first, last)
    resolution = max(reading.resolution_seconds for reading in readings)
    offsets = [reading.offset_seconds for reading in readings]
    change = offsets[-1] - offsets[0]
    drift = smallest = None
    if last is not None:
        apart = last.seconds - first.seconds
        if apart <= 0:
            raise TimeError(
                f"the last picture, at {last.seconds:.1f} s, does not come after the first, at "
                f"{first.seconds:.1f} s",
                fix="Read one picture alone where there is only one",
            )
        drift, smallest = change / apart * 1e6, resolution / apart * 1e6
    return ClockComparison(
        readings,
        offset_seconds=sum(offsets) / len(offsets) + error_seconds,
        uncertainty_seconds=resolution + abs(change) / 2 + error_uncertainty_seconds,
        drift_ppm=drift,
        smallest_drift_ppm=smallest,
    )


def per_day(ppm: float) -> float:
    """Seconds a day that a drift in millionths amounts to."""
    return ppm * 1e-6 * DAY


def read_clock(text: str, *, near: datetime, zone: tzinfo) -> tuple[datetime, float]:
    """Return the time (UTC) that a person read off the clock in a picture, and its resolution.

    Parameters
    ----------
    text : str
        ``18:04``, ``18:04:07``, ``18:04:07.5``, with or without a date before it
        (``2026-03-31``) and an offset from UTC after it (``+01:00``).
    near : datetime
        What the catalogue says: without a date, the day is meant on which the two lie closest.
    zone : tzinfo
        Of the clock, where the text has no offset.

    Raises
    ------
    TimeError
        If it is not such a time, or local clocks never showed it or showed it twice.
    """
    found = _READING.fullmatch(text)
    if found is None:
        raise TimeError(f"{text!r} is not the time of a clock", fix=_LIKE)
    fraction = found["fraction"] or ""
    resolution = 60.0 if found["second"] is None else 10.0 ** -max(0, len(fraction) - 1)
    try:
        clock = time(
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"] or 0),
            int(fraction[1:].ljust(6, "0") or 0),
        )
        offset = _zone_of(found["offset"]) or zone
        if found["year"]:
            day = date(int(found["year"]), int(found["month"]), int(found["day"]))
            candidates = [datetime.combine(day, clock)]
        else:
            here = utc(near).astimezone(offset).date()
            days = (here + timedelta(days=by) for by in (-1, 0, 1))
            candidates = [datetime.combine(day, clock) for day in days]
    except (ValueError, OverflowError) as error:
        raise TimeError(f"{text!r} is not the time of a clock ({error})", fix=_LIKE) from None
    local = min(candidates, key=lambda one: abs(_roughly(one, offset) - near))
    meant = moments(local, offset)
    if len(meant) != 1:
        shown = f"{local:%H:%M:%S} on {local:%a %d %b %Y}"
        raise TimeError(
            f"clocks there showed {shown} twice" if meant else f"clocks there never showed {shown}",
            where=text,
            fix="Write it with its offset from UTC, such as +01:00",
        )
    return meant[0], resolution


def _roughly(local: datetime, zone: tzinfo) -> datetime:
    """The moment of a local time, in a gap or a fold either one."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _zone_of(text: str | None) -> tzinfo | None:
    if not text:
        return None
    return datetime.fromisoformat(f"2000-01-01T00:00:00{text.upper()}").tzinfo
