"""The key with which the installation signs what it hands out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.record.keys import private_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEYS, KEY_FILE = "keys", "evidence.pem"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Read the installation's key, made on first use, readable by its owner alone.

    Raises SettingsError if others may read it, or it is a link or another kind of key.
    """
    return private_key(folder / KEYS / KEY_FILE, make=True)


def fingerprint(public: bytes) -> str:
    """Compute the SHA-256 of the 32 bytes of an Ed25519 public key, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()
