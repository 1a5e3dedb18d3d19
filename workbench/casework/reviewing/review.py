"""Review: from candidate to sighting by two blind comparisons, and a third if they disagree.

An examiner sees the photographs of the case's subject and one face, but not its score, camera or
time, the others' decisions, or whether it is a *filler*: a face known not to be the subject's,
mixed in to measure each reviewer's errors. The decision is a step on a scale of support, with the
features compared and a reason (FISWG, Facial Comparison Overview and Methodology Guidelines; ASTM
E3149). Whoever knows more of the case's candidates takes no part in its review: see
:mod:`workbench.casework.reviewing.blindness`.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from workbench.casework.plaintext import plain
from workbench.casework.record.people import MAY
from workbench.casework.reviewing.coverage import require_covered
from workbench.casework.reviewing.reviewlist import review_list
from workbench.casework.reviewing.verdicts import (
    FEATURES,
    NOT_LOOKED_AT,
    Queue,
    Reviewed,
    Seen,
    lacking,
)
from workbench.casework.searches import answer_of, missing_of, require_complete
from workbench.casework.subjects import (
    keep_photographs,
    kept_photographs,
    subject_photographs,
)
from workbench.domain import parse_tracklet_id
from workbench.errors import CaseError, NotPermitted

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate, Probe
    from workbench.gallery import Gallery

FILLERS = "fillers"

_ONLY_OPEN = "Only an open case can be reviewed"


@dataclass(frozen=True, slots=True)
class Item:
    """A face to compare with the subject, without anything that could bias the examiner."""

    case: str
    key: str
    face: bytes = field(repr=False)  # JPEG
    photographs: tuple[bytes, ...] = field(repr=False)  # JPEG, of the subject


@dataclass(frozen=True, slots=True)
class Listed:
    """Numbers of faces that were added to a review list."""

    faces: int
    fillers: int  # among them


def list_for_review(
    register: CaseRegister,
    reference: str,
    candidates: Sequence[Candidate],
    *,
    of: Sequence[Candidate] | None = None,
    fillers: int | None = None,
    probe: Probe | None = None,
) -> Listed:
    """Put candidates of a case on its review list, shuffled together with fillers.

    They are those that a search under the case found, with the scores that it gave them, or some
    *of* these: the record has a digest of what each search found.

    By default the number of fillers is the rules' share of the candidates, or fewer if there are
    not as many. A training case names no subject: its candidates are compared with the photographs
    of *probe*. A tracklet already on the list is left out.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    CaseError
        If it is not open, does not cover them or no search under it found them (on record), or
        there are not that many *fillers*.
    """
    me, case = register.require("review.first", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    require_covered(register, case, candidates, "review.first")
    answer = _answer(register, reference, candidates, candidates if of is None else of)
    # What two people list at once is listed once.
    with register.keeping_open(case, fix=_ONLY_OPEN, valid_now=False):
        known = {item.tracklet_id for item in review_list(register, reference)}
        fresh = {c.tracklet_id: c for c in candidates if c.tracklet_id not in known}
        pictures = sorted(path.stem for path in (register.folder / FILLERS).glob("*.jpg"))
        if fillers is None:
            fillers = min(math.ceil(register.rules.filler_share * len(fresh)), len(pictures))
        if fillers > len(pictures):
            raise CaseError(
                f"only {len(pictures)} fillers are available, not {fillers}",
                where=reference,
                fix="Ask a supervisor to add some, or use fewer",
            )
        chance = secrets.SystemRandom()
        items: list[dict[str, Any]] = [
            {"key": secrets.token_hex(8), "tracklet": tracklet_id, "score": round(c.score, 6),
             "scale": c.scale}
            for tracklet_id, c in fresh.items()
        ]  # fmt: skip
        items += [
            {"key": secrets.token_hex(8), "filler": digest}
            for digest in chance.sample(pictures, fillers)
        ]
        chance.shuffle(items)
        if items:
            about: dict[str, Any] = {
                "case": reference,
                "asked": answer.about["asked"],
                "gallery": answer.about["gallery"],
                "items": items,
            }
            if case.request.subject is None and probe is not None:
                about["photographs"] = keep_photographs(register.folder, reference, probe)
            register.record("review.listed", about, by=me)
    return Listed(len(items), fillers)


def _answer(
    register: CaseRegister,
    reference: str,
    candidates: Sequence[Candidate],
    found: Sequence[Candidate],
) -> Entry:
    """Return the entry of the search that found candidates.

    Raises CaseError if none did, or its answer is incomplete.
    """
    entry = answer_of(register.folder, reference, found)
    if entry is not None and (missing := missing_of(entry)) is not None:
        register.refused("review.first", reference, [missing.words])
        require_complete(missing, reference)
    scores = {one.tracklet_id: (one.score, one.scale) for one in found}
    if entry is not None and all(
        scores.get(one.tracklet_id) == (one.score, one.scale) for one in candidates
    ):
        return entry
    what = "no search under the case found these faces with these scores"
    register.refused("review.first", reference, [what])
    raise CaseError(what, where=reference, fix="Search under the case, and list what that finds")


def barred(register: CaseRegister, reference: str) -> str:
    """Return why the user takes no part in the review of a case; empty if they may.

    Its members do, as long as they are blind to its candidates. While the installation trains, one
    person plays every part. Raises CaseError if there is no such case.
    """
    case, me, known = register.case(reference), register.me, register.not_blind(reference)
    if not me.in_service:
        return ""
    if me.account in known:
        return f"{me.account} {known[me.account]} and takes no part in its review"
    if not case.is_training and me.account not in case.members:
        return f"{me.account} is not a member of the case and takes no part in its review"
    return ""


def waiting(register: CaseRegister, reference: str, gallery: Gallery) -> tuple[Item, ...]:
    """Return the faces of a case that the user has still to decide on, in the list's order.

    Showing them is recorded. Those whose picture is not in the gallery, or no longer, are left out
    and recorded as missing; :func:`missing` counts them.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    CaseError
        If the case is not open or photographs are missing.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    bar = barred(register, reference)
    listed = review_list(register, reference)
    mine = [item for item in listed if not _reason_against(item, me, bar)]
    faces = _faces(register, mine, gallery)
    _note_missing(register, reference, gallery, mine, faces)
    own, folder = subject_photographs(register.folder, case), register.folder
    items = [
        Item(
            reference,
            item.key,
            faces[item.key],
            own or kept_photographs(folder, reference, item.photographs),
        )
        for item in mine
        if item.key in faces
    ]
    if items:
        shown = {"case": reference, "items": [item.key for item in items]}
        register.record("shot.viewed", shown, by=me)
    return tuple(items)


def missing(register: CaseRegister, reference: str) -> int:
    """Count the faces that cannot be decided on because their pictures were not there.

    Raises NotPermitted if the user may not read cases, and CaseError if there is no such case.
    """
    register.require("case.read", reference)
    register.case(reference)
    return sum(
        item.missing and item.outcome == "waiting" for item in review_list(register, reference)
    )


def may_compare(register: CaseRegister, reference: str) -> None:
    """Raise NotPermitted or CaseError unless the user may compare faces of a case now.

    To ask each time that any are shown: the case may have been closed, or they are no member now.
    """
    register.require("shot.view", reference)
    register.case(reference).require_open(fix=_ONLY_OPEN, valid_now=False)
    if bar := barred(register, reference):
        raise NotPermitted(bar, where=f"case {reference}", fix="Leave it to another reviewer")


def other_shots(
    register: CaseRegister, reference: str, key: str, gallery: Gallery
) -> tuple[bytes, ...]:
    """Return the other best shots (JPEG) of a face that the user has still to decide on.

    There are none where a filler is on the list: of those there is one picture each, so that a
    face with several would be known to be none. Showing them is recorded.

    Raises what :func:`waiting` raises, and CaseError if the face is not one of the user's.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    listed = review_list(register, reference)
    item = next((item for item in listed if item.key == key), None)
    if item is None or _reason_against(item, me, barred(register, reference)):
        raise _incomplete(reference, "the face is not yours to decide on", "Choose another face")
    if any(one.filler for one in listed):
        return ()
    found = tuple(shot.jpeg for shot in gallery.shots(item.tracklet_id)[1:])
    if found:
        shown = {"case": reference, "items": [key], "further": len(found)}
        register.record("shot.viewed", shown, by=me)
    return found


def queue(register: CaseRegister, reference: str) -> Queue:
    """Return how many faces of a case wait for the user, wait for others, and are done.

    Raises NotPermitted if the user may not read cases, and CaseError if they are not a member of
    this one.
    """
    me, case = register.require("case.read", reference), register.case(reference)
    bar = "its review is over" if case.state != "open" else barred(register, reference)
    listed = review_list(register, reference)
    mine = [item for item in listed if not item.missing and not _reason_against(item, me, bar)]
    done = sum(item.outcome != "waiting" for item in listed)
    others = sum(item.waits for item in listed) - len(mine)
    takes_members = case.state == "open" and me.in_service and not case.is_training
    stuck = _stuck(register, case, listed) if takes_members and others else []
    since = min((item.listed_at for item in mine or stuck if item.listed_at), default=None)
    return Queue(len(mine), others, done, len(stuck), since)


def _stuck(register: CaseRegister, case: Case, listed: Sequence[Reviewed]) -> list[Reviewed]:
    """Return the faces that wait and on which none of the members of a case can decide."""
    roles, known = register.people.roles, register.not_blind(case.reference)
    blind = [name for name in case.members if name not in known]

    def decides(item: Reviewed) -> bool:
        action, done = _action_of(item), {decision.examiner for decision in item.decisions}
        return any(
            name not in done and any(action in MAY[role] for role in roles.get(name, ()))
            for name in blind
        )

    return [item for item in listed if item.waits and not item.missing and not decides(item)]


def decide(
    register: CaseRegister,
    reference: str,
    key: str,
    *,
    conclusion: int | None,
    features: Mapping[str, Seen],
    reason: str,
) -> None:
    """Record the user's decision on a face; features that are not named were not looked at.

    Raises
    ------
    NotPermitted
        If their role does not cover this round, they are not blind to the case's candidates,
        decided on the face before, or it needs no further decision; recorded too.
    CaseError
        If the conclusion is not on the scale, fewer than three features were compared, the reason
        is missing, the case is not open or the face is not on its list.
    """
    lacks = lacking(conclusion, features, reason).values()
    if lacks:
        whats, fixes = zip(*lacks, strict=True)
        raise _incomplete(reference, "; ".join(whats), "; ".join(fixes))
    reason = plain(reason, where="reason")
    case = register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    with register.exclusively():
        item = next((item for item in review_list(register, reference) if item.key == key), None)
        if item is None:
            raise _incomplete(
                reference, "the face is not on the review list", "Choose a face from the list"
            )
        against = _reason_against(item, register.me, barred(register, reference))
        if against:
            register.refused("review.decide", reference, [f"{key}: {against}"])
            raise NotPermitted(
                against, where=f"case {reference}", fix="Leave it to another reviewer"
            )
        about = {
            "case": reference,
            "key": key,
            "round": item.round,
            "conclusion": conclusion,
            "features": {name: features.get(name, NOT_LOOKED_AT) for name in FEATURES},
            "reason": reason,
        }
        register.record("review.decided", about)


def _reason_against(item: Reviewed, me: Person, bar: str) -> str:
    """Return why a user may not decide on a face now; empty if they may.

    *bar* is why they take no part in the review of the case at all, if they do not.
    """
    if any(decision.examiner == me.account for decision in item.decisions):
        return f"{me.account} has already decided on this face"
    if item.outcome != "waiting":
        return "this face needs no further decision"
    action = _action_of(item)
    # While the installation trains, one person plays every part, but decides on a face only once.
    if not me.may(action) and me.in_service:
        return f"{me.account} may not make this decision"
    return bar


def _action_of(item: Reviewed) -> Literal["review.first", "review.second"]:
    """Name what the next decision on a face is, among the actions that roles permit."""
    return "review.first" if item.round == 1 else "review.second"


def _faces(register: CaseRegister, items: Sequence[Reviewed], gallery: Gallery) -> dict[str, bytes]:
    """Return the pictures of faces by key, of those that are there."""
    from workbench.gallery.lookup import tracklets_by_id  # and with it DuckDB

    known = tracklets_by_id(gallery, {i.tracklet_id: math.nan for i in items if i.tracklet_id})
    found = {}
    for item in items:
        picture = register.folder / FILLERS / f"{item.filler}.jpg"
        if item.filler and picture.exists():
            found[item.key] = picture.read_bytes()
        elif item.tracklet_id in known:
            found[item.key] = known[item.tracklet_id].shot_jpeg
    return found


def _note_missing(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    items: Sequence[Reviewed],
    faces: Mapping[str, bytes],
) -> None:
    """Record which faces cannot be shown, and which can be again: another gallery may hold them."""
    about = {"case": reference, "gallery": str(gallery.path.resolve())}
    lacking = [item for item in items if item.key not in faces]
    lost = [item.key for item in lacking if not item.lost and _is_own(gallery, item)]
    gone = [item.key for item in lacking if not item.missing or item.key in lost]
    if gone:
        register.record("review.missing", {**about, "items": gone, "lost": lost})
    found = [item.key for item in items if item.missing and item.key in faces]
    if found:
        register.record("review.found", {**about, "items": found})


def _is_own(gallery: Gallery, item: Reviewed) -> bool:
    """Check whether a face is lost if a gallery lacks it: it was found in it, or is a filler.

    Where that gallery stood there may be none any more, as after a move or a restore: it is the one
    then that has the recording. What deletes a face that waits leaves its recording.
    """
    if not item.tracklet_id or item.gallery == str(gallery.path.resolve()):
        return True
    recording, _ = parse_tracklet_id(item.tracklet_id)
    return not os.access(item.gallery, os.F_OK) and gallery.holds(recording)


def _incomplete(reference: str, what: str, fix: str) -> CaseError:
    return CaseError(what, where=f"decision under case {reference[:80]}", fix=fix)
