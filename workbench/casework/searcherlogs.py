"""Logs of searchers: what other machines compared, and under which ticket, held against the record.

A searcher writes what it is about to compare before it compares it, in a log of its own, chained as
the record is (:mod:`workbench.casework.record.audit`). The number and hash of the log's last entry
come back with each answer and go on record with it, so that a log that was rewritten or cut off
afterwards no longer fits. What each search may have compared is in its ticket, which casework
signed.

It tells nothing of what was read without a searcher: whoever may start tasks on the cluster, or
read the storage, can do that, and whoever owns a machine can keep its searcher from writing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.audit import LOG, AuditLog, verify
from workbench.casework.record.chain import Head
from workbench.errors import AuditDamaged, NotPermitted
from workbench.permit.tickets import CLOCKS_APART, Signed, Ticket, is_signed

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry

FOLDER = "searchers"
"""Folder of a home in which each searcher has the folder of its log."""
COMPARED, REFUSED = "searcher.compared", "searcher.refused"
PARTIAL, ANSWERED = "search.partial", "search.answered"
"""Kinds of entries of answers, those while nodes go on comparing and the one that a search ends."""
_ANSWERS = (PARTIAL, ANSWERED)
SEARCHERS = "searchers"
"""What an answer's entry says of the searchers that took part, by the nonce of their ticket."""


class SearcherLog:
    """Log of the searcher of one machine; several processes may write it.

    Parameters
    ----------
    folder : Path
        Of its files; made if it does not exist.

    Raises
    ------
    AuditDamaged
        By every method, if the log was altered, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log, self._lock = AuditLog(folder), threading.Lock()

    def compared(
        self, ticket: Ticket, rows: Mapping[str, int], *, signed: Signed | None = None
    ) -> Head:
        """Write that *rows* of some parts will be compared, before they are; return the head.

        The first entry of a ticket has the ticket itself, as it was *signed*.
        """
        about: dict[str, Any] = {"nonce": ticket.nonce, "rows": dict(rows)}
        if signed is not None:
            about["ticket"] = signed.text.decode("ascii")
            about["signature"] = signed.signature.hex()
        return self._write(COMPARED, about)

    def refused(self, signed: Signed, why: str) -> Head:
        """Write that a ticket was refused."""
        return self._write(REFUSED, {"why": why, "sha256": hashlib.sha256(signed.text).hexdigest()})

    def _write(self, what: str, about: Mapping[str, Any]) -> Head:
        with self._lock:
            own = self._log.append(what, {}, about)[-1]
        return Head(own.number, own.hash)


@dataclass(slots=True)
class _Taken:
    """One ticket in a log: when it was taken, and what was compared under it."""

    at: datetime
    log: Path
    signed: Signed
    ticket: Ticket | None
    rows: int = 0
    parts: set[str] = field(default_factory=set)
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Logs of searchers, held against the record."""

    logs: int
    tickets: int
    refused: int  # tickets
    unanswered: int  # tickets of searches that ended without this searcher's answer
    faults: tuple[str, ...]

    @property
    def words(self) -> str:
        """Say in one sentence what was held against the record."""
        logs = "1 log" if self.logs == 1 else f"{self.logs:,} logs"
        tickets = "1 ticket" if self.tickets == 1 else f"{self.tickets:,} tickets"
        verdict = "do NOT agree" if self.faults else "agree"
        more = ""
        if self.unanswered:
            more += f" {self.unanswered:,} of them were of searches that had no answer from there."
        if self.refused:
            more += f" Tickets refused: {self.refused:,}."
        return f"{logs} of searchers with {tickets} {verdict} with the record.{more}"


def logs_below(folder: Path) -> tuple[Path, ...]:
    """Folders of logs in a folder, itself included."""
    return tuple(sorted(path.parent for path in folder.rglob(LOG)))


def taking_part(entries: Iterable[Entry]) -> int:
    """Count the searches in a record in whose answers searchers took part."""
    told = (entry.about for entry in entries if entry.what in _ANSWERS)
    return len({about["asked"] for about in told if about.get(SEARCHERS)})


def hold(logs: Sequence[Path], entries: Sequence[Entry], keys: Sequence[str]) -> Held:
    """Hold logs of searchers against the record.

    Parameters
    ----------
    logs : sequence of Path
        Folders of all logs: what the record names and none of them has is a fault.
    entries : sequence of Entry
        Of the record, all that count.
    keys : sequence of str
        Public keys of the installation.
    """
    faults: list[str] = []
    taken: dict[str, _Taken] = {}
    hashes: dict[Path, dict[int, str]] = {}
    refused = 0
    for folder in logs:
        found = verify(folder)
        faults += [f"{folder}: {fault}" for fault in found.faults]
        if found.faults:
            continue
        lines = AuditLog(folder).read_new()
        hashes[folder] = {line.number: line.hash for line in lines}
        refused += sum(line.what == REFUSED for line in lines)
        faults += _read(folder, [line for line in lines if line.what == COMPARED], taken)
    asked = {entry.number: entry for entry in entries if entry.what == "search.asked"}
    for nonce, one in taken.items():
        faults += (f"{one.log}: ticket {nonce}: {why}" for why in _faults(one, asked, keys))
    answered: set[str] = set()
    for entry in entries:
        if entry.what in _ANSWERS:
            for nonce, said in entry.about.get(SEARCHERS, {}).items():
                if entry.what == ANSWERED:
                    answered.add(nonce)
                faults += (
                    f"entry {entry.number}: ticket {nonce}: {why}"
                    for why in _differences(entry, said, taken.get(nonce), hashes)
                )
    unanswered = len(taken.keys() - answered)
    return Held(len(logs), len(taken), refused, unanswered, tuple(faults))


def _read(folder: Path, lines: Iterable[Entry], taken: dict[str, _Taken]) -> Iterator[str]:
    """Gather what a log says by ticket; yield what is wrong with it."""
    for line in lines:
        try:
            nonce, rows = str(line.about["nonce"]), dict(line.about["rows"])
            if "ticket" in line.about:
                signed = Signed(
                    str(line.about["ticket"]).encode(), bytes.fromhex(line.about["signature"])
                )
                if nonce in taken:
                    taken[nonce].twice = True
                else:
                    taken[nonce] = _Taken(line.at, folder, signed, _ticket_of(signed))
            one = taken.get(nonce)
            if one is None or one.log != folder:
                yield f"{folder}: line {line.number}: compared without a ticket"
                continue
            one.rows += sum(map(int, rows.values()))
            one.parts.update(rows)
        except (KeyError, ValueError, TypeError):
            yield f"{folder}: line {line.number}: is not what a searcher writes"


def _ticket_of(signed: Signed) -> Ticket | None:
    try:
        return Ticket.read(signed.text)
    except NotPermitted:
        return None


def _faults(one: _Taken, asked: Mapping[int, Entry], keys: Sequence[str]) -> Iterator[str]:
    """Yield why a ticket in a log is not one that the record allows."""
    ticket = one.ticket
    if ticket is None or not is_signed(one.signed, keys):
        yield "was not signed by this installation"
        return
    if one.twice:
        yield "was taken twice"
    if not ticket.issued - CLOCKS_APART <= one.at <= ticket.expires + CLOCKS_APART:
        yield f"was taken at {one.at.isoformat()}, when it was not valid"
    entry = asked.get(ticket.entry)
    if entry is None:
        yield f"entry {ticket.entry} of the record asks for no search"
        return
    for name, value in _of_ticket(ticket).items():
        if entry.about.get(name) != value:
            yield f"has another {name} than entry {ticket.entry} of the record"
    if not entry.at - CLOCKS_APART <= ticket.issued:
        yield f"is older than entry {ticket.entry} of the record"


def _of_ticket(ticket: Ticket) -> dict[str, Any]:
    """What the entry of a search says too, by its names there."""
    scope, only = ticket.scope, ticket.only
    names = None if only.cameras is None else "\n".join(sorted(only.cameras)).encode()
    return {
        "case": ticket.case,
        "gallery": ticket.gallery,
        "profile": ticket.profile,
        "district": scope.district.name,
        "area": hashlib.sha256(scope.district.area.wkb).hexdigest(),
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "unplaced": sorted(scope.unplaced),
        "probe": ticket.probe,
        "only cameras": None if names is None else hashlib.sha256(names).hexdigest(),
        "windows": None
        if only.windows is None
        else [[a.isoformat(), b.isoformat()] for a, b in only.windows],
        "least quality": only.quality or None,
    }


def _differences(
    entry: Entry,
    said: Mapping[str, Any],
    one: _Taken | None,
    hashes: Mapping[Path, Mapping[int, str]],
) -> Iterator[str]:
    """Yield how the record's word on a searcher differs from the searcher's log."""
    if one is None:
        yield f"none of the logs has it, of searcher {said.get('searcher')}"
        return
    if one.ticket is not None and (one.ticket.entry, one.ticket.searcher) != (
        entry.about["asked"], said.get("searcher"),
    ):  # fmt: skip
        yield "the log has it for another search or searcher"
    # Who was given up on may have compared more than it told, and so has who went on.
    more = said.get("given up") or entry.what == PARTIAL
    fits = one.rows >= said["rows"] if more else one.rows == said["rows"]
    if not fits:
        yield f"the record says {said['rows']:,} rows, the log {one.rows:,}"
    try:
        pin = Head.parse(str(said["log"]))
    except (AuditDamaged, KeyError):
        yield "the record names no head of the log"
        return
    if hashes[one.log].get(pin.number) != pin.hash:
        yield f"line {pin.number} of the log is not the one that the record names"


__all__ = ["FOLDER", "SEARCHERS", "Held", "SearcherLog", "hold", "logs_below", "taking_part"]
