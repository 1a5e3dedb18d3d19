"""Faces with known owners as templates: made once from each picture, and kept by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.domain import QUALITY_PARTS, Progress, ProgressCallback
from workbench.domain.summaries import Summarised, Summary, span_of
from workbench.errors import EvaluationError, ImageError, NoFaceFound
from workbench.faces import quality, templates
from workbench.faces.detection import detect
from workbench.faces.photographs import read_photograph
from workbench.faces.probes import SMALLEST_FACE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Image, Profile
    from workbench.evaluation.degradation import Degradation
    from workbench.faces.models import Models

_ABOUT = ("width", "quality", *QUALITY_PARTS)


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a person, whose face is in the middle; ``labels`` are columns of the data."""

    person: str
    path: Path
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Samples(Summarised):
    """Templates of faces whose owners are known, of one profile.

    Parameters
    ----------
    about : DataFrame of n rows
        Columns person, name (of the picture), width (of the face, pixels), quality and its parts,
        and the labels of the data.
    templates : (n, dimension) float32
    mirrored : (n, dimension) float32
        Templates of the same faces mirrored, which probes are made of too.
    failed : DataFrame
        Pictures in which no face was found: person, name, reason. They count as failures to enrol.
    """

    about: pd.DataFrame = field(repr=False)
    templates: NDArray[Any] = field(repr=False)
    mirrored: NDArray[Any] = field(repr=False)
    profile: Profile
    failed: pd.DataFrame = field(repr=False)

    def __len__(self) -> int:
        return len(self.about)

    def summary(self) -> Summary:
        """Describe the samples: people, pictures, quality, and pictures without a face."""
        return Summary(
            "Samples",
            (
                ("people", f"{len(set(self.people)):,}"),
                ("pictures with a face", f"{len(self):,}"),
                ("quality", span_of(self.about["quality"].tolist())),
                ("profile", self.profile.name),
                ("failed to enrol", f"{len(self.failed):,}"),
            ),
            headings=("person", "picture", "reason"),
            rows=[tuple(map(str, row)) for row in self.failed.to_numpy()],
        )

    @property
    def people(self) -> NDArray[Any]:
        """Person of each sample, ``(n,)``."""
        return self.about["person"].to_numpy()

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with the people or their templates."""
        digest = hashlib.sha256(self.templates.tobytes())
        for person in self.people:
            digest.update(f"{person}\n".encode())
        return digest.hexdigest()[:16]

    def of(self, people: Iterable[str]) -> Samples:
        """Samples of some people."""
        wanted = set(people)
        return self.where(self.about["person"].isin(wanted).to_numpy())

    def where(self, chosen: NDArray[Any]) -> Samples:
        """Samples chosen by a mask ``(n,) bool`` or by row numbers."""
        about = self.about[chosen] if chosen.dtype == bool else self.about.iloc[chosen]
        left = self.failed[self.failed["person"].isin(set(about["person"]))]
        return Samples(
            about.reset_index(drop=True),
            self.templates[chosen],
            self.mirrored[chosen],
            self.profile,
            left,
        )

    def photographs(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Templates ``(k, dimension)`` of some rows as a probe has them: with their mirror image.

        See :func:`workbench.faces.templates.embed_photograph`.
        """
        metric = self.profile.metric
        return np.stack(
            [templates.pool(np.stack(pair), metric)
             for pair in zip(self.templates[rows], self.mirrored[rows], strict=True)]
        )  # fmt: skip


def enrol(
    stills: Sequence[Still],
    models: Models,
    *,
    degraded: Degradation | None = None,
    cache: Path,
    progress: ProgressCallback | None = None,
) -> Samples:
    """Make a template of the face nearest the middle of each still.

    Parameters
    ----------
    degraded : Degradation, optional
        Make each picture worse first; see :mod:`workbench.evaluation.degradation`.
    cache : Path
        Folder in which results are kept, named by the content of the picture, the profile and what
        was done to the picture.
    progress : callable, optional
        Called after each still; ``what`` is the name of its file.

    Raises
    ------
    EvaluationError
        If no still shows a face.
    """
    folder = cache / models.profile.fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    rows, vectors, failed = [], [], []
    for number, still in enumerate(stills):
        content = still.path.read_bytes()
        found = _kept(folder, content, degraded, lambda: _made(content, still, models, degraded))  # noqa: B023
        if found is None:
            failed.append((still.person, still.path.name, "no face was found"))
        else:
            numbers = found[: len(_ABOUT)].tolist()
            rows.append((still.person, still.path.name, *numbers, *still.labels.values()))
            vectors.append(found[len(_ABOUT) :].reshape(2, -1))
        if progress is not None:
            progress(Progress(number + 1, len(stills), still.path.name))
    if not rows:
        raise EvaluationError(
            "no face was found in any picture",
            where=str(stills[0].path.parent) if stills else "evaluation",
            fix="Give a folder with one folder of pictures for each person",
        )
    labels = [*next(iter(stills)).labels]
    return Samples(
        pd.DataFrame(rows, columns=["person", "name", *_ABOUT, *labels]),
        np.stack([both[0] for both in vectors]),
        np.stack([both[1] for both in vectors]),
        models.profile,
        pd.DataFrame(failed, columns=["person", "name", "reason"]),
    )


def _kept(
    folder: Path,
    content: bytes,
    degraded: Degradation | None,
    make: Callable[[], NDArray[Any] | None],
) -> NDArray[Any] | None:
    """Cached numbers of a picture, else those that *make* gives; None without a face."""
    digest = hashlib.sha256(content)
    digest.update(f"{degraded!r} and mirrored".encode())
    path = folder / digest.hexdigest()[:2] / f"{digest.hexdigest()}.npy"
    if path.is_file():
        kept: NDArray[Any] = np.load(path, allow_pickle=False)
        return kept if len(kept) else None
    made = make()
    path.parent.mkdir(exist_ok=True)
    # Another process may be making the same: both write, the last one stays, whole.
    part = path.with_suffix(f".{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, np.empty(0, np.float32) if made is None else made, allow_pickle=False)
    part.replace(path)
    return made


def _made(
    content: bytes, still: Still, models: Models, degraded: Degradation | None
) -> NDArray[Any] | None:

    try:
        image: Image = read_photograph(content, still.path.name)
        if degraded is not None:
            image = degraded.apply(image, models)
    except NoFaceFound:
        return None
    except ImageError as error:
        raise EvaluationError(error.what, where=str(still.path), fix="Leave it out") from error
    min_width = SMALLEST_FACE if degraded is None else degraded.min_width
    faces = detect(models, image, min_width=min_width)
    if not faces:
        return None
    height, width = image.shape[:2]
    face = min(
        faces, key=lambda f: np.hypot(f.box.centre_x - width / 2, f.box.centre_y - height / 2)
    )
    measured = quality.assess(image, face, detector=models.profile.detector)
    both = templates.embed_both_ways(models, templates.align(models, image, face))
    parts = [float(getattr(measured, part)) for part in QUALITY_PARTS]
    return np.array([face.box.width, measured.overall, *parts, *both.ravel()], np.float32)
