"""From candidate to sighting: two people compare, blind, and a third where they disagree.

An examiner sees the photographs of the case's subject and one face. Not its score, not the camera
or the time, not what others decided, nor whether it is a *filler*: a face known to be somebody
else's, mixed in so that each reviewer's errors are known. What they conclude is a step on a scale
of support, with the features they compared and a reason (FISWG, Facial Comparison Overview and
Methodology Guidelines; ASTM E3149).
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from workbench.casework.cases import plain
from workbench.casework.reviewing.triage import sorted_by
from workbench.casework.subjects import (
    keep_photographs,
    kept_photographs,
    subject_photographs,
)
from workbench.errors import CaseError, NotPermitted

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate, Probe
    from workbench.gallery import Gallery

FILLERS = "fillers"

SCALE: Mapping[int, str] = {
    3: "strong support for the same person",
    2: "moderate support for the same person",
    1: "limited support for the same person",
    0: "no support either way",
    -1: "limited support for different people",
    -2: "moderate support for different people",
    -3: "strong support for different people",
}
"""Conclusions an examiner can come to; None stands for 'not suitable for comparison'."""

SAME_FROM = 2  # at least moderate support is what makes a sighting

FEATURES = (
    "skin", "face outline", "face composition", "hairline", "forehead", "eyebrows", "eyes",
    "cheeks", "nose", "ears", "mouth", "chin and jaw", "neck", "facial hair", "facial lines",
    "scars", "marks", "alterations",
)  # fmt: skip
"""What is compared: the components of FISWG's Feature List for Morphological Analysis."""

Seen: TypeAlias = Literal["similar", "different", "not visible"]
LEAST_FEATURES = 3
_ONLY_OPEN = "Only an open case can be reviewed"

ReviewVerdict: TypeAlias = Literal["same", "different", "undecided"]
Outcome: TypeAlias = Literal["sighting", "not a sighting", "undecided", "waiting"]


@dataclass(frozen=True, slots=True)
class Item:
    """A face to compare with the subject, and nothing that could sway whoever does."""

    case: str
    key: str
    face: bytes  # JPEG
    photographs: tuple[bytes, ...]  # JPEG, of the subject


@dataclass(frozen=True, slots=True)
class Decision:
    """What one examiner concluded about one face."""

    examiner: str
    at: datetime  # UTC
    conclusion: int | None  # a step of SCALE; None: not suitable for comparison
    features: Mapping[str, Seen]
    reason: str

    @property
    def verdict(self) -> ReviewVerdict:
        if self.conclusion is None or abs(self.conclusion) < SAME_FROM:
            return "undecided"
        return "same" if self.conclusion > 0 else "different"

    @property
    def words(self) -> str:
        return "not suitable for comparison" if self.conclusion is None else SCALE[self.conclusion]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A face of a review list and what was decided about it, in order."""

    key: str
    tracklet_id: str  # empty for a filler
    filler: str  # SHA-256 of the picture; empty for a candidate
    listed_by: str
    score: float | None
    decisions: tuple[Decision, ...] = ()
    photographs: tuple[str, ...] = ()  # SHA-256, where the case itself names no subject

    @property
    def outcome(self) -> Outcome:
        """A sighting takes two who say so; where the first two disagree, a third is the second."""
        votes = [decision.verdict for decision in self.decisions]
        if len(votes) < 2 or (len(votes) == 2 and votes[0] != votes[1]):
            return "waiting"
        agreed = {vote for vote in votes if votes.count(vote) >= 2}
        if "same" in agreed:
            return "sighting"
        return "not a sighting" if "different" in agreed else "undecided"

    @property
    def round(self) -> int:
        """Which decision comes next: 1, 2 or 3."""
        return len(self.decisions) + 1


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often a reviewer took a known non-match for the subject."""

    reviewer: str
    fillers: int  # decided
    wrong: int  # of these, called the same person

    @property
    def rate(self) -> float:
        return self.wrong / self.fillers if self.fillers else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval (Wilson 1927): honest for few cases too."""
        if not self.fillers:
            return 0.0, 1.0
        z, n, p = 1.959964, self.fillers, self.rate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def add_fillers(
    register: CaseRegister, pictures: Iterable[bytes], *, source: str
) -> tuple[str, ...]:
    """Keep pictures of people who are known to be nobody's subject; their SHA-256.

    *source* says how that is known.
    """
    me = register.require("review.fillers")
    folder = register.folder / FILLERS
    folder.mkdir(mode=0o700, exist_ok=True)
    digests = []
    for picture in pictures:
        digest = hashlib.sha256(picture).hexdigest()
        (folder / f"{digest}.jpg").write_bytes(picture)
        digests.append(digest)
    about = {"sha256": digests, "source": plain(source, where="source")}
    register.record("review.fillers", about, by=me)
    return tuple(digests)


def list_for_review(
    register: CaseRegister,
    reference: str,
    candidates: Sequence[Candidate],
    *,
    fillers: int | None = None,
    probe: Probe | None = None,
) -> int:
    """Put candidates of a case on its review list, shuffled among so many fillers.

    By default as many fillers as the rules' share of the candidates asks for, if there are any.
    A training case names no subject: its candidates are compared with the photographs of *probe*.
    Returns how many faces were added; a tracklet that is on the list already is left out. Raises
    CaseError if there are not as many fillers.
    """
    me, case = register.require("review.first", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    known = {item.tracklet_id for item in _reviewed(register, reference)}
    fresh = {c.tracklet_id: c.score for c in candidates if c.tracklet_id not in known}
    pictures = sorted(path.stem for path in (register.folder / FILLERS).glob("*.jpg"))
    if fillers is None:
        fillers = min(math.ceil(register.rules.filler_share * len(fresh)), len(pictures))
    if fillers > len(pictures):
        raise CaseError(
            f"there are {len(pictures)} fillers, not {fillers}",
            where=reference,
            fix="Have a supervisor add some, or ask for fewer",
        )
    chance = secrets.SystemRandom()
    items: list[dict[str, Any]] = [
        {"key": secrets.token_hex(8), "tracklet": tracklet_id, "score": round(score, 6)}
        for tracklet_id, score in fresh.items()
    ]
    items += [
        {"key": secrets.token_hex(8), "filler": digest}
        for digest in chance.sample(pictures, fillers)
    ]
    chance.shuffle(items)
    if items:
        about: dict[str, Any] = {"case": reference, "items": items}
        if case.request.subject is None and probe is not None:
            about["photographs"] = keep_photographs(register.folder, reference, probe)
        register.record("review.listed", about, by=me)
    return len(items)


def record_view(register: CaseRegister, reference: str, tracklets: Sequence[str]) -> None:
    """Record that best shots of candidates were shown to whoever is at work."""
    me = register.require("shot.view", reference)
    register.record("shot.viewed", {"case": reference, "tracklets": list(tracklets)}, by=me)


def waiting(register: CaseRegister, reference: str, gallery: Gallery) -> tuple[Item, ...]:
    """The faces of a case that whoever is at work has still to decide on, in the list's order.

    That they were shown is recorded.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    own, folder = subject_photographs(register.folder, case), register.folder
    sorted_out = sorted_by(register, reference, me.account)
    items = [
        Item(
            reference,
            item.key,
            _face(register, item, gallery),
            own or kept_photographs(folder, reference, item.photographs),
        )
        for item in _reviewed(register, reference)
        if not _reason_against(register, item, sorted_out)
    ]
    if items:
        shown = {"case": reference, "items": [item.key for item in items]}
        register.record("shot.viewed", shown, by=me)
    return tuple(items)


def decide(
    register: CaseRegister,
    reference: str,
    key: str,
    *,
    conclusion: int | None,
    features: Mapping[str, Seen],
    reason: str,
) -> None:
    """Record what whoever is at work concludes about a face.

    Raises
    ------
    NotPermitted
        If their role does not cover this round, or they decided on it before.
    CaseError
        If the conclusion is no step of the scale, fewer than three features were compared, the
        reason is missing, or the face needs no further decision.
    """
    if conclusion is not None and conclusion not in SCALE:
        raise _incomplete(key, f"{conclusion!r} is no step of the scale", "Choose from -3 to 3")
    unknown = sorted(set(features) - set(FEATURES))
    if unknown or set(features.values()) - {"similar", "different", "not visible"}:
        what = ", ".join(unknown) or "an observation"
        raise _incomplete(key, f"{what} is not in the list of features", "Use FISWG's names")
    compared = [name for name, seen in features.items() if seen != "not visible"]
    if conclusion is not None and len(compared) < LEAST_FEATURES:
        raise _incomplete(
            key,
            f"{len(compared)} features were compared",
            f"Compare {LEAST_FEATURES} at least, or say that the face is not suitable",
        )
    reason = plain(reason, where="reason")
    if not reason:
        raise _incomplete(key, "the reason is missing", "Say in a sentence what it rests on")
    case = register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    with register.exclusively():
        item = next((item for item in _reviewed(register, reference) if item.key == key), None)
        if item is None:
            raise _incomplete(key, "is not on the review list", "Take it from the list")
        sorted_out = sorted_by(register, reference, register.me.account)
        against = _reason_against(register, item, sorted_out)
        if against:
            register.refused("review.decide", reference, [f"{key}: {against}"])
            raise NotPermitted(against, where=f"case {reference}, {key}", fix="Leave it to another")
        about = {
            "case": reference,
            "key": key,
            "round": item.round,
            "conclusion": conclusion,
            "features": dict(features),
            "reason": reason,
        }
        register.record("review.decided", about)


def reviewed(register: CaseRegister, reference: str) -> tuple[Reviewed, ...]:
    """The review list of a case and what was decided, as far as whoever is at work may know it.

    Of a face they have still to decide on they learn nothing here but that it is on the list.
    """
    me = register.require("case.read", reference)
    sorted_out = sorted_by(register, reference, me.account)
    return tuple(
        item
        if _reason_against(register, item, sorted_out)
        else Reviewed(item.key, "", "", "", None)
        for item in _reviewed(register, reference)
    )


def considered(register: CaseRegister, reference: str) -> tuple[Reviewed, ...]:
    """All that is on the review list, for a report: of what is not decided, that it waits."""
    register.require("evidence.export", reference)
    return tuple(
        Reviewed(item.key, item.tracklet_id, item.filler, item.listed_by, None)
        if item.outcome == "waiting"
        else item
        for item in _reviewed(register, reference)
    )


def sightings(register: CaseRegister, reference: str) -> frozenset[str]:
    """The tracklets of a case that people decided are sightings."""
    return frozenset(
        item.tracklet_id
        for item in _reviewed(register, reference)
        if item.tracklet_id and item.outcome == "sighting"
    )


def error_rates(register: CaseRegister) -> tuple[ErrorRate, ...]:
    """For each reviewer how they did on fillers, over all cases; for supervisors and auditors."""
    me = register.me
    if not (me.may("review.fillers") or me.may("audit.read")):
        register.require("review.fillers")
    return error_rates_of(register)


def error_rates_of(
    register: CaseRegister, examiners: Collection[str] = ()
) -> tuple[ErrorRate, ...]:
    """The same for some examiners, whose rates belong in a report; by default for all."""
    seen: dict[str, list[Decision]] = {}
    for case in register.cases():
        for item in _reviewed(register, case.reference):
            for decision in item.decisions if item.filler else ():
                seen.setdefault(decision.examiner, []).append(decision)
    return tuple(
        ErrorRate(
            examiner,
            len(decisions),
            sum(decision.verdict == "same" for decision in decisions),
        )
        for examiner, decisions in sorted(seen.items())
        if not examiners or examiner in examiners
    )


def _reviewed(register: CaseRegister, reference: str) -> tuple[Reviewed, ...]:
    """The review list of a case as the record tells it."""
    listed: dict[str, Reviewed] = {}
    decided: dict[str, list[Decision]] = {}
    for entry in register.entries_of(reference, "review."):
        if entry.what == "review.listed":
            for item in entry.about["items"]:
                listed[item["key"]] = Reviewed(
                    item["key"],
                    item.get("tracklet", ""),
                    item.get("filler", ""),
                    entry.account,
                    item.get("score"),
                    photographs=tuple(entry.about.get("photographs", ())),
                )
        elif entry.what == "review.decided":
            decided.setdefault(entry.about["key"], []).append(_decision(entry))
    return tuple(
        replace(item, decisions=tuple(decided.get(key, ()))) for key, item in listed.items()
    )


def _reason_against(register: CaseRegister, item: Reviewed, sorted_out: Collection[str]) -> str:
    """Why whoever is at work should not decide on a face now; empty if they should.

    *sorted_out* are the tracklets that they have sorted before.
    """
    me = register.me
    if any(decision.examiner == me.account for decision in item.decisions):
        return f"{me.account} has decided on it"
    if item.outcome != "waiting":
        return "it needs no further decision"
    action: Literal["review.first", "review.second"]
    action = "review.first" if item.round == 1 else "review.second"
    # Before there are people, whoever trains plays every part but the other person's.
    if not me.may(action) and me.in_service:
        return f"{me.account} may not take this turn"
    if me.in_service and item.tracklet_id in sorted_out:
        return f"{me.account} has sorted it with its score in view"
    return ""


def _face(register: CaseRegister, item: Reviewed, gallery: Gallery) -> bytes:
    if not item.filler:
        return gallery.shots(item.tracklet_id)[0].jpeg
    return (register.folder / FILLERS / f"{item.filler}.jpg").read_bytes()


def _decision(entry: Entry) -> Decision:
    about = entry.about
    return Decision(
        entry.account, entry.at, about["conclusion"], dict(about["features"]), about["reason"]
    )


def _incomplete(key: str, what: str, fix: str) -> CaseError:
    return CaseError(what, where=f"decision on {key[:40]}", fix=fix)
