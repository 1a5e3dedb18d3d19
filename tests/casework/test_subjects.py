"""How alike a probe must be to the subject of a case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.calibration import calibration_of, shipped_calibration, write_calibration
from workbench.casework.cases import Subject
from workbench.casework.subjects import describe_subject, required_likeness
from workbench.domain import MOST_PHOTOGRAPHS, PLAIN_SCALE, Profile
from workbench.faces.probes import make_probe
from workbench.installation import Installation


@pytest.fixture(scope="module")
def described(
    installation: Installation, wanted: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Subject, Profile]:
    """A real person, described by the calibration that comes with Sightline."""
    probe = make_probe([wanted[0]], models=installation.load_models("dlib"))
    return describe_subject(probe, calibrations=tmp_path_factory.mktemp("none")), probe.profile


def test_it_is_what_the_case_was_requested_with(
    described: tuple[Subject, Profile], tmp_path: Path
) -> None:
    subject, profile = described
    subject = replace(subject, least_score=subject.least_score - 0.25)  # as an earlier version had
    required = required_likeness(subject, profile, calibrations=tmp_path, where="A-1")
    assert (required.least_score, required.scale) == (subject.least_score, subject.scale)


@pytest.mark.parametrize("scale", [PLAIN_SCALE, "normalised-00000000"])
def test_it_is_computed_anew_by_the_calibration_that_comes_with_sightline(
    scale: str, described: tuple[Subject, Profile], tmp_path: Path
) -> None:
    """Neither the plain score of a case from before nor a file that somebody brings counts."""
    subject, profile = described
    shipped = shipped_calibration(profile)
    assert shipped is not None
    assert shipped.normaliser is not None
    easy = replace(
        shipped,
        thresholds=tuple(threshold - 100 for threshold in shipped.thresholds),
        normaliser=replace(shipped.normaliser, mean=-100.0),
    )
    write_calibration(easy, tmp_path / f"{profile.name}.json")
    taken = calibration_of(profile, folder=tmp_path)
    assert taken is not None
    assert taken.thresholds == easy.thresholds
    before = replace(subject, least_score=0.1, scale=scale, normaliser="")
    required = required_likeness(before, profile, calibrations=tmp_path, where="A-1")
    assert required.scale == shipped.scale == subject.scale
    assert required.least_score == shipped.threshold(photographs=MOST_PHOTOGRAPHS).score > 1
    assert required.normaliser == shipped.normaliser
