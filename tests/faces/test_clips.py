"""Clips show the followed face sharp and nothing else."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from workbench.demo import demo_town
from workbench.domain import Reading, Recording
from workbench.errors import RecordingError
from workbench.faces.clips import BLOCKS_ACROSS, cut
from workbench.faces.detection import detect
from workbench.footage.catalog import read_catalogue
from workbench.footage.frames import RecordingReader
from workbench.indexing import index_recording
from workbench.installation import Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(installation: Installation) -> Any:
    return installation.load_models()


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A clip of the demo in which two people pass."""
    return read_catalogue(demo_town().root).recordings[0]


@pytest.fixture(scope="module")
def shots(recording: Recording, models: Any) -> Any:
    found = index_recording(recording, models)
    return max(found.tracklets, key=lambda tracklet: tracklet.detections).shots


def pictures(clip: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(clip)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


def test_the_target_is_sharp_and_nobody_else_can_be_found(
    recording: Recording, shots: Any, models: Any
) -> None:
    clip = pictures(cut(recording.path, shots, models).coarse)
    with RecordingReader(recording.path) as reader:
        sources = [frame.image() for frame in reader.frames()]
        rate = len(sources) / reader.seconds
    start = max(0.0, min(shot.seconds for shot in shots) - 2)
    best = shots[0]
    here = clip[round((best.seconds - start) * rate)]
    assert here.shape == sources[0].shape
    # The face is found where it was, and is the only one.
    faces = detect(models, here, min_width=30)
    assert len(faces) == 1
    assert faces[0].box.overlap(best.box) > 0.4
    for picture in clip[:: max(1, len(clip) // 8)]:
        assert len(detect(models, picture, min_width=30)) <= 1


def test_away_from_the_face_no_detail_is_left(
    recording: Recording, shots: Any, models: Any
) -> None:
    clip = pictures(cut(recording.path, shots, models, margin=0.1).coarse)
    best = shots[0].box.widened(0.6)
    here = clip[0].copy()
    here[max(0, round(best.y)) : round(best.y + best.height)] = 0
    few = cv2.resize(here, (BLOCKS_ACROSS, 27), interpolation=cv2.INTER_AREA)
    again = cv2.resize(few, here.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    rows = np.flatnonzero(here.any(axis=(1, 2)))[20:-20]
    # Blocks of one colour, but for what compression adds.
    assert np.abs(here[rows].astype(int) - again[rows]).mean() < 4


def test_a_recording_that_shows_something_else_there_makes_no_clip(
    recording: Recording, shots: Any, models: Any
) -> None:
    elsewhere = [replace(shot, box=shot.box.moved(-120, 0)) for shot in shots]
    earlier = [replace(shot, seconds=shot.seconds - 1) for shot in shots]
    between = [replace(shot, seconds=shot.seconds + 0.04) for shot in shots]
    for wrong in (elsewhere, earlier, between):
        with pytest.raises(RecordingError, match="does not show the face"):
            cut(recording.path, wrong, models)


def test_a_time_that_the_recording_does_not_hold_is_told(
    recording: Recording, shots: Any, models: Any
) -> None:
    late = [replace(shot, seconds=shot.seconds + 1000) for shot in shots]
    with pytest.raises(RecordingError, match="holds no picture between"):
        cut(recording.path, late, models)


def test_a_recording_is_read_as_it_was_indexed(
    recording: Recording, shots: Any, models: Any, tmp_path: Path
) -> None:
    """Its camera hangs upside down, which the catalogue said or its faces showed."""
    turned = tmp_path / "turned.mkv"
    with av.open(str(recording.path)) as source, av.open(str(turned), "w") as film:
        given = source.streams.video[0]
        stream = film.add_stream("libx264", rate=given.average_rate, options={"crf": "12"})
        stream.width, stream.height = given.width, given.height
        stream.time_base = stream.codec_context.time_base = given.time_base
        for frame in source.decode(video=0):
            picture = np.ascontiguousarray(frame.to_ndarray(format="bgr24")[::-1, ::-1])
            upside_down = av.VideoFrame.from_ndarray(picture, format="bgr24")
            upside_down.pts, upside_down.time_base = frame.pts, frame.time_base
            film.mux(stream.encode(upside_down))
        film.mux(stream.encode())
    with pytest.raises(RecordingError, match="does not show the face"):
        cut(turned, shots, models, margin=0.1)
    clip = cut(turned, shots, models, margin=0.1, reading=Reading(rotation=180)).coarse
    assert len(pictures(clip)) > 1
