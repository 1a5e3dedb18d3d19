"""What certainly different people in one's own footage tell of scores, and how surely."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from office import PROFILE, normaliser_of

from workbench.calibration import (
    Calibration,
    Curve,
    calibrated_profiles,
    calibration_of,
    read_calibration,
    write_calibration,
)
from workbench.cli.main import main
from workbench.domain import PLAIN_SCALE, Camera, IndexedRecording, Recording, ScoreCount
from workbench.errors import EvaluationError
from workbench.evaluation.own_footage import check, false_match_rates, keep, learn, provisional
from workbench.evaluation.together import FEWEST_PAIRS, own_footage
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.investigation import Expectations
from workbench.notebook import calibrate_from_gallery
from workbench.settings import Settings
from workbench.widgets.thresholds.model import ThresholdModel
from workbench.widgets.thresholds.page import ThresholdPage

START = datetime(2026, 3, 1, tzinfo=UTC)
# Of a normal distribution with mean 0.2 and deviation 0.1.
AT_HALF_A_PERCENT, AT_A_THOUSANDTH = 0.4576, 0.5090


def counted(scores: np.ndarray, quality: float = 0.8) -> tuple[ScoreCount, ...]:
    steps, numbers = np.unique(np.floor(scores / 0.005).astype(int), return_counts=True)
    return tuple(
        ScoreCount(PLAIN_SCALE, quality, step * 0.005, 0.005, number)
        for step, number in zip(steps.tolist(), numbers.tolist(), strict=True)
    )


def gallery_of(path: Path, *recordings: np.ndarray, quality: float = 0.8) -> Path:
    """A gallery of hours in which pairs had these scores, each hour on one of three cameras."""
    with Gallery.create(path, PROFILE) as gallery:
        gallery.add_cameras([Camera(f"C{n}", f"Camera {n}", 51.48, -0.01) for n in range(3)])
        gallery.add_recordings(
            [
                IndexedRecording(
                    Recording(f"{n}.mp4", Path(f"{n}.mp4"), f"C{n % 3}", START), f"{n:064}", 1, 1,
                    3600.0, 640, 360, 10, 10, 10, (), different_people=counted(scores, quality),
                )
                for n, scores in enumerate(recordings)
            ]
        )  # fmt: skip
    return path


def draw(pairs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.1, pairs)


def labelled(fmr: float) -> Calibration:
    """A calibration from labels of which this share of others reaches every threshold to 0.4."""
    thresholds = (0.1, 0.4, 0.41, 0.9)
    rates, spread = (0.5, fmr, 0.8 * fmr, 1e-6), (1.0,) * 4
    curve = Curve(1, 0.0, rates, rates, rates, spread, spread, (0.0,) * 4, spread, 0.8, 900, 9000)
    return Calibration(
        PROFILE.name,
        PROFILE.fingerprint,
        "test",
        "0" * 16,
        START.date(),
        thresholds,
        (curve,),
        None,
    )


@pytest.fixture
def enough(tmp_path: Path) -> Path:
    return gallery_of(tmp_path / "enough.duckdb", *draw(1200).reshape(12, 100))


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(Settings(home=tmp_path / "home"))


def test_the_interval_holds_the_truth_and_the_rate_errs_on_the_strict_side(tmp_path: Path) -> None:
    inside, rates = 0, []
    for seed in range(12):
        path = gallery_of(tmp_path / f"{seed}.duckdb", *draw(1000, seed).reshape(10, 100))
        with Gallery.open(path) as gallery:
            found = false_match_rates(
                own_footage(gallery), np.array([AT_HALF_A_PERCENT, AT_A_THOUSANDTH])
            )
        rates.append(found[:, 0])
        for (_, low, high), truth in zip(found, (0.005, 0.001), strict=True):
            inside += low <= truth <= high
    assert inside >= 22
    assert np.all(np.median(rates, axis=0) >= (0.005, 0.001))
    assert np.all(np.median(rates, axis=0) <= (0.010, 0.005))


def test_too_few_pairs_say_how_many_hours_are_missing(
    tmp_path: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = gallery_of(tmp_path / "few.duckdb", draw(100), draw(150, 1))
    with Gallery.open(path) as gallery:
        lesson = learn(gallery, calibrations=tmp_path)
        assert lesson.provisional is None
        assert lesson.own.missing_hours == pytest.approx(750 / 125)
        with pytest.raises(EvaluationError, match=r"about 6\.0 more hours of such footage"):
            calibrate_from_gallery(gallery, write=True, installation=installation)
    monkeypatch.setenv("SIGHTLINE_HOME", str(installation.settings.home))
    assert main(["gallery", "calibrate", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pairs"], told["thresholds"], told["check"]) == (250, None, None)


def test_a_provisional_calibration_is_named_so_on_every_door(
    enough: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = installation.settings.calibrations_folder
    monkeypatch.setenv("SIGHTLINE_HOME", str(installation.settings.home))
    assert main(["gallery", "calibrate", str(enough), "--write"]) == 0
    said = capsys.readouterr()
    assert "1,200 pairs" in said.out + said.err
    assert "cannot be learned without labels" in said.out + said.err
    found = calibration_of(PROFILE, folder=folder)
    assert found is not None
    assert found.provisional
    assert PROFILE.name in calibrated_profiles(folder=folder)
    threshold = installation.default_threshold(PROFILE, photographs=2)
    assert "provisional: 1,200 pairs, FMR within a factor of" in threshold.calibration
    assert 0.42 < threshold.score < 0.55
    assert not any(curve.has_fnmr for curve in found.curves)
    words = " ".join(Expectations(found, (0,) * 19 + (5000,), 2).words(threshold.score))
    assert "provisional" in words
    assert "How many true sightings are missed is not known" in words
    model = ThresholdModel("dlib", installation=installation)
    page = ThresholdPage(model)
    model.known = replace(model.known, calibration=found, note="")
    shown = page.question.answer.value + page.question.about.value + page.basis.evidence.value
    assert "provisional" in shown
    assert "what a score is worth as evidence, is not known" in shown


def test_a_calibration_from_labels_holds_against_it_and_is_checked(
    enough: Path, installation: Installation
) -> None:
    folder = installation.settings.calibrations_folder
    with Gallery.open(enough) as gallery:
        keep(learn(gallery, calibrations=folder), calibrations=folder)
        write_calibration(labelled(0.0032), folder / f"{PROFILE.name}.json")
        found = calibration_of(PROFILE, folder=folder)
        assert found is not None
        assert not found.provisional
        lesson = learn(gallery, calibrations=folder)
        assert lesson.provisional is None
        assert lesson.check is not None
        # At 0.4, which a normal distribution of these scores exceeds in 2.3 % of pairs.
        assert lesson.check.threshold == pytest.approx(0.4)
        assert lesson.check.low < 0.0228 < lesson.check.high
        assert not lesson.check.holds
        assert "are more alike than it says" in lesson.check.words()
        with pytest.raises(EvaluationError, match="from labels"):
            keep(lesson, calibrations=folder)


def test_few_pairs_do_not_pass_for_agreement(tmp_path: Path) -> None:
    with Gallery.open(gallery_of(tmp_path / "few.duckdb", np.full(30, 0.2))) as gallery:
        found = check(own_footage(gallery), labelled(0.0032))
    assert found.holds
    assert "cannot tell" in found.words()


def test_counts_of_another_scale_or_profile_are_never_mixed_in(
    enough: Path, tmp_path: Path
) -> None:
    with Gallery.open(enough) as gallery:
        normalised = replace(labelled(0.0032), normaliser=normaliser_of(PROFILE))
        with pytest.raises(EvaluationError, match=r"normalised-.* scores of profile"):
            check(own_footage(gallery), normalised)
        other = replace(labelled(0.0032), fingerprint="0" * 16)
        with pytest.raises(EvaluationError, match="other scores"):
            check(own_footage(gallery), other)
        path = tmp_path / "kept.json"
        own = own_footage(gallery)
        with pytest.raises(EvaluationError, match=r"scores of the scale normalised-"):
            provisional(replace(own, scale=normalised.scale))
        write_calibration(provisional(own), path)
    again = read_calibration(path)
    assert again.provisional
    assert again.likelihood_ratio_model is None
    assert again.fingerprint == PROFILE.fingerprint


def test_one_person_seen_twice_is_left_out_and_told(tmp_path: Path) -> None:
    """In a mirror or on a screen: 6 of 1,000 pairs would move the threshold far."""
    scores = np.append(draw(1000), [0.93, 0.95, 0.96, 0.97, 0.98, 0.99])
    path = gallery_of(tmp_path / "mirror.duckdb", scores)
    with Gallery.open(path) as gallery:
        own = own_footage(gallery)
        made = provisional(own)
    assert own.too_alike == 6
    assert "6 more were left out" in own.words()
    assert made.threshold(photographs=2).score < 0.55


def test_somebody_who_is_in_many_pairs_of_one_recording_widens_the_interval(
    tmp_path: Path,
) -> None:
    alike, others = draw(100, 1) + 0.15, draw(900).reshape(9, 100)
    even = np.random.default_rng(1).permutation(np.append(alike, others)).reshape(10, 100)
    width = {}
    for name, recordings in (("one", [alike, *others]), ("even", [*even])):
        with Gallery.open(gallery_of(tmp_path / f"{name}.duckdb", *recordings)) as gallery:
            own = own_footage(gallery)
            _, low, high = false_match_rates(own, np.array([AT_HALF_A_PERCENT]))[0]
            width[name] = high / low
    assert width["one"] > 2 * width["even"]


def test_fewest_pairs_are_a_thousand() -> None:
    """As the documents say."""
    assert FEWEST_PAIRS == 1000
