"""Ways round casework, tried one by one. docs/abuse.md lists them; a test here for each."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box
from shapely.geometry import MultiPolygon, Polygon

import workbench
from workbench.casework.cases import Case, Request
from workbench.casework.evidence.export import export, is_recorded
from workbench.casework.record import people
from workbench.casework.record.audit import HEAD, LOG, AuditLog, verify
from workbench.casework.record.keys import doubts, own_key
from workbench.casework.record.people import Person, identify, read_people
from workbench.casework.record.signing import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    signing_key,
    verify_archive,
)
from workbench.casework.record.signing import write_archive as written
from workbench.casework.register import CaseRegister
from workbench.casework.retention import forget_subject, purge
from workbench.casework.reviewing.review import (
    add_fillers,
    decide,
    error_rates,
    list_for_review,
    reviewed,
    waiting,
)
from workbench.district import from_geojson
from workbench.domain import District, Probe, Scope
from workbench.errors import (
    AuditDamaged,
    CaseError,
    DistrictError,
    NotPermitted,
    SettingsError,
    SightlineError,
    TimeError,
)
from workbench.gallery import Gallery
from workbench.gallery.search import search as inner_search
from workbench.installation import Installation
from workbench.investigation import search as investigate
from workbench.notebook import search
from workbench.permit import Permit
from workbench.permit.issuing import issue

DOCUMENT = Path(__file__).parents[2] / "docs" / "abuse.md"
SEEN = {"nose": "similar", "ears": "similar", "mouth": "similar"}
Ask = Callable[..., Request]
Refused = Callable[..., None]


@pytest.fixture
def refused(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Refused:
    """``refused("the reason", probe=…)``: a search that A-1 does not cover, refused on record."""

    def check(
        why: str,
        *,
        probe: Probe = subject,
        scope: Scope = permitted,
        reference: str = "A-1",
        error: type[SightlineError] = NotPermitted,
    ) -> None:
        before = len(office.events("search.refused"))
        with pytest.raises(error, match=why):
            search(gallery, probe, scope, case=reference)
        assert len(office.events("search.refused")) == before + 1
        assert not office.events("search.answered")

    return check


@pytest.fixture
def keys(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> list[str]:
    """The keys of two faces on the review list of A-1."""
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    list_for_review(office.register, "A-1", found.candidates)
    return [item.key for item in waiting(office.register, "A-1", gallery)]


def judge(office: Any, name: str, key: str, **changed: Any) -> None:
    given: dict[str, Any] = {"conclusion": 3, "features": SEEN, "reason": "Compared."}
    decide(office.sit(name), "A-1", key, **(given | changed))


@contextmanager
def another_hub(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def says(name: str, kind: str = "user") -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(json.dumps({"kind": kind, "name": name}).encode())

    return answer


# --- Being somebody else ----------------------------------------------------------------------


def test_a_name_in_the_environment(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "JUPYTERHUB_USER", "SUDO_USER", "SIGHTLINE_PERSON"):
        monkeypatch.setenv(name, "ada")
    assert office.sit("anna").me.account == "anna"
    assert identify(people.People()).account != "ada"


def test_a_made_up_token(office: Any, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "made-up")
    with pytest.raises(NotPermitted, match="does not say who this is"):
        _ = office.register.me


def test_a_hub_of_ones_own(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office.sit("anna")
    with another_hub(says("ada")) as address:
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"{address}/hub/api")
        monkeypatch.setenv("SIGHTLINE_HUB", f"{address}/hub/api")
        assert office.register.me.account == "anna"


def test_a_proxy_that_answers_for_the_hub(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_hub(says("ada")) as address:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("no_proxy", raising=False)
        assert office.sit("anna").me.account == "anna"


def test_a_hub_that_sends_elsewhere(office: Any) -> None:
    with another_hub(says("ada")) as elsewhere:

        def sends(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", elsewhere)
            handler.end_headers()

        with another_hub(sends) as address, pytest.raises(NotPermitted, match="HTTP 302"):
            identify(people.People(hub=address))


def test_a_token_of_a_service(office: Any) -> None:
    with (
        another_hub(says("culler", "service")) as address,
        pytest.raises(NotPermitted, match="names nobody"),
    ):
        identify(people.People(hub=address))


def test_a_person_put_together_by_hand(office: Any, case: Case) -> None:
    boss = Person("ada", "account", 0, frozenset(people.ROLES))
    with pytest.raises(AttributeError):
        office.register.me = boss
    with pytest.raises(TypeError):
        office.register.approve("A-1", by=boss)
    with pytest.raises(TypeError):
        search(None, None, None, case="A-1", person=boss)  # type: ignore[call-arg, arg-type]


def test_no_public_function_takes_who_one_is() -> None:
    import inspect

    from workbench import investigation
    from workbench.casework import authority, retention
    from workbench.casework.evidence.export import export as evidence
    from workbench.casework.reviewing import review

    for module in (investigation, authority, evidence, retention, review):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                told = set(inspect.signature(function).parameters)
                assert not told & {"person", "by", "account", "user", "examiner", "analyst"}, name


# --- Giving oneself a role --------------------------------------------------------------------


def test_a_people_file_of_ones_own_behind_a_link(office: Any) -> None:
    path = office.folder / people.PEOPLE
    mine = office.home / "mine.json"
    mine.write_text(path.read_text().replace('"anna": ["analyst"]', '"anna": ["supervisor"]'))
    path.unlink()
    path.symlink_to(mine)
    with pytest.raises(SettingsError, match="cannot be opened"):
        _ = office.sit("anna").me


def test_a_people_file_that_everybody_may_write(office: Any) -> None:
    (office.folder / people.PEOPLE).chmod(0o666)
    with pytest.raises(SettingsError, match="written by others"):
        _ = office.sit("anna").me


def test_a_role_for_a_moment(office: Any) -> None:
    path = office.folder / people.PEOPLE
    _ = office.sit("anna").me
    before = path.read_text()
    path.write_text(before.replace('"analyst"', '"supervisor"'))
    assert office.register.me.roles == {"supervisor"}
    path.write_text(before)
    _ = office.register.me
    told = [entry.about["people"]["anna"] for entry in office.events("people.changed")]
    assert told == [["analyst"], ["supervisor"], ["analyst"]]


def test_a_role_from_a_colleague(office: Any) -> None:
    with pytest.raises(NotPermitted):
        office.sit("sara").grant("anna", "supervisor")
    assert office.events("people.change.refused")[0].account == "sara"


def test_an_auditor_who_also_searches(office: Any) -> None:
    with pytest.raises(SettingsError, match="auditor and something else"):
        office.sit("ada").grant("otto", "analyst")


def test_no_people_file_no_authority(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whoever takes the people file away is back in an installation that only trains."""
    (office.folder / people.PEOPLE).unlink()
    with pytest.raises(NotPermitted, match="may only train"):
        search(gallery, subject, permitted, case="A-1")


# --- Without a case, or with a doubtful one ---------------------------------------------------


def test_no_case(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    with pytest.raises(TypeError, match="case"):
        search(gallery, subject, permitted)  # type: ignore[call-arg]


@pytest.mark.parametrize("reference", ["", "B-1", "A-1 ", "a-1", "А-1", "A-1'--", "*", "%"])
def test_a_case_that_is_not_there(refused: Refused, reference: str) -> None:
    refused("there is no such case", reference=reference, error=CaseError)


@pytest.mark.parametrize("reference", [None, 1, True, ["A-1"]])
def test_a_case_that_is_no_text(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, reference: Any
) -> None:
    with pytest.raises((CaseError, TypeError, AttributeError)):
        search(gallery, subject, permitted, case=reference)
    assert not office.events("search.asked")


def test_a_case_that_was_only_asked(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    office.sit("anna").ask(ask("A-2"), subject=subject)
    refused("has not been approved", reference="A-2")


def test_approving_ones_own(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("sara").ask(ask("A-2"), subject=subject)
    with pytest.raises(NotPermitted, match="who asks does not authorise"):
        office.register.approve("A-2")
    assert office.events("case.approve.refused")


def test_the_second_approval_by_the_first(office: Any, ask: Ask, subject: Probe) -> None:
    wide = ask("A-2", district=District("County", box(-1, 51, 1, 52)))
    office.sit("anna").ask(wide, subject=subject)
    assert office.sit("sara").approve("A-2").status() == "asked"
    with pytest.raises(NotPermitted, match="takes two people"):
        office.sit("sara").approve("A-2")


def test_searching_what_one_authorised(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("ada").grant("sara", "analyst")
    office.sit("anna").ask(ask(), subject=subject)
    office.sit("sara").approve("A-1")
    with pytest.raises(NotPermitted, match="who authorises does not search"):
        search(gallery, subject, permitted, case="A-1")


@pytest.mark.parametrize(
    ("begin", "end", "why"),
    [(-48, -0.001, "the case expired at"), (0.01, 48, "the case is valid from")],
)
def test_a_case_out_of_its_time(
    office: Any, ask: Ask, refused: Refused, subject: Probe, begin: float, end: float, why: str
) -> None:
    now = datetime.now(UTC)
    request = ask(
        "A-2", valid_from=now + timedelta(hours=begin), valid_until=now + timedelta(hours=end)
    )
    office.sit("anna").ask(request, subject=subject)
    office.sit("sara").approve("A-2")
    office.sit("anna")
    refused(why, reference="A-2")


def test_a_closed_case(office: Any, refused: Refused) -> None:
    office.sit("anna").close("A-1", reason="found")
    refused("the case is closed")
    with pytest.raises(CaseError, match="is closed"):
        office.sit("sven").approve("A-1")


def test_a_declined_case(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    office.sit("anna").ask(ask("A-2"), subject=subject)
    office.sit("sara").decline("A-2", reason="no")
    with pytest.raises(CaseError, match="is declined"):
        office.sit("sven").approve("A-2")
    office.sit("anna")
    refused("the case is declined", reference="A-2")


def test_the_same_reference_with_more(office: Any, case: Case, ask: Ask, subject: Probe) -> None:
    wide = District("County", box(-1, 51, 1, 52))
    for reference in ("A-1", "a-1"):
        with pytest.raises(CaseError, match="there is one already"):
            office.sit("anna").ask(ask(reference, district=wide), subject=subject)
    assert office.register.case("A-1").request.district.name == "Old Town"


def test_training_on_real_footage(
    office: Any, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").train("T-1", permitted)
    with pytest.raises(NotPermitted, match="fictional footage of the demo alone"):
        search(gallery, subject, permitted, case="T-1")


def test_training_in_a_case_s_name(office: Any, case: Case, permitted: Scope) -> None:
    with pytest.raises(CaseError, match="another case of this name"):
        office.sit("anna").train("A-1", permitted)


def test_training_that_asks_for_approval(office: Any, ask: Ask, subject: Probe) -> None:
    with pytest.raises(CaseError, match="training is not asked for"):
        office.sit("anna").ask(ask("A-2", purpose="training"), subject=subject)


def test_sql_in_a_title(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    title = "'); DROP TABLE tracklets; --"
    office.sit("anna").ask(ask(title=title), subject=subject)
    office.sit("sara").approve("A-1")
    office.sit("anna")
    assert search(gallery, subject, permitted, case="A-1").candidates
    assert office.fresh().case("A-1").request.title == title
    assert len(gallery.tracklets()) == 25


def test_html_in_names(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, tmp_path: Path, town_file: Path
) -> None:
    from workbench.widgets.investigate.case import CasePanel
    from workbench.widgets.investigate.model import Investigation

    hostile = '<img src=x onerror="harm()">'
    office.sit("anna").ask(ask(title=hostile, authority=hostile), subject=subject)
    office.sit("sara").approve("A-1")
    office.sit("anna")
    export(office.register, "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert "<img src=x" not in archive.read("report.html").decode()
    panel = CasePanel(Investigation(town_file, installation=office.installation))
    assert "<img" not in panel.allowed.value
    assert "&lt;img" in panel.allowed.value


@pytest.mark.parametrize("reference", ["../A-1", "/etc/passwd", "A\x00", "A\n1", "..", "-rf", ""])
def test_a_path_as_a_reference(ask: Ask, reference: str) -> None:
    with pytest.raises(CaseError, match="reference"):
        ask(reference)


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\ufeff", "\x1b", "\u2028"])
def test_invisible_letters(ask: Ask, letter: str) -> None:
    with pytest.raises(CaseError, match="invisible character"):
        ask(title=f"Missing{letter}person")


def test_a_formula_in_a_reason(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    judge(office, "anna", keys[0], reason='=HYPERLINK("http://x","y")')
    judge(office, "rosa", keys[0], reason="@SUM(1)")
    export(office.sit("anna"), "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        table = archive.read("candidates.csv").decode()
    assert "'=HYPERLINK" in table
    assert "'@SUM" in table


# --- Beyond the case --------------------------------------------------------------------------


def test_a_polygon_one_metre_outside(refused: Refused, permitted: Scope) -> None:
    metre = 1 / 111_320 / np.cos(np.radians(51.48))
    wide = District("Old Town", box(-0.02, 51.47, 0.0 + metre, 51.49))
    refused(
        r"reaches 1\.0 m outside the permitted Old Town, at longitude 0\.00001",
        scope=replace(permitted, district=wide),
    )


def test_a_hole_in_the_area(
    office: Any, ask: Ask, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    hole = [(-0.011, 51.477), (-0.009, 51.477), (-0.009, 51.479), (-0.011, 51.479)]
    ring = Polygon(permitted.district.area.exterior.coords, [hole])
    office.sit("anna").ask(ask(district=District("Ring", ring)), subject=subject)
    office.sit("sara").approve("A-1")
    office.sit("anna")
    with pytest.raises(NotPermitted, match="outside the permitted Ring"):
        search(gallery, subject, permitted, case="A-1")
    around = replace(permitted, district=District("Ring", ring))
    found = search(gallery, subject, around, case="A-1")
    assert "C1" not in {c.camera.camera_id for c in found.candidates}


def test_a_second_part_elsewhere(refused: Refused, permitted: Scope) -> None:
    parts = MultiPolygon([box(-0.01, 51.475, -0.005, 51.48), box(0.099, 50.999, 0.101, 51.001)])
    refused("outside the permitted", scope=replace(permitted, district=District("Two", parts)))


@pytest.mark.parametrize(
    "ring",
    [
        [[float("nan"), 51.47], [0, 51.47], [0, 51.49], [float("nan"), 51.47]],
        [[51.47, -200], [51.49, -200], [51.49, 0], [51.47, -200]],
        [[-0.02, 51.47], [0, 51.49], [0, 51.47], [-0.02, 51.49], [-0.02, 51.47]],
        [],
    ],
)
def test_a_district_that_is_none(ring: list[list[float]]) -> None:
    with pytest.raises(DistrictError):
        from_geojson({"type": "Polygon", "coordinates": [ring] if ring else []})


def test_a_microsecond_early_or_late(refused: Refused, permitted: Scope) -> None:
    moment = timedelta(microseconds=1)
    refused("is not within", scope=replace(permitted, start=permitted.start - moment))
    refused("is not within", scope=replace(permitted, end=permitted.end + moment))


def test_time_zone_tricks(
    office: Any, refused: Refused, permitted: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figures with another offset are another time; the machine's zone says nothing."""
    import time

    east = timezone(timedelta(hours=5))
    refused("is not within", scope=replace(permitted, start=permitted.start.replace(tzinfo=east)))
    with pytest.raises(TimeError, match="no offset"):
        replace(permitted, start=permitted.start.replace(tzinfo=None))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert office.register.case("A-1").status() == "open"
        refused("is not within", scope=replace(permitted, end=permitted.end + timedelta(hours=1)))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_more_cameras_than_allowed(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    office.sit("anna").ask(ask("A-2", cameras=1), subject=subject)
    office.sit("sara").approve("A-2")
    office.sit("anna")
    refused("holds 4 cameras; the case allows 1", reference="A-2")


def test_limits_of_ones_own_settings(
    office: Any, ask: Ask, refused: Refused, subject: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was approved stands in the record; an analyst's environment changes nothing of it."""
    office.sit("anna").ask(ask("A-2", cameras=3), subject=subject)
    office.sit("sara").approve("A-2")
    office.sit("anna")
    for name in ("MOST_CAMERAS", "LARGEST_AREA_KM2", "LONGEST_DAYS"):
        monkeypatch.setenv(f"SIGHTLINE_{name}", "1000000")
    refused("the case allows 3", reference="A-2")


def test_a_clock_put_back(office: Any, refused: Refused) -> None:
    office.write_at(datetime.now(UTC) + timedelta(minutes=6))
    refused("the clock of this machine")


# --- Another person than the subject ----------------------------------------------------------


def test_somebody_else_s_photograph(refused: Refused, stranger: Probe) -> None:
    refused("the probe is not the case's subject: likeness", probe=stranger)


def test_a_stranger_among_the_right_ones(refused: Refused, subject: Probe, stranger: Probe) -> None:
    mixed = (*subject.photographs, stranger.photographs[0])
    refused("not the case's subject", probe=replace(subject, photographs=mixed))


def test_a_template_under_the_right_photographs(
    refused: Refused, subject: Probe, stranger: Probe
) -> None:
    refused("not the case's subject", probe=replace(subject, template=stranger.template))
    nobody = replace(subject, photographs=(), template=stranger.template)
    refused("not the case's subject", probe=nobody)


def test_a_template_of_nothing(refused: Refused, subject: Probe) -> None:
    for value in (np.nan, np.inf):
        empty = np.full_like(subject.template, value)
        refused("not the case's subject", probe=replace(subject, template=empty))


def test_a_lower_threshold_in_the_settings(
    refused: Refused, stranger: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_THRESHOLD", "-1000")
    refused("at least 0.48 is needed", probe=stranger)


def test_another_subject_in_the_files(
    office: Any, refused: Refused, subject: Probe, stranger: Probe
) -> None:
    from io import BytesIO

    from workbench.casework import subjects

    (path,) = (office.folder / "subjects").glob("*/templates.npy")
    buffer = BytesIO()
    np.save(buffer, np.stack([p.template for p in stranger.photographs]))
    path.write_bytes(buffer.getvalue())
    subjects._read.clear()
    refused("is not the file the case was asked with", probe=stranger, error=CaseError)


def test_everyone_against_everyone(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """Each face of the gallery as a probe: only the subject's pass; the others are on record."""
    passed = []
    for tracklet_id in gallery.tracklets()["tracklet_id"]:
        shot = gallery.shots(tracklet_id)[0]
        face = replace(subject.photographs[0], template=shot.template, jpeg=shot.jpeg)
        probe = Probe((face,), shot.template, gallery.profile)
        try:
            search(gallery, probe, permitted, case="A-1")
        except NotPermitted:
            continue
        passed.append(tracklet_id)
    assert len(passed) == 5
    assert {tracklet_id.partition("-")[2] for tracklet_id in passed} == {"0"}
    assert len(office.events("search.refused")) == 20


def test_no_function_compares_a_gallery_with_itself() -> None:
    """Of the public names, one alone searches, and it takes one probe and a case."""
    import inspect

    searching = [name for name in workbench.__all__ if "search" in name.lower()]
    assert sorted(searching) == ["SearchResult", "search"]
    told = inspect.signature(workbench.search).parameters
    assert told["case"].default is inspect.Parameter.empty
    assert "probe" in told
    assert not set(told) & {"probes", "templates", "against"}


# --- Inner functions --------------------------------------------------------------------------


def test_the_gallery_s_own_search(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    with pytest.raises(TypeError, match="permit"):
        inner_search(gallery, subject.template, permitted)  # type: ignore[call-arg]
    for nothing in (None, "A-1", object()):
        with pytest.raises(NotPermitted, match="there is no permit"):
            inner_search(gallery, subject.template, permitted, permit=nothing)  # type: ignore[arg-type]


def test_a_permit_made_by_hand(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    forged = Permit("A-1", "anna", 1, b"0" * 32, 1e12, b"0" * 32)
    with pytest.raises(NotPermitted, match="not issued by casework"):
        inner_search(gallery, subject.template, permitted, permit=forged)


def given(gallery: Gallery, subject: Probe, scope: Scope) -> Permit:
    return issue("A-1", "anna", 1, gallery=gallery.path, template=subject.template, scope=scope)


def test_a_permit_used_twice(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    permit = given(gallery, subject, permitted)
    inner_search(gallery, subject.template, permitted, permit=permit)
    with pytest.raises(NotPermitted, match="has been used"):
        inner_search(gallery, subject.template, permitted, permit=permit)


def test_a_permit_for_another_question(
    gallery: Gallery, subject: Probe, stranger: Probe, permitted: Scope
) -> None:
    wider = replace(permitted, end=permitted.end + timedelta(days=1))
    for template, scope in ((stranger.template, permitted), (subject.template, wider)):
        with pytest.raises(NotPermitted, match="for another question"):
            inner_search(gallery, template, scope, permit=given(gallery, subject, permitted))


def test_a_permit_from_another_process(
    gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    path = tmp_path / "permit"
    path.write_bytes(pickle.dumps((given(gallery, subject, permitted), gallery.path,
                                   subject.template, permitted)))  # fmt: skip
    code = (
        "import pickle, sys; from workbench.permit import spend\n"
        "permit, gallery, template, scope = pickle.load(open(sys.argv[1], 'rb'))\n"
        "spend(permit, gallery=gallery, template=template, scope=scope)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "not issued by casework, or was altered" in done.stderr


def test_casework_of_ones_own(
    office: Any, case: Case, town_file: Path, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copied: Any,
) -> None:  # fmt: skip
    """An office of one's own, in which one is everything, opens no gallery of the real one."""
    real = copied(town_file, office.home)
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv("SIGHTLINE_HOME", str(mine))
    Installation.open().register.train("T-1", permitted)
    why = "belongs to the casework in"
    with Gallery.open(real) as gallery, pytest.raises(NotPermitted, match=why):
        search(gallery, subject, permitted, case="T-1")


def test_an_approval_written_past_the_register(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    """Whoever can write the record can write a well-formed line, but not sign it."""
    office.sit("anna").ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "exceeds": [], "most_cameras": 500}
    AuditLog(office.folder).append("case.approved", {"account": "sara", "uid": 0}, about)
    refused(r"entry \d+ \(case.approved\) is not signed by sara", reference="A-2")
    assert verify(office.folder).sound  # the chain is whole; the signature is what lacks
    entries = AuditLog(office.folder).read_new()
    (fault,) = doubts(entries, read_people(office.folder))
    assert "is not signed by sara" in fault.what


def test_an_approval_used_again(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    """A signature belongs to its place in the record and to its case."""
    office.sit("anna").ask(ask("A-2"), subject=subject)
    (approved,) = office.events("case.approved")
    AuditLog(office.folder).append("case.approved", approved.by, {**approved.about, "case": "A-2"})
    AuditLog(office.folder).append("case.approved", approved.by, approved.about)
    refused("is not signed by sara", reference="A-2")
    assert office.fresh().case("A-1").approved_by == ("sara",)


def test_an_approval_with_ones_own_key(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    from workbench.casework.record.chain import canonical
    from workbench.casework.record.keys import own_key_file, private_key

    office.sit("anna").ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "exceeds": [], "most_cameras": 500}
    message = canonical([office.register.head.hash, "sara", "case.approved", about])
    mine = private_key(own_key_file("anna")).sign(message).hex()
    AuditLog(office.folder).append("case.approved", {"account": "sara", "signature": mine}, about)
    refused("is not signed by sara", reference="A-2")


def test_a_supervisor_without_a_key(office: Any, ask: Ask, subject: Probe) -> None:
    office.sit("ada").grant("ben", "supervisor")
    people_file = office.folder / people.PEOPLE
    document = json.loads(people_file.read_text())
    document["keys"].pop("ben")
    people_file.write_text(json.dumps(document))
    office.sit("anna").ask(ask("A-2"), subject=subject)
    with pytest.raises(NotPermitted, match="sightline people key"):
        office.sit("ben").approve("A-2")
    office.sit("ada").grant("ben", "supervisor", key=own_key("ben"))
    assert office.sit("ben").approve("A-2").status() == "open"


# --- The record -------------------------------------------------------------------------------


def lines(office: Any) -> list[bytes]:
    content: bytes = (office.folder / LOG).read_bytes()
    return content.splitlines(keepends=True)


def rewrite(office: Any, content: list[bytes]) -> None:
    (office.folder / LOG).write_bytes(b"".join(content))


@pytest.fixture
def found_out(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> Callable[..., None]:
    """``found_out("why")``: verify says so, and neither an open register nor a new one searches.

    An open one works on what it has read; of what lies behind that it sees the end alone.
    """

    def check(why: str, *, at_once: bool = True) -> None:
        found = verify(office.folder)
        assert any(re.search(why, str(fault)) for fault in found.faults), found.faults
        for restart in (False, True) if at_once else (True,):
            register = (lambda: office.fresh()) if restart else (lambda: office.register)
            with pytest.raises(AuditDamaged):
                investigate(gallery, subject, permitted, case="A-1", register=register())

    return check


def test_an_edited_entry(office: Any, found_out: Callable[..., None]) -> None:
    content = lines(office)
    content[1] = content[1].replace(b'"cameras":null', b'"cameras":9999')
    rewrite(office, content)
    found_out("line 2: entry 2 was changed", at_once=False)


def test_a_removed_entry(office: Any, found_out: Callable[[str], None]) -> None:
    rewrite(office, [*lines(office)[:1], *lines(office)[2:]])
    found_out("line 2: entries 2 to 2 before it were removed")


def test_the_last_line_removed(office: Any, found_out: Callable[[str], None]) -> None:
    rewrite(office, lines(office)[:-1])
    found_out("were removed from the end")


def test_the_last_line_cut(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    rewrite(office, [*content[:-1], content[-1][:-20]])
    found_out("cut after|removed from the end")


def test_lines_exchanged(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    content[1], content[2] = content[2], content[1]
    rewrite(office, content)
    found_out("line 2")


def test_a_line_again(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    rewrite(office, [*content, content[1]])
    found_out("moved or written twice")


def test_the_record_deleted(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / LOG).unlink()
    found_out("cannot be opened|removed from the end")


def test_the_head_deleted(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / HEAD).unlink()
    found_out("head of the record is missing")


def test_record_and_head_rewritten_together(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """The pin on any export shows it."""
    search(gallery, subject, permitted, case="A-1")
    pinned = office.register.head
    content = lines(office)[:-2]
    rewrite(office, content)
    (office.folder / HEAD).write_text(f"{len(content):020d}:{content[-1][:64].decode()}\n")
    assert verify(office.folder).sound
    found = verify(office.folder, pins=[pinned])
    assert "which was pinned, is missing" in str(found.faults[0])
    with pytest.raises(AuditDamaged):  # and whoever has it open sees it without a pin
        investigate(gallery, subject, permitted, case="A-1", register=office.register)


def test_a_symlinked_record(office: Any, found_out: Callable[[str], None]) -> None:
    path = office.folder / LOG
    path.rename(office.home / "elsewhere")
    path.symlink_to(office.home / "elsewhere")
    found_out("symbolic link")


def test_a_record_swapped_under_a_running_program(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    copy = office.home / "copy"
    shutil.copy(office.folder / LOG, copy)
    copy.replace(office.folder / LOG)
    with pytest.raises(AuditDamaged, match="another file"):
        investigate(gallery, subject, permitted, case="A-1", register=office.register)


def test_a_record_everybody_may_write(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / LOG).chmod(0o666)
    found_out("everybody")


def test_a_record_that_cannot_be_written(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """No record, no search: here the disk is full, as far as this process can tell."""
    import resource

    size = (office.folder / LOG).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        with pytest.raises(AuditDamaged, match="cannot be written"):
            search(gallery, subject, permitted, case="A-1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not office.events("search.asked")
    assert search(gallery, subject, permitted, case="A-1").candidates
    assert verify(office.folder).torn == 1


def test_a_refused_attempt_wiped(office: Any, refused: Refused, stranger: Probe) -> None:
    refused("not the case's subject", probe=stranger)
    rewrite(office, [line for line in lines(office) if b"search.refused" not in line])
    assert not verify(office.folder).sound


# --- Review -----------------------------------------------------------------------------------


def test_deciding_for_two(office: Any, keys: list[str]) -> None:
    judge(office, "rosa", keys[0])
    with pytest.raises(NotPermitted, match="rosa has decided on it"):
        judge(office, "rosa", keys[0])
    assert office.events("review.decide.refused")


def test_a_second_turn_without_the_role(office: Any, keys: list[str]) -> None:
    judge(office, "anna", keys[0])
    with pytest.raises(NotPermitted, match="may not take this turn"):
        judge(office, "ben", keys[0])


def test_peeking_at_the_first_decision(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "anna", keys[0])
    office.sit("rosa")
    told = repr(reviewed(office.register, "A-1")) + repr(waiting(office.register, "A-1", gallery))
    assert "anna" not in told
    assert "score=None" in told
    assert not re.search(r"score=0\.\d", told)


def test_peeking_at_the_fillers(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    add_fillers(office.sit("sara"), [b"one", b"two"], source="staff")
    found = search(gallery_for(office, gallery), subject, permitted, case="A-1", top=2)
    list_for_review(office.register, "A-1", found.candidates, fillers=2)
    office.sit("rosa")
    assert all(not item.filler for item in reviewed(office.register, "A-1"))
    with pytest.raises(NotPermitted):
        error_rates(office.register)


def gallery_for(office: Any, gallery: Gallery) -> Gallery:
    office.sit("anna")
    return gallery


def test_deciding_without_comparing(office: Any, keys: list[str]) -> None:
    with pytest.raises(CaseError, match="0 features were compared"):
        judge(office, "anna", keys[0], features={})
    with pytest.raises(CaseError, match="reason is missing"):
        judge(office, "anna", keys[0], reason="")


def test_a_decision_forged_in_the_record(office: Any, keys: list[str], gallery: Gallery) -> None:
    judge(office, "anna", keys[0])
    about = {"case": "A-1", "key": keys[0], "round": 2, "conclusion": 3, "features": SEEN,
             "reason": "x"}  # fmt: skip
    AuditLog(office.folder).append("review.decided", {"account": "rosa"}, about)
    office.sit("otto")
    item = next(i for i in reviewed(office.register, "A-1") if i.key == keys[0])
    assert item.outcome == "waiting"
    assert "is not signed by rosa" in office.register.doubts("A-1")[0]


def test_a_candidate_made_a_sighting_without_review(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    export(office.sit("anna"), "A-1", gallery, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert "0 of them are sightings" in archive.read("report.html").decode()


# --- Evidence ---------------------------------------------------------------------------------


@pytest.fixture
def archive(office: Any, case: Case, gallery: Gallery, tmp_path: Path) -> Any:
    return export(office.register, "A-1", gallery, tmp_path / "A-1.zip")


def changed(archive: Any, **files: bytes) -> Path:
    with zipfile.ZipFile(archive.path) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    path: Path = archive.path.with_name("changed.zip")
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in (content | files).items():
            opened.writestr(name, data)
    return path


def test_a_changed_report(archive: Any) -> None:
    (fault,) = verify_archive(changed(archive, **{"report.html": b"innocent"})).faults
    assert fault == "report.html: is not what was signed"


def test_a_changed_manifest(archive: Any) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        told = json.loads(opened.read(MANIFEST))
    told["files"]["report.html"]["sha256"] = hashlib.sha256(b"innocent").hexdigest()
    forged = {"report.html": b"innocent", MANIFEST: json.dumps(told).encode()}
    assert (
        f"{SIGNATURE}: does not fit the manifest"
        in verify_archive(changed(archive, **forged)).faults
    )


def test_an_archive_signed_by_another(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00Z", "made_by": "anna",
             "head": str(archive.head)}  # fmt: skip
    written(tmp_path / "x.zip", {"report.html": b"x"}, about, signing_key(tmp_path / "mine"))
    found = verify_archive(tmp_path / "x.zip", key=archive.fingerprint)
    assert "was made with key" in found.faults[0]


def test_a_key_that_is_swapped(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    from cryptography.hazmat.primitives import serialization

    pem = (
        signing_key(tmp_path / "mine")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert not verify_archive(changed(archive, **{PUBLIC_KEY: pem})).sound


def test_a_replayed_export(
    archive: Any, office: Any, ask: Ask, gallery: Gallery, subject: Probe, tmp_path: Path
) -> None:
    """An old archive says its case, its time and its head; another office has no record of it."""
    old = verify_archive(archive.path)
    export(office.sit("anna"), "A-1", gallery, tmp_path / "new.zip")
    new = verify_archive(tmp_path / "new.zip")
    assert old.head.number < new.head.number
    assert old.made_at < new.made_at
    assert is_recorded(office.folder, old.manifest)
    other = CaseRegister(tmp_path / "elsewhere", office.register.rules)
    assert not is_recorded(other.folder, old.manifest)


def test_a_file_put_beside(archive: Any) -> None:
    found = verify_archive(changed(archive, **{"shots/more.jpg": b"x", "../x": b"x"}))
    assert len(found.faults) == 3


def test_a_recording_changed_since_indexing(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "footage").mkdir()
    for n in range(4):
        (tmp_path / "footage" / f"{n}.mp4").write_bytes(b"cut differently")
    made = export(
        office.sit("anna"), "A-1", gallery, tmp_path / "x.zip", footage=[tmp_path / "footage"]
    )
    assert made.changed_sources


def test_an_export_by_whoever(office: Any, case: Case, gallery: Gallery, tmp_path: Path) -> None:
    for name in ("rosa", "otto", "ada", "nobody"):
        with pytest.raises(NotPermitted):
            export(office.sit(name), "A-1", gallery, tmp_path / "x.zip")
    assert len(office.events("evidence.export.refused")) == 4


# --- Deleting ---------------------------------------------------------------------------------


def test_a_purge_by_whoever(office: Any, gallery: Gallery) -> None:
    def remove(before: datetime, keep: frozenset[str]) -> dict[str, int]:
        raise AssertionError("asked to delete")

    for name in ("anna", "rosa", "sara", "otto"):
        with pytest.raises(NotPermitted):
            purge(office.sit(name), gallery.path, remove)
    assert len(office.events("retention.purge.refused")) == 4


def test_keeping_longer_than_allowed(office: Any, gallery: Gallery) -> None:
    with pytest.raises(CaseError, match="the 30 that the settings allow"):
        purge(office.sit("ada"), gallery.path, lambda before, keep: {}, days=365)


def test_deleting_the_subject_of_an_open_case(office: Any, case: Case) -> None:
    with pytest.raises(CaseError, match="is open"):
        forget_subject(office.sit("sara"), "A-1", reason="x")


# --- The list itself --------------------------------------------------------------------------


def test_the_document_lists_every_attempt() -> None:
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_document_lists_every_attempt"
    }
    rows = [line for line in DOCUMENT.read_text().splitlines() if re.match(r"\| \d+ ", line)]
    named = [re.findall(r"`(test_\w+)`", row)[0] for row in rows]
    assert set(named) == here
    assert len(named) == len(set(named)) >= 40
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, len(rows) + 1))
