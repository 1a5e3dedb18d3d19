"""The permit, its seal, and the one time that it can be spent."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import NotPermitted

if TYPE_CHECKING:
    from workbench.domain import Scope, Vector

LIFETIME_SECONDS = 60.0
_KEY = secrets.token_bytes(32)
unspent: set[bytes] = set()
guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to search once, for one question; see :mod:`workbench.permit`.

    ``entry`` is the number of the entry in the record that allowed it.
    """

    case: str
    account: str
    entry: int
    question: bytes = field(repr=False)
    expires: float = field(repr=False)  # time.monotonic()
    seal: bytes = field(repr=False)


def spend(permit: Permit, *, gallery: Path, template: Vector, scope: Scope) -> None:
    """Use up a permit for this question; raise NotPermitted if it does not cover it."""
    if not isinstance(permit, Permit):
        raise _refused("there is no permit")
    _refuse_altered(permit)
    with guard:
        fresh = permit.seal in unspent
        unspent.discard(permit.seal)
    if not fresh:
        raise _refused("the permit has been used")
    _refuse_others(permit, gallery, template, scope)


def seconds_left(permit: Permit, *, gallery: Path, template: Vector, scope: Scope) -> float:
    """Seconds for which a permit covers this question still, used or not.

    Raises NotPermitted if it does not.
    """
    _refuse_altered(permit)
    _refuse_others(permit, gallery, template, scope)
    return permit.expires - time.monotonic()


def _refuse_altered(permit: Permit) -> None:
    if not hmac.compare_digest(permit.seal, seal_of(permit)):
        raise _refused("the permit was not issued by casework, or was altered")


def _refuse_others(permit: Permit, gallery: Path, template: Vector, scope: Scope) -> None:
    if time.monotonic() > permit.expires:
        raise _refused("the permit has expired")
    if not hmac.compare_digest(permit.question, digest_of_question(gallery, template, scope)):
        raise _refused("the permit is for another question")


def digest_of_question(gallery: Path, template: Vector, scope: Scope) -> bytes:
    """SHA-256 of gallery, template and each part of the scope, each with its length."""
    digest = hashlib.sha256()
    times = (scope.start.isoformat(), scope.end.isoformat())
    for part in (
        os.path.realpath(gallery).encode(),
        template.tobytes(),
        str(template.dtype).encode(),
        bytes(scope.district.area.wkb),
        *(text.encode() for text in times),
        *(name.encode() for name in sorted(scope.unplaced)),
    ):
        digest.update(struct.pack("<q", len(part)))
        digest.update(part)
    return digest.digest()


def seal_of(permit: Permit) -> bytes:
    """HMAC-SHA-256 of all that the permit says, with the key of this process."""
    text = "\n".join((repr(permit.case), repr(permit.account), str(permit.entry)))
    message = b"\n".join((text.encode(), struct.pack("<d", permit.expires), permit.question))
    return hmac.digest(_KEY, message, "sha256")


def _refused(what: str) -> NotPermitted:
    return NotPermitted(
        what,
        where="gallery search",
        fix="Search with workbench.investigation.search and the reference of an open case",
    )
