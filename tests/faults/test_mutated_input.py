"""Photographs and districts damaged at random end in an answer or a refusal, never in a traceback.

The mutations are seeded, so that a failure can be repeated: its message names the kind of input and
the number of the mutation. SIGHTLINE_MUTATIONS asks for more of them (make soak).
"""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from heic import write_heic
from mutations import MUTATIONS, mutated, try_all
from PIL import Image

from workbench.district import decoded, from_geojson, to_geojson
from workbench.errors import DistrictError, ImageError
from workbench.faces.photographs import read_photograph

WORDS = (
    b"null", b"[]", b"{}", b"1e999", b"-1e308", b"NaN", b'"\\ud800"', b"180.0001", b"[[", b"]]",
    b'"Point"', b'"GeometryCollection"', b'"radius"', b"300", b"-90", b'""', b"\xef\xbb\xbf",
)  # fmt: skip


def stored(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.copy().save(buffer, kind, **options)
    return buffer.getvalue()


def exif() -> bytes:
    tags = Image.Exif()
    tags.update(
        {0x0112: 6, 0x010F: "Maker", 0x011A: 72.0, 0x0128: 2, 0x0132: "2026:03:29 00:00:00"}
    )
    return tags.tobytes()


@pytest.fixture(scope="module")
def photographs(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small photograph in each kind of file that is read."""
    picture = Image.open(portrait).convert("RGB")
    picture.thumbnail((96, 96))
    grey = np.asarray(picture.convert("L"))
    blank = Image.new("RGB", picture.size)
    heic = tmp_path_factory.mktemp("heic") / "a.heic"
    write_heic(heic, picture, quarter_turns=1)
    many = {"save_all": True, "append_images": [picture.copy(), blank.copy()]}
    return {
        "JPEG": stored(picture, "JPEG", exif=exif()),
        "progressive": stored(picture, "JPEG", progressive=True, exif=exif()),
        "CMYK": stored(picture.convert("CMYK"), "JPEG"),
        "PNG": stored(picture, "PNG", exif=exif()),
        "palette": stored(picture.convert("P"), "PNG", transparency=3),
        "16 bits": stored(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
        "APNG": stored(blank, "PNG", **many),
        "GIF": stored(blank, "GIF", **many),
        "WebP": stored(picture, "WEBP", exif=exif()),
        "moving WebP": stored(blank, "WEBP", **many),
        "TIFF": stored(picture, "TIFF", tiffinfo={0x0112: 6}),
        "packed TIFF": stored(picture, "TIFF", compression="tiff_lzw"),
        "float TIFF": stored(Image.fromarray(grey.astype(np.float32) / 255), "TIFF"),
        "pages": stored(blank, "TIFF", **many),
        "AVIF": stored(picture, "AVIF", exif=exif()),
        "HEIC": heic.read_bytes(),
        "JPEG 2000": stored(picture, "JPEG2000"),
        "BMP": stored(picture, "BMP"),
        "TGA": stored(picture, "TGA", compression="tga_rle"),
        "PCX": stored(picture, "PCX"),
        "SGI": stored(picture, "SGI"),
        "PPM": stored(picture, "PPM"),
        "PGM": b"P2 4 2 65535\n0 1 2 3 4 5 6 65535\n",
    }


@pytest.mark.soak
def test_mutated_photographs_are_read_or_refused(photographs: dict[str, bytes]) -> None:
    outcomes = {"read": 0, "refused": 0}

    def read(content: bytes) -> None:
        try:
            image = read_photograph(content, "upload")
        except ImageError:
            outcomes["refused"] += 1
        else:
            assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)
            assert 0 < max(image.shape) <= 1600
            outcomes["read"] += 1

    for kind, content in photographs.items():
        read(content)
        assert outcomes["refused"] == 0, f"{kind} is not read as it is"
        outcomes["read"] = 0
    for kind, content in photographs.items():
        try_all(kind, partial(mutated, content), read, MUTATIONS)
    assert min(outcomes.values()) > MUTATIONS, outcomes


RING = [[-0.012, 51.476], [0.0, 51.476], [0.0, 51.485], [-0.012, 51.485], [-0.012, 51.476]]
AREA = {"type": "Polygon", "coordinates": [RING]}
LABEL = {"type": "Point", "coordinates": [-0.006, 51.48]}
FEATURES = [
    {"type": "Feature", "properties": {"name": "Büro"}, "geometry": AREA},
    {"type": "Feature", "properties": {"radius": 300, "name": "Circle"}, "geometry": LABEL},
    {
        "type": "Feature",
        "properties": None,
        "geometry": {"type": "GeometryCollection", "geometries": [AREA, LABEL]},
    },
]
DISTRICTS = {
    "polygon": json.dumps(AREA).encode(),
    "pieces": json.dumps({"type": "MultiPolygon", "coordinates": [[RING]]}).encode("utf-16"),
    "features": json.dumps({"type": "FeatureCollection", "features": FEATURES}).encode(),
    "circle": b"\xef\xbb\xbf" + json.dumps(FEATURES[1]).encode(),
    "lines": "\n".join(map(json.dumps, FEATURES)).encode(),
    "across": json.dumps(
        {"type": "Polygon", "coordinates": [[[x + 180, y] for x, y in RING]]}
    ).encode(),
}


@pytest.mark.soak
def test_mutated_districts_are_read_or_refused() -> None:
    outcomes = {"read": 0, "refused": 0}

    def read(content: bytes) -> None:
        try:
            text = decoded(content)
        except UnicodeDecodeError:
            return  # the doors refuse it as no text
        try:
            district = from_geojson(text)
        except DistrictError:
            outcomes["refused"] += 1
            return
        west, south, east, north = district.area.bounds
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
        assert district.area.is_valid
        json.dumps(to_geojson(district), ensure_ascii=False, allow_nan=False).encode()
        outcomes["read"] += 1

    for kind, content in DISTRICTS.items():
        read(content)
        assert outcomes["refused"] == 0, f"{kind} is not read as it is"
    outcomes["read"] = 0
    for kind, content in DISTRICTS.items():
        try_all(kind, partial(mutated, content, bits=WORDS), read, 5 * MUTATIONS)
    assert min(outcomes.values()) > MUTATIONS, outcomes
