"""Searching for another person than the subject of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench
from workbench.calibration import Calibration, Normaliser, write_calibration
from workbench.casework.cases import Case
from workbench.domain import Probe, Profile, Scope, Threshold
from workbench.errors import CaseError, NotPermitted, ProfileMismatch
from workbench.gallery import Gallery
from workbench.notebook import search

Refused = Callable[..., None]


def test_somebody_else_s_photograph(refused: Refused, stranger: Probe) -> None:
    refused("the probe does not resemble the case's subject: score", probe=stranger)


def test_a_stranger_among_the_right_ones(refused: Refused, subject: Probe, stranger: Probe) -> None:
    mixed = (*subject.photographs, stranger.photographs[0])
    refused("does not resemble the case's subject", probe=replace(subject, photographs=mixed))


def test_a_template_under_the_right_photographs(
    refused: Refused, subject: Probe, stranger: Probe
) -> None:
    refused(
        "does not resemble the case's subject", probe=replace(subject, template=stranger.template)
    )
    nobody = replace(subject, photographs=(), template=stranger.template)
    refused("does not resemble the case's subject", probe=nobody)


def test_a_template_that_is_not_finite(refused: Refused, subject: Probe) -> None:
    for value in (np.nan, np.inf):
        empty = np.full_like(subject.template, value)
        refused("does not resemble the case's subject", probe=replace(subject, template=empty))


def test_a_lower_threshold_in_the_settings(
    refused: Refused, stranger: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_THRESHOLD", "-1000")
    refused("0.48 is required", probe=stranger)


def test_a_case_from_before_scores_were_normalised(
    office: Any,
    refused: Refused,
    gallery: Gallery,
    subject: Probe,
    stranger: Probe,
    permitted: Scope,
    calibrated: Callable[[Profile], Calibration],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What a probe must score is taken from the calibration again, on the scale of its scores."""
    made = replace(
        calibrated(gallery.profile),
        normaliser=Normaliser(
            metric=gallery.profile.metric,
            centroids=np.eye(gallery.profile.dimension, dtype=np.float32)[:9] * 2,
            mean=1.3, deviation=0.4, people_each=5, people=45, source="numbers", licence="none",
        ),
    )  # fmt: skip
    write_calibration(made, tmp_path / f"{gallery.profile.name}.json")
    monkeypatch.setenv("SIGHTLINE_CALIBRATIONS", str(tmp_path))
    required = made.threshold(photographs=10).score
    assert (required, made.scale) != (0.48, "plain")
    refused(f"{required:.2f} is required", probe=stranger)
    found = search(gallery, subject, permitted, case="A-1")
    assert {candidate.scale for candidate in found.candidates} == {made.scale}
    (asked,) = office.events("search.asked")
    assert asked.about["scale"] == made.scale
    # A threshold of the scale before is refused, not compared.
    with pytest.raises(ProfileMismatch, match="of the scale plain"):
        search(gallery, subject, permitted, case="A-1", threshold=Threshold(0.48, "before"))


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
    refused("is not the file the case was requested with", probe=stranger, error=CaseError)


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
