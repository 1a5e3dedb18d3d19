"""A full disk, as far as this process can tell: files of casework are whole or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_disks import full_beyond

from workbench.casework.cases import Request
from workbench.casework.record.keys import private_key
from workbench.casework.record.people import PEOPLE
from workbench.casework.retention import purge
from workbench.casework.subjects import SUBJECTS, keep_subject
from workbench.domain import Probe, Scope
from workbench.errors import AuditDamaged, CaseError, SettingsError

Ask = Callable[..., Request]


def test_no_empty_key_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "new.pem"
    with full_beyond(50), pytest.raises(SettingsError, match="cannot be written"):
        private_key(path, make=True)
    assert list(path.parent.iterdir()) == []
    made = private_key(path, make=True)
    assert private_key(path, make=True).private_bytes_raw() == made.private_bytes_raw()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_role_is_given_or_not(office: Any) -> None:
    """With its entry, or neither: whether the people file or the record finds no room."""
    register, people, log = office.register, office.folder / PEOPLE, office.folder / "audit.log"
    _ = register.me  # all there is to notice is on record
    before, record = people.read_bytes(), log.read_bytes()
    for size in (0, 10, len(before) - 1):
        with full_beyond(size), pytest.raises(SettingsError, match="The roles are as they were"):
            register.grant("zoe", "reviewer")
    for size in (len(record), len(record) + 40):
        with full_beyond(size), pytest.raises(AuditDamaged, match="cannot be written"):
            register.grant("zoe", "reviewer")
    assert people.read_bytes() == before
    assert log.read_bytes().startswith(record)
    assert log.read_bytes().count(b"\n") == record.count(b"\n")  # no whole entry was added
    assert list(office.folder.glob(".*")) == []
    assert register.grant("zoe", "analyst").roles["zoe"] == {"analyst"}
    assert [entry.about["account"] for entry in office.events("people.granted")] == ["zoe"]


def test_no_person_without_a_case_stays(office: Any, ask: Ask, subject: Probe) -> None:
    """Neither when their photographs cannot be kept, nor when the request cannot be recorded."""
    register, request = office.sit("anna"), ask()
    register.train("T-1", Scope(request.district, request.start, request.end))
    with full_beyond(5), pytest.raises((CaseError, AuditDamaged)):
        register.ask(request, subject=subject)
    size = (office.folder / "audit.log").stat().st_size
    with full_beyond(size + 40), pytest.raises(AuditDamaged, match="cannot be written"):
        register.ask(request, subject=subject)
    assert list((office.folder / SUBJECTS).iterdir()) == []
    assert not office.events("case.asked")
    assert register.ask(request, subject=subject).status() == "requested"


def test_a_person_whose_request_was_killed_is_purged(
    office: Any, ask: Ask, subject: Probe, stranger: Probe, town_file: Path
) -> None:
    office.sit("anna").ask(ask(), subject=subject)
    keep_subject(office.folder, "A-2", stranger)  # as far as a killed request came
    purged = purge(office.sit("ada"), town_file, lambda before, keep: {})
    assert purged.subjects == 1
    assert len(list((office.folder / SUBJECTS).iterdir())) == 1
    assert office.events("retention.purged")[0].about["subjects"] == 1
