"""What an installation is: training or in service, for good, with rules of its own."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.installing import set_rule
from workbench.casework.record.installation_file import INSTALLATION, read_installation
from workbench.casework.record.keys import public_half, record_key
from workbench.casework.record.people import PEOPLE
from workbench.errors import NotPermitted, SettingsError
from workbench.installation import Installation


def test_it_is_made_at_first_use_for_its_owner_alone(fresh_home: Path) -> None:
    register = Installation.open().register
    made = register.installation_file
    assert (made.mode, made.rules) == ("training", {})
    assert made.keys == (public_half(record_key(register.folder)),)
    path = register.folder / INSTALLATION
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_installation(register.folder) == made
    assert Installation.open().register.installation_file.id == made.id
    assert [e.about["id"] for e in register.entries_of("", "installation.")] == [made.id]


def test_in_training_the_environment_counts_where_the_file_is_silent(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_RETENTION_DAYS", "3")
    monkeypatch.setenv("SIGHTLINE_FILLER_SHARE", "0.1")
    register = Installation.open().register
    set_rule(register, "filler_share", 0.5)
    assert (register.rules.retention_days, register.rules.filler_share) == (3, 0.5)
    assert Installation.open().settings.filler_share == 0.5


def test_in_service_the_environment_sets_no_rule(office: Any) -> None:
    set_rule(office.sit("ada"), "longest_days", 7)
    for name in ("LARGEST_AREA_KM2", "LONGEST_DAYS", "MOST_CAMERAS", "RETENTION_DAYS"):
        office.patch.setenv(f"SIGHTLINE_{name}", "99999")
    office.patch.setenv("SIGHTLINE_CALIBRATIONS", "mine")
    Path("sightline.env").write_text("SIGHTLINE_FILLER_SHARE=0\n")
    rules = office.fresh().rules
    assert (rules.limits.area_km2, rules.limits.days, rules.limits.cameras) == (25, 7, 500)
    assert (rules.filler_share, rules.retention_days) == (0.25, 30)
    assert rules.calibrations == office.home / "calibrations"
    assert office.installation.settings.retention_days == 30
    assert len(office.installation.ignored) == 6


def test_in_service_the_environment_sets_no_rule_before_there_is_a_file_either(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home whose people file was made by hand or by an earlier version."""
    people = fresh_home / "casework" / PEOPLE
    people.parent.mkdir(mode=0o700)
    people.write_text('{"people": {"ada": ["administrator"]}}')
    monkeypatch.setenv("SIGHTLINE_RETENTION_DAYS", "3")
    for _ in ("first use", "from then on"):
        installation = Installation.open()
        assert installation.settings.retention_days == 30
        assert installation.ignored == ("SIGHTLINE_RETENTION_DAYS",)
        assert installation.register.installation_file.in_service


def test_a_rule_is_set_by_an_administrator_on_record(office: Any) -> None:
    for name in ("anna", "sara", "otto"):
        with pytest.raises(NotPermitted, match="this action requires administrator"):
            set_rule(office.sit(name), "longest_days", 999)
    set_rule(office.sit("ada"), "longest_days", 7)
    set_rule(office.register, "longest_days", None)
    about = [(e.account, e.about["before"], e.about["now"]) for e in office.events(
        "installation.set"
    )]  # fmt: skip
    assert about == [("ada", None, 7.0), ("ada", 7.0, None)]
    for rule, value, said in (
        ("longest_years", 1, "there is no rule longest_years"),
        ("filler_share", 2, "filler_share: Input should be less than or equal to 1"),
        ("longest_days", "many", "longest_days: Input should be a valid number"),
        ("longest_days", float("inf"), "longest_days: Input should be a finite number"),
        ("calibrations", "nowhere", "there is no such folder"),
    ):
        with pytest.raises(SettingsError, match=said):
            set_rule(office.register, rule, value)


def test_calibrations_are_on_record_also_when_changed_by_hand(office: Any, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    office.patch.chdir(tmp_path)
    (tmp_path / "here" / "dlib.json").write_text("1")
    set_rule(office.sit("ada"), "calibrations", "here")
    assert office.register.rules.calibrations == tmp_path / "here"
    (set_to,), (first,) = office.events("installation.set"), office.events(
        "installation.calibrations"
    )  # fmt: skip
    assert set_to.about["now"] == str(tmp_path / "here")
    assert set_to.about["files"] == first.about["files"]
    (tmp_path / "here" / "dlib.json").write_text("2")
    for _ in range(2):
        assert office.sit("anna").rules
    _, last = office.events("installation.calibrations")
    assert (last.account, last.about["noticed_by"]) == ("", "anna")
    assert last.about["files"] != first.about["files"]


def test_a_rule_that_cannot_be_set_or_recorded_stays_as_it_was(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = office.sit("ada")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.casework.record.installation_file.write_whole", full)
        with pytest.raises(SettingsError, match="Nothing was changed"):
            set_rule(register, "longest_days", 7)
    with monkeypatch.context() as patch:
        patch.setattr(register, "record", full)
        with pytest.raises(OSError, match="No space"):
            set_rule(register, "longest_days", 7)
    assert office.fresh().rules.limits.days == 31
    assert not office.events("installation.set")


def test_a_change_by_hand_is_on_record(office: Any) -> None:
    before = office.register.installation_file
    path = office.folder / INSTALLATION
    path.write_text(json.dumps(before.document() | {"rules": {"longest_days": 9}}))
    assert office.sit("cleo").rules.limits.days == 9
    entry = office.events("installation.changed")[-1]
    assert entry.about["rules"] == {"longest_days": 9}
    assert (entry.account, entry.about["noticed_by"]) == ("", "cleo")  # who may be innocent of it


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mode": "training"}, "says training, and the installation was put in service"),
        ({"id": "0" * 32}, "has another id than the record knows"),
        ({"mode": "off"}, "which is not one"),
        ({"rules": {"longest_days": -1}}, "should be greater than 0"),
        ({"more": 1}, "settings that there are not: more"),
        (None, "is gone, and the record knows it"),
    ],
)
def test_a_contradiction_is_refused(office: Any, change: dict[str, Any] | None, said: str) -> None:
    before = office.register.installation_file
    path = office.folder / INSTALLATION
    if change is None:
        path.unlink()
    else:
        path.write_text(json.dumps(before.document() | change))
    with pytest.raises(SettingsError, match=said):
        _ = office.fresh().me


def test_it_never_goes_back_to_training(office: Any) -> None:
    assert office.register.me.in_service
    (office.folder / PEOPLE).unlink()
    me = office.fresh().me
    assert me.in_service
    assert not me.roles
    with pytest.raises(NotPermitted):
        office.register.grant("ada", "administrator")
    assert office.register.installation_file.in_service
