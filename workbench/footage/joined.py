"""Films that were joined byte by byte, and what a reader of the first does not come to."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av

from workbench.errors import RecordingError

MP4, AVI, ASF, FLV = "mov,mp4,m4a,3gp,3g2,mj2", "avi", "asf", "flv"
# A part of this many bytes or fewer is none; more parts than these are those of no film.
_LEAST, _MOST_PARTS = 8, 1_000_000
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
# Streams in which another may follow, and how the first packet of a picture begins there.
_STREAMS = ("mpeg", "mpegts")
_PICTURE = re.compile(rb"\0\0\x01[\xe0-\xef\xfd]")
_TS_PACKETS = 188, 192
_FLV_HEADER = re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0\0\0\0")


@dataclass(frozen=True, slots=True)
class Following:
    """Pictures that follow in a file after those of the stream that was read."""

    byte: int
    codec: str
    seconds: float | None  # None: not known


def following(path: Path, stream: Any, last: int) -> Following | None:
    """Pictures after the end of a stream that are none of it; None where there are none.

    Recorders that are exchanged or set anew give their pictures another number or codec, and a
    reader that holds on to the first comes to its end without an error.

    Parameters
    ----------
    path : Path
    stream : av.video.stream.VideoStream
        That was read, of an MPEG-TS or MPEG-PS.
    last : int
        Byte at which the last packet begins that belonged to it.
    """
    container = stream.container.format.name
    if container not in _STREAMS:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if _PICTURE.search(content, last + _TS_PACKETS[0]) is None:
            return None
        try:
            rest: Any = av.open(_Rest(file, last), format=container)
        except (av.FFmpegError, ValueError):
            return None
        with rest:
            for other in rest.streams.video:
                if other.codec_context is None:
                    continue
                codec = other.codec_context.name
                if other.id == stream.id and codec == stream.codec_context.name:
                    continue
                # What runs beside this stream is another picture stream, and counted as one.
                begins = _first(content, container, other.id) if other.id != stream.id else last
                if 0 <= begins < last:
                    continue
                seconds = float((rest.duration or 0) / av.time_base)
                return Following(max(begins, last), codec, seconds if seconds > 0 else None)
    return None


def begins_after(path: Path, stream: Any, others: list[Any]) -> bool:
    """Return True if another picture stream had ended when this one began."""
    container = stream.container.format.name
    if container not in _STREAMS:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begins = _first(content, container, stream.id)
        return any(
            0 <= _first(content, container, other.id, last=True) < begins
            for other in others
            if other.id != stream.id
        )


def _first(content: mmap.mmap, container: str, number: int, *, last: bool = False) -> int:
    """Byte at which the first, or the last, picture of a stream begins; -1 if there is none."""
    find = content.rfind if last else content.find
    if container == "mpeg":
        return find(b"\0\0\x01" + bytes([number & 0xFF]))
    mark = bytes([0x47, 0x40 | number >> 8, number & 0xFF])  # a packet in which one begins
    place = find(mark)
    while place >= 0:
        for length in _TS_PACKETS:
            beside = [at for at in (place - length, place + length) if 0 <= at < len(content)]
            if all(content[at] == 0x47 for at in beside):
                return place
        place = find(mark, 0, place + 2) if last else find(mark, place + 1)
    return -1


class _Rest:
    """A file from a byte on, for FFmpeg."""

    def __init__(self, file: BinaryIO, begins: int) -> None:
        self._file, self._begins = file, begins
        file.seek(begins)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell() - self._begins

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        place += self._begins if whence == os.SEEK_SET else 0
        return self._file.seek(place, whence) - self._begins


def second_film(path: Path, container: str) -> int | None:
    """Byte at which another film begins; None if there is one film, or it cannot be told.

    Parameters
    ----------
    path : Path
    container : str
        FFmpeg's name of it. Streams such as MPEG-TS have no beginning: joined ones are one stream.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    begins: list[int] = []
    try:
        with path.open("rb") as file:
            if container == FLV:
                return _second_header(file)
            header: int | None = None  # of an MP4, which stands before its table
            for place, kind in _parts(file, container):
                if kind == b"ftyp":
                    header = place
                elif kind in (b"moov", b"AVI ", _ASF_HEADER):
                    begins.append(place if header is None else header)
                    header = None
                if len(begins) > 1:
                    return begins[1]
    except OSError as error:
        raise RecordingError(
            f"cannot be read ({error.strerror})", where=path.name, fix="Check the disk"
        ) from None
    return None


def _parts(file: BinaryIO, container: str) -> Iterator[tuple[int, bytes]]:
    """Place and kind of the outermost parts of a file."""
    place, length = 0, file.seek(0, os.SEEK_END)
    for _ in range(_MOST_PARTS):
        if place > length - _LEAST:  # a damaged size may lie beyond all that can be sought
            return
        file.seek(place)
        head = file.read(24)
        if container == MP4:
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
        elif container == AVI:
            size, kind = 8 + int.from_bytes(head[4:8], "little"), head[8:12]
            size += size % 2
            if head[:4] != b"RIFF":
                return
        elif container == ASF:
            size, kind = int.from_bytes(head[16:24], "little"), head[:16]
        else:
            return
        yield place, kind
        if size < _LEAST:
            return
        place += size


def _second_header(file: BinaryIO) -> int | None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = _FLV_HEADER.search(content, 1)
        return found.start() if found else None
