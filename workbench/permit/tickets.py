"""Tickets: what a searcher on another machine asks for before it compares anything.

The permit and the entry in the record are made where the question is asked, before anything is
sent. A ticket carries that authority to one searcher, for one question about named parts, once,
within a minute. Casework signs it (:mod:`workbench.casework.tickets`); a searcher has the public
keys alone, so nobody makes tickets with what lies on the machines of a cluster.

A ticket does not keep out who may start tasks on the cluster, or read the storage: they can read
templates without any searcher. It stops what was altered, kept, sent to another searcher or widened
on its way, whether by mistake or by somebody who may only call searchers, and it is evidence: what
a searcher writes in its log names the ticket, and is held against the record.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import shapely

from workbench.domain import District, Filter, Scope
from workbench.errors import NotPermitted, SightlineError, TimeError

if TYPE_CHECKING:
    from workbench.domain import Vector

LIFETIME = timedelta(seconds=60)
CLOCKS_APART = timedelta(seconds=5)
"""By how much the clocks of two machines may differ; one that is further off is refused."""
FORMAT = 1
_BEGIN = b"sightline ticket\n"  # no other text that casework signs begins so


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one searcher to compare one probe with the tracklets of a scope, once.

    ``probe``, ``cameras`` and ``parts`` are SHA-256 of what comes with it: the template's bytes,
    the cameras' places, and the names, sizes and checksums of the parts. ``scale`` is the digest of
    the normaliser, empty where scores are plain.
    """

    case: str
    entry: int  # of the record, which allowed the search
    gallery: str  # as the record names it
    storage: str  # address of its objects
    profile: str  # fingerprint
    commit: int
    scope: Scope
    only: Filter
    probe: str
    scale: str
    threshold: float | None
    top: int | None
    cameras: str
    parts: str
    searcher: str  # for no other
    issued: datetime  # UTC
    expires: datetime  # UTC
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def text(self) -> bytes:
        """Return what is signed: everything that it says, as canonical JSON."""
        about: dict[str, Any] = {"format": FORMAT}
        for name in _NAMES:
            value = getattr(self, name)
            about[name] = _WRITTEN[name](value) if name in _WRITTEN else value
        text = json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return _BEGIN + text.encode("ascii")

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read what :meth:`text` wrote; raise NotPermitted if it is anything else."""
        try:
            if not text.startswith(_BEGIN):
                raise ValueError("it does not begin as one")
            about = json.loads(text[len(_BEGIN) :])
            if about.pop("format") != FORMAT or set(about) != set(_NAMES):
                raise ValueError("it is of another version")
            found = cls(**{n: _READ[n](v) if n in _READ else v for n, v in about.items()})
            if found.text() != text:
                raise ValueError("it is not written as one")
        except (
            ValueError, KeyError, TypeError, AttributeError, RecursionError,
            shapely.errors.ShapelyError, SightlineError,
        ) as error:  # fmt: skip
            raise refused(f"the ticket cannot be read ({error})") from None
        return found


def _scope_written(scope: Scope) -> dict[str, Any]:
    return {
        "name": scope.district.name,
        "area": scope.district.area.wkb.hex(),
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "unplaced": sorted(scope.unplaced),
    }


def _scope_read(about: dict[str, Any]) -> Scope:
    area = shapely.from_wkb(bytes.fromhex(about["area"]))
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon):
        raise TypeError("its district is not an area")
    district = District(about["name"], area)
    start, end = _moment(about["start"]), _moment(about["end"])
    return Scope(district, start, end, frozenset(about["unplaced"]))


def _only_read(about: dict[str, Any]) -> Filter:
    cameras, windows = about["cameras"], about["windows"]
    return Filter(
        None if cameras is None else frozenset(cameras),
        None if windows is None else tuple((_moment(a), _moment(b)) for a, b in windows),
        about["quality"],
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise TimeError("has no offset", where=text, fix="Write it with one")
    return found


_NAMES = tuple(one.name for one in fields(Ticket))
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "scope": _scope_written, "only": Filter.document,
    "issued": datetime.isoformat, "expires": datetime.isoformat,
}  # fmt: skip
_READ: dict[str, Callable[[Any], Any]] = {
    "scope": _scope_read, "only": _only_read, "issued": _moment, "expires": _moment,
}  # fmt: skip


class Signed(NamedTuple):
    """Text of a ticket, and its Ed25519 signature."""

    text: bytes
    signature: bytes

    @property
    def nonce(self) -> str:
        """Nonce of a ticket that this process had signed; nothing else of it is checked."""
        return str(json.loads(self.text[len(_BEGIN) :])["nonce"])


def digest_of_probe(template: Vector) -> str:
    """SHA-256 of a probe's template as the record has it, 64 hexadecimal digits."""
    return hashlib.sha256(template.tobytes()).hexdigest()


def is_signed(signed: Signed, keys: Collection[str]) -> bool:
    """Check that one of some public keys, of 64 hexadecimal digits, signed a ticket."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for public in keys:
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
            key.verify(signed.signature, signed.text)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


class Gate:
    """Door of one searcher, which takes each ticket once.

    Parameters
    ----------
    searcher : str
        Its own name, another one each time that it starts: so a ticket that it took before is none
        of its own after a restart, when it has forgotten which ones it took.
    keys : collection of str
        Public keys of the installation, of 64 hexadecimal digits.
    """

    def __init__(self, searcher: str, keys: Collection[str]) -> None:
        self.searcher = searcher
        self._keys = tuple(keys)
        self._taken: dict[str, datetime] = {}  # until they have expired
        self._lock = threading.Lock()

    def admit(self, signed: Signed, *, now: datetime | None = None, **brought: str) -> Ticket:
        """Take a ticket; raise NotPermitted if it does not cover what is asked, here and now.

        Parameters
        ----------
        now : datetime, optional
            By default the time of this machine.
        brought : str
            Digests of what came with it (``probe``, ``cameras``, ``parts``), the ``scale``,
            ``storage`` and ``profile``: each must be as the ticket says, and none may be missing.
        """
        if not is_signed(signed, self._keys):
            raise refused("the ticket was not signed by this installation, or was altered")
        ticket = Ticket.read(signed.text)
        if ticket.searcher != self.searcher:
            raise refused("the ticket is for another searcher, or from before this one started")
        now = datetime.now(UTC) if now is None else now
        if ticket.expires - ticket.issued > LIFETIME:
            raise refused(f"the ticket is for longer than {LIFETIME.total_seconds():.0f} s")
        if now > ticket.expires + CLOCKS_APART:
            raise refused("the ticket has expired, or the clock of this machine is fast")
        if now < ticket.issued - CLOCKS_APART:
            raise refused("the ticket is of a time to come, or the clock of this machine is slow")
        for name in BROUGHT:
            if not hmac.compare_digest(getattr(ticket, name).encode(), brought[name].encode()):
                raise refused(f"the ticket is for {_OTHERS[name]}")
        with self._lock:
            gone = [n for n, until in self._taken.items() if now > until + 2 * CLOCKS_APART]
            for nonce in gone:
                del self._taken[nonce]
            if ticket.nonce in self._taken:
                raise refused("the ticket has been used")
            self._taken[ticket.nonce] = ticket.expires
        return ticket


_OTHERS = {
    "probe": "another probe",
    "cameras": "other cameras, or other places of them",
    "parts": "other parts",
    "scale": "scores of another scale",
    "storage": "another storage",
    "profile": "another profile",
}
BROUGHT = tuple(_OTHERS)
"""What comes with a ticket and is compared with it."""


def refused(what: str) -> NotPermitted:
    """Make the error of a searcher that does not search."""
    return NotPermitted(
        what,
        where="searcher",
        fix="Search with workbench.investigation.search and the reference of an open case",
    )


__all__ = [
    "BROUGHT", "CLOCKS_APART", "LIFETIME", "Gate", "Signed", "Ticket", "digest_of_probe",
    "is_signed", "refused",
]  # fmt: skip
