"""Truth of footage, by which the benchmarks know whom a tracklet shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.truth import Truth, tracklets
from workbench.errors import EvaluationError


def test_footage_with_truth_says_whom_each_tracklet_shows(demo: Path, tmp_path: Path) -> None:
    from workbench.gallery import Gallery

    with Gallery.open(demo) as gallery:
        told = gallery.tracklets()
        first = told[told["searchable"]].iloc[0]
        shots = gallery.shots(first["tracklet_id"])
        boxes = {
            str(round(shot.seconds * 10)): [shot.box.x, shot.box.y, shot.box.width, shot.box.height]
            for shot in shots
        }
        truth = {
            "fps": 10, "wanted": ["A"], "absent": ["B"],
            "appearances": [
                {"file": first["recording"], "camera_id": first["camera_id"], "person": "A",
                 "first_seen": first["first_seen"].isoformat(),
                 "last_seen": first["last_seen"].isoformat(), "boxes": boxes}
            ],
        }  # fmt: skip
        path = tmp_path / "truth.json"
        path.write_text(json.dumps(truth))
        samples = tracklets(gallery, Truth.read(path))
    assert first["tracklet_id"] in set(samples.about["name"])
    assert set(samples.people) == {"A"}
    assert len(samples.failed)


def test_what_is_not_truth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text('{"fps": 12}')
    with pytest.raises(EvaluationError, match="is not truth of footage"):
        Truth.read(path)
