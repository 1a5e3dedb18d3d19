"""Clocks of cameras: how far they were ahead, and how certain that makes a time.

A recording has stretches, each with one offset of the clock. A picture at second *s* of the
recording was taken at ``stated_at + s - offset`` of its stretch, where ``stated_at`` is what the
camera's clock, or the list, said of second 0.

An offset is absolute: it says how far the clock was ahead of the right time, not by how much an
earlier correction was wrong. So the last correction holds, and an offset of 0 gives back the times
as they were stated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from workbench.domain.times import Span, local_time, utc
from workbench.errors import TimeError

# Columns that say in tables and exports what a time rests on.
TIME_FIELDS = (
    "recorded_first_seen", "time_correction_seconds", "time_uncertainty_seconds", "time_doubt",
    "time_found_by", "time_how", "time_note",
)  # fmt: skip
# Beyond this a camera's clock is not off but unset.
MOST_OFFSET_SECONDS = 366 * 86400.0
# Why an offset may be too much for a recording that was upgraded: schema 3 kept one time of it.
PERHAPS_TWICE = (
    "an earlier version read it: an offset that footage.csv stated then is part of its recorded "
    "time, and is not to be given again"
)
# How an offset is known that nobody gave to the gallery.
FROM_CATALOGUE = "as the catalogue states it"


@dataclass(frozen=True, slots=True)
class ClockCorrection:
    """Offset of a camera's clock, as somebody found it, or a confirmation of the one that is known.

    Raises TimeError if a number is not possible, or it is not said who found it and how.
    """

    # By which the clock was ahead of the right time; negative: behind. None: confirmed as known.
    offset_seconds: float | None
    found_by: str
    how: str  # it was found, such as "compared with the clock in the picture"
    found_at: datetime  # UTC
    uncertainty_seconds: float | None = None  # the offset is right to so many; None: not stated

    def __post_init__(self) -> None:
        object.__setattr__(self, "found_at", utc(self.found_at, where="clock"))
        # Written so that NaN fails too.
        if self.offset_seconds is not None and not abs(self.offset_seconds) <= MOST_OFFSET_SECONDS:
            raise TimeError(
                f"a clock offset of {self.offset_seconds:g} s is more than a year",
                where="clock",
                fix="Give the time the recording really started instead",
            )
        if self.uncertainty_seconds is not None and not (
            0 <= self.uncertainty_seconds <= MOST_OFFSET_SECONDS
        ):
            raise TimeError(
                f"an uncertainty of {self.uncertainty_seconds:g} s is not possible",
                where="clock",
                fix="Give the seconds by which the offset may be wrong, 0 or more",
            )
        if not self.found_by.strip():
            raise TimeError("no one is named who found the offset", where="clock", fix="Name them")
        if not self.how.strip():
            raise TimeError(
                "there is no word on how the offset was found",
                where="clock",
                fix="Describe it, such as: compared with the speaking clock",
            )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a recording with one offset of the clock, up to where the next one begins."""

    from_seconds: float = 0.0  # of the recording
    doubt: str = ""  # why times from here on are not certain; empty if they are
    offset_seconds: float = 0.0  # by which the clock was ahead
    uncertainty_seconds: float | None = None
    found_by: str = ""
    how: str = ""
    found_at: datetime | None = None  # UTC; None: nobody has confirmed or corrected it
    # What the offset was given for: a recording, a folder or a camera; empty where nobody did.
    given_for: str = ""
    # What else its times rest on, though nothing speaks against them; empty if there is nothing.
    note: str = ""

    @property
    def shift(self) -> timedelta:
        """Time to take from what the clock said; exact, so that corrections can be taken back."""
        return timedelta(seconds=self.offset_seconds)

    @property
    def open_doubt(self) -> str:
        """Why its times are not certain; empty once somebody has confirmed or corrected them.

        How far the clock of a camera was ahead in general does not say how long a break in one of
        its recordings was: only what is given for the recording itself settles a doubt.
        """
        return "" if self._is_settled else self.doubt

    @property
    def open_note(self) -> str:
        """The note on its times, as long as nobody confirmed or corrected the recording itself."""
        return "" if self._is_settled else self.note

    @property
    def _is_settled(self) -> bool:
        return self.found_at is not None and self.given_for == GIVEN_FOR[-1]

    def corrected(self, correction: ClockCorrection, given_for: str) -> Stretch:
        """The stretch with another offset, or with the same one confirmed."""
        offset = correction.offset_seconds
        return replace(
            self,
            offset_seconds=self.offset_seconds if offset is None else offset,
            uncertainty_seconds=correction.uncertainty_seconds,
            found_by=correction.found_by,
            how=correction.how,
            found_at=correction.found_at,
            given_for=given_for,
        )


# What an offset can be given for, the more specific later; it holds against those before it.
GIVEN_FOR = ("", "camera", "folder", "recording")


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Change of the times of a recording, from one second of it on, by a correction of its clock.

    The two times are of that second, in UTC. Where they are the same, the clock was confirmed, or
    the times were kept: ``kept`` says why.
    """

    recording_id: str
    file: str  # as catalogued
    camera_id: str
    from_seconds: float
    old_start: datetime
    new_start: datetime
    old_offset_seconds: float
    new_offset_seconds: float
    tracklets: int = 0  # whose times changed, or are confirmed
    kept: str = ""  # why they stay; empty unless they do
    note: str = ""  # why the new offset may be wrong; empty if nothing speaks against it


def corrected(
    stretches: Sequence[Stretch],
    correction: ClockCorrection,
    given_for: str,
    *,
    from_seconds: float = 0.0,
    alone: bool = False,
) -> tuple[Stretch, ...]:
    """Stretches of a recording with a correction from one second on; a new one begins there.

    *alone*: up to the end of the stretch that the second lies in. A stretch whose offset was given
    for something more specific stays as it is.
    """
    found: list[Stretch] = []
    for stretch, end in zip(
        stretches, [*(s.from_seconds for s in stretches[1:]), math.inf], strict=True
    ):
        specific = GIVEN_FOR.index(stretch.given_for) > GIVEN_FOR.index(given_for)
        beyond = alone and stretch.from_seconds > from_seconds
        if end <= from_seconds or beyond or specific:
            found.append(stretch)
            continue
        begins = stretch
        if stretch.from_seconds < from_seconds:
            found.append(stretch)
            begins = replace(stretch, from_seconds=from_seconds)
        found.append(begins.corrected(correction, given_for))
    return tuple(found)


def with_corrections_of(own: Sequence[Stretch], other: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Stretches of a recording with what is known of its clock in another gallery.

    As in one gallery, the more specific holds, and of one kind the newer: so times are the same
    whichever of the two is asked. Doubts and notes stay those of *own*.
    """
    edges = {stretch.from_seconds for stretch in own}
    for before, stretch in zip((None, *other), other, strict=False):
        if stretch.given_for or (before is not None and before.given_for):
            edges.add(stretch.from_seconds)
    found: list[Stretch] = []
    for seconds in sorted(edges):
        mine, theirs = stretch_at(own, seconds), stretch_at(other, seconds)
        holds = max(mine, theirs, key=_precedence)
        found.append(replace(holds, from_seconds=seconds, doubt=mine.doubt, note=mine.note))
    return tuple(found)


def contradicts(own: Sequence[Stretch], other: Sequence[Stretch]) -> bool:
    """Return True if two catalogues state different offsets and nobody has found the right one."""

    def stated(stretch: Stretch) -> bool:
        return stretch.given_for == GIVEN_FOR[-1] and stretch.found_at is None

    pairs = [
        (stretch_at(own, seconds), stretch_at(other, seconds))
        for seconds in {stretch.from_seconds for stretch in (*own, *other)}
    ]
    return any(
        stated(mine) and stated(theirs) and mine.offset_seconds != theirs.offset_seconds
        for mine, theirs in pairs
    )


def _precedence(stretch: Stretch) -> tuple[object, ...]:
    """Order of what is known of a clock: the more specific, the newer, and, at once, any order."""
    rank = GIVEN_FOR.index(stretch.given_for)
    if stretch.found_at is None:  # as a catalogue states it
        return rank, 0.0
    return rank, stretch.found_at.timestamp(), stretch.offset_seconds, stretch.found_by, stretch.how


@dataclass(frozen=True, slots=True)
class Unseen:
    """A stretch of a recording without a picture: damage, a pause, or before the first key."""

    start: float  # seconds of the recording
    end: float
    why: str


PLAIN = (Stretch(),)  # of a recording whose times nobody doubts or corrected


@dataclass(frozen=True, slots=True)
class TimeNote:
    """Note on a time: what the camera's clock said, the correction, and how certain that is."""

    recorded: datetime  # UTC: the time as the camera's clock, or the list, had it
    correction_seconds: float = 0.0  # that were added to it; negative where the clock was ahead
    uncertainty_seconds: float | None = None  # None: not stated
    doubt: str = ""  # why the time is not certain; empty if nothing speaks against it
    found_by: str = ""  # who confirmed or corrected it; empty: nobody
    how: str = ""
    note: str = ""  # by which rules an earlier version made it; empty if this one did

    @classmethod
    def of(
        cls, seen: datetime, stretches: Sequence[Stretch], first: float, last: float
    ) -> TimeNote:
        """Note on the time *seen* of something seen from second *first* to *last* of a recording.

        Its offset is that of the stretch in which it begins; it is in doubt if any of its seconds
        is.
        """
        if stretches == PLAIN:  # as most are, and a search makes many notes
            return cls(seen)
        own = stretch_at(stretches, first)
        within = [own, *(s for s in stretches if first < s.from_seconds <= last)]
        doubts = [stretch.open_doubt for stretch in within if stretch.open_doubt]
        if {s.offset_seconds for s in within} != {own.offset_seconds}:
            doubts.append("it goes on where another offset of the clock begins")
        return cls(
            recorded=seen + own.shift,
            correction_seconds=0.0 - own.offset_seconds,
            uncertainty_seconds=own.uncertainty_seconds,
            doubt="; ".join(doubts),
            found_by=own.found_by,
            how=own.how,
            note=own.open_note,
        )

    @property
    def is_certain(self) -> bool:
        """True if nothing speaks against the time."""
        return not self.doubt

    @property
    def known_to_seconds(self) -> float | None:
        """Seconds to which the time is known; None where it is in doubt, or no one has said."""
        return None if self.doubt else self.uncertainty_seconds

    @property
    def mark(self) -> str:
        """Mark beside the time, in a few words; empty if there is nothing to say of it."""
        if self.doubt:
            return "time uncertain"
        if self.correction_seconds:
            return "time corrected"
        if self.uncertainty_seconds:
            return f"time ± {length_words(self.uncertainty_seconds)}"
        return "time by earlier rules" if self.note else ""

    def remark(self, zone: tzinfo = UTC) -> str:
        """Say all that is in words behind the mark; empty if there is no mark.

        >>> TimeNote(datetime(2026, 3, 29, 1, 4, tzinfo=UTC), doubt="the clock was set").remark()
        'time uncertain: recorded as Sun 29 Mar 2026, 01:04:00 UTC; not certain: the clock was set'
        """
        return f"{self.mark}: {self.in_words(zone)}" if self.mark else ""

    @property
    def fields(self) -> dict[str, datetime | float | str | None]:
        """Values of the columns that tables and exports have for it (:data:`TIME_FIELDS`)."""
        values = (
            self.recorded, self.correction_seconds, self.uncertainty_seconds, self.doubt,
            self.found_by, self.how, self.note,
        )  # fmt: skip
        return dict(zip(TIME_FIELDS, values, strict=True))

    def in_words(self, zone: tzinfo = UTC) -> str:
        """Say what was recorded, how it was corrected, and how certain that is, for people.

        >>> TimeNote(datetime(2026, 3, 29, 1, 4, tzinfo=UTC), -240.0, 2.0).in_words()
        'recorded as Sun 29 Mar 2026, 01:04:00 UTC; the clock was 4 min ahead (± 2 s)'
        """
        about = [f"recorded as {local_time(self.recorded, zone)}"]
        known_to = self.uncertainty_seconds
        within = "" if known_to is None else f" (± {length_words(known_to)})"
        if self.correction_seconds:
            way = "ahead" if self.correction_seconds < 0 else "behind"
            about.append(
                f"the clock was {length_words(abs(self.correction_seconds))} {way}{within}"
            )
        elif self.found_by:
            about.append(f"the clock was right{within}")
        if self.found_by:
            about.append(f"found by {self.found_by}: {self.how}")
        elif self.how:
            about.append(self.how)
        if self.doubt:
            about.append(f"not certain: {self.doubt}")
        if self.note:
            about.append(self.note)
        return "; ".join(about)


def length_words(seconds: float) -> str:
    """A length of time in its two largest units, as people say it: ``1 h 12 min``, ``3 d``.

    Below a minute it has three digits, such as ``1.25 s``: round what need not be as exact.
    """
    if float(f"{seconds:.3g}") < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    for size, name, smaller, below in (
        (86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"),
    ):  # fmt: skip
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def stretches_of(
    doubts: Iterable[tuple[float, str]],
    *,
    offset_seconds: float = 0.0,
    given_for: str = "recording",
) -> tuple[Stretch, ...]:
    """Stretches of a recording from its doubts, each a second and why times from there are unsure.

    The first stretch begins at second 0; all have the offset that is known of the whole:
    stated by the catalogue, unless it was given for a folder or a camera.
    """
    found: dict[float, list[str]] = {0.0: []}
    for seconds, why in doubts:
        found.setdefault(max(0.0, seconds), []).append(why)
    return tuple(
        Stretch(
            seconds,
            "; ".join(found[seconds]),
            offset_seconds,
            how=FROM_CATALOGUE if offset_seconds and given_for == "recording" else "",
            given_for=given_for if offset_seconds else "",
        )
        for seconds in sorted(found)
    )


def stretch_at(stretches: Sequence[Stretch], seconds: float) -> Stretch:
    """The stretch of a recording that a second of it lies in; *stretches* are in order."""
    before = [stretch for stretch in stretches if stretch.from_seconds <= seconds]
    return before[-1] if before else stretches[0]


def seen_parts(
    seconds: float, stretches: Sequence[Stretch], unseen: Iterable[Unseen]
) -> Iterator[tuple[float, float, Stretch]]:
    """Parts of a recording of that many seconds, in order, with the stretch that each lies in.

    What could not be seen is left out.
    """
    gaps = sorted((max(0.0, u.start), min(seconds, u.end)) for u in unseen if u.end > u.start)
    seen: list[tuple[float, float]] = []
    begin = 0.0
    for start, end in gaps:
        if start > begin:
            seen.append((begin, start))
        begin = max(begin, end)
    if begin < seconds or not (gaps or seen):
        seen.append((begin, seconds))
    ends = [*(stretch.from_seconds for stretch in stretches[1:]), math.inf]
    for first, last in seen:
        for stretch, stop in zip(stretches, ends, strict=True):
            a, b = max(first, stretch.from_seconds), min(last, stop)
            if a < b or (a == b and first == last):
                yield a, b, stretch


def seen_spans(
    stated_at: datetime, seconds: float, stretches: Sequence[Stretch], unseen: Iterable[Unseen]
) -> list[Span]:
    """Spans in UTC of :func:`seen_parts`; where the clock was set, they may overlap."""
    spans: list[Span] = []
    for a, b, stretch in seen_parts(seconds, stretches, unseen):
        zero = stated_at - stretch.shift
        span = zero + timedelta(seconds=a), zero + timedelta(seconds=b)
        if spans and spans[-1][1] == span[0]:
            span = spans.pop()[0], span[1]
        spans.append(span)
    return spans


__all__ = [
    "GIVEN_FOR",
    "MOST_OFFSET_SECONDS",
    "PERHAPS_TWICE",
    "PLAIN",
    "TIME_FIELDS",
    "ClockChange",
    "ClockCorrection",
    "Stretch",
    "TimeNote",
    "Unseen",
    "contradicts",
    "corrected",
    "length_words",
    "seen_parts",
    "seen_spans",
    "stretch_at",
    "stretches_of",
    "with_corrections_of",
]
