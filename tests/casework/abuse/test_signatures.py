"""Writing entries into the record that the installation did not make.

Whoever can write the file can write a well-formed line, with the right hash; but not sign it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attempts import judge
from searching import search

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.export import export, is_recorded
from workbench.casework.oversight import annual, audit_overview
from workbench.casework.record.audit import AuditLog, verify
from workbench.casework.record.installation_file import INSTALLATION
from workbench.casework.record.keys import Trust, doubts, private_key
from workbench.casework.subjects import keep_subject
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, SettingsError
from workbench.gallery import Gallery

Ask = Callable[..., Request]
Refused = Callable[..., None]


def named(account: str) -> dict[str, object]:
    return {"account": account, "way": "hub", "uid": 0}


def unsigned(office: Any) -> list[str]:
    """What `audit verify` says of a record whose chain is whole."""
    assert verify(office.folder).sound
    entries = AuditLog(office.folder).read_new()
    return [fault.what for fault in doubts(entries, Trust.of(office.folder))]


def test_an_approval_written_past_the_register(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    asked = office.sit("anna").ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "request": asked.digest, "exceeds": [], "most_cameras": 500}
    AuditLog(office.folder).append("case.approved", named("sara"), about)
    why = r"entry \d+ \(case.approved\), in the name of sara, is not signed by this installation"
    refused(why, reference="A-2")
    (fault,) = unsigned(office)
    assert "in the name of sara" in fault


def test_an_approval_used_again(office: Any, ask: Ask, refused: Refused, subject: Probe) -> None:
    """A signature belongs to its place in the record and to its case."""
    office.sit("anna").ask(ask("A-2"), subject=subject)
    (approved,) = office.events("case.approved")
    AuditLog(office.folder).append("case.approved", approved.by, {**approved.about, "case": "A-2"})
    AuditLog(office.folder).append("case.approved", approved.by, approved.about)
    refused("is not signed by this installation", reference="A-2")
    assert office.fresh().case("A-1").approved_by == ("sara",)
    assert len(unsigned(office)) == 2


def test_an_approval_with_ones_own_key(
    office: Any, ask: Ask, refused: Refused, subject: Probe
) -> None:
    asked = office.sit("anna").ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "request": asked.digest, "exceeds": [], "most_cameras": 500}
    mine = private_key(office.home / "mine.pem", make=True)
    AuditLog(office.folder).append("case.approved", named("sara"), about, key=mine)
    refused("is not signed by this installation", reference="A-2")


def test_an_approval_of_another_request(office: Any, ask: Ask, subject: Probe) -> None:
    """Even where it is signed: it names the request that it is for."""
    register = office.sit("anna")
    register.ask(ask("A-2"), subject=subject)
    about = {"case": "A-2", "request": "0" * 64, "exceeds": [], "most_cameras": 500}
    register.record("case.approved", about)
    assert office.fresh().case("A-2").status() == "requested"


def test_a_request_in_a_colleague_s_name(office: Any, ask: Ask, subject: Probe) -> None:
    """A supervisor who invents a request of anna's cannot approve it."""
    request = ask("A-2", members=())
    keep_subject(office.folder, "A-2", subject)
    about = {"case": "A-2", **request.document()}
    AuditLog(office.folder).append("case.asked", named("anna"), about)
    with pytest.raises(CaseError, match="no such case"):
        office.sit("sara").approve("A-2", digest=request.digest)
    assert not office.events("case.approved")
    (fault,) = unsigned(office)
    assert "(case.asked), in the name of anna" in fault


def test_closing_in_a_supervisor_s_name(office: Any, case: Case) -> None:
    about = {"case": "A-1", "reason": "done"}
    AuditLog(office.folder).append("case.closed", named("sara"), about)
    assert office.sit("anna").case("A-1").status() == "open"
    assert office.fresh().case("A-1").status() == "open"
    assert "(case.closed), in the name of sara" in unsigned(office)[0]


def test_a_request_exchanged_in_the_record(office: Any, ask: Ask, subject: Probe) -> None:
    """A wider request under the same reference, between reading and approving."""
    read = office.sit("anna").ask(ask("A-2"), subject=subject)
    wider = replace(ask("A-2"), end=ask().end + timedelta(days=500))
    about = {"case": "A-2", **wider.document()}
    AuditLog(office.folder).append("case.asked", named("anna"), about)
    approved = office.sit("sara").approve("A-2", digest=read.digest)
    assert approved.request.end == read.request.end
    with pytest.raises(CaseError, match="this reference is taken"):
        office.sit("anna").ask(wider, subject=subject)
    # Signed by whatever means, a second request under one reference counts for nothing.
    office.register.record("case.asked", about)
    assert office.fresh().case("A-2").request.end == read.request.end


def test_a_member_a_role_or_a_mode_written_into_the_record(office: Any, case: Case) -> None:
    log = AuditLog(office.folder)
    log.append("case.member.added", named("anna"), {"case": "A-1", "account": "cleo"})
    log.append("people.granted", named("ada"), {"account": "cleo", "role": "supervisor"})
    (known,) = office.events("installation.changed")
    log.append("installation.changed", named("ada"), {**known.about, "mode": "training"})
    with pytest.raises(CaseError, match="not one of its members"):
        office.sit("cleo").case("A-1")
    assert office.fresh().me.roles == {"analyst"}
    assert office.register.me.in_service
    assert len(unsigned(office)) == 3


def test_the_keys_taken_away(office: Any, case: Case) -> None:
    """Without the installation's file nothing is believed, and none is made in its place."""
    (office.folder / INSTALLATION).unlink()
    for register in (office.register, office.fresh()):
        with pytest.raises(SettingsError, match="is gone, and the record knows it"):
            register.case("A-1")


def test_the_key_readable_by_others(office: Any, case: Case) -> None:
    (office.folder / "keys" / "signing.pem").chmod(0o644)
    office.fresh()
    with pytest.raises(SettingsError, match="readable by others"):
        office.sit("anna").close("A-1", reason="found")


def test_who_vouches_for_whom(office: Any, case: Case) -> None:
    """Each entry says who was signed in and how, and all of this is signed."""
    (approved,) = office.events("case.approved")
    assert {name: approved.by[name] for name in ("account", "way")} == {
        "account": "sara", "way": "hub",
    }  # fmt: skip
    (key,) = Trust.of(office.folder).keys
    assert not list(doubts([approved], Trust((key,), in_service=True)))
    for changed in (
        replace(approved, by={**approved.by, "account": "sven"}),
        replace(approved, by={**approved.by, "way": "proxy"}),
        replace(approved, at=approved.at + timedelta(microseconds=1)),
        replace(approved, number=approved.number + 1),
    ):
        assert list(doubts([changed], Trust((key,), in_service=True)))


def test_a_colleague_barred_by_a_line(office: Any, keys: list[str]) -> None:
    """What bars people from a review is believed from the installation alone."""
    log = AuditLog(office.folder)
    mine = private_key(office.home / "mine.pem", make=True)
    seen = {"case": "A-1", "tracklets": ["x"]}
    log.append("search.asked", named("rosa"), {"case": "A-1"})
    log.append("shot.viewed", named("rosa"), seen, key=mine)
    log.append("triage.noted", named("rosa"), {**seen, "tracklet": "x", "verdict": "same"})
    log.append("audit.read", named("rosa"), {})
    judge(office, "rosa", keys[0])
    assert office.fresh().not_blind("A-1").keys() == {"anna"}
    judge(office, "rosa", keys[1])
    assert len([what for what in unsigned(office) if "in the name of rosa" in what]) == 4
    # A true one counts, whatever was forged before and after it.
    office.sit("rosa").record("shot.viewed", seen)
    log.append("shot.viewed", named("rosa"), seen)
    for register in (office.register, office.fresh()):
        assert register.not_blind("A-1").keys() == {"anna", "rosa"}


def test_acts_written_into_the_record(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    """Nothing of them is in figures, in the evidence, or said to be recorded."""
    asked = search(gallery, subject, permitted, case="A-1", top=1).entry
    (true,) = office.events("search.asked")
    log = AuditLog(office.folder)
    log.append("search.asked", named("ben"), true.about)
    log.append("search.refused", named("ben"), {"case": "A-1", "reasons": ["x"]})
    log.append("evidence.exported", named("ben"), {"case": "A-1", "manifest": "f" * 64})
    log.append("gallery.taken", named("ada"), {"gallery": "x"})
    made = export(office.sit("anna"), "A-1", gallery, tmp_path / "a.zip")
    with zipfile.ZipFile(made.path) as archive:
        lines = [json.loads(line) for line in archive.read("record.jsonl").splitlines()]
    assert [line["n"] for line in lines if line["what"].startswith("search.asked")] == [asked]
    assert not [line for line in lines if line["by"].get("account") == "ben"]
    assert not is_recorded(office.folder, "f" * 64)
    assert is_recorded(office.folder, made.manifest)
    found = audit_overview(office.sit("otto"))
    assert [row.account for row in found.searches] == ["anna"]
    assert not found.refusals
    assert len(found.doubts) == len(unsigned(office)) == 4
    (figures,) = annual(office.register, true.at.year)
    assert (figures.searches, figures.refused, figures.exports) == (1, 0, 1)
