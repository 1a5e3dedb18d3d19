"""Being somebody else, and giving oneself a role."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from typing import Any

import pytest
from office import Teller
from searching import search

from workbench.casework.cases import Case
from workbench.casework.record import people
from workbench.casework.record.identity import (
    SERVED,
    SOCKET,
    account_of_process,
    socket_address,
)
from workbench.casework.record.people import Person
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted, SettingsError
from workbench.gallery import Gallery

Refused = Callable[..., None]


def test_a_name_in_the_environment(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "JUPYTERHUB_USER", "SUDO_USER", "SIGHTLINE_PERSON"):
        monkeypatch.setenv(name, "ada")
    assert office.sit("anna").me.account == "anna"
    monkeypatch.delenv(SERVED)
    assert office.register.me.account == account_of_process() != "ada"


def test_a_page_that_nobody_signed_in_to(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the server never falls back to the server's own account."""
    office.teller.says = {"account": None}
    with socket_address(office.folder, "who.zz.sock") as killed:  # another server, asked last
        socket.socket(socket.AF_UNIX).bind(killed)
    with pytest.raises(NotPermitted, match="no one has signed in"):
        _ = office.register.me
    office.teller.close()
    with pytest.raises(NotPermitted, match="does not say who it is"):
        _ = office.register.me
    shutil.rmtree(office.folder / "run")
    with pytest.raises(NotPermitted, match="does not say who it is"):
        _ = office.register.me


@pytest.mark.skipif(os.getuid() != 0, reason="only root can listen as another account")
def test_a_server_of_ones_own(office: Any) -> None:
    office.teller.close()
    (office.folder / SOCKET).unlink()
    forged = Teller(office.folder, listener=65534)
    forged.says = {"account": "ada", "way": "hub"}
    with pytest.raises(NotPermitted, match="is not the server of this installation"):
        _ = office.register.me
    forged.close()


def test_an_answer_that_is_nobody(office: Any) -> None:
    for account, way in [
        ("ada", "boss"), ("ada", None), (["ada"], "hub"), ("ada ", "hub"), ("a\u202eda", "proxy"),
        ("ad\na", "hub"), ("a" * 300, "hub"), ("a" * 9000, "hub"),
    ]:  # fmt: skip
        office.teller.says = {"account": account, "way": way}
        with pytest.raises(NotPermitted):
            _ = office.register.me


def test_a_name_that_differs_by_case_alone(office: Any) -> None:
    """Anna and anna could be one person, where two are needed."""
    with pytest.raises(NotPermitted, match="differs by case alone from anna"):
        _ = office.sit("Anna").me
    with pytest.raises(SettingsError, match="differ by case alone"):
        office.sit("ada").grant("SARA", "supervisor")
    office.register.grant("Zo\u00eb", "analyst")
    assert office.sit("Zoe\u0308").me.roles == {"analyst"}


def test_a_person_put_together_by_hand(office: Any, case: Case) -> None:
    boss = Person("ada", "account", 0, frozenset(people.ROLES))
    with pytest.raises(AttributeError):
        office.register.me = boss
    with pytest.raises(TypeError):
        office.register.approve("A-1", digest="", by=boss)
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
    with pytest.raises(SettingsError, match="writable by others"):
        _ = office.sit("anna").me


def test_a_role_given_to_oneself_and_taken_back(office: Any) -> None:
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
    with pytest.raises(SettingsError, match="auditor and has another role"):
        office.sit("ada").grant("otto", "analyst")


def test_no_people_file_no_authority(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whoever takes the people file away takes everybody's roles away."""
    (office.folder / people.PEOPLE).unlink()
    with pytest.raises(NotPermitted, match="has no role"):
        search(gallery, subject, permitted, case="A-1")
