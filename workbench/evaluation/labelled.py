"""Calibrate a profile on labelled stills: a folder of pictures for each person.

What is enrolled is kept as it is made, so that a run that was stopped goes on where it was. The
calibration is written whole or not at all, and with it the scores by which tracks are split and
joined, where the recogniser has none of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.calibration import Calibration, shipped_calibration, write_calibration
from workbench.domain import Progress, ProgressCallback
from workbench.errors import EvaluationError, unwritten
from workbench.evaluation.calibrate import IN_ENTRY, PHOTOGRAPHS, calibrate, comparisons
from workbench.evaluation.data import people_in
from workbench.evaluation.degradation import Degradation
from workbench.evaluation.normalise import FEWEST_PEOPLE as FEWEST_FOR_CENTROIDS
from workbench.evaluation.pooling import similarity
from workbench.evaluation.samples import Samples, Still, enrol
from workbench.faces import track_limits
from workbench.faces.imported import words_of
from workbench.faces.models import forget
from workbench.faces.track_limits import TrackLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Profile
    from workbench.faces.models import Models

# Faces as wide as these, pixels, stand for those of footage.
SMALLER = tuple(Degradation("size", amount) for amount in (64, 48, 32))
MOST_SMALLER = 5  # pictures a person that are made smaller
# Of people with so many pictures, if there are enough of them.
PICTURES_FOR_SMALLER = 4
FEWEST_PEOPLE = 20
# Of comparisons of different people on stills, so few reach the score from which pieces are joined.
# People before one camera are more alike: of their tracklets ten times as many reach it (Dlib on
# footage with truth: 0.56 in 1 of 1,000 pairs; on stills 0.57 in 1 of 10,000).
JOINED_WRONGLY = 10_000
# A folder with so many pictures is looked at for whether they are of one person: of its pairs more
# than a tenth should reach what 1 of 50 pairs of different people reach.
FEWEST_TO_TELL, MOST_TO_TELL = 5, 20
ALIKE_BY_CHANCE, LEAST_ALIKE = 0.02, 0.1


@dataclass(frozen=True, slots=True)
class Labelled:
    """Calibration of a profile on labelled stills, and what it rests on."""

    calibration: Calibration
    tracks: TrackLimits | None  # None: too few pictures to measure them
    people: int
    pictures: int  # as they are, with a face
    without_face: int
    repeated: int  # left out: the same file a second time


def calibrate_folder(
    folder: Path,
    models: Models,
    *,
    data: str,
    licence: str,
    cache: Path,
    without: Collection[str] = (),
    progress: ProgressCallback | None = None,
) -> Labelled:
    """Calibrate a profile on a folder with one folder of pictures for each person.

    Parameters
    ----------
    data : str
        The pictures in a few words, which are read beside each threshold: what they are, of when.
    licence : str
        Licence or legal basis of the pictures, in words.
    cache : Path
        Folder in which templates are kept by the content of the pictures.
    without : collection of str
        People who are left out, by the names of their folders.
    progress : callable, optional
        ``done`` and ``total`` count pictures, as they are and made smaller. It may raise Cancelled:
        what was enrolled is kept.

    Raises
    ------
    EvaluationError
        If data or licence are not stated, one picture lies in the folders of two people, the
        pictures of a folder are plainly not of one person, or there are fewer than 20 people with
        two pictures that show a face.
    """
    data, licence = (_stated(text, name) for text, name in ((data, "data"), (licence, "licence")))
    found = people_in(folder, without=without)
    stills, repeated = _distinct(found, folder)
    smaller = _to_make_smaller(stills)
    counter = _Counter(len(stills) + len(SMALLER) * len(smaller), progress)
    versions = [enrol(stills, models, cache=cache, progress=counter.following(0))]
    for number, one in enumerate(SMALLER if smaller else ()):
        begin = len(stills) + number * len(smaller)
        follow = counter.following(begin)
        versions.append(enrol(smaller, models, degraded=one, cache=cache, progress=follow))
    counter.following(counter.total)(Progress(0))
    native = versions[0]
    _check_folders_are_people(native, folder)
    people = len(np.unique(native.people))
    ours = shipped_calibration(models.profile)
    made = calibrate(
        versions,
        data=f"{data} ({people:,} people; {licence})",
        licence=licence,
        # Too few for centroids of their own: the scale stays what it is.
        normaliser=ours.normaliser if ours and people < FEWEST_FOR_CENTROIDS else None,
        photographs=_numbers(native, folder),
    )
    return Labelled(
        calibration=replace(made, network=words_of(models.profile, models.home)),
        tracks=measure_track_limits(versions, data=f"{data}, {people:,} people"),
        people=people,
        pictures=len(native),
        without_face=len(native.failed),
        repeated=repeated,
    )


def keep(
    labelled: Labelled, profile: Profile, *, output: Path, home: Path, replace: bool = False
) -> list[Path]:
    """Write the calibration to *output*, and the limits of tracks into the model home *home*.

    Returns the files. Raises EvaluationError if there is a calibration and it is not to be
    replaced, or it cannot be written.
    """
    check_is_new(output, replace=replace)
    unfinished = output.with_name(f".{output.name}.part")
    try:
        write_calibration(labelled.calibration, unfinished)
        unfinished.replace(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        what, fix = unwritten(error, fix="Name another file with --output")
        raise EvaluationError(what, where=str(output), fix=fix) from None
    files = [output]
    if labelled.tracks is not None:
        files.append(track_limits.keep(profile, labelled.tracks, home))
        forget()
    return files


def check_is_new(output: Path, *, replace: bool) -> None:
    """Raise EvaluationError if *output* exists and is not to be replaced."""
    if output.exists() and not replace:
        raise EvaluationError(
            "there is a calibration of this profile already",
            where=str(output),
            fix="Scores would mean something else from one day to the next: use --replace if that "
            "is wanted, or --output for another file",
        )


def measure_track_limits(versions: Sequence[Samples], *, data: str) -> TrackLimits | None:
    """Measure by which scores tracks are split and joined; None where there are too few pictures.

    Shots of one track are of one minute and one camera, so more alike than two stills of a person.
    A track is split below the score at which single stills are taken for one person and for two
    equally often (EER). Pieces are joined from the score that pooled stills of different people
    reach in 1 of 10,000 comparisons.

    Parameters
    ----------
    versions : sequence of Samples
        Pictures as they are (first) and made worse.
    data : str
        What they are, in words.
    """
    # Shots of a track are not mirrored.
    native = replace(versions[0], mirrored=versions[0].templates)
    single = comparisons(native, versions, photographs=1, in_entry=1).trial
    pairs = comparisons(native, versions[:1], photographs=IN_ENTRY).trial
    own, others = _scores(single.scores, single.same), _scores(single.scores, ~single.same)
    pooled = _scores(pairs.scores, ~pairs.same)
    if len(own) < FEWEST_PEOPLE or len(pooled) < JOINED_WRONGLY:
        return None
    at = np.unique(own)
    missed = np.searchsorted(own, at) / len(own)
    false = 1 - np.searchsorted(others, at) / len(others)
    split = float(at[np.abs(missed - false).argmin()])
    join = float(pooled[-(len(pooled) // JOINED_WRONGLY)])
    return TrackLimits(round(min(split, join), 3), round(join, 3), data)


def _scores(scores: NDArray[Any], which: NDArray[Any]) -> NDArray[Any]:
    return np.sort(scores[which & np.isfinite(scores)])


def _stated(text: str, name: str) -> str:
    words = " ".join(text.split())
    if not words or len(words) > 200 or not words.isprintable():
        raise EvaluationError(
            f"{name} is not stated in 1 to 200 characters",
            where="calibration",
            fix="Say in words what the pictures are, and by what right they are used",
        )
    return words


def _distinct(stills: Sequence[Still], folder: Path) -> tuple[list[Still], int]:
    """Each picture once; raise EvaluationError if one lies in the folders of two people."""
    seen: dict[bytes, Still] = {}
    kept = []
    for still in stills:
        digest = hashlib.sha256(still.path.read_bytes()).digest()
        before = seen.setdefault(digest, still)
        if before is still:
            kept.append(still)
        elif before.person != still.person:
            raise EvaluationError(
                f"{before.path.relative_to(folder)} and {still.path.relative_to(folder)} are the "
                "same picture in the folders of two people",
                where=str(folder),
                fix="Find out whose it is: one person under two names makes rates wrong",
            )
    return kept, len(stills) - len(kept)


def _to_make_smaller(stills: Sequence[Still]) -> list[Still]:
    """Some pictures of people with several, as many as there are, in the order of their paths."""
    count = pd.Series([still.person for still in stills]).value_counts()
    several = count[count >= PICTURES_FOR_SMALLER]
    if len(several) < FEWEST_PEOPLE:
        several = count[count >= 2]
    taken: dict[str, int] = {}
    chosen = []
    for still in stills:
        if still.person in several.index and taken.get(still.person, 0) < MOST_SMALLER:
            taken[still.person] = taken.get(still.person, 0) + 1
            chosen.append(still)
    return chosen


def _numbers(native: Samples, folder: Path) -> tuple[int, ...]:
    """Numbers of photographs for which there are enough people with one picture more."""
    count = native.about["person"].value_counts()
    numbers = tuple(n for n in PHOTOGRAPHS if (count > n).sum() >= FEWEST_PEOPLE)
    if not numbers:
        raise EvaluationError(
            f"{(count > 1).sum()} people have two pictures with a face, fewer than {FEWEST_PEOPLE}",
            where=str(folder),
            fix="Give pictures of more people: some hundreds for rates that are worth something",
        )
    return numbers


def _check_folders_are_people(native: Samples, folder: Path) -> None:
    """Raise EvaluationError if the pictures in one folder are plainly of different people."""
    metric = native.profile.metric
    count = native.about["person"].value_counts()
    own: dict[str, NDArray[Any]] = {}
    for person in count[count >= FEWEST_TO_TELL].index:
        rows = np.flatnonzero(native.people == person)[:MOST_TO_TELL]
        among = similarity(native.templates[rows], native.templates[rows], metric)
        own[person] = among[np.triu_indices(len(rows), 1)]
    if not own:
        return
    single = comparisons(native, [native], photographs=1, in_entry=1).trial
    strangers = _scores(single.scores, ~single.same)
    alike = float(strangers[int(len(strangers) * (1 - ALIKE_BY_CHANCE))])
    mixed = sorted(p for p, among in own.items() if (among >= alike).mean() < LEAST_ALIKE)
    if mixed:
        named = ", ".join(mixed[:5]) + (" and others" if len(mixed) > 5 else "")
        raise EvaluationError(
            f"the pictures in {named} are not of one person each: hardly two of them look alike",
            where=str(folder),
            fix="Give each person a folder; put pictures of people with one picture beside the "
            "folders; or leave folders out with --without",
        )


class _Counter:
    """Progress of several passes as one."""

    def __init__(self, total: int, progress: ProgressCallback | None) -> None:
        self.total, self._progress = total, progress

    def following(self, begin: int) -> ProgressCallback:
        """Return what counts a pass that begins when *begin* pictures are done."""

        def follow(progress: Progress) -> None:
            if self._progress is not None:
                self._progress(Progress(begin + progress.done, self.total, progress.what))

        return follow
