"""Exact search over the parts of a gallery: the rows of a scope, the best of them, as candidates.

The scope is resolved once, and only planned parts are opened. What there is besides candidates, the
coverage and what a search reads, follows from the same rows (:mod:`workbench.gallery.resolving`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.domain import (
    PLAIN_SCALE,
    Candidate,
    Coverage,
    Filter,
    Missing,
    Progress,
    ProgressCallback,
    Scope,
)
from workbench.gallery.asking import permitted_questions
from workbench.gallery.best import best_rows, candidates_of
from workbench.gallery.elsewhere import Elsewhere, Gathered, Wanted
from workbench.gallery.footage import coverage_of
from workbench.gallery.resolving import InsideRows, Reader, Resolved
from workbench.gallery.scan import Rows, bytes_a_row, scan, workers
from workbench.permit import Permit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.calibration import Normaliser
    from workbench.domain import Vector

T = TypeVar("T")

PICTURED = 8
"""Candidates of a partial answer whose best shots are read: what a page shows of it."""


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
    """Answer to one question: candidates by target, best first, and what they were found among.

    ``commit`` is the number of the gallery's commit that was searched; ``missing`` what could not
    be compared, of which coverage knows no tracklets either; ``elsewhere`` what the record says of
    other machines that compared, by their tickets.
    """

    candidates: Sequence[Sequence[Candidate]]
    explanation: Explanation
    coverage: Coverage
    commit: int
    missing: Missing | None = None
    elsewhere: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
    elsewhere: Elsewhere | None = None,
    partial: Callable[[Answer], None] | None = None,
    due: Callable[[], bool] = lambda: True,
) -> Answer:
    """Search as :func:`search_many` does, and say what was searched, from the same rows.

    Parameters
    ----------
    elsewhere : Elsewhere, optional
        Other machines that may compare instead of this process, for one target.
    partial : callable, optional
        Told the answer so far while others compare, when there is more of it: ``missing`` is then
        what they have not compared yet, and only the first :data:`PICTURED` candidates have
        pictures. It is not told the whole answer, which is returned.
    due : callable, optional
        Asked before whether it is time for a partial answer.

    Raises
    ------
    DistrictError
        Also if the filter leaves none of the district's cameras.
    """
    ask = _asking(reader, templates, scope, permits, top, threshold, normaliser, progress)

    def all_of_it() -> Answer:
        resolved = reader.resolve(scope, only)
        if elsewhere is not None and len(templates) == 1:
            wanted = Wanted(templates[0], top, threshold, normaliser)
            heard = _heard(resolved, normaliser, progress, partial, due)
            if (gathered := elsewhere.compare(resolved, wanted, heard)) is not None:
                return _answered(resolved, gathered, normaliser)
        rows = InsideRows(resolved)
        found = ask(rows)
        explanation = _explained(rows, normalised=normaliser is not None)
        covered = coverage_of(resolved, rows.counts())
        return Answer(found, explanation, covered, resolved.snapshot.commit)

    return reader.settled(all_of_it)


def _heard(
    resolved: Resolved,
    normaliser: Normaliser | None,
    progress: ProgressCallback | None,
    partial: Callable[[Answer], None] | None,
    due: Callable[[], bool],
) -> Callable[[Progress, Gathered | None], None]:
    """Make what is told of a search that goes on elsewhere."""
    told: Gathered | None = None

    def heard(done: Progress, so_far: Gathered | None) -> None:
        nonlocal told
        if progress is not None:
            progress(done)
        if partial is not None and so_far is not None and so_far is not told and due():
            told = so_far
            partial(_answered(resolved, so_far, normaliser, pictures=PICTURED))

    return heard


def _answered(
    resolved: Resolved,
    gathered: Gathered,
    normaliser: Normaliser | None,
    *,
    pictures: int | None = None,
) -> Answer:
    found = candidates_of(
        resolved.snapshot, resolved.cameras, gathered.best, scale_of(normaliser), pictures=pictures
    )
    profile = resolved.snapshot.manifest.profile
    explanation = Explanation(
        cameras=int(resolved.chosen.sum()),
        parts=gathered.parts,
        tracklets=gathered.compared,
        blocks=gathered.parts,
        bytes=gathered.compared * bytes_a_row(profile, normalised=normaliser is not None),
        quality=tuple(gathered.quality.tolist()),
    )
    covered = coverage_of(resolved, gathered.counts)
    commit = resolved.snapshot.commit
    return Answer([found], explanation, covered, commit, gathered.missing, gathered.told)


def explain(
    reader: Reader, scope: Scope, *, only: Filter | None = None, normalised: bool = False
) -> Explanation:
    """Estimate what a search of *scope* would read; raise DistrictError as :func:`search` does.

    *normalised* scores need an offset for each row besides.
    """
    return reader.settled(
        lambda: _explained(InsideRows(reader.resolve(scope, only)), normalised=normalised)
    )


def scale_of(normaliser: Normaliser | None) -> str:
    """Name of the scale of scores."""
    return normaliser.scale if normaliser else PLAIN_SCALE


def _explained(rows: InsideRows, *, normalised: bool) -> Explanation:
    profile = rows.resolved.snapshot.manifest.profile
    found = [pieces for _, _, pieces in rows]
    count = rows.total()
    return Explanation(
        cameras=int(rows.resolved.chosen.sum()),
        parts=len(found),
        tracklets=count,
        blocks=sum(map(len, found)),
        bytes=count * bytes_a_row(profile, normalised=normalised),
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
        resolved = rows.resolved
        return [
            candidates_of(
                resolved.snapshot, resolved.cameras, best_rows(rows, one), one.score_scale
            )
            for one in questions
        ]

    return ask


def _scanned(reader: Reader, rows: InsideRows, normaliser: Normaliser | None) -> Iterator[Rows]:
    for number, part, pieces in rows:
        offsets = None if normaliser is None else reader.offsets.of(part, normaliser)
        yield Rows(number, part, pieces, offsets)


__all__ = ["PICTURED", "Answer", "Explanation", "answer", "explain", "search", "search_many"]
