"""What is foretold is compared with what came, by how near probes lie to strangers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.calibration import QUALITY_STEPS, FalseCandidateEstimate
from workbench.errors import EvaluationError
from workbench.evaluation.foretold import (
    by_nearness,
    interval_score,
    nearness,
    quality_histogram,
    searches,
)
from workbench.evaluation.protocols import Trial

SCORES = np.array([[0.9, 0.5, 0.4], [0.6, np.nan, 0.1]])
TRIAL = Trial(SCORES, np.array(["A", "B"]), np.array(["A", "B", "C"]), own_left_out=True)


def test_an_interval_pays_for_its_width_and_for_what_lies_outside() -> None:
    low, high, got = np.array([1, 1, 1]), np.array([3, 3, 3]), np.array([2, 6, 0])
    assert interval_score(low, high, got, confidence=0.95) == pytest.approx([2, 122, 42])


def test_everybody_is_searched_among_all_others() -> None:
    asked = []

    def foretell(number: int, counts) -> FalseCandidateEstimate:
        asked.append((number, sum(counts)))
        return FalseCandidateEstimate(1.0, 0, 1, extrapolated=False)

    quality, near = np.array([0.9, 0.2, 1.0]), np.array([0.3, 0.1])
    made = searches(TRIAL, quality, near, threshold=0.4, foretell=foretell)
    assert made[["person", "compared", "got"]].values.tolist() == [["A", 2, 2], ["B", 2, 1]]
    assert asked == [(0, 2), (1, 2)]
    with pytest.raises(EvaluationError, match="2 entries of others are fewer than 3"):
        searches(TRIAL, quality, near, threshold=0.4, foretell=foretell, size=3)


def test_searches_are_told_apart_by_nearness() -> None:
    people = [f"P{i:03}" for i in range(100)]
    got = np.where(np.arange(100) >= 95, 9, 1)  # the five nearest look like many
    made = pd.DataFrame(
        {"person": people, "near": np.arange(100) / 100, "compared": 50, "told": 1.0, "low": 0,
         "high": 3, "got": got}
    )  # fmt: skip
    table = by_nearness(made).set_index("probes")
    assert table["people"].tolist() == [5, 15, 60, 20, 100]
    assert table.loc["nearest 5 %", ["got", "inside"]].tolist() == [9, 0]
    assert table.loc["nearest 5 %", "score"] == pytest.approx(3 + 40 * 6)
    assert table.loc["all", "inside"] == pytest.approx(0.95)


def test_nearness_is_the_mean_of_the_best_strangers() -> None:
    strangers = np.concatenate([np.eye(30)[:20] * 2, np.eye(30)[20:] * -1])
    probe = np.ones((1, 30))
    assert nearness(probe, strangers, "cosine") == pytest.approx([1 / 30**0.5])


def test_entries_are_counted_by_steps_of_quality() -> None:
    counts = quality_histogram(np.array([0.0, 0.99, 1.0, 0.5]))
    assert len(counts) == QUALITY_STEPS
    assert (counts[0], counts[-1], sum(counts)) == (1, 2, 4)
