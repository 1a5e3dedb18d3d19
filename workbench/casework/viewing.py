"""Viewing log: what of the footage was watched under a case, by whom and when.

Clips around candidates are in it, and every piece of a recording that a page plays. An entry is
made before anything is shown. The log says what was sent to a person's browser; whether they looked
at it, nothing can say.

Where somebody watched tells where the candidates are. So while a case is open, people who may come
to decide in its review see only what they watched themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from workbench.casework.plaintext import plain
from workbench.casework.reviewing.coverage import covers
from workbench.casework.reviewing.shielding import is_shielded
from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import Camera, Candidate
    from workbench.gallery import Gallery

Detail: TypeAlias = Literal["clip", "coarse", "sharp"]
DETAILS: Mapping[Detail, str] = {
    "clip": "clip, one face sharp",
    "coarse": "coarse",
    "sharp": "sharp",
}
"""How much could be seen, in words: in a clip one face is sharp and all the rest coarse."""

JOINED_SECONDS = 2.0
"""Pieces of one recording that a person watched so near to each other are listed as one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a recording."""

    recording_id: str
    recording: str  # file as catalogued
    camera: Camera
    begins: datetime  # UTC, of the recording, by its clock as it is known now
    start: float  # seconds into the recording
    end: float  # likewise

    @property
    def since(self) -> datetime:
        """Time of its first picture (UTC)."""
        return self.begins + timedelta(seconds=self.start)

    @property
    def until(self) -> datetime:
        """Time of its last picture (UTC)."""
        return self.begins + timedelta(seconds=self.end)


@dataclass(frozen=True, slots=True)
class Viewing:
    """A piece of a recording that was shown to somebody."""

    by: str
    at: datetime  # UTC, when it was shown
    recording_id: str
    recording: str  # file as catalogued
    camera_id: str
    start: float  # seconds into the recording
    end: float  # likewise
    since: datetime  # UTC, as the recording's clock was known then
    until: datetime  # likewise
    detail: Detail
    reason: str = ""  # why it was shown sharp


@dataclass(frozen=True, slots=True)
class Watched:
    """Footage that a case covers, and the share of it that was watched."""

    viewings: tuple[Viewing, ...]  # in the order of the recordings' time
    withheld: int = 0  # viewings of others that the user must not know of yet
    recordings: int = 0  # that the case covers
    opened: int = 0  # of these, watched in part or whole
    seconds: float = 0.0  # of footage that the case covers
    seen: float = 0.0  # of these, watched by anyone whose viewings are told

    @property
    def share(self) -> float:
        """Share of the covered footage that was watched, from 0 to 1; 0 without footage."""
        return self.seen / self.seconds if self.seconds else 0.0

    @property
    def words(self) -> str:
        """Sentence that says how much was watched, and how much was not."""
        if not self.seconds:
            return "The case covers no footage in this gallery."
        told = (
            f"{_minutes(self.seen)} of {_minutes(self.seconds)} ({_percent(self.share)}), in "
            f"{self.opened:,} of {self.recordings:,} recordings."
        )
        if self.withheld:
            return (
                f"Watched by you: {told} What others watched is kept from people who may still "
                "decide in the review of this case."
            )
        return f"Watched: {told} Not watched: {_percent(1 - self.share)}."


def may_watch(register: CaseRegister, reference: str, piece: Piece) -> Person:
    """Return the user if they may watch a piece of a recording under a case; to ask beforehand.

    It must lie in the area and the time of the case, from its first picture to its last.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    CaseError
        If they are not a member of the case, it is not open, or it does not cover the piece; the
        attempt is recorded.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    case.require_open(fix="Footage is watched under an open case")
    request = case.request
    inside = request.start <= piece.since and piece.until <= request.end
    if not (inside and covers(request, piece.camera, piece.since, piece.until)):
        what = f"the case does not cover {piece.camera.camera_id} at that time"
        register.refused("shot.view", reference, [f"{piece.recording}: {what}"])
        raise CaseError(what, where=reference, fix="Choose footage of its area and time")
    return me


def record_viewing(
    register: CaseRegister, reference: str, piece: Piece, detail: Detail, *, reason: str = ""
) -> None:
    """Record that the user is shown a piece of a recording, before it is shown.

    *detail* says how much can be seen of it. What is shown sharp takes a *reason*. Who has watched
    footage takes no part in the review of the case.

    Raises what :func:`may_watch` raises, and CaseError without a reason or with another detail.
    """
    if detail not in get_args(Detail):
        raise CaseError(
            f"{detail!r} is not a way of showing footage",
            where=reference,
            fix=f"Choose from {', '.join(DETAILS)}",
        )
    reason = plain(reason, where="reason")
    if detail == "sharp" and not reason:
        raise CaseError(
            "footage is shown sharp for a reason alone, and there is none",
            where=reference,
            fix="State it in a sentence",
        )
    me = may_watch(register, reference, piece)
    about = {"case": reference, **document(piece), "detail": detail, "reason": reason}
    register.record("footage.viewed", about, by=me)


def piece_of(candidate: Candidate, start: float, end: float) -> Piece:
    """Make the piece of a candidate's recording between two seconds of it."""
    begins = candidate.shot_time - timedelta(seconds=candidate.shot_seconds)
    return Piece(candidate.recording_id, candidate.recording, candidate.camera, begins, start, end)


def document(piece: Piece) -> dict[str, object]:
    """Return a piece as the JSON values that entries hold."""
    return {
        "recording_id": piece.recording_id,
        "recording": piece.recording,
        "camera": piece.camera.camera_id,
        "seconds": [round(piece.start, 3), round(piece.end, 3)],
        "since": piece.since.isoformat(),
        "until": piece.until.isoformat(),
    }


def viewings(register: CaseRegister, reference: str) -> tuple[Viewing, ...]:
    """Return what was watched under a case, as far as the user may know, in the order of time.

    Pieces that one person watched one after the other are joined.

    Raises NotPermitted if the user may not read cases, and CaseError if they are not a member of
    this one.
    """
    register.require("case.read", reference)
    return _told(register, reference)[0]


def watched(register: CaseRegister, reference: str, gallery: Gallery) -> Watched:
    """Return what was watched under a case, and the share of the covered footage that it is.

    Raises what :func:`viewings` raises.
    """
    register.require("case.read", reference)
    return _measured(register.case(reference), gallery, *_told(register, reference))


def all_watched(register: CaseRegister, case: Case, gallery: Gallery) -> Watched:
    """Return everything that was watched under a case, whoever asks: for reports, never to show."""
    return _measured(case, gallery, _joined([*map(_viewing, _entries(register, case.reference))]))


def _measured(
    case: Case, gallery: Gallery, told: tuple[Viewing, ...], withheld: int = 0
) -> Watched:
    request = case.request
    cameras = gallery.cameras_inside(request.district, unplaced=case.scope.unplaced)
    inside = {camera.camera_id for camera in cameras}
    rows = gallery.recordings()
    rows = rows[
        rows["camera_id"].isin(inside)
        & (rows["started_at"] < request.end)
        & (rows["ended_at"] > request.start)
    ]
    pieces: dict[str, list[tuple[float, float]]] = {}
    for one in told:
        pieces.setdefault(one.recording_id, []).append((one.start, one.end))
    opened, seconds, seen = 0, 0.0, 0.0
    columns = ("recording_id", "started_at", "ended_at")
    for name, begins, ends in zip(*(rows[column] for column in columns), strict=True):
        low = max(0.0, (request.start - begins).total_seconds())
        high = (min(request.end, ends) - begins).total_seconds()
        seconds += high - low
        own = _length(pieces.get(name, ()), low, high)
        seen += own
        opened += own > 0
    return Watched(told, withheld, len(rows), opened, seconds, seen)


def _told(register: CaseRegister, reference: str) -> tuple[tuple[Viewing, ...], int]:
    """Return the viewings that the user may know of, and the number of the others."""
    case, me, entries = register.case(reference), register.me, _entries(register, reference)
    shielded = is_shielded(register, case)
    told = [entry for entry in entries if not shielded or entry.account == me.account]
    return _joined([_viewing(entry) for entry in told]), len(entries) - len(told)


def _entries(register: CaseRegister, reference: str) -> list[Entry]:
    entries = [*register.entries_of(reference, "footage.viewed")]
    # Until clips were told to the second, their entries named the recording alone.
    clips = register.entries_of(reference, "clip.viewed")
    return entries + [entry for entry in clips if "seconds" in entry.about]


def _viewing(entry: Entry) -> Viewing:
    about = entry.about
    start, end = about["seconds"]
    return Viewing(
        entry.account,
        entry.at,
        about["recording_id"],
        about["recording"],
        about["camera"],
        start,
        end,
        datetime.fromisoformat(about["since"]),
        datetime.fromisoformat(about["until"]),
        about.get("detail", "clip"),
        about.get("reason", ""),
    )


def _joined(found: Sequence[Viewing]) -> tuple[Viewing, ...]:
    """Join what one person watched of a recording one after the other; sort by time of day."""
    joined: list[Viewing] = []
    last: dict[tuple[object, ...], int] = {}  # where in the list the last of its kind is
    for one in sorted(found, key=lambda viewing: viewing.at):
        key = (one.by, one.recording_id, one.detail, one.reason)
        at = last.get(key)
        before = joined[at] if at is not None else None
        if (
            at is not None
            and before is not None
            and one.detail != "clip"
            and -JOINED_SECONDS <= one.start - before.end <= JOINED_SECONDS
        ):
            joined[at] = Viewing(
                before.by, before.at, before.recording_id, before.recording, before.camera_id,
                before.start, max(before.end, one.end), before.since,
                max(before.until, one.until), before.detail, before.reason,
            )  # fmt: skip
        else:
            last[key] = len(joined)
            joined.append(one)
    return tuple(sorted(joined, key=lambda viewing: (viewing.since, viewing.at)))


def _length(pieces: Sequence[tuple[float, float]], low: float, high: float) -> float:
    """Return how many seconds between two the pieces cover, each second once."""
    covered, reached = 0.0, low
    for start, end in sorted(pieces):
        start, end = max(start, reached), min(end, high)
        if end > start:
            covered += end - start
            reached = end
    return covered


def _minutes(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else left, "s")]
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0 s"


def _percent(share: float) -> str:
    """Format a share so that neither nothing nor everything is said of what is only nearly so."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{share:.1%}".replace("%", " %")
