"""Picture streams in MPEG-TS and MPEG-PS: at which byte others take their place.

Recordings that are joined byte by byte make one such stream. Where the second has another number or
codec than the first, a reader that holds on to the first passes over the second without a word. So
the file is divided where a picture stream begins and those before it do not go on. Streams that run
at the same time stay together, in whatever pieces they alternate.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from workbench.footage.containers import TS

# So many pictures, from the first of a new stream on, show whether those before it go on.
ALONE_PICTURES = 8
# A stream whose clock runs on by less, over pictures of others, runs at the same time.
RUNS_ON_SECONDS = 1.5
# By less than so many steps, where its steps are longer.
LONGER_STEPS = 2.5
# Streams that alternate in long pieces are so many at most.
MOST_TOGETHER = 64
# What takes the number of a picture stream and is none.
SOUND = "sound"
# Clocks count to this.
_WRAP_SECONDS = 2**33 / 90_000
_TS_PACKETS = 188, 192, 204
_SYNC, _PAT, _BEGINS = 0x47, 0, 0x40
_CHUNK = 1 << 22
# Packets that are looked at first: most of what only looks like some ends among them.
_NEAR = 64
_PACK = b"\0\0\x01\xba"
_PICTURES, _SOUND = re.compile(rb"\0\0\x01[\xe0-\xef]"), re.compile(rb"\0\0\x01[\xc0-\xdf]")
# So much of a picture is looked at to tell its codec.
_HEAD = 2048
# What only one codec holds, also in the middle of a picture.
_MPEG = re.compile(
    rb"\0\0\x01(?:(?P<mpeg2>\xb3(?:(?!\0\0\x01).){8})|(?P<mpeg4>[\xb0\xb6]))", re.DOTALL
)
# Slices of MPEG-2 have such numbers, each followed by the next; a delimiter is by none of these.
_H26X = re.compile(
    rb"\0\0\x01(?:(?P<h264>"
    rb"\x09[\x10\x30\x50\x70\x90\xb0\xd0\xf0]\0\0\0?\x01"
    rb"[\x01\x05\x06\x21\x25\x27\x28\x41\x45\x47\x48\x61\x65\x67\x68]"
    rb"|[\x27\x47\x67][\x42\x4d\x58\x64\x6e\x7a\xf4].[\x09-\x3e]"
    rb"(?:(?!\0\0\x01).){1,80}\0\0\x01[\x28\x48\x68])"
    rb"|(?P<hevc>\x46\x01[\x10\x30\x50]\0\0|\x40\x01\x0c.\xff\xff))",
    re.DOTALL,
)
# Start codes that H.264 and H.265 do not have.
_NOT_H26X = re.compile(rb"\0\0\x01[\x80-\xff]")


class Start(NamedTuple):
    """Place in a file at which a picture, or several, begin."""

    byte: int
    cut: int  # byte at which the file can be divided before it
    stream: int  # number of its stream
    seconds: float | None  # by its clock
    codec: str  # "" where it cannot be told; SOUND where pictures of that number came before
    listed: frozenset[int] = frozenset()  # numbers that the tables before it list


@dataclass(slots=True)
class Stream:
    """Pictures of one stream.

    Parameters
    ----------
    last : Start
        The one that is shown last.
    before : int
        Pictures of other streams that come before its first.
    pictures : int
    seconds : float
        Length by its own clock, without pauses.
    step : float
        Seconds to the last from the one before it.
    """

    last: Start
    before: int = 0
    pictures: int = 0
    seconds: float = 0.0
    step: float = 0.0

    def holds(self, start: Start) -> bool:
        """Return True if a picture is of this stream."""
        codecs = {self.last.codec, start.codec} - {""}
        return self.last.stream == start.stream and len(codecs) < 2

    def seconds_to(self, start: Start) -> float:
        """Seconds from the last picture to another; 0 where the clock does not say."""
        if self.last.seconds is None or start.seconds is None:
            return 0.0
        step = (start.seconds - self.last.seconds) % _WRAP_SECONDS
        return step if step < _WRAP_SECONDS / 2 else step - _WRAP_SECONDS

    def runs_on(self, start: Start) -> bool:
        """Return True if a picture follows, or is shown a little before, as if none were between.

        Slow streams have longer steps; what is shown between two pictures may come after both.
        """
        ahead = max(RUNS_ON_SECONDS, LONGER_STEPS * self.step)
        return -self.step <= self.seconds_to(start) <= ahead

    def add(self, start: Start) -> None:
        """Count a picture."""
        step = self.seconds_to(start)
        self.pictures += 1
        # One that claims to be of another codec, among those of this stream, is damaged.
        codec = self.last.codec or start.codec
        if 0 < step <= RUNS_ON_SECONDS:
            self.seconds += step
        if not -RUNS_ON_SECONDS <= step < 0:
            self.last, self.step = start, max(step, 0.0)
        self.last = self.last._replace(codec=codec)


@dataclass(slots=True)
class Together:
    """Picture streams that run at the same time, and no others.

    Parameters
    ----------
    begin : int
        Byte.
    streams : dict
        By their numbers.
    """

    begin: int
    streams: dict[int, Stream] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the longest."""
        return max((stream.seconds for stream in self.streams.values()), default=0.0)

    @property
    def pictures(self) -> int:
        """Number of all pictures."""
        return sum(stream.pictures for stream in self.streams.values())

    def add(self, start: Start) -> None:
        """Count a picture."""
        if start.stream not in self.streams:
            self.streams[start.stream] = Stream(start, self.pictures)
        self.streams[start.stream].add(start)

    def holds(self, start: Start) -> bool:
        """Return True if a picture is of one of these streams."""
        return start.stream in self.streams and self.streams[start.stream].holds(start)

    def runs_on(self, start: Start) -> bool:
        """Return True if a picture goes on with one of these, as if none were between."""
        return self.holds(start) and self.streams[start.stream].runs_on(start)

    def beside(self, start: Start) -> bool:
        """Return True if the tables list the stream of a picture together with one of these."""
        others = start.listed.intersection(self.streams) - {start.stream}
        return start.stream in start.listed and bool(others)

    def shares(self, other: Together) -> bool:
        """Return True if one of the streams is in both."""
        return any(self.holds(stream.last) for stream in other.streams.values())

    def join(self, other: Together) -> None:
        """Take in what follows."""
        before = self.pictures
        for number, more in other.streams.items():
            if number in self.streams:
                own = self.streams[number]
                more = replace(
                    more,
                    before=own.before - before,
                    pictures=own.pictures + more.pictures,
                    seconds=own.seconds + more.seconds,
                )
            self.streams[number] = replace(more, before=before + more.before)


def divided(starts: Iterable[Start]) -> list[Together]:
    """Divide a file where picture streams take the place of others.

    Parameters
    ----------
    starts : iterable of Start
        Of all picture streams, in the order of the file.
    """
    found: list[Together] = []
    source = iter(starts)
    ahead: deque[Start] = deque()
    while True:
        ahead.extend(islice(source, ALONE_PICTURES - len(ahead)))
        if not ahead:
            break
        start = ahead.popleft()
        if not found:
            found.append(Together(0))
        elif not found[-1].holds(start) and not _runs_beside(start, found[-1], ahead):
            latest = range(max(0, len(found) - MOST_TOGETHER), len(found))
            place = next((n for n in latest if _goes_on(start, found[n:])), None)
            if place is None:
                found.append(Together(start.cut))
            else:
                for other in found[place + 1 :]:
                    found[place].join(other)
                del found[place + 1 :]
        found[-1].add(start)
    apart: list[Together] = []
    for one in found:
        if apart and apart[-1].shares(one):
            apart[-1].join(one)
        else:
            apart.append(one)
    return apart


def _runs_beside(start: Start, those: Together, ahead: Iterable[Start]) -> bool:
    """Return True if the stream of a picture runs at the same time as those before it."""
    return those.beside(start) or any(those.runs_on(other) for other in ahead)


def _goes_on(start: Start, since: list[Together]) -> bool:
    """Return True if a stream of the first of these goes on, as if nothing had been between."""
    return since[0].runs_on(start) and not any(start.stream in one.streams for one in since[1:])


def picture_starts(path: Path, container: str) -> Iterator[Start]:
    """Yield where pictures begin, of all picture streams, in the order of the file.

    Parameters
    ----------
    path : Path
    container : str
        FFmpeg's name of MPEG-TS or MPEG-PS.
    """
    codecs: dict[int, str] = {}
    with path.open("rb") as file:
        for start in (_in_ts if container == TS else _in_ps)(file):
            if start.codec != SOUND:
                codecs[start.stream] = start.codec or codecs.get(start.stream, "")
                start = start._replace(codec=codecs[start.stream])
            yield start


def _in_ts(file: BinaryIO) -> Iterator[Start]:
    number = -1  # of the stream of the picture before
    seen = set()
    tables = _Tables()
    for begin, packets in _packets(file):
        numbers = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
        table = -1  # the last one of programmes, by the place of its packet
        for place in np.flatnonzero(packets[:, 1] & _BEGINS):
            packet = packets[place].tobytes()
            content = packet[4 + (1 + packet[4] if packet[3] & 0x20 else 0) :]
            if tables.take(int(numbers[place]), content):
                table = int(place) if numbers[place] == _PAT else table
                continue
            picture = _picture(content)
            if picture is None or (picture[1] == SOUND and int(numbers[place]) not in seen):
                continue
            # Where the picture before goes on after the table, that one is still of its recording.
            own = table >= 0 and not (numbers[table:place] == number).any()
            at, number = begin + int(place) * packets.shape[1], int(numbers[place])
            cut = begin + table * packets.shape[1] if own else at
            yield Start(at, cut, number, *picture, tables.listed)
            seen.add(number)
            table = -1


class _Tables:
    """The tables of an MPEG-TS: of its programmes, and of the streams of each."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._programmes: frozenset[int] = frozenset()
        self._streams: dict[int, frozenset[int]] = {}
        self.listed: frozenset[int] = frozenset()  # numbers of streams, as of now

    def take(self, number: int, content: bytes) -> bool:
        """Take what begins in a packet of that number; False if that is no table."""
        if number != _PAT and number not in self._programmes:
            return False
        if self._known.get(number) == content or len(content) < 9:
            return True
        self._known[number] = content
        section = content[1 + content[0] :]
        length = int.from_bytes(section[1:3], "big") & 0xFFF
        body = section[8 : max(8, length - 1)]  # without what stands before, and a checksum
        if number == _PAT:
            places = [body[at : at + 4] for at in range(0, len(body) - 3, 4)]
            self._programmes = frozenset(_number(place[2:]) for place in places if any(place[:2]))
        else:
            found = set()
            at = 4 + (int.from_bytes(body[2:4], "big") & 0xFFF)
            while at + 5 <= len(body):
                found.add(_number(body[at + 1 :]))
                at += 5 + (int.from_bytes(body[at + 3 : at + 5], "big") & 0xFFF)
            self._streams[number] = frozenset(found)
        self.listed = frozenset().union(
            *(self._streams.get(number, frozenset()) for number in self._programmes)
        )
        return True


def _number(content: bytes) -> int:
    return int.from_bytes(content[:2], "big") & 0x1FFF


def _packets(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Yield places and packets ``(n, length) uint8`` that follow each other, sync byte first."""
    begin = 0
    while True:
        file.seek(begin)
        data = np.frombuffer(file.read(_CHUNK), np.uint8)
        at, places = 0, None
        while len(data) - at > 3 * _TS_PACKETS[-1]:
            length = _length(data, at)
            if not length:
                # Once for all that was read: a file may be made to look like packets everywhere.
                places = _sync_places(data) if places is None else places
                following = places[np.searchsorted(places, at + 1) :]
                at = int(following[0]) if len(following) else len(data)
                continue
            packets = data[at : at + (len(data) - at) // length * length].reshape(-1, length)
            for most in (_NEAR, len(packets)):
                wrong = np.flatnonzero(packets[:most, 0] != _SYNC)
                if len(wrong):
                    packets = packets[: wrong[0]]
                    break
            yield begin + at, packets
            at += packets.size
        begin += at
        if len(data) < _CHUNK:
            return


def _length(data: Any, at: int) -> int:
    """Length of packets, of which one begins at this place; 0 if none does."""
    for length in _TS_PACKETS:
        if (data[at : at + 3 * length : length] == _SYNC).all():
            return length
    return 0


def _sync_places(data: Any) -> Any:
    """Places, rising, at which packets may begin."""
    ends = max(0, len(data) - 2 * _TS_PACKETS[-1])
    any_length = np.zeros(ends, bool)
    for length in _TS_PACKETS:
        once, twice = data[length : length + ends], data[2 * length : 2 * length + ends]
        any_length |= (once == _SYNC) & (twice == _SYNC)
    return np.flatnonzero(any_length & (data[:ends] == _SYNC))


def _in_ps(file: BinaryIO) -> Iterator[Start]:
    begin = before = 0
    while True:
        file.seek(begin)
        data = file.read(_CHUNK)
        last = len(data) < _CHUNK
        for found in _PICTURES.finditer(data, 0, len(data) if last else len(data) - _HEAD + 3):
            at = found.start()
            picture = _picture(data[at : at + _HEAD])
            if picture is not None and picture[0] is not None:  # else one that goes on
                pack = data.rfind(_PACK, max(0, before - begin), at)
                yield Start(begin + at, begin + (pack if pack >= 0 else at), data[at + 3], *picture)
                before = begin + at
        if last:
            return
        begin += len(data) - _HEAD


def _picture(packet: bytes) -> tuple[float | None, str] | None:
    """Time and codec of what begins with the header of a packet; None if it does not."""
    sound = _SOUND.match(packet) is not None
    if len(packet) < 16 or not (sound or _PICTURES.match(packet)):
        return None
    if packet[6] & 0xC0 == 0x80:
        time, content = 9 if packet[7] & 0x80 else 0, 9 + packet[8]
    else:  # of MPEG-1
        at = 6
        while at < len(packet) - 10 and packet[at] == 0xFF:
            at += 1
        at += 2 if packet[at] & 0xC0 == 0x40 else 0
        if packet[at] & 0xE0 != 0x20 and packet[at] != 0x0F:
            return None
        time = at if packet[at] & 0xE0 == 0x20 else 0
        content = at + (10 if packet[at] & 0x10 else 5) if time else at + 1
    seconds = _seconds(packet[time : time + 5]) if time else None
    if sound:
        return seconds, SOUND
    length = int.from_bytes(packet[4:6], "big")
    head = packet[content : 6 + length if length else None]
    found = (_MPEG if _NOT_H26X.search(head) else _H26X).search(head)
    return seconds, (found.lastgroup or "") if found is not None else ""


def _seconds(stamp: bytes) -> float | None:
    if len(stamp) < 5:
        return None
    high, middle = stamp[0] >> 1 & 7, stamp[1] << 7 | stamp[2] >> 1
    return (high << 30 | middle << 15 | stamp[3] << 7 | stamp[4] >> 1) / 90_000
