"""A process that stores small recordings as fast as it can, and says which are stored."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pictures import jpeg

from workbench.domain import (
    Box,
    Camera,
    IndexedRecording,
    Profile,
    Quality,
    Recording,
    Shot,
    Tracklet,
)
from workbench.gallery import Gallery

START = datetime(2026, 3, 29, tzinfo=UTC)
PROFILE = Profile("test", "dlib", "Dlib", "dlib-chip", "euclidean", 16, (("a.dat", "00"),))
CAMERA = Camera("C0", "Gate", 51.48, -0.01)
TRACKLETS = 5


def numbered(number: int) -> IndexedRecording:
    """Recording *number*: five tracklets whose templates all begin with that number."""
    began = START + timedelta(seconds=20 * number)
    made = Recording(f"{number}.mp4", Path("x.mp4"), CAMERA.camera_id, began)
    quality = Quality(0.8, 0.8, 0.8, 0.8, 0.8)
    tracklets = []
    for ordinal in range(TRACKLETS):
        vector = np.random.default_rng(number * TRACKLETS + ordinal).normal(0, 0.3, 16)
        vector[0] = number
        template = vector.astype(np.float32)
        shot = Shot(1.0, began, Box(1, 2, 3, 4), quality, jpeg(f"jpeg {number}."), template)
        tracklets.append(
            Tracklet(ordinal, began, began + timedelta(seconds=5), 9, (shot,), template)
        )
    return IndexedRecording(
        made, f"{number:064x}", 1, 1, 20.0, 64, 48, 1, 1, TRACKLETS, tuple(tracklets)
    )


class Filling(NamedTuple):
    """The process, and what it says: the number of each recording that is stored."""

    process: BaseProcess
    said: Connection

    def rest(self) -> list[int]:
        """All that it still said before it ended."""
        numbers = []
        while True:
            try:
                numbers.append(self.said.recv())
            except (EOFError, OSError):  # the last may be half said
                return numbers


@contextmanager
def filling(path: Path, first: int = 0) -> Iterator[Filling]:
    """A process that has the gallery open, and stores recordings from number *first* on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workbench.gallery.store"])  # once, for all that are killed
    said, saying = context.Pipe(duplex=False)
    process = context.Process(target=fill, args=(path, first, saying), daemon=True)
    process.start()
    saying.close()
    try:
        assert said.recv() == "open"
        yield Filling(process, said)
    finally:
        process.kill()
        process.join()
        said.close()


def fill(path: Path, number: int, saying: Connection) -> None:
    """Store recordings until the process is killed."""
    with Gallery.for_writing(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        saying.send("open")
        while True:
            if not gallery.holds(numbered(number).recording_id):
                gallery.add_recording(numbered(number))
            saying.send(number)
            number += 1
