"""What passes between processes on several machines is not pickled, and comes as it was."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from workbench.domain import (
    Box,
    IndexedRecording,
    Leg,
    Place,
    Problem,
    Quality,
    Recording,
    ScoreCount,
    Shot,
    Stretch,
    Tracklet,
    Unseen,
)
from workbench.errors import ModelError, RecordingError, SightlineError
from workbench.indexing import passing
from workbench.indexing.on_node import Answer, footage_here
from workbench.indexing.passing import pack, unpack

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def indexed() -> IndexedRecording:
    """Each field other than its default, with every kind of value."""
    template = np.array([0.1, -0.0, np.nan, 1e-40], np.float32)
    quality = Quality(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    shot = Shot(1 / 3, NOON, Box(0.1, 2.0, 3.0, 4.0), quality, b"\xff\xd8\0", template)
    recording = Recording(
        "a/é.mkv", Path("/on/a/é.mkv"), "C1", NOON, 12.5, 2, 90, Fraction(4, 3), 1.5, "camera",
        "set by hand", Path("/on/a.gpx"), "/on",
    )  # fmt: skip
    return IndexedRecording(
        recording, "0" * 64, 1, 2, 3.5, 4, 5, 6, 7, 8,
        (Tracklet(0, NOON, NOON, 2, (shot,), shot.template, 0.1, None, ((0.5, shot.box),)),
         Tracklet(1, NOON, NOON, 1)),
        (Problem("a", "b", 1.0), Problem("a", "b")), 2, "damage", 9.5,
        (Stretch(0.0, "d", 1.0, 2.0, "anna", "by ear", NOON, "camera", "n"),),
        (Unseen(1.0, 2.0, "lost"),), (Leg(0.0, 1.0, Place(1.0, 2.0)), Leg(1.0, 2.0, None)),
        "film", "f" * 16, (ScoreCount("plain", 0.1, 0.2, 0.3, 4),),
    )  # fmt: skip


def test_a_recording_comes_as_it_was(indexed: IndexedRecording) -> None:
    for field in fields(IndexedRecording):  # so that a new field is not forgotten here
        assert getattr(indexed, field.name) not in (field.default, ()), field.name

    message = pack(Answer(indexed=indexed))
    assert type(message) is bytes
    again = unpack(Answer, message).indexed
    assert again is not None
    assert repr(again) == repr(indexed)
    (shot,), (known,) = again.tracklets[0].shots, indexed.tracklets[0].shots
    assert shot.jpeg == known.jpeg
    assert shot.template.tobytes() == known.template.tobytes()
    assert again.tracklets[0].moments == indexed.tracklets[0].moments
    assert again.recording == indexed.recording


@pytest.mark.parametrize("kind", [RecordingError, ModelError])
def test_an_error_comes_as_it_was(kind: type[SightlineError]) -> None:
    error = unpack(Answer, pack(Answer(refused=kind("w", where="h", fix="f")))).refused
    assert type(error) is kind
    assert str(error) == "h: w. f."


def test_what_is_no_value_of_the_domain_is_not_passed() -> None:
    with pytest.raises(TypeError, match="object is not passed"):
        pack((object(),))


def test_another_version_has_another_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "indexing").mkdir()
    monkeypatch.setattr(passing, "__file__", str(tmp_path / "indexing" / "passing.py"))
    found = []
    for change in ("a = 1", "a = 2"):
        (tmp_path / "module.py").write_text(change)
        found.append(passing.code.__wrapped__())
    (tmp_path / "module.py").rename(tmp_path / "other.py")
    assert len({*found, passing.code.__wrapped__()}) == 3


def test_footage_is_found_by_the_root_of_the_node(tmp_path: Path) -> None:
    film = tmp_path / "mnt" / "town" / "day" / "a.mkv"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"12345")
    track = film.with_name("a.gpx")
    track.write_text("<gpx/>")
    root = "/where/it/is/stored/town"
    recording = Recording("day/a.mkv", Path(f"{root}/day/a.mkv"), "C1", NOON, catalogue=root)
    for there in (tmp_path / "mnt" / "town", tmp_path / "mnt"):
        assert footage_here(recording, 5, there).path == film
    with pytest.raises(SightlineError, match="the node does not have it"):
        footage_here(recording, 5, None)
    with pytest.raises(RecordingError, match="is another file on node"):
        footage_here(recording, 6, tmp_path / "mnt")
