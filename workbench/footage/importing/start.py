"""The start of a recording, weighed from its name, its container and its file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Literal, TypeAlias

from workbench.domain import is_possible, length_words, moments
from workbench.footage.catalog import (
    CONTAINER_ALONE,
    MODIFICATION_TIME,
    PERHAPS_THE_END,
    TO_THE_MINUTE,
)
from workbench.footage.importing.header import CREATION_TIME
from workbench.footage.importing.survey import Found
from workbench.footage.names import TO_THE_MINUTE as NO_SECONDS

# Name and container agree within this: a recorder opens a file a little before it writes it.
AGREE = timedelta(seconds=10)
_QUARTER, _FARTHEST_ZONE = timedelta(minutes=15), timedelta(hours=14)

Prefer: TypeAlias = Literal["name", "container"]
"""Which to believe where name and container contradict each other."""


class Basis(StrEnum):
    """Source that a time rests on."""

    NAME = "name"
    MINUTE = TO_THE_MINUTE
    BOTH = "name and container"
    BEGINNING = "container, of the beginning"
    CONTAINER = CONTAINER_ALONE
    END = PERHAPS_THE_END
    MODIFIED = MODIFICATION_TIME
    NOTHING = "nothing"


class Trust(StrEnum):
    """Degrees of how sure a time is.

    ``SURE`` where two sources agree or a name states its offset from UTC, ``LIKELY`` where one
    source says so, ``WEAK`` where it is a last resort, ``UNKNOWN`` where it cannot be used.
    """

    SURE = "sure"
    LIKELY = "likely"
    WEAK = "weak"
    UNKNOWN = "unknown"


TRUST_LEGEND = (
    "Sure: two sources agree, or the name states its offset from UTC. Likely: one source says so. "
    "Weak: only to the minute, perhaps that of the end, or when the file was last written."
)


@dataclass(frozen=True, slots=True)
class Start:
    """When a recording began, as far as it says.

    Parameters
    ----------
    basis : Basis
    trust : Trust
    at : datetime, optional
        UTC; None where it cannot be told.
    possible : tuple of datetime
        UTC; both moments where clocks showed the time twice.
    detail : str
        Which pattern of names or which field of the header.
    why : tuple of str
        Phrases: why it is not surer.
    lacks : str
        Why it cannot be used, as a phrase; empty if it can.
    """

    basis: Basis
    trust: Trust
    at: datetime | None = None
    possible: tuple[datetime, ...] = ()
    detail: str = ""
    why: tuple[str, ...] = ()
    lacks: str = ""

    def unusable(self, lacks: str) -> Start:
        """A start like this one that cannot be used, for a reason."""
        return replace(self, at=None, trust=Trust.UNKNOWN, lacks=lacks)


def start_of(found: Found, zone: tzinfo | None, prefer: Prefer | None = None) -> Start:
    """Weigh what a recording says about its start.

    A name that gives a time goes before the container, and both before the time at which the file
    was last written. Where name and container contradict each other and *prefer* does not say which
    to believe, neither is.

    Parameters
    ----------
    found : Found
    zone : tzinfo, optional
        Of the clock that gave times without an offset.
    prefer : str, optional
        ``name`` or ``container``.
    """
    name, container = _of_name(found, zone), _of_container(found, zone)
    if name is None and container is None:
        return _of_file(found)
    if name is None or container is None:
        return name or container  # type: ignore[return-value]
    if not container.possible:
        return replace(name, why=(*name.why, container.lacks)) if container.lacks else name
    if not name.possible:
        # What is wrong with the name is told, and the container does not hide it.
        return container if prefer == "container" and container.at else name
    return _weighed(found, name, container, zone, prefer)


def _weighed(
    found: Found, name: Start, container: Start, zone: tzinfo | None, prefer: Prefer | None
) -> Start:
    length = timedelta(seconds=found.header.seconds or 0)
    stated = container.possible[0]
    if name.basis == Basis.MINUTE and name.at:
        return _to_the_second(found, name, container, prefer)
    same = [one for one in name.possible if _agree(stated, one, length)]
    # A camera that writes local time as if it were UTC would have meant these.
    local = [one for one in name.possible if _agree(stated - _offset(one, zone), one, length)]
    if len(same) == 1 and not set(local) - set(same):
        at_its_end = abs(stated - same[0]) > AGREE
        words = "the container states the same, as the end" if at_its_end else ""
        # A time that clocks showed twice, or a name that can be read in two ways, is decided.
        why = (words,) if words else ()
        return replace(name, at=same[0], possible=(same[0],), trust=Trust.SURE, lacks="", why=why)
    if name.lacks:
        return name
    (at,) = name.possible
    if local:
        return replace(name, why=("the container states the same local time as if it were UTC",))
    apart = stated - at
    words = (
        f"name and container contradict each other: the container says {stated:%Y-%m-%d %H:%M:%S} "
        f"UTC, {length_words(abs(apart.total_seconds()))} "
        f"{'later' if apart > timedelta() else 'earlier'}"
    )
    if _is_offset(apart) or _is_offset(apart - length):
        words += "; is the zone right?"
    if prefer == "name":
        return replace(name, trust=Trust.LIKELY, why=(*name.why, words))
    if prefer == "container":
        return replace(container, why=(*container.why, words))
    return name.unusable(words)


def _to_the_second(found: Found, name: Start, container: Start, prefer: Prefer | None) -> Start:
    """The second that a container states within the minute of a name, if it is one alone."""
    assert name.at is not None
    stated, length = container.possible[0], timedelta(seconds=found.header.seconds or 0)
    starts = [
        start
        for start in dict.fromkeys((stated, stated - length))
        if -AGREE <= start - name.at < timedelta(minutes=1) + AGREE
    ]
    if len(starts) == 1:
        why = ("its name states the same minute",)
        return replace(container, basis=Basis.BOTH, at=starts[0], trust=Trust.SURE, why=why)
    if starts:  # of a short one: it may be the time of its start or of its end
        return name
    if prefer == "container":
        return container
    words = (
        "name and container contradict each other: the container says "
        f"{stated:%Y-%m-%d %H:%M:%S} UTC"
    )
    if prefer == "name":
        return replace(name, why=(*name.why, words))
    return name.unusable(words)


def _agree(stated: datetime, at: datetime, length: timedelta) -> bool:
    """Whether a container's time is that of the name, or that of the recording's end."""
    return abs(stated - at) <= AGREE or abs(stated - at - length) <= AGREE


def _offset(at: datetime, zone: tzinfo | None) -> timedelta:
    return (at.astimezone(zone).utcoffset() if zone else None) or timedelta()


def _is_offset(apart: timedelta) -> bool:
    """Whether two times are apart by what zones differ by."""
    off = abs(apart) % _QUARTER
    near = min(off, _QUARTER - off) <= AGREE
    return near and _QUARTER - AGREE <= abs(apart) <= _FARTHEST_ZONE + AGREE


def _of_name(found: Found, zone: tzinfo | None) -> Start | None:
    named = found.named
    if named is None:
        return None
    start = Start(Basis.NAME, Trust.LIKELY, detail=named.pattern)
    start = _placed(start, named.started_at, zone)
    if named.started_at.tzinfo is not None and start.at:
        start = replace(start, trust=Trust.SURE, why=())
    if named.ended_at is not None and found.header.seconds and start.at:
        written = (named.ended_at - named.started_at).total_seconds()
        if abs(written - found.header.seconds) > max(AGREE.total_seconds(), 0.05 * written):
            start = replace(
                start,
                trust=Trust.LIKELY,
                why=(
                    *start.why,
                    f"its name says {length_words(written)}, its header "
                    f"{length_words(found.header.seconds)}",
                ),
            )
    if named.ambiguous == NO_SECONDS and start.at:
        return replace(start, basis=Basis.MINUTE, trust=Trust.WEAK, why=(named.ambiguous,))
    return start.unusable(named.ambiguous) if named.ambiguous else start


def _of_container(found: Found, zone: tzinfo | None) -> Start | None:
    header = found.header
    if header.stated_at is None:
        if not header.remark:
            return None
        return Start(Basis.CONTAINER, Trust.UNKNOWN, lacks=header.remark)
    # EXIF and Apple's own field are of the beginning; what writes creation_time differs.
    unclear = header.stated_by == CREATION_TIME
    basis = Basis.CONTAINER if unclear else Basis.BEGINNING
    start = Start(basis, Trust.LIKELY, detail=header.stated_by)
    start = _placed(start, header.stated_at, zone)
    at = start.at
    if at is not None and unclear:
        words = "some cameras write local time or the end there, exports the time of the export"
        start = replace(start, why=(words,))
        long = (header.seconds or 0) > 2 * AGREE.total_seconds()
        if long and abs(at - found.modified_at) <= AGREE:
            words = "the file was last written at that very time, so it may be that of the end"
            start = replace(start, basis=Basis.END, trust=Trust.WEAK, why=(words,))
    return start


def _placed(start: Start, stated: datetime, zone: tzinfo | None) -> Start:
    """The start at a stated time, which may be local."""
    if stated.tzinfo is not None:
        possible: tuple[datetime, ...] = (stated.astimezone(UTC),)
    elif zone is None:
        return start.unusable(f"{stated:%Y-%m-%d %H:%M:%S} needs the zone of the camera's clock")
    else:
        possible = moments(stated, zone)
    local = f"{stated:%H:%M:%S} on {stated:%Y-%m-%d}"
    if not possible:
        return start.unusable(f"clocks in {zone} never showed {local}: they went forward over it")
    for one in possible:
        if not is_possible(one):
            return start.unusable(f"a recording from {one:%Y-%m-%d} is not possible")
    start = replace(start, possible=possible)
    if len(possible) == 2:
        both = " or ".join(f"{one:%H:%M:%S}" for one in possible)
        return start.unusable(f"clocks in {zone} showed {local} twice, at {both} UTC")
    why = ("nothing else says so",) if start.basis == Basis.NAME else ()
    return replace(start, at=possible[0], why=why)


def _of_file(found: Found) -> Start:
    """Last resort: when the file was last written, less its length."""
    start = Start(Basis.MODIFIED, Trust.WEAK)
    seconds = found.header.seconds
    if found.is_sequence:
        seconds = 0.0  # the first picture was written when it was taken
    if seconds is None:
        return Start(Basis.NOTHING, Trust.UNKNOWN).unusable(
            "neither name nor container gives a time, and its length is not known"
        )
    at = found.modified_at - timedelta(seconds=seconds)
    if not is_possible(at):
        return Start(Basis.NOTHING, Trust.UNKNOWN).unusable(
            f"neither name nor container gives a time, and it was last written {at:%Y-%m-%d}"
        )
    why = "the file was last written then; of a copy or an export that means nothing"
    return replace(start, at=at, possible=(at,), why=(why,))
