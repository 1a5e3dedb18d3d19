"""Audit record: append-only, hash-chained, safe against ``kill -9`` at any byte.

An entry is a line, ``<hash> <hash of the entry before> <canonical JSON>``, where the hash is the
SHA-256 of everything after it. A change, removal or reordering therefore breaks the chain where it
was made. The number and hash of the last entry, the *head*, are also kept in a file of their own,
so that lines cut off at the end are noticed, and printed on every export, so that the head can be
kept where no one here can reach it: only such a pin exposes an end that was rewritten as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.chain import (
    START,
    TORN,
    Entry,
    Fault,
    Head,
    Lines,
    canonical,
    parsed,
)
from workbench.casework.record.keys import SIGNATURE, signed_text
from workbench.errors import AuditBusy, AuditDamaged, refuse_others

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOG, HEAD = "audit.log", "audit.head"
PATIENCE = 15.0  # seconds to wait for the lock: an entry takes less than a thousandth of it
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of verifying every line of a record."""

    entries: int
    head: Head
    faults: tuple[Fault, ...]
    torn: int  # interrupted writes, each declared by the entry after it

    @property
    def sound(self) -> bool:
        """True if no fault was found."""
        return not self.faults


class AuditLog:
    """Audit record in a folder, for reading and appending; safe between processes.

    Parameters
    ----------
    folder : Path
        Folder of ``audit.log`` and ``audit.head``; made if it does not exist.
    kinds : tuple of str
        Return only entries whose kind begins with one of these; by default all. Every line is
        checked in any case, but entries of other kinds need not be parsed.

    Raises
    ------
    AuditDamaged
        By every method, if the record is not one unbroken chain, is shorter than its head says, or
        one of its files is a link or writable by everyone.
    AuditBusy
        By every method, if another process holds the record for longer than ``PATIENCE``.
    """

    def __init__(self, folder: Path, *, kinds: tuple[str, ...] = ("",)) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            refuse_others(folder, error)
            raise
        self.folder, self._kinds = folder, kinds
        self._marks = tuple(f'"what":"{kind}'.encode() for kind in kinds)
        self._held: int | None = None  # the file, while this process holds the exclusive lock
        self._ahead: list[Entry] = []  # read, but not yet returned
        self._inode, self._offset, self._number, self._hash = -1, 0, 0, START
        self._last_line = b""

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.folder / LOG

    @property
    def head(self) -> Head:
        """Number and hash of the last entry read by this process; see :meth:`read_new`."""
        return Head(self._number, self._hash)

    @property
    def last_at(self) -> datetime | None:
        """Time of the last entry read (UTC); None before the first."""
        entry = parsed(self._last_line)
        return entry.at if entry else None

    def append(
        self,
        what: str,
        by: Mapping[str, Any],
        about: Mapping[str, Any],
        *,
        key: Ed25519PrivateKey | None = None,
    ) -> list[Entry]:
        """Write an entry to the disk; return those of others since the last read, then this one.

        With *key*, it is signed: see :mod:`workbench.casework.record.keys`.
        """
        with self.exclusively():
            assert self._held is not None
            line = self._write(self._held, what, by, about, key)
            own, found, self._ahead = parsed(line), self._ahead, []
            assert own is not None
            self._number, self._hash, self._last_line = own.number, own.hash, line
            self._offset += len(line)
            return [*found, own]

    def read_new(self) -> list[Entry]:
        """Return the entries added since the last call; at the first call, all of them."""
        with self._locked(shared=True) as file:
            found, self._ahead = [*self._ahead, *self._read(file)], []
            return found

    def read_all(self) -> list[Entry]:
        """Return all entries, from the first on, also while this process holds the lock."""
        whole = AuditLog(self.folder)
        whole._held = self._held
        return whole.read_new()

    # --- Within ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other processes from writing; meanwhile, :attr:`head` is the last entry."""
        if self._held is not None:
            yield
            return
        with self._locked() as file:
            self._held = file
            try:
                self._ahead += self._read(file)
                if self._mend(file):
                    self._ahead += self._read(file)
                yield
            finally:
                self._held = None

    @contextlib.contextmanager
    def _locked(self, *, shared: bool = False) -> Iterator[int]:
        if self._held is not None:
            yield self._held
            return
        flags = os.O_RDONLY if shared and os.path.lexists(self.path) else _APPENDING
        file = _open(self.path, self.folder, flags)
        try:
            _lock(file, self.path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)  # releases the lock, too

    def _read(self, file: int) -> list[Entry]:
        """Read and check what follows the last entry read, up to an unfinished write."""
        status = os.fstat(file)
        if self._inode not in (-1, status.st_ino):
            raise self._damaged("was replaced by another file")
        self._inode = status.st_ino
        start = self._offset - len(self._last_line)
        data = _content(file, start)
        if not data.startswith(self._last_line):
            raise self._damaged(f"entry {self._number} was changed after it was read")
        lines = Lines(data[len(self._last_line) :], self._number, self._hash)
        found = []
        for raw in lines:
            self._number, self._hash, self._last_line = lines.number, lines.hash, raw
            if any(mark in raw for mark in self._marks):
                entry = parsed(raw)
                if entry is None or entry.number != lines.number:
                    raise self._damaged(f"entry {lines.number} is not a valid entry")
                if entry.what.startswith(self._kinds):
                    found.append(entry)
        self._offset += lines.position
        self._check_head(rest=lines.rest)
        if lines.faults and not lines.unfinished:
            raise self._damaged(str(lines.faults[0]))
        return found

    def _check_head(self, *, rest: bytes) -> None:
        kept = _read_head(self.folder)
        if kept is None and self._number > 1:  # the first entry is written before the first head
            raise self._damaged("its head is missing")
        if kept is not None and kept.number > self._number:
            what = "was changed or cut" if rest else "is missing"
            raise self._damaged(f"entry {self._number + 1} of {kept.number} {what}")
        if kept is not None and kept.number == self._number and kept.hash != self._hash:
            raise self._damaged(f"entry {kept.number} is not the one that its head names")

    def _mend(self, file: int) -> bool:
        """Declare what an interrupted write left behind, so that no byte is ever removed.

        Return True if there was something.
        """
        rest = _content(file, self._offset)
        if not rest:
            return False
        if not rest.endswith(b"\n"):
            _append(file, b"\n")
            rest += b"\n"
        about = {"bytes": len(rest), "sha256": hashlib.sha256(rest).hexdigest()}
        self._write(file, TORN, {}, about)
        return True

    def _write(
        self,
        file: int,
        what: str,
        by: Mapping[str, Any],
        about: Mapping[str, Any],
        key: Ed25519PrivateKey | None = None,
    ) -> bytes:
        """Write an entry after the last one; return its line."""
        number = self._number + 1
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        body = {"n": number, "at": at, "by": by, "what": what, "about": about}
        if key is not None:
            signed = key.sign(signed_text(self._hash, body)).hex()
            body["by"] = {**by, SIGNATURE: signed}
        hashed = self._hash.encode() + b" " + canonical(body)
        digest = hashlib.sha256(hashed).hexdigest()
        line = digest.encode() + b" " + hashed + b"\n"
        try:
            _append(file, line)
            os.fdatasync(file)
            _keep_head(self.folder, Head(number, digest))
        except OSError as error:
            raise AuditDamaged(
                f"cannot be written ({error.strerror})",
                where=str(self.path),
                fix="Nothing that was recorded is lost. Free space on the disk, then try again",
            ) from None
        return line

    def _damaged(self, what: str) -> AuditDamaged:
        return AuditDamaged(
            what,
            where=str(self.path),
            fix="Searches stay blocked until an auditor has run `sightline audit verify`",
        )


def verify(folder: Path, *, pins: Sequence[Head] = ()) -> Verification:
    """Verify every line of a record and locate each fault.

    Parameters
    ----------
    folder : Path
        The casework folder.
    pins : sequence of Head
        Heads kept elsewhere, such as printed on exports: each must be in the record.
    """
    path = folder / LOG
    try:
        file = _open(path, folder, os.O_RDONLY)
    except AuditDamaged as error:
        return Verification(0, Head(0, START), (Fault(1, error.what),), 0)
    try:
        _lock(file, path, fcntl.LOCK_SH)
        data = _content(file, 0)
        kept = _read_head(folder)
    except AuditDamaged as error:
        return Verification(0, Head(0, START), (Fault(1, error.what),), 0)
    finally:
        os.close(file)
    lines = Lines(data, to_the_end=True)
    hashes: dict[int, str] = {}
    for raw in lines:
        hashes[lines.number] = raw[:64].decode()
    faults = list(lines.faults)
    end = lines.line + 1
    # A write that a crash has just cut short will be declared by the next one.
    if (
        data
        and not data.endswith(b"\n")
        and faults
        and (kept is None or kept.number < lines.number)
    ):
        faults.pop()
        lines.number -= 1
        lines.hash = hashes.get(lines.number, START)
    if kept is None and lines.number > 1:
        faults.append(Fault(end, "the head of the record is missing"))
    elif kept is not None and kept.number > lines.number:
        faults.append(
            Fault(end, f"entries {lines.number + 1} to {kept.number} were removed from the end")
        )
    for pin in [*([kept] if kept is not None and kept.number else []), *pins]:
        if pin.number and hashes.get(pin.number) != pin.hash and pin.number <= lines.number:
            place = f"entry {pin.number} is not the one that was pinned ({pin.hash[:16]}…)"
            faults.append(Fault(pin.number, place))
        elif pin.number > lines.number and pin is not kept:
            faults.append(Fault(end, f"entry {pin.number}, which was pinned, is missing"))
    return Verification(len(hashes), Head(lines.number, lines.hash), tuple(faults), lines.torn)


def _lock(file: int, path: Path, kind: int) -> None:
    """Wait for the lock on the record, but not for ever: whoever may read the file can hold it."""
    given_up, pause = time.monotonic() + PATIENCE, 0.001
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > given_up:
                holder = _holder(file)
                raise AuditBusy(
                    f"{f'process {holder}' if holder else 'another process'} has held the record "
                    f"for more than {PATIENCE:g} s, so nothing can be put on it",
                    where=str(path),
                    fix="Try again; if it stays so, the administrator ends that process",
                ) from None
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        else:
            return


def _holder(file: int) -> int:
    """Return a process that holds a lock on a file; 0 where the system does not tell."""
    inode = f":{os.fstat(file).st_ino}"
    try:
        rows = [row.split() for row in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return 0
    held = (row for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[5].endswith(inode))
    return next((int(row[4]) for row in held if row[4].isdecimal()), 0)


def _content(file: int, start: int) -> bytes:
    """Read everything from *start* on; a single call reads at most 2 GiB."""
    parts, end = [], os.fstat(file).st_size  # nobody writes meanwhile
    while start < end and (part := os.pread(file, min(end - start, 1 << 30), start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _append(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _open(path: Path, folder: Path, flags: int) -> int:
    """Open a regular file with safe permissions, never the target of a link."""
    if folder.is_symlink():
        raise AuditDamaged(
            "is a symbolic link", where=str(folder), fix="Replace the link with the folder itself"
        )
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        refuse_others(path, error)
        links = (errno.ELOOP, errno.EMLINK)
        what = "is a symbolic link" if error.errno in links else f"cannot be opened ({error})"
        raise AuditDamaged(what, where=str(path), fix="Restore the file from a backup") from None
    status = os.fstat(file)
    reason = ""
    if not stat.S_ISREG(status.st_mode):
        reason = "is not a regular file"
    elif status.st_nlink != 1:
        reason = "has a second name (hard link)"
    elif status.st_mode & stat.S_IWOTH:
        reason = "is writable by everyone on this machine"
    if reason:
        os.close(file)
        raise AuditDamaged(reason, where=str(path), fix="Restore the file and its permissions")
    return file


def _read_head(folder: Path) -> Head | None:
    path = folder / HEAD
    if not path.exists() and not path.is_symlink():
        return None
    file = _open(path, folder, os.O_RDONLY)
    try:
        text = os.pread(file, 200, 0).decode("ascii", "replace")
        return Head.parse(text) if text else None
    finally:
        os.close(file)


def _keep_head(folder: Path, head: Head) -> None:
    """Write the head in place, in one go and at a fixed width: readers see the old or the new."""
    file = _open(folder / HEAD, folder, os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(file, f"{head.number:020d}:{head.hash}\n".encode(), 0)
    finally:
        os.close(file)
