"""Recordings that hang upside down, lie on their side or are squeezed, and do not say so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import cv2
import films
import numpy as np
import pytest

from workbench.domain import Box, IndexedRecording, Recording
from workbench.faces.models import Models, load
from workbench.indexing.layout import KEPT, Sample
from workbench.indexing.recording import index_recording

PERSON = "Edwin Marsh"

Index = Callable[..., IndexedRecording]


@pytest.fixture(scope="module")
def index(cuts: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Index:
    """``index(lay)``: the cut of one person, every picture laid by a function, indexed."""
    models: Models = load("dlib", home=tmp_path_factory.mktemp("models"))
    folder = tmp_path_factory.mktemp("layout")
    with av.open(str(cuts[PERSON])) as container:
        seen = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]

    def index(
        lay: Callable[[np.ndarray], np.ndarray],
        *,
        pictures: slice = slice(None),
        rotation: int | None = None,
    ) -> IndexedRecording:
        laid: Iterable[np.ndarray] = (lay(picture) for picture in seen[pictures])
        path = films.write(folder / "a.mkv", laid)
        started = datetime(2026, 3, 29, tzinfo=UTC)
        recording = Recording("a.mkv", path, "C1", started, rotation=rotation)
        return index_recording(recording, models)

    return index


def turned(degrees: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda picture: np.rot90(picture, -degrees // 90)


def half_width(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, None, fx=0.5, fy=1, interpolation=cv2.INTER_AREA)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lay", "rotation", "aspect", "told"),
    [
        (turned(180), 180, None, "read turned by 180 degrees, since its faces stand on their head"),
        (turned(90), 270, None, "read turned by 270 degrees, since its faces lie on their side"),
        (half_width, None, Fraction(2), "pixels twice as wide as high, since its faces are half"),
    ],
)
def test_it_is_read_as_its_faces_stand_and_that_is_told(
    index: Index,
    lay: Callable[[np.ndarray], np.ndarray],
    rotation: int | None,
    aspect: Fraction | None,
    told: str,
) -> None:
    found = index(lay)
    assert told in found.problems[0].what
    assert (found.recording.rotation, found.recording.pixel_aspect) == (rotation, aspect)
    assert (found.width, found.height) == (640, 360)
    assert [tracklet.searchable for tracklet in found.tracklets] == [True]
    assert found.tracklets[0].shots[0].quality.overall > 0.7


@pytest.mark.slow
def test_what_is_stated_is_not_doubted(index: Index) -> None:
    found = index(turned(180), rotation=0)
    assert found.problems == ()
    assert found.recording.rotation == 0
    assert (found.width, found.height) == (640, 360)


@pytest.mark.slow
def test_too_few_faces_are_told_and_decide_nothing(index: Index) -> None:
    found = index(turned(180), pictures=slice(12, 20))
    assert "may have to be read turned by 180 degrees" in found.problems[0].what
    assert found.recording.rotation is None


def test_a_sample_is_bounded_and_spread_over_the_recording() -> None:
    sample = Sample()
    for number in range(1000):
        picture = np.full((40, 60, 3), number // 4, np.uint8)
        sample.offer(picture, [Box(10, 10, 20, 20)])
    pictures, in_any_case = sample.in_order_of_trial()
    assert KEPT / 2 <= len(pictures) <= KEPT
    assert in_any_case == len(pictures)  # one in 24 would be more than were kept
    assert all(part.shape == (20, 20, 3) for parts in pictures for part in parts)
    moments = sorted(4 * round(float(parts[0].mean())) for parts in pictures)
    assert max(np.diff([0, *moments, 1000])) <= 1000 / (KEPT / 2) + 4
