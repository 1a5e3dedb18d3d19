"""Files of a recording, a film or a sequence of pictures, and a stamp that shows changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Stamp:
    """Sizes and times of files, by which a change shows without reading them."""

    size_bytes: int  # of all
    modified_ns: int  # the latest
    identity: int  # of the very files, for comparisons within one run


def is_sequence(path: Path) -> bool:
    """Return True if a path names a sequence of pictures: its last part is a pattern."""
    return any(letter in path.name for letter in "*?[") and not path.exists()


def files_of(path: Path) -> tuple[Path, ...]:
    """The files of a recording in the order of their names; none where there are none.

    Numbers in names are in their natural order: 9.jpg comes before 10.jpg.
    """
    if is_sequence(path):
        files = (file for file in path.parent.glob(path.name) if file.is_file())
        return tuple(sorted(files, key=_natural))
    return (path,) if path.is_file() else ()


def at_hand(file: str, roots: Iterable[Path]) -> Path | None:
    """Find a catalogued recording below one of these folders; None if it is below none."""
    return next((root / file for root in roots if files_of(root / file)), None)


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a recording's files; None where none exist."""
    try:
        found = [file.stat() for file in files_of(path)]
    except OSError:
        return None
    if not found:
        return None
    return Stamp(
        sum(status.st_size for status in found),
        max(status.st_mtime_ns for status in found),
        hash(tuple((s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns) for s in found)),
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of the content, in hexadecimal; of a sequence, of its pictures one after another.

    Raises OSError if a file cannot be read.
    """
    digest = hashlib.sha256()
    for part in files_of(path) or (path,):
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts names as people count: runs of digits by their number, the rest as text."""
    parts = re.findall(r"[0-9]+|[^0-9]+", file.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], file.name
