"""Small inputs of kinds that people reported, each with the right answer (footage/cases).

They are not part of the repository; what the project makes itself of the same kinds is tried beside
them in test_arrivals.py and in the tests of the rooms.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from arrivals import Seer, Sighted

from workbench.cli.main import main
from workbench.cli.output import DONE
from workbench.demo import demo_town
from workbench.district import from_file
from workbench.errors import GalleryError
from workbench.faces.models import load
from workbench.faces.probes import make_probe
from workbench.footage.catalog import read_cameras
from workbench.gallery import Gallery
from workbench.maps.placing import levels

EDWIN, IMANI = "Edwin Marsh", "Imani Cole"
NEAR = 0.5  # seconds
# Cases in which both people are seen when they were seen, with what is said of each.
FILMS: dict[str, list[str]] = {
    "control": [],
    "aspect-half-height": [],
    "aspect-half-width": [],
    "aspect-untold": ["twice as wide as high"],
    "camera-upside-down": ["may have to be read turned", "turned by 180 degrees"],
    "clock-avi-b-pictures": [],
    "clock-back-two-ts-joined": ["recordings were joined"],
    "mirrored-across": [],
    "mirrored-down": [],
    "name-backslash": [],
    "name-decomposed": [],
    "name-time-with-colons": [],
    "no-times-raw-12": [],
    "no-times-raw-25-b-pictures": [],
    "no-times-time-lapse": [],
    "sequence-empty-picture": ["cannot be read"],
    "sequence-folder-in-brackets": [],
    "sequence-not-padded": [],
    "size-grows": ["pictures come out of order"],
    "size-sequence": [],
    "table-semicolons": [],
    "geojson-cameras-multipoint": [],
}
# Kept under a plain name in the material.
NAMES = {
    "name-decomposed": ("plain.mp4", "cafe\u0301.mp4"),
    "name-time-with-colons": ("plain.mp4", "2026-03-29T00:00:00.mp4"),
    "sequence-folder-in-brackets": ("plain", "cam [1]"),
}

Case = Callable[[str], Path]


@pytest.fixture
def case(shared: Path, tmp_path: Path) -> Case:
    """``case(name)``: a copy of that input, under the names that it has outside."""

    def copied(name: str) -> Path:
        folder = shared / "footage" / "cases" / name
        if not folder.is_dir():
            pytest.skip(f"no {folder}")
        shutil.copytree(folder, tmp_path / "case", copy_function=shutil.copyfile)
        for path in (tmp_path / "case").rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (tmp_path / "case").chmod(0o755)
        if name in NAMES:
            plain, real = NAMES[name]
            (tmp_path / "case" / plain).rename(tmp_path / "case" / real)
        return tmp_path / "case"

    return copied


@pytest.fixture(scope="module")
def seer(tmp_path_factory: pytest.TempPathFactory) -> Seer:
    return Seer.made(load("dlib", home=tmp_path_factory.mktemp("models")))


def of(found: list[Sighted], person: str) -> tuple[float, float]:
    """First and last second at which a person is seen."""
    own = [one for one in found if one.person == person]
    assert own, f"{person} is not among {found}"
    return own[0].first, own[-1].last


@pytest.mark.parametrize("name", FILMS)
def test_both_people_are_seen(
    case: Case, seer: Seer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(case(name))
    indexed = seer.index(Path())
    found = seer.sighted(indexed)
    assert of(found, EDWIN) == pytest.approx((1.0, 2.9), abs=NEAR)
    assert of(found, IMANI) == pytest.approx((5.0, 6.9), abs=NEAR)
    assert {one.person for one in found} == {EDWIN, IMANI}
    assert indexed.seconds == pytest.approx(8, abs=0.2)
    said = [problem.what for problem in indexed.problems]
    assert bool(said) == bool(FILMS[name]), said
    assert all(any(words in what for words in FILMS[name]) for what in said), said
    after_the_join = [one.person for one in found if one.doubt]
    assert after_the_join == ([IMANI] if name == "clock-back-two-ts-joined" else [])


def test_a_camera_that_hangs_upside_down_can_be_stated(case: Case, seer: Seer) -> None:
    folder = case("camera-upside-down")
    rows = list(csv.DictReader((folder / "footage.csv").open(newline="")))
    with (folder / "footage.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "rotation"])
        writer.writeheader()
        writer.writerows(row | {"rotation": "180"} for row in rows)
    indexed = seer.index(folder)
    assert of(seer.sighted(indexed), EDWIN) == pytest.approx((1.0, 2.9), abs=NEAR)
    assert indexed.problems == ()


def test_an_export_cut_between_key_pictures(case: Case, seer: Seer) -> None:
    indexed = seer.index(case("clock-zero-cut-between-keys-ts"))
    found = seer.sighted(indexed)
    assert of(found, IMANI) == pytest.approx((4.9, 6.8), abs=NEAR)
    assert all(one.first >= 2.8 for one in found)
    assert indexed.seconds == pytest.approx(7.9, abs=0.1)
    (unseen,) = indexed.unseen
    assert (unseen.start, unseen.end) == (0, pytest.approx(2.9, abs=0.1))


def test_a_pause_of_two_hours(case: Case, seer: Seer) -> None:
    found = seer.sighted(seer.index(case("long-pause-2h")))
    assert of(found, EDWIN) == pytest.approx((1.0, 2.9), abs=NEAR)
    assert of(found, IMANI) == pytest.approx((7205.0, 7206.9), abs=NEAR)


@pytest.mark.parametrize("name", ["several-tracks-mp4", "several-programmes-ts"])
def test_the_second_picture_stream(case: Case, seer: Seer, name: str) -> None:
    folder = case(name)
    assert seer.index(folder).picture_streams == 2  # which the report of a run says
    table = (folder / "footage.csv").read_text().splitlines()
    (folder / "footage.csv").write_text(f"{table[0]},stream\n{table[1]},2\n")
    found = seer.sighted(seer.index(folder))
    assert of(found, EDWIN) == pytest.approx((1.0, 2.9), abs=NEAR)
    assert of(found, IMANI) == pytest.approx((5.0, 6.9), abs=NEAR)


def test_two_cameras_at_one_pole_have_marks_apart(case: Case, seer: Seer) -> None:
    folder = case("map-two-cameras-one-pole")
    for row in (0, 1):
        assert of(seer.sighted(seer.index(folder, row)), EDWIN) == pytest.approx(
            (1.0, 2.9), abs=NEAR
        )
    cameras = read_cameras(folder, [])
    assert sorted(levels(list(cameras.values())).values()) == [0, 1]


def test_a_question_mark_in_the_gallery_s_path_is_refused(case: Case, seer: Seer) -> None:
    folder = case("name-gallery-question-mark") / "who?"
    folder.mkdir()
    with pytest.raises(GalleryError, match="question mark"):
        Gallery.create(folder / "town.duckdb", seer.models.profile)


def test_times_are_fetched_by_any_program(case: Case, tmp_path: Path) -> None:
    folder = case("door-fetchall-needs-pytz")
    gallery = tmp_path / "g.duckdb"
    assert main(["index", str(folder), "--gallery", str(gallery)]) == DONE
    done = subprocess.run(
        [sys.executable, folder / "try.py", gallery], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "a.mp4" in done.stdout


def test_a_console_that_cannot_write_a_name(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: str
) -> None:
    folder = case("door-console-not-utf8")
    gallery, district = tmp_path / "g.duckdb", tmp_path / "district.geojson"
    ring = [[-0.1, 51.4], [0.1, 51.4], [0.1, 51.6], [-0.1, 51.6], [-0.1, 51.4]]
    district.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert main(["index", str(folder), "--gallery", str(gallery)]) == DONE
    arguments: list[object] = [
        "search", "--case", training, "--gallery", gallery, "--district", district,
        "--probe", demo_town().photographs[EDWIN][0], "--threshold", "all",
        "--from", "2026-03-29T00:00:00+00:00", "--to", "2026-03-30T00:00:00+00:00",
    ]  # fmt: skip
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    status = main([str(argument) for argument in arguments])
    out.flush()
    assert status == DONE
    assert "?? (CAM-1)" in out.buffer.getvalue().decode("latin-1")


@pytest.mark.parametrize(
    "name", ["geojson-byte-order-mark", "geojson-circle-dropped", "geojson-collection-dropped"]
)
def test_the_gate_lies_inside_the_district(case: Case, name: str) -> None:
    from shapely import Point

    district = from_file(case(name) / "district.geojson")
    assert district.area.contains(Point(-0.01, 51.48))


@pytest.mark.parametrize(
    "name",
    ["photo-exif-unit-is-a-fraction", "photo-grey-16-bit", "photo-on-its-side",
     "photo-upside-down"],
)  # fmt: skip
def test_a_photograph_shows_the_person_of_the_control(case: Case, seer: Seer, name: str) -> None:
    folder = case(name)
    (photograph,) = folder.glob("a.*")
    templates = [
        make_probe([path], models=seer.models).template
        for path in (photograph, folder / "control.jpg")
    ]
    assert float(np.linalg.norm(templates[0] - templates[1])) < 0.3


def test_every_case_is_tried(shared: Path) -> None:
    from inspect import getsource

    cases = {path.name for path in (shared / "footage" / "cases").iterdir() if path.is_dir()}
    told = getsource(sys.modules[__name__])
    assert [name for name in sorted(cases) if f'"{name}"' not in told] == []
