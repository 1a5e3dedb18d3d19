"""The page on which auditors read the record."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.oversight import annual, audit_overview
from workbench.casework.record.audit import LOG, AuditLog
from workbench.casework.record.keys import record_key
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.audit import AuditPanel, audit

HOSTILE = "<b onclick=x>bold</b>"


@pytest.fixture
def searched(
    office: Any, case: Case, gallery: Gallery, subject: Probe, stranger: Probe, permitted: Scope
) -> Any:
    """Two searches by anna, one of them in vain, and two refused: hers and ben's."""
    search(gallery, subject, permitted, case="A-1", threshold=0.6)
    search(gallery, subject, permitted, case="A-1", threshold=0.9999)
    with pytest.raises(NotPermitted):
        search(gallery, stranger, permitted, case="A-1")
    office.sit("ben")
    with pytest.raises(NotPermitted):
        search(gallery, stranger, permitted, case="A-1")
    office.sit("otto")
    return office


def test_the_record_tells_who_searched_what(searched: Any) -> None:
    told = audit_overview(searched.register)
    assert told.verification.sound
    assert told.doubts == ()
    first = told.people[0]
    assert (first.account, first.searches, first.cases, first.refused) == ("anna", 2, 1, 1)
    assert (first.busiest_day, first.with_candidates, first.hit_rate) == (2, 1, 0.5)
    assert {p.account: p.refused for p in told.people}["ben"] == 1
    assert [s.candidates for s in told.searches] == [0, 4]
    assert {r.account for r in told.refusals} == {"anna", "ben"}
    assert "does not resemble the case's subject" in told.refusals[0].reasons
    assert list(told.frame()["account"]) == ["anna", "anna"]
    assert searched.events("audit.read")[-1].account == "otto"


def test_the_figures_of_a_year_name_nobody(searched: Any, case: Case) -> None:
    (row,) = annual(searched.register, case.asked_at.year)
    assert (row.purpose, row.asked, row.approved, row.declined) == ("missing person", 1, 1, 0)
    assert (row.searches, row.with_candidates, row.refused) == (2, 1, 2)
    assert (row.sightings, row.exports) == (0, 0)
    assert "anna" not in repr(row)
    assert annual(searched.register, 2020) == ()


@pytest.mark.parametrize("name", ["anna", "rosa", "sara", "ada", "nobody"])
def test_only_auditors_read_it(searched: Any, name: str) -> None:
    with pytest.raises(NotPermitted):
        audit_overview(searched.sit(name))
    page = audit()
    assert "The record is not shown" in page.value


def test_the_page_shows_and_filters(searched: Any) -> None:
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    html = "".join(child.value for child in panel.children if hasattr(child, "value"))
    assert "One unbroken chain" in html
    assert panel.refusals.value.count("<tr>") == 3
    panel.filter.value = "BEN"
    assert panel.refusals.value.count("<tr>") == 2
    assert panel.searches.value == '<p class="sl-hint">None.</p>'
    panel._show_all()
    assert panel.searches.value.count("<tr>") == 3


def test_times_read_as_on_the_other_pages(searched: Any, permitted: Scope) -> None:
    overview = audit_overview(searched.register)
    panel = AuditPanel(overview, zone=ZoneInfo("Europe/Berlin"))
    asked = overview.searches[0].at.astimezone(panel.zone)
    assert f"{asked:%d %b %Y, %H:%M:%S} C" in panel.searches.value
    start, end = (f"{t.astimezone(panel.zone):%d %b %Y, %H:%M %Z}" for t in
                  (permitted.start, permitted.end))  # fmt: skip
    assert f"{start} to {end}" in panel.searches.value


def test_names_stay_text(searched: Any) -> None:
    AuditLog(searched.folder).append(
        "search.refused",
        {"account": HOSTILE},
        {"case": HOSTILE, "reasons": [HOSTILE]},
        key=record_key(searched.folder),
    )
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    assert "<b" not in panel.refusals.value
    assert "&lt;b onclick=x&gt;" in panel.refusals.value


def test_a_damaged_record_is_told_and_not_shown(searched: Any) -> None:
    content = (searched.folder / LOG).read_bytes()
    (searched.folder / LOG).write_bytes(content.replace(b'"candidates":4', b'"candidates":0'))
    assert "is no longer" in audit().value or "was changed" in audit().value


def test_a_forged_line_is_named(searched: Any) -> None:
    about = {"case": "A-1", "exceeds": [], "most_cameras": 5}
    AuditLog(searched.folder).append("case.approved", {"account": "sven"}, about)
    panel = AuditPanel(audit_overview(searched.register), zone=UTC_ZONE)
    assert "in the name of sven, is not signed by this installation" in panel.children[1].value
