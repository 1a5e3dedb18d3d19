"""Facts about a case in readable words, as the command and the pages show them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from workbench.casework.cases import Case, area_km2


def status_words(case: Case, now: datetime | None = None) -> str:
    """Return the status of a case; of a requested one with the approval that it has."""
    if case.state == "requested" and case.approved_by:
        return "requested, 1 of 2 approvals"
    return case.status(now)


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
    yield "authorisation", request.authorisation
    yield "requested by", f"{case.asked_by}, {time(case.asked_at)}"
    yield "approved by", ", ".join(case.approved_by)
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
