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
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from workbench.footage.containers import TS

# Pictures in a row of a new stream that show that those before it do not go on.
ALONE_PICTURES = 8
# A stream whose clock runs on by less, over pictures of others, runs at the same time.
RUNS_ON_SECONDS = 1.5
# Streams that alternate in long pieces are so many at most.
MOST_TOGETHER = 64
# What takes the number of a picture stream and is none.
SOUND = "sound"
# Clocks count to this.
_WRAP_SECONDS = 2**33 / 90_000
_TS_PACKETS = 188, 192, 204
_SYNC, _PAT, _BEGINS = 0x47, 0, 0x40
_CHUNK = 1 << 22
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


@dataclass(slots=True)
class Together:
    """Picture streams that run at the same time, and no others.

    Parameters
    ----------
    begin : int
        Byte.
    streams : dict
        By its number, of each how many pictures of the others come before its first.
    lengths : dict
        By its number, of each the seconds that it lasts by its own clock.
    """

    begin: int
    streams: dict[int, int] = field(default_factory=dict)
    lengths: dict[int, float] = field(default_factory=dict)
    _last: dict[int, Start] = field(default_factory=dict)
    _pictures: int = 0

    @property
    def seconds(self) -> float:
        """Length of the longest."""
        return max(self.lengths.values(), default=0.0)

    def add(self, start: Start) -> None:
        """Count a picture."""
        last = self._last.get(start.stream, start)
        step = _step(last, start)
        self.streams.setdefault(start.stream, self._pictures)
        self.lengths.setdefault(start.stream, 0.0)
        self.lengths[start.stream] += step if step <= RUNS_ON_SECONDS else 0.0
        self._pictures += 1
        reordered = step >= _WRAP_SECONDS - RUNS_ON_SECONDS  # shown before the one before
        # One that claims to be of another codec, among those of this stream, is damaged.
        furthest = last if reordered else start
        self._last[start.stream] = furthest._replace(codec=last.codec or start.codec)

    def holds(self, start: Start) -> bool:
        """Return True if a picture is of one of these streams."""
        last = self._last.get(start.stream)
        return last is not None and (not last.codec or not start.codec or last.codec == start.codec)

    def runs_on(self, start: Start) -> bool:
        """Return True if a picture follows the last of its stream by an ordinary step."""
        return self.holds(start) and 0 < _step(self._last[start.stream], start) <= RUNS_ON_SECONDS

    def shares(self, other: Together) -> bool:
        """Return True if one of the streams is in both."""
        return any(self.holds(start) for start in other._last.values())

    def join(self, other: Together) -> None:
        """Take in what follows."""
        for stream, others in other.streams.items():
            self.streams.setdefault(stream, self._pictures + others)
            length = self.lengths.get(stream, 0.0) + other.lengths[stream]
            self.lengths[stream] = length
        self._pictures += other._pictures
        self._last |= other._last


def _step(one: Start, other: Start) -> float:
    """Seconds from one to the other by the clock of their stream; 0 where it does not say."""
    if one.seconds is None or other.seconds is None:
        return 0.0
    return (other.seconds - one.seconds) % _WRAP_SECONDS


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
        elif not found[-1].holds(start) and not any(found[-1].holds(other) for other in ahead):
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
    for begin, packets in _packets(file):
        numbers = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
        table = -1  # the last one of programmes, by the place of its packet
        for place in np.flatnonzero(packets[:, 1] & _BEGINS):
            if numbers[place] == _PAT:
                table = int(place)
                continue
            packet = packets[place].tobytes()
            picture = _picture(packet[4 + (1 + packet[4] if packet[3] & 0x20 else 0) :])
            if picture is None or (picture[1] == SOUND and int(numbers[place]) not in seen):
                continue
            # Where the picture before goes on after the table, that one is still of its recording.
            own = table >= 0 and not (numbers[table:place] == number).any()
            at, number = begin + int(place) * packets.shape[1], int(numbers[place])
            cut = begin + table * packets.shape[1] if own else at
            yield Start(at, cut, number, *picture)
            seen.add(number)
            table = -1


def _packets(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Yield places and packets ``(n, length) uint8`` that follow each other, sync byte first."""
    begin = 0
    while True:
        file.seek(begin)
        data = np.frombuffer(file.read(_CHUNK), np.uint8)
        at = 0
        while len(data) - at > 3 * _TS_PACKETS[-1]:
            length = _length(data, at)
            if not length:
                at += 1 + _next_sync(data[at + 1 :])
                continue
            packets = data[at : at + (len(data) - at) // length * length].reshape(-1, length)
            wrong = np.flatnonzero(packets[:, 0] != _SYNC)
            packets = packets[: wrong[0]] if len(wrong) else packets
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


def _next_sync(data: Any) -> int:
    """Place at which packets may begin again; the end if they do not."""
    ends = len(data) - 2 * _TS_PACKETS[-1]
    if ends <= 0:
        return len(data)
    any_length = np.zeros(ends, bool)
    for length in _TS_PACKETS:
        once, twice = data[length : length + ends], data[2 * length : 2 * length + ends]
        any_length |= (once == _SYNC) & (twice == _SYNC)
    places = np.flatnonzero(any_length & (data[:ends] == _SYNC))
    return int(places[0]) if len(places) else len(data)


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
