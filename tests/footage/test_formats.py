"""The formats that docs/footage.md lists are those that are tried, by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from filmfuzz import FILMS
from heic import write_heic
from PIL import Image

from workbench.errors import RecordingError
from workbench.footage.frames import RecordingReader

REPOSITORY = Path(__file__).parents[2]
FORMATS = (REPOSITORY / "docs" / "footage.md").read_text("utf-8").split("## Formats\n")[1]
FORMATS = FORMATS.split("\n## ")[0]


def test_the_films_listed_are_those_that_are_read() -> None:
    table = FORMATS.split("| --- | --- |\n")[1].split("\n\n")[0]
    listed = dict(re.fullmatch(r"\| (.+) \| (.+) \|", line).groups() for line in table.splitlines())
    tried: dict[str, list[str]] = {}
    for container, codec, *_ in FILMS.values():
        tried.setdefault(container, []).append(codec)
    assert listed == {container: ", ".join(codecs) for container, codecs in tried.items()}


def test_the_tests_named_exist() -> None:
    defined = {
        name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", FORMATS))
    assert len(named) > 20
    assert named <= defined


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "gif"])
def test_pictures_of_any_kind_are_a_sequence(tmp_path: Path, suffix: str) -> None:
    for number in range(1, 12):
        Image.new("RGB", (64, 48), (20 * number, 20, 20)).save(tmp_path / f"{number}.{suffix}")
    with RecordingReader(tmp_path / f"*.{suffix}", frame_rate=2) as reader:
        seen = [(f.seconds, round(f.image()[20, 20, 2] / 20)) for f in reader.frames()]
    assert seen == [((number - 1) / 2, number) for number in range(1, 12)]
    assert reader.problems == []


def test_what_is_known_not_to_be_read_is_refused(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 48), "teal")
    picture.save(tmp_path / "1.avif")
    write_heic(tmp_path / "1.heic", picture)
    picture.save(tmp_path / "a.jpg")
    jpeg = (tmp_path / "a.jpg").read_bytes()
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
    (tmp_path / "a.mjpg").write_bytes((part + jpeg + b"\r\n") * 3)
    picture.save(tmp_path / "a.webp", save_all=True, append_images=[picture], duration=500)
    for name in ("*.avif", "*.heic", "a.mjpg", "a.webp"):
        with (
            pytest.raises(RecordingError),
            RecordingReader(tmp_path / name, frame_rate=2) as reader,
        ):
            list(reader.frames())
