"""Cases open by two people, keep to the limits, and say what the record says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import box

from workbench.casework.cases import Case, Request, area_km2
from workbench.casework.installing import set_rule
from workbench.casework.subjects import (
    describe_subject,
    kept_photographs,
    subject_folder,
    subject_photographs,
)
from workbench.domain import District, Probe, Scope
from workbench.errors import CaseError, NotPermitted, SightlineError
from workbench.settings import load_settings

Ask = Callable[..., Request]


def test_a_case_is_asked_approved_and_closed(office: Any, ask: Ask, subject: Probe) -> None:
    asked = office.sit("anna").ask(ask(), subject=subject)
    assert (asked.status(), asked.asked_by) == ("requested", "anna")
    approved = office.approve("sara", "A-1")
    assert (approved.status(), approved.approved_by) == ("open", ("sara",))
    assert approved.most_cameras == load_settings().most_cameras
    closed = office.sit("anna").close("A-1", reason="found")
    assert (closed.status(), closed.reason) == ("closed", "found")
    assert office.fresh().cases() == (closed,)
    with pytest.raises(CaseError, match="is closed"):
        office.approve("sara", "A-1")


def test_a_case_comes_back_from_the_record_as_it_was_asked(
    office: Any, ask: Ask, subject: Probe
) -> None:
    request = ask(title="Ł’Áquila — “quoted” <b>", cameras=7)
    office.sit("anna").ask(request, subject=subject)
    assert office.fresh().case("A-1").request == request
    assert subject_photographs(office.folder, office.register.case("A-1")) == tuple(
        p.jpeg for p in subject.photographs
    )


def test_who_asks_does_not_authorise(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("sara").ask(ask(), subject=subject)
    with pytest.raises(NotPermitted, match="may not approve it"):
        office.approve("sara", "A-1")
    assert office.approve("sven", "A-1").status() == "open"


def test_a_case_beyond_the_limits_takes_two(office: Any, ask: Ask, subject: Probe) -> None:
    wide = District("County", box(-1, 51, 1, 52))
    office.sit("anna").ask(ask(district=wide, cameras=501), subject=subject)
    case = office.approve("sara", "A-1")
    assert case.status() == "requested"
    area, cameras = case.exceeds
    assert area == f"an area of {area_km2(wide):,.1f} km², the limit is 25 km²"
    assert cameras == "501 cameras in a search, the limit is 500"
    with pytest.raises(NotPermitted, match="approved it already"):
        office.approve("sara", "A-1")
    assert office.approve("sven", "A-1").status() == "open"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"end": datetime(2026, 6, 1, tzinfo=UTC)}, "64 days of footage, the limit is 31"),
        (
            {"valid_until": datetime.now(UTC) + timedelta(days=200)},
            r"valid for 200 days, the limit is 92",
        ),
    ],
)
def test_each_limit_that_a_case_exceeds_is_named(
    ask: Ask, change: dict[str, Any], said: str
) -> None:
    from workbench.casework.cases import Limits

    assert said in "; ".join(ask(**change).exceeds(Limits.of(load_settings())))
    assert ask().exceeds(Limits.of(load_settings())) == ()


def test_limits_are_rules_of_the_installation(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("anna").ask(ask(), subject=subject)
    set_rule(office.sit("ada"), "largest_area_km2", 0.5)
    assert office.approve("sara", "A-1").status() == "requested"


def test_one_s_own_request_is_closed_and_not_declined(
    office: Any, ask: Ask, subject: Probe
) -> None:
    office.sit("sara").ask(ask(), subject=subject)
    with pytest.raises(NotPermitted, match="may not decline it"):
        office.register.decline("A-1", reason="a mistake")
    assert office.register.close("A-1", reason="a mistake").status() == "closed"
    # Whatever is written afterwards, an ended case stays as it ended.
    office.register.record(
        "case.approved", {"case": "A-1", "request": office.register.case("A-1").digest}
    )
    assert office.fresh().case("A-1").status() == "closed"


def test_an_area_is_measured_on_the_sphere() -> None:
    # A square degree at the equator, and at 60 degrees north about half of it.
    assert area_km2(District("0", box(0, -0.5, 1, 0.5))) == pytest.approx(12_364, rel=1e-3)
    assert area_km2(District("60", box(0, 59.5, 1, 60.5))) == pytest.approx(6_182, rel=1e-3)


def test_cases_expire_and_begin(ask: Ask) -> None:
    case = Case(ask(), "anna", datetime.now(UTC), ask().digest, "open", ("sara",))
    now = case.request.valid_until
    assert case.status(now) == "expired"
    assert case.status(now - timedelta(microseconds=1)) == "open"
    assert case.status(case.request.valid_from) == "open"
    assert case.status(case.request.valid_from - timedelta(microseconds=1)) == "not yet valid"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reference": ""}, "reference"),
        ({"reference": "../../etc/passwd"}, "reference"),
        ({"reference": "A 1"}, "reference"),
        ({"reference": "А-1"}, "reference"),  # a Cyrillic letter
        ({"reference": "x" * 65}, "reference"),
        ({"purpose": "curiosity"}, "purpose: 'curiosity' is not a purpose"),
        ({"legal_basis": " "}, "legal_basis: is missing"),
        ({"authority": ""}, "authority: is missing"),
        ({"authorisation": ""}, "authorisation: is missing"),
        ({"title": "a\nb"}, "U\\+000A"),
        ({"title": "a\u202eb"}, "U\\+202E"),
        ({"title": "x" * 501}, "501 characters"),
        ({"subject": None}, "a case is about one known person"),
        ({"cameras": 0}, "too few"),
        ({"start": datetime(2026, 3, 30)}, "no offset"),  # noqa: DTZ001
        ({"end": datetime(2026, 3, 28, tzinfo=UTC)}, "not after the start"),
        ({"valid_until": datetime(2020, 1, 1, tzinfo=UTC)}, "not after valid_from"),
    ],
)
def test_a_request_that_lacks_something_is_refused(
    ask: Ask, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(SightlineError, match=said):
        ask(**change)


def test_a_reference_is_used_once_whatever_its_case(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("anna").ask(ask(), subject=subject)
    for same in ("A-1", "a-1"):
        with pytest.raises(CaseError, match="this reference is taken"):
            office.sit("anna").ask(ask(same), subject=subject)
    with pytest.raises(CaseError, match="Perhaps you mean A-1"):
        office.register.case("a-1")


def test_the_photographs_kept_are_those_asked_with(
    office: Any, ask: Ask, subject: Probe, stranger: Probe
) -> None:
    with pytest.raises(CaseError, match="not those described in the request"):
        office.sit("anna").ask(ask(), subject=stranger)
    with pytest.raises(CaseError, match="not those described in the request"):
        office.sit("anna").ask(
            ask(subject=describe_subject(stranger, calibrations=office.home)), subject=subject
        )
    assert not (office.folder / "subjects").exists()


def test_only_who_asked_or_a_supervisor_closes(office: Any, case: Case) -> None:
    with pytest.raises(NotPermitted, match="ben is not responsible for the case"):
        office.sit("ben").close("A-1", reason="x")
    with pytest.raises(NotPermitted, match="rosa has reviewer"):
        office.sit("rosa").close("A-1", reason="x")
    assert office.sit("sven").close("A-1", reason="x").status() == "closed"


def test_a_declined_case_stays_declined(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("anna").ask(ask(), subject=subject)
    assert office.sit("sara").decline("A-1", reason="too wide").status() == "declined"
    with pytest.raises(CaseError, match="is declined"):
        office.approve("sven", "A-1")


def test_training_opens_at_once_and_again(office: Any, permitted: Scope) -> None:
    register = office.sit("rosa")
    case = register.train("T-1", permitted)
    assert case.status() == "open"
    assert case.is_training
    later = Scope(permitted.district, permitted.start, permitted.end + timedelta(days=1))
    assert register.train("T-1", later).scope.end == later.end
    assert office.sit("otto").cases()[0].scope.end == later.end
    with pytest.raises(NotPermitted, match="otto has auditor"):
        office.register.train("T-2", permitted)


def test_training_takes_no_case_s_name(office: Any, case: Case, permitted: Scope) -> None:
    for name in ("A-1", "a-1"):
        with pytest.raises(CaseError, match="this reference is taken"):
            office.sit("anna").train(name, permitted)
    assert not office.register.case("A-1").is_training


def test_two_registers_tell_the_same(office: Any, ask: Ask, subject: Probe) -> None:
    from workbench.casework.register import CaseRegister

    other = CaseRegister(office.folder, office.installation.settings)
    office.sit("anna").ask(ask(), subject=subject)
    office.approve("sara", "A-1")
    assert other.case("A-1").status() == "open"
    assert other.head == office.register.head


def test_a_subject_that_cannot_be_read_was_not_deleted(tmp_path: Path) -> None:
    home = subject_folder(tmp_path, "A-1")
    (home / f"{'0' * 64}.jpg").mkdir(parents=True)
    with pytest.raises(CaseError, match=r"cannot be read .*check access") as refused:
        kept_photographs(tmp_path, "A-1", ["0" * 64])
    assert "deleted" not in str(refused.value)
    with pytest.raises(CaseError, match=r"is missing.*It may have been deleted on request"):
        kept_photographs(tmp_path, "A-1", ["1" * 64])
