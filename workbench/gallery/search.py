"""Exact search inside a scope: the rows it holds, the best of them, as candidates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calibration import QUALITY_STEPS
from workbench.domain import (
    PLAIN,
    Candidate,
    Filter,
    Progress,
    ProgressCallback,
    Scope,
    Span,
    TimeNote,
    format_tracklet_id,
    from_microseconds,
    to_microseconds,
)
from workbench.gallery.asking import permitted_questions
from workbench.gallery.index import TemplateIndex
from workbench.gallery.order import DAY, expand, runs
from workbench.gallery.scan import Piece, Question, Rows, scan, workers
from workbench.gallery.segments import Segment
from workbench.permit import Permit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Vector
    from workbench.gallery.store import Gallery

# Stretches of rows at least this long are read where they lie; shorter ones are gathered first.
LONG_RUN = 4_096


@dataclass(frozen=True, slots=True)
class Explanation:
    """Cost of a search: cameras, segments, tracklets and bytes that it would read."""

    cameras: int  # in the district, after the filter
    segments: int
    tracklets: int  # searchable ones that are compared
    blocks: int  # the steps of the scan
    bytes: int  # read from the columns
    # the tracklets by the quality of their best shot, in equal steps from 0 to 1
    quality: tuple[int, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.tracklets:,} tracklets of {self.cameras:,} cameras in {self.segments:,} "
            f"segments: {self.bytes / 1e6:,.1f} MB in {self.blocks:,} blocks"
        )


def search(
    gallery: Gallery,
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
        Called now and then; ``done`` and ``total`` count rows. It may raise Cancelled.

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
        gallery,
        [template],
        scope,
        permits=[permit],
        top=top,
        threshold=threshold,
        normaliser=normaliser,
        only=only,
        progress=progress,
    )[0]


def search_many(
    gallery: Gallery,
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
    questions = permitted_questions(
        gallery.path, gallery.profile, templates, scope,
        permits=permits, top=top, threshold=threshold, normaliser=normaliser,
    )()  # fmt: skip
    only = only or Filter()
    likely = gallery.settled(lambda: [*_likely(gallery, scope, only)])
    spans = _spans(scope, only.windows)
    # Row numbers are made segment by segment: those of a wide scope are many.
    total = 0
    if progress is not None:
        total = sum(_count(_pieces(i, cameras, spans, only.quality)) for _, i, cameras in likely)
    done = 0
    with workers() as pool:
        for number, (segment, index, cameras) in enumerate(likely):
            before = done
            pieces = _pieces(index, cameras, spans, only.quality)
            offsets = segment.offsets(normaliser) if normaliser and pieces else None
            for rows in scan([Rows(number, index, pieces, offsets)], questions, pool):
                done += rows
                if progress is not None:
                    progress(Progress(done, total))
            keys = not all(isinstance(piece, slice) for piece in pieces)
            gallery.residency.read(index, done - before, keys=keys, question=questions)
    segments = [segment for segment, *_ in likely]
    return [_candidates(gallery, segments, question) for question in questions]


def explain(
    gallery: Gallery, scope: Scope, *, only: Filter | None = None, normalised: bool = False
) -> Explanation:
    """Estimate what a search of *scope* would read; raise DistrictError as :func:`search` does.

    *normalised* scores need an offset for each row besides.
    """
    only = only or Filter()
    found = gallery.settled(lambda: [*_inside(gallery, scope, only)])
    rows = sum(count for *_, count in found)
    # A row's code and scale; the keys that decide whether it is inside.
    width = gallery.profile.dimension + 4 + 8 + 8 + 4
    width += 4 if gallery.profile.metric == "euclidean" else 0
    width += 4 if normalised else 0
    return Explanation(
        cameras=int(_wanted(gallery, scope, only).sum()),
        segments=len(found),
        tracklets=rows,
        blocks=sum(len(pieces) for _, _, pieces, _ in found),
        bytes=rows * width,
        quality=tuple(
            sum(
                (_by_quality(index, pieces) for _, index, pieces, _ in found),
                np.zeros(QUALITY_STEPS, np.int64),
            ).tolist()
        ),
    )


def _by_quality(index: TemplateIndex, pieces: Sequence[Piece]) -> NDArray[np.int64]:
    """Count rows by step of quality, ``(QUALITY_STEPS,)``."""
    count = np.zeros(QUALITY_STEPS, np.int64)
    for rows in pieces:
        steps = (index.quality[rows] * QUALITY_STEPS).astype(np.int64)
        count += np.bincount(np.clip(steps, 0, QUALITY_STEPS - 1), minlength=QUALITY_STEPS)
    return count


# --- Which rows ---------------------------------------------------------------------------------


def _inside(
    gallery: Gallery, scope: Scope, only: Filter
) -> Iterator[tuple[Segment, TemplateIndex, list[Piece], int]]:
    """Segments with rows inside the scope, with the rows and their number."""
    spans = _spans(scope, only.windows)
    for segment, index, cameras in _likely(gallery, scope, only):
        pieces = _pieces(index, cameras, spans, only.quality)
        if rows := _count(pieces):
            yield segment, index, pieces, rows


def _likely(
    gallery: Gallery, scope: Scope, only: Filter
) -> Iterator[tuple[Segment, TemplateIndex, NDArray[np.bool_]]]:
    """Segments in the time range with cameras in the district, and a mask of these cameras."""
    wanted = _wanted(gallery, scope, only)
    spans = _spans(scope, only.windows)
    for segment in gallery.segments:
        if not segment.entry.templates or not spans:
            continue
        index = segment.opened()
        if index.begins >= spans[-1][1] or index.ends < spans[0][0]:
            continue
        cameras = wanted[gallery.places.numbers(segment)]
        if cameras.any():
            yield segment, index, cameras


def _count(pieces: Sequence[Piece]) -> int:
    return sum(p.stop - p.start if isinstance(p, slice) else len(p) for p in pieces)


def _wanted(gallery: Gallery, scope: Scope, only: Filter) -> NDArray[np.bool_]:
    """Mask of the gallery's cameras that are searched."""
    inside = gallery.inside(scope.district, unplaced=scope.unplaced)
    return gallery.places.left_by(only, inside)


def _spans(scope: Scope, windows: Iterable[Span] | None) -> list[tuple[int, int]]:
    """Spans that are searched, in microseconds since 1970: sorted and disjoint."""
    return [(to_microseconds(start), to_microseconds(end)) for start, end in scope.spans(windows)]


def _pieces(
    index: TemplateIndex,
    allowed: NDArray[np.bool_],
    spans: Sequence[tuple[int, int]],
    quality: float,
) -> list[Piece]:
    """Rows of a segment whose camera is allowed, and that were seen in one of the spans."""
    bounds, mixed = _place_runs(index.places, allowed)
    begin, end = spans[0][0], spans[-1][1]
    first_day, last_day = (begin - index.longest_seen) // DAY, (end - 1) // DAY
    long: list[Piece] = []
    short: list[NDArray[np.intp]] = []
    stops = np.append(index.days[1:, 1], len(index))
    for (day, start), stop in zip(index.days.tolist(), stops.tolist(), strict=True):
        if not first_day <= day <= last_day:
            continue
        if bounds is None:
            low, high = np.array([start]), np.array([stop])
        else:
            place = index.place[start:stop]
            low = start + np.searchsorted(place, bounds[0], "left")
            high = start + np.searchsorted(place, bounds[1], "right")
        whole = len(spans) == 1 and begin <= day * DAY and (day + 1) * DAY <= end
        if whole and not mixed and not quality:
            far = high - low >= LONG_RUN
            long += [
                slice(a, b) for a, b in zip(low[far].tolist(), high[far].tolist(), strict=True)
            ]
            low, high = low[~far], high[~far]
            if len(low):
                short.append(expand(low, high))
            continue
        # A slice is looked at where it lies; numbers of rows would have to be gathered.
        rows: Piece = slice(int(low[0]), int(high[0])) if len(low) == 1 else expand(low, high)
        keep = _seen(index, rows, spans)
        if mixed:
            keep &= allowed[index.camera[rows]]
        if quality:
            keep &= index.quality[rows] >= quality
        short.append(low[0] + np.flatnonzero(keep) if isinstance(rows, slice) else rows[keep])
    gathered = np.concatenate(short) if short else np.empty(0, np.intp)
    return [*long, gathered] if len(gathered) else long


def _place_runs(
    places: NDArray[np.int64], allowed: NDArray[np.bool_]
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]] | None, bool]:
    """Runs of Hilbert places that hold no camera from outside, as first and last place.

    None where all cameras are allowed. The flag is True if a place has cameras of both kinds, so
    that the camera of each row must be looked at too.
    """
    if allowed.all():
        return None, False
    unique, number = np.unique(places, return_inverse=True)
    some = np.zeros(len(unique), bool)
    some[number[allowed]] = True
    mixed = bool((some[number] & ~allowed).any())
    first, last = runs(some)
    return (unique[first], unique[last]), mixed


def _seen(index: TemplateIndex, rows: Piece, spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Mask of the rows seen at some moment in one of the spans, ``[start, end)``."""
    first, last = index.first_seen[rows], index.last_seen[rows]
    if len(spans) == 1:
        return (first < spans[0][1]) & (last >= spans[0][0])
    starts = np.array([start for start, _ in spans])
    ends = np.array([end for _, end in spans])
    # The first span that ends after it was first seen; it must have begun when it was last seen.
    which = np.searchsorted(ends, first, "right")
    return (which < len(spans)) & (last >= starts[np.minimum(which, len(spans) - 1)])


# --- What people read ---------------------------------------------------------------------------


def _candidates(
    gallery: Gallery, segments: Sequence[Segment], question: Question
) -> list[Candidate]:
    """Turn the best rows into candidates, in their order."""
    places = gallery.places
    order: list[tuple[Any, ...]] = []
    for number in np.unique(question.segment).tolist():
        segment, here = segments[number], question.segment == number
        index, rows = segment.index, question.row[here]
        columns = (
            -question.score[here], index.first_seen[rows],
            segment.recording_ids[index.recording[rows]], index.ordinal[rows],
            # So far the order.
            index.last_seen[rows], places.numbers(segment)[index.camera[rows]],
            index.recording[rows], rows, index.best[rows],
            index.first_seconds[rows], index.last_seconds[rows],
        )  # fmt: skip
        order += zip(*(column.tolist() for column in columns), [segment] * len(rows), strict=True)
    order.sort(key=itemgetter(slice(4)))
    return [
        Candidate(
            tracklet_id=format_tracklet_id(recording_id.decode(), ordinal),
            camera=places.at(camera),
            recording_id=recording_id.decode(),
            recording=gallery.files(segment)[recording].as_py(),
            first_seen=from_microseconds(first_seen),
            last_seen=from_microseconds(last_seen),
            score=-minus,
            quality=quality,
            shot_seconds=seconds,
            shot_time=from_microseconds(time),
            shot_jpeg=segment.index.picture(row),
            scale=question.score_scale,
            time=TimeNote.of(
                from_microseconds(first_seen),
                gallery.stretches(segment).get(recording, PLAIN), begins, ends,
            ),
        )
        for (
            minus, first_seen, recording_id, ordinal, last_seen, camera, recording, row,
            (seconds, time, quality, *_), begins, ends, segment,
        ) in order[: question.top]
    ]  # fmt: skip
