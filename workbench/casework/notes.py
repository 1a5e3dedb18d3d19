"""Notes and markers: what people of a case write about it, its cameras, recordings and candidates.

A marker is a note on a moment in a recording. The record says who wrote what about what, and who
withdrew it, with the SHA-256 of the text. The text itself is kept with the case's subject and is
deleted with it: a record is never shortened.

What others noted would tell people who decide in a review where the candidates are and what they
are thought to be. While a case is open, people who may come to decide see only what they wrote
themselves, and what is noted of sightings once no face waits.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.casework.plaintext import plain
from workbench.casework.record.files import write_whole
from workbench.casework.reviewing.coverage import covers
from workbench.casework.reviewing.reviewlist import is_withheld, sightings
from workbench.casework.reviewing.shielding import is_shielded
from workbench.casework.subjects import erase, make_private, subject_folder
from workbench.domain import parse_time
from workbench.errors import CaseError, NotPermitted, unwritten

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister
    from workbench.domain import Camera, Candidate
    from workbench.gallery import Gallery

Kind: TypeAlias = Literal["case", "camera", "recording", "candidate"]
DELETED = "deleted with the data of the case"
MISSING = "missing: its file is gone, and nothing on record says that it was deleted"
_ONLY_OPEN = "Notes are written under an open case"


@dataclass(frozen=True, slots=True)
class Matter:
    """Case, camera, recording or candidate that a note is about.

    ``subject`` is the id of the camera or the recording, or the tracklet_id; empty for the case.
    ``moment`` is when the candidate was seen, or the moment that a marker marks.
    """

    kind: Kind
    subject: str
    name: str
    camera: Camera | None = None
    second: float | None = None  # into the recording, of a marker
    moment: datetime | None = None  # UTC
    timing: str = ""  # that the time is uncertain or corrected


@dataclass(frozen=True, slots=True)
class Note:
    """A note or marker, as the record and the kept text have it."""

    number: int  # of its entry
    by: str
    at: datetime  # UTC
    kind: Kind
    subject: str
    name: str
    second: float | None
    moment: datetime | None  # UTC
    timing: str  # that the time is uncertain or corrected
    text: str  # or why there is none
    withdrawn: str = ""  # by whom; empty while it stands

    @property
    def title(self) -> str:
        """The matter of the note in words, but for the time."""
        if self.kind == "case":
            return "the case"
        if self.second is None:
            return f"{self.kind} {self.name}"
        return f"marker in {self.name} at {self.second:g} s"


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes of a case that the user may know of, in the order in which they were written."""

    shown: tuple[Note, ...] = ()
    withheld: int = 0  # of others, which the user must not know of yet

    def about(self, kind: Kind, subject: str) -> tuple[Note, ...]:
        """Return those that stand and are about one matter."""
        return tuple(
            n for n in self.shown if (n.kind, n.subject) == (kind, subject) and not n.withdrawn
        )


THE_CASE = Matter("case", "", "")


def about_camera(camera: Camera) -> Matter:
    """Make the matter of a note on a camera."""
    return Matter("camera", camera.camera_id, camera.words(), camera)


def about_candidate(candidate: Candidate) -> Matter:
    """Make the matter of a note on a candidate or sighting."""
    return Matter(
        "candidate",
        candidate.tracklet_id,
        f"at {candidate.camera.words()}",
        candidate.camera,
        moment=candidate.shot_time,
        timing=candidate.time.mark,
    )


def about_recording(candidate: Candidate, second: float | None = None) -> Matter:
    """Make the matter of a note on a candidate's recording, or of a marker at a second of it."""
    begins = candidate.shot_time - timedelta(seconds=candidate.shot_seconds)
    moment = None if second is None else begins + timedelta(seconds=second)
    return Matter(
        "recording",
        candidate.recording_id,
        candidate.recording,
        candidate.camera,
        second,
        moment,
        "" if moment is None else candidate.time.mark,
    )


def matters_of(candidate: Candidate) -> tuple[Matter, ...]:
    """Return what notes beside a candidate are about: it, its moment, its recording, its camera."""
    return (
        about_candidate(candidate),
        about_recording(candidate, round(candidate.shot_seconds, 1)),
        about_recording(candidate),
        about_camera(candidate.camera),
    )


def find_matter(
    gallery: Gallery,
    *,
    camera: str = "",
    recording: str = "",
    candidate: str = "",
    second: float | None = None,
) -> Matter:
    """Find what a note is about by its name: a camera's id, a recording's file or a tracklet_id.

    Raises CaseError if the gallery holds no such thing, or several recordings of one name.
    """
    if candidate:
        from workbench.gallery.lookup import tracklets_by_id  # and with it DuckDB

        known = tracklets_by_id(gallery, {candidate: math.nan})
        if candidate in known:
            return about_candidate(known[candidate])
        raise _unknown("candidate", candidate)
    cameras = {one.camera_id: one for one in gallery.cameras()}
    if camera:
        if camera in cameras:
            return about_camera(cameras[camera])
        raise _unknown("camera", camera)
    if not recording:
        return THE_CASE
    rows = gallery.recordings()
    rows = rows[rows["file"] == recording]
    names = [str(name) for name in rows["recording_id"]]
    of = dict(zip(names, rows["camera_id"], strict=True))
    timing, moment = "", None
    if second is not None and names:
        # A moving camera's film is several recordings: the second says which one is meant.
        parts = gallery.recorded_parts(names)
        within = {p.recording_id: p for p in parts if p.start <= second <= p.end}
        if not within:
            raise CaseError(
                f"{second:g} s is not within the recording", where=recording[:80],
                fix=f"Give a second from 0 to {max(part.end for part in parts):.0f}",
            )  # fmt: skip
        names = list(within)
        moment = within[names[0]].begins + timedelta(seconds=second)
        timing = within[names[0]].mark
    if len(names) != 1:
        raise _unknown("recording", recording, number=len(names))
    camera_of = cameras[str(of[names[0]])]
    return Matter("recording", names[0], recording, camera_of, second, moment, timing)


def may_be_noted(case: Case) -> bool:
    """Check whether notes of a case are written: while it is open, expired or not yet valid."""
    try:
        case.require_open(fix=_ONLY_OPEN, valid_now=False)
    except CaseError:
        return False
    return True


def write_note(register: CaseRegister, reference: str, matter: Matter, text: str) -> Note:
    """Record a note or marker, in the user's name.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or they are not a member of the case.
    CaseError
        If the case is not open or does not cover what the note is about (on record), the text is
        empty or longer than 500 characters, or it cannot be kept.
    """
    me, case = register.require("note.write", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    if me.in_service and not case.is_training and me.account not in case.members:
        why = f"{me.account} is not a member of the case"
        register.refused("note.write", reference, [why])
        raise NotPermitted(why, where=reference, fix="Ask who requested it to add you")
    _require_covered(register, case, matter)
    text = plain(text, where="note")
    if not text:
        raise CaseError("the note is empty", where=reference, fix="Write a sentence")
    content = json.dumps({"salt": secrets.token_hex(16), "text": text}).encode()
    digest = hashlib.sha256(content).hexdigest()
    path = _path(register, reference, digest)
    about = {
        "case": reference,
        "kind": matter.kind,
        "subject": matter.subject,
        "name": matter.name,
        "second": matter.second,
        "moment": matter.moment.isoformat() if matter.moment else None,
        "timing": matter.timing,
        "sha256": digest,
    }
    with register.keeping_open(case, fix=_ONLY_OPEN, valid_now=False):
        try:
            make_private(path.parent)
            write_whole(path, content)
            entry = register.record("note.written", about, by=me)
        except BaseException as error:
            if path.exists():
                erase(path)
            if isinstance(error, OSError):
                what, fix = unwritten(error, fix="Ask the administrator to check the disk")
                raise CaseError(f"the note {what}", where=reference, fix=fix) from None
            raise
    return _note(register, reference, entry)


def withdraw_note(register: CaseRegister, reference: str, number: int) -> None:
    """Withdraw a note that the user wrote; the record, and the report, keep it as withdrawn.

    *number* is that of its entry. Raises NotPermitted if they did not write it, and CaseError if
    there is no such note, it is withdrawn already or the case is not open.
    """
    me, case = register.require("note.write", reference), register.case(reference)
    case.require_open(fix=_ONLY_OPEN, valid_now=False)
    with register.exclusively():
        entries = register.entries_of(reference, "note.")
        written = [e for e in entries if e.what == "note.written" and e.number == number]
        if not written or written[0].account != me.account:
            # Whether another wrote a note of this number is not told.
            why = f"note {number} is not one of {me.account}'s"
            register.refused("note.write", reference, [why])
            raise NotPermitted(why, where=reference, fix="Withdraw one of your own")
        if any(e.what == "note.withdrawn" and e.about["entry"] == number for e in entries):
            raise CaseError("is withdrawn already", where=f"note {number}", fix="Choose another")
        register.record("note.withdrawn", {"case": reference, "entry": number}, by=me)


def notes(register: CaseRegister, reference: str) -> Notes:
    """Return the notes of a case, as far as the user may know them.

    Raises NotPermitted if the user may not read cases, and CaseError if they are not a member of
    this one.
    """
    me, case = register.require("case.read", reference), register.case(reference)
    found = all_notes(register, reference)
    if not is_shielded(register, case):
        return Notes(found)
    sure = frozenset() if is_withheld(register, case) else sightings(register, reference)
    told = tuple(
        note
        for note in found
        if note.by == me.account or (note.kind == "candidate" and note.subject in sure)
    )
    return Notes(told, len(found) - len(told))


def all_notes(register: CaseRegister, reference: str) -> tuple[Note, ...]:
    """Return all notes of a case, whoever asks: for reports, never to show."""
    entries = register.entries_of(reference, "note.")
    gone = {e.about["entry"]: e.account for e in entries if e.what == "note.withdrawn"}
    deleted = _deleted_before(register, reference)
    return tuple(
        _note(register, reference, entry, gone.get(entry.number, ""), deleted=deleted)
        for entry in entries
        if entry.what == "note.written"
    )


def _deleted_before(register: CaseRegister, reference: str) -> float:
    """Return the number of the entry before which all notes of a case were deleted; 0: none."""
    case = register.find_case(reference)
    ended = case is not None and case.state not in ("open", "requested")
    if ended and not subject_folder(register.folder, reference).is_dir():
        return math.inf  # as retention deletes it, whose entries name no case
    kinds = ("subject.deleted", "case.erasing", "case.erased")
    entries = [entry for kind in kinds for entry in register.entries_of(reference, kind)]
    return max((entry.number for entry in entries), default=0)


def _note(
    register: CaseRegister, reference: str, entry: Entry, withdrawn: str = "", *, deleted: float = 0
) -> Note:
    """Make a note of its entry; those with a number below *deleted* were deleted."""
    about = entry.about
    text = _text(_path(register, reference, about["sha256"]), about["sha256"])
    if text is None:
        text = DELETED if entry.number < deleted else MISSING
    moment = about["moment"]
    return Note(
        entry.number,
        entry.account,
        entry.at,
        about["kind"],
        about["subject"],
        about["name"],
        about["second"],
        parse_time(moment) if moment else None,
        about["timing"],
        text,
        withdrawn,
    )


def _text(path: Path, digest: str) -> str | None:
    """Read the text of a note; None if its file is gone."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaseError(
            f"a note cannot be read ({error.strerror})",
            where=str(path),
            fix="Ask the person who runs this installation to check access and the disk",
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise CaseError(
            "is not the note that was written",
            where=str(path),
            fix="Inform an auditor; restore the file from a backup",
        )
    return str(json.loads(content)["text"])


def _path(register: CaseRegister, reference: str, digest: str) -> Path:
    return subject_folder(register.folder, reference) / f"note-{digest}.json"


def _require_covered(register: CaseRegister, case: Case, matter: Matter) -> None:
    if matter.camera is None:
        return
    request = case.request
    since = matter.moment or request.start
    if not covers(request, matter.camera, since, since):
        what = f"the case does not cover {matter.camera.camera_id}"
        what += " at that time" if matter.moment else ""
        register.refused("note.write", case.reference, [what])
        raise CaseError(what, where=case.reference, fix="Choose something of its area and time")


def _unknown(kind: str, name: str, *, number: int = 0) -> CaseError:
    what = f"{number} recordings have this name" if number else f"the gallery holds no such {kind}"
    return CaseError(what, where=name[:80], fix="Use the name as the search or its table shows it")
