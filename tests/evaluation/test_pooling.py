"""What several pictures make together."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.calibration import Normaliser
from workbench.errors import EvaluationError
from workbench.evaluation.pooling import FUSION_RULES, similarity, trial
from workbench.faces.templates import pool


@pytest.mark.parametrize("rule", FUSION_RULES)
def test_each_fusion_rule_knows_people_again(crowd, rule) -> None:
    made = trial(crowd(30, 5), in_probe=2, rule=rule)
    assert made.scores.shape == (30, 30)
    assert made.eer().value < 0.1
    assert made.cmc(1)["found"].iloc[0] > 0.9


def test_the_mean_is_that_of_the_search(crowd) -> None:
    samples = crowd(4, 5)
    made = trial(samples, in_probe=2)
    probe = pool(samples.templates[:2], "euclidean")
    entry = pool(samples.templates[7:10], "euclidean")
    assert made.scores[0, 1] == pytest.approx(1 - np.linalg.norm(probe - entry))


def test_the_best_pair_is_the_best_of_all_pairs(crowd) -> None:
    samples = crowd(3, 5)
    made = trial(samples, in_probe=2, rule="best pair")
    pairs = similarity(samples.templates[:2], samples.templates[12:15], "euclidean")
    assert made.scores[0, 2] == pytest.approx(pairs.max())
    mean = trial(samples, in_probe=2, rule="mean of pairs")
    assert mean.scores[0, 2] == pytest.approx(pairs.mean())


def test_pooling_more_pictures_lowers_the_equal_error_rate(crowd) -> None:
    samples = crowd(60, 6, spread=0.16)
    few = trial(samples, in_probe=1, in_entry=1).eer().value
    many = trial(samples, in_probe=3, in_entry=3).eer().value
    assert many < few / 2


def test_people_who_are_left_out_have_no_mate_and_fillers_no_probe(crowd) -> None:
    made = trial(
        crowd(10, 4), in_probe=2, alone=["P0001", "P0003"], filler=_renamed(crowd(5, 1, seed=9))
    )
    assert (~made.mated).sum() == 2
    assert len(made.entries) == 8 + 5
    assert len(made.probes) == 10


def test_too_few_pictures_are_said(crowd) -> None:
    with pytest.raises(EvaluationError, match="no person has more than 3 pictures"):
        trial(crowd(5, 3), in_probe=3)


def _renamed(samples):
    samples.about["person"] = "X" + samples.about["person"]
    return samples


def test_scores_are_on_the_scale_of_a_normaliser(crowd) -> None:
    samples = crowd(4, 5)
    normaliser = Normaliser(
        metric="euclidean", centroids=np.eye(samples.templates.shape[1], dtype=np.float32)[:9],
        mean=0.1, deviation=0.05, people_each=5, people=45, source="numbers", licence="none",
    )  # fmt: skip
    made = trial(samples, in_probe=2, normaliser=normaliser)
    probe, entry = (pool(samples.templates[rows], "euclidean") for rows in (slice(2), slice(7, 10)))
    normalised = normaliser.scores(entry[None], probe[None])[0, 0]
    assert made.scores[0, 1] == pytest.approx(normalised, abs=1e-4)
    assert abs(normalised - trial(samples, in_probe=2).scores[0, 1]) > 0.1
