"""Signed archives: with the public key's fingerprint, any change is found, on any machine."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.casework.evidence.container import (
    CREATED,
    MODE,
    MOST_FILES,
    SYSTEM,
    Damaged,
    Packed,
    is_name,
    layout,
    shown,
    unpacked,
)
from workbench.casework.plaintext import plain
from workbench.casework.record.chain import Head, canonical
from workbench.casework.record.signing import fingerprint
from workbench.errors import EvidenceError, SightlineError, unwritten

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Content: TypeAlias = "bytes | IO[bytes]"
"""Content of a file, or an open file that holds it: films need not fit into memory."""
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public-key.pem"
FORMAT = "sightline-evidence/1"
# The most bytes of the three, which are read whole; the manifest names every other file.
_LARGEST = {MANIFEST: 300 * MOST_FILES, SIGNATURE: 64, PUBLIC_KEY: 1000}
_MOST_TOLD = 200  # faults
UNFINISHED = "unfinished"
"""Part of the name of an archive that is being written, ``.NAME.unfinished-…``."""
_BEGUN = "new"  # the same for the moment before it is held
_ABANDONED_SECONDS = 60.0  # no export takes as long for that moment
_DIGEST = re.compile(r"[0-9a-f]{64}")


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


def write_archive(
    path: Path,
    files: Mapping[str, Content],
    about: Mapping[str, Any],
    key: Ed25519PrivateKey,
    *,
    record: Callable[[str], object] | None = None,
) -> str:
    """Write a ZIP of files with a signed manifest, whole or not at all.

    *files* are contents, or open files that hold them. *about* is added to the manifest: the case,
    the head and so on. *record* is called with the
    SHA-256 of the manifest when the file is on the disk, before it has its name: an archive that
    can be handed on is on record, however this is interrupted. Returns that SHA-256. Raises
    EvidenceError if the file cannot be written, or one of the names is not fit for an archive.
    """
    for name in files:
        if not is_name(name):
            raise EvidenceError(
                f"cannot hold a file of the name {shown(name)}",
                where=str(path),
                fix="Run `sightline gallery check`: no recording that was indexed has such an id",
            )
    listed = {
        name: {"sha256": _sha256(content), "bytes": size_of(content)}
        for name, content in sorted(files.items())
    }
    manifest = canonical({"format": FORMAT, **about, "files": listed})
    _stated(manifest)  # what is written can be verified
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = {MANIFEST: manifest, SIGNATURE: key.sign(manifest), PUBLIC_KEY: public}
    digest = hashlib.sha256(manifest).hexdigest()
    token = secrets.token_hex(4)
    new = path.with_name(f".{path.name}.{_BEGUN}-{token}")
    unfinished = path.with_name(f".{path.name}.{UNFINISHED}-{token}")
    try:
        sweep(path.parent)
        with new.open("xb") as file:  # held until it has its name: another export would sweep it
            new.chmod(0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            new.rename(unfinished)  # none is seen under this name that is not held
            _pack(file, {**signed, **files})
            file.flush()
            os.fsync(file.fileno())
            if record is not None:
                record(digest)
            unfinished.replace(path)
    except zipfile.LargeZipFile:
        raise EvidenceError(
            f"would hold more than 2 GB or {MOST_FILES:,} files",
            where=str(path),
            fix="Clips take most of it: move the recordings elsewhere to have none made",
        ) from None
    except OSError as error:
        what, fix = unwritten(error, fix="Choose a file in a folder that you may write to")
        raise EvidenceError(what, where=str(path), fix=fix) from None
    finally:
        for left in (new, unfinished):
            left.unlink(missing_ok=True)
    return digest


def sweep(folder: Path) -> None:
    """Remove what killed exports left in a folder: it shows faces, and is no archive of any."""
    begun = (path for path in folder.glob(f".*.{_BEGUN}-{8 * '[0-9a-f]'}") if _is_abandoned(path))
    for left in [*folder.glob(f".*.{UNFINISHED}-*"), *begun]:
        # Of an export that is at work, it is locked; another account's is that one's to remove.
        with contextlib.suppress(OSError):
            file = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(file)


def _is_abandoned(begun: Path) -> bool:
    """Check that a file is of an export that was killed before it held it."""
    try:
        found = begun.lstat()
    except OSError:
        return False  # it has another name by now
    return found.st_size == 0 and time.time() - found.st_mtime > _ABANDONED_SECONDS


def size_of(content: Content) -> int:
    """Count the bytes of what an archive is to hold."""
    return len(content) if isinstance(content, bytes) else content.seek(0, os.SEEK_END)


def _opened(content: Content) -> IO[bytes]:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    content.seek(0)
    return content


def _sha256(content: Content) -> str:
    return hashlib.file_digest(_opened(content), "sha256").hexdigest()  # type: ignore[arg-type]


def _pack(file: BinaryIO, files: Mapping[str, Content]) -> None:
    """Write a ZIP in the one form that :mod:`container` reads."""
    if len(files) > MOST_FILES:
        raise zipfile.LargeZipFile
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, CREATED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = MODE
            entry.create_system = SYSTEM
            entry.file_size = size_of(content)
            with archive.open(entry, "w") as packed:
                shutil.copyfileobj(_opened(content), packed, 1 << 20)


def verify_archive(path: Path, *, key: str = "") -> Verified:
    """Verify every byte of an archive: its form, its files, its manifest and its signature.

    Only the file is needed. The time is proportional to its size, the memory to the number of its
    files, whatever it unpacks to. Names in the faults are escaped, and so is everything else that
    the archive says of itself: it can be shown as it is.

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
        with path.open("rb") as file:
            found = _verify_open(path, file, key.strip().lower())
    except OSError as error:
        raise EvidenceError(
            f"cannot be read ({error.strerror})", where=str(path), fix="Obtain the file again"
        ) from None
    if len(found.faults) > _MOST_TOLD:
        more = f"and {len(found.faults) - _MOST_TOLD:,} faults more"
        found = replace(found, faults=(*found.faults[:_MOST_TOLD], more))
    return found


def _verify_open(path: Path, file: BinaryIO, key: str) -> Verified:
    laid = layout(file)
    if laid is None:
        raise EvidenceError(
            "cannot be read as an archive (it has no end)",
            where=str(path),
            fix="Obtain the file again",
        )
    faults = list(laid.faults)
    missing = {MANIFEST, SIGNATURE, PUBLIC_KEY} - set(laid.files)
    if missing and not faults:
        raise EvidenceError(
            f"lacks {', '.join(sorted(missing))}",
            where=str(path),
            fix="Choose an archive made by `sightline evidence export`",
        )
    own = {name: _read(file, laid.files.get(name), most, faults)
           for name, most in _LARGEST.items()}  # fmt: skip
    manifest = own[MANIFEST]
    found, signature_faults = _signer(own[PUBLIC_KEY], own[SIGNATURE], manifest)
    faults += signature_faults
    if key and found != key:
        faults.append(f"{SIGNATURE}: made with key {found[:16]}…, not {shown(key[:16])}…")
    digest = hashlib.sha256(manifest).hexdigest()
    try:
        stated = _stated(manifest)
    except (ValueError, KeyError, TypeError, RecursionError, SightlineError) as error:
        faults.append(f"{MANIFEST}: cannot be read ({shown(str(error))})")
        return Verified("", None, "", None, found, 0, tuple(faults), digest)
    listed = stated["files"]
    faults += [f"{shown(name)}: missing" for name in sorted(listed.keys() - laid.files.keys())]
    for name, one in laid.files.items():
        if name not in listed:
            if name not in _LARGEST:
                faults.append(f"{shown(name)}: added; not in the manifest")
        elif altered := _altered(file, one, listed[name]):
            faults.append(f"{shown(name)}: {altered}")
    return Verified(
        stated["case"], stated["made_at"], stated["made_by"], stated["head"],
        found, len(listed), tuple(faults), digest,
    )  # fmt: skip


def _read(file: BinaryIO, one: Packed | None, most: int, faults: list[str]) -> bytes:
    """A small file as a whole; empty if there is none or it is not what it should be."""
    if one is None:
        return b""
    if one.size > most:
        faults.append(f"{one.name}: unreasonably large")
        return b""
    try:
        return b"".join(unpacked(file, one))
    except Damaged as error:
        faults.append(f"{one.name}: {error}")
        return b""


def _altered(file: BinaryIO, one: Packed, stated: Mapping[str, Any]) -> str:
    """How a file differs from what was signed; empty if it does not."""
    if one.size != stated["bytes"]:
        return "altered since it was signed"
    digest = hashlib.sha256()
    try:
        for piece in unpacked(file, one):
            digest.update(piece)
    except Damaged as error:
        return str(error)
    return "" if digest.hexdigest() == stated["sha256"] else "altered since it was signed"


def _stated(manifest: bytes) -> dict[str, Any]:
    """What a manifest states, each value of its kind; raises what _verify_open expects."""
    stated = json.loads(manifest)
    if not isinstance(stated, dict) or canonical(stated) != manifest:
        raise ValueError("it is not written as Sightline writes it")
    if stated["format"] != FORMAT:
        raise ValueError(f"unknown format {stated['format']!r}")
    files = stated["files"]
    if not isinstance(files, dict):
        raise TypeError("its files are not listed by name")
    for name, about in files.items():
        if (
            not isinstance(about, dict)
            or about.keys() != {"sha256", "bytes"}
            or type(about["bytes"]) is not int
            or not isinstance(about["sha256"], str)
            or not _DIGEST.fullmatch(about["sha256"])
        ):
            raise TypeError(f"what it says of {name} is not a SHA-256 and a size")
    made_at = datetime.fromisoformat(_text(stated, "made_at"))
    if made_at.tzinfo is None:
        raise ValueError("its time is without an offset")
    return {
        "case": _text(stated, "case"),
        "made_by": _text(stated, "made_by"),
        "made_at": made_at,
        "head": Head.parse(_text(stated, "head")),
        "files": files,
    }


def _text(stated: Mapping[str, Any], name: str) -> str:
    """A line of text that says nothing else than it seems to."""
    text = stated[name]
    if not isinstance(text, str) or plain(text, where=name) != text:
        raise TypeError(f"{name} is not a line of text")
    return text


def _signer(pem: bytes, signature: bytes, manifest: bytes) -> tuple[str, list[str]]:
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
        public.verify(signature, manifest)
    except InvalidSignature:
        return fingerprint(raw), [f"{SIGNATURE}: does not match the manifest"]
    return fingerprint(raw), []
