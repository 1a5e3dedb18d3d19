"""Drafts: the question a user is preparing under a case, kept so that a reload does not lose it.

A draft is stored with the case's subject, readable by its owner alone, and is deleted with it. It
holds a question, never results or a permit: the person who left it gets it back and must search
again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
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

START_AGAIN = "Start the question again"


@dataclass(frozen=True, slots=True)
class Draft:
    """A kept question.

    ``question`` holds the values of the page; ``photographs`` are the files it names, by their
    SHA-256.
    """

    case: str
    saved_at: datetime  # UTC
    question: Mapping[str, Any]
    photographs: Mapping[str, bytes] = field(repr=False)


def keep_draft(
    register: CaseRegister,
    reference: str,
    question: Mapping[str, Any],
    photographs: Sequence[bytes] = (),
) -> None:
    """Keep a question for the user, replacing the one before; whole or not at all.

    Raises NotPermitted if the user may not search, and CaseError if the case is not open or the
    files cannot be written.
    """
    case = register.case(reference)
    me = register.me
    me.require("training.use" if case.is_training else "search")
    case.require_open(fix="Choose an open case")
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
        make_private(home)
        for digest, content in contents.items():
            path = home / f"{name}-{digest}"
            if not path.exists():
                new.append(path)
                _write(path, content)
        _write(home / f"{name}.json", json.dumps(document).encode())
        for path in _draft_photographs(home, me):
            if path.name.removeprefix(f"{name}-") not in contents:
                erase(path)
    except OSError as error:
        for path in new:  # the draft that is kept does not know them
            path.unlink(missing_ok=True)
        what, fix = unwritten(error, fix="Ask the administrator to check the disk")
        raise CaseError(
            f"the question {what}", where=reference,
            fix=f"{fix}. Until then, a reload of this page loses the question",
        ) from None  # fmt: skip


def read_draft(register: CaseRegister, reference: str) -> Draft | None:
    """Read the user's draft under a case; None if there is none or the case is not open.

    Raises CaseError if it cannot be read, or was altered.
    """
    case, me = register.case(reference), register.me
    home, name = subject_folder(register.folder, reference), _prefix(me)
    path = home / f"{name}.json"
    if case.status() != "open" or not path.is_file():
        return None
    try:
        me.require("training.use" if case.is_training else "search")
        document = json.loads(path.read_bytes())
        if (document["case"], document["account"]) != (reference, me.account):
            raise ValueError("it belongs to someone else")
        photographs = {digest: _read(home, name, digest) for digest in document["photographs"]}
        saved_at = parse_time(document["saved_at"])
        question = document["question"]
        if not isinstance(question, dict):
            raise TypeError("it does not hold a question")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TimeError) as error:
        raise CaseError(
            f"your saved question cannot be read ({error})", where=reference, fix=START_AGAIN
        ) from None
    return Draft(reference, saved_at, question, photographs)


def delete_draft(register: CaseRegister, reference: str) -> None:
    """Delete the user's draft under a case, if there is one."""
    home, me = subject_folder(register.folder, reference), register.me
    for path in (home / f"{_prefix(me)}.json", *_draft_photographs(home, me)):
        if path.is_file():
            erase(path)


def _prefix(me: Person) -> str:
    # A hub's account name may hold any character, so it must not become a path.
    return f"draft-{hashlib.sha256(me.account.encode()).hexdigest()[:16]}"


def _draft_photographs(home: Path, me: Person) -> Iterator[Path]:
    """Find the user's kept photographs, of this draft and of earlier ones."""
    yield from sorted(home.glob(f"{_prefix(me)}-*"))


def _read(home: Path, name: str, digest: str) -> bytes:
    content = (home / f"{name}-{Path(digest).name}").read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("a photograph is not the one that was saved")
    return content


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
