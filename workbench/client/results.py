"""Answers of a server, as those of a gallery on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from workbench.casework.searches import require_complete
from workbench.client.documents import (
    candidate_from,
    coverage_from,
    filter_from,
    missing_from,
    scope_from,
    threshold_from,
)
from workbench.domain import (
    Camera,
    Candidate,
    Coverage,
    Filter,
    Missing,
    Scope,
    Threshold,
    candidates_frame,
    parse_time,
)
from workbench.live.results import Findings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FoundOnServer(Findings):
    """Result of one search on a server: what :class:`workbench.SearchResult` is on this machine.

    Each picture that :meth:`faces` or a popup of :meth:`map` shows is fetched then, on record.

    ``candidates`` are sorted by score, best first; their pictures are fetched by :meth:`shot`,
    unless they were asked for with the search. The server keeps a search for an hour.
    """

    candidates: tuple[Candidate, ...] = field(repr=False)
    scope: Scope = field(repr=False)
    threshold: Threshold | None
    cameras: tuple[Camera, ...] = field(repr=False)  # inside the district, or named by the case
    coverage: Coverage = field(repr=False)
    asked_at: datetime  # UTC
    seconds: float  # duration of the search
    case: str
    training: bool
    notices: tuple[str, ...]  # said of the case wherever something of it is shown
    scale: str
    compared: int  # tracklets
    only: Filter | None
    top: int | None = None  # most candidates that it may return
    photograph_notes: tuple[str, ...] = ()  # notes and advice about the photographs
    forecast: tuple[str, ...] = ()  # false candidates and missed sightings to expect, in words
    missing: Missing | None = None  # what could not be compared
    _fetch: Callable[[str], bytes] = field(repr=False, kw_only=True)

    @classmethod
    def of(cls, document: Mapping[str, Any], fetch: Callable[[str], bytes]) -> Self:
        """Read the document of a search; *fetch* gets what else is asked of it, by path."""
        return cls(
            candidates=tuple(map(candidate_from, document["candidates"])),
            scope=scope_from(document["scope"], drawn=False),
            threshold=threshold_from(document["threshold"]),
            cameras=tuple(Camera(**camera) for camera in document["cameras"]),
            coverage=coverage_from(document["coverage"]),
            asked_at=parse_time(document["asked_at"]),
            seconds=document["seconds"],
            case=document["case"],
            training=document["training"],
            notices=tuple(document["notices"]),
            scale=document["scale"],
            compared=document["compared"],
            top=document["top"],
            only=filter_from(document["only"]),
            photograph_notes=tuple(document["photograph_notes"]),
            forecast=tuple(document["forecast"]),
            missing=missing_from(document["missing"]),
            _fetch=lambda path: fetch(f"searches/{document['id']}/candidates/{path}"),
        )

    @property
    def complete(self) -> bool:
        """True if all of the scope was compared."""
        return self.missing is None

    def frame(self) -> pd.DataFrame:
        """Return the candidates as a DataFrame: see :func:`workbench.domain.candidates_frame`.

        Raises CaseError if something is missing: a table does not say so.
        """
        require_complete(self.missing, self.case)
        return candidates_frame(self.candidates)

    def shot(self, candidate: Candidate) -> bytes:
        """Fetch the best shot of a candidate, a JPEG; that it is seen is on record.

        Raises
        ------
        SightlineError
            What the server answers, such as NotPermitted where the case has been closed.
        """
        return candidate.shot_jpeg or self._fetch(f"{candidate.tracklet_id}/shot")

    def _pictures(self, candidates: Sequence[Candidate]) -> Mapping[str, bytes]:
        return {one.tracklet_id: self.shot(one) for one in candidates}

    def clip(self, candidate: Candidate) -> bytes:
        """Fetch the seconds around a candidate, an MP4, everybody else made coarse; on record.

        Raises
        ------
        SightlineError
            What the server answers, such as RecordingError where the footage is not at hand.
        """
        return self._fetch(f"{candidate.tracklet_id}/clip")


@dataclass(frozen=True)
class ConfirmedOnServer:
    """A candidate that two people decided shows the subject of the case."""

    candidate: Candidate
    confirmed_by: tuple[str, ...]
    confirmed_at: datetime  # UTC, of the last of their decisions


@dataclass(frozen=True)
class ForecastOnServer:
    """False candidates and missed sightings to expect of a search, before it is made."""

    scale: str  # of scores and thresholds
    compared: int  # tracklets in the scope
    photographs: int
    default_threshold: float
    words: tuple[str, ...]  # at the default threshold
    thresholds: tuple[Mapping[str, Any], ...] = field(repr=False)

    def frame(self) -> pd.DataFrame:
        """Return what to expect as a DataFrame, one row for each threshold.

        Columns: threshold, false_candidates, false_candidates_low, false_candidates_high (95 %
        interval), extrapolated, missed, missed_low, missed_high (shares, 0 to 1).
        """
        import pandas as pd

        return pd.DataFrame(list(self.thresholds))
