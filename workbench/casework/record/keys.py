"""Personal keys: approvals and decisions are signed by the person who makes them.

All users can write the record, so a name in it proves nothing by itself. Approvals and decisions
therefore carry an Ed25519 signature made with a key that only the person's own account can read;
the public key is in the people file, which only the administrator writes. The signature covers the
hash of the entry before, so that it cannot be moved or used again.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.chain import Entry, Fault, canonical
from workbench.casework.record.files import write_whole
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from workbench.casework.record.people import People

SIGNED = ("case.approved", "review.decided")
"""Kinds of entries that count only with a signature."""


def own_key_file(account: str) -> Path:
    """Return the key file of an account: in its home, not in the casework folder all can read."""
    plain = re.fullmatch(r"\w[\w.@-]*", account, re.ASCII)  # a hub's names may hold any character
    name = account if plain else hashlib.sha256(account.encode()).hexdigest()
    return Path.home() / ".config" / "sightline" / "keys" / f"{name}.pem"


def own_key(account: str) -> str:
    """Return an account's public key, 64 hexadecimal digits; the key is made on first use."""
    return public_half(private_key(own_key_file(account), make=True))


def public_half(key: Ed25519PrivateKey) -> str:
    """Return the public key of a private one, 64 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def private_key(path: Path, *, make: bool = False) -> Ed25519PrivateKey:
    """Read the Ed25519 key in a file that only its owner may read; with *make*, make it first.

    Raises SettingsError if there is none, others may read it, or it is a link or another kind of
    key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if make and not path.is_symlink() and not path.exists():
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, made, new=True)
        except OSError as error:
            raise SettingsError(
                f"cannot be written ({error.strerror})",
                where=str(path),
                fix="Free space on the disk, then try again",
            ) from None
    try:
        status, content = path.lstat(), path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise _unusable(path, "is a link or readable by others")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, f"is not a key ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "is not an Ed25519 key")
    return key


def signature(
    account: str, known: Collection[str], before: str, what: str, about: Mapping[str, Any]
) -> str:
    """Sign an entry: 128 hexadecimal digits, or '' if the account's key is missing or unknown."""
    path = own_key_file(account)
    if not known or not path.exists():
        return ""
    key = private_key(path)
    if public_half(key) not in known:
        return ""
    return key.sign(canonical([before, account, what, about])).hex()


def is_signed(entry: Entry, known: Collection[str]) -> bool:
    """Check that one of the known public keys signed an entry in its place."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signed = bytes.fromhex(str(entry.by.get("signature", "")))
    except ValueError:
        return False
    message = canonical([entry.before, entry.account, entry.what, entry.about])
    for public in known:
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signed, message)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def doubt(entry: Entry, people: People) -> str:
    """Return why an entry does not count; empty if it does."""
    known = people.keys.get(entry.account, ())
    needed = entry.what in SIGNED and people.in_service
    if (needed or "signature" in entry.by) and not is_signed(entry, known):
        return f"entry {entry.number} ({entry.what}) is not signed by {entry.account}"
    return ""


def doubts(entries: Iterable[Entry], people: People) -> Iterator[Fault]:
    """Yield the entries of a record that do not count, as faults."""
    for entry in entries:
        if why := doubt(entry, people):
            yield Fault(entry.number, why)


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(
        what, where=str(path), fix="Replace it with a key file that only its owner may read"
    )
