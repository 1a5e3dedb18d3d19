"""Changes of a case by a new approval, its hand-over, and its history in words."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from office import AREA, probe_of, stated
from PIL import Image
from shapely import box

from workbench.casework.cases import Case, Change, Request
from workbench.casework.changes import ask_change, hand_over
from workbench.casework.facts import change_facts, facts, warnings
from workbench.casework.history import WORDS, history
from workbench.casework.provenance import Provenance, warnings_of
from workbench.casework.subjects import describe_subject, kept_originals
from workbench.casework.waiting import waiting_for_me
from workbench.client.documents import case_document, case_from
from workbench.domain import District, Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.investigation import search

Ask = Callable[..., Request]
WIDER = District("Both towns", box(-0.02, 51.47, 0.2, 51.49))


def longer(case: Case, **changed: Any) -> Request:
    until = case.request.valid_until + timedelta(days=10)
    return replace(case.request, **{"valid_until": until, **changed})


def test_a_change_counts_once_another_person_approved_it(office: Any, case: Case) -> None:
    changed = ask_change(office.sit("anna"), longer(case))
    assert (changed.state, changed.request) == ("open", case.request)  # the old one goes on
    assert [name for name, *_ in change_facts(changed)] == ["may be searched"]
    assert changed.change is not None
    register = office.sit("sara")
    with pytest.raises(CaseError, match="not the request that was read"):
        register.approve("A-1", digest=changed.digest)
    approved = register.approve("A-1", digest=changed.change.digest)
    assert (approved.change, approved.digest) == (None, changed.change.digest)
    assert approved.request.valid_until == case.request.valid_until + timedelta(days=10)
    assert approved.approved_by == ("sara",)


def test_a_change_beyond_the_limits_takes_two_people(office: Any, case: Case) -> None:
    changed = ask_change(office.sit("anna"), longer(case, district=WIDER))
    digest = changed.change.digest  # type: ignore[union-attr]
    waits = office.sit("sara").approve("A-1", digest=digest)
    assert waits.request.district == AREA
    assert "an area of" in waits.change.exceeds[0]
    with pytest.raises(NotPermitted, match="sara has approved it already"):
        office.sit("sara").approve("A-1", digest=digest)
    assert office.sit("sven").approve("A-1", digest=digest).request.district == WIDER


def test_a_declined_change_leaves_the_case_as_it_was(office: Any, case: Case) -> None:
    ask_change(office.sit("anna"), longer(case))
    declined = office.sit("sara").decline("A-1", reason="too long")
    assert (declined.state, declined.change, declined.request) == ("open", None, case.request)


def test_photographs_are_added_by_a_new_approval(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    """Until then, and after it was declined, the photographs before are those that count."""
    more = probe_of(0, photographs=3)
    described = describe_subject(more, calibrations=tmp_path / "none", provenance=stated(3))
    changed = ask_change(office.sit("anna"), longer(case, subject=described), subject=more)
    assert search(gallery, subject, permitted, case="A-1", register=office.register).candidates
    office.sit("sara").approve("A-1", digest=changed.change.digest)  # type: ignore[union-attr]
    office.sit("anna")
    now = office.register.case("A-1")
    assert kept_originals(office.folder, now) == tuple(p.original for p in more.photographs)
    assert search(gallery, more, permitted, case="A-1", register=office.register).candidates


def test_a_case_is_handed_over_on_record(office: Any, case: Case) -> None:
    register = office.sit("anna")
    for name, why in (
        ("sara", "sara has approved the case"),
        ("rosa", "rosa may not request cases"),
        ("anna", "anna is responsible for it already"),
        ("nobody", "nobody has no role here"),
    ):
        with pytest.raises(CaseError, match=why):
            hand_over(register, "A-1", name, reason="leave")
    with pytest.raises(CaseError, match="the reason is missing"):
        hand_over(register, "A-1", "cleo", reason=" ")
    handed = hand_over(register, "A-1", "cleo", reason="leave")
    assert (handed.responsible, handed.asked_by) == ("cleo", "anna")
    assert "cleo" in handed.members
    with pytest.raises(NotPermitted, match="anna is not responsible"):
        register.close("A-1", reason="x")
    register = office.sit("cleo")
    with pytest.raises(CaseError, match="Hand it over first"):
        register.remove_member("A-1", "cleo")
    assert register.remove_member("A-1", "anna").members == ("ben", "rolf", "rosa", "cleo")
    assert register.close("A-1", reason="found").state == "closed"


def test_all_that_is_known_of_a_case_comes_back_from_its_document(case: Case) -> None:
    """No field of a case is left out of what programs get, the demo's mark among them."""
    moment, waits = case.asked_at, replace(case, state="requested")
    change = Change(longer(case), "anna", moment, "5a" * 32, ("sven",), ("an area of 90 km²",))
    full = replace(
        waits, exceeds=("an area",), ended_at=moment, reason="found", begun_at=moment,
        confirmed_by="sven", authorised_as="P 9/26", erased_at=moment,
        not_erased="a", remains=("a.csv",), formerly=("ben",),
        change=change, changed_at=moment, in_demo=True, state="closed",
    )  # fmt: skip
    bare = Case(case.request, "", moment, "")
    same = [f.name for f in fields(Case) if getattr(full, f.name) == getattr(bare, f.name)]
    assert same == ["request", "asked_at"], "each other field says something here"
    read = case_from(json.loads(json.dumps(case_document(full))))
    assert read == full
    assert read.without_authority


def test_who_was_responsible_decides_on_nothing_of_the_case(office: Any, case: Case) -> None:
    """A case comes to a supervisor, who hands it on and would then approve its change."""
    hand_over(office.sit("anna"), "A-1", "sven", reason="leave")
    case = hand_over(office.sit("sven"), "A-1", "cleo", reason="back to an analyst")
    assert (case.responsible, case.formerly) == ("cleo", ("anna", "sven"))
    changed = ask_change(office.sit("cleo"), longer(case))
    register, digest = office.sit("sven"), changed.change.digest  # type: ignore[union-attr]
    assert "approval" not in {one.what for one in waiting_for_me(register)}
    with pytest.raises(NotPermitted, match="sven was responsible for the case and may not approve"):
        register.approve("A-1", digest=digest)
    with pytest.raises(NotPermitted, match="sven was responsible for the case and may not decline"):
        register.decline("A-1", reason="too long")
    assert office.sit("sara").approve("A-1", digest=digest).change is None


def test_the_history_of_a_case_is_in_words(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    search(gallery, subject, permitted, case="A-1", register=office.register)
    office.sit("anna").add_member("A-1", "cleo")
    hand_over(office.register, "A-1", "cleo", reason="leave")
    told = [f"{event.account} {event.words}" for event in history(office.register, "A-1")]
    assert told == [
        "anna requested the case",
        "sara approved the case",
        "anna searched Old Town, 4 cameras",
        "anna made cleo a member",
        "anna handed the case over to cleo: leave",
    ]
    office.sit("otto")
    assert len(history(office.register, "A-1")) == 5
    office.sit("nobody")
    with pytest.raises(NotPermitted):
        history(office.register, "A-1")


def test_every_kind_of_entry_about_a_case_has_its_words() -> None:
    import workbench.casework

    house = Path(workbench.casework.__file__).parent
    sources = "".join(path.read_text() for path in house.rglob("*.py"))
    kinds = r'"(case\.(?:[a-z]+\.)?(?:[a-z]+ed|begun|training|over))"'
    recorded = {
        kind for kind in re.findall(kinds, sources) if not kind.endswith((".refused", ".failed"))
    }
    assert {"case.approved", "case.change.approved", "case.member.added"} <= recorded
    assert recorded <= WORDS.keys()


# --- Photographs ------------------------------------------------------------------------------


def picture(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 60), (120, 90, 60)).save(file, "JPEG", **options)
    return file.getvalue()


def asked_with(office: Any, ask: Ask, subject: Probe, original: bytes, **changed: Any) -> Case:
    """The case that comes of a photograph with this file, and of what is stated of it."""
    one = replace(subject.photographs[0], original=original)
    probe = replace(subject, photographs=(one,), template=one.template)
    described = describe_subject(
        probe, calibrations=office.home, provenance=stated(1, **changed), born=""
    )
    found: Case = office.sit("anna").ask(ask(subject=described), subject=probe)
    return found


def test_where_each_photograph_comes_from_is_approved_with_the_case(
    office: Any, ask: Ask, subject: Probe
) -> None:
    """The file is kept as it was given, and what it says of itself is noted."""
    exif = Image.Exif()
    exif[0x0131] = "Darkroom 3"
    exif.get_ifd(0x8769)[0x9003] = "2019:05:04 10:00:00"
    original = picture(exif=exif)
    case = asked_with(office, ask, subject, original, changes="cropped")
    (one,) = case.request.subject.provenance  # type: ignore[union-attr]
    assert one.notes == (
        "its file says that it was written by Darkroom 3",
        "its file says that it was taken on 2019-05-04",
    )
    assert kept_originals(office.folder, case) == (original,)
    told = dict(facts(case))
    assert told["minimum score of a probe"].endswith(" (plain scores)")  # not by its digest
    said = told["photograph 1"]
    assert "album, given by the mother, taken 2026-01, done to it before: cropped" in said
    assert Request.from_document(case.request.document()).digest == case.digest


def test_drawings_and_composites_are_refused(office: Any, ask: Ask, subject: Probe) -> None:
    for kind in ("drawing", "composite"):
        with pytest.raises(CaseError, match=f"a {kind} cannot be used"):
            stated(kind=kind)
    xmp = b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    with pytest.raises(CaseError, match="its file says that it is not a photograph"):
        asked_with(office, ask, subject, picture() + xmp)
    drawing = Image.new("L", (100, 100), 255)
    for line in range(0, 100, 6):
        drawing.paste(0, (0, line, 100, line + 2))
    file = io.BytesIO()
    drawing.save(file, "PNG")
    case = asked_with(office, ask, subject, file.getvalue())
    (one,) = case.request.subject.provenance  # type: ignore[union-attr]
    assert one.notes == ("it has hardly any half-tones, as drawings and photocopies have",)


def test_children_and_years_between_are_warned_of(case: Case) -> None:
    footage = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))

    def said(one: Provenance, born: str = "") -> str:
        return " ".join(warnings_of([one], born=born, footage=footage))

    (of_late,) = stated(1, taken="2026-01")
    assert said(of_late) == ""
    assert warnings(case.request) == ()
    assert "under 18" in said(*stated(1, taken="2024-02", under_18=True))
    assert "at least 2 years before or after" in said(*stated(1, taken="2024-02", under_18=True))
    assert said(*stated(1, taken="2022")) == ""
    assert "at least 10 years before or after" in said(*stated(1, taken="2015"))
    assert "is not known" in said(*stated(1, taken="not known"))
    assert "under 18 in the footage" in said(of_late, "2008-03-30")
    assert said(of_late, "2007-12-31") == ""
