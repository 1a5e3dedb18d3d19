"""The page of thresholds on a calibration really fitted to numbers, without a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from office import normaliser_of

from workbench.calibration import (
    QUALITY_STEPS,
    Calibration,
    read_calibration,
    write_calibration,
)
from workbench.domain import Profile
from workbench.faces.models import installed
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.widgets.components.uploader import File
from workbench.widgets.thresholds.figures import MOST_BYTES
from workbench.widgets.thresholds.model import AS_CALIBRATED, AS_GALLERY, Known, ThresholdModel
from workbench.widgets.thresholds.page import ThresholdPage

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def ours(
    installation: Installation, calibrated: Callable[[Profile], Calibration]
) -> Iterator[Calibration]:
    """A calibration of this installation, for the embedded profile."""
    made = calibrated(installed("dlib", home=installation.settings.models))
    path = installation.settings.calibrations_folder / "dlib.json"
    write_calibration(made, path)
    yield read_calibration(path)
    path.unlink()


@pytest.fixture
def page(ours: Calibration, tmp_path: Path, installation: Installation) -> ThresholdPage:
    page = ThresholdPage(
        ThresholdModel("dlib", installation=installation, gallery=tmp_path / "none.duckdb")
    )
    assert page.model.messages == {}
    assert page.model.calibration == ours
    return page


@pytest.fixture
def text(ours: Calibration, tmp_path: Path) -> str:
    """Our calibration as a file."""
    path = tmp_path / "other.json"
    write_calibration(ours, path)
    return path.read_text("utf-8")


def test_the_page_opens_at_the_recommended_threshold(
    page: ThresholdPage, ours: Calibration
) -> None:
    steps = page.model.steps(ours)
    wanted = ours.threshold(photographs=2, tracklets=steps).score
    assert page.question.slider.value == pytest.approx(wanted)
    assert "Calibrated on eighty sets of numbers" in page.question.about.value


def test_the_answer_is_that_of_the_calibration(page: ThresholdPage, ours: Calibration) -> None:
    page.question.tracklets.value = 100_000
    page.question.photographs.value = 3
    page.question.slider.value = 0.45
    steps = page.model.steps(ours)
    assert sum(steps) == 100_000
    expected = ours.false_candidates(0.45, steps, photographs=3)
    assert f"between {expected.low:,} and {expected.high:,}" in page.question.answer.value
    assert "of true sightings missed" in page.question.answer.value


def test_more_tracklets_are_more_false_candidates_and_miss_the_same(
    page: ThresholdPage, ours: Calibration
) -> None:
    def asked(tracklets: int) -> tuple[float, float]:
        page.question.tracklets.value = tracklets
        steps = page.model.steps(ours)
        at = page.model.threshold
        return (
            ours.false_candidates(at, steps, photographs=2).mean,
            ours.fnmr(at, steps, photographs=2).rate,
        )

    few, many = asked(10_000), asked(1_000_000)
    assert many[0] == pytest.approx(100 * few[0], rel=0.01)
    assert many[1] == pytest.approx(few[1], rel=0.01)


def test_photographs_that_were_not_calibrated_are_told(page: ThresholdPage) -> None:
    page.question.photographs.value = 2
    said = "Calibrated for 1, 3 photographs: these are the figures for 1."
    assert said in page.question.answer.value
    page.question.photographs.value = 3
    assert "these are the figures" not in page.question.answer.value


def test_what_was_not_measured_and_few_people_are_told(page: ThresholdPage) -> None:
    page.question.slider.value = page.question.slider.max
    assert "Fewer than ten comparisons" in page.question.answer.value
    assert "This rests on only 80 people" in page.question.answer.value


def test_what_is_missed_is_unknown_where_nobody_was_compared_with_themselves(
    page: ThresholdPage, ours: Calibration
) -> None:
    length = len(ours.thresholds)
    ends = {
        "fnmr": (1.0,) * length,
        "fnmr_low": (0.0,) * length,
        "fnmr_high": (1.0,) * length,
    }
    page.model.known = Known(replace(ours, curves=tuple(replace(c, **ends) for c in ours.curves)))
    assert "<strong>unknown</strong>" in page.question.answer.value
    assert "<td>unknown</td>" in page.basis.curves.value


def test_tracklets_of_poorer_quality_than_calibrated_are_told(
    page: ThresholdPage, ours: Calibration
) -> None:
    page.model.known = Known(
        replace(ours, curves=tuple(c for c in ours.curves if c.quality == 0.8))
    )
    assert "poorer quality" not in page.question.answer.value
    page.model.mix, page.model.quality = (0,) * 10 + (3,) + (0,) * 9, AS_GALLERY
    page.model.tracklets = 3
    assert "3 tracklets of poorer quality than any calibrated (below 0.8)" in (
        page.question.answer.value
    )


def test_the_quality_of_the_tracklets_can_be_chosen(page: ThresholdPage, ours: Calibration) -> None:
    values = [value for _, value in page.question.quality.options]
    assert values == [AS_CALIBRATED, "0", "0.8"]
    page.question.quality.value = "0.8"
    steps = page.model.steps(ours)
    assert sum(steps[:16]) == 0
    assert sum(steps) == page.model.tracklets


def test_tracklets_can_be_those_of_the_gallery(page: ThresholdPage, demo: Path) -> None:
    page.model.gallery = demo
    page.model.use_gallery()
    assert page.model.messages == {}
    with Gallery.open(demo) as gallery:
        number = len(gallery.templates())
    assert page.question.tracklets.value == number
    assert "pairs of certainly different people in" in page.question.about.value
    assert page.question.quality.value == AS_GALLERY
    assert page.model.steps(page.model.calibration) == page.model.mix


def test_pairs_of_the_gallery_that_are_not_counted_are_left_to_the_command(
    page: ThresholdPage, demo: Path, ours: Calibration, installation: Installation
) -> None:
    another = replace(
        ours, normaliser=normaliser_of(installed("dlib", home=installation.settings.models), seed=1)
    )
    path = installation.settings.calibrations_folder / "dlib.json"
    write_calibration(another, path)
    try:
        page.model.gallery = demo
        page.model.use_gallery()
    finally:
        write_calibration(ours, path)
    assert page.model.messages == {}
    with Gallery.open(demo) as gallery:
        number = len(gallery.recordings())
    assert f"{number} more recordings are left out here" in page.question.about.value


def test_a_gallery_that_is_not_there_is_told_beside_the_field(page: ThresholdPage) -> None:
    page.model.use_gallery()
    assert "there is no gallery here" in page.model.messages["tracklets"]
    assert page.question.quality.value == AS_CALIBRATED


def test_curves_are_listed_with_intervals_and_people(
    page: ThresholdPage, ours: Calibration
) -> None:
    table = page.basis.curves.value
    assert table.count("<tr>") == len(ours.curves) + 1
    assert "80 ⚠" in table
    assert f"{ours.likelihood_ratio_model.cllr:.3f} bits" in page.basis.evidence.value
    assert f"{ours.likelihood_ratio_model.ece:.2%}" in page.basis.evidence.value


def test_figures_follow_the_threshold(page: ThresholdPage) -> None:
    page.question.slider.value = 0.52
    for plot in (page.figures.false, page.figures.missed, page.figures.evidence):
        shapes = json.loads(plot.figure)["layout"]["shapes"]
        assert any(shape.get("x0") == 0.52 for shape in shapes)
    assert json.loads(page.figures.det.figure)["data"]


def test_a_profile_without_calibration_says_so(page: ThresholdPage) -> None:
    page.model.profile = "dlib+SFace"
    if "profile" in page.model.messages:  # its weights are not here
        assert "sightline models fetch" in page.model.messages["profile"]
    else:
        assert "There is no calibration for this profile" in page.question.about.value
    for part in (page.question.controls, page.figures, page.comparison, page.basis):
        assert part.layout.display == "none"
    page.model.profile = "dlib"
    assert page.model.messages == {}
    assert page.figures.layout.display == ""


def test_a_profile_that_was_not_offered_is_chosen_at_once(page: ThresholdPage) -> None:
    read: list[str] = []
    page.model.observe(lambda change: read.append(change["new"]), "profile")
    page.model.profile = "ssd+ArcFace"
    assert read == ["ssd+ArcFace"]
    assert page.question.profile.value == "ssd+ArcFace"


def test_the_embedded_weights_without_a_calibration_say_so(
    tmp_path: Path, installation: Installation
) -> None:
    model = ThresholdModel("dlib+Dlib", installation=installation, gallery=tmp_path / "none.duckdb")
    assert model.messages == {}
    assert "There is no calibration" in ThresholdPage(model).question.about.value


def test_weights_that_are_not_here_do_not_hide_a_calibration(
    ours: Calibration, tmp_path: Path, installation: Installation
) -> None:
    path = installation.settings.calibrations_folder / "ssd+Dlib.json"
    write_calibration(ours, path)
    try:
        model = ThresholdModel(
            "ssd+Dlib", installation=installation, gallery=tmp_path / "none.duckdb"
        )
        assert model.calibration is not None
        assert "Nothing can be searched with it here" in ThresholdPage(model).question.about.value
    finally:
        path.unlink()


def test_one_made_for_other_weights_is_refused(
    ours: Calibration, text: str, tmp_path: Path, installation: Installation
) -> None:
    path = installation.settings.calibrations_folder / "dlib.json"
    path.write_text(text.replace(ours.fingerprint, "0" * 16))
    try:
        model = ThresholdModel("dlib", installation=installation, gallery=tmp_path / "none.duckdb")
        assert "made for other weights" in model.messages["profile"]
        assert model.calibration is None
    finally:
        path.write_text(text)


def test_an_uploaded_calibration_is_compared_as_strict(
    page: ThresholdPage, ours: Calibration, text: str
) -> None:
    page.comparison._on_upload([File("other.json", len(text), text.encode())])
    assert page.model.messages == {}
    assert page.model.as_strict(page.model.compared["other.json"]) == pytest.approx(
        page.model.threshold, abs=0.002
    )
    assert page.comparison.table.value.count("<tr>") == 3
    names = [trace.get("name", "") for trace in json.loads(page.figures.det.figure)["data"]]
    assert any(name.startswith("other.json") for name in names)
    page.model.forget()
    assert "<table" not in page.comparison.table.value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not a text file"),
        (b"{}", "is of no version"),
        (b"", "not a calibration"),
    ],
)
def test_other_files_are_refused_beside_the_field(
    page: ThresholdPage, content: bytes, said: str
) -> None:
    page.comparison._on_upload([File("holiday.json", len(content), content)])
    assert said in page.model.messages["compare"]
    assert page.model.compared == {}


def test_a_file_too_large_is_refused(page: ThresholdPage) -> None:
    page.comparison._on_upload([File("film.json", 10 * MOST_BYTES, None)])
    assert "film.json: is 40 MB" in page.model.messages["compare"]


def test_at_most_three_calibrations_are_compared(page: ThresholdPage, text: str) -> None:
    for number in range(4):
        page.model.add_file(f"{number}.json", text.encode())
    assert len(page.model.compared) == 3
    assert "compared already" in page.model.messages["compare"]


def test_words_in_a_calibration_are_text(page: ThresholdPage, text: str) -> None:
    told = json.loads(text) | {"data": HOSTILE}
    page.model.add_file(HOSTILE, json.dumps(told).encode())
    assert list(page.model.compared) == [HOSTILE]
    assert "<img" not in page.comparison.table.value
    assert HOSTILE not in json.dumps(json.loads(page.figures.det.figure))
    page.model.known = Known(page.model.compared[HOSTILE])
    assert "<img" not in page.question.about.value


def test_whole_numbers_keep_their_sum(page: ThresholdPage, ours: Calibration) -> None:
    for number in (1, 7, 999):
        page.model.tracklets = number
        steps = page.model.steps(ours)
        assert len(steps) == QUALITY_STEPS
        assert sum(steps) == number
        assert min(steps) >= 0
