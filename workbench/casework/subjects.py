"""Subject of a case: its photographs and templates, kept in a folder and deleted again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.calibration import calibration_of, shipped_calibration
from workbench.casework.cases import Case, Request, Subject
from workbench.casework.plaintext import plain
from workbench.casework.provenance import Provenance, described, require_provenance
from workbench.casework.record.files import write_whole
from workbench.domain import MOST_PHOTOGRAPHS, PLAIN_SCALE
from workbench.errors import CaseError
from workbench.faces.profiles import calibrated_threshold
from workbench.faces.templates import scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Probe, Profile

SUBJECTS = "subjects"
_read: dict[str, NDArray[np.float32]] = {}  # by SHA-256, so that each is read only once


def describe_subject(
    probe: Probe,
    *,
    calibrations: Path,
    description: str = "",
    provenance: Sequence[Provenance] = (),
    born: str = "",
) -> Subject:
    """Describe the person of a probe as the subject of a case.

    ``least_score`` is the default threshold of the profile's own calibration for the largest
    number of photographs that a probe can hold; no setting lowers it.

    Parameters
    ----------
    probe : Probe
        Photographs of the person, with their files.
    calibrations : Path
        Folder of the installation's own calibrations.
    description : str
        A few words about the person.
    provenance : sequence of Provenance
        What is stated of each photograph, in their order; no case is requested without it.
    born : str
        Date of birth, as far as it is known.

    Raises
    ------
    NotCalibrated
        If the profile has no calibration: nothing could say whether a probe shows the subject.
    CaseError
        If what is stated is not of these photographs, or one is no photograph.
    """
    threshold = calibrated_threshold(
        probe.profile, calibrations=calibrations, photographs=MOST_PHOTOGRAPHS
    )
    calibration = calibration_of(probe.profile, folder=calibrations)
    normaliser = calibration.normaliser if calibration else None
    return Subject(
        description=plain(description, where="subject"),
        photographs=tuple(_sha256(p.jpeg) for p in probe.photographs),
        fingerprint=probe.profile.fingerprint,
        digest=_sha256(_as_npy(probe)),
        least_score=threshold.score,
        scale=threshold.scale,
        normaliser=normaliser.digest if normaliser else "",
        provenance=described(probe.photographs, provenance),
        born=born,
    )


def require_described(request: Request, probe: Probe, *, calibrations: Path) -> None:
    """Raise CaseError unless the subject of a request is the person of a probe, fully stated."""
    subject = request.subject
    if subject is None or subject != describe_subject(
        probe,
        calibrations=calibrations,
        description=subject.description,
        provenance=subject.provenance,
        born=subject.born,
    ):
        raise CaseError(
            "the photographs are not those described in the request",
            where=request.reference,
            fix="Describe the subject with the same probe",
        )
    require_provenance(subject.provenance, len(probe.photographs))


def keep_subject(folder: Path, reference: str, probe: Probe) -> None:
    """Keep the subject of a case: crops and originals, and a template per photograph.

    What was kept for the case before stays: it counts until a change is approved. Raises CaseError
    if the files cannot be written; where nothing was kept before, nothing is then.
    """
    home, templates = subject_folder(folder, reference), _as_npy(probe)
    is_new = not home.exists()
    try:
        keep_photographs(folder, reference, probe)
        for photograph in probe.photographs:
            if photograph.original:
                _write(
                    _original(home, _sha256(photograph.original)), photograph.original, reference
                )
        _write(_templates_file(home, _sha256(templates)), templates, reference)
    except BaseException:
        if is_new:
            delete_subject(folder, reference)
        raise


def keep_photographs(folder: Path, reference: str, probe: Probe) -> tuple[str, ...]:
    """Keep a probe's photographs for the reviewers; return the SHA-256 of each.

    Raises CaseError if they cannot be written.
    """
    home = subject_folder(folder, reference)
    try:
        make_private(home)
    except OSError as error:
        raise _unwritten(error, reference) from None
    digests = tuple(_sha256(photograph.jpeg) for photograph in probe.photographs)
    for digest, photograph in zip(digests, probe.photographs, strict=True):
        _write(home / f"{digest}.jpg", photograph.jpeg, reference)
    return digests


def kept_photographs(folder: Path, reference: str, digests: Sequence[str]) -> tuple[bytes, ...]:
    """Read kept photographs by their SHA-256; raise CaseError if one is missing or altered."""
    home = subject_folder(folder, reference)
    return tuple(_checked_content(home / f"{digest}.jpg", digest) for digest in digests)


def subject_photographs(folder: Path, case: Case) -> tuple[bytes, ...]:
    """Read the photographs of a case's subject; empty if the case names none.

    Raises CaseError if one is missing, or is not the one the case was requested with.
    """
    subject = case.request.subject
    if subject is None:
        return ()
    return kept_photographs(folder, case.reference, subject.photographs)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Likeness that a case asks of a probe: at least ``least_score`` on ``scale``."""

    least_score: float
    scale: str
    normaliser: Normaliser | None  # None for plain scores


def required_likeness(
    subject: Subject, profile: Profile, *, calibrations: Path, where: str
) -> Likeness:
    """Return what a case asks of a probe: the score that was approved with it, on its own scale.

    Where nothing makes scores of that scale any more, or they were plain and the calibration that
    comes with Sightline normalises by now, it is computed again from that calibration, and from no
    file that could be put in the folder *calibrations*: nothing that users bring lowers it.

    Raises
    ------
    CaseError
        If nothing makes scores of its scale any more, and no calibration comes with Sightline.
    EvaluationError
        If a calibration that is needed cannot be read.
    """
    shipped = shipped_calibration(profile)
    if subject.scale != PLAIN_SCALE:
        for calibration in (calibration_of(profile, folder=calibrations), shipped):
            normaliser = calibration.normaliser if calibration else None
            # Scales have short names, which another normaliser could be made to share.
            if normaliser is not None and normaliser.digest == subject.normaliser:
                return Likeness(subject.least_score, subject.scale, normaliser)
    if shipped is not None and shipped.normaliser is not None:
        least = shipped.threshold(photographs=MOST_PHOTOGRAPHS).score
        return Likeness(least, shipped.scale, shipped.normaliser)
    if subject.scale == PLAIN_SCALE:
        return Likeness(subject.least_score, PLAIN_SCALE, None)
    raise CaseError(
        f"its subject was described with scores of the scale {subject.scale}, and no calibration "
        "makes these any more",
        where=where,
        fix="Request the case again, or bring back the calibration that it was requested with",
    )


def kept_originals(folder: Path, case: Case) -> tuple[bytes, ...]:
    """Read the files of the subject's photographs as they were given, in their order.

    Raises CaseError if one is missing, or is not the one the case was requested with.
    """
    subject = case.request.subject
    home = subject_folder(folder, case.reference)
    stated = () if subject is None else subject.provenance
    return tuple(_checked_content(_original(home, one.original), one.original) for one in stated)


def resemblance(folder: Path, case: Case, probe: Probe, required: Likeness) -> float:
    """Score the probe and each of its photographs against the case's subject.

    Returns the lowest score, on the scale of what is *required*: see :func:`required_likeness`. All
    of them count, so that a photograph of another person does not pass among the right ones.

    Raises
    ------
    CaseError
        If the case was requested with another profile, its subject was deleted, or its files were
        altered.
    """
    subject = case.request.subject
    assert subject is not None
    if subject.fingerprint != probe.profile.fingerprint:
        raise CaseError(
            f"its subject was described with another model profile ({subject.fingerprint}) than "
            f"the probe ({probe.profile.fingerprint})",
            where=case.reference,
            fix="Use the profile the case was requested with, or request a case with this one",
        )
    home = subject_folder(folder, case.reference)
    known = _templates(_templates_file(home, subject.digest), subject.digest)
    asked = [probe.template, *(photograph.template for photograph in probe.photographs)]
    metric = probe.profile.metric
    # NumPy's minimum, as Python's passes over what is not a number.
    return float(np.min([scores(known, one, metric, required.normaliser).max() for one in asked]))


def delete_subject(folder: Path, reference: str) -> int:
    """Delete everything kept about a case's subject; return the number of files.

    Whoever calls it, or keeps something there, has the record to themselves meanwhile.
    """
    home = subject_folder(folder, reference)
    if not home.is_dir():
        return 0
    return _delete(home)


def _delete(home: Path) -> int:
    count = sum(1 for _ in home.iterdir())
    for path in home.iterdir():
        erase(path)
    shutil.rmtree(home)
    _read.clear()
    return count


def delete_strays(folder: Path, references: Iterable[str]) -> int:
    """Delete what was kept of subjects whose requests were never recorded; return how many.

    A process that is killed between the two leaves such a one. *references* are all that the record
    names, believed or not.
    """
    found = strays(folder, references)
    for home in found:
        _delete(home)
    return len(found)


def strays(folder: Path, references: Iterable[str]) -> list[Path]:
    """Return the folders that :func:`delete_strays` would delete."""
    known = {subject_folder(folder, reference) for reference in references}
    return [home for home in (folder / SUBJECTS).glob("*") if home not in known and home.is_dir()]


def erase(path: Path) -> None:
    """Overwrite a file, then delete it: unlinked content stays on the disk for a while."""
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
    path.unlink()


def _write(path: Path, content: bytes, reference: str) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise _unwritten(error, reference) from None


def _unwritten(error: OSError, reference: str) -> CaseError:
    return CaseError(
        f"the photographs cannot be kept ({error.strerror})",
        where=reference,
        fix="Nothing was changed. Free space on the disk, then try again",
    )


def _original(home: Path, digest: str) -> Path:
    return home / f"{digest}.original"


def _templates_file(home: Path, digest: str) -> Path:
    # A change of the case may bring other photographs; until it is approved, both are kept.
    return home / f"{digest}.npy"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _as_npy(probe: Probe) -> bytes:
    """Encode the photographs' templates, ``(n, dimension) float32``, as a .npy file."""
    buffer = BytesIO()
    templates = np.stack([photograph.template for photograph in probe.photographs])
    np.save(buffer, templates.astype(np.float32), allow_pickle=False)
    return buffer.getvalue()


def _templates(path: Path, digest: str) -> NDArray[np.float32]:
    if not path.is_file() or digest not in _read:
        loaded: NDArray[np.float32] = np.load(
            BytesIO(_checked_content(path, digest)), allow_pickle=False
        )
        _read[digest] = loaded
    return _read[digest]


def _checked_content(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):  # it is there: nothing was deleted
            raise CaseError(
                f"the file kept about the subject cannot be read ({error.strerror})",
                where=str(path),
                fix="Ask the person who runs this installation to check access and the disk",
            ) from None
        raise CaseError(
            "the file kept about the subject is missing",
            where=str(path),
            fix="It may have been deleted on request; request a new case",
        ) from None
    if _sha256(content) != digest:
        raise CaseError(
            "is not the file the case was requested with",
            where=str(path),
            fix="Inform an auditor; restore the file from a backup",
        )
    return content


def make_private(home: Path) -> None:
    """Make the folder of a subject, and that of all subjects, for their owner alone."""
    # One by one: the parents that mkdir makes besides have the mode that the umask gives.
    for place in (home.parent, home):
        place.mkdir(mode=0o700, exist_ok=True)


def subject_folder(folder: Path, reference: str) -> Path:
    """Return the folder of everything kept about a case's subject, which is deleted as a whole."""
    # A reference may hold a slash, so it must not become a path.
    return folder / SUBJECTS / hashlib.sha256(reference.encode()).hexdigest()[:16]
