"""Calibration on labelled stills: what it rests on, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import networks
import numpy as np
import pytest
from documented import examples
from PIL import Image

from workbench.calibration import calibration_of
from workbench.demo import demo_town
from workbench.domain import Progress
from workbench.errors import Cancelled, EvaluationError, ModelError, NotCalibrated
from workbench.evaluation import labelled
from workbench.evaluation.calibrate import comparisons
from workbench.evaluation.labelled import calibrate_folder, measure_track_limits
from workbench.evaluation.samples import Samples
from workbench.faces import track_limits
from workbench.faces.importing import import_network
from workbench.faces.models import Models, forget, load
from workbench.installation import Installation
from workbench.notebook import calibrate
from workbench.settings import Settings

STATED = {"data": "tinted people", "licence": "CC0"}
# Six rendered people in four tints: to a network that compares colours they are twenty-four.
TINTS = ((1.0, 1.0, 1.0), (1.0, 0.5, 0.5), (0.5, 1.0, 0.5), (0.5, 0.5, 1.0))
PEOPLE = 21


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    town = demo_town()
    everyone = product(TINTS, {**town.photographs, **town.absent}.values())
    for number, (tint, pictures) in enumerate(islice(everyone, PEOPLE)):
        (folder / f"{number:02}").mkdir()
        for path in pictures[:2]:
            with Image.open(path) as opened:
                pixels = np.asarray(opened.convert("RGB").resize((160, 184)))
            tinted = Image.fromarray((pixels * tint).astype(np.uint8))
            tinted.save(folder / f"{number:02}" / path.name, quality=95)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    files = networks.write_network(home / "brought")
    people = demo_town().photographs
    import_network(*files, home / "models", accepted=networks.LICENCE, people=people)
    return home


@pytest.fixture(scope="module")
def models(home: Path) -> Models:
    return load("pooled", home=home / "models")


def test_a_notebook_calibrates_an_imported_profile_and_goes_on_where_it_was_stopped(
    folder: Path, home: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "SMALLER", labelled.SMALLER[:1])
    installation = Installation(Settings(home=home))
    with pytest.raises(NotCalibrated, match=r"no default threshold.*sightline calibrate FOLDER"):
        installation.default_threshold(models.profile)

    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 40:
            raise Cancelled("calibrating", where="here", fix="Go on")

    with pytest.raises(Cancelled):
        calibrate(folder, "pooled", **STATED, progress=stop, installation=installation)
    assert calibration_of(models.profile, folder=home / "calibrations") is None
    kept = set((home / "evaluation").rglob("*.npy"))
    assert len(kept) == 40

    seen = [Progress(0)] * 40
    made = calibrate(folder, "pooled", **STATED, progress=seen.append, installation=installation)
    assert kept < set((home / "evaluation").rglob("*.npy"))
    assert (seen[-1].done, seen[-1].total) == (PEOPLE * 2 * 2, PEOPLE * 2 * 2)
    assert (made.people, made.pictures, made.without_face) == (PEOPLE, PEOPLE * 2, 0)
    assert made.tracks is None  # too few people to measure
    found = calibration_of(models.profile, folder=home / "calibrations")
    assert found is not None
    assert "drawn at random" in found.network
    assert found.data == f"tinted people ({PEOPLE} people; CC0)"
    assert found.photographs == (1,)
    threshold = installation.default_threshold(models.profile, photographs=2)
    assert "tinted people" in threshold.calibration
    with pytest.raises(EvaluationError, match="there is a calibration of this profile already"):
        calibrate(folder, "pooled", **STATED, installation=installation)
    # What the document shows: the pictures are enrolled already.
    for path in (home / "calibrations").iterdir():
        path.unlink()
    monkeypatch.setenv("SIGHTLINE_HOME", str(home))
    (code,) = examples("docs/networks.md", "python")
    exec(code.replace('"staff"', repr(str(folder))).replace("mobilefacenet", "pooled"), {})
    again = calibration_of(models.profile, folder=home / "calibrations")
    assert again is not None
    assert again.data == f"badge photographs of 2025 ({PEOPLE} people; consent in writing)"


def test_data_that_would_make_rates_wrong_are_refused(
    folder: Path, models: Models, tmp_path: Path
) -> None:
    def made(people: Path, **stated: str) -> labelled.Labelled:
        return calibrate_folder(people, models, cache=tmp_path / "c", **(STATED | stated))

    with pytest.raises(EvaluationError, match="data is not stated"):
        made(folder, data=" ")
    with pytest.raises(EvaluationError, match="licence is not stated"):
        made(folder, licence="")
    few = tmp_path / "few"
    for name in ("00", "01"):
        shutil.copytree(folder / name, few / name)
    with pytest.raises(EvaluationError, match="2 people have two pictures with a face"):
        made(few)
    shutil.copyfile(few / "00" / "1.jpg", few / "00" / "again.jpg")
    kept, repeated = labelled._distinct(labelled.people_in(few), few)
    assert (len(kept), repeated) == (4, 1)
    shutil.copyfile(few / "00" / "1.jpg", few / "01" / "4.jpg")
    with pytest.raises(EvaluationError, match="same picture in the folders of two people"):
        made(few)


def test_a_folder_of_many_people_is_not_taken_for_one(crowd: Callable[..., Samples]) -> None:
    made = crowd(60, 6)
    labelled._check_folders_are_people(made, Path("staff"))
    singles = made.about["person"].isin({f"P{number:04}" for number in range(40)})
    one_of_each = made.where((~singles | (made.about["name"] == "0.jpg")).to_numpy())
    people = one_of_each.about["person"].where(~one_of_each.about["name"].eq("0.jpg"), "single")
    mixed = replace(one_of_each, about=one_of_each.about.assign(person=people))
    with pytest.raises(EvaluationError, match="the pictures in single are not of one person"):
        labelled._check_folders_are_people(mixed, Path("staff"))


def test_the_limits_of_tracks_are_measured(crowd: Callable[..., Samples]) -> None:
    native, worse = crowd(150, 6, seed=1), crowd(150, 6, seed=1, spread=0.1, quality=0.5)
    limits = measure_track_limits([native, worse], data="made-up people")
    assert limits is not None
    assert limits.split_below < limits.join_from
    # On other people: as often wrong on either side where tracks are split, hardly ever where
    # pieces are joined.
    other = [crowd(150, 6, seed=2), crowd(150, 6, seed=2, spread=0.1, quality=0.5)]
    single = comparisons(other[0], other, photographs=1, in_entry=1).trial
    at = np.array([limits.split_below])
    false, missed = float(single.fmr(at)[0, 0]), float(single.fnmr(at)[0, 0])
    assert abs(false - missed) < 0.02
    pooled = comparisons(other[0], other[:1], photographs=2).trial
    assert float(pooled.fmr(np.array([limits.join_from]))[0, 0]) < 1e-3
    assert measure_track_limits([crowd(50, 6)], data="few people") is None


def test_measured_limits_are_loaded_with_the_profile(home: Path, models: Models) -> None:
    assert (models.split_below, models.join_from) == (None, None)
    limits = track_limits.TrackLimits(0.2, 0.4, "made-up people")
    path = track_limits.keep(models.profile, limits, home / "models")
    forget()
    try:
        loaded = load("pooled", home=home / "models")
        assert (loaded.split_below, loaded.join_from) == (0.2, 0.4)
        path.write_text('{"split_below": 0.5, "join_from": 0.4, "measured_on": "x"}')
        forget()
        with pytest.raises(ModelError, match="cannot be used"):
            load("pooled", home=home / "models")
    finally:
        path.unlink()
        forget()
