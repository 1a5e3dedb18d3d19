"""Drafts: the question a user is preparing under a case, kept so that a reload does not lose it.

A draft is stored with the case's subject, readable by its owner alone, and is deleted with it. It
holds a question and how its candidates were sorted and filtered, never results or a permit: the
person who left it gets it back and must search again. Each page of a person has its own, so that
two that are open at once take nothing from each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.subjects import erase, make_private, subject_folder
from workbench.domain import parse_time
from workbench.errors import CaseError, TimeError, unwritten

if TYPE_CHECKING:
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister

_ONLY_OPEN = "Choose an open case"
START_AGAIN = "Start the question again"
MOST = 5
"""Drafts of one person under one case; the oldest goes for a new one."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A kept question.

    ``question`` holds the values of the page; ``photographs`` names the files it needs, by their
    SHA-256: :func:`read_photographs` reads them. ``page`` is the page that kept it.
    """

    case: str
    page: str
    saved_at: datetime  # UTC
    question: Mapping[str, Any]
    photographs: tuple[str, ...] = field(repr=False)


def keep_draft(
    register: CaseRegister,
    reference: str,
    question: Mapping[str, Any],
    photographs: Sequence[bytes] = (),
    *,
    page: str,
) -> None:
    """Keep a question for the user, replacing the one of the same page; whole or not at all.

    *page* is a name of letters and digits. Raises NotPermitted if the user may not search, and
    CaseError if the case is not open or the files cannot be written.
    """
    case = register.case(reference)
    me = register.me
    me.require("training.use" if case.is_training else "search")
    case.require_open(fix=_ONLY_OPEN)
    home, name = subject_folder(register.folder, reference), _prefix(me)
    contents = {hashlib.sha256(content).hexdigest(): content for content in photographs}
    document = {
        "case": reference,
        "account": me.account,
        "saved_at": datetime.now(UTC).isoformat(),
        "question": question,
        "photographs": sorted(contents),
    }
    new: list[Path] = []
    try:
        with register.keeping_open(case, fix=_ONLY_OPEN):
            make_private(home)
            for digest, content in contents.items():
                path = home / f"{name}-{digest}"
                if not path.exists():
                    new.append(path)
                    _write(path, content)
            _write(_path(home, me, page), json.dumps(document).encode())
            new.clear()  # it knows them
            for path in _paths(home, me)[MOST:]:
                erase(path)
            _erase_unused(home, me)
    except OSError as error:
        for path in new:  # the drafts that are kept do not know them
            path.unlink(missing_ok=True)
        what, fix = unwritten(error, fix="Ask the administrator to check the disk")
        raise CaseError(
            f"the question {what}", where=reference,
            fix=f"{fix}. Until then, a reload of this page loses the question",
        ) from None  # fmt: skip


def read_drafts(register: CaseRegister, reference: str) -> list[Draft]:
    """Read the user's drafts under a case, newest first; none if the case is not open.

    Raises CaseError if one cannot be read.
    """
    case, me = register.case(reference), register.me
    home = subject_folder(register.folder, reference)
    if case.status() != "open" or not _paths(home, me):
        return []
    try:
        me.require("training.use" if case.is_training else "search")
        with register.exclusively():
            drafts = [_read(path, reference, me) for path in _paths(home, me)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TimeError) as error:
        raise _unreadable(reference, error) from None
    return sorted(drafts, key=lambda draft: draft.saved_at, reverse=True)


def read_photographs(register: CaseRegister, draft: Draft) -> Mapping[str, bytes]:
    """Read the photographs of a draft, by their SHA-256.

    Raises CaseError if one cannot be read, or was altered.
    """
    home, name = subject_folder(register.folder, draft.case), _prefix(register.me)
    found = {}
    try:
        with register.exclusively():
            for digest in draft.photographs:
                content = (home / f"{name}-{Path(digest).name}").read_bytes()
                if hashlib.sha256(content).hexdigest() != digest:
                    raise ValueError("a photograph is not the one that was saved")
                found[digest] = content
    except (OSError, ValueError) as error:
        raise _unreadable(draft.case, error) from None
    return found


def delete_draft(register: CaseRegister, reference: str, page: str) -> None:
    """Delete the user's draft of a page under a case, if there is one."""
    home, me = subject_folder(register.folder, reference), register.me
    path = _path(home, me, page)
    if path.is_file():
        with register.exclusively(), contextlib.suppress(FileNotFoundError):  # another page did
            erase(path)
            _erase_unused(home, me)


def _path(home: Path, me: Person, page: str) -> Path:
    if not page.isalnum():
        raise ValueError(f"{page!r} names no page")
    return home / f"{_prefix(me)}.{page}.json"


def _paths(home: Path, me: Person) -> list[Path]:
    """Find the user's drafts, the one written last first."""
    found = []
    for path in home.glob(f"{_prefix(me)}.*.json"):
        with contextlib.suppress(FileNotFoundError):  # deleted by another page
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def _erase_unused(home: Path, me: Person) -> None:
    """Erase the user's photographs that no draft names; one that cannot be read keeps all."""
    try:
        used = {
            digest
            for path in _paths(home, me)
            for digest in json.loads(path.read_bytes())["photographs"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return
    for path in sorted(home.glob(f"{_prefix(me)}-*")):
        if path.name.removeprefix(f"{_prefix(me)}-") not in used:
            erase(path)


def _prefix(me: Person) -> str:
    # A hub's account name may hold any character, so it must not become a path.
    return f"draft-{hashlib.sha256(me.account.encode()).hexdigest()[:16]}"


def _read(path: Path, reference: str, me: Person) -> Draft:
    document = json.loads(path.read_bytes())
    if (document["case"], document["account"]) != (reference, me.account):
        raise ValueError("it belongs to someone else")
    photographs = tuple(str(digest) for digest in document["photographs"])
    question = document["question"]
    if not isinstance(question, dict):
        raise TypeError("it does not hold a question")
    page, saved_at = path.name.split(".")[1], parse_time(document["saved_at"])
    return Draft(reference, page, saved_at, question, photographs)


def _unreadable(reference: str, error: Exception) -> CaseError:
    return CaseError(
        f"your saved question cannot be read ({error})", where=reference, fix=START_AGAIN
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all, and overwrite the one before."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
        before = path.open("r+b") if path.exists() else None
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    if before is not None:
        with before:
            before.write(b"\0" * os.fstat(before.fileno()).st_size)
