"""Calibrations as files: what was written comes back, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.calibration import (
    Calibration,
    calibrated_profiles,
    calibration_of,
    files,
    files_of,
    parse_calibration,
    shipped_file,
    write_calibration,
)
from workbench.domain import Profile
from workbench.errors import EvaluationError
from workbench.faces.profiles import make_profile


@pytest.fixture
def told(calibration: Calibration, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "calibration.json"
    write_calibration(calibration, path)
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def test_what_was_written_comes_back(calibration: Calibration, told: dict[str, Any]) -> None:
    back = parse_calibration(json.dumps(told), where="text")
    assert (back.profile, back.made, back.likelihood_ratio_model) == (
        calibration.profile, calibration.made, calibration.likelihood_ratio_model
    )  # fmt: skip
    for one, other in zip(back.curves, calibration.curves, strict=True):
        assert one.fmr == pytest.approx(other.fmr, rel=1e-4)
        assert one.people == other.people


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 99}, "version 99"),
        ({"curves": []}, "no curves"),
        ({"thresholds": [0.3, 0.2]}, "differ in length"),
        ({"thresholds": None}, "TypeError"),
        ({"made": "yesterday"}, "isoformat"),
        ({"likelihood_ratio_model": {}}, "KeyError"),
    ],
)
def test_a_calibration_with_a_wrong_field_is_refused(
    told: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(EvaluationError, match=said):
        parse_calibration(json.dumps(told | change), where="text")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5])
def test_a_rate_outside_zero_to_one_is_refused(told: dict[str, Any], value: float) -> None:
    told["curves"][0]["fmr"][3] = value
    with pytest.raises(EvaluationError, match="fmr holds a value that is not a rate"):
        parse_calibration(json.dumps(told), where="text")


@pytest.mark.parametrize(
    ("name", "value"),
    [("photographs", 0), ("quality", 2), ("people", 0), ("comparisons", 0), ("measured_to", 1e99)],
)
def test_a_number_that_cannot_be_is_refused(told: dict[str, Any], name: str, value: float) -> None:
    told["curves"][0][name] = value
    with pytest.raises(EvaluationError, match=f"{name} is "):
        parse_calibration(json.dumps(told), where="text")


def test_a_calibration_with_too_many_curves_is_refused(told: dict[str, Any]) -> None:
    told["curves"] = told["curves"] * 100
    with pytest.raises(EvaluationError, match="too many thresholds or curves"):
        parse_calibration(json.dumps(told), where="text")


def test_thresholds_must_rise(told: dict[str, Any]) -> None:
    told["thresholds"][3] = told["thresholds"][4]
    with pytest.raises(EvaluationError, match="thresholds that do not rise"):
        parse_calibration(json.dumps(told), where="text")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, "\x00", '{"version": 2}'])
def test_text_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError, match="is not a calibration"):
        parse_calibration(text, where="text")


def test_a_calibration_for_a_network_of_a_user_s_own_is_found_by_its_fingerprint(
    calibrated: Callable[[Profile], Calibration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "__file__", str(tmp_path / "ours" / "files.py"))
    weights = (("network.onnx", "1" * 64),)
    profile = replace(make_profile("dlib", weights), name="net", recogniser="onnx-111111111111")
    write_calibration(calibrated(profile), shipped_file(profile))
    renamed = replace(profile, name="another-name")
    found = calibration_of(renamed, folder=tmp_path)
    assert found is not None
    assert found.fingerprint == profile.fingerprint
    assert calibration_of(replace(profile, version="2"), folder=tmp_path) is None
    assert calibrated_profiles(folder=tmp_path) == []  # it names no profile that is here


def test_a_calibration_of_the_installation_counts_only_for_the_weights_it_was_made_with(
    calibrated: Callable[[Profile], Calibration], tmp_path: Path
) -> None:
    profile = make_profile("ssd+SFace", (("ours.onnx", "1" * 64),))
    assert calibration_of(profile, folder=tmp_path) is None
    path = tmp_path / "ssd+SFace.json"
    made = calibrated(profile)
    write_calibration(made, path)
    try:
        found = calibration_of(profile, folder=tmp_path)
        assert found is not None
        assert found.fingerprint == made.fingerprint
        assert files_of("ssd+SFace", folder=tmp_path) == [path]
        assert "ssd+SFace" in calibrated_profiles(folder=tmp_path)
        with pytest.raises(EvaluationError, match="made for other weights"):
            calibration_of(make_profile("ssd+SFace", (("ours.onnx", "2" * 64),)), folder=tmp_path)
    finally:
        path.unlink()
