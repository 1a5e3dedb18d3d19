"""The question that somebody is about to ask under a case, kept so that a reload does not lose it.

It lies with what is kept of the case's subject, readable for its owner alone, and goes with it,
when the case is forgotten or its retention ends. A draft is a question, never an answer or a
permit: whom it was kept for gets it back, and must ask again.
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

from workbench.casework.subjects import erase, home_of
from workbench.domain import parse_time
from workbench.errors import CaseError, TimeError

if TYPE_CHECKING:
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister

START_AGAIN = "Begin the question anew"


@dataclass(frozen=True, slots=True)
class Draft:
    """A question as it was when it was kept.

    ``question`` is what the page makes of it; ``photographs`` are the files it names, by their
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
    """Keep a question for whoever is at work, in place of the one before: whole or not at all.

    Raises NotPermitted for who may not search, and CaseError if the case is not open or the disk
    refuses.
    """
    case = register.case(reference)
    me = register.me
    me.require("training.use" if case.is_training else "search")
    case.require_open(fix="Choose an open case")
    home, name = home_of(register.folder, reference), _name(me)
    contents = {hashlib.sha256(content).hexdigest(): content for content in photographs}
    document = {
        "case": reference,
        "account": me.account,
        "saved_at": datetime.now(UTC).isoformat(),
        "question": question,
        "photographs": sorted(contents),
    }
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for digest, content in contents.items():
            path = home / f"{name}-{digest}"
            if not path.exists():
                _write(path, content)
        _write(home / f"{name}.json", json.dumps(document).encode())
        for path in _files(home, me):
            if path.name.removeprefix(f"{name}-") not in contents:
                erase(path)
    except OSError as error:
        raise CaseError(
            f"the question could not be kept ({error.strerror})",
            where=reference,
            fix="It is lost when this page is reloaded",
        ) from None


def kept_draft(register: CaseRegister, reference: str) -> Draft | None:
    """What is kept under a case for whoever is at work; None if nothing is, or the case has ended.

    Raises CaseError if it cannot be read, or is not what was kept.
    """
    case, me = register.case(reference), register.me
    home, name = home_of(register.folder, reference), _name(me)
    path = home / f"{name}.json"
    if case.status() != "open" or not path.is_file():
        return None
    try:
        me.require("training.use" if case.is_training else "search")
        document = json.loads(path.read_bytes())
        if (document["case"], document["account"]) != (reference, me.account):
            raise ValueError("it is somebody else's")
        photographs = {digest: _read(home, name, digest) for digest in document["photographs"]}
        saved_at = parse_time(document["saved_at"])
        question = document["question"]
        if not isinstance(question, dict):
            raise TypeError("it holds no question")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TimeError) as error:
        raise CaseError(
            f"the question kept for you cannot be read ({error})", where=reference, fix=START_AGAIN
        ) from None
    return Draft(reference, saved_at, question, photographs)


def discard_draft(register: CaseRegister, reference: str) -> None:
    """Take away what is kept under a case for whoever is at work, if anything is."""
    home, me = home_of(register.folder, reference), register.me
    for path in (home / f"{_name(me)}.json", *_files(home, me)):
        if path.is_file():
            erase(path)


def _name(me: Person) -> str:
    # An account of a hub may hold anything: never a path.
    return f"draft-{hashlib.sha256(me.account.encode()).hexdigest()[:16]}"


def _files(home: Path, me: Person) -> Iterator[Path]:
    """The photographs that are kept, of this question and of those before."""
    yield from sorted(home.glob(f"{_name(me)}-*"))


def _read(home: Path, name: str, digest: str) -> bytes:
    content = (home / f"{name}-{Path(digest).name}").read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("a photograph is not the one that was kept")
    return content


def _write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all, and erase the one before."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
    before = path.open("r+b") if path.exists() else None
    unfinished.replace(path)
    if before is not None:
        with before:
            before.write(b"\0" * os.fstat(before.fileno()).st_size)
