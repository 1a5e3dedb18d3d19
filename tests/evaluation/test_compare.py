"""Profiles side by side, with the embedded networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.demo import demo_town
from workbench.evaluation.compare import Combination, measure, side_by_side
from workbench.evaluation.data import people_in


@pytest.mark.slow
def test_combinations_are_measured_on_the_same_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    town = demo_town()
    for person, pictures in {**town.photographs, **town.absent}.items():
        (folder / person).mkdir(parents=True)
        for picture in pictures[:2]:
            (folder / person / picture.name).write_bytes(picture.read_bytes())
    stills = people_in(folder)
    measured = [
        measure(Combination("dlib"), stills, home=tmp_path / "models", cache=tmp_path / "cache"),
        measure(
            Combination("dlib", metric="cosine"),
            stills,
            home=tmp_path / "models",
            cache=tmp_path / "cache",
        ),
        measure(
            Combination("dlib", alignment="deepface"),
            stills,
            home=tmp_path / "models",
            cache=tmp_path / "cache",
        ),
    ]
    frame = side_by_side(measured, fmr=0.1)
    assert frame["combination"].tolist() == ["dlib", "dlib, cosine", "dlib, deepface"]
    assert (frame["ms a picture"] > 0).all()
    assert (frame["MiB"] > 0).all()
    assert frame["EER"].iloc[0] <= 0.2
    # Each has templates, and a profile, of its own.
    assert len({one.samples.profile.fingerprint for one in measured}) == 3
