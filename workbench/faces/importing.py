"""Bring a network of one's own: everything that can be wrong with it is found before it is used."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import ImageError, ModelError, unwritten
from workbench.faces import models, onnx_file, templates, trial
from workbench.faces.detection import detect
from workbench.faces.imported import (
    NETWORK,
    PROFILE,
    SELF_TEST,
    ImportedProfile,
    find,
    home_of,
    names,
    read_profile,
    stated,
)
from workbench.faces.photographs import read_photograph
from workbench.faces.probes import SMALLEST_FACE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Image

TOLERANCE = 1e-5
"""Largest difference of a number between two runs, as a share of a template's length."""

FEWEST_FACES = 8
SECONDS = 300  # for the trial, by the clock
SHORTEST, LONGEST = 1e-6, 1e15  # of templates: their squares are added in float32
ALIKE = 1e-3  # templates of two pictures that differ by less are the same
# Of pairs of the same person and of two, the first scores higher this often, or it is said.
APART = 0.9
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Result of the self-test of a network on faces of known, fictional people."""

    faces: int
    people: int
    repeated: float  # largest difference between two runs, as a share of a template's length
    alone: float  # the same between a full batch and one by one
    told_apart: float  # share of pairs of one person that score above pairs of two; 1 is perfect

    def words(self) -> str:
        """The result in a sentence, with a warning where people are not told apart."""
        found = (
            f"Self-test passed on {self.faces} faces of {self.people} rendered people: numbers "
            f"differ by at most {max(self.repeated, self.alone):.0e} of a template's length. "
            f"Pairs of one person score above pairs of two in {self.told_apart:.1%} of cases."
        )
        if self.told_apart >= APART:
            return found
        return (
            f"{found} That is little: compare layout, channels, mean, scale and alignment with "
            "what the network was trained with."
        )


def import_network(
    file: Path,
    profile: Path,
    home: Path,
    *,
    accepted: str,
    people: Mapping[str, Sequence[Path]],
) -> tuple[ImportedProfile, SelfTest]:
    """Import an ONNX network with its profile, after a self-test on pictures of known people.

    Parameters
    ----------
    file : Path
        The network: one ONNX file without operators of its own and without further files.
    profile : Path
        The TOML file that describes it; see docs/networks.md.
    home : Path
        The model home, the DEEPFACE_HOME of this installation.
    accepted : str
        The licence of the profile, word for word, as a sign that it was read.
    people : mapping of str to sequence of Path
        Photographs of each person; at least eight faces of two people must be found in them.

    Raises
    ------
    ModelError
        If the profile or the network cannot be used, the licence is not accepted, or there is a
        profile of that name. Nothing is left behind then.
    """
    own = read_profile(profile)
    _check_is_new(own, profile, home)
    if " ".join(accepted.split()) != own.licence:
        said = f"its licence was not accepted, which is: {own.licence}"
        raise ModelError(
            said if not accepted else f"other words were accepted than {said[16:]}",
            where=f"profile {own.name}",
            fix=f"Read it, and what the network was trained on ({own.training}); then repeat the "
            "licence word for word: --accept-licence '…'",
        )
    with _unfinished(home_of("", home)) as folder:
        _copy(file, folder / NETWORK, own)
        onnx_file.check(folder / NETWORK, own, where=str(file))
        made, noise = _tested(folder, own, home, people, where=str(file))
        record = {
            "profile": stated(own),
            "accepted_licence": own.licence,
            "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **{name: getattr(made, name) for name in made.__slots__},
            "words": made.words(),
            "noise_templates": noise,
        }
        (folder / PROFILE).write_bytes(profile.read_bytes())
        if read_profile(folder / PROFILE) != own:
            raise ModelError("changed meanwhile", where=str(profile), fix="Import it again")
        (folder / SELF_TEST).write_text(json.dumps(record), "utf-8")
        folder.chmod(0o755)
        try:
            folder.rename(home_of(own.name, home))
        except OSError:
            _check_is_new(own, profile, home)  # another process was quicker
            raise
    return own, made


def remove_network(name: str, home: Path) -> None:
    """Remove an imported profile with its network; raise ModelError if there is none."""
    if name not in names(home):
        raise ModelError(
            "was not imported",
            where=f"profile {name}",
            fix=f"Imported are: {', '.join(names(home)) or 'none'}",
        )
    shutil.rmtree(home_of(name, home))
    models.forget()


def _check_is_new(own: ImportedProfile, profile: Path, home: Path) -> None:
    if home_of(own.name, home).exists():
        known = find(own.name, home)
        same = known is not None and stated(known) == stated(own)
        raise ModelError(
            f"there is a profile {own.name} already" + (", with this very network" if same else ""),
            where=str(profile),
            fix="Use it as it is"
            if same
            else f"Give it another name, or first `sightline models remove {own.name}`",
        )


@contextmanager
def _unfinished(parent: Path) -> Iterator[Path]:
    """Folder for what is imported, removed unless it was moved to its place."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=".part-"))
    except OSError as error:
        advice = "Make the model home writable, or set SIGHTLINE_MODELS to another folder"
        what, fix = unwritten(error, fix=advice)
        raise ModelError(what, where=str(parent), fix=fix) from None
    try:
        yield folder
    except OSError as error:
        what, fix = unwritten(error, fix="Check that the disk of the model home has room")
        raise ModelError(what, where=str(parent), fix=fix) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(file: Path, target: Path, own: ImportedProfile) -> None:
    """Copy the network and check what was copied."""
    if not file.is_file():
        raise ModelError("is not a file", where=str(file), fix="Name the network's .onnx file")
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("rb") as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > onnx_file.LARGEST:
                    raise ModelError(
                        f"has more than {onnx_file.LARGEST >> 30} GiB",
                        where=str(file),
                        fix="Use a smaller network: recognisers have some megabytes",
                    )
                digest.update(chunk)
                copy.write(chunk)
    except OSError as error:
        raise ModelError(
            f"cannot be copied ({error.strerror})",
            where=str(file),
            fix="Check that it can be read, and that the disk of the model home has room",
        ) from None
    if digest.hexdigest() != own.sha256:
        raise ModelError(
            f"has the SHA-256 {digest.hexdigest()}, and the profile {own.name} is for {own.sha256}",
            where=str(file),
            fix="Obtain the file that the profile is for",
        )


def _tested(
    folder: Path,
    own: ImportedProfile,
    home: Path,
    people: Mapping[str, Sequence[Path]],
    *,
    where: str,
) -> tuple[SelfTest, list[list[float]]]:
    """Run the network on faces and on noise, in a process of its own; refuse what is unfit."""
    whose, chips = _chips(own, home, people)
    every = np.concatenate([np.stack(chips), models.noise(own.input_size)])
    together, again, alone = _run(folder, own.pixels.prepare(every), where)

    def unfit(what: str, fix: str) -> ModelError:
        return ModelError(what, where=where, fix=fix)

    if together.shape[1] != own.dimension:
        raise unfit(
            f"gives templates of {together.shape[1]} numbers, and the profile states "
            f"{own.dimension}",
            "Correct dimension, or export the network with its template as output",
        )
    if not all(np.isfinite(run).all() for run in (together, again, alone)):
        raise unfit(
            "gives numbers that are infinite or not numbers (NaN)",
            "Check mean and scale under [input], and the network itself",
        )
    length = np.linalg.norm(together.astype(np.float64), axis=1)
    if length.min() < SHORTEST:
        raise unfit("gives a template of zeros for a face", "Check mean and scale under [input]")
    if length.max() > LONGEST:
        raise unfit(
            f"gives templates of the length {length.max():.1g}, too long to be compared",
            "Check mean and scale under [input], and the network itself",
        )
    mean = float(length.mean())
    repeated, apart = (float(np.abs(run - together).max()) / mean for run in (again, alone))
    for difference, what in (
        (repeated, "for the same picture twice"),
        (apart, "for a face alone and among others"),
    ):
        if difference > TOLERANCE:
            raise unfit(
                f"does not give the same template {what}: numbers differ by {difference:.1g} of "
                f"its length, by more than {TOLERANCE:g}",
                "Export the network for inference, without layers that draw at random or look at "
                "the whole batch",
            )
    faces = together[: len(chips)]
    steps = [
        float(np.abs(faces[i + 1 :] - face).max(axis=1).min()) / mean
        for i, face in enumerate(faces[:-1])
    ]
    if min(steps) < ALIKE:
        raise unfit(
            "gives the same template for different faces",
            "Check mean and scale under [input], and that its output is the template",
        )
    result = SelfTest(len(chips), len(set(whose)), repeated, apart, _told_apart(faces, whose, own))
    return result, together[len(chips) :].astype(float).tolist()


def _told_apart(faces: NDArray[Any], whose: Sequence[str], own: ImportedProfile) -> float:
    """Share of pairs of one person that score above pairs of two, over all such couples."""
    same: list[float] = []
    other: list[float] = []
    for i, face in enumerate(faces[:-1]):
        for j, score in enumerate(templates.scores(faces[i + 1 :], face, own.metric), start=i + 1):
            (same if whose[i] == whose[j] else other).append(float(score))
    if not same or not other:
        return float("nan")
    return float((np.array(same)[:, None] > np.array(other)[None]).mean())


def _chips(
    own: ImportedProfile, home: Path, people: Mapping[str, Sequence[Path]]
) -> tuple[list[str], list[Image]]:
    """Chips of the faces that the profile's detector finds, each with its person."""
    finder = models.without_recogniser(own, home=home)
    whose, chips = [], []
    for person, pictures in people.items():
        for path in pictures:
            try:
                picture = read_photograph(path.read_bytes(), path.name)
            except (OSError, ImageError) as error:
                raise ModelError(
                    f"cannot be read for the self-test ({error})",
                    where=str(path),
                    fix="Install Sightline again",
                ) from None
            found = detect(finder, picture, min_width=SMALLEST_FACE)
            if found:
                whose.append(person)
                chips.append(templates.align(finder, picture, found[0]))
    if len(chips) < FEWEST_FACES or len(set(whose)) < 2:
        raise ModelError(
            f"its detector {own.detector} finds {len(chips)} faces in the pictures of the "
            f"self-test, fewer than {FEWEST_FACES}",
            where=f"profile {own.name}",
            fix="Choose another detector",
        )
    return whose, chips


def _run(folder: Path, chips: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """Templates ``(3, n, dimension)`` of the trial; raise ModelError if the network fails there."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        given, made = Path(scratch) / "chips.npy", Path(scratch) / "templates.npy"
        np.save(given, chips, allow_pickle=False)
        command = [sys.executable, "-I", trial.__file__, *map(str, (folder / NETWORK, given, made))]
        try:
            done = subprocess.run(  # noqa: S603 - our own script
                command, capture_output=True, text=True, errors="replace", timeout=SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            what = f"took more than {SECONDS} seconds for {len(chips)} faces"
        else:
            if done.returncode == 0:
                found: NDArray[np.float32] = np.load(made, allow_pickle=False)
                return found
            ended = f"signal {-done.returncode}" if done.returncode < 0 else "an error"
            # The last line is ours, or Python's: ONNX Runtime writes to both as well.
            lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
            said = lines[-1][:400] if lines else "it said nothing"
            what = (
                said
                if done.returncode == trial.UNFIT
                else f"ended its trial with {ended}, for want of memory or time or by a fault of "
                f"ONNX Runtime ({said})"
            )
        raise ModelError(
            what, where=where, fix="Export the network again, for ONNX Runtime on a processor"
        )
