"""Searching for another person than the subject of a case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from office import stated
from searching import search

import workbench
from workbench.calibration import Calibration, Normaliser, write_calibration
from workbench.casework.cases import Case, Request
from workbench.casework.subjects import describe_subject
from workbench.domain import Probe, Profile, Scope, Threshold
from workbench.errors import CaseError, NotPermitted, ProfileMismatch
from workbench.gallery import Gallery

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
        among = (*subject.photographs, replace(subject.photographs[0], template=empty))
        refused("does not resemble the case's subject", probe=replace(subject, photographs=among))


def test_a_lower_threshold_in_the_settings(
    refused: Refused, stranger: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_THRESHOLD", "-1000")
    refused("0.48 is required", probe=stranger)


@pytest.fixture
def takes(office: Any) -> Callable[[Calibration], None]:
    """``takes(calibration)``: the installation takes this one."""
    folder = office.home / "calibrations"
    return lambda made: write_calibration(made, folder / f"{made.profile}.json")


@pytest.fixture
def normalised(gallery: Gallery, calibrated: Callable[[Profile], Calibration]) -> Calibration:
    normaliser = Normaliser(
        metric=gallery.profile.metric,
        centroids=np.eye(gallery.profile.dimension, dtype=np.float32)[:9] * 2,
        mean=1.3, deviation=0.4, people_each=5, people=45, source="numbers", licence="none",
    )  # fmt: skip
    return replace(calibrated(gallery.profile), normaliser=normaliser)


def test_a_calibration_that_lets_everyone_pass(
    office: Any,
    ask: Callable[..., Request],
    case: Case,
    gallery: Gallery,
    subject: Probe,
    stranger: Probe,
    permitted: Scope,
    normalised: Calibration,
    takes: Callable[[Calibration], None],
    tmp_path: Path,
) -> None:
    """What a probe must score stays that of the case, whatever calibration is taken later."""
    takes(normalised)
    described = describe_subject(
        subject, calibrations=office.home / "calibrations", provenance=stated()
    )
    assert described.scale == normalised.scale
    office.fresh().ask(ask("A-2", subject=described), subject=subject)
    office.approve("sara", "A-2")
    office.sit("anna")
    search(gallery, subject, permitted, case="A-2")
    (asked,) = office.events("search.asked")
    assert asked.about["required"] == described.least_score
    assert asked.about["required scale"] == asked.about["scale"] == normalised.scale

    assert normalised.normaliser is not None
    easy = replace(
        normalised,
        thresholds=tuple(threshold - 100 for threshold in normalised.thresholds),
        normaliser=replace(normalised.normaliser, mean=-100.0),
    )
    takes(easy)
    # Requested with plain scores: these are compared, as then.
    with pytest.raises(NotPermitted, match=r"0\.48 is required"):
        search(gallery, stranger, permitted, case="A-1")
    # Requested with normalised scores, which nothing makes any more.
    with pytest.raises(CaseError, match="no calibration makes these any more") as refused:
        search(gallery, stranger, permitted, case="A-2")
    assert "Request the case again" in refused.value.fix
    assert [e.about.get("case") for e in office.events("search.refused")] == ["A-1", "A-2"]
    assert len(office.events("search.asked")) == 1


def test_another_scale_than_that_of_the_case(
    office: Any,
    refused: Refused,
    gallery: Gallery,
    subject: Probe,
    stranger: Probe,
    permitted: Scope,
    normalised: Calibration,
    takes: Callable[[Calibration], None],
    tmp_path: Path,
) -> None:
    """A case from before goes on: its subject is compared by plain scores, as then."""
    takes(normalised)
    refused("0.48 is required", probe=stranger)
    found = search(gallery, subject, permitted, case="A-1")
    assert {candidate.scale for candidate in found.candidates} == {normalised.scale}
    (asked,) = office.events("search.asked")
    assert asked.about["scale"] == normalised.scale
    assert (asked.about["required"], asked.about["required scale"]) == (0.48, "plain")
    file = office.home / "calibrations" / f"{gallery.profile.name}.json"
    assert asked.about["calibration"] == hashlib.sha256(file.read_bytes()).hexdigest()
    # A threshold of the scale before is refused, not compared.
    with pytest.raises(ProfileMismatch, match="of the scale plain"):
        search(gallery, subject, permitted, case="A-1", threshold=Threshold(0.48, "before"))


def test_another_subject_in_the_files(
    office: Any, refused: Refused, subject: Probe, stranger: Probe
) -> None:
    from io import BytesIO

    from workbench.casework import subjects

    (path,) = (office.folder / "subjects").glob("*/*.npy")
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
