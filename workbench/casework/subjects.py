"""The person a case is about: photographs and templates kept for it, and taken away again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.casework.cases import Case, Subject, plain
from workbench.domain import MOST_PHOTOGRAPHS
from workbench.errors import CaseError
from workbench.faces.profiles import calibrated_threshold
from workbench.faces.templates import scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Probe

SUBJECTS = "subjects"
_TEMPLATES = "templates.npy"
_read: dict[str, NDArray[np.float32]] = {}  # by SHA-256: what is read once need not be read again


def describe_subject(probe: Probe, *, calibrations: Path, description: str = "") -> Subject:
    """A probe as the subject of a case.

    The least score is the one at which the profile's own calibration calls two sets of pictures
    alike, as many as a probe can hold; no setting lowers it. *calibrations* is the folder of the
    installation's own.
    """
    threshold = calibrated_threshold(
        probe.profile, calibrations=calibrations, photographs=MOST_PHOTOGRAPHS
    )
    return Subject(
        description=plain(description, where="subject"),
        photographs=tuple(hashlib.sha256(p.jpeg).hexdigest() for p in probe.photographs),
        fingerprint=probe.profile.fingerprint,
        digest=hashlib.sha256(_saved(probe)).hexdigest(),
        least_score=threshold.score,
    )


def keep_subject(folder: Path, reference: str, probe: Probe) -> None:
    """Keep what the case needs of its subject: the crops as JPEG, one template a photograph."""
    keep_photographs(folder, reference, probe)
    (home_of(folder, reference) / _TEMPLATES).write_bytes(_saved(probe))


def keep_photographs(folder: Path, reference: str, probe: Probe) -> tuple[str, ...]:
    """Keep a probe's photographs for those who compare; the SHA-256 of each."""
    home = home_of(folder, reference)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    digests = tuple(hashlib.sha256(one.jpeg).hexdigest() for one in probe.photographs)
    for digest, photograph in zip(digests, probe.photographs, strict=True):
        (home / f"{digest}.jpg").write_bytes(photograph.jpeg)
    return digests


def kept_photographs(folder: Path, reference: str, digests: Sequence[str]) -> tuple[bytes, ...]:
    """Photographs that were kept, by their SHA-256; raise CaseError if one is gone or another."""
    home = home_of(folder, reference)
    return tuple(_content(home / f"{digest}.jpg", digest) for digest in digests)


def subject_photographs(folder: Path, case: Case) -> tuple[bytes, ...]:
    """The photographs of a case's subject; raise CaseError if they are not those it was asked with.

    Empty where the case names no subject.
    """
    subject = case.request.subject
    if subject is None:
        return ()
    return kept_photographs(folder, case.reference, subject.photographs)


def likeness(folder: Path, case: Case, probe: Probe) -> float:
    """The least score of the probe and each of its photographs against the case's subject.

    Every one counts: a probe is one person's, and a photograph of somebody else does not get in
    with the right ones. Raises CaseError where the case was asked with another profile, its subject
    was deleted, or its files were changed.
    """
    subject = case.request.subject
    assert subject is not None
    if subject.fingerprint != probe.profile.fingerprint:
        raise CaseError(
            f"its subject was given with another model profile ({subject.fingerprint}) than the "
            f"probe's ({probe.profile.fingerprint})",
            where=case.reference,
            fix="Use the profile the case was asked with, or ask for a case with this one",
        )
    known = _templates(home_of(folder, case.reference) / _TEMPLATES, subject.digest)
    metric = probe.profile.metric
    asked = [probe.template, *(photograph.template for photograph in probe.photographs)]
    return min(float(scores(known, template, metric).max()) for template in asked)


def delete_subject(folder: Path, reference: str) -> int:
    """Take away everything kept of a case's subject; how many files went."""
    home = home_of(folder, reference)
    if not home.is_dir():
        return 0
    count = sum(1 for _ in home.iterdir())
    for path in home.iterdir():
        erase(path)
    shutil.rmtree(home)
    _read.clear()
    return count


def erase(path: Path) -> None:
    """Delete a file and its content: what is only unlinked stays on the disk for a while."""
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
    path.unlink()


def _saved(probe: Probe) -> bytes:
    """The templates ``(n, dimension) float32`` as a .npy file."""
    buffer = BytesIO()
    templates = np.stack([photograph.template for photograph in probe.photographs])
    np.save(buffer, templates.astype(np.float32), allow_pickle=False)
    return buffer.getvalue()


def _templates(path: Path, digest: str) -> NDArray[np.float32]:
    if not path.is_file() or digest not in _read:
        loaded: NDArray[np.float32] = np.load(BytesIO(_content(path, digest)), allow_pickle=False)
        _read[digest] = loaded
    return _read[digest]


def _content(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        raise CaseError(
            "what was kept of its subject is gone",
            where=str(path),
            fix="It was deleted on request; ask for a new case",
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise CaseError(
            "is not the file the case was asked with",
            where=str(path),
            fix="Tell an auditor; restore the file from a copy",
        )
    return content


def home_of(folder: Path, reference: str) -> Path:
    """Where all that is kept of the person a case is about lies, and is deleted."""
    # A reference may hold a slash: never a path.
    return folder / SUBJECTS / hashlib.sha256(reference.encode()).hexdigest()[:16]
