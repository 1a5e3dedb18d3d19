"""A film: one of its picture streams, decoded, with the time that the container gives each."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import av

from workbench.errors import RecordingError
from workbench.footage.clock import MOST_SECONDS, Timed
from workbench.footage.containers import (
    DECODING_TIMES,
    EXPLICIT,
    NUMBERED,
    PS,
    RAW,
    SEEKABLE,
    SHAPELESS,
    TS,
    opened,
    reason,
)
from workbench.footage.joined import Part, PartFile

# Frames a second where neither the file nor the catalogue tells.
NOMINAL_RATE = 25.0
# Codecs in which each packet is a picture of its own.
ALONE = ("mjpeg",)
# Pictures a second that a stream without times may claim.
LOWEST_RATE, HIGHEST_RATE = 0.1, 240.0
# Sound that begins so much before the pictures, at least and at most, tells when a recording began.
LEAD_SECONDS = 0.5, 60.0
# So many errors in a row without a frame between them: the rest cannot be read.
MOST_ERRORS_IN_A_ROW = 500
# Packets among which a joined export that overlaps is looked for: some minutes.
RECENT_PACKETS = 4096
# Zeros in a row that no encoder writes.
LONGEST_ZEROS = bytes(256)
# Why reading ends where nothing is amiss.
AT_END = "end of the file"
# Packets among which the first that is shown is found.
FIRST_PACKETS = 16

Tell = Callable[[str], None]


class Film:
    """An open film, reading one of its picture streams.

    Parameters
    ----------
    path : Path
    name : str
        For messages.
    number : int
        Of the picture stream, from 1.
    damaged : callable
        Told what went wrong whenever something in the file costs pictures.
    part : Part, optional
        Of the file, that is a film of its own.
    """

    def __init__(
        self, path: Path, *, name: str, number: int, damaged: Tell, part: Part | None = None
    ) -> None:
        self.name, self._damaged, self.part = name, damaged, part
        self.stopped = AT_END  # why reading ended
        self._file = None if part is None else PartFile(path, part)
        kind = "" if part is None else part.container
        try:
            self._container = opened(path, name, part=self._file, container=kind)
        except RecordingError:
            if self._file is not None:
                self._file.close()
            raise
        self.hidden = 0  # packets that the film itself leaves out
        self.appeared = False  # a stream in mid-film, which the header does not name
        self.undecoded = 0  # packets in a row, up to where reading stands, that cannot be decoded
        try:
            # Now: the kind of a stream may change when another recording was joined.
            self._known = {self._number(stream) for stream in self._container.streams.video}
            self._stream, self.streams = self._chosen(number)
        except RecordingError:
            self.close()
            raise
        # That of the container, or where it states none, of the stream as it begins.
        aspect = self._stream.sample_aspect_ratio
        differs = aspect and aspect != self._stream.codec_context.sample_aspect_ratio
        self._aspect_of_container = aspect if differs else None
        # Frame threads cost memory for each thread and gain nothing for one worker a core.
        self._stream.thread_type = "SLICE"
        self._packets: Iterator[Any] = self._container.demux(self._stream)
        self._ahead: deque[Any] = (
            deque()
        )  # packets that were looked at, and are still to be decoded
        # Digest and time of packets read last; which packet repeats an earlier one, by its time.
        self._recent: deque[tuple[bytes, int | None]] = deque(maxlen=RECENT_PACKETS)
        self._repeats: dict[int | None, float] = {}
        self._last_decoding_time: int | None = None
        self._first = self._first_packets()
        self._before_key: int | None = None  # packets before the first that can be decoded
        self._delay: int | None = None  # from decoding to showing, where only that time is given

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        if self._file is not None:
            self._file.close()

    @property
    def container(self) -> str:
        """FFmpeg's name of the container."""
        return str(self._container.format.name)

    @property
    def explicit(self) -> bool:
        """True if the container states the time of each picture."""
        return self.container in EXPLICIT

    @cached_property
    def has_times(self) -> bool:
        """True if pictures carry times at all; streams without a container do not.

        FFmpeg makes times up for some of those, at 25 a second.
        """
        name = self.container
        return (
            name not in RAW
            and any(packet.pts is not None or packet.dts is not None for packet in self._first)
            and not (name in NUMBERED and self._is_too_quick)
        )

    @property
    def _is_too_quick(self) -> bool:
        """True if the header states a rate at which no camera takes pictures."""
        times = [packet.dts for packet in self._first if packet.dts is not None]
        length = (times[-1] - times[0]) * self._stream.time_base if times else 0
        return len(times) > 1 and length * HIGHEST_RATE < len(times) - 1

    @property
    def is_numbered(self) -> bool:
        """True if a picture that is lost makes those after it come early."""
        return not self.has_times or self.container in NUMBERED

    @property
    def zero(self) -> float | None:
        """Time of the first packet of the stream that is shown, seconds; None where none is given.

        Where several streams, of pictures or of sound, share one clock, that of the earliest.
        """
        if self.container in NUMBERED:
            return 0.0
        zero = self._own_zero
        if zero is None:
            return None
        if self.explicit:
            zero = min([zero, *_starts(self.streams)])
        others = [*self.streams, *self._container.streams.audio]
        shortest, longest = LEAD_SECONDS
        return min([zero, *(s for s in _starts(others) if shortest <= zero - s <= longest)])

    @property
    def zero_doubt(self) -> str:
        """Reason why zero may not be the beginning of the recording; empty if it is."""
        before = self.part.streams if self.part is not None else {}
        if before.get(self._number(self._stream), 0) > (self.rate or NOMINAL_RATE):
            return (
                "its pictures begin after those of another picture stream of the file, and not at "
                "the beginning of the file"
            )
        if self.container == TS and len(self.streams) > 1 and self.zero != self._own_zero:
            return (
                "another stream of the file begins before its pictures; that the two share a "
                "clock is not known"
            )
        return ""

    @property
    def _own_zero(self) -> float | None:
        base = self._stream.time_base
        if self._by_decoding_time:
            times = [packet.dts for packet in self._first[:1] if packet.dts is not None]
        else:
            times = []
            for packet in self._first:
                if packet.pts is None or packet.is_discard:
                    continue
                # Further on the clock may have been set back already.
                if times and abs(packet.pts - times[0]) * base > 1:
                    break
                times.append(packet.pts)
        return min((float(time * base) for time in times), default=None)

    @property
    def rate(self) -> float | None:
        """Pictures a second as the stream states them; None where it does not."""
        context = self._stream.codec_context
        if not self.has_times:
            # A reader of raw streams makes up a rate of its own; the decoder reads the real one.
            rate = float(context.framerate or 0)
            # Streams of no fixed rate state the fineness of their times instead.
            return rate if LOWEST_RATE <= rate <= HIGHEST_RATE else None
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate else None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of stored pictures, as the header claims."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    @property
    def duration_seconds(self) -> float | None:
        """Length the file claims, for estimates only; None where it claims none."""
        seconds = float((self._container.duration or 0) / av.time_base)
        return seconds if 0 < seconds < MOST_SECONDS else None

    @property
    def states_duration(self) -> bool:
        """True if the length is stated in a header, and not an estimate by FFmpeg."""
        return self.container in (*EXPLICIT, *DECODING_TIMES, "flv")

    @property
    def tags(self) -> dict[str, str]:
        """Fields of the header about the film as a whole, such as ``creation_time``."""
        return {**self._stream.metadata, **self._container.metadata}

    @property
    def pixel_aspect(self) -> Any:
        """Width of a pixel by its height, as container or stream state it; None where neither.

        The container's is meant where they differ; the stream's may change in mid-film.
        """
        if self._aspect_of_container is not None:
            return self._aspect_of_container
        now = self._stream.codec_context.sample_aspect_ratio
        if now or self.container in SHAPELESS:
            return now or None
        return self._stream.sample_aspect_ratio or None

    def leave_out_unneeded(self) -> None:
        """Do not decode frames that no other frame is made from."""
        if not self._by_decoding_time:
            self._stream.codec_context.skip_frame = "NONREF"

    def left_out(self) -> Iterator[str]:
        """Sentences about what of the film was not looked at, once it is read to its end."""
        for number in sorted(set(self.part.streams if self.part is not None else ()) - self._known):
            yield (
                f"a picture stream (number {number}) begins in mid-film, beside the one that is "
                "read, and is not looked at; copy it into a file of its own with ffmpeg"
            )
        if self.appeared and not (self.part is not None and self.part.streams):
            yield (
                "a stream begins in mid-film that its header does not name, and is not looked at; "
                "if it holds pictures, copy them into a file of their own with ffmpeg"
            )
        if self.undecodable:
            yield f"picture streams that cannot be decoded: {self.undecodable}"
        if self.hidden:
            yield (
                f"{self.hidden} pictures are in it that it leaves out, as films that were cut do; "
                "they are not looked at"
            )

    def _number(self, stream: Any) -> int:
        """Number of a stream in the file; FFmpeg puts another before those of MPEG-PS."""
        return int(stream.id & 0xFF if self.container == PS else stream.id)

    def frames(self) -> Iterator[Timed[Any]]:
        """Decoded frames in the order they are shown, each with the stream's time in seconds."""
        first = True
        for frame in self._decoded():
            time = self._time(frame) if self.has_times else None
            if first and time is None and self.zero is not None and self.rate:
                # Several pictures may share one stated time, in MPEG-PS: those before are counted.
                time = self.zero + (self._before_key or 0) / self.rate
            first = False
            same_as = self._repeats.pop(frame.pts, None) if frame.key_frame else None
            yield Timed(time, frame, same_as)

    def go_to(self, seconds: float) -> bool:
        """Go to the key frame before a time of the stream; False where that cannot be done."""
        if self.container not in SEEKABLE:
            return False
        try:
            place = int(seconds / self._stream.time_base)
            self._container.seek(place, stream=self._stream, backward=True)
        except av.FFmpegError:
            try:
                self._container.seek(0)
            except av.FFmpegError:
                return False  # read on from where it stands: the beginning
        self._packets = self._container.demux(self._stream)
        self._ahead.clear()
        return True

    def _chosen(self, number: int) -> tuple[Any, list[Any]]:
        streams = [
            stream
            for stream in self._container.streams.video
            if stream.codec_context is not None
            and not stream.disposition & av.stream.Disposition.attached_pic
        ]
        self.undecodable = sum(s.codec_context is None for s in self._container.streams.video)
        if not streams and self.undecodable:
            raise RecordingError(
                "holds pictures of a kind that cannot be decoded",
                where=self.name,
                fix="Convert it with ffmpeg",
            )
        if not streams:
            raise RecordingError(
                "holds no pictures",
                where=self.name,
                fix="Obtain the video, not only its sound",
            )
        if number > len(streams):
            raise RecordingError(
                f"has {len(streams)} picture stream{'s' if len(streams) > 1 else ''}, not {number}",
                where=self.name,
                fix="Correct the column stream in footage.csv",
            )
        return streams[number - 1], streams

    def _first_packets(self) -> list[Any]:
        first: list[Any] = []
        while len(first) < FIRST_PACKETS and (packet := self._next_packet()) is not None:
            first.append(packet)
            if not packet.size:
                break  # the end, which asks the decoder for what it holds
        self._ahead.extend(first)
        return [packet for packet in first if packet.size]

    def _next_packet(self) -> Any:
        """The next packet of the stream; None at the end, or where reading cannot go on."""
        if self._ahead:
            return self._ahead.popleft()
        try:
            return next(self._packets, None)
        except av.FFmpegError as error:
            self.stopped = f"the file cannot be read any further ({reason(error)})"
            self._damaged(self.stopped)
        except IndexError:
            # At the end PyAV looks for streams that began in mid-film, which it does not know.
            self.appeared = True
        return None

    @property
    def _by_decoding_time(self) -> bool:
        return self.container in DECODING_TIMES

    def _time(self, frame: Any) -> float | None:
        if not self._by_decoding_time:
            # A damaged header can state a clock of no rate, by which a time is no number.
            return frame.time if frame.time is not None and math.isfinite(frame.time) else None
        if frame.dts is None:
            return None
        if self._delay is None:
            # The first frame shown is that of the first key packet.
            keys = (p.dts for p in self._first if p.is_keyframe and p.dts is not None)
            self._delay = frame.dts - next(keys, frame.dts)
        return float((frame.dts - self._delay) * self._stream.time_base)

    def _is_torn(self, packet: Any) -> bool:
        """Return True for more zeros in a row than a raw stream of H.264 or H.265 holds."""
        return self.container in ("h264", "hevc") and LONGEST_ZEROS in bytes(packet)

    def _look_for_repetition(self, packet: Any) -> None:
        """Check, where the clock is set back, if the packets repeat those before it."""
        before, self._last_decoding_time = self._last_decoding_time, packet.dts
        if before is not None and packet.dts is not None and packet.dts < before:
            digest = _digest(packet)
            places = [n for n, (known, _) in enumerate(self._recent) if known == digest]
            # What is there several times, as in a film that stands still, shows no place.
            if len(places) == 1 and self._repeats_all([*self._recent][places[0] :]):
                time = self._recent[places[0]][1]
                if time is not None:
                    self._repeats[packet.pts] = float(time * self._stream.time_base)
            self._recent.clear()
        self._recent.append((_digest(packet), packet.pts))

    def _repeats_all(self, ended_with: list[tuple[bytes, int | None]]) -> bool:
        """Return True if the next packets are, after the first, those that a stretch ended with."""
        ahead: list[Any] = []
        same = True
        for known, _ in ended_with[1:]:
            packet = self._next_packet()
            if packet is not None:
                ahead.append(packet)
            if packet is None or not packet.size or _digest(packet) != known:
                same = False
                break
        self._ahead.extendleft(reversed(ahead))
        return same

    def _decoded(self) -> Iterator[Any]:
        read = 0
        while True:
            packet = self._next_packet()
            if packet is not None and packet.size and not self.explicit and self.has_times:
                self._look_for_repetition(packet)
            if packet is not None and packet.size:
                if packet.is_keyframe and self._before_key is None:
                    self._before_key = read
                read += 1
                self.hidden += packet.is_discard
                if self._is_torn(packet):
                    self._damaged("packets are missing or damaged")
            try:
                # None asks the decoder for the frames it still holds.
                frames = self._stream.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError as error:
                self.undecoded += 1
                self._damaged(reason(error))
                if self.undecoded > MOST_ERRORS_IN_A_ROW:
                    self.stopped = f"{self.undecoded} errors in a row; the rest was skipped"
                    self._damaged(self.stopped)
                    return
                continue
            if frames and packet is not None and packet.size:
                self.undecoded = 0
            elif packet is not None and packet.size and self._stream.codec_context.name in ALONE:
                self._damaged("a picture cannot be decoded")
            for frame in frames:
                if frame.is_corrupt:
                    self._damaged("a picture is damaged")
                yield frame
            if packet is None:
                return


def _starts(streams: Iterable[Any]) -> Iterator[float]:
    return (float(s.start_time * s.time_base) for s in streams if s.start_time is not None)


def _digest(packet: Any) -> bytes:
    return hashlib.blake2b(memoryview(packet), digest_size=8).digest()
