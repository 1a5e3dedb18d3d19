"""Erasure of what came of urgent cases that nobody confirmed.

Such a case carries no authority from the minute on in which it should have been confirmed: the
register gives it to nobody who wants to do anything under it. What came of it is deleted by the
next that asks for the cases or for this one, by a purge, or by a running server, whichever comes
first; whoever is killed over it leaves the rest to the next. The record alone remains: it says what
went, which files had left the installation, where nothing can delete them, and which of those in it
are not the files that were exported any more, and so stay.
"""

from __future__ import annotations

import glob
import hashlib
import math
import time
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.lifecycle import fold
from workbench.casework.record.keys import counting
from workbench.casework.subjects import delete_subject, erase, subject_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from workbench.casework.cases import Case
    from workbench.casework.ledger import Ledger
    from workbench.casework.record.chain import Entry

ERASING, ERASED, FAILED = "case.erasing", "case.erased", "case.erasing.failed"
GONE = "not there"
RETRY_SECONDS = 60.0

# What came of a case, by the entries that say so. No page or command builds anything of them again.
_CAME = {
    "search.answered": "searches",
    "triage.noted": "opinions",
    "review.listed": "review lists",
    "review.decided": "decisions",
    "note.written": "notes",
    "footage.fetched": "films fetched, which are searched no more, and deleted next",
}


def erase_unconfirmed(
    ledger: Ledger, cases: Iterable[Case], failed: MutableMapping[str, float]
) -> tuple[str, ...]:
    """Delete what came of those of the cases that were not confirmed, if it is still there.

    Returns the references of those of which something was. Each deletion is on record before and
    after, in nobody's name; one that fails is, too, and is tried again, as the whole record is read
    for it, :data:`RETRY_SECONDS` later. *failed* keeps when that was, by reference, for as long as
    the process goes on.
    """
    now = time.monotonic()
    due = [
        case
        for case in cases
        if _is_due(ledger, case) and now - failed.get(case.reference, -math.inf) >= RETRY_SECONDS
    ]
    for case in due:
        with ledger.exclusively():
            known = fold(ledger.entries_of(case.reference, "case."))
            erased_at = known.erased_at if known else None
            if _is_due(ledger, replace(case, erased_at=erased_at)):  # nobody else has meanwhile
                if _erase(ledger, case):
                    failed.pop(case.reference, None)
                else:
                    failed[case.reference] = now
    return tuple(case.reference for case in due)


def _is_due(ledger: Ledger, case: Case) -> bool:
    if case.state != "not confirmed":
        return False
    return case.erased_at is None or subject_folder(ledger.folder, case.reference).is_dir()


def _erase(ledger: Ledger, case: Case) -> bool:
    """Delete what came of a case; False if something of it could not be."""
    from workbench.casework.evidence.archive import sweep

    within, left, outside, came = _what_came(ledger, case.reference)
    home = subject_folder(ledger.folder, case.reference)
    about: dict[str, Any] = {
        "case": case.reference,
        "why": case.reason,
        "photographs, templates and saved questions": _number_of_files(home),
        "exports": [str(path) for path in within],
        "exports not deleted": left,
        "exported out of the installation": outside,
        **came,
    }
    _note(ledger, ERASING, about)
    try:
        delete_subject(ledger.folder, case.reference)
        for path in within:
            if path.exists():
                erase(path)
        # What killed exports left shows faces, too, and nobody knows of which case.
        for folder in {ledger.folder.parent.resolve(), *(path.parent for path in within)}:
            sweep(folder)
    except OSError as error:  # nothing of it is shown meanwhile
        what = f"{error.filename or case.reference}: {error.strerror}"
        _note(ledger, FAILED, {"case": case.reference, "reason": what})
        return False
    ledger.record_alone(ERASED, about)
    return True


def _note(ledger: Ledger, what: str, about: dict[str, Any]) -> None:
    """Record what is done by itself, once for as long as it stays the same."""
    said = [entry for entry in ledger.entries_of(about["case"], what) if entry.what == what]
    if not said or dict(said[-1].about) != about:
        ledger.record_alone(what, about)


def _number_of_files(home: Path) -> int:
    return sum(1 for _ in home.iterdir()) if home.is_dir() else 0


def _what_came(
    ledger: Ledger, reference: str
) -> tuple[list[Path], list[str], list[str], dict[str, int]]:
    """Read what came of a case: exports here, those that stay, those elsewhere, numbers of others.

    An export that an attempt before this one deleted is among the first.
    """
    own = [entry for entry in ledger.recorded() if reference in _cases(entry)]
    home = ledger.folder.parent.resolve()
    within: list[Path] = []
    left: list[str] = []
    outside: list[str] = []
    came: Counter[str] = Counter()
    begun: set[str] = set()  # exports that an attempt before this one was to delete
    for entry in counting(own, ledger.folder):
        if entry.what in _CAME:
            came[_CAME[entry.what]] += 1
        if entry.what == ERASING:
            begun.update(map(str, entry.about["exports"]))
        if not entry.what.endswith(".exported"):
            continue
        path = Path(str(entry.about.get("file", "")))
        if path.is_absolute() and path.resolve().is_relative_to(home):
            why = _why_not_exported(path, entry)
            if not why or (why == GONE and str(path) in begun):
                within.append(path)
            else:
                left.append(f"{path}: {why}")
        else:
            # The page's own copy of what a browser saves, where its kernel was killed over it.
            copies = home.glob(f"*-{glob.escape(path.name)}") if path.name else ()
            within += [copy for copy in copies if not _why_not_exported(copy, entry)]
            what = entry.about.get("file") or entry.about.get("table") or entry.about.get("form")
            outside.append(f"{what}, {entry.at:%Y-%m-%d %H:%M} UTC, by {entry.account}")
    return within, left, outside, dict(came)


def _cases(entry: Entry) -> list[str]:
    return [str(name) for name in entry.about.get("cases", [entry.about.get("case", "")])]


def _why_not_exported(path: Path, entry: Entry) -> str:
    """Say why a file is not the one of an entry, but another that has its name; empty if it is."""
    from workbench.casework.evidence.archive import MANIFEST  # and with it much for signatures

    if path.is_symlink() or not path.exists():
        return "a link by now" if path.is_symlink() else GONE
    try:
        if "manifest" in entry.about:
            with zipfile.ZipFile(path) as archive:
                content, wanted = archive.read(MANIFEST), entry.about["manifest"]
        else:
            content, wanted = path.read_bytes(), entry.about["sha256"]
    except Exception as error:
        # A damaged archive can raise much: whatever it is, it must not keep the rest from going.
        return f"cannot be read ({error or type(error).__name__})"
    return "" if hashlib.sha256(content).hexdigest() == str(wanted) else "changed since"
