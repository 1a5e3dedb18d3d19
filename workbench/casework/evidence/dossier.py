"""Dossier of a case: everything that its report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workbench.casework.facts import notices_of
from workbench.domain import scale_marks
from workbench.maps.zones import local_time

if TYPE_CHECKING:
    from workbench.casework.authorisations import Step
    from workbench.casework.cases import Case
    from workbench.casework.evidence.drawings import Sketch
    from workbench.casework.notes import Note
    from workbench.casework.record.chain import Head
    from workbench.casework.reviewing.fillers import ErrorRate
    from workbench.casework.reviewing.verdicts import Reviewed
    from workbench.casework.searches import SearchEntry
    from workbench.casework.viewing import Watched
    from workbench.domain import Camera, Candidate, Profile, Threshold


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate on the review list, with its number in the report."""

    number: int
    item: Reviewed
    candidate: Candidate | None  # None if its pictures have been deleted


@dataclass(frozen=True, slots=True)
class Source:
    """A recording that shows a candidate, hashed when it was indexed and again for the report."""

    file: str
    camera_id: str
    indexed_sha256: str
    now_sha256: str  # empty if the file is not available

    @property
    def available(self) -> bool:
        """True if the file could be hashed again."""
        return bool(self.now_sha256)

    @property
    def changed(self) -> bool:
        """True if the file is available and differs from what was indexed."""
        return self.available and self.now_sha256 != self.indexed_sha256

    @property
    def state_text(self) -> str:
        """Result of the second check, in words."""
        if not self.available:
            return "not available: could not be checked again"
        return "CHANGED since indexing" if self.changed else "unchanged"


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that the report of a case is made from."""

    case: Case
    steps: tuple[Step, ...]  # requests for the case and its changes, and decisions on them
    in_service: bool  # the installation, so that examiners were blind
    photographs: tuple[bytes, ...] = field(repr=False)  # JPEG, of the subject
    searches: tuple[SearchEntry, ...]
    refused: int  # searches
    findings: tuple[Finding, ...]
    waiting: int  # faces left out because people have still to decide on them
    fillers: int  # on the review list, as far as it is told
    error_rates: tuple[ErrorRate, ...]
    sources: tuple[Source, ...]
    tracks: tuple[str, ...]  # on which recordings of moving cameras were placed
    clips: tuple[str, ...]  # file names
    notes: tuple[Note, ...]  # none while faces wait
    watched: Watched | None  # likewise
    cameras: tuple[Camera, ...]  # inside the permitted area
    profile: Profile
    threshold: Threshold | None  # None: the profile has no calibration
    places: Sketch
    times: Sketch
    zone: ZoneInfo
    made_at: datetime  # UTC
    made_by: str
    head: Head
    facts: Mapping[str, str]  # what a file with its sightings says of itself, by name

    @property
    def title(self) -> str:
        """Title of the report."""
        title = self.case.request.title
        return f"Case {self.case.reference}: {title}" if title else f"Case {self.case.reference}"

    @property
    def mark(self) -> str:
        """Beginning of the names of pictures and films: ``TRAINING-`` in a training case."""
        return "TRAINING-" if self.case.without_authority else ""

    @property
    def notice(self) -> str:
        """Notice on each page and in each film; empty for most cases."""
        return " ".join(notices_of(self.case, zone=self.zone))

    @property
    def scale_marks(self) -> dict[str, str]:
        """Marks of the scales that it shows scores of: :func:`workbench.domain.scale_marks`."""
        scales = [one.scale for one in self.searches if isinstance(one.threshold, float)]
        scales += [f.item.scale for f in self.findings if f.item.score is not None]
        scales += [self.threshold.scale] if self.threshold else []
        return scale_marks(scales)

    def local(self, moment: datetime) -> str:
        """Format a time in the time zone of the cameras."""
        return local_time(moment, self.zone)


def sightings_of(findings: Sequence[Finding]) -> dict[int, Candidate]:
    """Return the sightings whose pictures are still there, by their number in the report."""
    return {
        finding.number: finding.candidate
        for finding in findings
        if finding.candidate is not None and finding.item.outcome == "sighting"
    }


def is_outside(candidate: Candidate, steps: Sequence[Step]) -> bool:
    """Return True if a candidate lies outside each time that its case ever authorised.

    It was inside when it was found: its clock has been corrected since.
    """
    return all(
        candidate.last_seen < step.request.start or candidate.first_seen >= step.request.end
        for step in steps
        if step.counts
    )
