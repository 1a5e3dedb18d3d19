"""Rates are those of the standards, counted by hand on small tables."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from workbench.errors import EvaluationError
from workbench.evaluation.intervals import interval, resampled
from workbench.evaluation.protocols import Trial, pooled

SCORES = np.array(
    [
        # entries: A    B    C
        [0.9, 0.3, 0.1],  # probe of A
        [0.6, 0.5, 0.2],  # probe of B: A scores more
        [0.4, 0.7, 0.1],  # probe of D, who is in no gallery
    ]
)
PROBES, ENTRIES = np.array(["A", "B", "D"]), np.array(["A", "B", "C"])
T = np.array([0.35, 0.55, 0.95])


@pytest.fixture
def small() -> Trial:
    return Trial(SCORES, PROBES, ENTRIES)


def test_false_matches_are_a_share_of_pairs_of_different_people(small: Trial) -> None:
    # 0.3 0.1 | 0.6 0.2 | 0.4 0.7 0.1
    assert small.fmr(T)[0] == pytest.approx([3 / 7, 2 / 7, 0])


def test_false_non_matches_are_a_share_of_pairs_of_one_person(small: Trial) -> None:
    assert small.fnmr(T)[0] == pytest.approx([0, 1 / 2, 1])


def test_false_positives_are_a_share_of_searches_for_people_who_are_not_there(small: Trial) -> None:
    assert small.fpir(T)[0] == pytest.approx([1, 1, 0])


def test_false_negatives_are_a_share_of_searches_for_people_who_are_there(small: Trial) -> None:
    assert small.fnir(T)[0] == pytest.approx([0, 1 / 2, 1])
    # At rank 1 the probe of B returns A.
    assert small.fnir(T, rank=1)[0] == pytest.approx([1 / 2, 1 / 2, 1])
    assert small.fnir(T, rank=2)[0] == pytest.approx([0, 1 / 2, 1])


def test_ranks_and_the_cumulative_match_curve(small: Trial) -> None:
    assert small.ranks().tolist() == [1, 2]
    assert small.cmc(3)["found"].tolist() == [0.5, 1.0, 1.0]


def test_a_tie_counts_against_the_right_person() -> None:
    tie = Trial(np.array([[0.5, 0.5]]), np.array(["A"]), np.array(["A", "B"]))
    assert tie.ranks().tolist() == [2]


def test_who_could_not_be_enrolled_is_missed() -> None:
    scores = SCORES.copy()
    scores[0, 0] = -np.inf
    trial = Trial(scores, PROBES, ENTRIES)
    assert trial.fnir(np.array([-5.0]))[0] == pytest.approx([1 / 2])
    assert trial.ranks().tolist() == [4, 2]
    equal = trial.eer()
    assert 0 <= equal.low <= equal.value <= equal.high <= 1


def test_pairs_that_were_not_compared_count_nowhere() -> None:
    scores = np.array([[0.9, np.nan], [np.nan, 0.2], [0.8, np.nan]])
    trial = Trial(scores, np.array(["A", "B", "C"]), np.array(["A", "C"]))
    assert trial.fmr(np.array([0.5]))[0] == pytest.approx([1 / 2])
    assert trial.fnmr(np.array([0.5]))[0] == pytest.approx([0])
    assert set(trial.rates_at(0.5)) == {"FMR", "FNMR"}  # of pairs no search can be told


def test_everybody_can_be_searched_without_an_own_entry() -> None:
    scores = SCORES.copy()
    scores[1, 1] = np.nan  # the same picture is on both sides
    trial = Trial(scores, PROBES, ENTRIES, own_left_out=True)
    # The best of others: 0.3 for A, 0.6 for B, 0.7 for D; an own entry that counts has only A.
    assert trial.fpir(T)[0] == pytest.approx([2 / 3, 2 / 3, 0])
    assert trial.fnir(T)[0] == pytest.approx([0, 0, 1])
    assert trial.rates_at(0.65)["FPIR"].people == 3
    assert trial.threshold_at(fpir=0.34).score == pytest.approx(0.6)
    assert trial.gallery == 2


def test_two_halves_are_pooled_without_comparing_anybody_across_them() -> None:
    first = Trial(SCORES, PROBES, ENTRIES, own_left_out=True)
    second = Trial(
        SCORES - 0.25, *(np.char.add("x", side) for side in (PROBES, ENTRIES)), own_left_out=True
    )
    both = pooled([first, second])
    assert both.fmr(T)[0] == pytest.approx((first.fmr(T)[0] + second.fmr(T)[0]) / 2)
    assert both.fpir(T)[0] == pytest.approx((first.fpir(T)[0] + second.fpir(T)[0]) / 2)
    assert both.fnir(T)[0] == pytest.approx((first.fnir(T)[0] + second.fnir(T)[0]) / 2)
    with pytest.raises(EvaluationError, match="in two of the trials"):
        pooled([first, first])


def test_rates_agree_with_a_library_on_many_pairs() -> None:
    generator = np.random.default_rng(3)
    people = np.array([f"P{i}" for i in range(40)])
    scores = generator.normal(0, 1, (40, 40)) + 2 * np.eye(40)
    trial = Trial(scores, people, people)
    false, found, thresholds = roc_curve(trial.same.ravel(), scores.ravel())
    at = thresholds[1:]
    assert trial.fmr(at)[0] == pytest.approx(false[1:])
    assert 1 - trial.fnmr(at)[0] == pytest.approx(found[1:])


def test_the_equal_error_rate_is_that_of_two_normal_distributions() -> None:
    generator = np.random.default_rng(5)
    people = np.array([f"P{i}" for i in range(300)])
    scores = generator.normal(0, 1, (300, 300)) + 2 * np.eye(300)
    equal = Trial(scores, people, people).eer()
    assert equal.low <= 0.1587 <= equal.high  # the normal distribution beyond one deviation
    assert equal.high - equal.low < 0.12


def test_what_is_found_is_what_is_not_missed(small: Trial) -> None:
    rates = small.rates_at(0.55)
    assert rates["TPIR"].value == 1 - rates["FNIR"].value
    assert rates["TPIR"].low == 1 - rates["FNIR"].high


def test_a_threshold_lets_no_more_pass_than_was_asked() -> None:
    generator = np.random.default_rng(4)
    people = np.array([f"P{i}" for i in range(60)])
    trial = Trial(generator.normal(0, 1, (60, 60)), people, people)
    for wanted in (0.1, 0.01, 0.001):
        found = trial.threshold_at(fmr=wanted)
        threshold = found.score
        assert found.enough
        assert found.rates["FMR"].value <= wanted <= found.rates["FMR"].high
        assert trial.fmr(np.array([threshold]))[0, 0] <= wanted
        assert trial.fmr(np.array([threshold - 0.2]))[0, 0] > wanted


def test_a_threshold_for_a_rate_too_small_to_measure_is_refused(small: Trial) -> None:
    with pytest.raises(
        EvaluationError, match=r"1 probes without a mate are too few for a rate of 0\.1"
    ):
        small.lowest_score(fpir=0.1)
    with pytest.raises(EvaluationError, match="name one rate"):
        small.threshold_at()
    with pytest.raises(EvaluationError, match="no threshold can be set for a rate of 0 "):
        small.threshold_at(fmr=0)


def test_a_threshold_on_few_people_says_how_high_the_rate_may_be(small: Trial) -> None:
    found = small.threshold_at(fmr=0.001)
    # The highest of seven scores of different people is 0.7.
    assert 0.7 < found.score < 0.7001
    assert not found.enough
    assert found.rates["FMR"].value == 0
    # None of the three with a probe had an error: Clopper and Pearson, 1 - 0.025 ** (1 / 3).
    assert found.rates["FMR"].high == pytest.approx(0.708, abs=0.001)
    assert "7 pairs of different people are too few to show a rate of 0.1%" in repr(found)
    assert "may still be as high as 71%" in found._repr_html_()
    assert found.threshold.scale == small.scale


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EvaluationError, match="there are"):
        Trial(SCORES, PROBES[:2], ENTRIES)
    with pytest.raises(EvaluationError, match="no two people are compared"):
        Trial(np.ones((1, 1)), np.array(["A"]), np.array(["A"]))


def test_intervals_hold_the_true_rate_nine_times_in_ten_and_more() -> None:
    """Drawing pairs instead of people would hold it half as often here."""
    inside = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        people = np.array([f"P{i}" for i in range(50)])
        # Some people look like many, some like nobody: pairs are not independent.
        likeness = generator.normal(0, 0.7, 50)
        noise = generator.normal(0, 1, (50, 50))
        trial = Trial(likeness[:, None] + likeness[None] + noise, people, people)
        rate = trial.rates_at(2.0, draws=200)["FMR"]
        # The sum is normal with variance 1 + 2 * 0.49.
        truth = 0.07776
        inside += rate.low <= truth <= rate.high
    assert inside >= 52


def test_no_error_among_few_people_is_not_no_error_at_all() -> None:
    rate = interval(0.0, np.zeros(100), 30)
    assert (rate.value, rate.low) == (0, 0)
    assert rate.high == pytest.approx(0.1157, abs=1e-3)  # Clopper and Pearson, 0 of 30
    assert interval(1.0, np.ones(100), 30).low == pytest.approx(1 - 0.1157, abs=1e-3)


def test_a_bootstrap_draws_as_many_people_as_there_are() -> None:
    drawn = resampled(17, 50)
    assert drawn.shape == (50, 17)
    assert set(drawn.sum(axis=1)) == {17}
    assert (drawn == resampled(17, 50)).all()


def test_a_table_of_the_trade_off_has_an_interval_for_each_rate(small: Trial) -> None:
    frame = small.det(T, draws=50)
    for name in ("FMR", "FNMR", "FPIR", "FNIR"):
        assert (frame[f"{name} low"] <= frame[name]).all()
        assert (frame[name] <= frame[f"{name} high"]).all()
