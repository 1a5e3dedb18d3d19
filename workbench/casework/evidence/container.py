"""The ZIP of an evidence archive, read so that no other reader can find anything else in it.

Readers of ZIP files disagree: some follow the list at the end, some the headers before each file,
some look for the end from behind and some from the front. An evidence archive is therefore taken
only in the one form in which it is written: files, list and end follow each other without a gap
from the first byte to the last, and every field of every header is the one that its file demands.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

MOST_FILES = 60_000
MOST_BYTES = 4 << 30  # unpacked; beyond this, an archive is taken for a decompression bomb
LONGEST_NAME = 120
CREATED = (1980, 1, 1, 0, 0, 0)  # of every file, so that an archive depends on its contents alone
MODE = 0o600 << 16  # external attributes of every file: a plain one, for its owner
SYSTEM = 3  # Unix, whose attributes these are
_CHUNK = 1 << 20
# Names of our own alone: in ASCII, in at most one folder, and the same on every system.
_NAME = re.compile(r"(?:[a-z][a-z0-9-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)

_END = struct.Struct("<4sHHHHIIH")
_END_MARK, _LISTED_MARK, _LOCAL_MARK = b"PK\5\6", b"PK\1\2", b"PK\3\4"
_WIDER = (0xFFFF, 0xFFFFFFFF)  # in place of a number that stands in a ZIP64 record


class _Header(NamedTuple):
    """Fields before the name of a file that both of its headers have."""

    needed: int = 20
    flags: int = 0
    method: int = zlib.DEFLATED
    time: int = 0
    date: int = (CREATED[0] - 1980) << 9 | CREATED[1] << 5 | CREATED[2]
    checksum: int = 0
    packed: int = 0
    size: int = 0
    name: int = 0
    extra: int = 0


class _Rest(NamedTuple):
    """Fields that only the list at the end has."""

    comment: int = 0
    disk: int = 0
    kind: int = 0
    attributes: int = MODE
    offset: int = 0


_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_LISTED = struct.Struct("<4sHHHHHHIIIHHHHHII")
_MADE_BY = SYSTEM << 8 | 20
_WORDS = {
    "needed": "the version needed", "flags": "the flags", "method": "the method",
    "time": "the time", "date": "the date", "checksum": "the checksum",
    "packed": "the packed size", "size": "the size", "name": "the length of the name",
    "extra": "the length of the extra field", "comment": "the length of the comment",
    "disk": "the disk", "kind": "the internal attributes", "attributes": "the attributes",
}  # fmt: skip


class Damaged(Exception):
    """A file of an archive cannot be unpacked; the message says why."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in an archive, whose headers are as they must be."""

    name: str
    size: int  # bytes, unpacked
    packed: int  # bytes, in the archive
    checksum: int  # CRC-32
    start: int  # of its packed bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Files of an archive, and where it is not in the one form.

    ``files`` are those that can be unpacked, by name. Each name in ``faults`` is escaped.
    """

    files: dict[str, Packed]
    faults: tuple[str, ...]


def is_name(name: str) -> bool:
    """Return True if a file of an evidence archive may have this name."""
    last = name.rpartition("/")[2]
    return (
        len(name) <= LONGEST_NAME
        and _NAME.fullmatch(name) is not None
        and ".." not in name
        and not _DEVICES.fullmatch(last)
    )


def shown(name: str) -> str:
    """Return a name from an archive as it may be shown: in ASCII, all else escaped."""
    text = name.encode("unicode_escape").decode("ascii")
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."


def layout(file: BinaryIO) -> Layout | None:
    """Read where everything is in an archive; None if it has no end, so that it is no archive.

    One pass over the headers, in memory for the list at the end alone.
    """
    faults: list[str] = []
    length = file.seek(0, os.SEEK_END)
    end = _end_of(file, length, faults)
    if end is None:
        return None
    at, (_, disk, first_disk, here, total, size, offset, comment) = end
    if comment:
        faults.append(f"the end: has a comment of {comment} bytes")
    if disk or first_disk:
        faults.append("the end: says that the archive is in several parts")
    if here != total:
        faults.append(f"the end: counts {here} files and {total}")
    if total == _WIDER[0] or size == _WIDER[1] or offset == _WIDER[1]:
        faults.append("the end: refers to ZIP64 records")
        return Layout({}, tuple(faults))
    if total > MOST_FILES or size > MOST_FILES * (_LISTED.size + LONGEST_NAME):
        faults.append(f"the list of files: more than {MOST_FILES:,}")
        return Layout({}, tuple(faults))
    if offset + size != at:
        gap = at - size - offset
        faults.append(
            f"the list of files: {abs(gap):,} bytes {'before' if gap > 0 else 'beyond'} "
            "the place that the end gives"
        )
        return Layout({}, tuple(faults))
    file.seek(offset)
    listed = _listed(file.read(size), faults)
    if len(listed) != total:
        faults.append(f"the list of files: holds {len(listed):,}, the end counts {total:,}")
    return _tiled(file, listed, offset, faults)


def _end_of(
    file: BinaryIO, length: int, faults: list[str]
) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]] | None:
    """The place and the fields of the last end; None if there is none."""
    longest = min(length, _END.size + 0xFFFF)
    file.seek(length - longest)
    tail = file.read(longest)
    found = tail.rfind(_END_MARK, 0, max(0, len(tail) - _END.size + len(_END_MARK)))
    if found < 0:
        return None
    beyond = len(tail) - found - _END.size
    if beyond:
        faults.append(f"the end: {beyond:,} bytes after it")
    return length - longest + found, _END.unpack_from(tail, found)


def _listed(data: bytes, faults: list[str]) -> list[tuple[bytes, _Header, _Rest]]:
    """The headers in the list at the end."""
    found: list[tuple[bytes, _Header, _Rest]] = []
    at = 0
    while at < len(data):
        if len(data) - at < _LISTED.size or data[at : at + 4] != _LISTED_MARK:
            faults.append(
                f"the list of files: {len(data) - at:,} bytes at its end that are no file"
            )
            break
        _, made_by, *fields = _LISTED.unpack_from(data, at)
        header = _Header(*fields[:10])
        rest = _Rest(*fields[10:])
        at += _LISTED.size
        name = data[at : at + header.name]
        at += header.name + header.extra + rest.comment
        wanted = _Rest(offset=rest.offset)
        wrong = [f"{_WORDS[f]} is {getattr(rest, f)}" for f in _Rest._fields[:-1]
                 if getattr(rest, f) != getattr(wanted, f)]  # fmt: skip
        if made_by != _MADE_BY:
            wrong.append(f"the version that made it is {made_by}")
        faults += [f"{_raw(name)}: {each}, which no file of an evidence archive has" for each in
                   [*wrong, *_unusual(header)]]  # fmt: skip
        found.append((name, header, rest))
    if at > len(data):
        faults.append("the list of files: its last file reaches beyond it")
    return found


def _tiled(
    file: BinaryIO,
    listed: list[tuple[bytes, _Header, _Rest]],
    end: int,
    faults: list[str],
) -> Layout:
    """Follow the files from the first byte to the list, each to begin where the last one ends."""
    files: dict[str, Packed] = {}
    seen: set[str] = set()
    alike: dict[str, str] = {}
    at = total = 0
    for raw, header, rest in listed:
        name = raw.decode("latin-1")
        faults += _between(_raw(raw), at, rest.offset)
        start = rest.offset + _LOCAL.size + header.name + header.extra
        at = max(at, start + header.packed)
        if not is_name(name):
            faults.append(f"{_raw(raw)}: not a valid path in an archive")
        elif name in seen:
            faults.append(f"{_raw(raw)}: duplicate in the archive")
        elif (other := alike.setdefault(name.lower(), name)) != name:
            faults.append(f"{_raw(raw)}: differs from {other} only by capital letters")
        file.seek(rest.offset)
        problems = _differing(file.read(_LOCAL.size + header.name), raw, header)
        faults += [f"{_raw(raw)}: {problem}" for problem in problems]
        seen.add(name)
        total += header.size
        if not problems and not _unusual(header):
            files.setdefault(name, Packed(name, header.size, header.packed, header.checksum, start))
    faults += _between("the list of files", at, end)
    if total > MOST_BYTES:
        faults.append(f"the list of files: {total:,} bytes unpacked, which is unreasonably large")
        files = {}
    return Layout(files, tuple(faults))


def _between(name: str, at: int, start: int) -> list[str]:
    if start > at:
        return [f"{name}: {start - at:,} bytes before it that belong to no file"]
    if start < at:
        return [f"{name}: overlaps {at - start:,} bytes of the file before it"]
    return []


def _unusual(header: _Header) -> list[str]:
    """Say which fields are not those of a file of an evidence archive."""
    usual = _Header(
        checksum=header.checksum, packed=header.packed, size=header.size, name=header.name
    )
    return [
        f"{_WORDS[field]} is {getattr(header, field)}"
        for field in _Header._fields
        if getattr(header, field) != getattr(usual, field)
    ]


def _differing(found: bytes, name: bytes, header: _Header) -> list[str]:
    """Say how the header before a file differs from the one in the list."""
    if len(found) < _LOCAL.size or found[:4] != _LOCAL_MARK:
        return ["does not begin where the list says"]
    local = _Header(*_LOCAL.unpack_from(found)[1:])
    differing = [
        f"its two headers disagree: {_WORDS[field]} is {getattr(local, field)} before the file "
        f"and {getattr(header, field)} in the list"
        for field in _Header._fields
        if getattr(local, field) != getattr(header, field)
    ]
    if found[_LOCAL.size :] != name:
        differing.append("its two headers disagree: the name")
    return differing


def _raw(name: bytes) -> str:
    return shown(name.decode("latin-1"))


def unpacked(file: BinaryIO, one: Packed) -> Iterator[bytes]:
    """Yield a file's content in pieces of at most a mebibyte.

    Raises Damaged, at the latest after the last piece, if it is not packed in exactly its bytes, is
    of another size or has another checksum.
    """
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    left, made, checksum, feed = one.packed, 0, 0, b""
    file.seek(one.start)
    while not unpack.eof:
        if not feed and left:
            feed = file.read(min(left, _CHUNK))
            if not feed:
                raise Damaged("is cut off")
            left -= len(feed)
        drained = not feed
        try:
            piece = unpack.decompress(feed, _CHUNK)
        except zlib.error:
            raise Damaged("cannot be unpacked") from None
        feed = unpack.unconsumed_tail
        made += len(piece)
        if made > one.size:
            raise Damaged("is larger than its header says")
        checksum = zlib.crc32(piece, checksum)
        yield piece
        if drained and not piece and not unpack.eof:
            raise Damaged("is cut off")
    if left or feed or unpack.unused_data:
        raise Damaged("ends before its packed bytes do")
    if made != one.size:
        raise Damaged("is smaller than its header says")
    if checksum != one.checksum:
        raise Damaged("has another checksum than its header says")
