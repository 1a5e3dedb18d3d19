"""Facts about a case in readable words, as the command and the pages show them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from workbench.casework.cases import Case, area_km2
from workbench.casework.training import TRAINING_NOTICE


def status_words(case: Case, now: datetime | None = None) -> str:
    """Return the status of a case; of a requested one with the approval that it has."""
    status = case.status(now)
    if status == "requested" and case.approved_by:
        return "requested, 1 of 2 approvals"
    if status == "requested" and case.request.urgent:
        return "requested, urgent"
    waits = status != "not confirmed" and case.confirm_by is not None
    return f"{status}, urgent and not confirmed" if waits else status


def notices_of(case: Case, *, zone: tzinfo = UTC) -> tuple[str, ...]:
    """Return what must be said wherever something of a case is shown, or leaves the installation.

    That it is for training, or is urgent and not confirmed; nothing of most cases.
    """
    training = TRAINING_NOTICE if case.is_training else ""
    return tuple(filter(None, (training, urgent_notice(case, zone=zone))))


def urgent_notice(case: Case, *, zone: tzinfo = UTC) -> str:
    """Return what each surface of an urgent case says until it is confirmed; else nothing."""
    due = case.confirm_by
    if due is None:
        return ""
    return (
        f"Urgent, not confirmed until {due.astimezone(zone):%d %b %Y, %H:%M %Z}. Unless a second "
        "supervisor confirms it before, the case ends then, and what came of it is deleted."
    )


def time_left(case: Case, now: datetime | None = None) -> str:
    """Return in words how long an urgent case can still be confirmed; empty if it need not be."""
    due = case.confirm_by
    if due is None:
        return ""
    minutes = max(0, int((due - (now or datetime.now(UTC))).total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min left"


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


def _all(case: Case, zone: tzinfo) -> Iterator[tuple[str, str]]:
    def time(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    request = case.request
    west, south, east, north = request.district.area.bounds
    yield "reference", case.reference
    yield "title", request.title
    yield "status", status_words(case)
    yield "reason", case.reason
    yield "purpose", request.purpose
    yield "legal basis", request.legal_basis
    yield "authority", request.authority
    yield "authorisation", case.authorisation or "none yet"
    yield "urgent", request.urgent
    yield "requested by", f"{case.asked_by}, {time(case.asked_at)}"
    begun, due = case.begun_at, case.confirm_by
    if begun is None:
        yield "approved by", ", ".join(case.approved_by)
    else:
        yield "begun by", f"{case.approved_by[0]}, {time(begun)}"
        yield "confirmed by", case.confirmed_by
    yield "to be confirmed", f"before {time(due)}, {time_left(case)}" if due else ""
    if case.state == "not confirmed":
        yield "ended", time(case.ended_at) if case.ended_at else ""
        yield (
            "what came of it",
            f"deleted, {time(case.erased_at)}" if case.erased_at else "is still to be deleted",
        )
    yield "beyond the limits", "; ".join(case.exceeds)
    yield "members", ", ".join(case.members)
    yield (
        "area",
        f"{request.district.name}: {area_km2(request.district):,.1f} km², longitude {west:.4f} to "
        f"{east:.4f}, latitude {south:.4f} to {north:.4f}",
    )
    yield "cameras without a place", ", ".join(request.unplaced)
    yield "footage", f"{time(request.start)} to {time(request.end)}"
    yield "may be searched", f"{time(request.valid_from)} to {time(request.valid_until)}"
    most = request.cameras or case.most_cameras
    yield "cameras", f"at most {most:,} in one search" if most else ""
    if (subject := request.subject) is not None:
        number = len(subject.photographs)
        pictures = f"{number} photograph{'' if number == 1 else 's'}"
        yield "subject", f"{subject.description}, {pictures}" if subject.description else pictures
        for digest in subject.photographs:
            yield "photograph (SHA-256)", digest
        yield "minimum score of a probe", f"{subject.least_score:.2f} on the scale {subject.scale}"
    yield "digest of the request", case.digest
