"""Who somebody is, and what their role lets them do: each cell of the table."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.ledger import Ledger
from workbench.casework.record.files import write_whole
from workbench.casework.record.installation_file import read_installation
from workbench.casework.record.people import (
    ACTIONS,
    MAY,
    PEOPLE,
    ROLES,
    Action,
    People,
    Person,
    Role,
    identify,
    read_people,
)
from workbench.errors import NotPermitted, SettingsError
from workbench.installation import Installation

# The table as people read it. A dot: no.
TABLE = """
                   analyst  reviewer  supervisor  auditor  administrator
case.ask           yes      .         yes         .        .
case.read          yes      yes       yes         yes      .
case.approve       .        .         yes         .        .
case.close         yes      .         yes         .        .
training.use       yes      yes       yes         .        .
search             yes      .         .           .        .
shot.view          yes      yes       yes         .        .
review.first       yes      yes       .           .        .
review.second      .        yes       yes         .        .
review.fillers     .        .         yes         .        .
note.write         yes      yes       yes         .        .
evidence.export    yes      .         yes         .        .
clock.view         yes      .         yes         .        yes
clock.correct      .        .         yes         .        yes
footage.import     .        .         yes         .        yes
retention.purge    .        .         .           .        yes
subject.delete     .        .         yes         .        yes
audit.read         .        .         .           yes      .
people.change      .        .         .           .        yes
installation.change .       .         .           .        yes
session.end        .        .         .           .        yes
footage.index      .        .         yes         .        yes
gallery.export     .        .         .           .        yes
gallery.maintain   .        .         .           .        yes
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (role, action, cell == "yes")
    for action, *cells in ROWS[1:]
    for role, cell in zip(ROWS[0], cells, strict=True)
]


def test_the_table_names_every_role_and_action() -> None:
    assert tuple(ROWS[0]) == ROLES
    assert {row[0] for row in ROWS[1:]} == set(ACTIONS)
    assert set(MAY) == set(ROLES)


@pytest.mark.parametrize(("role", "action", "may"), CELLS)
def test_a_role_may_do_what_the_table_of_roles_says(role: Role, action: Action, may: bool) -> None:
    person = Person("x", "account", 1, frozenset({role}))
    assert person.may(action) is may
    if may:
        person.require(action)
    else:
        with pytest.raises(NotPermitted, match=f"x has {role}; this action requires"):
            person.require(action)


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_has_no_role_may_do_nothing(action: Action) -> None:
    with pytest.raises(NotPermitted, match="no role"):
        Person("x", "account", 1, frozenset()).require(action)


@pytest.mark.parametrize("action", ACTIONS)
def test_before_there_are_people_everybody_may_train_and_no_more(action: Action) -> None:
    person = Person("x", "account", 1, frozenset(), in_service=False)
    training = {"case.read", "training.use", "shot.view", "review.first", "evidence.export"}
    training |= {
        "clock.view",
        "clock.correct",
        "footage.import",
        "audit.read",
        "installation.change",
        "session.end",
    }
    training |= {"footage.index", "gallery.export", "gallery.maintain", "note.write"}
    assert person.may(action) is (action in training)


def test_a_file_of_an_earlier_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / PEOPLE
    path.write_text('{"people": {"ada": ["administrator"]}, "keys": {"ada": ["0a"]}, "hub": ""}')
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"earlier version.*take hub and keys out of the file"):
        read_people(tmp_path)


def test_at_a_desk_the_operating_system_says_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "JUPYTERHUB_USER", "SIGHTLINE_USER"):
        monkeypatch.setenv(name, "somebody-else")
    me = identify(People(), Path())
    assert me.account == pwd.getpwuid(os.getuid()).pw_name
    assert me.way == "account"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a process as another account")
def test_another_account_is_another_person() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        os.write(writing, identify(People(), Path()).account.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() == pwd.getpwuid(65534).pw_name


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another account")
@pytest.mark.parametrize("private", ["casework", "home"])
def test_another_account_is_told_whose_the_folder_is(office: Any, private: str) -> None:
    """One sentence, instead of a traceback or the advice to restore what is in order."""
    _ = office.register.me
    office.home.chmod(0o700 if private == "home" else 0o755)
    for parent in office.home.parents[:2]:
        parent.chmod(0o755)
    os.seteuid(65534)
    try:
        for read in (
            lambda: read_people(office.folder), lambda: Ledger(office.folder), office.fresh,
            lambda: read_installation(office.folder),
        ):  # fmt: skip
            with pytest.raises(NotPermitted, match="belongs to root alone"):
                read()
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another account")
def test_what_root_writes_stays_the_owner_s(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    write_whole(tmp_path / PEOPLE, b"{}")
    assert (tmp_path / PEOPLE).stat().st_uid == 65534


def test_a_change_of_people_by_hand_is_recorded_when_it_is_seen(office: Any) -> None:
    register = office.register
    _ = register.me
    path = office.folder / PEOPLE
    document = json.loads(path.read_text())
    document["people"]["nobody"] = ["administrator"]
    path.write_text(json.dumps(document))
    _ = register.me
    document["people"].pop("nobody")
    path.write_text(json.dumps(document))
    _ = register.me
    changes = office.events("people.changed")
    assert len(changes) == 3
    assert changes[1].about["people"]["nobody"] == ["administrator"]
    assert "nobody" not in changes[2].about["people"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not a people file"),
        ("[]", "not a people file"),
        ('{"people": 3}', "not a people file"),
        ('{"people": {"x": ["king"]}}', "unknown roles: king"),
        ('{"people": {"": ["analyst"]}}', "not the name of an account"),
        ('{"people": {"x": ["auditor", "analyst"]}}', "auditor and has another role"),
        (
            '{"people": {}, "hub": "http://127.0.0.1/hub/api"}',
            "version, which kept hub in it",
        ),
        ('{"people": {"x\\u200b": ["analyst"]}}', "not the name of an account"),
        ('{"people": {"Zoe\\u0308": ["analyst"]}}', "not in its normal form"),
        ('{"people": {"Anna": ["analyst"], "anna": ["supervisor"]}}', "differ by case alone"),
    ],
)
def test_a_malformed_people_file_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / PEOPLE).write_text(content)
    with pytest.raises(SettingsError, match=said):
        read_people(tmp_path)


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_people_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / PEOPLE
    path.write_text('{"people": {"x": ["analyst"]}}')
    path.chmod(mode)
    with pytest.raises(SettingsError, match="writable by others"):
        read_people(tmp_path)


def test_a_people_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"people": {"x": ["administrator"]}}')
    (tmp_path / PEOPLE).symlink_to(tmp_path / "mine.json")
    with pytest.raises(SettingsError, match="cannot be opened"):
        read_people(tmp_path)


def test_the_first_grant_puts_the_installation_in_service(fresh_home: Path) -> None:
    register = Installation.open().register
    assert not register.me.in_service
    people = register.grant("anna", "analyst")
    me = register.me
    assert me.in_service
    assert people.roles[me.account] == {"administrator"}
    assert people.roles["anna"] == {"analyst"}
    register.grant("anna", "reviewer")
    assert register.grant("anna", "analyst", granted=False).roles["anna"] == {"reviewer"}
    with pytest.raises(SettingsError, match="no administrator would be left"):
        register.grant(me.account, "administrator", granted=False)
    with pytest.raises(SettingsError, match="'king' is not a role"):
        register.grant("anna", "king")


@pytest.mark.parametrize("name", ["anna", "rosa", "sara", "otto", "nobody"])
def test_only_the_administrator_gives_roles(office: Any, name: str) -> None:
    with pytest.raises(NotPermitted, match="this action requires administrator"):
        office.sit(name).grant(name, "supervisor")
    assert office.events("people.change.refused")[-1].account == name
