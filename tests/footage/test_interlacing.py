"""Pictures whose lines are of two moments come without combs, and no others lose lines."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import films
import numpy as np
import pytest

from workbench.demo import demo_town
from workbench.footage.frames import RecordingReader
from workbench.footage.interlacing import without_combs


@pytest.fixture(scope="module")
def moments() -> list[np.ndarray]:
    """Two moments of a person who walks, 1/4 s apart."""
    clip, begin, _ = films.CUTS["Edwin Marsh"]
    with av.open(str(demo_town().root / "clips" / f"{clip}.mp4")) as container:
        number = round((begin + 1.5) * films.RATE)
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    return pictures[number : number + 4 : 3]


def woven(moments: list[np.ndarray]) -> np.ndarray:
    picture = moments[0].copy()
    picture[1::2] = moments[1][1::2]
    return picture


def wrong(picture: np.ndarray, moments: list[np.ndarray]) -> float:
    """Mean difference from the first moment, grey levels, where the two differ by much."""
    first, second = (moment.astype(int) for moment in moments)
    moved = np.abs(first - second).max(axis=2) > 40
    assert moved.sum() > 1000
    return float(np.abs(picture.astype(int) - first)[moved].mean())


def test_where_something_moved_the_lines_are_of_one_moment(moments: list[np.ndarray]) -> None:
    combed = woven(moments)
    assert wrong(without_combs(combed), moments) < 0.4 * wrong(combed, moments)


def test_a_still_picture_keeps_its_lines(moments: list[np.ndarray]) -> None:
    changed = (without_combs(moments[0]) != moments[0]).any(axis=2)
    assert changed.mean() < 0.01


@pytest.mark.parametrize("interlaced", [True, False])
def test_the_stream_tells_which_pictures_are_interlaced(
    tmp_path: Path, moments: list[np.ndarray], interlaced: bool
) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = moments[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        stream.options = {"crf": "10"} | (
            {"x264-params": "interlaced=1:tff=1"} if interlaced else {}
        )
        frame = av.VideoFrame.from_ndarray(woven(moments), format="bgr24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with RecordingReader(path) as reader:
        picture = next(reader.frames()).image()
    assert picture.shape == (360, 1280, 3)
    stored = picture.reshape(360, 640, 2, 3).mean(axis=2)
    assert (wrong(stored, moments) < 0.5 * wrong(woven(moments), moments)) is interlaced
