"""Figures say what they were given: values, intervals, and lines that differ beyond colour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.calibration import QUALITY_STEPS, Calibration, words
from workbench.errors import EvaluationError
from workbench.evaluation import cameras, forecasts, plots
from workbench.evaluation.likelihood import reliability
from workbench.evaluation.protocols import Trial

HOSTILE = "<img src=x onerror=alert(1)>"
THRESHOLDS = np.arange(0.1, 0.9, 0.02)


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Sixty people, forty of whom are in the gallery."""
    generator = np.random.default_rng(0)
    people = np.array([f"person {number}" for number in range(60)])
    scores = generator.normal(0.3, 0.1, (60, 40))
    scores[np.arange(40), np.arange(40)] = generator.normal(0.6, 0.1, 40)
    return Trial(scores, people, people[:40])


def lines(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.mode == "lines+markers"]


def test_det_places_the_rates_on_axes_of_normal_deviates(trial: Trial) -> None:
    frame = trial.det(THRESHOLDS, draws=50)
    figure = plots.det({"ours": frame}, rates=("FMR", "FNMR"))
    (line,) = lines(figure)
    # One standard deviation: 84.13 % of a normal distribution lie below it.
    at = int(np.argmin(np.abs(frame["FMR"] - 0.1587)))
    assert line.x[at] == pytest.approx(-1, abs=0.25)
    assert figure.layout.xaxis.tickvals[figure.layout.xaxis.ticktext.index("50%")] == 0


def test_det_has_a_band_on_both_sides_of_its_line(trial: Trial) -> None:
    figure = plots.det({"ours": trial.det(THRESHOLDS, draws=50)}, rates=("FPIR", "FNIR"))
    band, line = figure.data
    half = len(band.x) // 2
    assert (np.asarray(band.x[:half]) <= line.x).all()
    assert (np.asarray(band.x[half:][::-1]) >= line.x).all()


def test_det_without_errors_says_what_little_is_known() -> None:
    people = np.array([f"person {number}" for number in range(6)])
    apart = Trial(np.where(np.eye(6), 0.9, 0.1), people, people)
    figure = plots.det({"ours": apart.det(THRESHOLDS, draws=20)})
    assert lines(figure) == []
    (bound,) = figure.data
    assert bound.mode == "markers"
    (words,) = [note.text for note in figure.layout.annotations]
    assert "ours: no error of FMR or FNMR at" in words
    assert "FMR is at most 46%, FNMR at most 46% (95 %)" in words
    # The mark lies inside the axes.
    low, high = figure.layout.xaxis.range
    assert low < bound.x[0] < high


def test_lines_differ_in_dash_and_marker_as_well_as_colour(trial: Trial) -> None:
    frame = trial.det(THRESHOLDS, draws=5)
    drawn = lines(plots.det({f"profile {number}": frame for number in range(6)}))
    for told in ("dash", "symbol", "colour"):
        values = {
            {"dash": t.line.dash, "symbol": t.marker.symbol, "colour": t.line.color}[told]
            for t in drawn
        }
        assert len(values) == 6, told


def test_a_plot_of_a_rate_that_the_table_lacks_is_refused(trial: Trial) -> None:
    frame = trial.det(THRESHOLDS, draws=5).drop(columns=["FPIR"])
    with pytest.raises(EvaluationError, match="has no FPIR"):
        plots.det({"ours": frame}, rates=("FPIR", "FNIR"))
    with pytest.raises(EvaluationError, match="have no FPIR"):
        plots.rates(frame)


def test_rates_by_threshold_are_those_of_the_trial(trial: Trial) -> None:
    frame = trial.det(THRESHOLDS, draws=5)
    figure = plots.rates(frame, threshold=0.5)
    for line, name in zip(lines(figure), ("FPIR", "FNIR"), strict=True):
        assert list(line.y) == list(frame[name])
    assert figure.layout.shapes[0].x0 == 0.5


def test_cmc_rises_to_all_that_are_found(trial: Trial) -> None:
    (line,) = lines(plots.cmc({"ours": trial.cmc(40)}))
    assert list(line.x) == list(range(1, 41))
    assert line.y[-1] == 1


def test_histograms_are_shares_of_each_side(trial: Trial) -> None:
    others, own = plots.histograms(trial, threshold=0.5).data
    assert sum(own.y) == pytest.approx(1)
    assert sum(others.y) == pytest.approx(1)
    assert own.name == "same person (40)"
    assert own.line.dash != others.line.dash


def test_reliability_tells_the_calibration_error(trial: Trial) -> None:
    frame = reliability((trial.scores.ravel() - 0.45) * 30, trial.same.ravel())
    figure = plots.reliability({"ours": frame})
    (line,) = lines(figure)
    assert list(line.y) == list(frame["was"])
    assert f"ECE {frame.attrs['ece']:.2%}" in line.name


def test_expected_candidates_are_those_of_the_calibration(calibration: Calibration) -> None:
    tracklets = [0] * QUALITY_STEPS
    tracklets[-1] = 100_000
    figure = forecasts.false_candidates({"ours": calibration}, {"a day": tracklets}, photographs=1)
    (line,) = lines(figure)
    expected = calibration.false_candidates(calibration.thresholds[3], tracklets, photographs=1)
    assert line.y[3] == expected.mean
    assert f"{expected.low:,} to {expected.high:,}" in line.hovertext[3]
    assert "beyond what was measured" in line.hovertext[-1]


def test_missed_has_one_line_for_each_number_of_photographs(calibration: Calibration) -> None:
    drawn = lines(forecasts.fnmr({"ours": calibration}, photographs=(1, 3), threshold=0.5))
    assert [line.name for line in drawn] == ["1 photograph", "3 photographs"]
    at = calibration.thresholds[5]
    assert drawn[1].y[5] == calibration.fnmr(at, photographs=3).rate


def test_evidence_rises_with_the_score(calibration: Calibration) -> None:
    (line,) = lines(
        forecasts.likelihood_ratios({"ours": calibration}, photographs=(1,), quality=0.8)
    )
    assert list(line.y) == sorted(line.y)
    at = calibration.thresholds[-1]
    assert line.y[-1] == calibration.likelihood_ratio_model.ratio(at, quality=0.8, photographs=1)
    assert "times likelier at" in line.hovertext[-1]


def test_what_nobody_could_miss_is_not_drawn_as_missed(calibration: Calibration) -> None:
    unknown = {"fnmr": 1.0, "fnmr_low": 0.0, "fnmr_high": 1.0}
    curves = tuple(
        replace(curve, **{name: (value,) * len(curve.fnmr) for name, value in unknown.items()})
        if curve.photographs == 3
        else curve
        for curve in calibration.curves
    )
    partly = replace(calibration, curves=curves)
    assert np.isnan(partly.fnmr(0.5, photographs=3).rate)
    assert partly.fnmr(0.5, photographs=1) == calibration.fnmr(0.5, photographs=1)
    drawn = lines(forecasts.fnmr({"ours": partly}, photographs=(1, 3)))
    assert [line.name for line in drawn] == ["1 photograph"]
    assert all(label.startswith("1 photograph") for label in forecasts.of_calibration(partly))


def test_curves_of_a_calibration_can_be_drawn(calibration: Calibration) -> None:
    curves = forecasts.of_calibration(calibration, quality=calibration.curves[0].quality)
    assert list(curves) == ["1 photograph", "3 photographs"]
    assert len(lines(plots.det(curves))) == 2


def test_names_are_shown_as_text(trial: Trial, calibration: Calibration) -> None:
    frame = trial.det(THRESHOLDS, draws=5)
    two = {HOSTILE: calibration, "ours": calibration}
    figures = (
        plots.det({HOSTILE: frame}),
        plots.cmc({HOSTILE: trial.cmc(5)}),
        forecasts.fnmr(two, photographs=(1,)),
        forecasts.false_candidates(two, {HOSTILE: [0] * 19 + [10]}, photographs=1),
    )
    for figure in figures:
        assert "<img" not in figure.to_json().replace("\\u003c", "<")


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0%"), (0.004, "0.4%"), (0.00005, "1 in 20,000"), (0.03, "3%"), (1, "100%")],
)
def test_shares_are_told_as_people_read_them(number: float, said: str) -> None:
    assert words.format_rate(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (0.001, "< 0.01"), (0.5, "0.5"), (12345, "12,000")]
)
def test_few_things_are_told_to_two_digits(number: float, said: str) -> None:
    assert words.format_count(number) == said


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (0.00001, "fewer than 1 wrong face in 10,000 such searches"),
        (0.0004, "about 1 wrong face in 2,000 such searches"),
        (0.046, "about 1 wrong face in 20 such searches"),
        (0.5, "about 1 wrong face in 2 such searches"),
        (0.8, "about 8 wrong faces in 10 such searches"),
        (1.0, "about 1 wrong face in such a search"),
        (5.12, "about 5.1 wrong faces in such a search"),
    ],
)
def test_expected_errors_are_told_as_often_as_they_happen(mean: float, said: str) -> None:
    assert words.format_expected(mean) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (5400, "5,400 times likelier"),
        (0.05, "20 times less likely"),
        (0.96, "no likelier and no less likely"),
        (1e-12, "more than 1e9 times less likely"),
    ],
)
def test_a_likelihood_ratio_is_told_in_words(ratio: float, said: str) -> None:
    assert words.format_likelihood_ratio(ratio) == said


def test_cameras_are_ordered_by_what_they_would_find(calibration: Calibration) -> None:
    seen = pd.DataFrame(
        {
            "camera": ["Gate"] * 4 + ["Quay"] * 2 + [HOSTILE],
            "best_quality": [0.95, 0.95, 0.95, None, 0.95, 0.95, None],
        }
    )
    frame = cameras.by_camera(seen, calibration, threshold=0.5, photographs=1)
    assert frame["camera"].tolist() == ["Quay", "Gate", HOSTILE]
    assert frame[["found", "missed", "not searchable"]].sum(axis=1).tolist() == [1, 1, 1]
    assert frame["not searchable"].tolist() == [0, 0.25, 1]
    steps = [0] * QUALITY_STEPS
    steps[19] = 2
    missed = calibration.fnmr(0.5, steps, photographs=1).rate
    assert frame["missed"][0] == pytest.approx(missed)
    assert frame["found"][1] == pytest.approx(0.75 * (1 - missed))
    drawn = cameras.worth(frame)
    assert [trace.name for trace in drawn.data][2] == "seen, but not searchable"
    assert "<img" not in drawn.to_json()
    with pytest.raises(EvaluationError, match="says nothing of missed sightings"):
        cameras.worth(frame.assign(found=np.nan))
    with pytest.raises(EvaluationError, match="has no column best_quality"):
        cameras.by_camera(seen[["camera"]], calibration, threshold=0.5, photographs=1)
