"""Several finished recordings in one commit: when, how many, and what stops and kills leave."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from filling import CAMERA, PROFILE, TRACKLETS, numbered

from workbench.domain import Catalogue, IndexedRecording, Progress, Recording
from workbench.errors import Cancelled, GalleryError, RecordingError
from workbench.faces.models import Models
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.indexing import index_catalogue, run, storing

NO_MODELS = cast("Models", None)  # of footage that nobody reads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.duckdb"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with Gallery.create(path, PROFILE) as made:
        yield made


@pytest.fixture(autouse=True)
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No commit because time has passed, however slow the machine is."""
    monkeypatch.setattr(storing, "SECONDS", 1e9)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The files of the recordings of each commit."""
    made: list[list[str]] = []
    add = Gallery.add_recordings

    def noted(gallery: Gallery, recordings: Sequence[IndexedRecording]) -> None:
        add(gallery, recordings)
        made.append([one.recording.file for one in recordings])

    monkeypatch.setattr(Gallery, "add_recordings", noted)
    return made


def footage(folder: Path, count: int) -> Catalogue:
    """A catalogue of files that are there, and that no one can look into."""
    recordings = []
    for number in range(count):
        file = folder / f"{number}.mp4"
        file.write_bytes(b"1")
        os.utime(file, ns=(1, 1))
        recordings.append(replace(numbered(number).recording, path=file))
    return Catalogue(folder, (CAMERA,), tuple(recordings))


Reading = Callable[[int], None]


def read_by(monkeypatch: pytest.MonkeyPatch, before: Reading = lambda number: None) -> list[int]:
    """Have footage read at once, after calling *before*; return the numbers of what was read."""
    read: list[int] = []

    def reading(recording: Recording, *_: Any, **__: Any) -> IndexedRecording:
        number = int(Path(recording.file).stem)
        before(number)
        read.append(number)
        return replace(numbered(number), recording=recording)

    monkeypatch.setattr(run, "index_recording", reading)
    return read


def files(*numbers: int) -> list[str]:
    return [f"{number}.mp4" for number in numbers]


def held(gallery: Gallery) -> list[str]:
    assert list(check(gallery)) == []
    assert len(gallery.tracklets()) == TRACKLETS * len(gallery.recordings())
    return sorted(gallery.recordings()["file"])


def test_what_is_finished_soon_after_a_commit_waits_for_the_next(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[list[str]]
) -> None:
    monkeypatch.setattr(storing, "TRACKLETS", 3 * TRACKLETS)
    told: list[tuple[int, int]] = []  # how many are done by what is told, and are there

    def follow(progress: Progress) -> None:
        told.append((progress.done, len(gallery.recordings())))

    read_by(monkeypatch)
    report = index_catalogue(footage(tmp_path, 7), gallery, NO_MODELS, progress=follow)
    assert commits == [files(0, 1, 2), files(3, 4, 5), files(6)]
    assert all(done <= there for done, there in told)
    assert {there for _, there in told} == {0, 3, 6, 7}
    assert told[-1][0] == report.count("indexed") == 7
    assert [one.tracklets for one in report.recordings] == [TRACKLETS] * 7
    assert held(gallery) == files(*range(7))


def test_pictures_count_as_well_as_tracklets(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[list[str]]
) -> None:
    shots = [shot for tracklet in numbered(0).tracklets for shot in tracklet.shots]
    monkeypatch.setattr(storing, "BYTES", sum(len(s.jpeg) + s.template.nbytes for s in shots) + 1)
    read_by(monkeypatch)
    index_catalogue(footage(tmp_path, 4), gallery, NO_MODELS)
    assert commits == [files(0, 1), files(2, 3)]


def test_what_waits_is_stored_while_the_next_one_is_read(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[list[str]]
) -> None:
    def reading(recording: Recording, *_: Any, progress: Any, **__: Any) -> IndexedRecording:
        if recording.file == "1.mp4":
            monkeypatch.setattr(storing, "SECONDS", 0.0)
            progress(Progress(0, 1, recording.file, part=0.5))
            assert commits == [files(0)]
            monkeypatch.setattr(storing, "SECONDS", 1e9)
        return replace(numbered(int(Path(recording.file).stem)), recording=recording)

    monkeypatch.setattr(run, "index_recording", reading)
    index_catalogue(footage(tmp_path, 3), gallery, NO_MODELS)
    assert commits == [files(0), files(1, 2)]


def test_what_only_a_gallery_knows_of_two_is_said_though_both_have_just_been_finished(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[list[str]]
) -> None:
    catalogue = footage(tmp_path, 5)
    zero, one, two, three, copy = catalogue.recordings
    two = replace(two, started_at=one.started_at + timedelta(seconds=15))
    three = replace(three, started_at=two.started_at + timedelta(seconds=19.5))

    def reading(recording: Recording, *_: Any, **__: Any) -> IndexedRecording:
        number = 3 if recording == copy else int(Path(recording.file).stem)
        return replace(numbered(number), recording=recording)

    monkeypatch.setattr(run, "index_recording", reading)
    catalogue = replace(catalogue, recordings=(zero, one, two, three, copy))
    report = index_catalogue(catalogue, gallery, NO_MODELS)
    said = {one.file: [problem.what for problem in one.problems] for one in report.recordings}
    assert said["0.mp4"] == said["1.mp4"] == said["3.mp4"] == []
    assert said["2.mp4"] == ["overlaps 1.mp4 on camera C0 by 5 s; check their start times"]
    assert said["4.mp4"][0].startswith("has the same content as 3.mp4 on the same camera")
    assert (report.count("indexed"), report.count("present")) == (4, 1)
    assert commits == [files(0, 1), files(2, 3)]


def test_one_that_cannot_be_stored_keeps_no_other_from_it(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = footage(tmp_path, 5)

    def reading(recording: Recording, *_: Any, **__: Any) -> IndexedRecording:
        found = replace(numbered(int(Path(recording.file).stem)), recording=recording)
        if recording.file == "1.mp4":
            raise RecordingError("is no film", where=recording.file, fix="Leave it out")
        if recording.file != "3.mp4":
            return found
        first, *others = found.tracklets
        spoilt = replace(first, template=np.full(PROFILE.dimension, np.nan, np.float32))
        return replace(found, tracklets=(spoilt, *others))

    monkeypatch.setattr(run, "index_recording", reading)
    with pytest.raises(GalleryError, match="is not a finite vector") as error:
        index_catalogue(catalogue, gallery, NO_MODELS)
    assert error.value.where == "3.mp4"
    assert held(gallery) == files(0, 2)
    (noted,) = gallery.runs().to_dict("records")
    assert (noted["indexed"], noted["refused"], noted["left"]) == (2, 1, 2)


@pytest.mark.parametrize("by", ["Ctrl-C", "a stop", "an error"])
def test_a_stop_stores_what_is_finished_and_the_next_run_reads_the_rest_alone(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    catalogue = footage(tmp_path, 6)

    def stop(number: int) -> None:
        if number == 3 and by == "Ctrl-C":
            signal.raise_signal(signal.SIGINT)
        if number == 3 and by == "an error":
            raise MemoryError

    def stopped(progress: Progress) -> None:
        if by == "a stop" and progress.what == "3.mp4":
            raise Cancelled("stopped")

    read_by(monkeypatch, stop)
    with pytest.raises((KeyboardInterrupt, MemoryError, Cancelled)):
        index_catalogue(catalogue, gallery, NO_MODELS, progress=stopped)
    assert held(gallery) == files(0, 1, 2)
    assert list(gallery.runs()["indexed"]) == [3]
    assert list(gallery.runs()["left"]) == [3]

    read = read_by(monkeypatch)
    report = index_catalogue(catalogue, gallery, NO_MODELS)
    assert read == [3, 4, 5]
    assert (report.count("present"), report.count("indexed"), report.problems) == (3, 3, ())
    assert held(gallery) == files(*range(6))


def test_ctrl_c_in_a_commit_waits_for_it(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, add = footage(tmp_path, 4), Gallery.add_recordings

    def disturbed(gallery: Gallery, recordings: Sequence[IndexedRecording]) -> None:
        signal.raise_signal(signal.SIGINT)
        add(gallery, recordings)

    monkeypatch.setattr(Gallery, "add_recordings", disturbed)
    monkeypatch.setattr(storing, "TRACKLETS", 2 * TRACKLETS)
    read_by(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        index_catalogue(catalogue, gallery, NO_MODELS)
    assert held(gallery) == files(0, 1)
    assert list(gallery.runs()["indexed"]) == [2]


def until_killed(path: Path, folder: Path, saying: Connection) -> None:
    """Index two recordings a commit, and stand still while the sixth is read."""
    patch = pytest.MonkeyPatch()

    def stand(number: int) -> None:
        if number == 5:
            saying.send("the sixth")
            signal.pause()

    read_by(patch, stand)
    patch.setattr(storing, "SECONDS", 1e9)
    patch.setattr(storing, "TRACKLETS", 2 * TRACKLETS)
    with Gallery.for_writing(path, PROFILE) as gallery:
        index_catalogue(footage(folder, 8), gallery, NO_MODELS)


def test_a_kill_loses_what_waited_and_it_is_read_again(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("forkserver")
    said, saying = context.Pipe(duplex=False)
    process = context.Process(target=until_killed, args=(path, tmp_path, saying), daemon=True)
    process.start()
    saying.close()
    assert said.recv() == "the sixth"
    process.kill()
    process.join()
    read = read_by(monkeypatch)
    with Gallery.for_writing(path, PROFILE) as gallery:
        assert held(gallery) == files(*range(4))
        report = index_catalogue(footage(tmp_path, 8), gallery, NO_MODELS)
        assert read == [4, 5, 6, 7]
        assert (report.count("present"), report.count("indexed")) == (4, 4)
        assert held(gallery) == files(*range(8))
