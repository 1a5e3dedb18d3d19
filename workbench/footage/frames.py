"""Decode a recording: upright frames with square pixels, each at its second of the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.domain import Problem, Unseen
from workbench.errors import RecordingError
from workbench.footage.clock import MOST_SECONDS, PAUSE_WITHOUT_A_WORD_SECONDS, Clock, Doubt
from workbench.footage.files import alike_but_for_case, files_of, is_sequence, stamp_of
from workbench.footage.film import AT_END, NOMINAL_RATE, Film
from workbench.footage.geometry import Orientation
from workbench.footage.joined import MOST_PARTS, Part, parts_of
from workbench.footage.order import Ordered, in_order
from workbench.footage.sequence import PictureSequence
from workbench.footage.videoframe import VideoFrame

# A picture larger than this is refused before it is decoded: twice 8K.
MOST_PIXELS = 2 * 7680 * 4320
# A step of more ordinary steps than this, beside damage, is a stretch that could not be seen.
UNSEEN_STEPS = 2.5
# Longer than so many seconds and so many times the step before it is a pause; in a stream, whose
# lost packets show by nothing else, what could not be seen.
PAUSE, LOSS = (PAUSE_WITHOUT_A_WORD_SECONDS, 10), (1.0, 5)
# Damage is told so long before the stretch at most: a decoder holds pictures back.
DAMAGE_SECONDS = 1.0
# Pictures that end so much before the length that the header claims were cut off.
LEAST_CUT_SECONDS, LEAST_CUT_SHARE = 2.0, 0.01
# After lost pictures a key picture is waited for so long: some streams have none.
LONGEST_WITHOUT_KEY_SECONDS = 30.0


class RecordingReader:
    """A recording open for reading, from beginning to end.

    >>> with RecordingReader(Path("clip.mp4")) as reader:  # doctest: +SKIP
    ...     for frame in reader.frames():
    ...         frame.seconds, frame.image()

    A file that holds several films, joined byte by byte, is read to its end.
    ``picture_streams`` is the number of those in the first of them; only one is read.
    Damage inside the file costs the frames it hit and is listed in ``problems``; the rest is read.
    ``unseen`` lists the stretches without a picture: those of which nothing could be decoded, and
    pauses. ``doubts`` lists the seconds from which on the times are not certain, with the reasons.
    Both are among the problems too, but for pauses.

    Parameters
    ----------
    path : Path
        A film, or a pattern such as ``night/*.jpg`` for a sequence of pictures.
    name : str
        For messages; by default the file's name.
    frame_rate : float, optional
        Pictures per second: of a sequence, of a film without times, or of a film whose times
        are not those of the recording (time-lapse).
    sufficient_rate : float, optional
        Where a film has at least twice as many frames a second, those that no other frame is made
        from, often every second one, are not decoded.
    stream : int
        Which of the picture streams of a film, from 1.
    rotation : int
        Degrees clockwise, a multiple of 90, by which the picture is turned to stand upright, after
        what the file itself asks for.
    pixel_aspect : Fraction, optional
        Width of a pixel by its height, in place of what the file says.

    Raises
    ------
    RecordingError
        On opening, if the file does not exist or holds no picture that can be decoded.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        frame_rate: float | None = None,
        sufficient_rate: float | None = None,
        stream: int = 1,
        rotation: int = 0,
        pixel_aspect: Fraction | None = None,
    ) -> None:
        self.path, self.name = path, name or path.name
        self.frames_decoded = 0
        self.problems: list[Problem] = []
        self.unseen: list[Unseen] = []
        self._seconds = 0.0  # up to the end of the last frame
        self._step = 1 / (frame_rate or NOMINAL_RATE)  # before the last frame, which follows a gap
        self._apart = 0.0  # seconds between the last two frames
        self._joined = ""  # why times of the part that is read are not certain
        self._damaged_at: float | None = None  # second at which damage was told last
        self._lost = False  # pictures, in a film whose times are by their number
        self._number, self._sufficient_rate = stream, sufficient_rate
        self._parts: deque[Part] | None = None  # of the file that are still to be read
        self._begins = 0.0  # second at which the part that is read begins
        self._unlooked = 0.0  # seconds since the last picture that could not be looked at
        self._stopped = ""  # why reading of an earlier part ended, where something was amiss
        self._orientation, self._aspect = Orientation.turned(rotation), pixel_aspect
        stamp = stamp_of(path)
        if stamp is None:
            raise self._error("the file does not exist", "Check the name in footage.csv")
        if stamp.size_bytes == 0:
            raise self._error("is empty", "Obtain it again")
        self.stamp = stamp
        self._source: Film | PictureSequence
        pictures = Ordered(())
        if is_sequence(path):
            pictures = in_order(files_of(path))
            self._source = PictureSequence(pictures.files, damaged=self._damage)
            self._check_size(self._source)
            if others := alike_but_for_case(path):
                told = "1 more picture differs" if others == 1 else f"{others} more pictures differ"
                self._note(f"{told} from its pattern in capital letters", 0)
        else:
            self._source = self._film()
            if len(self._source.streams) > 1:
                self._find_parts()
        self.picture_streams = len(self._source.streams)
        self.width, self.height = self._source.size
        self._clock: Clock[Any] = self._made_clock(frame_rate)
        for place, why in pictures.doubts_at(self._clock.step):
            self._clock.doubt(place * self._clock.step, why)
        self._step = self._clock.step
        self._leave_out_unneeded()

    def _film(self, part: Part | None = None) -> Film:
        film = Film(self.path, name=self.name, number=self._number, damaged=self._damage, part=part)
        self._check_size(film)
        return film

    def _leave_out_unneeded(self) -> None:
        """Leave out pictures that are not needed, if there are enough; counted ones all are."""
        enough = self._sufficient_rate and self._clock.step * 2 * self._sufficient_rate <= 1
        if enough and not self._clock.counted:
            self._source.leave_out_unneeded()

    def _check_size(self, source: Film | PictureSequence) -> None:
        width, height = source.size
        if width * height > MOST_PIXELS:
            source.close()
            fix = "Obtain it again, or convert it with ffmpeg"
            raise self._error(f"claims pictures of {width} by {height}", fix)

    def _find_parts(self) -> None:
        """Find the films that follow each other in the file, and open the first."""
        film = self._source
        if self._parts is not None or not isinstance(film, Film):
            return
        self._parts = deque(parts_of(self.path, film.container))
        if len(self._parts) == 1:
            film.part = self._parts.popleft()
            return
        self.problems.clear()  # of the file as a whole; those of its parts come again
        if len(self._parts) == MOST_PARTS:
            self._note(f"of many films in it, the first {MOST_PARTS} are looked at", 0.0)
        if not self._open_next():
            raise self._error("no part of it can be read", "Convert it with ffmpeg")

    def _open_next(self) -> bool:
        """Open the next part of the file that can be, and tell which cannot."""
        while self._parts:
            part = self._parts.popleft()
            try:
                film = self._film(part)
            except RecordingError as error:
                self._cannot_look(
                    part.seconds, f"the part from byte {part.begin:,} on {error.what}"
                )
            else:
                self._source.close()
                self._source = film
                return True
        return False

    def _cannot_look(self, length: float, why: str) -> None:
        """Note what could not be looked at before the next part; 0 s long if that is not known."""
        begins = self._seconds + self._unlooked
        self._unlooked += length or self._step
        self._unseen(Unseen(begins, self._seconds + self._unlooked, why), known=length > 0)

    def _join(self) -> None:
        """Let a stretch begin with the part that was opened, unless it is all that there is."""
        film = self._source
        if not isinstance(film, Film) or (part := film.part) is None:
            return
        what = "picture stream" if part.streams else "film"
        if part.begin:
            self._joined = (
                f"recordings were joined: another {what} begins at byte {part.begin:,}; how long "
                "the break was is not known"
            )
        step = 1 / (film.rate or NOMINAL_RATE)
        self._begins = self._clock.join(
            zero=film.zero, step=step, why=self._joined, lost=self._unlooked
        )
        self._damaged_at = None
        self._leave_out_unneeded()
        if part.begin and len(film.streams) > self.picture_streams:
            self._note(
                f"{len(film.streams)} picture streams run from byte {part.begin:,} on, and one of "
                "them is looked at; divide the file there",
                self._begins,
            )

    def _made_clock(self, frame_rate: float | None) -> Clock[Any]:
        source = self._source
        counted = frame_rate is not None or not source.has_times
        rate = frame_rate or source.rate
        clock: Clock[Any] = Clock(
            zero=source.zero,
            step=1 / (rate or NOMINAL_RATE),
            explicit=source.explicit,
            counted=counted,
        )
        if counted and rate is None:
            clock.doubt(
                0.0,
                f"it has no times and states no rate; {NOMINAL_RATE:g} frames per second is a "
                "guess. Put the right number into the column frame_rate of footage.csv, and index "
                "it into a new gallery",
            )
        if isinstance(source, Film) and source.zero_doubt:
            clock.doubt(0.0, source.zero_doubt)
        return clock

    def __enter__(self) -> RecordingReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()

    @property
    def aspect_is_stated(self) -> bool:
        """True if the catalogue, or the file itself, says that pixels have a certain shape."""
        return self._aspect is not None or self._source.pixel_aspect not in (None, 1)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Seconds from which on the times are not certain, with the reasons, as far as was read."""
        return tuple(self._clock.doubts)

    @property
    def stopped(self) -> str:
        """Why reading ended, or in joined films that of the first which is not read to its end."""
        return self._stopped or self._source.stopped

    @property
    def duration_seconds(self) -> float | None:
        """Length the file claims, for estimates only; None where it claims none."""
        return self._source.duration_seconds

    @property
    def seconds(self) -> float:
        """Second of the recording at which the last frame that was read ends."""
        return self._seconds

    def frames(self, *, start: float = 0.0) -> Iterator[VideoFrame]:
        """Frames in the order they are shown, each at its second of the recording.

        With *start* seconds, reading begins at the key frame before it where the format allows.
        Frames are numbered from where reading began.

        Raises
        ------
        RecordingError
            If not one frame can be decoded, the file changes while it is read, or its times are
            those of no clock.
        """
        self._find_parts()
        self._join()
        # A little sooner: key frames are found by when they are decoded, not shown.
        place = self._clock.stream_time(max(0.0, start - 1.0)) if start > 0 else None
        yield from self._frames_of_part(place is not None and self._source.go_to(place))
        while self._open_next():
            self._join()
            yield from self._frames_of_part(sought=False)
        if self.frames_decoded == 0:
            what = self.problems[0].what if self.problems else "it holds none"
            raise self._error(
                f"no picture can be decoded ({what})",
                "Obtain it again, or convert it with ffmpeg",
            )
        self.check_unchanged()

    def _frames_of_part(self, sought: bool) -> Iterator[VideoFrame]:
        last: float | None = None
        left_out = False
        for seconds, frame in self._clock.place(self._source.frames()):
            self._take_remarks()
            if frame is None:  # a picture of a sequence that cannot be read
                continue
            if seconds > MOST_SECONDS:
                raise self._error(
                    f"claims to last {seconds / 86400 / 365.25:.0f} years",
                    "Put the right number into the column frame_rate of footage.csv",
                )
            shown = VideoFrame(
                frame,
                self.frames_decoded,
                seconds,
                orientation=self._orientation,
                aspect=self._aspect or self._source.pixel_aspect,
            )
            if shown.width * shown.height > MOST_PIXELS:
                self._note(f"a picture of {shown.width} by {shown.height}", seconds)
                continue
            if last is not None and self._lies_in_damage(last, seconds, frame):
                self._seconds = seconds + self._clock.step
                left_out = True
                continue
            left_out = False
            if not sought or last is not None:
                self._look_for_unseen(last, seconds)
            if self._damaged_at is not None and self._is_numbered and not self._lost:
                self._lost = True
                self._clock.doubt(
                    max(self._seconds, self._begins),
                    "pictures are lost in the damage, and times are by their number",
                )
                self._take_remarks()
            length = self._clock.step
            if last is not None:
                self._apart = seconds - last
                if not self._clock.counted:
                    length = min(self._apart, 1.0)  # shown for as long as the one before
            last, self._step = seconds, self._clock.step
            self._seconds, self._unlooked = seconds + length, 0.0
            if self.frames_decoded == 0:
                self.width, self.height = shown.width, shown.height
            self.frames_decoded += 1
            yield shown
        if last is not None and left_out:
            self._look_for_unseen(last, self._seconds)
        if isinstance(self._source, Film):
            self._tell_what_was_not_read(self._source, shown=last is not None)
        self._take_remarks()

    def _tell_what_was_not_read(self, film: Film, *, shown: bool) -> None:
        """Tell what of a film, or of a part of one, was not looked at."""
        if film.stopped != AT_END and not self._stopped:
            self._stopped = film.stopped
        # Some count from the beginning of the clock, not of the film.
        claimed = film.duration_seconds if film.states_duration else None
        length = min(claimed, claimed - (film.zero or 0.0)) if claimed is not None else 0.0
        missing = length - (self._seconds - self._begins)
        doubts = sum(doubt.from_seconds >= self._begins for doubt in self._clock.doubts)
        trusted = not self._clock.counted and doubts == bool(self._joined)
        part = film.part
        if part is not None and not shown and (part.begin or self._parts):
            why = f"no picture of the part from byte {part.begin:,} on can be decoded"
            self._cannot_look(max(length, part.seconds), why)
        elif claimed and trusted and missing > max(LEAST_CUT_SECONDS, LEAST_CUT_SHARE * length):
            why = (
                f"its header claims {claimed:.0f} s, and its pictures end after "
                f"{self._seconds - self._begins:.0f} s: it was cut off, or only its sound goes on"
            )
            self._cannot_look(missing, why)
        elif film.undecoded > UNSEEN_STEPS:
            self._cannot_look(film.undecoded * self._step, "its last pictures cannot be decoded")
        for what in film.left_out():
            self._note(what, self._begins)

    def check_unchanged(self) -> None:
        """Raise RecordingError if the file is not the one that was opened any more."""
        if stamp_of(self.path) != self.stamp:
            raise self._error(
                "changed, or was moved or deleted, while being read",
                "Index it again when it is finished",
            )

    def _look_for_unseen(self, last: float | None, seconds: float) -> None:
        """Note a stretch before this frame of which nothing could be decoded."""
        step = self._step
        if last is None:
            if seconds - self._begins > 1.5 * step:
                why = "they come before the first picture that can be decoded"
                self._unseen(Unseen(self._begins, seconds, why))
        elif self._is_damage_between(last, seconds):
            self._unseen(Unseen(last + step, seconds, "the file is damaged there"))
        elif self._is_pause(last, seconds):
            begins = last + self._apart
            if self._source.explicit:
                # Coverage says so: it is no problem of the file, and there may be a thousand.
                self.unseen.append(Unseen(begins, seconds, "nothing was recorded"))
            else:
                why = "pictures were lost, or nothing was recorded"
                self._unseen(Unseen(begins, seconds, why))

    def _is_pause(self, last: float, seconds: float) -> bool:
        """Return True if a recorder that waits for movement recorded nothing before this frame.

        A film of one picture a minute has no pauses: its pictures are all as far apart. A stream
        that is broadcast or cut shows lost packets by nothing but such a step.
        """
        apart = seconds - last
        seconds_at_least, steps = PAUSE if self._source.explicit else LOSS
        is_long = apart > seconds_at_least and 0 < self._apart * steps < apart
        return is_long and not self._clock.counted

    @property
    def _is_numbered(self) -> bool:
        """True if a picture that is lost makes those after it come early."""
        source = self._source
        return isinstance(source, Film) and (self._clock.counted or source.is_numbered)

    def _is_damage_between(self, last: float, seconds: float) -> bool:
        told = self._damaged_at is not None and last - self._damaged_at < DAMAGE_SECONDS
        return told and seconds - last > UNSEEN_STEPS * self._step

    def _lies_in_damage(self, last: float, seconds: float, frame: Any) -> bool:
        """Return True for a frame made from what was lost: it shows people of an earlier time."""
        if frame.key_frame or seconds - last > LONGEST_WITHOUT_KEY_SECONDS:
            return False
        lost = not self._source.explicit and self._is_pause(last, seconds)
        return lost or self._is_damage_between(last, seconds)

    def _unseen(self, unseen: Unseen, *, known: bool = True) -> None:
        self.unseen.append(unseen)
        length = f"{unseen.end - unseen.start:.1f} s" if known else "a stretch of unknown length"
        what = f"{length} could not be seen: {unseen.why}"
        self.problems.append(Problem(self.name, what, unseen.start))

    def _take_remarks(self) -> None:
        for what, seconds in self._clock.take_remarks():
            self._note(what, seconds)

    def _damage(self, what: str) -> None:
        self._damaged_at = self._seconds
        self._note(what, self._seconds)

    def _note(self, what: str, at_seconds: float) -> None:
        """Add a problem, one a second of footage: damage comes in bursts."""
        last = self.problems[-1] if self.problems else None
        if last is None or last.what != what or at_seconds - (last.at_seconds or 0.0) >= 1.0:
            self.problems.append(Problem(self.name, what, at_seconds))

    def _error(self, what: str, fix: str) -> RecordingError:
        return RecordingError(what, where=self.name, fix=fix)
