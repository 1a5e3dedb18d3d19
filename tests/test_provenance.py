"""Each best shot can be cut again from its source, and is the same."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from workbench.demo import demo_town
from workbench.faces.quality import crop
from workbench.faces.tracklets import PICTURE_MARGIN
from workbench.footage.files import sha256_of
from workbench.footage.frames import RecordingReader
from workbench.gallery import Gallery


def test_best_shots_can_be_cut_again_from_the_source(demo: Path) -> None:
    root = demo_town().root
    checked = 0
    with Gallery.open(demo) as gallery:
        for recording in gallery.recordings().itertuples():
            source = root / recording.file
            assert sha256_of(source) == recording.sha256
            tracklets = gallery.tracklets()
            mine = tracklets[(tracklets["recording"] == recording.file) & tracklets["searchable"]]
            shots = {
                round(shot.seconds, 6): shot
                for name in mine["tracklet_id"]
                for shot in gallery.shots(name)
            }
            with RecordingReader(source) as reader:
                for frame in reader.frames():
                    shot = shots.pop(round(frame.seconds, 6), None)
                    if shot is None:
                        continue
                    kept = cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR)
                    again = crop(frame.image(), shot.box.widened(PICTURE_MARGIN))
                    assert kept.shape == again.shape
                    noise = float(np.abs(kept.astype(int) - again.astype(int)).mean())
                    assert noise < 4, "more than a JPEG file of quality 88 changes"
                    other = np.roll(again, math.ceil(again.shape[1] / 4), axis=1)
                    assert float(np.abs(kept.astype(int) - other.astype(int)).mean()) > noise
                    checked += 1
            assert not shots, "every shot's time is that of a frame"
    assert checked > 50
