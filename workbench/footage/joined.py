"""Films that were joined byte by byte, where the container has a beginning of its own."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from workbench.errors import RecordingError

MP4, AVI, ASF, FLV = "mov,mp4,m4a,3gp,3g2,mj2", "avi", "asf", "flv"
# A part of this many bytes or fewer is none; more parts than these are those of no film.
_LEAST, _MOST_PARTS = 8, 1_000_000
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FLV_HEADER = re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0\0\0\0")


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
