"""Archives that two readers read differently, each made from a sound one.

Each function takes the bytes of an archive and gives those of another. All that a reader needs to
follow them is put right: the list at the end is where the end says, checksums fit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

REPORT = b"<h1>FORGED REPORT</h1>"
LOCAL, LISTED, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
LOCAL_FIELDS = {
    "needed": (4, 2), "flags": (6, 2), "method": (8, 2), "time": (10, 2), "date": (12, 2),
    "checksum": (14, 4), "packed": (18, 4), "size": (22, 4), "name": (26, 2), "extra": (28, 2),
}  # fmt: skip
LISTED_FIELDS = {
    "made by": (4, 2), "needed": (6, 2), "flags": (8, 2), "method": (10, 2), "time": (12, 2),
    "date": (14, 2), "checksum": (16, 4), "packed": (20, 4), "size": (24, 4), "name": (28, 2),
    "extra": (30, 2), "comment": (32, 2), "disk": (34, 2), "internal": (36, 2),
    "attributes": (38, 4), "offset": (42, 4),
}  # fmt: skip
END_FIELDS = {
    "disk": (4, 2), "first disk": (6, 2), "here": (8, 2), "total": (10, 2), "size": (12, 4),
    "offset": (16, 4), "comment": (20, 2),
}  # fmt: skip


def entry(
    name: bytes, content: bytes, *, flags: int = 0, extra: bytes = b""
) -> tuple[bytes, bytes]:
    """A file as it stands in an archive, and its line in the list but for the offset."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = pack.compress(content) + pack.flush()
    fields = struct.pack(
        "<HHHHHIIIHH",
        20, 0, 8, 0, 33, zlib.crc32(content), len(packed), len(content), len(name), 0,
    )  # fmt: skip
    listed = LISTED + struct.pack("<H", 3 << 8 | 20) + fields
    listed += struct.pack("<HHHI", 0, 0, 0, 0o600 << 16)
    return LOCAL + fields + name + packed, listed


def archive(*parts: tuple[bytes, bytes, bytes]) -> bytes:
    """An archive of (name, file, line): any names, in any number."""
    files, lines = b"", b""
    for name, file, line in parts:
        lines += line + struct.pack("<I", len(files)) + name
        files += file
    return files + lines + ended(len(parts), len(lines), len(files))


def ended(count: int, size: int, offset: int) -> bytes:
    return END + struct.pack("<HHHHIIH", 0, 0, count, count, size, offset, 0)


def taken_apart(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The files, the lines of the list, and the end."""
    size, offset = struct.unpack_from("<II", data, len(data) - 10)
    files, rest, lines = data[:offset], data[offset : offset + size], []
    while rest:
        name, extra, comment = struct.unpack_from("<HHH", rest, 28)
        length = 46 + name + extra + comment
        lines.append(rest[:length])
        rest = rest[length:]
    return files, lines, data[-22:]


def put(data: bytes, at: int, width: int, value: int) -> bytes:
    return data[:at] + value.to_bytes(width, "little") + data[at + width :]


def moved(line: bytes, by: int) -> bytes:
    return put(line, 42, 4, int.from_bytes(line[42:46], "little") + by)


def together(files: bytes, lines: list[bytes], *, count: int | None = None) -> bytes:
    listed = b"".join(lines)
    return files + listed + ended(len(lines) if count is None else count, len(listed), len(files))


def before_the_list(data: bytes) -> bytes:
    """A report after the last file that is listed: a reader that goes from the front finds it."""
    files, lines, _ = taken_apart(data)
    return together(files + entry(b"report.html", REPORT)[0], lines)


def between_two_files(data: bytes) -> bytes:
    """A report between two files that are listed."""
    files, lines, _ = taken_apart(data)
    hidden = entry(b"report.html", REPORT)[0]
    at = int.from_bytes(lines[3][42:46], "little")
    later = [moved(line, len(hidden)) for line in lines[3:]]
    return together(files[:at] + hidden + files[at:], [*lines[:3], *later])


def bytes_before(data: bytes) -> bytes:
    """A script before the archive, with all places put right."""
    files, lines, _ = taken_apart(data)
    script = b"#!/bin/sh\nrm -r ~\nexit\n"
    return together(script + files, [moved(line, len(script)) for line in lines])


def bytes_before_unknown_to_it(data: bytes) -> bytes:
    """A script before the archive: most readers look for the rest from behind."""
    return b"#!/bin/sh\nrm -r ~\nexit\n" + data


def bytes_after(data: bytes) -> bytes:
    """A page after the end."""
    return data + REPORT


def a_comment(data: bytes) -> bytes:
    """A page as the comment of the archive."""
    return put(data, len(data) - 2, 2, len(REPORT)) + REPORT


def another_archive_after(data: bytes) -> bytes:
    """Two archives, one after the other: the second is found from behind, the first from before."""
    name = b"report.html"
    return archive((name, *entry(name, REPORT))) + data


def another_end_in_a_comment(data: bytes) -> bytes:
    """Two ends, the second of them in the comment of the first, each for the same list."""
    files, lines, _ = taken_apart(data)
    listed = b"".join(lines)
    second = ended(len(lines), len(listed), len(files))
    first = put(ended(0, 0, 0), 20, 2, len(second))
    return files + listed + first + second


def a_list_before_the_list(data: bytes) -> bytes:
    """Two lists, of which the end names the second."""
    files, lines, _ = taken_apart(data)
    return together(files + b"".join(reversed(lines)), lines)


def a_file_not_counted(data: bytes) -> bytes:
    """A file more in the list than the end counts."""
    files, lines, _ = taken_apart(data)
    name = b"shots/0009-x.jpg"
    hidden, line = entry(name, REPORT)
    more = line + struct.pack("<I", len(files)) + name
    return together(files + hidden, [*lines, more], count=len(lines))


def one_file_listed_twice(data: bytes) -> bytes:
    """Two lines for the same bytes: they overlap."""
    files, lines, _ = taken_apart(data)
    twin = lines[-1].replace(b"record.jsonl", b"record.jsonk")
    return together(files, [*lines, twin])


def lines_out_of_order(data: bytes) -> bytes:
    """The list names the files in another order than they have."""
    files, lines, _ = taken_apart(data)
    return together(files, [*lines[1:], lines[0]])


def a_wide_end(data: bytes) -> bytes:
    """ZIP64 records that name another list."""
    files, lines, _ = taken_apart(data)
    listed, forged = b"".join(lines), lines[0]
    wide = b"PK\6\6" + struct.pack(
        "<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(forged), len(files) + len(listed)
    )
    at = len(files) + len(listed) + len(forged)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at, 1)
    end = put(put(ended(len(lines), len(listed), len(files)), 10, 2, 0xFFFF), 8, 2, 0xFFFF)
    return files + listed + forged + wide + locator + end


def slack_in_a_file(data: bytes) -> bytes:
    """Bytes after what a file unpacks to, counted as its own."""
    files, lines, _ = taken_apart(data)
    size = int.from_bytes(lines[-1][20:24], "little") + len(REPORT)
    at = int.from_bytes(lines[-1][42:46], "little")
    files = put(files, at + 18, 4, size) + REPORT
    return together(files, [*lines[:-1], put(lines[-1], 20, 4, size)])


def a_descriptor(data: bytes) -> bytes:
    """A file whose sizes follow it, so that its header has none."""
    files, lines, _ = taken_apart(data)
    at = int.from_bytes(lines[-1][42:46], "little")
    files = put(put(files, at + 6, 2, 8), at + 14, 12, 0) + b"PK\7\x08" + lines[-1][16:28]
    return together(files, [*lines[:-1], put(lines[-1], 8, 2, 8)])


def a_field_of_both_headers(field: str) -> Callable[[bytes], bytes]:
    """A file whose two headers agree on a value that no file of ours has."""

    def change(data: bytes) -> bytes:
        files, lines, _ = taken_apart(data)
        at = int.from_bytes(lines[-1][42:46], "little")
        (here, width), (there, _) = LOCAL_FIELDS[field], LISTED_FIELDS[field]
        value = int.from_bytes(lines[-1][there : there + width], "little") ^ 2
        return together(
            put(files, at + here, width, value), [*lines[:-1], put(lines[-1], there, width, value)]
        )

    return change


def an_extra_field(data: bytes) -> bytes:
    """An extra field in both headers: a name in Unicode that some readers prefer."""
    files, lines, _ = taken_apart(data)
    at = int.from_bytes(lines[-1][42:46], "little")
    name = lines[-1][46:]
    extra = b"up" + struct.pack("<HBI", 5 + 11, 1, zlib.crc32(name)) + b"report.html"
    begin = at + 30 + len(name)
    files = put(files[:begin] + extra + files[begin:], at + 28, 2, len(extra))
    return together(files, [*lines[:-1], put(lines[-1], 30, 2, len(extra)) + extra])


POLYGLOTS = {
    made.__name__: made
    for made in (
        before_the_list, between_two_files, bytes_before, bytes_before_unknown_to_it, bytes_after,
        a_comment, another_archive_after, another_end_in_a_comment, a_list_before_the_list,
        a_file_not_counted, one_file_listed_twice, lines_out_of_order, a_wide_end, slack_in_a_file,
        a_descriptor, an_extra_field,
    )
} | {
    f"{field} of both headers": a_field_of_both_headers(field)
    for field in ("needed", "flags", "method", "time", "date", "checksum", "packed", "size")
}  # fmt: skip
