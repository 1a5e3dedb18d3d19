"""Files of a recording, a film or a sequence of pictures, and a stamp that shows changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_CHUNK = 2**20
# Suffixes of what lies beside the pictures of a sequence.
NO_PICTURES = (".csv", ".db", ".htm", ".html", ".ini", ".json", ".lnk", ".log", ".md", ".txt",
               ".url", ".xml")  # fmt: skip


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

    Numbers in names are in their natural order: 9.jpg comes before 10.jpg. What a system or a
    person puts beside pictures is none of them: hidden files, lists, notes.
    """
    if is_sequence(path):
        return tuple(sorted(_pictures(path, path.parent.glob(path.name)), key=_natural))
    return (path,) if path.is_file() else ()


def alike_but_for_case(path: Path) -> int:
    """Number of files that only capital letters keep out of a sequence of pictures."""
    pattern = path.name.lower()
    near = (file for file in path.parent.iterdir() if fnmatchcase(file.name.lower(), pattern))
    return len(set(_pictures(path, near)) - set(path.parent.glob(path.name)))


def _pictures(path: Path, files: Iterable[Path]) -> Iterator[Path]:
    hidden = path.name.startswith(".")
    for file in files:
        if file.name.startswith(".") and not hidden:
            continue
        if file.suffix.lower() not in NO_PICTURES and file.is_file():
            yield file


def at_hand(file: str, roots: Iterable[Path], *, sha256: str = "") -> Path | None:
    """Find a catalogued recording below one of these folders; None if it is below none.

    Folders may hold different files of one name: with *sha256*, the one of that content, or, where
    none has it, the first. Raises OSError if one of several cannot be read.
    """
    there = (root / file for root in roots if files_of(root / file))
    found = list({path.resolve(): path for path in there}.values())
    if sha256 and len(found) > 1:
        same = (path for path in found if sha256_of(path) == sha256)
        return next(same, found[0])
    return found[0] if found else None


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
    """Sorts names as people count: runs of digits, of any script, by their number, else as text.

    Without the suffix: IMG.jpg comes before IMG (2).jpg.
    """
    parts = re.findall(r"\d+|\D+", file.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], file.name
