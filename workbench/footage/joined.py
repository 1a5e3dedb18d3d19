"""Films that were joined byte by byte, each of which is read as a film of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from workbench.errors import RecordingError
from workbench.footage.containers import AVI, MATROSKA, MP4, PS, TS
from workbench.footage.multiplex import Together, divided, picture_starts

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MATROSKA_BEGINS = rb"\x1a\x45\xdf\xa3.{1,80}?\x42\x82[\x84\x88](?:matroska|webm)"
_CHUNK, _LONGEST_MARK = 1 << 22, 128
# A box of this many bytes or fewer is none; more boxes than these are those of no film.
_LEAST, _MOST_BOXES = 8, 1_000_000
# What follows so many joined films is not read.
MOST_PARTS = 500
# How a film begins, in containers of which nothing else holds the like.
_MARKS = {
    "apng": rb"\x89PNG\r\n\x1a\n",
    "asf": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c",
    "flv": rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0\0\0\0",
    "ivf": rb"DKIF\0\0\x20\0",
    "mxf": rb"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02[\x01-\x04]\0",
    "nut": rb"nut/multimedia container\0",
    "rm": rb"\.RMF\0\0\0",
    "wtv": rb"\xb7\xd8\0\x20\x37\x49\xda\x11\xa6\x4e\0\x07\xe9\x5e\xad\x8d",
    "yuv4mpegpipe": rb"YUV4MPEG2 ",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A film in a file that may hold others.

    Parameters
    ----------
    container : str
        FFmpeg's name of it.
    begin, end : int
        Bytes of the file.
    seconds : float
        That it lasts by its own clock; 0 where that is not known.
    streams : mapping
        By the numbers of the picture streams of an MPEG-TS or MPEG-PS, how many pictures of others
        come before the first of each.
    """

    container: str
    begin: int
    end: int
    seconds: float = 0.0
    streams: Mapping[int, int] = field(default_factory=dict)


def parts_of(path: Path, container: str) -> list[Part]:
    """Films that a file consists of, in their order; read from beginning to end for it.

    Parameters
    ----------
    path : Path
    container : str
        FFmpeg's name of that of the first.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    try:
        size = path.stat().st_size
        if container in (TS, PS):
            found = divided(picture_starts(path, container))[:MOST_PARTS] or [Together(0)]
            ends = [*(one.begin for one in found[1:]), size]
            return [
                Part(container, one.begin, end, one.seconds, _before(one))
                for one, end in zip(found, ends, strict=True)
            ]
        begins = [0, *_begins(path, container)][:MOST_PARTS]
    except OSError as error:
        raise RecordingError(
            f"cannot be read ({error.strerror})", where=path.name, fix="Check the disk"
        ) from None
    return [
        Part(container, begin, end) for begin, end in zip(begins, [*begins[1:], size], strict=True)
    ]


class PartFile:
    """The bytes of a part, as a file for FFmpeg."""

    def __init__(self, path: Path, part: Part) -> None:
        self._begin, self._end = part.begin, part.end
        self._file: BinaryIO = path.open("rb")
        self._file.seek(part.begin)

    def read(self, size: int) -> bytes:
        """Read so many bytes, or up to the end of the part."""
        return self._file.read(max(0, min(size, self._end - self._file.tell())))

    def tell(self) -> int:
        """Byte of the part."""
        return self._file.tell() - self._begin

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the part."""
        origin = {os.SEEK_SET: self._begin, os.SEEK_END: self._end}
        place += origin.get(whence, self._file.tell())
        return self._file.seek(max(self._begin, place)) - self._begin

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _before(those: Together) -> dict[int, int]:
    """By the number of a stream, the pictures before it; a single picture is one of damage."""
    several = {n: one.before for n, one in those.streams.items() if one.pictures > 1}
    return several or {n: one.before for n, one in those.streams.items()}


def _begins(path: Path, container: str) -> Iterator[int]:
    """Bytes at which films begin after the first."""
    with path.open("rb") as file:
        if container in (MP4, AVI, MATROSKA):
            yield from islice(_begins_by_boxes(file, container), 1, None)
        elif container in _MARKS:
            yield from islice(_places(file, _MARKS[container]), 1, None)


def _places(file: BinaryIO, mark: bytes, begin: int = 0) -> Iterator[int]:
    """Bytes at which a mark stands, from one of them on."""
    file.seek(begin)
    last, data = -1, file.read(_CHUNK)
    while data:
        for place in (begin + found.start() for found in re.finditer(mark, data, re.DOTALL)):
            if place > last:  # not found twice, where the pieces that are read overlap
                yield place
            last = place
        kept, more = data[1 - _LONGEST_MARK :], file.read(_CHUNK)
        begin, data = begin + len(data) - len(kept), kept + more if more else b""


def _begins_by_boxes(file: BinaryIO, container: str) -> Iterator[int]:
    has_table = True  # of what an MP4 holds; one that was cut off may have none
    for place, kind, size in _boxes(file, container):
        if kind in (b"ftyp", b"AVI ", _EBML) or (kind == b"moov" and has_table):
            yield place
            has_table = False
        has_table |= kind == b"moov"
        if kind == _SEGMENT and not size:  # one that was not finished does not state its length
            yield from _places(file, _MATROSKA_BEGINS, place + 8)


def _boxes(file: BinaryIO, container: str) -> Iterator[tuple[int, bytes, int]]:
    """Place, kind and size of the outermost boxes of a file; 0 for a size that is not stated."""
    place, length = 0, file.seek(0, os.SEEK_END)
    for _ in range(_MOST_BOXES):
        if place > length - _LEAST:  # a damaged size may lie beyond all that can be sought
            return
        file.seek(place)
        head = file.read(16)
        if container == MP4:
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
        elif container == AVI:
            size, kind = 8 + int.from_bytes(head[4:8], "little"), head[8:12]
            size += size % 2
            if head[:4] != b"RIFF":
                return
        else:
            size, kind = _ebml_size(head), head[:4]
            if kind not in (_EBML, _SEGMENT):
                return
        yield place, kind, size
        if size < _LEAST:
            return
        place += size


def _ebml_size(head: bytes) -> int:
    """Bytes of an element of Matroska with an id of four; 0 where it does not say."""
    digits = 9 - head[4].bit_length()  # as many bytes as zeros before the first one, and one more
    content = int.from_bytes(head[4 : 4 + digits], "big") & ((1 << 7 * digits) - 1)
    return 0 if digits > 8 or content == (1 << 7 * digits) - 1 else 4 + digits + content
