"""Galleries of an earlier Sightline come over whole, without their footage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from earlier import earlier, identity
from searching import found

from workbench.casework.record.installation_file import make_installation
from workbench.cli.main import main
from workbench.domain import PERHAPS_TWICE, ClockCorrection, IndexedRecording, Problem
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.earlier import COUNTED, JUMPED, NOTE, ORDERED
from workbench.gallery.lifecycle import check
from workbench.gallery.register import segments_folder, version_of
from workbench.gallery.upgrade import upgrade

START = datetime(2026, 3, 29, tzinfo=UTC)
JUMPS = "its clock jumps from 61.000 s to 30.000 s"
Make = Callable[..., IndexedRecording]


@pytest.fixture
def old(gallery: Gallery, indexed: Make) -> Path:
    """A gallery of schema 3: a clock jumps, one recording is in it twice, two were counted."""
    jumping = indexed(4, 300, (90, 91, 92), problems=(Problem("x", JUMPS, 61.0),))
    gallery.add_recording(jumping)
    twice = indexed(3, 0, (93,))
    again = replace(twice.recording, started_at=START + timedelta(minutes=4), file="again.mp4")
    gallery.add_recording(replace(twice, recording=again, stored_id="f" * 16))
    for minute, file in ((30, "a/*.jpg"), (60, "b/RAW.H264")):
        counted = indexed(5, minute, (94 + minute,))
        gallery.add_recording(replace(counted, recording=replace(counted.recording, file=file)))
    gallery.add_run("x", START, START, indexed=2, refused=[(jumping.recording, "bad")], left=0)
    path = gallery.path
    gallery.close()
    earlier(path)
    return path


def test_the_refusal_of_an_earlier_gallery_names_the_way_over(old: Path) -> None:
    with pytest.raises(GalleryError, match="has schema version 3") as refused:
        Gallery.open(old)
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


def test_everything_comes_over_and_ids_stay(
    gallery: Gallery, indexed: Make, old: Path, fresh_home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["gallery", "upgrade", str(old), "--json"]) == 1  # something is there twice
    said = capsys.readouterr()
    assert "Index them into a new gallery to have every picture looked at" in said.err
    assert "An offset that footage.csv stated is part of the recorded time now" in said.err
    (told,) = map(json.loads, said.out.splitlines())
    assert told == {
        "upgraded": True, "recordings": 16, "doubtful": 3, "twice": ["3-0.mp4", "again.mp4"],
    }  # fmt: skip
    assert main(["gallery", "upgrade", str(old)]) == 0
    assert "of this version already" in capsys.readouterr().err
    setting = ["footage", "clock", "set", "--camera", "C0", "--ahead", "60", "--how", "a bus"]
    assert main([*setting, "--gallery", str(old), "--dry-run"]) == 0
    assert f"Look at 3 times again: {PERHAPS_TWICE}." in capsys.readouterr().err.replace("\n", " ")
    with Gallery.open(old, write=True) as new:
        assert list(check(new)) == []
        one = indexed(0, 0, (0, 1, 2, 3, 4))
        name = identity(one.sha256, "C0", START)
        candidates = [c for c in found(new) if c.recording_id == name]
        assert [c.first_seen for c in candidates] == [t.first_seen for t in one.tracklets[:5]]
        assert [c.shot_jpeg for c in candidates] == [t.shots[0].jpeg for t in one.tracklets[:5]]
        assert candidates[0].time.mark == "time by earlier rules"
        assert candidates[0].time.in_words() == f"recorded as Sun 29 Mar 2026, 00:00:00 UTC; {NOTE}"
        with pytest.raises(GalleryError, match="is in the gallery already"):
            new.add_recording(one)  # known, though it would have another id now
        doubts = [c.time.doubt for c in found(new) if c.recording == "4-300.mp4"]
        assert doubts == ["", JUMPED, JUMPED]
        told = {c.recording: (c.time.doubt, c.time.note) for c in found(new)}
        assert told["a/*.jpg"] == (ORDERED, "")
        assert told["b/RAW.H264"] == (COUNTED, "")
        assert (len(new.runs()), len(new.problems())) == (1, 1)
        # Its clocks can be corrected like any other.
        correction = ClockCorrection(60.0, "anna", "read", datetime(2026, 4, 1, tzinfo=UTC))
        changes = new.correct_clock(correction, camera_id="C0")
        # What the list stated is part of the recorded time; a camera's clock settles nothing.
        assert {change.note for change in changes} == {PERHAPS_TWICE}
        assert {c.time.note for c in found(new) if c.recording_id == name} == {NOTE}
        (change,) = new.correct_clock(correction, recordings=[name])
        assert (change.tracklets, change.note) == (6, "")
        assert {c.time.note for c in found(new) if c.recording_id == name} == {""}
        moved = [c.first_seen for c in found(new) if c.recording_id == name]
        assert moved == [c.first_seen - timedelta(minutes=1) for c in candidates]
        assert list(check(new)) == []


UPGRADING = """
import os, sys
from pathlib import Path
from typing import Any
from workbench.gallery import upgrade

place, number = sys.argv[2], int(sys.argv[3])
real, calls = getattr(upgrade, place), []

def counting(*args, **kwargs):
    calls.append(1)
    if len(calls) == number:
        os._exit(9)
    return real(*args, **kwargs)

setattr(upgrade, place, counting)
upgrade.upgrade(Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "number", "version"), [("sync", 2, 3), ("write_register", 1, 3), ("remove", 1, 4)]
)
def test_killed_in_its_middle_it_is_old_or_new_and_goes_on(
    old: Path, place: str, number: int, version: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", UPGRADING, str(old), place, str(number)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ended.returncode == 9
    assert version_of(old) == version
    assert (upgrade(old) is None) == (version == 4)
    with Gallery.open(old, write=True) as new:
        assert list(check(new)) == []
        assert len(new.recordings()) == 16
        named = {segment.entry.name for segment in new.segments}
    assert {f.name for f in segments_folder(old).iterdir() if f.is_dir()} == named


def test_a_damaged_one_is_refused_and_stays_as_it_is(old: Path) -> None:
    (folder, *_) = (f for f in sorted(segments_folder(old).iterdir()) if f.is_dir())
    with (folder / "templates.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"x")
    names = sorted(f.name for f in segments_folder(old).iterdir())
    with pytest.raises(GalleryError, match="a file was altered"):
        upgrade(old)
    assert version_of(old) == 3
    assert sorted(f.name for f in segments_folder(old).iterdir()) == names
