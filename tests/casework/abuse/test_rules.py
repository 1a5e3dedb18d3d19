"""Bringing rules of one's own: limits, calibrations, fillers, retention, training."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from office import stated

import workbench as sl
from workbench.calibration import Calibration, write_calibration
from workbench.casework.cases import Case, Request
from workbench.casework.record.installation_file import INSTALLATION
from workbench.casework.record.people import PEOPLE
from workbench.casework.retention import purge
from workbench.casework.subjects import describe_subject
from workbench.cli.main import main
from workbench.domain import Probe, Profile
from workbench.errors import CaseError, NotPermitted, SettingsError
from workbench.footage.files import sha256_of
from workbench.gallery import Gallery
from workbench.installation import Installation

Ask = Callable[..., Request]


def test_limits_of_the_approver_s_own_settings(office: Any, ask: Ask, subject: Probe) -> None:
    long = ask()
    long = replace(long, end=long.start.replace(year=long.start.year + 1))
    office.sit("anna").ask(long, subject=subject)
    office.patch.setenv("SIGHTLINE_LONGEST_DAYS", "99999")
    Path("sightline.env").write_text("SIGHTLINE_LARGEST_AREA_KM2=1e9\nSIGHTLINE_LONGEST_DAYS=9e4\n")
    office.fresh()
    case = office.approve("sara", "A-1")
    assert case.status() == "requested"
    assert "days of footage, the limit is 31" in case.exceeds[0]


def test_a_calibrations_folder_of_ones_own(
    office: Any, ask: Ask, subject: Probe, gallery: Gallery,
    calibrated: Callable[[Profile], Calibration], tmp_path: Path,
) -> None:  # fmt: skip
    """The case would ask for almost no likeness, and the analyst could search for anybody."""
    made = calibrated(gallery.profile)
    write_calibration(made, tmp_path / "mine" / f"{made.profile}.json")
    office.patch.setenv("SIGHTLINE_CALIBRATIONS", str(tmp_path / "mine"))
    described = describe_subject(subject, calibrations=tmp_path / "mine", provenance=stated())
    assert described != ask().subject
    office.fresh()
    with pytest.raises(CaseError, match="not those described"):
        office.sit("anna").ask(ask(subject=described), subject=subject)
    assert Installation.open().settings.calibrations_folder == office.home / "calibrations"


def test_calibrating_the_installation_without_the_role(
    office: Any, town_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.sit("anna")
    for command in (
        ["gallery", "calibrate", str(town_file), "--write"],
        ["calibrate", str(office.home), "--data", "x", "--licence", "x"],
    ):
        assert main(command) == 2
        assert "requires administrator" in capsys.readouterr().err
    with pytest.raises(NotPermitted, match="requires administrator"):
        sl.calibrate(office.home, data="x", licence="x", installation=office.installation)
    assert len(office.events("installation.change.refused")) == 3
    assert not list(office.home.glob("calibrations/*"))


def test_models_changed_without_the_role(
    office: Any, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shared / "models" / "yunet_n_640_640.onnx"
    office.sit("anna")
    for command in (["import", str(file)], ["fetch", "yunet"], ["remove", "yunet"]):
        assert main(["models", *command]) == 2
        assert "requires administrator" in capsys.readouterr().err
    assert len(office.events("installation.change.refused")) == 3
    assert not list(office.home.glob("models/**/*.onnx"))
    office.sit("ada")
    assert main(["models", "import", str(file)]) == 0
    assert main(["models", "remove", "mine"]) == 2  # there is none
    *_, changing, changed, failed = office.events("installation.model.")
    assert (changing.what, changing.about["doing"]) == ("installation.model.changing", "import")
    assert (changed.what, changed.account) == ("installation.model.changed", "ada")
    assert list(changed.about["files"].values()) == [sha256_of(file)]
    assert (failed.what, failed.about["model"]) == ("installation.model.changing", "mine")


def test_fillers_and_retention_of_ones_own_settings(
    office: Any, case: Case, town_file: Path
) -> None:
    office.patch.setenv("SIGHTLINE_FILLER_SHARE", "0")
    office.patch.setenv("SIGHTLINE_RETENTION_DAYS", "9999")
    office.fresh()
    assert office.register.rules.filler_share == 0.25
    with pytest.raises(CaseError, match="the 30 days that the rules allow"):
        purge(office.sit("ada"), town_file, lambda before, held: {}, days=9999)


def test_back_to_training(office: Any, permitted: Any) -> None:
    path = office.folder / INSTALLATION
    document = office.register.installation_file.document()
    (office.folder / PEOPLE).unlink()
    with pytest.raises(NotPermitted, match="has no role"):
        office.fresh().train("T-1", permitted)
    path.write_text(json.dumps(document | {"mode": "training"}))
    with pytest.raises(SettingsError, match="was put in service"):
        office.fresh().train("T-1", permitted)
    path.unlink()
    with pytest.raises(SettingsError, match="is gone"):
        office.fresh().train("T-1", permitted)
