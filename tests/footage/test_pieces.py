"""Films of a piece of a recording: coarse all over, or as it is, from the second that was asked."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from films import RATE, SIZE, write

from workbench.errors import RecordingError
from workbench.footage.pieces import BLOCKS_ACROSS, film_of


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six seconds of noise, brighter by the second."""
    noise = np.random.default_rng(0).integers(0, 100, (*SIZE, 3))
    pictures = (np.uint8(noise + 20 * (number // RATE)) for number in range(6 * RATE))
    return write(tmp_path / "gate.mp4", pictures)


def pictures(film: bytes) -> list[tuple[float, np.ndarray]]:
    with av.open(io.BytesIO(film)) as opened:
        return [(f.time, f.to_ndarray(format="gray")) for f in opened.decode(video=0)]


def test_a_piece_is_coarse_unless_it_is_to_be_sharp(recording: Path) -> None:
    coarse, sharp = (pictures(film_of(recording, 2.0, 4.0, sharp=s)) for s in (False, True))
    assert [round(coarse[0][0], 2), round(coarse[-1][0], 1)] == [0.0, 2.0 - round(1 / RATE, 1)]
    first = sharp[0][1]
    assert first.shape == (SIZE[0] // 2 * 2, SIZE[1] // 2 * 2)
    assert abs(first.mean() - 89) < 8  # of the third second
    assert first.std() > 4 * coarse[0][1].std()
    # What changes from pixel to pixel is gone: no detail below a block.
    assert (
        np.abs(np.diff(coarse[0][1].astype(int), axis=1)).mean()
        < 0.3 * np.abs(np.diff(first.astype(int), axis=1)).mean()
    )
    assert SIZE[1] > BLOCKS_ACROSS


def test_a_piece_without_length_is_the_picture_shown_then(recording: Path) -> None:
    for second in (2.0, 2.0 + 0.4 / RATE):
        ((_, alone),) = pictures(film_of(recording, second, second, sharp=True))
        _, first = pictures(film_of(recording, second, 4.0, sharp=True))[0]
        assert np.abs(alone.astype(int) - first).mean() < 10  # 20 from second to second


def test_where_there_is_no_picture_nothing_is_shown(recording: Path) -> None:
    with pytest.raises(RecordingError, match="shows nothing between"):
        film_of(recording, 60.0, 70.0, sharp=False)
