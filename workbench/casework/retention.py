"""Retention: what is deleted, when and by whom; the gallery itself removes.

Each deletion leaves an entry before and after. A tracklet stays only until its retention ends, or
while an open case holds it: as a sighting, or as a candidate whose review is not finished. People
go on working meanwhile, so that what is held is asked again at the moment of each deletion, with
the record locked: see :class:`Holding`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from workbench.casework.forfeited import erase_films, forfeited_recordings
from workbench.casework.ownership import foreign
from workbench.casework.plaintext import plain
from workbench.casework.reviewing.reviewlist import awaited, sightings
from workbench.casework.subjects import delete_strays, delete_subject, strays, subject_folder
from workbench.domain import parse_tracklet_id
from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery

RemoveOld: TypeAlias = "Callable[[datetime, Holding], Mapping[str, int]]"
"""Remove everything seen before a time from a gallery, except the tracklets that are held; return
how many were removed, by kind. Nothing of it may be left in the file."""

RemoveThese: TypeAlias = "Callable[[frozenset[str], Holding], Mapping[str, int]]"
"""Remove the tracklets named from a gallery; return the number removed, by kind."""


@dataclass(frozen=True, slots=True)
class Held:
    """Tracklets that no purge takes while their cases are open, expired cases included."""

    sightings: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()  # on review lists, and still to be decided on
    cases: int = field(default=0, compare=False)  # open ones, which hold them

    @property
    def tracklets(self) -> frozenset[str]:
        """All of them."""
        return self.sightings | self.waiting


class HeldMeanwhile(CaseError):
    """Raised in place of a deletion of what an open case holds."""


class Holding:
    """Tracklets that open cases hold, while others go on working.

    ``held`` is what they held when the record was last asked. *by* is who deletes; None: the
    installation, by itself.
    """

    def __init__(self, register: CaseRegister, by: Person | None = None) -> None:
        self._register, self._by = register, by
        self._head = register.head
        self.held = held(register)

    def forfeited(self, gallery: Gallery) -> Mapping[str, str]:
        """Return the ids of recordings that no case may search, with the case of each."""
        return forfeited_recordings(self._register, gallery)

    def tell(self, what: str, about: Mapping[str, object]) -> None:
        """Record what is done about a case, in the name of who deletes."""
        if self._by is None:
            self._register.record_alone(what, about)
        else:
            self._register.record(what, about, by=self._by)

    @contextlib.contextmanager
    def settled(
        self, recordings: Collection[str] = (), tracklets: Collection[str] = ()
    ) -> Iterator[None]:
        """Keep what is held as it is for a block that deletes recordings and tracklets.

        The block is short: until it ends, nothing can be put on record. Raises HeldMeanwhile before
        it if an open case holds one of them.
        """
        with self._register.exclusively():
            if self._register.head != self._head:
                self.held, self._head = held(self._register), self._register.head
            taken = sorted(
                tracklet_id
                for tracklet_id in self.held.tracklets
                if tracklet_id in tracklets or parse_tracklet_id(tracklet_id)[0] in recordings
            )
            if taken:
                waiting = len(self.held.waiting.intersection(taken))
                raise HeldMeanwhile(
                    f"open cases hold {len(taken)} of the tracklets: {len(taken) - waiting} as "
                    f"sightings, {waiting} for reviews that are not finished",
                    where=taken[0],
                    fix="Finish the reviews, and close the cases first",
                )
            yield


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a purge: what it would delete."""

    before: datetime  # UTC
    removed: Mapping[str, int]  # by kind: recordings, tracklets
    faces: int  # that were found in the recordings
    span: tuple[datetime, datetime] | None  # of the recordings, UTC; None without any
    old_when_indexed: int  # of them, indexed since that time: footage of an old case, perhaps
    searchable: int  # of them, those that open cases may still search
    forfeited: int  # of them, those fetched for urgent cases that nobody confirmed
    held: Held
    subjects: int  # of cases that ended before that time or were never recorded

    def document(self) -> dict[str, object]:
        """Return the plan as JSON values."""
        return {
            **self.removed,
            "faces": self.faces,
            "from": self.span and self.span[0].isoformat(),
            "to": self.span and self.span[1].isoformat(),
            "old_when_indexed": self.old_when_indexed,
            "searchable": self.searchable,
            "forfeited": self.forfeited,
            "subjects": self.subjects,
        }

    @property
    def is_empty(self) -> bool:
        """True if nothing would be deleted."""
        return not (any(self.removed.values()) or self.subjects)


@dataclass(frozen=True, slots=True)
class Purged:
    """Result of a purge."""

    before: datetime  # UTC
    removed: Mapping[str, int]  # by kind: tracklets, shots, …
    held: Held
    subjects: int  # deleted, of cases that ended before that time or were never recorded


def held(register: CaseRegister) -> Held:
    """Return the tracklets that sightings and unfinished reviews of open cases hold."""
    sure: set[str] = set()
    waiting: set[str] = set()
    cases = 0
    for case in _open(register):
        own, due = sightings(register, case.reference), awaited(register, case.reference)
        sure |= own
        waiting |= due
        cases += bool(own or due)
    return Held(frozenset(sure), frozenset(waiting - sure), cases)


def remove_old(gallery: Gallery, before: datetime | None, holding: Holding) -> Mapping[str, int]:
    """Remove recordings that ended before a time from a gallery open for writing; None: none did.

    From a recording with tracklets that are held, also since this began, only the others are
    removed. So are those of films that were fetched for urgent cases which nobody confirmed,
    whatever their age; an entry of each such case says so before, and another after. Returns the
    number removed, by kind.
    """
    there, told = _counted(gallery), Counter[str]()
    where = {"gallery": str(gallery.path.resolve())}
    while True:
        lost = holding.forfeited(gallery)
        recordings, singles, _ = _old(gallery, before, holding.held.tracklets, frozenset(lost))
        tracklets = frozenset(singles)
        going = recordings | {parse_tracklet_id(tracklet_id)[0] for tracklet_id in tracklets}
        for reference in sorted({lost[one] for one in going & lost.keys()} - told.keys()):
            told[reference] = list(lost.values()).count(reference)
            about = {"case": reference, **where, "recordings": told[reference]}
            holding.tell("case.footage.removing", about)
        try:
            gallery.purge(
                recordings,
                tracklet_ids=tracklets,
                settling=lambda: holding.settled(recordings, tracklets),  # noqa: B023 - used at once
            )
        except HeldMeanwhile:
            continue  # with what is held now
        still = Counter(holding.forfeited(gallery).values())
        for reference, number in sorted(told.items()):
            about = {"removed": number - still[reference], "held by open cases": still[reference]}
            holding.tell("case.footage.removed", {"case": reference, **where, **about})
        left = _counted(gallery)
        return {kind: there[kind] - left[kind] for kind in there}


def remove_these(
    gallery: Gallery, tracklets: frozenset[str], holding: Holding
) -> Mapping[str, int]:
    """Remove single tracklets from a gallery open for writing; return the number, by kind.

    Raises HeldMeanwhile if an open case holds one of them.
    """
    return gallery.purge(
        tracklet_ids=tracklets, settling=lambda: holding.settled(tracklets=tracklets)
    )


def plan(register: CaseRegister, gallery: Gallery, *, days: float | None = None) -> Plan:
    """Find what :func:`purge` would delete; nothing is deleted.

    Raises what :func:`purge` raises.
    """
    before, holding = _before(register, days), held(register)
    lost = frozenset(forfeited_recordings(register, gallery))
    ids, tracklets, within = _old(gallery, before, holding.tracklets, lost)
    rows = gallery.recordings()
    rows = rows[rows["recording_id"].isin(ids)]
    open_to = {name for case in _open(register) for name in gallery.recordings_inside(case.scope)}
    ended = [
        reference
        for reference in _ended(register, before)
        if subject_folder(register.folder, reference).is_dir()
    ]
    return Plan(
        before,
        {"recordings": len(rows), "tracklets": within + len(tracklets)},
        int(rows["faces"].sum()),
        (rows["started_at"].min().to_pydatetime(), rows["ended_at"].max().to_pydatetime())
        if len(rows)
        else None,
        int((rows["indexed_at"] >= before).sum()),
        len(ids & open_to),
        len(ids & lost),
        holding,
        len(ended) + len(strays(register.folder, register.references)),
    )


def purge(
    register: CaseRegister,
    gallery: Path,
    remove: RemoveOld,
    *,
    days: float | None = None,
    planned: Plan | None = None,
    agreed: str = "",
) -> Purged:
    """Delete what is older than the retention in the rules, or than *days* if that is shorter.

    Subjects of cases that ended that long ago are deleted too. With *planned* it deletes what is
    older than that plan says, though time has passed since; what the plan said, and in words how
    it was *agreed* to, is on record.

    Raises
    ------
    NotPermitted
        If the user is not an administrator.
    CaseError
        If *days* is longer than the rules allow.
    """
    me, before = register.require("retention.purge"), _before(register, days)
    register.erase_unconfirmed(at_once=True)  # which holds nothing any more
    erase_films(register)
    before, holding = planned.before if planned else before, Holding(register, me)
    about: dict[str, object] = {
        "gallery": str(gallery.resolve()),
        "before": before.isoformat(),
        **_numbers(holding.held),
    }
    if planned is not None:
        about |= {"planned": planned.document(), "agreed": agreed}
    register.record("retention.purging", about, by=me)
    removed = dict(remove(before, holding))
    subjects = 0
    for reference in _ended(register, before):
        with register.exclusively():
            case = register.find_case(reference)
            if case is not None and _has_ended(case, before):  # training may be open again
                subjects += bool(delete_subject(register.folder, reference))
    with register.exclusively():  # no request is being made
        subjects += delete_strays(register.folder, register.references)
    about |= _numbers(holding.held)
    register.record("retention.purged", {**about, "removed": removed, "subjects": subjects}, by=me)
    return Purged(before, removed, holding.held, subjects)


def remove_forfeited(register: CaseRegister, path: Path) -> int:
    """Remove from a gallery what was found in films of urgent cases that nobody confirmed.

    A running server does so by itself, for the gallery that it serves; each case's own entries say
    so before and after. What another open case holds stays, and so does all of a gallery that is
    not the installation's to open. Returns the number of recordings that went.

    Raises
    ------
    GalleryError
        If the gallery cannot be opened.
    GalleryBusy
        If another process writes it.
    """
    from workbench.gallery import Gallery  # and with it DuckDB, for what is seldom due

    with Gallery.open(path) as gallery:
        file = register.installation_file
        if foreign(file, gallery, in_service=file.in_service):
            return 0
        lost = frozenset(forfeited_recordings(register, gallery))
        if not lost:  # all tracklets need not be looked at each time
            return 0
        whole, singles, _ = _old(gallery, None, held(register).tracklets, lost)
    if not (whole or singles):
        return 0
    with Gallery.open(path, write=True) as gallery:
        there = len(forfeited_recordings(register, gallery))
        remove_old(gallery, None, Holding(register))
        return there - len(forfeited_recordings(register, gallery))


def forget_subject(register: CaseRegister, reference: str, *, reason: str) -> int:
    """Delete the photographs and templates of a case's subject; return the number of files.

    Raises NotPermitted if the user's role does not cover it, and CaseError if the case has not
    ended: an open one could not be searched or reviewed without them.
    """
    # Administrators delete subjects without seeing the case.
    me, reason = register.require("subject.delete", reference), plain(reason, where="reason")
    with register.exclusively():  # nobody opens it again, or keeps something of it
        case = register.find_case(reference)
        if case is None:
            raise CaseError("no such case", where=reference[:80], fix="Check its reference")
        if case.state in ("open", "requested"):
            raise CaseError(
                f"is {case.status()}",
                where=reference,
                fix="Close the case first, then delete its subject",
            )
        count = delete_subject(register.folder, reference)
        about = {"case": reference, "files": count, "reason": reason}
        register.record("subject.deleted", about, by=me)
    return count


def forget_tracklets(
    register: CaseRegister,
    gallery: Path,
    tracklets: Collection[str],
    remove: RemoveThese,
    *,
    reason: str,
) -> Mapping[str, int]:
    """Delete single tracklets from a gallery, such as those of a person entitled to erasure.

    Returns the number removed, by kind. Raises NotPermitted if the user's role does not cover it,
    and CaseError if an open case holds one of them, as a sighting or for its review: a court may
    need it.
    """
    me, wanted = register.require("subject.delete"), frozenset(tracklets)
    holding = Holding(register)
    with holding.settled(tracklets=wanted):
        pass
    about = {
        "gallery": str(gallery.resolve()),
        "tracklets": sorted(wanted),
        "reason": plain(reason, where="reason"),
    }
    register.record("retention.removing", about, by=me)
    try:
        removed = dict(remove(wanted, holding))
    except HeldMeanwhile as error:
        register.record("retention.removed", {**about, "ended": str(error)}, by=me)
        raise HeldMeanwhile(
            f"{error.what}, since the deletion began; others may be deleted already",
            where=error.where,
            fix=f"{error.fix}, and delete the rest then",
        ) from None
    register.record("retention.removed", {**about, "removed": removed}, by=me)
    return removed


def _numbers(holding: Held) -> dict[str, object]:
    return {
        "held": len(holding.tracklets),
        "waiting": len(holding.waiting),
        "holding cases": holding.cases,
    }


def _counted(gallery: Gallery) -> dict[str, int]:
    counts = gallery.counts()
    return {name: counts[name] for name in ("recordings", "tracklets")}


def _before(register: CaseRegister, days: float | None) -> datetime:
    """Return the time before which all is too old, for the user; UTC."""
    register.require("retention.purge")
    allowed = register.rules.retention_days
    if days is not None and not 0 <= days <= allowed:
        raise CaseError(
            f"{days:g} days is not between 0 and the {allowed:g} days that the rules allow",
            where="retention",
            fix="Choose fewer days, or have `retention_days` set with `sightline installation set`",
        )
    return datetime.now(UTC) - timedelta(days=allowed if days is None else days)


def _open(register: CaseRegister) -> list[Case]:
    """Return the cases that hold something; training holds nothing."""
    cases = register.all_cases()
    return [case for case in cases if case.state == "open" and not case.is_training]


def _ended(register: CaseRegister, before: datetime) -> list[str]:
    """Return the references of cases that ended before a time."""
    return [case.reference for case in register.all_cases() if _has_ended(case, before)]


def _has_ended(case: Case, before: datetime) -> bool:
    return case.ended_at is not None and case.ended_at < before


def _old(
    gallery: Gallery, before: datetime | None, keep: frozenset[str], lost: frozenset[str]
) -> tuple[set[str], list[str], int]:
    """Find recordings that ended before a time or are *lost*, and singles where some are in *keep*.

    The number is that of the tracklets in the recordings.
    """
    held_in = {parse_tracklet_id(tracklet_id)[0] for tracklet_id in keep}
    ended = set(lost)
    if before is not None:
        rows = gallery.recordings()
        ended |= set(rows.loc[rows["ended_at"] < before, "recording_id"].astype(str))
    of_recording = [
        (tracklet_id, parse_tracklet_id(tracklet_id)[0])
        for tracklet_id in gallery.tracklets()["tracklet_id"].astype(str)
    ]
    others = [
        tracklet_id
        for tracklet_id, recording_id in of_recording
        if tracklet_id not in keep and recording_id in ended & held_in
    ]
    whole = ended - held_in
    return whole, others, sum(recording_id in whole for _, recording_id in of_recording)
