"""A calibration foretells what happens to people who took no part in making it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import nbinom

from workbench.calibration import (
    QUALITY_STEPS,
    Calibration,
    calibration_of,
    read_calibration,
    write_calibration,
)
from workbench.calibration.model import _quantile
from workbench.errors import EvaluationError
from workbench.evaluation.calibrate import (
    calibrate,
    comparison_table,
    comparisons,
)
from workbench.evaluation.likelihood import cllr, held_out, reliability
from workbench.evaluation.normalise import CrossFit, finds_a_contributor, make_normaliser


@pytest.fixture(scope="module")
def calibration(crowd) -> Calibration:
    return calibrate(
        [crowd(150, 6, seed=1), crowd(150, 6, seed=1, spread=0.14, quality=0.4)],
        data="made-up people",
    )


def _counts(quality) -> list[int]:
    steps = np.minimum((quality * QUALITY_STEPS).astype(int), QUALITY_STEPS - 1)
    return np.bincount(steps, minlength=QUALITY_STEPS).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("photographs", [1, 3])
@pytest.mark.parametrize("size", [30, 150])
def test_the_number_of_false_candidates_lies_in_its_interval(
    crowd, calibration: Calibration, photographs: int, size: int
) -> None:
    others = crowd(150, 6, seed=2)
    made = comparisons(others, [others], photographs=photographs)
    threshold = calibration.threshold(photographs=photographs, target_fmr=0.02).score
    inside, expected, found = 0, 0.0, 0
    for row, person in enumerate(made.trial.probes):
        strangers = np.flatnonzero(made.trial.entries != person)[:size]
        got = int((made.trial.scores[row, strangers] >= threshold).sum())
        told = calibration.false_candidates(
            threshold, _counts(made.quality[strangers]), photographs=photographs
        )
        inside += told.low <= got <= told.high
        expected += told.mean
        found += got
    assert inside >= 0.9 * len(made.trial.probes)
    assert found == pytest.approx(expected, rel=0.6)


def test_more_tracklets_mean_more_false_candidates(calibration: Calibration) -> None:
    few, many = (
        calibration.false_candidates(0.35, [0] * (QUALITY_STEPS - 1) + [number], photographs=1)
        for number in (100, 10_000)
    )
    assert many.mean == pytest.approx(100 * few.mean)
    assert few.low <= few.mean <= few.high
    assert many.low < many.mean < many.high


@pytest.mark.parametrize(("mean", "variation"), [(0.03, 20), (2.5, 0.4), (40, 4), (9e5, 1e-9)])
def test_the_interval_is_that_of_the_negative_binomial(mean: float, variation: float) -> None:
    size = 1 / variation
    for share in (0.025, 0.5, 0.975):
        expected = nbinom.ppf(share, size, size / (size + mean))
        assert _quantile(share, size, size / (size + mean)) == pytest.approx(expected, rel=1e-4)


def test_nothing_to_compare_means_no_false_candidate(calibration: Calibration) -> None:
    told = calibration.false_candidates(0.5, [0] * QUALITY_STEPS, photographs=1)
    assert (told.mean, told.low, told.high) == (0, 0, 0)


def test_poor_pictures_raise_the_false_non_match_rate(calibration: Calibration) -> None:
    threshold = calibration.threshold(photographs=1).score
    good, poor = ([0] * QUALITY_STEPS for _ in range(2))
    good[-2], poor[8] = 100, 100
    missed = [calibration.fnmr(threshold, one, photographs=1) for one in (good, poor)]
    assert missed[0].rate < missed[1].rate
    for one in missed:
        assert one.low <= one.rate <= one.high


def test_the_threshold_rises_with_the_photographs(calibration: Calibration) -> None:
    scores = [calibration.threshold(photographs=n).score for n in (1, 2, 3, 5)]
    assert scores[0] < min(scores[1:])  # these people soon gain nothing more
    # Numbers that were not measured are taken as the next lower one that was.
    assert calibration.threshold(photographs=4).score == scores[2]
    assert calibration.threshold(photographs=10).score == scores[3]


def test_extrapolated_rates_go_on_falling_and_are_marked(
    calibration: Calibration,
) -> None:
    full = [0] * (QUALITY_STEPS - 1) + [1_000_000]
    beyond = max(curve.measured_to for curve in calibration.curves) + 0.02
    told = [calibration.false_candidates(t, full, photographs=5) for t in (beyond, beyond + 0.05)]
    assert all(one.extrapolated for one in told)
    assert 0 < told[1].mean < told[0].mean
    assert not calibration.false_candidates(0.4, full, photographs=5).extrapolated


def test_likelihood_ratios_keep_what_they_promise_to_people_held_out(crowd) -> None:
    samples = crowd(120, 5, seed=3, spread=0.13)
    rows = comparison_table([comparisons(samples, [samples], photographs=n) for n in (1, 2)])
    same = rows["same"].to_numpy(bool)
    ratios = held_out(rows)
    assert cllr(ratios, same) < 0.5
    assert cllr(np.zeros(len(rows)), same) == pytest.approx(1)
    assert reliability(ratios, same).attrs["ece"] < 0.05


def test_a_higher_score_is_more_evidence(calibration: Calibration) -> None:
    weak, strong = (
        calibration.likelihood_ratio_model.ratio(score, quality=0.9, photographs=2)
        for score in (0.3, 0.7)
    )
    assert weak < 1 < strong


def test_what_is_written_is_read_again(calibration: Calibration, tmp_path) -> None:
    path = tmp_path / "made-up.json"
    write_calibration(calibration, path)
    again = read_calibration(path)
    assert again.thresholds == calibration.thresholds
    assert again.made == calibration.made
    for one, other in zip(again.curves, calibration.curves, strict=True):
        assert one.fmr == pytest.approx(other.fmr, rel=1e-3)
    text = path.read_text()
    assert "P0001" not in text  # nobody is named


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: told.pop("curves"),
        lambda told: told["curves"][0]["fmr"].pop(),
        lambda told: told["thresholds"].reverse(),
        lambda told: told["likelihood_ratio_model"].update(slope="steep"),
        lambda told: told.update(made="yesterday"),
    ],
)
def test_a_damaged_file_is_refused(calibration: Calibration, tmp_path, damage) -> None:
    path = tmp_path / "damaged.json"
    write_calibration(calibration, path)
    told = json.loads(path.read_text())
    damage(told)
    path.write_text(json.dumps(told))
    with pytest.raises(EvaluationError, match="is not a calibration"):
        read_calibration(path)


def test_a_newer_version_is_refused(calibration: Calibration, tmp_path) -> None:
    path = tmp_path / "newer.json"
    write_calibration(calibration, path)
    path.write_text(path.read_text().replace('"version": 2', '"version": 9'))
    with pytest.raises(EvaluationError, match="version 9, not 2"):
        read_calibration(path)


def test_an_installation_s_own_calibration_goes_before_ours(
    calibration: Calibration, crowd, tmp_path: Path
) -> None:
    profile = crowd(2, 1).profile
    assert calibration_of(profile, folder=tmp_path) is None
    path = tmp_path / f"{profile.name}.json"
    write_calibration(calibration, path)
    try:
        found = calibration_of(profile, folder=tmp_path)
        assert found is not None
        assert found.data == "made-up people"
        other = replace(profile, weights=(("a.dat", "11"),))
        with pytest.raises(EvaluationError, match="was made for other weights"):
            calibration_of(other, folder=tmp_path)
    finally:
        path.unlink()


def test_too_few_people_are_said(crowd) -> None:
    with pytest.raises(EvaluationError, match="fewer than 20 people have 5 pictures"):
        calibrate([crowd(10, 6)], data="ten people")


PEOPLE, CENTROIDS = 400, 24


@pytest.fixture(scope="module")
def normalised(crowd) -> Calibration:
    """Of enough people to make a few centroids of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.evaluation.normalise.CENTROIDS", CENTROIDS)
        patch.setattr("workbench.evaluation.calibrate.FEWEST_PEOPLE", PEOPLE)
        return calibrate(
            [crowd(PEOPLE, 3, seed=4)], data="made-up people", licence="free", photographs=(1, 2)
        )


def test_centroids_are_of_several_people_and_find_none_of_them(
    crowd, normalised: Calibration
) -> None:
    normaliser = normalised.normaliser
    assert normaliser is not None
    assert len(normaliser.centroids) == CENTROIDS
    assert normaliser.people_each >= 5
    assert (normaliser.people, normaliser.source) == (PEOPLE, "made-up people")
    assert normaliser.licence == "free"
    threshold = normalised.threshold(photographs=1)
    assert threshold.scale == normalised.scale != "plain"
    assert not finds_a_contributor(normaliser, crowd(PEOPLE, 3, seed=4), threshold.score)
    # Of one person each they would be templates of somebody.
    everybody = crowd(PEOPLE, 3, seed=4)
    made = make_normaliser(
        everybody, everybody.people.tolist(), people_each=1, source="", licence="",
        mean=normaliser.mean, deviation=normaliser.deviation,
    )  # fmt: skip
    assert finds_a_contributor(made, everybody, threshold.score)


def test_normalised_scores_mean_the_same_for_other_people(crowd, normalised: Calibration) -> None:
    others = crowd(200, 3, seed=9)
    for photographs in (1, 2):
        made = comparisons(
            others, [others], photographs=photographs, scale=CrossFit({}, (normalised.normaliser,))
        )
        threshold = normalised.threshold(photographs=photographs, target_fmr=0.005)
        assert made.trial.fmr(np.array([threshold.score]))[0, 0] == pytest.approx(0.005, rel=0.35)
        # Strangers lie about 0, in deviations of their scores.
        strangers = made.trial.scores[~made.trial.same]
        assert np.nanmean(strangers) == pytest.approx(0, abs=0.15)
        assert np.nanstd(strangers) == pytest.approx(1, abs=0.15)


def test_a_normaliser_is_kept_by_a_calibration_of_other_people(
    crowd, normalised: Calibration
) -> None:
    made = calibrate(
        [crowd(60, 4, seed=5)], data="few people", normaliser=normalised.normaliser,
        photographs=(1, 2),
    )  # fmt: skip
    assert made.scale == normalised.scale
    assert made.nearness_of(2) is None or made.nearness_of(2).photographs <= 2


def test_false_candidates_depend_on_the_probe(normalised: Calibration) -> None:
    near = normalised.nearness_of(1)
    assert near is not None
    assert near.share_below(near.offsets[10]) == pytest.approx(0.5)
    steep = replace(normalised, nearness=(replace(near, slope=0.8, intercept=0.0),))
    compared = [0] * (QUALITY_STEPS - 1) + [10_000]
    far, mean, close = (
        steep.false_candidates(2.5, compared, photographs=1, offset=offset).mean
        for offset in (near.mean - near.deviation, near.mean, near.mean + near.deviation)
    )
    assert close / mean == pytest.approx(np.exp(0.8), rel=1e-6)
    assert mean / far == pytest.approx(np.exp(0.8), rel=1e-6)


def test_a_normaliser_is_written_and_read_again(normalised: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "made-up.json"
    write_calibration(normalised, path)
    again = read_calibration(path)
    assert again.normaliser == normalised.normaliser
    assert again.scale == normalised.scale
    assert [one.photographs for one in again.nearness] == [1, 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: told["normaliser"].pop("licence"),
        lambda told: told["normaliser"].update(deviation=0),
        lambda told: told["normaliser"].update(metric="manhattan"),
        lambda told: told["normaliser"]["centroids"].update(shape=[23, 16]),
        lambda told: told["normaliser"]["centroids"].update(float16="AAA"),
        lambda told: told["nearness"][0]["offsets"].reverse(),
        lambda told: told["nearness"][0].update(slope=[1.0]),
    ],
)
def test_a_damaged_normaliser_is_refused(normalised: Calibration, tmp_path, damage) -> None:
    path = tmp_path / "damaged.json"
    write_calibration(normalised, path)
    told = json.loads(path.read_text())
    damage(told)
    path.write_text(json.dumps(told))
    with pytest.raises(EvaluationError, match="is not a calibration"):
        read_calibration(path)


def test_best_shots_have_errors_of_their_own(calibration: Calibration) -> None:
    """They are poorer than photographs: at one threshold more of them miss the right person."""
    shots = calibration.of_shots
    assert {curve.photographs for curve in shots.curves} == {1, 2}
    threshold = calibration.threshold(photographs=1)
    photographs, of_shots = (
        one.fnmr(threshold.score, photographs=1).rate for one in (calibration, shots)
    )
    assert of_shots > photographs
    assert "1 photograph" in threshold.calibration
    assert "1 best shot" in shots.threshold(photographs=1).calibration
    assert shots.of_shots.curves == shots.curves
    # Without pictures made worse nothing says how shots differ.
    alone = replace(calibration, shot_curves=())
    assert alone.of_shots is alone
