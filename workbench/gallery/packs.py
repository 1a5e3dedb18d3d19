"""Packs of pictures: each shot's JPEG and template, written once, whatever becomes of its rows.

A pack is :data:`MAGIC` and then records, one after the other: a header, the template of the shot
(float32, little-endian, as many as the profile has) and its JPEG. Rows of parts name a record by
number of the pack, offset and length. Merging moves rows and no pictures.

What is to go is erased: the pack is written again, as another object under the same number, with
zeros in the place of the record. So all other addresses stay right.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from workbench.errors import GalleryError
from workbench.gallery.entries import PackEntry
from workbench.gallery.storage import Storage, Written

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.domain import Vector

T = TypeVar("T")
MAGIC = b"SLPACK1\n"
# A purge of one recording writes the packs again that hold its pictures.
MOST_BYTES = 2**26
# Recording as a number, ordinal, rank, flags; length of what follows and the CRC-32 of it all.
_HEADER = struct.Struct("<QIHHII")
_BEFORE_CRC = _HEADER.size - 4
_ERASED = 1  # flag


class Address(NamedTuple):
    """Place of a record: number of the pack, first byte in it, and length, both in bytes."""

    pack: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A shot as a pack has it: ``rank`` 0 is the best of its tracklet."""

    recording_id: str  # 16 hexadecimal digits
    ordinal: int
    rank: int
    template: Vector = field(repr=False)  # (dimension,) float32
    jpeg: bytes = field(repr=False)

    @property
    def length(self) -> int:
        """Length of its record in bytes."""
        return _HEADER.size + self.template.nbytes + len(self.jpeg)


def divide(recordings: Sequence[Sequence[Picture]], most: int = MOST_BYTES) -> list[list[Picture]]:
    """Pictures of recordings in as many lists as they need packs.

    Those of one recording come into one pack where they fit into one, so that a purge of it
    touches few.
    """
    packs: list[list[Picture]] = []
    whole_pack = most - len(MAGIC)
    room = 0
    for pictures in recordings:
        if room < sum(picture.length for picture in pictures) <= whole_pack:
            room = 0
        for picture in pictures:
            if picture.length > room:
                packs.append([])
                room = whole_pack
            packs[-1].append(picture)
            room -= picture.length
    return packs


def write_pack(
    storage: Storage, reserved: PackEntry, pictures: Iterable[Picture]
) -> tuple[PackEntry, list[Address]]:
    """Write a pack under a name that was reserved; return its entry, and where each picture is.

    Raises GalleryError if it cannot be written.
    """
    addresses = []
    with storage.writing(reserved.object) as sink:
        sink.write(MAGIC)
        for picture in pictures:
            addresses.append(Address(reserved.pack, sink.tell(), picture.length))
            sink.write(_record(picture))
    size, sha256 = sink.written
    live = size - len(MAGIC)
    return reserved._replace(bytes=size, live_bytes=live, sha256=sha256), addresses


def _record(picture: Picture, flags: int = 0) -> bytes:
    payload = np.ascontiguousarray(picture.template, "<f4").tobytes() + picture.jpeg
    about = int(picture.recording_id, 16), picture.ordinal, picture.rank, flags, len(payload)
    header = _HEADER.pack(*about, 0)[:_BEFORE_CRC]
    return header + zlib.crc32(payload, zlib.crc32(header)).to_bytes(4, "little") + payload


def read_pictures(
    storage: Storage,
    packs: Callable[[int], PackEntry],
    addresses: Sequence[Address],
    dimension: int,
    *,
    mapped: Callable[[PackEntry], pa.Buffer] | None = None,
) -> list[Picture]:
    """Pictures at some addresses, with their templates, in their order; each pack is opened once.

    Parameters
    ----------
    packs : callable
        Gives the entry of a pack by its number.
    dimension : int
        Of the templates.
    mapped : callable, optional
        Gives all of a pack where it is mapped already, for storage on this machine.

    Raises
    ------
    ObjectGone
        If a pack was dropped meanwhile.
    GalleryError
        If a record was erased, or is not as it was written.
    """

    def picture(record: bytes, length: int) -> Picture:
        return _picture(record, length, dimension)

    return _read(storage, packs, addresses, mapped, picture)


def read_jpegs(
    storage: Storage,
    packs: Callable[[int], PackEntry],
    addresses: Sequence[Address],
    dimension: int,
    *,
    mapped: Callable[[PackEntry], pa.Buffer] | None = None,
) -> list[bytes]:
    """Read the same as :func:`read_pictures`, and give the encoded pictures alone."""
    begin = _HEADER.size + 4 * dimension

    def jpeg(record: bytes, length: int) -> bytes:
        _checked(record, length, dimension)
        return record[begin:]

    return _read(storage, packs, addresses, mapped, jpeg)


def _read(
    storage: Storage,
    packs: Callable[[int], PackEntry],
    addresses: Sequence[Address],
    mapped: Callable[[PackEntry], pa.Buffer] | None,
    made: Callable[[bytes, int], T],
) -> list[T]:
    found: dict[int, T] = {}
    order = sorted(range(len(addresses)), key=lambda n: addresses[n])
    begin = 0
    while begin < len(order):
        number = addresses[order[begin]].pack
        end = begin
        while end < len(order) and addresses[order[end]].pack == number:
            end += 1
        entry = packs(number)
        of_pack = order[begin:end]
        records = _records_of(storage, entry, [addresses[place] for place in of_pack], mapped)
        for place, record in zip(of_pack, records, strict=True):
            try:
                found[place] = made(record, addresses[place].length)
            except ValueError:
                raise _altered(storage.where(entry.object)) from None
            except _Erased:
                raise GalleryError(
                    "a picture in it was removed",
                    where=storage.where(entry.object),
                    fix="Search again",
                ) from None
        begin = end
    return [found[place] for place in range(len(addresses))]


def _records_of(
    storage: Storage,
    entry: PackEntry,
    addresses: Sequence[Address],
    mapped: Callable[[PackEntry], pa.Buffer] | None,
) -> list[bytes]:
    if mapped is not None:
        view = memoryview(mapped(entry))
        return [bytes(view[one.offset : one.offset + one.length]) for one in addresses]
    with storage.reading(entry.object) as file:
        return [file.read_at(one.length, one.offset) for one in addresses]


class _Erased(Exception):
    """The record of a picture is there no more."""


def _checked(record: bytes, length: int, dimension: int) -> tuple[int, int, int]:
    """Recording, ordinal and rank; raise ValueError if a record is not as written, or _Erased."""
    if len(record) != length or length < _HEADER.size + 4 * dimension:
        raise ValueError("it is cut off")
    recording, ordinal, rank, flags, size, crc = _HEADER.unpack_from(record)
    if size != length - _HEADER.size or crc != _crc(record):
        raise ValueError("its checksum is another")
    if flags & _ERASED:
        raise _Erased
    return recording, ordinal, rank


def _picture(record: bytes, length: int, dimension: int) -> Picture:
    recording, ordinal, rank = _checked(record, length, dimension)
    begin = _HEADER.size + 4 * dimension
    template = np.frombuffer(record, "<f4", dimension, _HEADER.size)
    return Picture(f"{recording:016x}", ordinal, rank, template, record[begin:])


def _crc(record: bytes) -> int:
    view = memoryview(record)  # nothing is copied
    return zlib.crc32(view[_HEADER.size :], zlib.crc32(view[:_BEFORE_CRC]))


def _altered(where: str) -> GalleryError:
    return GalleryError(
        "a picture in it is not as it was stored", where=where, fix="Restore it from a copy"
    )


class Record(NamedTuple):
    """A record as it lies in a pack, for checks: its header, and if it is as it was written."""

    address: Address
    recording_id: str
    ordinal: int
    rank: int
    is_erased: bool
    is_whole: bool


def records(storage: Storage, entry: PackEntry) -> Iterator[Record]:
    """All records of a pack, from its first byte to its last.

    Raises GalleryError if it is not a pack, or ends in the middle of a record.
    """
    with storage.reading(entry.object, Written(entry.bytes, entry.sha256)) as file:
        for offset, record in _walk(file, storage.where(entry.object)):
            recording, ordinal, rank, flags, _, crc = _HEADER.unpack_from(record)
            yield Record(
                Address(entry.pack, offset, len(record)), f"{recording:016x}", ordinal, rank,
                is_erased=bool(flags & _ERASED), is_whole=crc == _crc(record),
            )  # fmt: skip


def _walk(file: pa.NativeFile, where: str) -> Iterator[tuple[int, bytes]]:
    """Offsets and bytes of records, from the beginning of a pack."""
    if file.read(len(MAGIC)) != MAGIC:
        raise GalleryError("is not a pack of pictures", where=where, fix="Restore it from a copy")
    offset = len(MAGIC)
    while header := file.read(_HEADER.size):
        size = _HEADER.unpack(header)[4] if len(header) == _HEADER.size else -1
        payload = file.read(size) if size >= 0 else b""
        if len(payload) != size:
            raise GalleryError("ends too early", where=where, fix="Restore it from a copy")
        yield offset, header + payload
        offset += _HEADER.size + size


def erase(
    storage: Storage, entry: PackEntry, reserved: PackEntry, addresses: Collection[Address]
) -> PackEntry:
    """Write a pack again under a name that was reserved, without the records at some addresses.

    Zeros are in their place, so that the addresses of all others stay. Returns its new entry.

    Raises
    ------
    ObjectGone
        If the pack was dropped meanwhile.
    GalleryError
        If an address is not that of a record, or the pack cannot be read or written.
    """
    gone = {address.offset: address.length for address in addresses}
    where, erased = storage.where(entry.object), 0
    whole = Written(entry.bytes, entry.sha256)
    with storage.reading(entry.object, whole) as file, storage.writing(reserved.object) as sink:
        sink.write(MAGIC)
        for offset, record in _walk(file, where):
            length = gone.pop(offset, None)
            if length is None:
                sink.write(record)
                continue
            if length != len(record):
                raise _altered(where)
            flags, size = _HEADER.unpack_from(record)[3:5]
            erased += 0 if flags & _ERASED else length
            nothing = Picture("0" * 16, 0, 0, np.empty(0, np.float32), bytes(size))
            sink.write(_record(nothing, _ERASED))
        if gone:
            raise _altered(where)
    size, sha256 = sink.written
    live = entry.live_bytes - erased
    return reserved._replace(bytes=size, live_bytes=live, sha256=sha256)


__all__ = [
    "MAGIC",
    "MOST_BYTES",
    "Address",
    "Picture",
    "Record",
    "divide",
    "erase",
    "read_jpegs",
    "read_pictures",
    "records",
    "write_pack",
]
