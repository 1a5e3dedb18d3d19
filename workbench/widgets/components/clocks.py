"""Conversion of local clock times to moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from workbench.domain import moments, wall_time
from workbench.errors import TimeError
from workbench.maps.zones import zone_label

Fold = int | None
"""Which of two moments is meant where clocks showed a time twice: 0 the first, 1 the second."""


def moment(local: datetime, zone: ZoneInfo, fold: Fold = None, *, where: str) -> datetime:
    """The one moment (UTC) that is meant by *local*.

    Raises
    ------
    TimeError
        If clocks never showed it, or showed it twice and *fold* does not say which is meant.
    """
    found = moments(local, zone)
    if not found:
        before, after = _gap(local, zone)
        raise TimeError(
            f"clocks in {zone.key} never showed {local:%H:%M:%S} on {local:%a %d %b %Y}: they went "
            f"forward from {before:%H:%M} to {after:%H:%M}",
            where=where,
            fix=f"Choose a time before {before:%H:%M} or from {after:%H:%M} on",
        )
    if len(found) == 2 and fold is None:
        labels = [zone_label(one, zone) for one in found]
        raise TimeError(
            f"clocks in {zone.key} showed {local:%H:%M:%S} twice on {local:%a %d %b %Y}: first "
            f"{labels[0]}, then, after they went back, {labels[1]}",
            where=where,
            fix=f"Choose {labels[0]} or {labels[1]}",
        )
    return found[fold or 0] if len(found) == 2 else found[0]


def wall_clock(moment: datetime, zone: ZoneInfo) -> tuple[datetime, Fold]:
    """Read the clocks at *moment*: the naive time, and the fold where they showed it twice."""
    local = moment.astimezone(zone)
    naive = local.replace(tzinfo=None, fold=0)
    return naive, local.fold if len(moments(naive, zone)) == 2 else None


def _gap(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Read the clocks at the jump over *local*: just before it and just after it."""
    # In a gap fold=0 reads the time by the offset before it, fold=1 by the one after (PEP 495).
    later, earlier = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    before = earlier.astimezone(zone).utcoffset() or timedelta()
    low, high = earlier, later
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    jump = (high + timedelta(milliseconds=500)).replace(microsecond=0)
    return (jump + before).replace(tzinfo=None), wall_time(jump, zone)
