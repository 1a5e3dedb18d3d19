"""Indexing: each recording whole or not at all, once, and what cannot be read is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from moving import write_gpx
from searching import search

from workbench.district import from_geojson
from workbench.domain import ClockCorrection, Progress, Scope, parse_time
from workbench.errors import CatalogueError, GalleryError, ProfileMismatch
from workbench.faces.models import Models, load
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.indexing import IndexReport, index_catalogue, storing

CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"
EVERYWHERE = from_geojson(
    {"type": "Polygon", "coordinates": [[[-1, 51], [1, 51], [1, 52], [-1, 52], [-1, 51]]]}
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load("dlib", home=tmp_path_factory.mktemp("models"))


@pytest.fixture
def gallery(tmp_path: Path, models: Models) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "gallery.duckdb", models.profile) as made:
        yield made


def catalogue(folder: Path, files: dict[str, Path], camera: str = "C1") -> Path:
    """A catalogue of copies of these files, one an hour."""
    folder.mkdir(exist_ok=True)
    rows = ["file,camera_id,started_at"]
    for hour, (name, source) in enumerate(files.items()):
        shutil.copyfile(source, folder / name)
        rows.append(f"{name},{camera},2026-03-29T{hour:02}:00:00Z")
    (folder / "cameras.csv").write_text(CAMERAS)
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def clips(cuts: dict[str, Path]) -> dict[str, Path]:
    return {path.name: path for path in sorted(cuts.values())[:3]}


def statuses(report: IndexReport) -> list[str]:
    return [recording.status for recording in report.recordings]


def test_a_second_run_indexes_only_what_is_new(
    tmp_path: Path, gallery: Gallery, models: Models, clips: dict[str, Path]
) -> None:
    first = dict(list(clips.items())[:2])
    folder = catalogue(tmp_path / "footage", first)
    report = index_catalogue(folder, gallery, models)
    assert statuses(report) == ["indexed", "indexed"]
    assert report.problems == ()
    assert list(report.frame()["tracklets"]) == [1, 1]
    before = gallery.tracklets()

    catalogue(folder, clips)
    assert statuses(index_catalogue(folder, gallery, models)) == ["present", "present", "indexed"]
    assert statuses(index_catalogue(folder, gallery, models)) == ["present"] * 3
    assert len(gallery.tracklets()) == 3
    assert set(before["tracklet_id"]) < set(gallery.tracklets()["tracklet_id"])


def test_a_file_copied_again_is_known_by_its_content(
    tmp_path: Path, gallery: Gallery, models: Models, clips: dict[str, Path]
) -> None:
    one = dict(list(clips.items())[:1])
    folder = catalogue(tmp_path / "footage", one)
    index_catalogue(folder, gallery, models)
    (folder / next(iter(one))).touch()
    assert statuses(index_catalogue(folder, gallery, models)) == ["present"]


def test_the_same_file_at_another_time_is_the_same_recording_and_that_is_told(
    tmp_path: Path, gallery: Gallery, models: Models, clips: dict[str, Path]
) -> None:
    folder = catalogue(tmp_path / "footage", dict(list(clips.items())[:1]))
    index_catalogue(folder, gallery, models)
    footage = folder / "footage.csv"
    footage.write_text(footage.read_text().replace("2026-03-29T", "2026-03-30T"))
    report = index_catalogue(folder, gallery, models)
    assert statuses(report) == ["present"]
    (problem,) = report.problems
    assert "which stays as it is" in problem.what
    assert len(gallery.recordings()) == 1


def test_a_layout_that_is_stated_afterwards_is_reported(
    tmp_path: Path, gallery: Gallery, models: Models, bad_recordings: Path
) -> None:
    folder = catalogue(tmp_path / "footage", {"a.mkv": bad_recordings / "grey.mkv"})
    assert index_catalogue(folder, gallery, models).problems == ()
    footage = folder / "footage.csv"
    listed = footage.read_text().replace(
        "started_at", "started_at,rotation,pixel_aspect,frame_rate,time_from"
    )
    for stated, told in (
        (",0,", []),
        (",180,", ["the list says rotation 180, and it was read with 0"]),
        (",,2:1", ["the list says pixel_aspect 2, and it was read with that of the file"]),
        (",,,5", ["the list says frame_rate 5, and it was read with the rate of the file"]),
        (
            ",,,,modification time",
            ["the list says that its time is not certain, and it was indexed as certain"],
        ),
    ):
        footage.write_text(listed.replace(":00Z", f":00Z{stated}"))
        found = [problem.what for problem in index_catalogue(folder, gallery, models).problems]
        assert [what.split(";")[0] for what in found] == told


def test_a_place_or_track_that_is_stated_afterwards_doubles_nothing(
    tmp_path: Path, gallery: Gallery, models: Models, bad_recordings: Path
) -> None:
    folder = catalogue(tmp_path / "footage", {"a.mkv": bad_recordings / "grey.mkv"})
    (folder / "cameras.csv").write_text("camera_id,name,latitude,longitude\nC1,Van,,\n")
    index_catalogue(folder, gallery, models)
    (name,) = gallery.recordings()["recording_id"]
    shutil.copyfile(folder / "a.mkv", folder / "b.mkv")  # known by its content alone
    listed = (folder / "footage.csv").read_text()
    write_gpx(folder / "a.gpx", [(0, -0.01, 51.48), (90, -0.01, 51.48)])
    for columns, stated, told in (
        ("track", "a.gpx", "the list gives it a track, and it was indexed without one"),
        ("latitude,longitude", "51.49,-0.02", "the list places it at C1@+51.49000-000.02000, "),
    ):
        stating = listed.replace("started_at", f"started_at,{columns}")
        for file in ("a.mkv", "b.mkv"):
            (folder / "footage.csv").write_text(
                stating.replace(":00Z", f":00Z,{stated}").replace("a.mkv", file)
            )
            report = index_catalogue(folder, gallery, models)
            assert statuses(report) == ["present"]
            assert [told in problem.what for problem in report.problems] == [True]
    assert list(gallery.recordings()["recording_id"]) == [name]


def test_an_interrupted_run_keeps_what_was_finished_and_goes_on(
    tmp_path: Path,
    gallery: Gallery,
    models: Models,
    clips: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "SECONDS", 0.0)  # each recording in a commit of its own
    folder = catalogue(tmp_path / "footage", clips)

    def interrupt(progress: Progress) -> None:
        if progress.done == 1 and progress.part > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_catalogue(folder, gallery, models, progress=interrupt)
    assert len(gallery.recordings()) == 1
    assert len(gallery.tracklets()) == 1
    assert statuses(index_catalogue(folder, gallery, models)) == ["present", "indexed", "indexed"]


def test_progress_goes_up_and_estimates_what_is_left(
    tmp_path: Path, gallery: Gallery, models: Models, clips: dict[str, Path]
) -> None:
    seen: list[Progress] = []
    folder = catalogue(tmp_path / "footage", clips)
    index_catalogue(folder, gallery, models, progress=seen.append)
    worked = [progress.done + progress.part for progress in seen]
    assert worked == sorted(worked)
    assert worked[-1] == seen[-1].total == 3
    assert seen[0].remaining_seconds is None
    assert seen[-1].remaining_seconds == 0
    assert seen[-1].faces > 0
    assert seen[-1].footage_seconds > 5


@pytest.mark.slow
def test_every_broken_recording_is_indexed_or_told_and_the_rest_goes_on(
    tmp_path: Path, gallery: Gallery, models: Models, bad_recordings: Path
) -> None:
    bad = {path.name: path for path in sorted(bad_recordings.iterdir())}
    folder = catalogue(tmp_path / "footage", bad)
    with (folder / "footage.csv").open("a") as file:
        file.write("gone.mp4,C1,2026-03-30T00:00:00Z\nx.mp4,C9,2026-03-30T00:00:00Z\n")
    report = index_catalogue(folder, gallery, models)
    by_file = {recording.file: recording for recording in report.recordings}
    refused = {name for name, recording in by_file.items() if recording.status == "refused"}
    assert refused == {
        "empty.mp4", "text.mp4", "noise.mp4", "truncated.mp4", "audio_only.mp4", "gone.mp4",
    }  # fmt: skip
    assert all(by_file[name].problems for name in refused)
    assert by_file["damaged.mp4"].status == "indexed"
    assert by_file["damaged.mp4"].problems[0].at_seconds == pytest.approx(7.75)
    assert set(gallery.problems()["file"]) == {"damaged.mp4"}
    assert [problem.where for problem in report.catalogue_problems] == ["footage.csv line 14"]
    assert len(report.problems) == sum(len(r.problems) for r in report.recordings) + 1
    # What was refused is tried again; what is here is not read twice.
    again = index_catalogue(folder, gallery, models)
    assert {r.file for r in again.recordings if r.status == "refused"} == refused
    assert again.count("indexed") == 0


def test_a_catalogue_that_cannot_be_used_leaves_the_gallery_alone(
    tmp_path: Path, gallery: Gallery, models: Models
) -> None:
    with pytest.raises(CatalogueError, match="is not a folder"):
        index_catalogue(tmp_path / "nowhere", gallery, models)
    assert gallery.cameras() == ()


def test_the_woman_is_found_in_the_three_clips_she_is_in(
    tmp_path: Path, gallery: Gallery, models: Models, shared: Path, training: str
) -> None:
    """Real footage, a probe cut from one of the clips, the default threshold."""
    import cv2

    from workbench.faces.profiles import calibrated_threshold
    from workbench.footage.frames import RecordingReader

    gifs = {path.name: path for path in sorted((shared / "footage" / "real").glob("*.gif"))}
    index_catalogue(catalogue(tmp_path / "footage", gifs), gallery, models)
    her = "head-pose-face-detection-female.gif"
    with RecordingReader(gifs[her]) as reader:
        stills = [frame.image() for frame in reader.frames() if frame.number in (1, 8, 15)]
    probe = make_probe([cv2.imencode(".png", s)[1].tobytes() for s in stills], models=models)
    span = gallery.time_span()
    assert span is not None
    found = search(
        gallery,
        probe,
        Scope(EVERYWHERE, *span),
        case=training,
        threshold=calibrated_threshold(models.profile, calibrations=tmp_path, photographs=3),
    )
    assert {candidate.recording for candidate in found.candidates} == {
        her, "head-pose-face-detection-female-and-male.gif",
        "face-demographics-walking-and-pause.gif",
    }  # fmt: skip
    assert len(found.candidates) == 3
    frame = found.frame()
    assert list(frame["rank"]) == [1, 2, 3]
    assert frame["score"].is_monotonic_decreasing
    assert found.coverage.recordings == len(gifs)

    from dataclasses import replace

    stranger = replace(probe, profile=replace(probe.profile, version="0"))
    with pytest.raises(ProfileMismatch, match="Make the probe with the gallery's profile"):
        search(gallery, stranger, Scope(EVERYWHERE, *span), case=training)


def test_a_clock_set_for_a_folder_is_not_that_of_another_catalogue(
    tmp_path: Path, gallery: Gallery, models: Models, bad_recordings: Path
) -> None:
    grey = {"north/a.mkv": bad_recordings / "grey.mkv"}
    for name, camera in (("one", "C1"), ("two", "C2")):
        (tmp_path / name / "north").mkdir(parents=True)
        catalogue(tmp_path / name, grey, camera)
    found_at = parse_time("2026-04-01T00:00Z")
    ahead = ClockCorrection(30.0, "anna", "read in the picture", found_at)
    one, two, moved = (str(tmp_path / name) for name in ("one", "two", "three"))
    with pytest.raises(GalleryError, match="does not know yet in which catalogue"):
        gallery.correct_clock(ahead, folder="north")
    for folder in (one, two):
        gallery.correct_clock(ahead, folder="north", catalogue=folder)
    assert index_catalogue(one, gallery, models).count("indexed") == 1
    Path(two).rename(moved)
    report = index_catalogue(moved, gallery, models)
    assert any(f"{two}, which is no longer there" in problem.what for problem in report.problems)
    began = gallery.recordings().set_index("camera_id")["started_at"]
    assert began["C1"] == parse_time("2026-03-28T23:59:30Z")
    assert began["C2"] == parse_time("2026-03-29T00:00Z")
    with pytest.raises(GalleryError, match="has the folder north in several catalogues"):
        gallery.correct_clock(ahead, folder="north")
    (change,) = gallery.correct_clock(ahead, folder="north", catalogue=moved)
    assert change.camera_id == "C2"
