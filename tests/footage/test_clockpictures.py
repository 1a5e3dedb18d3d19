"""First and last picture of a stretch, sharp where the clock stands and nowhere else."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from films import RATE, write

from workbench.errors import ImageError, RecordingError
from workbench.footage.clockpictures import AREAS, clock_pictures, read_area
from workbench.footage.frames import RecordingReader

HEIGHT, WIDTH = 180, 320


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of noise, no two pictures alike."""
    chance = np.random.default_rng(2)
    few = chance.integers(0, 255, (6 * RATE, HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    pictures = (cv2.resize(one, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) for one in few)
    return write(tmp_path_factory.mktemp("film") / "noise.mp4", pictures)


def shown(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def decoded(film: Path) -> list[np.ndarray]:
    with RecordingReader(film) as reader:
        return [frame.image() for frame in reader.frames()]


def test_first_and_last_picture_are_sharp_in_the_area_of_the_clock_alone(film: Path) -> None:
    pictures = decoded(film)
    first, last = clock_pictures(film, area=read_area("bottom right"), end=6.0)
    assert (first.seconds, last.seconds) == (0.0, pytest.approx(6 - 1 / RATE))
    for taken, picture in ((first, pictures[0]), (last, pictures[-1])):
        found, inside = shown(taken.png), np.zeros((HEIGHT, WIDTH), bool)
        inside[158:, 160:] = True
        assert (found[inside] == picture[inside]).all()
        outside = np.where(inside[..., None], 0, found)
        # 16 by 9 blocks; a block beside the clock is cut, so it may stand twice.
        assert len(np.unique(outside[:158].reshape(158, -1), axis=0)) == 8
        assert len(np.unique(outside[:, :128].transpose(1, 0, 2).reshape(128, -1), axis=0)) == 7


def test_without_an_area_nothing_is_sharp(film: Path) -> None:
    for taken in clock_pictures(film, area=None):
        rows = shown(taken.png).reshape(HEIGHT, -1)
        assert len(np.unique(rows, axis=0)) == 9


def test_a_stretch_has_its_own_first_and_last_picture(film: Path) -> None:
    first, last = clock_pictures(film, area=None, start=1.5, end=4.0)
    assert (first.seconds, last.seconds) == (1.5, pytest.approx(4 - 1 / RATE))
    assert len(clock_pictures(film, area=None, start=1.5, end=1.5 + 1 / RATE)) == 1
    with pytest.raises(RecordingError, match=r"no picture from 7\.0 s to its end"):
        clock_pictures(film, area=None, start=7.0)


def test_areas_have_names_or_four_numbers() -> None:
    assert read_area(" Top-Left ") == AREAS["top left"]
    assert str(read_area("60, 2, 38, 8")) == "60,2,38,8"
    assert read_area("") is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("middle", "not a part of a picture"),
        ("1,2,3", "not a part of a picture"),
        ("0,0,100,100", "may show people"),
        ("0,0,10,13", "may show people"),
        ("95,0,10,5", "not inside the picture"),
        ("0,0,nan,5", "not inside the picture"),
        ("0,-1,5,5", "not inside the picture"),
    ],
)
def test_areas_that_could_show_people_are_refused(text: str, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        read_area(text)
