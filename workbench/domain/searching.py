"""Questions and answers: a probe and a scope, candidates and the coverage they rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.domain.clocks import length_words
from workbench.domain.summaries import Summarised, Summary, span_of, written
from workbench.domain.times import Span, utc
from workbench.errors import TimeError

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from workbench.domain.clocks import TimeNote
    from workbench.domain.faces import Face, Profile, Quality, Vector
    from workbench.domain.footage import Camera


@dataclass(frozen=True, slots=True)
class District:
    """A named area on the map. Make one with :mod:`workbench.district`, which checks it."""

    name: str
    area: Polygon | MultiPolygon  # x is longitude, y is latitude, WGS 84


@dataclass(frozen=True, slots=True, repr=False)
class Scope(Summarised):
    """District and time range of a search: both the legal limit and the index.

    A tracklet is inside if its camera lies in the district (border included) and it was seen at
    some moment in ``[start, end)``. So is one of a camera whose place is not known, if ``unplaced``
    names that camera; which ones a case names is approved with it.
    """

    district: District
    start: datetime  # UTC
    end: datetime  # UTC
    unplaced: frozenset[str] = frozenset()  # ids of cameras whose place is not known

    def __post_init__(self) -> None:
        start, end = utc(self.start, where="start"), utc(self.end, where="end")
        if end <= start:
            raise TimeError(
                f"the end {end.isoformat()} is not after the start {start.isoformat()}",
                where="time range",
                fix="Choose an end after the start",
            )
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    def summary(self) -> Summary:
        """Describe the scope: district, start and end."""
        return Summary(
            "Scope",
            (
                ("district", self.district.name),
                ("from", written(self.start)),
                ("to", written(self.end)),
                ("length", length_words(round((self.end - self.start).total_seconds()))),
                ("cameras without a place", ", ".join(sorted(self.unplaced))),
            ),
        )

    def spans(
        self, windows: Iterable[tuple[datetime, datetime]] | None = None
    ) -> list[tuple[datetime, datetime]]:
        """Spans ``[start, end)`` of the scope, sorted and disjoint; narrowed to *windows* if given.

        *windows* are times with an offset, in any order.
        """
        if windows is None:
            return [(self.start, self.end)]
        spans: list[tuple[datetime, datetime]] = []
        for start, end in sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in windows):
            first, last = max(start, self.start), min(end, self.end)
            if first >= last:
                continue
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
            else:
                spans.append((first, last))
        return spans


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that narrow a search inside its scope.

    Parameters
    ----------
    cameras : collection of str, optional
        Ids of cameras; others in the district are left out.
    windows : sequence of (start, end), optional
        Times with an offset, such as some hours of weekdays; a tracklet was seen in one of them.
    quality : float
        Lowest quality of the best shot.
    """

    cameras: frozenset[str] | None = None
    windows: tuple[Span, ...] | None = None
    quality: float = 0.0

    def document(self) -> dict[str, object]:
        """Return it as JSON values."""
        windows = self.windows
        return {
            "cameras": None if self.cameras is None else sorted(self.cameras),
            "windows": None
            if windows is None
            else [[a.isoformat(), b.isoformat()] for a, b in windows],
            "quality": self.quality,
        }


@dataclass(frozen=True, slots=True)
class Photograph:
    """One reference photograph of the target, with the face chosen in it."""

    name: str
    face: Face
    quality: Quality
    jpeg: bytes = field(repr=False)  # the face with some margin
    template: Vector = field(repr=False)  # (dimension,) float32
    advice: str = ""  # why it is a poor one, in plain words; empty for a good one
    notes: tuple[str, ...] = ()  # what was done to it, such as turning it, without full stops
    is_shot: bool = False  # a face in indexed footage, as its best shot shows it
    original: bytes = field(default=b"", repr=False)  # its file as it was given; empty for a shot
    number: int = 1  # of the face in it, 1 for the largest


MOST_PHOTOGRAPHS = 10  # in a probe, as the pages allow; the default threshold rises with them


@dataclass(frozen=True, slots=True, repr=False)
class Probe(Summarised):
    """The target face: photographs of one person and the template pooled from them."""

    photographs: tuple[Photograph, ...]
    template: Vector = field(repr=False)  # (dimension,) float32
    profile: Profile

    def summary(self) -> Summary:
        """Describe the probe: its photographs by name and quality, and the profile."""
        return Summary(
            "Probe",
            (
                ("photographs", f"{len(self.photographs)}"),
                ("quality", span_of([one.quality.overall for one in self.photographs])),
                ("profile", self.profile.name),
            ),
            notes=self.notes,
            headings=("photograph", "quality", "width of the face"),
            rows=[
                (one.name, f"{one.quality.overall:.2f}", f"{one.face.box.width:.0f} px")
                for one in self.photographs
            ],
        )

    @property
    def is_of_shots(self) -> bool:
        """True if it was made of best shots of footage alone, which errors differ for."""
        return all(photograph.is_shot for photograph in self.photographs)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes and advice about the photographs, each behind the photograph's name."""
        return tuple(
            f"{photograph.name}: {note}"
            for photograph in self.photographs
            for note in (*photograph.notes, photograph.advice)
            if note
        )


BY_HAND = "chosen by hand"
"""Said of a threshold in place of the calibration that it comes from."""

PLAIN_SCALE = "plain"
"""Scale of scores that are the cosine similarity, or 1 minus the Euclidean distance."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Lowest score of a candidate that is worth a look, and where it comes from.

    A score means nothing without its model: ``calibration`` names the data it was set on, and
    ``scale`` the scale it is on. Scores of different scales are never compared.
    """

    score: float
    calibration: str = BY_HAND
    scale: str = PLAIN_SCALE

    @property
    def words(self) -> str:
        """Say it with the kind of its scores and where it comes from, as files do."""
        origin = f"; {self.calibration}" if self.calibration else ""
        return f"{self.score:g} ({scale_kind(self.scale)} scores{origin})"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tracklet that resembles the probe: a lead, never an identification.

    ``score`` is higher for faces more alike, on the scale that ``scale`` names: normalised (see
    :mod:`workbench.calibration.normaliser`) where the profile's calibration can, else plain, the
    cosine similarity or 1 minus the Euclidean distance by the profile's metric.
    """

    tracklet_id: str  # "<recording_id>-<ordinal>"
    camera: Camera
    recording_id: str
    recording: str  # file as catalogued
    first_seen: datetime  # UTC
    last_seen: datetime  # UTC
    score: float
    quality: float  # of the best shot
    shot_seconds: float  # presentation time of the best shot in the recording
    shot_time: datetime  # UTC
    shot_jpeg: bytes = field(repr=False)
    time: TimeNote  # what first_seen and last_seen rest on
    scale: str = PLAIN_SCALE


def scale_kind(scale: str) -> str:
    """Kind of a scale, in the word that people read: what follows in its name is a digest."""
    return scale.partition("-")[0]


def scale_marks(scales: Iterable[str]) -> dict[str, str]:
    """Mark to write after each score of one list, by scale: empty where all are of one.

    In brackets the kind of scale, or its name where several of a kind are mixed.
    """
    kinds = {scale: scale_kind(scale) for scale in scales}
    if len(kinds) < 2:
        return dict.fromkeys(kinds, "")
    of_kind = Counter(kinds.values())
    return {s: f" ({kind if of_kind[kind] == 1 else s})" for s, kind in kinds.items()}


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates by score, the best first.

    Where they come from searches on several scales, those of one stand together, normalised ones
    before plain ones: a score says nothing about one of another scale.
    """
    return sorted(candidates, key=lambda c: (c.scale == PLAIN_SCALE, c.scale, -c.score))


def numbered(
    candidates: Sequence[Candidate], confirmed: Collection[str] = ()
) -> list[tuple[int, Candidate]]:
    """Number candidates from 1, as pages, files and reports do.

    By score, the best first; but sightings, where all are *confirmed* (tracklet_ids), by time.
    """
    ordered = best_first(candidates)
    if all(one.tracklet_id in confirmed for one in ordered):
        ordered.sort(key=lambda one: (one.first_seen, one.tracklet_id))
    return list(enumerate(ordered, start=1))


@dataclass(frozen=True, slots=True)
class Missing:
    """Parts of a scope that a search did not compare: what it did not find says nothing then.

    ``tracklets`` counts all of the parts that are missing: of them so many at most are inside.
    """

    parts: int
    of: int  # parts that were to be compared
    tracklets: int
    why: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """Say in a few words what is missing."""
        return f"{self.parts:,} of {self.of:,} parts could not be compared"

    @property
    def words(self) -> str:
        """Say what is missing and what follows from that."""
        parts = "1 part" if self.parts == 1 else f"{self.parts:,} parts"
        tracklets = "1 tracklet" if self.tracklets == 1 else f"up to {self.tracklets:,} tracklets"
        why = f" ({'; '.join(self.why)})" if self.why else ""
        return (
            f"This answer is incomplete: {parts} of {self.of:,}, with {tracklets}, could not be "
            f"compared{why}. A person who is not found in it may be there all the same, so nothing "
            "is reported or exported of it. Search again."
        )


@dataclass(frozen=True, slots=True)
class PartialAnswer:
    """Answer while a search goes on: what the parts that were compared hold; others may hold more.

    It is for looking at alone: no result is made of it, so nothing can be decided, listed, exported
    or denied by it.
    """

    best: tuple[Candidate, ...]  # of the candidates, best first, with pictures
    candidates: int  # that reach the threshold, up to now
    compared: int  # tracklets
    missing: Missing  # what is not compared yet

    def words(self, shown: int) -> str:
        """Say that it is partial, of how much it is, and how many candidates are *shown*."""
        parts = f"{self.missing.of - self.missing.parts:,} of {self.missing.of:,} parts"
        number = "1 candidate" if self.candidates == 1 else f"{self.candidates:,} candidates"
        best = f"the best {shown:,} of {number}" if shown < self.candidates else number
        return f"Partial answer: {best} up to now, {parts} compared; more may come."


@dataclass(frozen=True, slots=True, repr=False)
class Coverage(Summarised):
    """Footage and tracklets in a scope, so that 'no footage' is never taken for 'not seen'."""

    cameras: int  # in the district, or named by the case
    cameras_with_footage: int  # of these, with footage in the time range
    recordings: int
    footage_seconds: float  # inside the time range, added over cameras
    tracklets: int  # searchable
    unsearchable: int  # seen, but with no shot good enough
    refused: int = 0  # recordings that begin inside the scope and could not be read
    unseen_seconds: float = 0.0  # inside recordings and the time range, but without a picture
    unplaced: int = 0  # of the cameras, those that the case names and whose place is not known
    # Of the tracklets, searchable or not, those whose time is in doubt: they may lie outside, and
    # others that lie inside may be missing.
    uncertain: int = 0
    # And those whose time an earlier version made by its own rules, with nothing against it.
    earlier: int = 0

    def summary(self) -> Summary:
        """Describe the footage and the tracklets, and say what is in doubt."""
        nothing = ["There is no footage in this scope. No footage does not mean not there."]
        return Summary(
            "Coverage",
            (
                ("cameras with footage", f"{self.cameras_with_footage:,} of {self.cameras:,}"),
                ("cameras without a place", f"{self.unplaced:,}" if self.unplaced else ""),
                ("recordings", f"{self.recordings:,}"),
                ("footage", f"{self.footage_seconds / 3600:,.2f} hours"),
                ("tracklets", f"{self.tracklets:,}"),
                ("seen, but not searchable", f"{self.unsearchable:,}"),
                ("recordings refused", f"{self.refused:,}" if self.refused else ""),
            ),
            notes=tuple(self.doubts() if self.recordings else nothing),
        )

    def doubts(self) -> list[str]:
        """Sentences on footage that could not be seen, and on tracklets whose time is in doubt."""
        said = []
        if self.unseen_seconds:
            said.append(
                f"For {self.unseen_seconds:,.0f} s of this time recordings hold no picture that "
                "can be seen: pauses, damage, or what comes before the first key picture."
            )
        if self.uncertain:
            whose = "1 tracklet" if self.uncertain == 1 else f"{self.uncertain:,} tracklets"
            said.append(
                f"The time of {whose} in this scope is uncertain: what was seen in it may have "
                "been at another time, and what is missing may be in other hours."
            )
        if self.earlier:
            whose = "1 tracklet" if self.earlier == 1 else f"{self.earlier:,} tracklets"
            said.append(
                f"The time of {whose} in this scope is by the rules of an earlier version, and may "
                "be some seconds early; it can be confirmed, or the footage indexed again."
            )
        return said
