"""Photographs of the target: each kind of bad one has its own clear answer."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.errors import ImageError, NoFaceFound, SeveralFacesFound
from workbench.faces.models import Models
from workbench.faces.probes import find_faces, make_photograph, make_probe


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds hardly any pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def test_one_face_makes_a_probe(models: Models, portrait: Path) -> None:
    probe = make_probe([portrait], models=models)
    assert probe.template.shape == (128,)
    assert probe.profile == models.profile
    assert probe.photographs[0].name == "1.jpg"
    assert probe.photographs[0].advice == ""
    assert Image.open(io.BytesIO(probe.photographs[0].jpeg)).width > 80


def test_photographs_are_pooled(models: Models, wanted: tuple[Path, ...]) -> None:
    probe = make_probe(list(wanted[:2]), models=models)
    mean = np.mean([p.template for p in probe.photographs], axis=0)
    assert probe.template == pytest.approx(mean, abs=1e-6)


def test_rotated_photographs_are_put_upright(models: Models, portrait: Path) -> None:
    picture = Image.open(portrait)
    picture.thumbnail((800, 800))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    data = io.BytesIO()
    picture.rotate(90, expand=True).save(data, "JPEG", exif=exif)
    found = find_faces(data.getvalue(), models=models)
    assert found.image.shape[:2] == (picture.height, picture.width)


def test_no_photograph_is_no_probe(models: Models) -> None:
    with pytest.raises(ImageError, match="no photograph"):
        make_probe([], models=models)


def test_a_photograph_without_a_face_is_told(models: Models) -> None:
    data = io.BytesIO()
    Image.new("RGB", (300, 300), "teal").save(data, "PNG")
    with pytest.raises(NoFaceFound, match="photograph: no face of at least 40 px"):
        make_probe([data.getvalue()], models=models)


def test_a_face_too_small_is_measured(models: Models, portrait: Path) -> None:
    picture = Image.open(portrait).convert("RGB")
    found = find_faces(portrait, models=models)
    scale = 24 / found.faces[0].box.width * found.image.shape[1] / picture.width
    small = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    wide = Image.new("RGB", (400, 400), "gray")
    wide.paste(small, (100, 100))
    data = io.BytesIO()
    wide.save(data, "PNG")
    with pytest.raises(NoFaceFound, match=r"the largest was \d\d px\. Use a closer photograph"):
        make_probe([data.getvalue()], models=models)


def test_of_several_faces_one_must_be_chosen(models: Models, two_people: bytes) -> None:
    with pytest.raises(
        SeveralFacesFound, match=r"shows 2 faces: 1 \(\d+ px wide at \d+, \d+\), 2 \(.*#2.*largest"
    ) as caught:
        make_probe([two_people], models=models)
    assert caught.value.count == 2

    found = find_faces(two_people, models=models)
    assert found.faces[0].box.width >= found.faces[1].box.width
    chosen = make_photograph(found, 2, models=models)
    assert chosen.face == found.faces[1]
    for number in (0, 3):
        with pytest.raises(ImageError, match=f"has no face number {number}, only 2"):
            make_photograph(found, number, models=models)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a picture"),
        (b"just text", "is not a picture"),
        (png_header(10_000, 10_000), "has 100 megapixels"),
        (png_header(100_000, 100_000), "megapixels|far too many pixels"),
        (png_header(500, 500), "cannot be read"),
        (b"\0" * (51 * 2**20), "is 51 MB"),
    ],
)
def test_what_is_no_usable_picture_is_told(models: Models, data: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        find_faces(data, models=models, name="upload")


def test_a_missing_file_is_named(models: Models, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.jpg: cannot be read"):
        find_faces(tmp_path / "gone.jpg", models=models)


def test_photographs_as_people_send_them_are_of_the_person(models: Models, shared: Path) -> None:
    for case in ("exif-unit-is-a-fraction", "grey-16-bit", "on-its-side", "upside-down"):
        folder = shared / "footage" / "cases" / f"photo-{case}"
        (sent,) = folder.glob("a.*")
        right, read = (make_probe([path], models=models) for path in (folder / "control.jpg", sent))
        assert np.linalg.norm(right.template - read.template) < 0.15, case
        assert bool(read.notes) == (case in ("on-its-side", "upside-down")), case
