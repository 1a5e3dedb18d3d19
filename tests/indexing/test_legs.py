"""A camera that moves: each person is found where the camera was then, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import av
import films
import numpy as np
import pytest
from moving import METRE, START, film_with, gps5, write_gpx
from office import PROFILE
from searching import search
from shapely import box

from workbench.demo import demo_town
from workbench.demo.check import demo_threshold
from workbench.domain import (
    Camera,
    Catalogue,
    ClockCorrection,
    District,
    IndexedRecording,
    Leg,
    Place,
    Problem,
    Recording,
    Scope,
    Stretch,
    Tracklet,
    Unseen,
)
from workbench.errors import GalleryError
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.gallery.recordings import stored
from workbench.indexing import index_catalogue
from workbench.indexing.clocks import with_clocks_set
from workbench.indexing.legs import divided, notes_on, unplaced
from workbench.indexing.report import IndexReport
from workbench.installation import Installation

CAMERAS = "camera_id,name,latitude,longitude\nB7,Body camera 7,,\n"
SOUTH, NORTH = 51.48, 51.48 + 140 * METRE
# Within 3 and 4 s, from where Maren is seen to where Edwin is.
RIDE = [(n / 2, -0.01, SOUTH if n <= 6 else NORTH) for n in range(16) if n != 7]


@pytest.fixture(scope="module")
def ride(tmp_path_factory: pytest.TempPathFactory, cuts: dict[str, Path]) -> Path:
    """A catalogue of one film of a body camera: Maren in the south, Edwin in the north."""
    folder = tmp_path_factory.mktemp("ride")
    pictures = []
    for person in ("Maren Holt", "Edwin Marsh"):
        with av.open(str(cuts[person])) as container:
            seen = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
        pictures += (seen + seen[-1:] * 36)[:36]  # three seconds each
    nobody = [np.full_like(pictures[0], 90)] * films.RATE
    films.write(folder / "ride.mp4", [*pictures[:36], *nobody, *pictures[36:]])
    write_gpx(folder / "ride.gpx", RIDE)
    (folder / "cameras.csv").write_text(CAMERAS)
    (folder / "footage.csv").write_text(
        f"file,camera_id,started_at,track\nride.mp4,B7,{START.isoformat()},ride.gpx\n"
    )
    return folder


def test_each_person_is_found_in_the_district_where_the_camera_was(
    ride: Path,
    installation: Installation,
    training: str,
) -> None:
    models = installation.load_models("dlib")
    path = installation.settings.home / "ride.duckdb"
    middle = (SOUTH + NORTH) / 2
    districts = {
        "south": District("South", box(-0.011, SOUTH - 0.001, -0.009, middle)),
        "north": District("North", box(-0.011, middle, -0.009, NORTH + 0.001)),
    }
    with Gallery.create(path, models.profile) as gallery:
        report = index_catalogue(ride, gallery, models)
        assert [one.status for one in report.recordings] == ["indexed"]
        assert not report.problems
        places = {c.camera_id for c in gallery.cameras()}
        # The first leg includes the beginning of the ride.
        assert places == {"B7", "B7@+51.48042-000.01000", "B7@+51.48126-000.01000"}
        found = {}
        for name, district in districts.items():
            scope = Scope(district, START, START + timedelta(minutes=1))
            for person in ("Maren Holt", "Edwin Marsh"):
                photographs = demo_town().photographs[person]
                threshold = demo_threshold(demo_town(), photographs=len(photographs))
                probe = make_probe(photographs, models=models)
                result = search(gallery, probe, scope, case=training, threshold=threshold,
                                installation=installation)  # fmt: skip
                found[name, person] = len(result.candidates)
            assert result.coverage.footage_seconds == pytest.approx(3.5, abs=0.4)
        assert found["south", "Maren Holt"] >= 1
        assert found["north", "Edwin Marsh"] >= 1
        assert found["south", "Edwin Marsh"] == found["north", "Maren Holt"] == 0
        # Decoded once, and held under both places.
        assert sum(gallery.recordings()["frames_decoded"]) == 84
        again = index_catalogue(ride, gallery, models)
        assert [one.status for one in again.recordings] == ["present"]
        assert not again.problems
        write_gpx(ride / "ride.gpx", [(s, x, y + 1) for s, x, y in RIDE])
        (problem,) = index_catalogue(ride, gallery, models).problems
        assert "places it elsewhere than when it was indexed" in problem.what
        # Without its track, the same film would be there twice.
        table = (ride / "footage.csv").read_text()
        (ride / "footage.csv").write_text(table.replace(",track", "").replace(",ride.gpx", ""))
        report = index_catalogue(ride, gallery, models)
        assert report.count("present") == 1
        (problem,) = report.problems
        assert "gives it no track, and it was indexed with one" in problem.what


def indexed(*legs: Leg, **changes: object) -> IndexedRecording:
    tracklets = [
        Tracklet(n, START + timedelta(seconds=s), START + timedelta(seconds=s + 2), 3)
        for n, s in enumerate((5, 15, 25, 35))
    ]
    recording = Recording("a.mp4", Path("a.mp4"), "B7", START, track=Path("a.gpx"))
    made = IndexedRecording(
        recording, "00", 10, 20, 40.0, 640, 360, 400, 40, 12, tuple(tracklets),
        problems=(Problem("a.mp4", "odd"), Problem("a.mp4", "bad", 22.0)),
        unseen=(Unseen(8.0, 12.0, "damaged"),), legs=legs, track="a.gpx",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


BODY = Camera("B7", "Body camera 7", None, None)
HERE, THERE = Place(-0.01, 51.48), Place(-0.01, 51.49)
COURSE = (Leg(0, 10, HERE), Leg(10, 20, THERE), Leg(20, 30, HERE), Leg(30, float("inf"), None))


def test_a_recording_is_divided_by_places_and_added_up_again() -> None:
    parts = {camera.camera_id: part for camera, part in divided(indexed(*COURSE), BODY)}
    here, there, nowhere = parts.values()
    assert list(parts)[2] == "B7"
    assert [[(t.ordinal, t.first_seen) for t in part.tracklets] for part in (here, there)] == [
        [(0, START + timedelta(seconds=5)), (1, START + timedelta(seconds=25))],
        [(0, START + timedelta(seconds=15))],
    ]
    assert [(a - START, b - START) for a, b in here.spans] == [
        (timedelta(), timedelta(seconds=8)),
        (timedelta(seconds=20), timedelta(seconds=30)),
    ]
    assert there.spans[0][0] == START + timedelta(seconds=12)
    assert (nowhere.started_at, nowhere.ended_at) == (
        START + timedelta(seconds=30),
        START + timedelta(seconds=40),
    )
    assert [u.end - u.start for part in (here, there) for u in part.unseen] == [2, 2]
    assert [[p.what for p in part.problems] for part in parts.values()] == [["odd", "bad"], [], []]
    assert sum(part.frames_decoded for part in parts.values()) == 400
    assert len({part.recording_id for part in parts.values()}) == 3
    (note,) = notes_on(indexed(*COURSE), BODY)
    assert "not known for 10 s of it" in note.what


def test_what_has_no_certain_time_has_no_certain_place() -> None:
    doubtful = (Stretch(), Stretch(15.0, doubt="its clock goes back"))
    parts = {c.camera_id: p for c, p in divided(indexed(*COURSE, stretches=doubtful), BODY)}
    assert [(leg.start, leg.end) for leg in parts["B7"].legs] == [(15, 20), (20, 30), (30, 40)]
    assert len(parts["B7"].tracklets) == 3
    # A film's own track needs no clock.
    own = indexed(*COURSE, stretches=doubtful, track="film")
    assert len(divided(own, BODY)) == 3


def test_a_place_that_a_film_states_is_told_where_it_is_not_used(tmp_path: Path) -> None:
    film = film_with(tmp_path / "a.mp4", [gps5([HERE], time=START)], seconds=1)
    alone = replace(indexed(), recording=Recording("a.mp4", film, "B7", START))
    (note,) = notes_on(alone, BODY)
    assert "write film in the column track" in note.what
    assert not notes_on(alone, replace(BODY, latitude=51.48, longitude=-0.01))


def test_a_clock_that_was_set_is_joined_to_the_track(tmp_path: Path) -> None:
    """What is set for the camera comes before the legs, and holds for its cameras at places."""
    with Gallery.create(tmp_path / "g.duckdb", PROFILE) as gallery:
        ahead = ClockCorrection(60.0, "anna", "speaking clock", START)
        gallery.correct_clock(ahead, camera_id="B7")
        recording = indexed().recording
        catalogue = Catalogue(tmp_path, (BODY,), (recording,))
        (set_one,) = with_clocks_set(catalogue, gallery).recordings
        assert set_one.started_at == START - timedelta(seconds=60)
        listed = replace(recording, clock_offset_seconds=10.0)
        catalogued = replace(catalogue, recordings=(listed,))
        assert with_clocks_set(catalogued, gallery).recordings == (listed,)
        parts = divided(replace(indexed(*COURSE), recording=set_one), BODY)
        gallery.add_run("here", START, START, indexed=0, refused=[(set_one, "cut")], left=0)
        assert len(gallery.refusals()) == 1
        gallery.add_cameras(camera for camera, _ in parts)
        gallery.add_recordings([part for _, part in parts])
        assert gallery.refusals().empty  # it was read at last
        first = gallery.footage().iloc[0]
        assert first["started_at"] == START - timedelta(seconds=60) + timedelta(seconds=30)
        assert set(gallery.recordings()["stated_at"]) == {START}
        found = gallery.stretches_by_id(part.recording_id for _, part in parts).values()
        assert {(s.offset_seconds, s.found_by, s.how, s.given_for) for (s,) in found} == {
            (60.0, "anna", "speaking clock", "camera")
        }
        # Later on another clock would put everyone in another place.
        with pytest.raises(GalleryError, match="was placed on its track by this clock"):
            gallery.correct_clock(replace(ahead, offset_seconds=5.0), camera_id="B7")
        gallery.correct_clock(ahead, camera_id="B7")
        # From a second inside: confirmed only, so no one is moved.
        name, right = parts[0][1].recording_id, replace(ahead, offset_seconds=None)
        gallery.correct_clock(right, recordings=[name], from_seconds=7.0)
        # It does not keep the others of its folder from being corrected, and is named.
        bus = Recording("bus.mp4", Path("bus.mp4"), "BUS-9", START)
        gallery.add_cameras([Camera("BUS-9", "Bus 9", None, None)])
        gallery.add_recording(replace(indexed(), recording=bus, sha256="01", track=""))
        later = replace(ahead, offset_seconds=5.0, found_at=START + timedelta(days=1))
        changes = gallery.correct_clock(later, folder=".")
        kept_times = {c.file: (c.new_start == c.old_start, c.kept) for c in changes if not c.kept}
        assert kept_times == {"bus.mp4": (False, "")}
        left = {c.kept for c in changes if c.file == "a.mp4" and c.new_start == c.old_start}
        assert "its places on the track are by this clock" in left
        assert [
            one.recording_id
            for one in stored(gallery, sorted(part.recording_id for _, part in parts))
        ] == sorted(p.recording_id for _, p in parts)
        kept = {
            one.recording.camera_id: one
            for one in stored(gallery, [part.recording_id for _, part in parts])
        }
        assert [(leg.start, leg.end) for leg in kept["B7@+51.48000-000.01000"].legs] == [
            (0, 10), (20, 30),
        ]  # fmt: skip
        assert kept["B7"].track == "a.gpx"


def test_a_report_names_the_cameras_without_place_and_track(tmp_path: Path) -> None:
    bus, gate = Camera("BUS-9", "Bus 9", None, None), Camera("G1", "Gate", 51.48, -0.01)
    recordings = (
        indexed().recording,
        replace(indexed().recording, camera_id="BUS-9", track=None),
        replace(indexed().recording, camera_id="G1", track=None),
    )
    assert unplaced(Catalogue(tmp_path, (BODY, bus, gate), recordings)) == ("BUS-9",)
    assert "No place is known of BUS-9" in IndexReport((), (), ("BUS-9",)).unplaced_words()
    assert IndexReport(()).unplaced_words() == ""
