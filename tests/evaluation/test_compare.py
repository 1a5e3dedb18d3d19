"""Profiles side by side, with the embedded networks."""

from __future__ import annotations

from pathlib import Path

from workbench.evaluation.compare import Combination, measure, side_by_side
from workbench.evaluation.data import people_in


def test_combinations_are_measured_on_the_same_pictures(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    people = sorted(p for p in (shared / "faces" / "lfw").glob("P*") if p.is_dir())
    for person in [p for p in people if len(list(p.glob("*.jpg"))) >= 2][:8]:
        (folder / person.name).mkdir(parents=True)
        for picture in sorted(person.glob("*.jpg"))[:2]:
            (folder / person.name / picture.name).write_bytes(picture.read_bytes())
    stills = people_in(folder)
    measured = [
        measure(Combination("dlib"), stills, cache=tmp_path / "cache"),
        measure(Combination("dlib", metric="cosine"), stills, cache=tmp_path / "cache"),
        measure(Combination("dlib", alignment="deepface"), stills, cache=tmp_path / "cache"),
    ]
    frame = side_by_side(measured, fmr=0.1)
    assert frame["combination"].tolist() == ["dlib", "dlib, cosine", "dlib, deepface"]
    assert (frame["ms a picture"] > 0).all()
    assert (frame["MiB"] > 0).all()
    assert frame["EER"].iloc[0] <= 0.2
    # Each has templates, and a profile, of its own.
    assert len({one.samples.profile.fingerprint for one in measured}) == 3
