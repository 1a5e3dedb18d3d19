"""Photographs that lie on their side or stand on their head are turned, or their faces flagged."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.domain import Photograph
from workbench.errors import NoFaceFound
from workbench.faces import detection, templates
from workbench.faces.detection import detect
from workbench.faces.models import Models, load
from workbench.faces.orientation import UPRIGHT_FROM, find_upright, turn
from workbench.faces.photographs import read_photograph
from workbench.faces.probes import find_faces, make_photograph, make_probe
from workbench.faces.weights import import_file


@pytest.fixture(scope="module")
def people(wanted: tuple[Path, ...], somebody_else: Path, portrait: Path) -> list[Image.Image]:
    """Photographs of three people."""
    people = [Image.open(path).convert("RGB") for path in (portrait, wanted[0], somebody_else)]
    for picture in people:
        picture.thumbnail((400, 400))
    return people


def stored(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def photograph(picture: Image.Image, models: Models) -> Photograph:
    return make_photograph(find_faces(stored(picture), models=models), models=models)


@pytest.mark.parametrize(
    ("degrees", "note"),
    [
        (90, "it lay on its side and was turned upright"),
        (180, "it stood on its head and was turned upright"),
        (270, "it lay on its side and was turned upright"),
    ],
)
def test_a_photograph_that_is_not_upright_is_turned_and_that_is_said(
    models: Models, people: list[Image.Image], degrees: int, note: str
) -> None:
    for picture in people:
        upright = photograph(picture, models)
        turned = photograph(picture.rotate(degrees, expand=True), models)
        assert (upright.notes, turned.notes) == ((), (note,))
        assert turned.template == pytest.approx(upright.template, abs=1e-6)
        assert turned.quality == upright.quality


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that finds rendered faces on their head too, as it finds real ones."""
    monkeypatch.setattr(detection, "HOG_THRESHOLD", -0.6)


@pytest.mark.usefixtures("lenient")
def test_an_upside_down_face_that_is_found_is_turned_all_the_same(
    models: Models, people: list[Image.Image]
) -> None:
    found = 0
    for picture in people:
        upside_down = read_photograph(stored(picture.rotate(180)), "a")
        found += len(detect(models, upside_down, min_width=40))
        assert find_upright(models, upside_down, min_width=40).turned == 180
    assert found, "none of them is found as it is"


@pytest.mark.usefixtures("lenient")
def test_a_face_on_its_head_beside_an_upright_one_is_no_good_probe(
    models: Models, people: list[Image.Image]
) -> None:
    edwin, maren, _ = people
    both = Image.new("RGB", (edwin.width + maren.width, max(edwin.height, maren.height)))
    both.paste(edwin, (0, 0))
    both.paste(maren.rotate(180), (edwin.width, 0))
    found = find_faces(stored(both), models=models)
    assert found.notes == ()
    upright, flagged = (
        make_photograph(found, 1 + found.turns.index(degrees), models=models)
        for degrees in (0, 180)
    )
    assert upright.face.box.centre_x < edwin.width < flagged.face.box.centre_x
    assert (upright.quality.overall > 0.7, upright.advice) == (True, "")
    assert flagged.quality.overall == flagged.quality.pose == 0
    assert flagged.advice.startswith("the face stands on its head beside others who are upright")


def test_a_good_photograph_is_looked_at_once(
    models: Models, people: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.faces import orientation

    looks = 0

    def counted(*arguments: object, **options: object) -> object:
        nonlocal looks
        looks += 1
        return detect(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(orientation, "detect", counted)
    assert find_faces(stored(people[0]), models=models).faces[0].confidence > UPRIGHT_FROM["dlib"]
    assert looks == 1


def test_what_shows_no_face_shows_none_turned(models: Models) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    with pytest.raises(NoFaceFound):
        find_faces(stored(Image.fromarray(noise)), models=models)


def test_notes_reach_the_probe_behind_their_photograph(
    models: Models, people: list[Image.Image], tmp_path: Path
) -> None:
    people[0].rotate(180).save(tmp_path / "scan.png")
    people[0].save(tmp_path / "good.png")
    probe = make_probe([tmp_path / "scan.png", tmp_path / "good.png"], models=models)
    assert probe.notes == ("scan.png: it stood on its head and was turned upright",)


@pytest.mark.parametrize("profile", ["dlib", "yunet-dlib"])
def test_real_photographs_are_put_upright(shared: Path, tmp_path: Path, profile: str) -> None:
    import_file(shared / "models" / "yunet_n_640_640.onnx", tmp_path)
    models = load(profile, home=tmp_path)
    for path in sorted((shared / "faces" / "one_person").glob("*.jpg"))[:4]:
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((600, 600))
        image = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        for degrees in (0, 90, 180, 270):
            found = find_upright(models, turn(image, degrees), min_width=40)
            assert (found.turned + degrees) % 360 == 0, (path.name, degrees)
            assert not any(found.turns), (path.name, degrees)
            assert templates.align(models, found.image, found.faces[0]).size
