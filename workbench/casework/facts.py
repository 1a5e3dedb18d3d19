"""Facts about a case in readable words, as the command and the pages show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from workbench.casework.cases import CONFIRM_WITHIN, Case, Request, area_km2
from workbench.casework.provenance import NOT_KNOWN, Provenance, warnings_of
from workbench.casework.training import TRAINING_NOTICE
from workbench.domain import scale_kind
from workbench.domain.times import local_time

if TYPE_CHECKING:
    from workbench.casework.cases import Limits

RUNS_OUT = timedelta(days=3)
"""Before the end of a case, from when on its members are told that it runs out."""


def status_words(case: Case, now: datetime | None = None) -> str:
    """Return the status of a case; of a requested one with the approval that it has."""
    status = case.status(now)
    if status == "requested" and case.approved_by:
        return "requested, 1 of 2 approvals"
    if may_begin(case):
        return "requested, urgent"
    left = "" if status == "not confirmed" else time_left(case, now)
    if left:
        return f"{status}, urgent and not confirmed ({left})"
    return f"{status}, change requested" if case.change else status


def notices_of(case: Case, *, zone: tzinfo = UTC) -> tuple[str, ...]:
    """Return what must be said wherever something of a case is shown, or leaves the installation.

    That it is for training, or is urgent and not confirmed; nothing of most cases.
    """
    training = TRAINING_NOTICE if case.without_authority else ""
    return tuple(filter(None, (training, urgent_notice(case, zone=zone))))


def urgent_notice(case: Case, *, zone: tzinfo = UTC) -> str:
    """Return what each surface of an urgent case says until it is confirmed; else nothing."""
    due = case.confirm_by
    if due is None:
        return ""
    return (
        f"Urgent, not confirmed until {local_time(due, zone)}. Unless a second "
        "supervisor confirms it before, the case ends then, and what came of it is deleted."
    )


def may_begin(case: Case) -> bool:
    """Check whether a request waits that is urgent, so that one supervisor may let it begin."""
    return case.state == "requested" and case.request.urgent != ""


def urgent_words(beyond: Sequence[str]) -> str:
    """Say of an urgent request what it takes, to who makes it and to who decides on it.

    *beyond* are the limits of one approval that it goes beyond.
    """
    words = (
        "Urgent: one supervisor lets it begin at once. Unless another confirms it within "
        f"{CONFIRM_WITHIN // timedelta(hours=1)} hours, it ends, and what came of it is deleted."
    )
    return f"{words} Beyond the limits: {'; '.join(beyond)}." if beyond else words


def time_left(case: Case, now: datetime | None = None) -> str:
    """Return in words how long an urgent case can still be confirmed; empty if it need not be."""
    due = case.confirm_by
    if due is None:
        return ""
    minutes = max(0, int((due - (now or datetime.now(UTC))).total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min left"


def runs_out(case: Case, now: datetime | None = None) -> bool:
    """Check whether an open case ends soon: see :data:`RUNS_OUT`."""
    now = now or datetime.now(UTC)
    return case.status(now) == "open" and case.request.valid_until - now < RUNS_OUT


def facts(case: Case, *, zone: tzinfo = UTC) -> Iterator[tuple[str, str]]:
    """Yield all about a case, each fact with its name; those that say nothing are left out.

    Parameters
    ----------
    case : Case
        The case.
    zone : tzinfo
        The zone of the times, by default UTC.

    Yields
    ------
    tuple of (str, str)
        Name and value of a fact, neither of them escaped.
    """
    yield from ((name, value) for name, value in _all(case, zone) if value)


def change_facts(case: Case, *, zone: tzinfo = UTC) -> Iterator[tuple[str, str, str]]:
    """Yield what the change that waits would make of a case: name, what is so, what would be."""
    if case.change is not None:
        yield from differences(case.request, case.change.request, zone=zone)


def requested_facts(request: Request, *, zone: tzinfo = UTC) -> Iterator[tuple[str, str]]:
    """Yield all that a request is for, each fact with its name."""
    yield from ((name, value) for name, value in _requested(request, zone, 0) if value)


def differences(
    request: Request, other: Request, *, zone: tzinfo = UTC
) -> Iterator[tuple[str, str, str]]:
    """Yield what makes another request differ from one: name, what the one says, what the other."""
    before, after = (list(_requested(one, zone, 0)) for one in (request, other))
    # Photographs are numbered, so that there may be more of one than of the other.
    names = dict.fromkeys(name for name, _ in (*before, *after))
    was, becomes = dict(before), dict(after)
    for name in names:
        if was.get(name, "") != becomes.get(name, ""):
            yield name, was.get(name, ""), becomes.get(name, "")


def exceeded(case: Case, limits: Limits) -> tuple[str, ...]:
    """Name the limits that what waits for approval goes beyond; those of now or, of the first."""
    waits = case.waiting
    return case.exceeds if waits is None else waits.exceeds or waits.request.exceeds(limits)


def provenance_words(one: Provenance) -> str:
    """Describe where a photograph comes from in one line."""
    taken = "when it was taken is not known" if one.taken == NOT_KNOWN else f"taken {one.taken}"
    age = ", under 18 then" if one.under_18 else ""
    notes = "".join(f"; {note}" for note in one.notes)
    return (
        f"{one.source}, given by {one.given_by}, {taken}{age}, done to it before: "
        f"{one.changes}{notes}"
    )


def warnings(request: Request) -> tuple[str, ...]:
    """Return what makes recognising the subject of a request less certain, as sentences."""
    subject = request.subject
    if subject is None:
        return ()
    footage = (request.start, request.end)
    return warnings_of(subject.provenance, born=subject.born, footage=footage)


def _all(case: Case, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield "reference", case.reference
    yield "title", case.request.title
    yield "status", status_words(case)
    yield "reason", case.reason
    yield "urgent", case.request.urgent
    yield "requested by", f"{case.asked_by}, {local_time(case.asked_at, zone)}"
    yield "responsible", "" if case.responsible == case.asked_by else case.responsible
    begun, due = case.begun_at, case.confirm_by
    if begun is None:
        yield "approved by", ", ".join(case.approved_by)
    else:
        yield "begun by", f"{case.approved_by[0]}, {local_time(begun, zone)}"
        yield "confirmed by", case.confirmed_by
    yield "to be confirmed", f"before {local_time(due, zone)}, {time_left(case)}" if due else ""
    if case.state == "not confirmed":
        yield "ended", local_time(case.ended_at, zone) if case.ended_at else ""
        yield (
            "what came of it",
            f"deleted, {local_time(case.erased_at, zone)}{_by_hand(case.remains)}"
            if case.erased_at
            else f"could not be deleted, and is tried again: {case.not_erased}"
            if case.not_erased
            else "is still to be deleted",
        )
    yield "changed", "" if case.changed_at is None else local_time(case.changed_at, zone)
    yield "beyond the limits", "; ".join(case.exceeds)
    yield "members", ", ".join(case.members)
    for name, value in _requested(case.request, zone, case.most_cameras):
        if name == "authorisation":  # that of an urgent case comes with its confirmation
            yield name, case.authorisation or "none yet"
        elif name != "title":
            yield name, value
    yield "digest of the request", case.digest


def _requested(request: Request, zone: tzinfo, most_cameras: int) -> Iterator[tuple[str, str]]:
    west, south, east, north = request.district.area.bounds
    yield "title", request.title
    yield "purpose", request.purpose
    yield "legal basis", request.legal_basis
    yield "authority", request.authority
    yield "authorisation", request.authorisation
    yield (
        "area",
        f"{request.district.name}: {area_km2(request.district):,.1f} km², longitude {west:.4f} to "
        f"{east:.4f}, latitude {south:.4f} to {north:.4f}",
    )
    yield "cameras without a place", ", ".join(request.unplaced)
    yield "footage", f"{local_time(request.start, zone)} to {local_time(request.end, zone)}"
    yield (
        "may be searched",
        f"{local_time(request.valid_from, zone)} to {local_time(request.valid_until, zone)}",
    )
    most = request.cameras or most_cameras
    yield "cameras", f"at most {most:,} in one search" if most else ""
    if (subject := request.subject) is None:
        return
    number = len(subject.photographs)
    pictures = f"{number} photograph{'' if number == 1 else 's'}"
    yield "subject", f"{subject.description}, {pictures}" if subject.description else pictures
    yield "date of birth", subject.born
    for n, one in enumerate(subject.provenance, start=1):
        yield f"photograph {n}", provenance_words(one)
    for n, digest in enumerate(subject.photographs, start=1):
        yield f"photograph {n} (SHA-256)", digest
    for n, one in enumerate(subject.provenance, start=1):
        yield f"photograph {n}, original (SHA-256)", one.original
    yield "please note", " ".join(warnings(request))
    kind = scale_kind(subject.scale)
    yield "minimum score of a probe", f"{subject.least_score:.2f} ({kind} scores)"


def _by_hand(remains: Sequence[str]) -> str:
    """Say which files nothing here can delete; nothing where there are none."""
    return f". Someone has to delete by hand: {'; '.join(remains)}" if remains else ""
