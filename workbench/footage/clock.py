"""The clock of a recording: at which second of it each picture was taken.

A recording has one time axis, in seconds. These rules make it, and no other place does:

Zero
    is the time of the stream's first packet that is to be shown, whether or not its picture can be
    decoded: an export that was cut between key pictures begins when it was cut. Where other streams
    of the file share its clock, it is the earliest of theirs: in a container that states the time
    of each picture, of all picture streams; everywhere, of sound and pictures that begin half a
    second to a minute before. That they share it is not known of programmes in one MPEG-TS.
    Where the first picture that can be decoded lies before it, or by more than the longest pause
    after it, zero is the time of that picture, and in doubt if it is off by over one step.
Ahead
    in a container that states the time of each picture (MP4, Matroska) a step ahead of up to a year
    is a pause. In a stream whose clock only runs along (MPEG-TS, MPEG-PS) a step of less than
    ``LONGEST_PAUSE_SECONDS`` is taken for a pause; a longer one for a clock that was set.
Back
    a few pictures that come late, as beside damage, are put between their neighbours. Where the
    pictures go on at the earlier time, step by step, as in joined exports or after the recorder's
    clock was set back, a new stretch begins: its first picture follows the one before it by one
    ordinary step.
    Exports are often cut at the key picture before; where the new stretch begins with all that the
    old one ended with, bit for bit, it begins at that second instead, and what was read already is
    left out.
Another
    where another film was joined to the first, or another picture stream takes the place of the
    one that is read, a new stretch begins too: its zero, found as that of the first, follows the
    last picture by one ordinary step and by the length of what could not be looked at in between.
Not there
    pictures are counted, at the rate that the catalogue or the stream states.

What rests on a guess is listed in :attr:`Clock.doubts`, from which second on and why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from workbench.domain import length_words

# A longer step ahead in a stream whose clock only runs along was a clock that was set.
LONGEST_PAUSE_SECONDS = 3600.0
# Where the time of each picture is stated, only damage tells of a longer one.
LONGEST_STATED_PAUSE_SECONDS = 366 * 86400.0
# No recording is longer than a century.
MOST_SECONDS = 100 * 365.25 * 86400
# A shorter pause needs no word: a recorder that waits for movement makes many.
PAUSE_WITHOUT_A_WORD_SECONDS = 10.0
# So many pictures may come late in a row; so much later than the next good one they lie at most.
LATE_PICTURES = 8
LATE_SECONDS = 1.0
# So many ordinary steps ahead are more than one, and so many back are no slip.
LATE_STEPS = 1.5
# Of an ordinary step; a longer one was a pause, a shorter one a picture out of its order.
SHORTEST_STEP_SECONDS, LONGEST_STEP_SECONDS = 0.001, 1.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Second of a recording from which on times are not certain, and the reason."""

    from_seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """A picture as it comes out of a stream.

    ``same_as`` is the stream's time of an earlier picture that this one repeats, where a stretch
    begins with what the one before ended with.
    """

    time: float | None  # by the stream's own clock, seconds
    item: T
    same_as: float | None = None


class Clock(Generic[T]):
    """Time axis of a recording, on which pictures are placed; see the module for the rules.

    Parameters
    ----------
    zero : float or None
        The stream's time of its first packet; None: of the first picture.
    step : float
        Ordinary seconds from picture to picture, as far as the stream states it.
    explicit : bool
        Whether the container states the time of each picture.
    counted : bool
        Count pictures, ``step`` apart, whatever times they carry.
    """

    def __init__(
        self, *, zero: float | None, step: float, explicit: bool, counted: bool = False
    ) -> None:
        self.doubts: list[Doubt] = []
        self.counted = counted
        self._remarks: list[tuple[str, float]] = []  # what, at which second
        self._zero, self._explicit = zero, explicit
        self._overlap_ends: float | None = None
        self._last: float | None = None  # second of the picture before
        self._begins: float | None = 0.0  # of the next picture if it is the first of a film
        self._joined = ""  # why that is not certain
        self._before = 0.0  # the step before, of whatever length
        self._step = step if counted else min(step, LONGEST_STEP_SECONDS)

    @property
    def step(self) -> float:
        """Ordinary seconds from picture to picture, as last seen."""
        return self._step

    def stream_time(self, seconds: float) -> float | None:
        """The stream's own time at a second of the recording; None where it tells no place."""
        if self.counted or self._zero is None or not self._explicit:
            return None
        return self._zero + seconds

    def join(self, *, zero: float | None, step: float, why: str, lost: float = 0.0) -> float:
        """Begin a new stretch with the next picture, since it is of another film or stream.

        Parameters
        ----------
        zero : float or None
            Time of its first packet, by its own clock; None: of the first picture.
        step : float
            Ordinary seconds from picture to picture, as far as it states them.
        why : str
            What was joined.
        lost : float
            Seconds between the two that could not be looked at.

        Returns
        -------
        float
            Second at which it begins.
        """
        begins = lost if self._last is None else self._last + self._step + lost
        self._zero = None if zero is None else zero - begins
        self._begins, self._joined, self._overlap_ends = begins, why, None
        if not self.counted:
            self._step = min(step, LONGEST_STEP_SECONDS)
        return begins

    def take_remarks(self) -> list[tuple[str, float]]:
        """Return and clear the remarks since the last call, each with its second."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def doubt(self, seconds: float, why: str) -> None:
        """Note that times from this second on are not certain."""
        self.doubts.append(Doubt(seconds, why))
        self._remarks.append((f"{why}. Times from here on are not certain", seconds))

    def place(self, pictures: Iterable[Timed[T]]) -> Iterator[tuple[float, T]]:
        """Yield pictures in the order in which they are shown, each with its second."""
        source = iter(pictures)
        ahead: deque[Timed[T]] = deque()
        stated = False  # the time of the picture before, by the stream
        while True:
            this = ahead.popleft() if ahead else next(source, None)
            if this is None:
                return
            last = self._last
            seconds = self._seconds(this, last, ahead, source)
            if self._overlap_ends is not None and last is not None and seconds <= last:
                continue  # the same pictures as before, in a stretch that overlaps
            between_stated, stated = stated and this.time is not None, this.time is not None
            if last is not None and between_stated and not self.counted:
                step = seconds - last
                if SHORTEST_STEP_SECONDS <= step <= LONGEST_STEP_SECONDS:
                    self._step = step
                self._before = step
            self._last = seconds
            yield seconds, this.item

    def _first(self, this: Timed[T], begins: float) -> float:
        """Second of the first picture of a film that begins at a second."""
        if self._joined:
            self.doubt(begins, self._joined)
        if self.counted or this.time is None:
            return begins
        if self._zero is None:
            self._zero = this.time - begins
        seconds = this.time - self._zero
        if 0 <= seconds - begins < self._longest_pause:
            return seconds
        self._zero = this.time - begins
        if abs(seconds - begins) > LATE_STEPS * self._step:
            way = "before" if seconds < begins else "after"
            self.doubt(
                begins,
                f"its first picture lies {length_words(abs(seconds - begins))} {way} the first "
                "packet by its clock; how much is missing is not known",
            )
        return begins

    def _seconds(
        self,
        this: Timed[T],
        last: float | None,
        ahead: deque[Timed[T]],
        source: Iterator[Timed[T]],
    ) -> float:
        if self._begins is not None:
            begins, self._begins = self._begins, None
            return self._first(this, begins)
        assert last is not None
        if self.counted or this.time is None:
            return last + self._step
        if self._zero is None:
            self._zero = this.time - last - self._step
        seconds = this.time - self._zero
        if self._overlap_ends is not None:
            if seconds <= self._overlap_ends:
                return seconds
            self._overlap_ends = None
        if 0 < seconds - last < self._longest_pause:
            # A step like the one before, as in time-lapse, is no news.
            news = max(PAUSE_WITHOUT_A_WORD_SECONDS, 1.5 * self._before)
            if not self._explicit and seconds - last > news:
                self.doubt(seconds, f"its clock runs ahead by {seconds - last:.0f} s: a pause")
            return seconds
        while len(ahead) < LATE_PICTURES and (following := next(source, None)) is not None:
            ahead.append(following)
        until = self._late_until(this, seconds, last, ahead)
        if until is None:
            return self._new_stretch(this, seconds, last)
        number, to_next = until
        self._remarks.append(("pictures come out of order", last))
        return last + to_next / (number + 1)

    def _late_until(
        self, this: Timed[T], seconds: float, last: float, ahead: Iterable[Timed[T]]
    ) -> tuple[int, float] | None:
        """Number of late pictures and seconds to the next good one; None if the clock was set."""
        assert self._zero is not None
        if this.same_as is not None:
            return None
        steady = last - seconds > LATE_STEPS * self._step
        before = seconds
        for number, following in enumerate(ahead, start=1):
            if following.time is None:
                continue
            now = following.time - self._zero
            # A clock that was set back passes the old time by an ordinary step, a late picture is
            # followed by a longer one.
            steady = steady and 0 < now - before <= LATE_STEPS * self._step
            before = now
            if SHORTEST_STEP_SECONDS <= now - last < LATE_SECONDS:
                return None if steady else (number, now - last)
        return None

    @property
    def _longest_pause(self) -> float:
        return LONGEST_STATED_PAUSE_SECONDS if self._explicit else LONGEST_PAUSE_SECONDS

    def _new_stretch(self, this: Timed[T], seconds: float, last: float) -> float:
        """Go on one ordinary step after the last picture, or where the same was before."""
        assert this.time is not None
        assert self._zero is not None
        way = "back" if seconds < last else "ahead"
        step = length_words(abs(seconds - last))
        words = f"its clock goes {way} by {step}: recordings were joined"
        if this.same_as is not None and this.same_as - self._zero <= last:
            same = this.same_as - self._zero
            self._zero, self._overlap_ends = this.time - same, last
            words += f", and {length_words(last + self._step - same)} are in both"
            self.doubt(last + self._step, words)
            return same
        begins = last + self._step
        self._zero = this.time - begins
        words += ", or the clock was set; how long the break was is not known"
        self.doubt(begins, words)
        return begins
