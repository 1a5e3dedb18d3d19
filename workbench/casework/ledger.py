"""Ledger: a record as it is used, in the name of the user of this process.

It tells who the user is and what their roles permit, adds entries, and sorts those that count by
the case they are about. :class:`workbench.casework.register.CaseRegister` makes cases of them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.chain import Entry, Head, canonical
from workbench.casework.record.installation_file import (
    InstallationFile,
    read_known,
    write_installation,
)
from workbench.casework.record.keys import Trust, doubt, public_half, record_key
from workbench.casework.record.people import People, Person, identify, read_people
from workbench.casework.reviewing.blindness import AUDITED, UNBLINDING, unblinding
from workbench.errors import NotPermitted, SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from workbench.casework.record.people import Action

# Entries of these kinds make up the present state; the others only say that something happened.
KEPT = (
    "case.", "review.", "people.", "installation.", "subject.", "triage.", "clip.viewed",
    "footage.asked", "footage.fetched", "footage.viewed", "note.", "clock.viewed", "clock.compared",
)  # fmt: skip
# Signatures of these are checked at once. Those of the others are checked when they are asked for:
# a check takes some twenty times as long as reading an entry, and most are about cases that ended
# long ago.
AT_ONCE = ("case.", "people.", "installation.")


def calibration_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each calibration in a folder, by its path below it.

    Raises SettingsError if one cannot be read.
    """
    digests: dict[str, str] = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            if path.is_file():
                status = path.stat()  # its ctime changes with every write, and cannot be set
                key = (status.st_ino, status.st_size, status.st_ctime_ns)
                digests[path.relative_to(folder).as_posix()] = _digest(path, key)
        except OSError as error:
            raise SettingsError(
                f"cannot be read ({error.strerror})",
                where=str(path),
                fix="Ask the administrator to correct it",
            ) from None
    return digests


@functools.lru_cache(maxsize=256)
def _digest(path: Path, _state: tuple[int, int, int]) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Ledger:
    """Entries of a casework folder, by the case they are about, and who adds to them.

    Parameters
    ----------
    folder : Path
        Folder of the record and its files; made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key: Ed25519PrivateKey | None = None  # read at first use
        self._log = AuditLog(folder, kinds=(*KEPT, *UNBLINDING))
        self._lock = threading.RLock()
        self._entries: dict[str, list[Entry]] = {}  # by reference; "" for those about no case
        self._spelling: dict[str, str] = {}  # casefolded reference: the reference
        self._named: set[str] = set()  # references in entries, believed or not
        # By reference and kind: see AT_ONCE.
        self._unchecked: dict[str, dict[str, list[Entry]]] = {}
        self._doubted: list[Entry] = []  # changes of the installation that are not believed
        self._doubts: dict[str, list[str]] = {}  # by reference: why entries are not believed
        self._not_blind: dict[str, dict[str, str]] = {}  # by reference and account: what they did
        self._unblinding: dict[str, dict[str, Entry]] = {}  # likewise, to be checked when asked for
        self.refresh()

    # --- Who ------------------------------------------------------------------------------

    @property
    def installation_file(self) -> InstallationFile:
        """Installation file as it is now, made at first use; a change by hand is recorded.

        See :func:`workbench.casework.record.installation_file.read_known`, which raises.
        """
        with self._lock:
            file = read_known(self.folder, self._installations)
            public = public_half(self._signing_key())
            if public not in file.keys:
                with self.exclusively():
                    file = read_known(self.folder, self._installations)
                    file = replace(file, keys=tuple(dict.fromkeys((public, *file.keys))))
                    file = write_installation(self.folder, file)
            self._notice("installation.changed", file.digest, file.document())
        return file

    @property
    def people(self) -> People:
        """People file as it is now; a change made by hand is recorded when it is noticed.

        A people file puts the installation in service.
        """
        file, people = self.installation_file, read_people(self.folder)
        if people.in_service and not file.in_service:
            file = write_installation(self.folder, replace(file, mode="in service"))
            self._notice("installation.changed", file.digest, file.document())
        self._notice("people.changed", people.digest, people.document())
        return people

    @property
    def me(self) -> Person:
        """User of this process: see :mod:`workbench.casework.record.identity`."""
        return identify(self.people, self.folder)

    def require(self, action: Action, reference: str = "") -> Person:
        """Return the user if their role covers *action*; else record it and raise NotPermitted."""
        me = self.me
        try:
            me.require(action)
        except NotPermitted as error:
            self.refused(action, reference, [error.what])
            raise
        return me

    # --- The record -----------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """Number and hash of the record's last entry, to be pinned elsewhere."""
        with self._lock:
            self.refresh()
            return self._log.head

    @property
    def references(self) -> frozenset[str]:
        """All references of cases that entries name, believed or not."""
        return frozenset(self._named)

    @property
    def last_at(self) -> datetime | None:
        """Time of the last entry (UTC); None in an empty record."""
        return self._log.last_at

    def record(self, what: str, about: Mapping[str, Any], *, by: Person | None = None) -> Entry:
        """Add a signed entry in the name of the user, or of *by*."""
        with self.exclusively():
            return self._append(what, (by or self.me).named(), about)

    def record_alone(self, what: str, about: Mapping[str, Any]) -> Entry:
        """Add a signed entry in nobody's name, about what the installation does by itself."""
        with self.exclusively():
            return self._append(what, {}, about)

    def refused(self, action: str, reference: str, reasons: Sequence[str]) -> None:
        """Record an attempt that was refused, with the reasons."""
        about = {"case": reference[:200], "action": action, "reasons": list(reasons)}
        self.record(f"{action}.refused", about)

    def entries_of(self, reference: str, what: str) -> tuple[Entry, ...]:
        """Return the entries about a case whose kind begins with *what*; kinds in ``KEPT`` only."""
        with self._lock:
            self.refresh()
            return tuple(self._entries_about(reference, what))

    def recorded(self) -> list[Entry]:
        """Return all entries of the record, believed or not, from the first on."""
        with self._lock:
            return self._log.read_all()

    def doubts(self, reference: str) -> tuple[str, ...]:
        """Return why entries about a case are ignored: the installation did not sign them."""
        with self._lock:
            self._settle(reference, "")
            return tuple(self._doubts.get(reference, ()))

    def not_blind(self, reference: str) -> Mapping[str, str]:
        """Return who takes no part in the review of a case, by account, and what they did."""
        with self._lock:
            self.refresh()
            if waiting := self._unblinding.pop(reference, {}):
                trust = Trust.of(self.folder)
                for entry in waiting.values():
                    self._unblind(reference, entry, trust)
            return dict(self._not_blind.get(reference, {}))

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other processes from writing between a decision and its entry."""
        with self._lock, self._log.exclusively():
            self.refresh()
            yield

    def refresh(self) -> None:
        """Read the entries that others have written since."""
        with self._lock:
            self._apply_entries(self._log.read_new())

    # --- Within ---------------------------------------------------------------------------

    def _notice_calibrations(self, folder: Path) -> None:
        """Record the calibrations made here, where they are not those of the last entry."""
        files = calibration_digests(folder)
        digest = hashlib.sha256(canonical(files)).hexdigest() if files else ""
        self._notice("installation.calibrations", digest, {"files": files})

    def _notice(self, what: str, digest: str, document: Mapping[str, Any]) -> None:
        """Record what a file holds, where it is not what the last entry of that kind says.

        Nobody knows who changed the file: whoever looks first is named as the one who noticed it,
        not as the one who did it.
        """

        def is_known() -> bool:
            recorded = self._entries_about("", what)
            return (recorded[-1].about["sha256"] if recorded else "") == digest

        with self._lock:
            if is_known():
                return
            noticed = identify(read_people(self.folder), self.folder).account
            with self.exclusively():
                if not is_known():
                    about = {"sha256": digest, "noticed_by": noticed, **document}
                    self._append(what, {}, about)

    def _append(self, what: str, by: Mapping[str, Any], about: Mapping[str, Any]) -> Entry:
        found = self._log.append(what, by, about, key=self._signing_key())
        self._apply_entries(found)
        return found[-1]

    def _signing_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            self._key = record_key(self.folder)
        return self._key

    def _installations(self) -> Sequence[Entry]:
        """Changes of the installation's file; any at all where its keys are gone with it."""
        return self.entries_of("", "installation.changed") or self._doubted

    def _apply_entries(self, entries: Sequence[Entry]) -> None:
        trust: Trust | None = None
        for entry in entries:
            if entry.what.endswith(".refused"):
                continue
            reference = str(entry.about.get("case", ""))
            if unblinding(entry):
                trust = self._see(entry, reference, trust)
            if not entry.what.startswith(KEPT):
                continue
            self._named.add(reference)
            if not entry.what.startswith(AT_ONCE):
                kinds = self._unchecked.setdefault(reference, {})
                kinds.setdefault(entry.what, []).append(entry)
            else:
                trust = trust or Trust.of(self.folder)
                if why := doubt(entry, trust):
                    if entry.what == "installation.changed":
                        self._doubted.append(entry)
                    self._doubts.setdefault(reference, []).append(why)
                    continue
                if reference:
                    self._spelling.setdefault(reference.casefold(), reference)
            self._entries.setdefault(reference, []).append(entry)

    def _see(self, entry: Entry, reference: str, trust: Trust | None) -> Trust | None:
        """Note an entry after which somebody is not blind to a case, or an auditor to all.

        One of each person waits to be checked, when it is asked for or when another comes: an
        entry that does not count must not stand in the way of one that does.
        """
        account = entry.account
        if entry.what == AUDITED:
            new = [name for name in self._named if account not in self._not_blind.get(name, {})]
            trust = trust or Trust.of(self.folder)
            if new and not doubt(entry, trust):
                for name in new:
                    self._not_blind.setdefault(name, {})[account] = unblinding(entry)
            return trust
        if account in self._not_blind.get(reference, {}):
            return trust
        waiting = self._unblinding.setdefault(reference, {})
        before = waiting.pop(account, None)
        if before is not None:
            trust = trust or Trust.of(self.folder)
            if self._unblind(reference, before, trust):
                return trust
        waiting[account] = entry
        return trust

    def _unblind(self, reference: str, entry: Entry, trust: Trust) -> bool:
        counts = not doubt(entry, trust)
        if counts:
            self._not_blind.setdefault(reference, {})[entry.account] = unblinding(entry)
        return counts

    def _settle(self, reference: str, what: str) -> None:
        """Check the signatures of entries that wait for it, and leave out what does not count."""
        waiting = self._unchecked.get(reference, {})
        due = [entry for kind in [*waiting] if kind.startswith(what) for entry in waiting.pop(kind)]
        if not due:
            return
        trust = Trust.of(self.folder)
        for entry in due:
            if why := doubt(entry, trust):
                self._doubts.setdefault(reference, []).append(why)
                self._entries[reference].remove(entry)

    def _entries_about(self, reference: str, what: str) -> list[Entry]:
        self._settle(reference, what)
        return [e for e in self._entries.get(reference, ()) if e.what.startswith(what)]
