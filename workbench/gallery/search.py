"""Exact search over the parts of a gallery: the rows of a scope, the best of them, as candidates.

The scope is resolved once, and only planned parts are opened. What there is besides candidates, the
coverage and what a search reads, follows from the same rows (:mod:`workbench.gallery.resolving`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from workbench.domain import (
    Candidate,
    Coverage,
    Filter,
    Progress,
    ProgressCallback,
    Scope,
    TimeNote,
    format_tracklet_id,
    from_microseconds,
)
from workbench.gallery.asking import permitted_questions
from workbench.gallery.entries import Microseconds
from workbench.gallery.footage import coverage, coverage_of
from workbench.gallery.packs import Address
from workbench.gallery.resolving import InsideRows, Reader
from workbench.gallery.scan import Question, Rows, scan, workers
from workbench.permit import Permit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Vector

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Cost of a search: cameras, parts, tracklets and bytes that it reads."""

    cameras: int  # in the district, after the filter
    parts: int
    tracklets: int  # searchable ones that are compared
    blocks: int  # runs of rows
    bytes: int  # read from the columns
    # the tracklets by the quality of their best shot, in equal steps from 0 to 1
    quality: tuple[int, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.tracklets:,} tracklets of {self.cameras:,} cameras in {self.parts:,} "
            f"parts: {self.bytes / 1e6:,.1f} MB in {self.blocks:,} blocks"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Answer to one question: candidates by target, best first, and what they were found among."""

    candidates: Sequence[Sequence[Candidate]]
    explanation: Explanation
    coverage: Coverage


def search(
    reader: Reader,
    template: Vector,
    scope: Scope,
    *,
    permit: Permit,
    top: int | None = None,
    threshold: float | None = None,
    normaliser: Normaliser | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | None = None,
) -> list[Candidate]:
    """Tracklets inside the scope, best first; equal scores by time.

    Parameters
    ----------
    template : (dimension,) or (m, dimension) float32
        Template of the probe, of the gallery's profile. Of several, the one most like a tracklet
        gives its score.
    permit : Permit
        Permission for this question; see :func:`workbench.casework.authority.authorise`.
    top : int, optional
        Most candidates to return.
    threshold : float, optional
        Lowest score of a candidate.
    normaliser : Normaliser, optional
        Of the profile's calibration: scores are normalised with it, else plain.
    only : Filter, optional
        Cameras, windows of time and quality to which the search is narrowed.
    progress : callable, optional
        Called now and then; ``done`` and ``total`` count rows. It may raise Cancelled. It begins
        again where something was removed meanwhile.

    Raises
    ------
    NotPermitted
        If the permit is not for this question, was used, or is not a permit.
    GalleryError
        If the template is not a finite vector of the gallery's dimension, or *top* is below 1.
    DistrictError
        If the district holds no camera of the gallery.
    Cancelled
        If *progress* raised it.
    """
    return search_many(
        reader, [template], scope, permits=[permit], top=top, threshold=threshold,
        normaliser=normaliser, only=only, progress=progress,
    )[0]  # fmt: skip


def search_many(
    reader: Reader,
    templates: Sequence[Vector],
    scope: Scope,
    *,
    permits: Sequence[Permit],
    top: int | None = None,
    threshold: float | None = None,
    normaliser: Normaliser | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | None = None,
) -> list[list[Candidate]]:
    """Search for several targets in one pass over the rows; see :func:`search`.

    Each target needs a permit of its own, in the same order.
    """
    ask = _asking(reader, templates, scope, permits, top, threshold, normaliser, progress)
    return reader.settled(lambda: ask(InsideRows(reader.resolve(scope, only))))


def answer(
    reader: Reader,
    templates: Sequence[Vector],
    scope: Scope,
    *,
    permits: Sequence[Permit],
    top: int | None = None,
    threshold: float | None = None,
    normaliser: Normaliser | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | None = None,
) -> Answer:
    """Search as :func:`search_many` does, and say what was searched, from the same rows.

    Raises DistrictError too if the filter leaves none of the district's cameras.
    """
    ask = _asking(reader, templates, scope, permits, top, threshold, normaliser, progress)

    def all_of_it() -> Answer:
        rows = InsideRows(reader.resolve(scope, only))
        found = ask(rows)
        explanation = _explained(rows, normalised=normaliser is not None)
        return Answer(found, explanation, coverage_of(rows.resolved, rows.counts()))

    return reader.settled(all_of_it)


def explain(
    reader: Reader, scope: Scope, *, only: Filter | None = None, normalised: bool = False
) -> Explanation:
    """Estimate what a search of *scope* would read; raise DistrictError as :func:`search` does.

    *normalised* scores need an offset for each row besides.
    """
    return reader.settled(
        lambda: _explained(InsideRows(reader.resolve(scope, only)), normalised=normalised)
    )


def _explained(rows: InsideRows, *, normalised: bool) -> Explanation:
    profile = rows.resolved.snapshot.manifest.profile
    found = [pieces for _, _, pieces in rows]
    count = rows.total()
    # A row's code and scale; the keys that decide whether it is inside.
    width = profile.dimension + 4 + 8 + 8 + 4
    width += 4 if profile.metric == "euclidean" else 0
    width += 4 if normalised else 0
    return Explanation(
        cameras=int(rows.resolved.chosen.sum()),
        parts=len(found),
        tracklets=count,
        blocks=sum(map(len, found)),
        bytes=count * width,
        quality=tuple(rows.quality().tolist()),
    )


def _asking(
    reader: Reader,
    templates: Sequence[Vector],
    scope: Scope,
    permits: Sequence[Permit],
    top: int | None,
    threshold: float | None,
    normaliser: Normaliser | None,
    progress: ProgressCallback | None,
) -> Callable[[InsideRows], list[list[Candidate]]]:
    """Spend the permits and check the question; give what answers it from the rows inside."""
    made = permitted_questions(
        reader.path, reader.profile, templates, scope,
        permits=permits, top=top, threshold=threshold, normaliser=normaliser,
    )  # fmt: skip

    def ask(rows: InsideRows) -> list[list[Candidate]]:
        questions = made()
        total, done = 0 if progress is None else rows.total(), 0
        with workers() as pool:
            for number in scan(_scanned(reader, rows, normaliser), questions, pool):
                done += number
                if progress is not None:
                    progress(Progress(done, total))
        return [_candidates(rows, question) for question in questions]

    return ask


def _scanned(reader: Reader, rows: InsideRows, normaliser: Normaliser | None) -> Iterator[Rows]:
    for number, part, pieces in rows:
        offsets = None if normaliser is None else reader.offsets.of(part, normaliser)
        yield Rows(number, part, pieces, offsets)


# --- What people read ---------------------------------------------------------------------------


class _Best(NamedTuple):
    """One of the best rows; its first four values are what candidates are in the order of."""

    minus_score: float
    first_seen: Microseconds
    recording: int
    ordinal: int
    last_seen: Microseconds
    first_seconds: float
    last_seconds: float
    shot_seconds: float
    shot_time: Microseconds
    quality: float
    pack: int
    offset: int
    length: int
    camera: int  # its number among all cameras
    number: int  # of the part


def _candidates(rows: InsideRows, question: Question) -> list[Candidate]:
    """Turn the best rows into candidates, in their order."""
    best: list[_Best] = []
    snapshot, cameras = rows.resolved.snapshot, rows.resolved.cameras
    for number in sorted(set(question.part.tolist())):
        part, here = rows.part(number), question.part == number
        chosen = question.row[here]
        shown: list[NDArray[Any]] = [part.first_seen, part.recording, part.ordinal, part.last_seen]
        columns = [column.take(chosen).tolist() for column in (*shown, *part.shown.values())]
        minus = (-question.score[here]).tolist()
        camera = cameras.numbers(part)[part.camera[chosen]].tolist()
        best += map(_Best, minus, *columns, camera, [number] * len(chosen))
    best.sort()
    best = best[: question.top]
    names = [f"{one.recording:016x}" for one in best]
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for one, name in zip(best, names, strict=True):
        parts[name].add(rows.entries[one.number].name)
    told = snapshot.told(parts)
    known = {number: cameras.known.at(number) for number in {one.camera for one in best}}
    jpegs = snapshot.jpegs([Address(one.pack, one.offset, one.length) for one in best])
    found = []
    for one, name, jpeg in zip(best, names, jpegs, strict=True):
        file, stretches = told[name]
        seen = from_microseconds(one.first_seen)
        found.append(
            Candidate(
                tracklet_id=format_tracklet_id(name, one.ordinal),
                camera=known[one.camera],
                recording_id=name,
                recording=file,
                first_seen=seen,
                last_seen=from_microseconds(one.last_seen),
                score=-one.minus_score,
                quality=one.quality,
                shot_seconds=one.shot_seconds,
                shot_time=from_microseconds(one.shot_time),
                shot_jpeg=jpeg,
                scale=question.score_scale,
                time=TimeNote.of(seen, stretches, one.first_seconds, one.last_seconds),
            )
        )
    return found


__all__ = ["Answer", "Explanation", "answer", "coverage", "explain", "search", "search_many"]
