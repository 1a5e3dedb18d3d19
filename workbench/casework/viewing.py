"""Viewing log: what of the footage was shown under a case, to whom and when.

Clips around candidates are in it, every single picture of a recording that a page shows, and every
piece that it plays. An entry is made before anything is shown. The log says what was sent to a
person's browser; whether they looked at it, nothing can say, so reports say *shown*.

Where somebody watched tells where the candidates are. So while a case is open, people who may come
to decide in its review see only what they watched themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from workbench.casework.plaintext import plain
from workbench.casework.reviewing.coverage import covers
from workbench.casework.reviewing.shielding import is_shielded
from workbench.errors import CaseError, NotPermitted

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
    "coarse": "pixelated",
    "sharp": "sharp",
}
"""How much could be seen, in words: in a clip one face is sharp and all the rest coarse."""

ROUNDING = 1e-3
"""Seconds by which a piece may reach beyond what was recorded: times are rounded."""

JOINED_SECONDS = 2.0
"""Pieces of one recording that a person watched so near to each other are listed as one."""

CAVEAT = (
    "Shown is what was sent to a browser; whether anyone looked at it, nothing can say. No face "
    "can be recognised where it was pixelated."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a recording, with one offset of its clock."""

    recording_id: str
    recording: str  # file as catalogued
    camera: Camera
    begins: datetime  # UTC, of the recording, by its clock as it is known now
    start: float  # seconds into the recording
    end: float  # likewise
    timing: str = ""  # that its times are uncertain or corrected

    @property
    def since(self) -> datetime:
        """Time of its first picture (UTC)."""
        return self.begins + timedelta(seconds=self.start)

    @property
    def until(self) -> datetime:
        """Time of its last picture (UTC)."""
        return self.begins + timedelta(seconds=self.end)

    @property
    def first_picture(self) -> Piece:
        """Its first picture alone: a piece that has no length."""
        return replace(self, end=self.start)


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
    timing: str = ""  # that its times were uncertain or corrected


@dataclass(frozen=True, slots=True)
class Watched:
    """Footage that a case covers, and the share of it that was shown to people."""

    viewings: tuple[Viewing, ...]  # in the order of the recordings' time
    withheld: int = 0  # viewings of others that the user must not know of yet
    recordings: int = 0  # that the case covers
    opened: int = 0  # of these, shown in part or whole
    seconds: float = 0.0  # of footage that the case covers and in which something can be seen
    seen: float = 0.0  # of these, shown to anyone whose viewings are told
    by_detail: tuple[tuple[Detail, float], ...] = ()  # of these, by how much could be seen

    @property
    def share(self) -> float:
        """Share of the covered footage that was shown, from 0 to 1; 0 without footage."""
        return self.seen / self.seconds if self.seconds else 0.0

    @property
    def words(self) -> str:
        """Say how much was shown, how much of it coarse and sharp, and how much was not."""
        if not self.seconds:
            return "The case covers no footage in this gallery."
        told = (
            f"{_minutes(self.seen)} of {_minutes(self.seconds)} ({_percent(self.share)}), in "
            f"{self.opened:,} of {self.recordings:,} recordings"
        )
        parts = "; ".join(
            f"{DETAILS[detail]}: {_minutes(seconds)}" for detail, seconds in self.by_detail
        )
        told += f" ({parts})." if parts else "."
        if self.withheld:
            return (
                f"Shown to you: {told} What others were shown is kept from people who may still "
                f"decide in the review of this case. {CAVEAT}"
            )
        return f"Shown: {told} Not shown: {_percent(1 - self.share)}. {CAVEAT}"


def may_see_sharp(register: CaseRegister, reference: str) -> None:
    """Raise NotPermitted unless the user is a member of a case, on record; in training, all may.

    Supervisors know of every case; people in its footage are shown to those who work on it.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    if case.is_training or not me.in_service or me.account in case.members:
        return
    why = f"{me.account} is not a member of the case and sees its footage pixelated"
    register.refused("shot.view", reference, [why])
    raise NotPermitted(why, where=reference, fix="Ask who requested it to be made a member")


def may_go_on(register: CaseRegister, reference: str, detail: Detail = "coarse") -> Person:
    """Return the user if they may watch footage of a case; to ask each time that any is shown.

    Raises what :func:`may_watch` raises, except for the piece.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    case.require_open(fix="Footage is watched under an open case")
    if detail == "sharp":
        may_see_sharp(register, reference)
    return me


def may_watch(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    piece: Piece,
    detail: Detail = "coarse",
) -> Person:
    """Return the user if they may watch a piece of a recording under a case; to ask beforehand.

    It must lie in the area and the time of the case, from its first picture to its last, and be
    what the gallery has of that camera: of a moving one, what it recorded at that place.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or it is to be sharp and they are not a member of the
        case.
    CaseError
        If they are not a member of the case, it is not open, or it does not cover the piece; the
        attempt is recorded.
    """
    me, request = may_go_on(register, reference, detail), register.case(reference).request
    inside = request.start <= piece.since and piece.until <= request.end
    covered = inside and covers(request, piece.camera, piece.since, piece.until)
    if not (covered and _is_held(gallery, piece)):
        what = f"the case does not cover {piece.camera.camera_id} at that time"
        register.refused("shot.view", reference, [f"{piece.recording}: {what}"])
        raise CaseError(what, where=reference, fix="Choose footage of its area and time")
    return me


def _is_held(gallery: Gallery, piece: Piece) -> bool:
    """Check whether a camera recorded a piece, at one place and by one offset of its clock."""
    return any(
        (part.camera_id, part.begins) == (piece.camera.camera_id, piece.begins)
        and part.start - ROUNDING <= piece.start
        and piece.end <= part.end + ROUNDING
        for part in gallery.recorded_parts([piece.recording_id])
    )


def record_viewing(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    piece: Piece,
    detail: Detail,
    *,
    reason: str = "",
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
    me = may_watch(register, reference, gallery, piece, detail)
    about = {"case": reference, **piece_document(piece), "detail": detail, "reason": reason}
    register.record("footage.viewed", about, by=me)


def piece_of(candidate: Candidate, start: float, end: float) -> Piece:
    """Make the piece of a candidate's recording between two seconds of it."""
    begins = candidate.shot_time - timedelta(seconds=candidate.shot_seconds)
    return Piece(
        candidate.recording_id, candidate.recording, candidate.camera, begins, start, end,
        candidate.time.mark,
    )  # fmt: skip


def piece_document(piece: Piece) -> dict[str, object]:
    """Return a piece as the JSON values that entries hold."""
    return {
        "recording_id": piece.recording_id,
        "recording": piece.recording,
        "camera": piece.camera.camera_id,
        "seconds": [round(piece.start, 3), round(piece.end, 3)],
        "since": piece.since.isoformat(),
        "until": piece.until.isoformat(),
        "timing": piece.timing,
    }


def viewings(register: CaseRegister, reference: str) -> tuple[Viewing, ...]:
    """Return what was shown under a case, as far as the user may know, in the order of time.

    Pieces that one person watched one after the other are joined.

    Raises NotPermitted if the user may not read cases, and CaseError if they are not a member of
    this one.
    """
    register.require("case.read", reference)
    return _joined(_told(register, reference)[0])


def watched(register: CaseRegister, reference: str, gallery: Gallery) -> Watched:
    """Return what was shown under a case, and the share of the covered footage that it is.

    Raises what :func:`viewings` raises.
    """
    register.require("case.read", reference)
    return _measured(register.case(reference), gallery, *_told(register, reference))


def all_watched(register: CaseRegister, case: Case, gallery: Gallery) -> Watched:
    """Return everything that was shown under a case, whoever asks: for reports, never to show."""
    return _measured(case, gallery, [*map(_viewing, _entries(register, case.reference))])


def _measured(case: Case, gallery: Gallery, told: Sequence[Viewing], withheld: int = 0) -> Watched:
    """Measure what was shown, in seconds of the recordings: clocks may have been set meanwhile.

    Pieces count each by itself: what lies between two that are listed as one was not shown.
    """
    request = case.request
    cameras = gallery.cameras_inside(request.district, unplaced=case.scope.unplaced)
    names = gallery.recorded_between(cameras, request.start, request.end)
    by_detail: dict[Detail, dict[str, list[tuple[float, float]]]] = {name: {} for name in DETAILS}
    pieces: dict[str, list[tuple[float, float]]] = {}
    for one in told:
        for those in (pieces, by_detail[one.detail]):
            those.setdefault(one.recording_id, []).append((one.start, one.end))
    covered, opened, seconds, seen = set(), set(), 0.0, 0.0
    lengths = dict.fromkeys(by_detail, 0.0)
    for whole in gallery.recorded_parts(names, seen_only=True):
        part = whole.between(request.start, request.end)
        if part is None:
            continue
        name = part.recording_id
        covered.add(name)
        seconds += part.end - part.start
        shown = pieces.get(name, ())
        if any(start <= part.end and part.start <= end for start, end in shown):
            opened.add(name)  # a single picture is no seconds long
        if own := _length(shown, part.start, part.end):
            seen += own
            for detail, those in by_detail.items():
                lengths[detail] += _length(those.get(name, ()), part.start, part.end)
    told_apart = tuple((detail, length) for detail, length in lengths.items() if length)
    listed = _joined(told)
    return Watched(listed, withheld, len(covered), len(opened), seconds, seen, told_apart)


def _told(register: CaseRegister, reference: str) -> tuple[list[Viewing], int]:
    """Return the viewings that the user may know of, and the number of the others."""
    case, me, entries = register.case(reference), register.me, _entries(register, reference)
    shielded = is_shielded(register, case)
    told = [entry for entry in entries if not shielded or entry.account == me.account]
    return [_viewing(entry) for entry in told], len(entries) - len(told)


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
        about.get("timing", ""),
    )


def _joined(found: Sequence[Viewing]) -> tuple[Viewing, ...]:
    """Join what one person watched of a recording one after the other; sort by time of day."""
    joined: list[Viewing] = []
    last: dict[tuple[object, ...], int] = {}  # where in the list the last of its kind is
    for one in sorted(found, key=lambda viewing: viewing.at):
        key = (one.by, one.recording_id, one.detail, one.reason, one.timing)
        at = last.get(key)
        if at is not None and one.detail != "clip" and _meet(joined[at], one):
            before = joined[at]
            joined[at] = replace(
                before,
                # Whoever goes back sees what comes before.
                start=min(before.start, one.start),
                end=max(before.end, one.end),
                since=min(before.since, one.since),
                until=max(before.until, one.until),
            )
        else:
            last[key] = len(joined)
            joined.append(one)
    return tuple(sorted(joined, key=lambda viewing: (viewing.since, viewing.at)))


def _meet(before: Viewing, after: Viewing) -> bool:
    """Check whether somebody went on from one piece to the other, or back."""
    on, back = after.start - before.end, before.start - after.end
    goes_back = after.start < before.start and abs(back) <= JOINED_SECONDS
    return goes_back or abs(on) <= JOINED_SECONDS


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
        return "less than 0.1%"
    if 0.999 < share < 1:
        return "more than 99.9%"
    return f"{share:.1%}".replace(".0%", "%")
