"""Runs of indexing: by several processes, in an order, stopped, killed, watched, reported."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from workbench.cli.main import main
from workbench.cli.output import DONE, PROBLEMS, REFUSED
from workbench.district import from_geojson
from workbench.domain import (
    ClockCorrection,
    IndexedRecording,
    Problem,
    Progress,
    Scope,
    parse_time,
)
from workbench.faces.models import Models
from workbench.footage.catalog import read_catalogue
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.indexing import index_catalogue, plan_catalogue, watch_catalogue
from workbench.indexing.workers import index_in_parallel
from workbench.installation import Installation

# Seconds after which a run is killed; SIGHTLINE_KILLS asks for more of them (make soak).
MOMENTS = [n / 10 for n in range(0, 30, 2)] if "SIGHTLINE_KILLS" in os.environ else [0.0, 0.8]
CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"


@pytest.fixture(scope="module")
def models(installation: Installation) -> Models:
    return installation.load_models("dlib")


@pytest.fixture
def gallery(tmp_path: Path, models: Models) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "gallery.duckdb", models.profile) as made:
        yield made


@pytest.fixture
def footage(tmp_path: Path, cuts: dict[str, Path]) -> Path:
    """Four short recordings of one person each, two on each camera, on different days."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "cameras.csv").write_text(CAMERAS)
    rows = ["file,camera_id,started_at"]
    people = ("Maren Holt", "Tobias Reed", "Maren Holt again", "Edwin Marsh")
    files = ("maren.mkv", "tobias.mkv", "later.mkv", "edwin.mkv")
    for day, (person, file) in enumerate(zip(people, files, strict=True), start=1):
        shutil.copyfile(cuts[person], folder / file)
        rows.append(f"{file},C{day % 2 + 1},2026-03-0{day}T10:00:00Z")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


def add_row(folder: Path, row: str) -> None:
    with (folder / "footage.csv").open("a") as file:
        file.write(row + "\n")


def test_several_workers_find_what_one_finds(
    tmp_path: Path, gallery: Gallery, models: Models, footage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    index_catalogue(footage, gallery, models)
    told: list[Progress] = []
    # Processes that are started where footage lies import none of the modules beside it.
    monkeypatch.chdir(tmp_path)
    Path("selectors.py").write_text("open('imported', 'w')")
    with Gallery.create(tmp_path / "two.duckdb", models.profile) as two:
        report = index_catalogue(footage, two, models, workers=2, progress=told.append)
        assert report.count("indexed") == 4
        assert report.problems == ()
        assert not Path("imported").exists()
        ids = list(gallery.tracklets()["tracklet_id"])
        assert list(two.tracklets()["tracklet_id"]) == ids
        for name in ids:
            for one, other in zip(gallery.shots(name), two.shots(name), strict=True):
                assert one.jpeg == other.jpeg
                assert np.array_equal(one.template, other.template)
    assert told[-1].done == told[-1].total == 4
    assert told[-1].remaining_seconds == 0


def test_a_recording_that_ends_its_worker_is_told_and_the_rest_goes_on(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    killed = []

    def kill_one(progress: Progress) -> None:
        """Kill the worker that has this file open, while it reads it."""
        for child in psutil.Process().children():
            if killed or "spawn_main" not in " ".join(child.cmdline()):
                continue
            if any(Path(opened.path).name == progress.what for opened in child.open_files()):
                child.kill()
                killed.append(child.pid)

    report = index_catalogue(footage, gallery, models, workers=2, progress=kill_one)
    assert killed
    assert report.count("refused") == 1
    assert report.count("indexed") == 3
    (problem,) = report.problems
    assert "crashed the worker process (signal 9)" in problem.what
    assert index_catalogue(footage, gallery, models, workers=2).count("indexed") == 1


def test_a_worker_that_is_killed_with_nothing_to_do_costs_nothing(
    models: Models, footage: Path
) -> None:
    recordings, before = read_catalogue(footage).recordings[:2], multiprocessing.active_children()
    running = index_in_parallel(
        recordings, models.profile, models.home, workers=1, rates=None, options=None,
        progress=lambda _: None,
    )  # fmt: skip
    with contextlib.closing(running) as outcomes:
        first, _ = next(outcomes)
        (worker,) = set(multiprocessing.active_children()) - set(before)
        worker.kill()
        worker.join()
        second, outcome = next(outcomes)
        assert (first, second) == recordings
        assert isinstance(outcome, IndexedRecording)
        assert [*outcomes] == []


def command(footage: Path, gallery: Path, *more: str) -> list[str]:
    sightline = str(Path(sys.executable).with_name("sightline"))
    return [sightline, "index", str(footage), "--gallery", str(gallery), *more]


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("after", MOMENTS)
def test_killed_at_any_moment_nothing_is_half_there(
    tmp_path: Path, models: Models, footage: Path, workers: str, after: float
) -> None:
    path = tmp_path / "killed.duckdb"
    with subprocess.Popen(
        command(footage, path, "--workers", workers),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(after)
        children = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(children, timeout=120)[1] == []  # nobody works on without us
    with Gallery.open(path) as gallery:
        recordings, tracklets = gallery.recordings(), gallery.tracklets()
        assert set(tracklets["recording"]) <= set(recordings["file"])
        assert (recordings["tracklets"] == 1).all()
    with Gallery.for_writing(path, models.profile) as gallery:
        assert not index_catalogue(footage, gallery, models).problems
        assert sorted(gallery.recordings()["file"]) == [
            "edwin.mkv", "later.mkv", "maren.mkv", "tobias.mkv",
        ]  # fmt: skip
        assert len(gallery.tracklets()) == 4


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_soon_and_says_how_to_go_on(
    tmp_path: Path, footage: Path, workers: str
) -> None:
    path, many = tmp_path / "stopped.duckdb", 60
    for hour in range(4, many):  # more than any machine reads before it is stopped
        shutil.copyfile(footage / "maren.mkv", footage / f"{hour}.mkv")
        add_row(footage, f"{hour}.mkv,C1,2026-04-{1 + hour // 24:02}T{hour % 24:02}:00:00Z")
    with subprocess.Popen(
        command(footage, path, "--workers", workers),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal sends it: to the whole group
        _, said = running.communicate(timeout=120)
    assert running.returncode == REFUSED, said
    assert "Stopped. Finished work is kept; run the same command to go on." in said
    assert "Traceback" not in said
    with Gallery.open(path) as gallery:
        assert len(gallery.recordings()) < many


def test_the_urgent_place_and_time_come_first(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    around_c2 = [[-0.03, 51.485], [-0.015, 51.485], [-0.015, 51.5], [-0.03, 51.5], [-0.03, 51.485]]
    district = from_geojson({"type": "Polygon", "coordinates": [around_c2]})
    first = Scope(district, parse_time("2026-03-02T00:00Z"), parse_time("2026-03-05T00:00Z"))
    plan = plan_catalogue(footage, gallery, first=first)
    # C2 has the first and the third day; the first is too early to be urgent.
    assert [r.file for r in plan.fresh] == ["later.mkv", "maren.mkv", "tobias.mkv", "edwin.mkv"]
    assert plan.footage_seconds == pytest.approx(11.7, abs=0.5)
    assert gallery.cameras() == ()  # nothing was stored

    order: list[str] = []
    index_catalogue(
        footage, gallery, models, first=first,
        progress=lambda p: order.append(p.what) if p.what not in order else None,
    )  # fmt: skip
    assert order[0] == "later.mkv"


def test_a_dry_run_says_what_would_be_done(
    tmp_path: Path, footage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_row(footage, "gone.mkv,C1,2026-03-09T10:00:00Z")
    path = tmp_path / "g.duckdb"
    options = ["index", str(footage), "--gallery", str(path), "--dry-run"]
    assert main([*options, "--json"]) == PROBLEMS
    *rows, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert summary["fresh"] == 5
    assert [row["where"] for row in rows if row["kind"] == "problem"] == ["gone.mkv"]
    assert not path.exists()
    assert main(options) == PROBLEMS
    assert "5 recordings to index" in capsys.readouterr().out
    incomplete = [*options, "--first-from", "2026-03-02T00:00Z"]
    assert main(incomplete) == REFUSED
    assert "must be given together" in capsys.readouterr().err


def test_the_same_content_and_overlapping_times_are_told(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    shutil.copyfile(footage / "maren.mkv", footage / "copy.mkv")
    shutil.copyfile(footage / "maren.mkv", footage / "late.mkv")
    shutil.copyfile(footage.parent / "footage" / "tobias.mkv", footage / "other.mkv")
    (footage / "footage.csv").write_text(
        "file,camera_id,started_at\n"
        "maren.mkv,C1,2026-03-01T10:00:00Z\n"
        "copy.mkv,C2,2026-03-01T10:00:00Z\n"
        "other.mkv,C1,2026-03-01T10:00:01Z\n"
        "late.mkv,C1,2026-03-01T10:00:30Z\n"
    )
    report = index_catalogue(footage, gallery, models)
    told = {recording.file: [p.what for p in recording.problems] for recording in report.recordings}
    assert told["maren.mkv"] == []
    assert told["copy.mkv"] == ["has the same content as maren.mkv; one of their rows is wrong"]
    assert told["other.mkv"] == ["overlaps maren.mkv on camera C1 by 2 s; check their start times"]
    assert told["late.mkv"] == [
        "has the same content as maren.mkv on the same camera, and is kept once",
        "begins at 2026-03-01 10:00:30 UTC by the list, and at 2026-03-01 10:00:00 UTC in the "
        "gallery, which stays as it is. If the list is right, correct the clock with "
        "`sightline footage clock`",
    ]
    assert report.count("indexed") == 3
    assert len(gallery.problems()) == 2


def test_the_gallery_remembers_runs_and_what_was_refused(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    (footage / "late.mkv").write_bytes(b"not yet")
    add_row(footage, "late.mkv,C1,2026-03-09T10:00:00Z")
    index_catalogue(footage, gallery, models)
    (refusal,) = gallery.refusals().to_dict("records")
    assert refusal["file"] == "late.mkv"
    assert "is not a recording that can be read" in refusal["reason"]
    day = Scope(
        from_geojson({"type": "Polygon", "coordinates": [[[-1, 51], [1, 51], [0, 52], [-1, 51]]]}),
        parse_time("2026-03-09T00:00Z"), parse_time("2026-03-10T00:00Z"),
    )  # fmt: skip
    assert gallery.coverage(day).refused == 1

    shutil.copyfile(footage / "maren.mkv", footage / "late.mkv")
    index_catalogue(footage, gallery, models)
    assert gallery.refusals().empty
    runs = gallery.runs()
    assert list(runs["indexed"]) == [1, 4]
    assert list(runs["refused"]) == [0, 1]
    recordings = gallery.recordings()
    assert set(recordings["stopped"]) == {"end of the file"}
    assert (recordings["elapsed_seconds"] > 0).all()


def test_a_watch_takes_what_arrives(gallery: Gallery, models: Models, footage: Path) -> None:
    rows = (footage / "footage.csv").read_text().splitlines()
    (footage / "footage.csv").write_text("\n".join(rows[:2]) + "\n")
    with contextlib.closing(watch_catalogue(footage, gallery, models, every_seconds=0.2)) as rounds:
        assert next(rounds).count("indexed") == 1
        arrival = threading.Timer(0.5, add_row, (footage, rows[2]))
        arrival.start()
        report = next(rounds)
        arrival.join()
    assert report.count("present") == 1
    assert report.count("indexed") == 1


def test_a_watch_fetches_before_each_round_and_reports_what_failed_once(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    rows = (footage / "footage.csv").read_text().splitlines()
    (footage / "footage.csv").write_text(rows[0] + "\n")
    failed, calls = Problem("hook", "the recorder does not answer"), 0

    def before() -> tuple[Problem, ...]:
        nonlocal calls
        calls += 1
        if calls == 3:
            add_row(footage, rows[1])
        return (failed,) if calls < 3 else ()

    rounds = watch_catalogue(footage, gallery, models, every_seconds=0, before=before)
    with contextlib.closing(rounds):
        first, second = next(rounds), next(rounds)
    assert first.problems == (failed,)
    assert (second.count("indexed"), second.problems, calls) == (1, (), 3)


def test_the_watch_command_ends_with_ctrl_c(tmp_path: Path, footage: Path) -> None:
    path = tmp_path / "watched.duckdb"
    with subprocess.Popen(
        command(footage, path, "--watch", "1", "--json"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        said = [json.loads(running.stdout.readline()) for _ in range(5)]
        os.killpg(running.pid, signal.SIGINT)
        running.communicate(timeout=120)
    assert said[-1]["indexed"] == 4
    assert running.returncode == DONE


def test_every_picture_stream_is_indexed_or_named(
    tmp_path: Path, gallery: Gallery, models: Models, cuts: dict[str, Path]
) -> None:
    """A recorder with two lenses; each has a camera of its own, if the catalogue says so."""
    folder = tmp_path / "lenses"
    folder.mkdir()
    (folder / "cameras.csv").write_text(CAMERAS)
    with (
        av.open(str(folder / "two.mkv"), "w") as film,
        av.open(str(cuts["Maren Holt"])) as first,
        av.open(str(cuts["Tobias Reed"])) as second,
    ):
        lenses = [
            (old, film.add_stream_from_template(old.streams.video[0])) for old in (first, second)
        ]
        for old, stream in lenses:
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    film.mux(packet)
    started = "2026-03-01T10:00:00Z"
    (folder / "footage.csv").write_text(
        f"file,camera_id,started_at,stream\ntwo.mkv,C1,{started},\n"
    )
    (problem,) = index_catalogue(folder, gallery, models).problems
    assert "picture stream 2 of 2 was not looked at" in problem.what
    add_row(folder, f"two.mkv,C2,{started},2")
    report = index_catalogue(folder, gallery, models)
    assert (report.count("indexed"), report.count("present"), report.problems) == (1, 1, ())
    assert set(gallery.tracklets()["camera_id"]) == {"C1", "C2"}


def test_a_list_with_another_time_doubles_nothing_and_is_told(
    tmp_path: Path, gallery: Gallery
) -> None:
    """Indexed with one list, planned with another; no picture is decoded for it."""
    (tmp_path / "cameras.csv").write_text(CAMERAS)
    (tmp_path / "a.mp4").write_bytes(b"content")
    row = "file,camera_id,started_at,clock_offset_seconds\na.mp4,C1,2026-03-01T10:00:00Z,"
    (tmp_path / "footage.csv").write_text(row)
    catalogue = read_catalogue(tmp_path)
    gallery.add_cameras(catalogue.cameras)
    (recording,) = catalogue.recordings
    stamp = (tmp_path / "a.mp4").stat()
    sha256 = hashlib.sha256(b"content").hexdigest()
    gallery.add_recording(
        IndexedRecording(
            recording, sha256, stamp.st_size, stamp.st_mtime_ns, 9.0, 64, 48, 90, 9, 0, ()
        )
    )

    def planned(offset: str) -> list[str]:
        (tmp_path / "footage.csv").write_text(f"{row}{offset}")
        plan = plan_catalogue(tmp_path, gallery)
        assert (len(plan.present), plan.fresh) == (1, ())
        return [problem.what for problem in plan.problems]

    assert planned("") == []
    os.utime(tmp_path / "a.mp4", (1, 1))  # known by its content then
    assert planned("") == []
    (told,) = planned("240")
    assert told.startswith(
        "begins at 2026-03-01 09:56:00 UTC by the list, and at 2026-03-01 10:00:00 UTC in the"
    )
    found_at = parse_time("2026-04-01T00:00Z")
    correction = ClockCorrection(240.0, "anna", "read in the picture", found_at)
    gallery.correct_clock(correction, camera_id="C1")
    assert planned("240") == []  # the list agrees now
    assert planned("") == []  # as it was stated before it was corrected
    assert len(planned("300")) == 1


def test_a_clock_that_was_set_before_indexing_is_applied_unless_the_list_states_one(
    gallery: Gallery, models: Models, footage: Path
) -> None:
    (footage / "footage.csv").write_text(
        "file,camera_id,started_at,clock_offset_seconds\n"
        "maren.mkv,C1,2026-03-01T10:00:00Z,\n"
        "tobias.mkv,C1,2026-03-01T11:00:00Z,5\n"
        "none.mkv,C1,2026-03-01T12:00:00Z,\n"
        "later.mkv,C1,1990-01-01T00:00:05Z,\n"
    )
    (footage / "none.mkv").write_bytes(b"no film")
    found_at = parse_time("2026-04-01T00:00Z")
    correction = ClockCorrection(30.0, "anna", "read in the picture", found_at)
    assert gallery.correct_clock(correction, camera_id="C1") == []
    (planned,) = plan_catalogue(footage, gallery).problems[1:]
    report = index_catalogue(footage, gallery, models)
    said, unreadable, impossible = (p.what for p in report.problems)
    assert said == (
        "footage.csv says that its clock was 5 s ahead, and 30 s were given for its camera; what "
        "footage.csv says holds"
    )
    assert "is not a recording" in unreadable
    # A time that a list may not state is none that a clock may give.
    assert impossible.startswith(
        "would begin at 1989-12-31 23:59:35 UTC by the clock that was set for camera C1"
    )
    assert planned.what == impossible
    refused = gallery.refusals().set_index("file")
    assert refused.loc["none.mkv", "started_at"] == parse_time("2026-03-01T11:59:30Z")
    assert refused.loc["none.mkv", "stated_at"] == parse_time("2026-03-01T12:00:00Z")
    began = gallery.recordings().set_index("file")["started_at"]
    assert began["maren.mkv"] == parse_time("2026-03-01T09:59:30Z")
    assert began["tobias.mkv"] == parse_time("2026-03-01T10:59:55Z")
    assert list(check(gallery)) == []
    # The list has not changed, so there is nothing to report.
    again = index_catalogue(footage, gallery, models)
    assert (again.count("present"), again.count("refused"), len(again.problems)) == (2, 2, 2)
