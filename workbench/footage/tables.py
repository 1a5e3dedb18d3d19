"""Tables as spreadsheets write them: any separator, byte order mark and decimal comma."""

from __future__ import annotations

import codecs
import contextlib
import csv
import errno
import fcntl
import io
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from workbench.domain.spreadsheets import as_written, inert
from workbench.errors import CatalogueError, unwritten

# What a disk says that knows no locks, or, as NFS, none of folders.
_NO_LOCKS = {errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
SEPARATORS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Row = tuple[str, dict[str, str]]
"""Where a row stands, for messages, and its fields by column."""


def read_table(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a table that has at least these columns, in any order.

    Separated by commas, semicolons, tabs or bars, whichever makes the first line hold the columns;
    in UTF-8, or in UTF-16 with a byte order mark. A first line ``sep=;`` is skipped. Where the
    separator is not a comma, a comma in a number is a decimal one. An apostrophe that stands before
    what a spreadsheet would take for a formula is not part of a text.

    Raises
    ------
    CatalogueError
        If the file does not exist, cannot be read as a table, or lacks a column.
    """
    lines, first, skipped = _first_line(path, columns)
    separator = _separator(path, first, columns)
    reader = csv.DictReader(
        chain([first], lines), strict=True, delimiter=separator, skipinitialspace=True
    )
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        for row in reader:
            # Short rows give None; fields too many come under the key None.
            fields = {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}
            if any(fields.values()):
                where = f"{path.name} line {reader.line_num + skipped}"
                yield where, {k: as_written(_number(v, separator)) for k, v in fields.items()}
    except csv.Error as error:
        raise _unreadable(path, str(error)) from None


def columns_of(path: Path) -> tuple[str, ...]:
    """The names in the first line of a table whose columns are not known, as they are written.

    Raises
    ------
    CatalogueError
        If the file does not exist or cannot be read as a table.
    """
    _, first, _ = _first_line(path, ())
    several = [tuple(_names(path, first, separator)) for separator in SEPARATORS]
    return max(several, key=lambda names: len(names))


def with_rows(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, leave: Sequence[str]
) -> bytes:
    """The content of a table with rows added at its end, as the table itself is written.

    Its rows stay as they are, byte for byte; a column that it lacks is added to its first line. A
    text that a spreadsheet would take for a formula is written with an apostrophe before it.

    Parameters
    ----------
    columns : sequence of str
        Columns that the table must have.
    rows : sequence of mapping
        Fields by column.
    leave : sequence of str
        Columns that are not added, but left out where the table does not have them.

    Raises
    ------
    CatalogueError
        If the file is not such a table.
    """
    lines, first, _ = _first_line(path, columns)
    separator = _separator(path, first, columns)
    names = _names(path, first, separator)
    filled = {name: None for row in rows for name, text in row.items() if text}
    missing = [name for name in filled if name not in names and name not in leave]
    bare = first.rstrip("\r\n")
    wider = bare + "".join(f"{separator}{name}" for name in missing) + first[len(bare) :]
    text = lines.getvalue().replace(first, wider, 1)
    ending = "\r\n" if first.endswith("\r\n") else "\n"
    added = io.StringIO(newline="")
    writer = csv.DictWriter(
        added,
        [*names, *missing],
        extrasaction="ignore",
        delimiter=separator,
        lineterminator=ending,
    )
    writer.writerows({name: inert(field) for name, field in row.items()} for row in rows)
    if not text.endswith(("\n", "\r")):
        text += ending
    mark, encoding = _encoding(path.read_bytes())
    return mark + (text + added.getvalue()).encode(encoding)


def append_row(path: Path, columns: Sequence[str], row: Mapping[str, str]) -> None:
    """Add a row to a table, which is made with these columns if there is none.

    The other rows stay as they are; a column that the table lacks is added to its first line. It is
    replaced in one go: readers see it with the row or without it, and so does a machine that loses
    power.

    Raises
    ------
    CatalogueError
        If the table cannot be read, lacks one of *columns*, or cannot be written.
    """
    with changing(path.parent):
        _make_table(path, columns)
        replace_file(path, with_rows(path, columns, [row], leave=()))


def make_table(path: Path, columns: Sequence[str]) -> None:
    """Make a table with these columns and no rows, unless it is there.

    Raises CatalogueError if it cannot be written.
    """
    with changing(path.parent):
        _make_table(path, columns)


def _make_table(path: Path, columns: Sequence[str]) -> None:
    if not path.exists():
        replace_file(path, (",".join(columns) + "\n").encode())


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Keep others from changing the tables of a folder between reading them and replacing them.

    A network share may know no such locks: who changes a table there has to be the only one.

    Raises
    ------
    CatalogueError
        If the folder cannot be opened.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritten(folder, error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise _unwritten(folder, error) from None
        yield
    finally:
        os.close(handle)


def remove_rows(path: Path, columns: Sequence[str], gone: Collection[str]) -> None:
    """Remove the rows of a table whose first of these columns is one of some texts.

    The other rows stay as they are, byte for byte; it is replaced in one go.

    Raises
    ------
    CatalogueError
        If the table cannot be read or written, or lacks one of *columns*.
    """
    with changing(path.parent):
        replace_file(path, _without_rows(path, columns, gone))


def _without_rows(path: Path, columns: Sequence[str], gone: Collection[str]) -> bytes:
    lines, first, _ = _first_line(path, columns)
    separator = _separator(path, first, columns)
    at = _names(path, first, separator).index(columns[0])
    kept, raw = [lines.getvalue()[: lines.tell()]], list[str]()

    def each() -> Iterator[str]:
        for line in lines:
            raw.append(line)
            yield line

    try:
        for fields in csv.reader(each(), strict=True, delimiter=separator, skipinitialspace=True):
            if len(fields) <= at or as_written(fields[at].strip()) not in gone:
                kept += raw
            raw.clear()
    except csv.Error as error:
        raise _unreadable(path, str(error)) from None
    mark, encoding = _encoding(path.read_bytes())
    return mark + "".join(kept).encode(encoding)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file in one go; the new one is on the disk before it takes the name.

    Raises
    ------
    CatalogueError
        If the file cannot be written.
    """
    path = path.resolve()  # a link stays one
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        made, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(made, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(made)
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> CatalogueError:
    what, fix = unwritten(error, fix="Check the folder's permissions and the disk")
    return CatalogueError(what, where=str(path), fix=fix)


def _encoding(content: bytes) -> tuple[bytes, str]:
    """The byte order mark that a text begins with, and the encoding of what follows it."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return mark, encoding
    return b"", "utf-8"


def _first_line(path: Path, columns: Sequence[str]) -> tuple[io.StringIO, str, int]:
    """The text after its first line, that line, and the number of lines before it."""
    lines = io.StringIO(_text(path, columns), newline="")
    first, skipped = lines.readline(), 0
    if first.strip().lower().startswith("sep="):
        first, skipped = lines.readline(), 1
    return lines, first, skipped


def _names(path: Path, line: str, separator: str) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        raise _unreadable(path, str(error)) from None
    return [name.strip() for name in names]


def _text(path: Path, columns: Sequence[str]) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CatalogueError(
            "is missing", where=str(path), fix=f"Write one with the columns {', '.join(columns)}"
        ) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not in UTF-8") from None


def _separator(path: Path, line: str, columns: Sequence[str]) -> str:
    found = {separator: _names(path, line, separator) for separator in SEPARATORS}
    for separator, names in found.items():
        if all(name in names for name in columns):
            return separator
    most = max(SEPARATORS, key=lambda separator: len(set(found[separator]) & set(columns)))
    missing = [name for name in columns if name not in found[most]]
    raise CatalogueError(
        f"has no column {', '.join(missing)}",
        where=str(path),
        fix=f"Write a first line with {','.join(columns)}",
    )


def _number(text: str, separator: str) -> str:
    """A decimal comma as a point, in what is nothing but a number."""
    whole, comma, rest = text.partition(",")
    number = separator != "," and comma and whole.lstrip("+-").isdigit() and rest.isdigit()
    return f"{whole}.{rest}" if number else text


def _unreadable(path: Path, why: str) -> CatalogueError:
    return CatalogueError(
        f"cannot be read as a table ({why})", where=str(path), fix="Save it as CSV in UTF-8"
    )
