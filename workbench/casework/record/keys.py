"""Keys of an installation, and the signatures that entries of the record carry.

A name in the record proves nothing by itself. Every entry therefore carries an Ed25519 signature,
made with a key in the casework folder that its owner alone can read; the public half is in the
installation's file. With it the installation vouches for who was signed in, and how. The signature
covers the whole entry and the hash of the one before, so that it cannot be moved, changed or used
again. In service, an entry without it does not count. The record's own note of a write that a crash
has cut short alone has none: whoever writes next makes it, and it says nothing of anyone.
"""

from __future__ import annotations

import functools
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.chain import TORN, Entry, Fault, canonical
from workbench.casework.record.files import write_whole
from workbench.casework.record.installation_file import read_installation
from workbench.casework.record.people import read_people
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

KEYS, RECORD_KEY = "keys", "signing.pem"
SIGNATURE = "signature"  # in what an entry says of who made it


@dataclass(frozen=True, slots=True)
class Trust:
    """Public keys whose signatures count, and whether entries without one count too."""

    keys: tuple[str, ...]
    in_service: bool

    @classmethod
    def of(cls, folder: Path) -> Trust:
        """Read from the files of a casework folder what is trusted there.

        Raises SettingsError if one of them cannot be used.
        """
        file = read_installation(folder)
        return cls(file.keys if file else (), read_people(folder).in_service)


def record_key(folder: Path) -> Ed25519PrivateKey:
    """Read the key that signs the record of a casework folder, made at first use.

    Raises SettingsError if others may read it, or it is a link or another kind of key.
    """
    return private_key(folder / KEYS / RECORD_KEY, make=True)


def public_half(key: Ed25519PrivateKey) -> str:
    """Return the public key of a private one, 64 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def private_key(path: Path, *, make: bool = False) -> Ed25519PrivateKey:
    """Read the Ed25519 key in a file that only its owner may read; with *make*, make it first.

    Raises SettingsError if there is none, it cannot be made, others may read it, or it is a link or
    another kind of key.
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
        key = _parsed(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, f"is not a key ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "is not an Ed25519 key")
    return key


@functools.lru_cache(2)
def _parsed(content: bytes) -> object:
    """Private key that a file holds; to parse it takes as long as to sign twice."""
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(content, password=None)


def signed_text(before: str, body: Mapping[str, Any]) -> bytes:
    """Return what a signature covers: the hash of the entry before, and an entry without it."""
    return canonical([before, body])


def is_signed(entry: Entry, known: Collection[str]) -> bool:
    """Check that one of the known public keys signed an entry in its place."""
    from cryptography.exceptions import InvalidSignature

    try:
        signed = bytes.fromhex(str(entry.by.get(SIGNATURE, "")))
    except ValueError:
        return False
    body = {
        "n": entry.number,
        "at": entry.at.isoformat(timespec="microseconds"),
        "by": {name: value for name, value in entry.by.items() if name != SIGNATURE},
        "what": entry.what,
        "about": entry.about,
    }
    text = signed_text(entry.before, body)
    for public in known:
        try:
            _public_key(public).verify(signed, text)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def doubt(entry: Entry, trust: Trust) -> str:
    """Return why an entry does not count; empty if it does."""
    needed = entry.what != TORN and trust.in_service
    if (needed or SIGNATURE in entry.by) and not is_signed(entry, trust.keys):
        return (
            f"entry {entry.number} ({entry.what}), in the name of {entry.account or 'no one'}, is "
            "not signed by this installation"
        )
    return ""


def doubts(entries: Iterable[Entry], trust: Trust) -> Iterator[Fault]:
    """Yield the entries of a record that do not count, as faults."""
    for entry in entries:
        if why := doubt(entry, trust):
            yield Fault(entry.number, why)


def counting(entries: Iterable[Entry], folder: Path) -> Iterator[Entry]:
    """Yield the entries that count, by the files of their casework folder.

    A check takes some twenty times as long as reading an entry: choose those of interest first.
    """
    trust = Trust.of(folder)
    return (entry for entry in entries if not doubt(entry, trust))


@functools.lru_cache(maxsize=16)
def _public_key(public: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(what, where=str(path), fix="Restore the file from the backup")
