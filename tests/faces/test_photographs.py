"""Photographs as people have them: of any depth, format and tags, each read or refused by name."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from heic import write_heic
from PIL import Image

from workbench.errors import ImageError
from workbench.faces.photographs import read_photograph, read_with_notes

ORIENTATION, RESOLUTION_UNIT = 0x0112, 0x0128


@pytest.fixture(scope="module")
def picture(portrait: Path) -> Image.Image:
    """A photograph of one face, 400 pixels high."""
    picture = Image.open(portrait).convert("RGB")
    picture.thumbnail((400, 400))
    return picture


def stored(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def apart(content: bytes, expected: Image.Image) -> float:
    """Mean difference of a photograph as read from what it shows, in grey levels."""
    read = read_photograph(content, "a").astype(np.float32)
    return float(np.abs(read - np.asarray(expected.convert("RGB"))[:, :, ::-1]).mean())


def grey_of(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"))


DEEP: dict[str, Callable[[np.ndarray], bytes]] = {
    "16-bit PNG": lambda g: stored(Image.fromarray(g.astype(np.uint16) * 257), "PNG"),
    "12 bits in 16": lambda g: stored(Image.fromarray(g.astype(np.uint16) * 16), "PNG"),
    "8 bits in 16": lambda g: stored(Image.fromarray(g.astype(np.uint16)), "TIFF"),
    "16-bit TIFF": lambda g: stored(Image.fromarray(g.astype(np.uint16) * 257), "TIFF"),
    "32-bit TIFF": lambda g: stored(Image.fromarray(g.astype(np.int32) * 257), "TIFF"),
    "float to 1": lambda g: stored(Image.fromarray(g.astype(np.float32) / 255), "TIFF"),
    "float to 255": lambda g: stored(Image.fromarray(g.astype(np.float32)), "TIFF"),
    "float to 65535": lambda g: stored(Image.fromarray(g.astype(np.float32) * 257), "TIFF"),
    "white is zero": lambda g: stored(
        Image.fromarray(65535 - g.astype(np.uint16) * 257), "TIFF", tiffinfo={262: 0}
    ),
    "PGM of 16 bits": lambda g: (
        b"P5 %d %d 65535\n" % g.shape[::-1] + (g.astype(">u2") * 257).tobytes()
    ),
}


@pytest.mark.parametrize("kind", DEEP)
def test_grey_of_any_depth_keeps_its_greys(picture: Image.Image, kind: str) -> None:
    content = DEEP[kind](grey_of(picture))
    # Where the brightest pixel is not white, it may become so.
    assert apart(content, picture.convert("L")) < 6


def test_floating_point_of_any_range_is_spread(picture: Image.Image) -> None:
    grey = grey_of(picture).astype(np.float32) / 100 - 1
    grey[0, :3] = np.nan, np.inf, -np.inf
    read = read_photograph(stored(Image.fromarray(grey), "TIFF"), "a")
    assert read.std() > 20
    assert np.corrcoef(read[:, :, 0].ravel()[5:], grey.ravel()[5:])[0, 1] > 0.99


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "RGBA", "1", "YCbCr"])
def test_pixels_of_any_kind_are_read(picture: Image.Image, mode: str) -> None:
    kind = {"CMYK": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    shown = picture.convert(mode)
    assert apart(stored(shown, kind), shown.convert("RGB")) < 4


def test_what_is_transparent_is_white_unless_all_of_it_is(picture: Image.Image) -> None:
    cut_out = picture.convert("RGBA")
    cut_out.putalpha(Image.new("L", picture.size, 255))
    cut_out.paste((0, 0, 0, 0), (0, 0, 50, 50))
    read = read_photograph(stored(cut_out, "PNG"), "a")
    assert (read[:50, :50] == 255).all()
    cut_out.putalpha(0)
    assert apart(stored(cut_out, "PNG"), cut_out.convert("RGB")) < 1


def exif_with(tag: int, kind: int, count: int, value: bytes, orientation: int = 6) -> bytes:
    """EXIF of two tags: how the picture is turned, and another one, as it should not be."""
    entries = [struct.pack("<HHIHH", ORIENTATION, 3, 1, orientation, 0)]
    extra = b"" if len(value) <= 4 else value
    place = value.ljust(4, b"\0") if not extra else struct.pack("<I", 8 + 2 + 24 + 4)
    entries.append(struct.pack("<HHI", tag, kind, count) + place)
    directory = struct.pack("<H", 2) + b"".join(entries) + struct.pack("<I", 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + directory + extra


ODD_TAGS = {
    "a fraction for a unit": (RESOLUTION_UNIT, 5, 1, struct.pack("<II", 2, 1)),
    "a fraction of nothing": (RESOLUTION_UNIT, 5, 1, struct.pack("<II", 2, 0)),
    "text for a number": (0x0100, 2, 9, b"very wide\0"),
    "numbers for text": (0x010F, 3, 3, struct.pack("<HHH", 1, 2, 3)),
    "a kind that does not exist": (0x010F, 99, 1, b"abcd"),
    "far more than there is": (0x010F, 2, 2**31, b"abcd"),
    "a directory in nowhere": (0x8769, 4, 1, struct.pack("<I", 2**31)),
    "a negative": (RESOLUTION_UNIT, 9, 1, struct.pack("<i", -1)),
}


@pytest.mark.parametrize("odd", ODD_TAGS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_tags_do_not_keep_a_photograph_from_being_upright(
    picture: Image.Image, odd: str, kind: str
) -> None:
    content = stored(picture.rotate(90, expand=True), kind, exif=exif_with(*ODD_TAGS[odd]))
    assert apart(content, picture) < 6


@pytest.mark.parametrize(
    ("kind", "value", "upright"),
    [
        (5, struct.pack("<II", 6, 1), True),  # a fraction
        (5, struct.pack("<II", 6, 0), False),
        (2, b"6\0", True),  # text
        (2, b"six\0", False),
        (3, struct.pack("<H", 0), False),
        (3, struct.pack("<H", 9), False),
        (4, struct.pack("<I", 2**31), False),
        (3, struct.pack("<HHH", 6, 1, 1), True),  # several
    ],
)
def test_the_orientation_itself_may_be_odd(
    picture: Image.Image, kind: int, value: bytes, upright: bool
) -> None:
    turned = picture.rotate(90, expand=True)
    count = {2: len(value), 3: len(value) // 2}.get(kind, 1)
    place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", 26)
    entry = struct.pack("<HHHI", 1, ORIENTATION, kind, count) + place + struct.pack("<I", 0)
    content = stored(turned, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + entry + value)
    assert apart(content, picture if upright else turned) < 6


def test_exif_that_is_no_exif_is_passed_over(picture: Image.Image) -> None:
    content = stored(picture, "JPEG", exif=b"Exif\0\0" + bytes(range(200)))
    assert apart(content, picture) < 6


def test_tags_of_tiff_turn_it_once(picture: Image.Image) -> None:
    turned = picture.rotate(90, expand=True)
    content = stored(turned, "TIFF", tiffinfo={ORIENTATION: 6})
    assert apart(content, picture) < 1


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_heic_is_read_and_stands_as_it_says(
    picture: Image.Image, tmp_path: Path, quarter_turns: int
) -> None:
    path = tmp_path / "IMG_0001.HEIC"
    write_heic(path, picture.rotate(-90 * quarter_turns, expand=True), quarter_turns=quarter_turns)
    read = read_photograph(path, path.name).astype(np.float32)
    expected = np.asarray(picture)[: read.shape[0], : read.shape[1], ::-1]
    assert np.abs(read - expected).mean() < 3


def test_a_heic_that_is_cut_off_is_refused(picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    write_heic(path, picture)
    with pytest.raises(ImageError, match="a: "):
        read_photograph(path.read_bytes()[:2000], "a")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_picture_that_shows_something_is_used(
    picture: Image.Image, kind: str
) -> None:
    black, white = (Image.new("RGB", picture.size, colour) for colour in ("black", "white"))
    content = stored(black, kind, save_all=True, append_images=[white, picture.copy(), black])
    read, notes = read_with_notes(content, "a")
    assert np.abs(read.astype(float) - np.asarray(picture)[:, :, ::-1]).mean() < 12
    what = "a file of several pages" if kind == "TIFF" else "an animation"
    assert notes == (f"picture 3 of the 4 of {what}; no other was used",)


def test_an_animation_that_shows_nothing_is_refused_by_name() -> None:
    blank = [Image.new("RGB", (100, 100), (level, 0, 0)) for level in range(60)]
    content = stored(blank[0], "GIF", save_all=True, append_images=blank[1:])
    with pytest.raises(ImageError, match="is an animation whose first pictures show nothing"):
        read_photograph(content, "a")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "of a format that is not read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "of a format that is not read"),
        (b"%PDF-1.7\n", "of a format that is not read"),
    ],
)
def test_what_another_program_would_have_to_draw_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        read_photograph(content, "a")


def test_a_name_that_cannot_be_a_file_is_refused() -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_photograph(Path("a\0.jpg"), "a")
