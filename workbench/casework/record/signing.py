"""Signed archives: with the public key's fingerprint, any change is found, on any machine."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.casework.record.chain import Head, canonical
from workbench.casework.record.keys import private_key
from workbench.errors import EvidenceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEYS, KEY_FILE = "keys", "evidence.pem"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public-key.pem"
FORMAT = "sightline-evidence/1"
_MOST_BYTES = (
    8 << 30
)  # a whole archive, unpacked; beyond this, it is taken for a decompression bomb
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of verifying an archive; unaltered since it was signed if there are no faults."""

    case: str
    made_at: datetime | None  # UTC
    made_by: str
    head: Head | None  # of the record when it was made
    fingerprint: str  # of the key that signed it
    files: int
    faults: tuple[str, ...]
    manifest: str  # SHA-256 of the manifest, as in the record

    @property
    def sound(self) -> bool:
        """True if no fault was found."""
        return not self.faults


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Read the installation's key, made on first use, readable by its owner alone.

    Raises SettingsError if others may read it, or it is a link or another kind of key.
    """
    return private_key(folder / KEYS / KEY_FILE, make=True)


def fingerprint(public: bytes) -> str:
    """Compute the SHA-256 of the 32 bytes of an Ed25519 public key, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


def write_archive(
    path: Path, files: Mapping[str, bytes], about: Mapping[str, Any], key: Ed25519PrivateKey
) -> str:
    """Write a ZIP of files with a signed manifest, whole or not at all.

    *about* is added to the manifest: the case, the head and so on. Returns the SHA-256 of the
    manifest. Raises EvidenceError if the file cannot be written.
    """
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(files.items())
    }
    manifest = canonical({"format": FORMAT, **about, "files": listed})
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = {MANIFEST: manifest, SIGNATURE: key.sign(manifest), PUBLIC_KEY: public}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {**signed, **files}.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, content)
        unfinished.chmod(0o600)
        unfinished.replace(path)
    except OSError as error:
        raise EvidenceError(
            f"cannot be written ({error.strerror})",
            where=str(path),
            fix="Choose a file in an existing folder that you may write to",
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return hashlib.sha256(manifest).hexdigest()


def verify_archive(path: Path, *, key: str = "") -> Verified:
    """Verify every file of an archive, its manifest and its signature; only the file is needed.

    Parameters
    ----------
    key : str, optional
        Fingerprint that the office has published. Without it, an archive signed with any key is
        sound: then compare ``fingerprint`` by other means.

    Raises
    ------
    EvidenceError
        If it is not an evidence archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify_open(archive, key.strip().lower())
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, EOFError) as error:
        raise EvidenceError(
            f"cannot be read as an archive ({error})", where=str(path), fix="Obtain the file again"
        ) from None


def _verify_open(archive: zipfile.ZipFile, key: str) -> Verified:
    names = [entry.filename for entry in archive.infolist()]
    faults = [f"{name}: duplicate in the archive" for name in sorted(set(names)) if
              names.count(name) > 1]  # fmt: skip
    faults += [f"{name}: not a valid path in an archive" for name in names if not _is_plain(name)]
    if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
        raise EvidenceError(
            "is unreasonably large", where=str(archive.filename), fix="Obtain the file again"
        )
    missing = {MANIFEST, SIGNATURE, PUBLIC_KEY} - set(names)
    if missing:
        raise EvidenceError(
            f"lacks {', '.join(sorted(missing))}",
            where=str(archive.filename),
            fix="Choose an archive made by `sightline evidence export`",
        )
    manifest = archive.read(MANIFEST)
    found, signature_faults = _signer(archive, manifest)
    faults += signature_faults
    if key and found != key:
        faults.append(f"{SIGNATURE}: made with key {found[:16]}…, not {key[:16]}…")
    try:
        stated = json.loads(manifest)
        listed, case = dict(stated["files"]), str(stated["case"])
        made_at, made_by = datetime.fromisoformat(stated["made_at"]), str(stated["made_by"])
        head = Head.parse(stated["head"])
        if stated["format"] != FORMAT:
            faults.append(f"{MANIFEST}: unknown format ({stated['format']!r})")
    except (ValueError, KeyError, TypeError) as error:
        faults.append(f"{MANIFEST}: cannot be read ({error!r})")
        return Verified("", None, "", None, found, 0, tuple(faults), _digest(manifest))
    for name in sorted(set(listed) - set(names)):
        faults.append(f"{name}: missing")
    for name in sorted(set(names) - set(listed) - {MANIFEST, SIGNATURE, PUBLIC_KEY}):
        faults.append(f"{name}: added; not in the manifest")
    for name in sorted(set(listed) & set(names)):
        if _digest(archive.read(name)) != listed[name]["sha256"]:
            faults.append(f"{name}: altered since it was signed")
    return Verified(
        case, made_at, made_by, head, found, len(listed), tuple(faults), _digest(manifest)
    )


def _signer(archive: zipfile.ZipFile, manifest: bytes) -> tuple[str, list[str]]:
    pem = archive.read(PUBLIC_KEY)
    try:
        public = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return "", [f"{PUBLIC_KEY}: not a key"]
    if not isinstance(public, Ed25519PublicKey):
        return "", [f"{PUBLIC_KEY}: not an Ed25519 key"]
    if pem != public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ):
        return "", [f"{PUBLIC_KEY}: altered"]
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    try:
        public.verify(archive.read(SIGNATURE), manifest)
    except InvalidSignature:
        return fingerprint(raw), [f"{SIGNATURE}: does not match the manifest"]
    return fingerprint(raw), []


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and name != ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
