"""Galleries of an earlier Sightline come over whole by one command, without their footage."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from former import unpacked
from searching import found

from workbench.casework.record.installation_file import make_installation
from workbench.cli.main import main
from workbench.domain import PERHAPS_TWICE, ClockCorrection
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.earlier import COUNTED, JUMPED, NOTE, ORDERED

START = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A gallery of schema 3: a clock jumps, one recording is in it twice, two were counted."""
    return unpacked(3, tmp_path)


@pytest.mark.parametrize("schema", [3, 4])
def test_the_refusal_of_an_earlier_gallery_names_the_way_over(tmp_path: Path, schema: int) -> None:
    with pytest.raises(GalleryError, match=f"has schema version {schema}") as refused:
        Gallery.open(unpacked(schema, tmp_path))
    assert "sightline gallery upgrade" in refused.value.fix
    assert "index" not in refused.value.fix


def test_an_upgrade_is_on_record_and_says_whose_the_gallery_is(
    old: Path, office: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    office.sit("ada")
    (old.parent / "casework").mkdir()
    make_installation(old.parent / "casework")
    assert main(["gallery", "upgrade", str(old)]) == 2
    assert "lies in the home of another installation" in capsys.readouterr().err
    assert not office.events("gallery.writing")
    shutil.rmtree(old.parent / "casework")
    main(["gallery", "upgrade", str(old)])
    assert f"sightline installation take {old}" in capsys.readouterr().err.replace("\n", " ")
    (entry,) = office.events("gallery.writing")
    assert (entry.account, entry.about["doing"]) == ("ada", "upgrade")
    assert main(["installation", "take", str(old)]) == 0


def test_a_gallery_of_another_installation_is_that_ones_to_upgrade(
    tmp_path: Path, office: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    office.sit("ada")
    path = unpacked(4, tmp_path)
    before = path.read_bytes()
    assert main(["gallery", "upgrade", str(path)]) == 2
    said = capsys.readouterr().err.replace("\n", " ")
    assert f"belongs to another installation, whose id is {'ab' * 16}" in said
    assert not office.events("gallery.writing")
    assert path.read_bytes() == before


def test_everything_comes_over_and_ids_stay(
    old: Path, fresh_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gallery", "upgrade", str(old), "--json"]) == 1  # something is there twice
    said = capsys.readouterr()
    assert "10 recordings upgraded from schema 3." in said.err
    assert "Index them into a new gallery to have every picture looked at" in said.err
    assert "An offset that footage.csv stated is part of the recorded time now" in said.err
    (told,) = map(json.loads, said.out.splitlines())
    assert told == {
        "upgraded": True, "schema": 3, "recordings": 10, "doubtful": 3,
        "twice": ["0-0.mp4", "again.mp4"],
    }  # fmt: skip
    assert main(["gallery", "upgrade", str(old)]) == 0
    assert "of this version already" in capsys.readouterr().err
    setting = ["footage", "clock", "set", "--camera", "C1", "--ahead", "60", "--how", "a bus"]
    assert main([*setting, "--gallery", str(old), "--dry-run"]) == 0
    assert f"Look at 2 times again: {PERHAPS_TWICE}." in capsys.readouterr().err.replace("\n", " ")
    with Gallery.open(old, write=True) as new:
        assert list(check(new)) == []
        name = "d58e96033e57d777"  # as schema 3 named it
        candidates = [c for c in found(new) if c.recording_id == name]
        assert {c.recording for c in candidates} == {"1-0.mp4"}
        seen = [START + timedelta(minutes=minute) for minute in range(5)]
        assert [c.first_seen for c in candidates] == seen
        pictures = [f"jpeg 0 of {seed}".encode() for seed in range(10, 15)]
        shown = [c.shot_jpeg for c in candidates]
        assert all(comment in jpeg for comment, jpeg in zip(pictures, shown, strict=True))
        assert candidates[0].time.mark == "time by earlier rules"
        words = f"recorded as Sun 29 Mar 2026, 00:00:00 UTC; {NOTE}"
        assert candidates[0].time.in_words() == words
        doubts = [c.time.doubt for c in found(new) if c.recording == "4-300.mp4"]
        assert doubts == ["", JUMPED, JUMPED]
        told = {c.recording: (c.time.doubt, c.time.note) for c in found(new)}
        assert told["a/*.jpg"] == (ORDERED, "")
        assert told["b/RAW.H264"] == (COUNTED, "")
        assert (len(new.runs()), len(new.problems())) == (1, 2)
        # Its clocks can be corrected like any other.
        correction = ClockCorrection(60.0, "anna", "read", datetime(2026, 4, 1, tzinfo=UTC))
        changes = new.correct_clock(correction, camera_id="C1")
        # What the list stated is part of the recorded time; a camera's clock settles nothing.
        assert {change.note for change in changes} == {PERHAPS_TWICE}
        assert {c.time.note for c in found(new) if c.recording_id == name} == {NOTE}
        (change,) = new.correct_clock(correction, recordings=[name])
        assert (change.tracklets, change.note) == (6, "")
        assert {c.time.note for c in found(new) if c.recording_id == name} == {""}
        moved = [c.first_seen for c in found(new) if c.recording_id == name]
        assert moved == [one - timedelta(minutes=1) for one in seen]
        assert list(check(new)) == []
