"""Films that a hook fetched for urgent cases which nobody confirmed: nothing is to come of them.

From the minute on in which such a case is over, no footage of its films is searched under any case.
They are deleted by a purge or by a running server, and so is what was found in them, by a server
in the gallery that it serves. What another case has fetched, too, stays.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.ledger import Ledger
from workbench.errors import CatalogueError
from workbench.footage.catalog import FOOTAGE_COLUMNS, FOOTAGE_CSV
from workbench.footage.files import sha256_of
from workbench.footage.tables import remove_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery

ERASED = "case.footage.erased"


def forfeited_films(register: CaseRegister) -> Mapping[str, str]:
    """Return the SHA-256 of the films, each with the reference of the case it was fetched for."""
    cases = register.all_cases()
    lost = {
        str(entry.about["sha256"]): case.reference
        for case in cases
        if case.state == "not confirmed"
        for entry in _fetched(register, case.reference)
    }
    others = (case for case in cases if lost and case.state != "not confirmed")
    kept = {
        str(entry.about["sha256"])
        for case in others
        for entry in _fetched(register, case.reference)
    }
    return {sha256: reference for sha256, reference in lost.items() if sha256 not in kept}


def forfeited_recordings(register: CaseRegister, gallery: Gallery) -> Mapping[str, str]:
    """Return the ids of a gallery's recordings of these films, each with the case's reference."""
    films = forfeited_films(register)
    if not films:
        return {}
    rows = gallery.recordings()
    rows = rows[rows["sha256"].isin(list(films))]
    return {str(one.recording_id): films[str(one.sha256)] for one in rows.itertuples()}


def erase_films(register: CaseRegister) -> int:
    """Delete the films from their catalogues, and say on record which; return how many went.

    A file that is not the film which was fetched stays, and so does one that cannot be deleted.
    """
    forfeited, count = forfeited_films(register), 0
    for case in register.all_cases():
        if case.state != "not confirmed" or not _fetched(register, case.reference):
            continue
        said = Ledger.entries_of(register, case.reference, ERASED)
        gone, left = _erase(register, case, forfeited)
        about: dict[str, Any] = {"case": case.reference, "films": gone, "not deleted": left}
        if gone or not said or said[-1].about["not deleted"] != left:
            register.record_alone(ERASED, about)
        count += len(gone)
    return count


def _erase(
    register: CaseRegister, case: Case, forfeited: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Delete the films of a case; return those that went, and those that stay with the reason."""
    gone: list[str] = []
    left: list[str] = []
    for path, entry in _films(register, case.reference):
        sha256, name = str(entry.about["sha256"]), str(entry.about["file"])
        try:
            if not path.exists():
                continue
            if sha256 not in forfeited:
                left.append(f"{path}: fetched for another case, too")
            elif path.is_symlink() or _sha256_of(path) != sha256:
                left.append(f"{path}: not the film that was fetched")
            else:
                # The row first: a film without one is found again by who is killed in between.
                table = path.parents[len(Path(name).parts) - 1] / FOOTAGE_CSV
                remove_rows(table, FOOTAGE_COLUMNS, {name})
                path.unlink()
                gone.append(str(path))
        except (OSError, CatalogueError) as error:
            left.append(f"{path}: {error}")
    return gone, left


def _sha256_of(path: Path) -> str:
    """Hash a file, or know what it was, so that one that stays is not read each minute."""
    about = path.stat()  # its ctime changes with every write, and cannot be set
    return _hashed(path, (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))


@functools.lru_cache(maxsize=4096)
def _hashed(path: Path, _state: tuple[int, ...]) -> str:
    return sha256_of(path)


def _films(register: CaseRegister, reference: str) -> Iterator[tuple[Path, Entry]]:
    """Yield where each film of a case was brought, and its entry."""
    asked = Ledger.entries_of(register, reference, "footage.asked")
    folders = {entry.number: Path(str(entry.about["catalogue"])) for entry in asked}
    for entry in _fetched(register, reference):
        if folder := folders.get(int(entry.about["asked"])):
            yield folder / str(entry.about["file"]), entry


def _fetched(register: CaseRegister, reference: str) -> tuple[Entry, ...]:
    # As the ledger has it: a register tells nothing more of a case that is over.
    return Ledger.entries_of(register, reference, "footage.fetched")
