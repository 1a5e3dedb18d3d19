"""A process that stores small recordings as fast as it can, and says which are stored.

python filling.py GALLERY FIRST
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


def main() -> None:
    path, number = Path(sys.argv[1]), int(sys.argv[2])
    with Gallery.for_writing(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        print("open", flush=True)
        while True:
            if not gallery.holds(numbered(number).recording_id):
                gallery.add_recording(numbered(number))
            print(number, flush=True)
            number += 1


if __name__ == "__main__":
    main()
