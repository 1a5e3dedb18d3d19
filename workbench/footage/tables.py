"""Tables as spreadsheets write them: any separator, byte order mark and decimal comma."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from workbench.errors import CatalogueError

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
    separator is not a comma, a comma in a number is a decimal one.

    Raises
    ------
    CatalogueError
        If the file does not exist, cannot be read as a table, or lacks a column.
    """
    lines = io.StringIO(_text(path, columns), newline="")
    first, skipped = lines.readline(), 0
    if first.strip().lower().startswith("sep="):
        first, skipped = lines.readline(), 1
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
                yield where, {k: _number(v, separator) for k, v in fields.items()}
    except csv.Error as error:
        raise _unreadable(path, str(error)) from None


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
    found = {}
    for separator in SEPARATORS:
        names = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        found[separator] = [name.strip() for name in names]
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
