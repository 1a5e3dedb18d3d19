"""Hash chain: the format of a line of the record, and the check that lines follow each other.

A line is ``<hash> <hash of the line before> <canonical JSON>``; the hash is the SHA-256 of
everything after it. This module does not touch files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.errors import AuditDamaged

START = "0" * 64  # hash before the first entry
TORN = "audit.torn"
_TORN = b'"what":"audit.torn"'
_PREFIX = 130  # two hashes of 64 digits, each with a space


@dataclass(frozen=True, slots=True)
class Head:
    """Last entry of a record; kept elsewhere, it exposes any later change to what precedes it."""

    number: int  # 0 in an empty record
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read ``<number>:<64 hexadecimal digits>``; raise AuditDamaged for anything else."""
        number, _, digest = text.strip().partition(":")
        if not number.isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise AuditDamaged(
                f"{text.strip()[:80]!r} is not the head of a record",
                fix="Copy all of it, as `sightline audit head` prints it",
            )
        return cls(int(number), digest)


@dataclass(frozen=True, slots=True)
class Entry:
    """Entry of the record."""

    number: int  # from 1
    at: datetime  # UTC
    by: Mapping[str, Any]  # see workbench.casework.record.people.Person.named
    what: str  # such as "search.asked"
    about: Mapping[str, Any]
    hash: str
    before: str  # the hash of the entry before

    @property
    def account(self) -> str:
        """Account of the person it names; empty if it names none."""
        return str(self.by.get("account", ""))


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the record was altered."""

    line: int  # from 1
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def canonical(value: object) -> bytes:
    """Encode as canonical JSON: sorted keys, no spaces, ASCII; raise ValueError for NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def is_whole(raw: bytes) -> bool:
    """Check that a line is complete and matches its hash."""
    if len(raw) <= _PREFIX or raw[-1:] != b"\n" or raw[64:65] != b" " or raw[129:130] != b" ":
        return False
    return hashlib.sha256(raw[65:-1]).hexdigest().encode() == raw[:64]


def parsed(raw: bytes) -> Entry | None:
    """Parse a line; None if it is incomplete, does not match its hash, or is not an entry."""
    if not is_whole(raw):
        return None
    try:
        body = json.loads(raw[_PREFIX:-1])
        return Entry(
            number=body["n"],
            at=datetime.fromisoformat(body["at"]),
            by=body["by"],
            what=body["what"],
            about=body["about"],
            hash=raw[:64].decode(),
            before=raw[65:129].decode(),
        )
    except (ValueError, KeyError, TypeError):
        return None


class Lines:
    """Iterate over the lines in *data*, which follow entry *number* with hash *digest*.

    Yields each line that is complete and in its place, including the newline. With ``to_the_end``
    every body is parsed too, and the iteration continues after a fault; otherwise it stops there.
    """

    def __init__(
        self, data: bytes, number: int = 0, digest: str = START, *, to_the_end: bool = False
    ) -> None:
        self._data, self._to_the_end = data, to_the_end
        self._any_torn = _TORN in data
        self.number, self.hash = number, digest
        self.line = number  # in the file, as long as every entry is one line
        self.position = 0  # after the last entry
        self.torn = 0
        self.faults: list[Fault] = []

    @property
    def rest(self) -> bytes:
        """Bytes after the last entry."""
        return self._data[self.position :]

    @property
    def unfinished(self) -> bool:
        """True if the rest can be what interrupted writes left at the end."""
        return not any(is_whole(line + b"\n") for line in self.rest.split(b"\n")[:-1])

    def __iter__(self) -> Iterator[bytes]:
        while self.position < len(self._data):
            raw = self._line_at(self.position)
            chained = is_whole(raw) and raw[65:129] == self.hash.encode()
            skipped = self._torn_here(raw, chained=chained) if self._any_torn else 0
            if skipped:
                self.torn += 1
                self.line += self._data.count(b"\n", self.position, self.position + skipped)
                self.position += skipped
                continue
            self.line += 1
            entry = parsed(raw) if self._to_the_end or not chained else None
            if not chained or (self._to_the_end and not self._is_next(entry)):
                what = self._unreadable(raw) if entry is None else self._misplaced(entry)
                self.faults.append(Fault(self.line, what))
                if not self._to_the_end:
                    self.line -= 1
                    return
            self.position += len(raw)
            self.number = self.number + 1 if entry is None else entry.number
            self.hash = raw[:64].decode("ascii", "replace")
            if chained or entry is not None:
                yield raw

    def _is_next(self, entry: Entry | None) -> bool:
        return entry is not None and entry.number == self.number + 1

    def _line_at(self, position: int) -> bytes:
        end = self._data.find(b"\n", position)
        return self._data[position:] if end < 0 else self._data[position : end + 1]

    def _torn_here(self, raw: bytes, *, chained: bool) -> int:
        """Count the bytes up to an entry that declares them interrupted; 0 if none does."""
        at = self.position + len(raw)
        following = self._line_at(at)
        # A complete line may have lost only its newline: look one line ahead.
        if chained and _TORN not in following:
            return 0
        while following:
            declared = parsed(following)
            if declared is not None:
                region = self._data[self.position : at]
                damage = {"bytes": len(region), "sha256": hashlib.sha256(region).hexdigest()}
                place = (declared.number, declared.before)
                is_torn = declared.what == TORN and declared.about == damage
                return len(region) if is_torn and place == (self.number + 1, self.hash) else 0
            at += len(following)
            following = self._line_at(at)
        return 0

    def _unreadable(self, raw: bytes) -> str:
        if raw[-1:] != b"\n":
            return f"entry {self.number + 1} was cut after {len(raw)} bytes"
        return f"entry {self.number + 1} was changed: it does not match its hash"

    def _misplaced(self, entry: Entry) -> str:
        if entry.number > self.number + 1:
            return f"entries {self.number + 1} to {entry.number - 1} before it were removed"
        if entry.number <= self.number:
            return f"entry {entry.number} comes after entry {self.number}: moved or written twice"
        return f"entry {self.number}, which precedes it, was replaced"
