"""Tables for spreadsheets, in which no text is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# What begins a formula (OWASP, CSV injection), also in the widths of East Asia, where a program
# takes them for one another.
_SIGNS = "=+\\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# What a program may skip before it looks.
_SKIPPED = r"\s'\u00ad\u200b-\u200f\u2060\ufeff"
_BEGINS = f"(?=[{_SKIPPED}]*[{_SIGNS}])"
# A cell, or what becomes one where another separator is taken than the one that was written.
_CELL = r"(?:^|(?<=[;|\t\r\n]))"
_FORMULA = re.compile(f"{_CELL}{_BEGINS}|^(?='*[\t\r\n])")
_MARKED = re.compile(f"{_CELL}'{_BEGINS}|^'(?='*[\t\r\n])")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def inert(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would take for a formula.

    Numbers stay numbers. :func:`as_written` takes the apostrophes away again.

    >>> inert("=1+1"), inert("-0.5"), inert("-2+3+cmd|' /C calc'!A0")
    ("'=1+1", '-0.5', "'-2+3+cmd|' /C calc'!A0")
    """
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("'", text)


def as_written(text: str) -> str:
    """Return the text of which :func:`inert` made this one.

    >>> as_written("'=1+1"), as_written("it's")
    ('=1+1', "it's")
    """
    return _MARKED.sub("", text)


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Write rows as CSV, the names of the columns first; an empty cell for None."""
    page = io.StringIO(newline="")
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(inert(cell) if isinstance(cell, str) else cell for cell in row)
    return page.getvalue()
