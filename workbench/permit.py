"""Permits: what the gallery asks for before it searches, and casework alone can make.

A permit covers one question (this template, in this scope, of this gallery), once, within a minute
of the entry in the record that allowed it. Its seal is made with a key that lives and dies with the
process, so a permit that was put together by hand, altered, kept or borrowed opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import NotPermitted

if TYPE_CHECKING:
    from workbench.domain import Scope, Vector

LIFETIME_SECONDS = 60.0
_KEY = secrets.token_bytes(32)
_unspent: set[bytes] = set()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to search once: see the module. Only :mod:`workbench.casework.authority` issues them.

    ``entry`` is the number of the entry in the record which says that it was given.
    """

    case: str
    account: str
    entry: int
    question: bytes = field(repr=False)
    expires: float = field(repr=False)  # time.monotonic()
    seal: bytes = field(repr=False)


def issue(
    case: str, account: str, entry: int, *, gallery: Path, template: Vector, scope: Scope
) -> Permit:
    """A permit for one question; casework calls this after the record has taken the question."""
    expires = time.monotonic() + LIFETIME_SECONDS
    blank = Permit(case, account, entry, _question(gallery, template, scope), expires, b"")
    permit = replace(blank, seal=_seal(blank))
    with _guard:
        _unspent.add(permit.seal)
    return permit


def spend(permit: Permit, *, gallery: Path, template: Vector, scope: Scope) -> None:
    """Use up a permit for this very question; raise NotPermitted if it does not cover it."""
    if not isinstance(permit, Permit):
        raise _refused("there is no permit")
    if not hmac.compare_digest(permit.seal, _seal(permit)):
        raise _refused("the permit was not issued by casework, or was altered")
    with _guard:
        fresh = permit.seal in _unspent
        _unspent.discard(permit.seal)
    if not fresh:
        raise _refused("the permit has been used")
    if time.monotonic() > permit.expires:
        raise _refused("the permit has expired")
    if not hmac.compare_digest(permit.question, _question(gallery, template, scope)):
        raise _refused("the permit is for another question")


def _question(gallery: Path, template: Vector, scope: Scope) -> bytes:
    digest = hashlib.sha256()
    times = (scope.start.isoformat(), scope.end.isoformat())
    for part in (
        str(gallery.resolve()).encode(),
        template.tobytes(),
        str(template.dtype).encode(),
        bytes(scope.district.area.wkb),
        *(text.encode() for text in times),
    ):
        digest.update(struct.pack("<q", len(part)))
        digest.update(part)
    return digest.digest()


def _seal(permit: Permit) -> bytes:
    text = "\n".join((repr(permit.case), repr(permit.account), str(permit.entry)))
    message = b"\n".join((text.encode(), struct.pack("<d", permit.expires), permit.question))
    return hmac.digest(_KEY, message, "sha256")


def _refused(what: str) -> NotPermitted:
    return NotPermitted(
        what,
        where="gallery search",
        fix="Search with workbench.investigation.search and the reference of an open case",
    )
