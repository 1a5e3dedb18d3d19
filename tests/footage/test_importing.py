"""Footage without a list: a folder as it arrives, and the catalogue that is proposed for it."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from workbench.errors import CatalogueError, TimeError
from workbench.footage.catalog import read_catalogue
from workbench.footage.importing import (
    Basis,
    Proposal,
    ProposedRecording,
    Trust,
    propose_catalogue,
    read_places,
    read_zone,
    survey,
    write_catalogue,
    writing,
)
from workbench.footage.tables import append_row, with_rows

PLACES = "camera_id,name,latitude,longitude\nGate 3,Gate,51.48,-0.01\nYard,Yard,51.49,-0.02\n"


def film(path: Path, *, seconds: float = 1, **tags: str) -> Path:
    """A grey film, five pictures a second, with these tags in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(round(5 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def picture(path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), "grey").save(path)


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a share holds: films of several makers, pictures, and things that are neither."""
    root = tmp_path_factory.mktemp("messy") / "export"
    at = {"creation_time": "2026-03-30T17:00:02Z"}
    film(root / "Gate 3/2026-03-30_18-00-00.mp4", **at)  # 18:00 in London is 17:00 UTC
    film(root / "Gate 3/2026-03-30_18-10-00.mp4", creation_time="2026-05-02T09:00:00Z")
    film(root / "Gate 3/2026-03-30T18-20-00+0100.mkv")
    film(root / "Gate 3/2026-10-25_01-30-00.mkv")  # clocks showed that twice
    film(root / "Gate 3/2026-03-29_01-30-00.mkv")  # clocks never showed that
    film(root / "Yard/clip.mp4", creation_time="2026-03-30T16:00:00Z")
    film(root / "Yard/unset.mp4", creation_time="1970-01-01T00:00:00Z")
    last = film(root / "Yard/nothing.mkv")
    os.utime(last, (1_774_000_000, 1_774_000_000))
    film(root / "2026-03-30_18-30-00.mkv")  # whose camera?
    for minute in range(3):
        picture(root / f"Yard/pictures/20260330_18{minute:02}00.jpg")
    picture(root / "Gate 3/preview.jpg")
    (root / "playlist.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nGate 3/2026-03-30_18-00-00.mp4\n")
    (root / "notes.txt").write_text("call me back\n")
    (root / "empty.mp4").touch()
    (root / ".DS_Store").write_bytes(b"\0")
    (root / "Thumbs.db").write_bytes(b"\0")
    outside = film(root.parent / "outside.mp4")
    (root / "link.mp4").symlink_to(outside)
    return root


@pytest.fixture(scope="module")
def list_of_cameras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("list") / "list.csv"
    path.write_text(PLACES)
    return path


@pytest.fixture(scope="module")
def proposal(messy: Path, list_of_cameras: Path) -> Proposal:
    return propose_catalogue(messy, zone="Europe/London", cameras=list_of_cameras)


def row(proposal: Proposal, file: str) -> ProposedRecording:
    return next(one for one in proposal.recordings if one.file.endswith(file))


def test_a_name_that_its_container_confirms_is_sure(proposal: Proposal) -> None:
    one = row(proposal, "18-00-00.mp4")
    assert (one.camera_id, one.camera_from) == ("Gate 3", "folder")
    assert one.start.at == datetime(2026, 3, 30, 17, tzinfo=UTC)
    assert (one.start.basis, one.start.trust, one.lacks) == (Basis.NAME, Trust.SURE, ())


def test_a_name_that_its_container_contradicts_is_left_until_somebody_decides(
    proposal: Proposal, messy: Path, list_of_cameras: Path
) -> None:
    one = row(proposal, "18-10-00.mp4")
    assert not one.ready
    assert one.start.at is None
    assert "contradict each other: the container says 2026-05-02 09:00:00 UTC" in one.lacks[0]
    assert proposal.contradictions == 1
    for prefer, at in (("name", (3, 30, 17, 10)), ("container", (5, 2, 9, 0))):
        decided = propose_catalogue(
            messy, zone="Europe/London", cameras=list_of_cameras,
            prefer=prefer,  # type: ignore[arg-type]
        )  # fmt: skip
        start = row(decided, "18-10-00.mp4").start
        assert start.at == datetime(2026, *at, tzinfo=UTC)
        assert "contradict" in start.why[-1]


def test_a_name_with_its_offset_needs_no_zone(messy: Path, list_of_cameras: Path) -> None:
    without = propose_catalogue(messy, cameras=list_of_cameras)
    assert without.needs_zone
    one = row(without, "+0100.mkv")
    assert one.ready
    assert one.start.at == datetime(2026, 3, 30, 17, 20, tzinfo=UTC)
    assert one.start.trust == Trust.SURE
    assert row(without, "18-00-00.mp4").lacks == (
        "2026-03-30 18:00:00 needs the zone of the camera's clock",
    )


def test_local_times_at_the_turn_of_clocks_are_told_and_not_guessed(proposal: Proposal) -> None:
    twice = row(proposal, "2026-10-25_01-30-00.mkv")
    assert twice.start.at is None
    assert twice.start.possible == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )
    assert "twice, at 00:30:00 or 01:30:00 UTC" in twice.lacks[0]
    assert "never showed" in row(proposal, "2026-03-29_01-30-00.mkv").lacks[0]


@pytest.mark.parametrize(
    ("container", "decided"),
    [
        ("2025-10-26T00:30:01Z", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        # The second time in UTC, or the first by a camera that writes local time there.
        ("2025-10-26T01:30:01Z", None),
    ],
)
def test_the_container_decides_which_of_two_times_it_was_if_it_can(
    tmp_path: Path, container: str, decided: datetime | None
) -> None:
    film(tmp_path / "A/2025-10-26_01-30-00.mp4", creation_time=container)
    (one,) = propose_catalogue(tmp_path, zone="Europe/London").recordings
    assert one.start.at == decided
    assert len(one.start.possible) == (1 if decided else 2)


def test_a_recorder_whose_clock_is_not_turned_has_a_fixed_offset(tmp_path: Path) -> None:
    film(tmp_path / "A/2026-10-25_01-30-00.mkv")
    (one,) = propose_catalogue(tmp_path, zone="+01:00").recordings
    assert one.start.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    with pytest.raises(TimeError, match="'Europe/Londn' is not a time zone"):
        read_zone("Europe/Londn")


def test_container_and_modification_time_are_told_from_each_other(proposal: Proposal) -> None:
    stated, unset, nothing = (
        row(proposal, f"Yard/{n}") for n in ("clip.mp4", "unset.mp4", "nothing.mkv")
    )
    assert stated.rests_on == "container (creation_time)"
    assert (stated.start.trust, stated.stated) == (Trust.LIKELY, True)
    assert unset.start.basis == Basis.MODIFIED
    assert (nothing.start.trust, nothing.ready, nothing.stated) == (Trust.WEAK, True, False)
    assert nothing.start.at == datetime.fromtimestamp(1_774_000_000 - 1, UTC)


@pytest.mark.parametrize(
    ("container", "at", "basis", "trust"),
    [
        ("", (17, 0, 0), Basis.MINUTE, Trust.WEAK),
        ("2026-03-30T17:00:42Z", (17, 0, 42), Basis.BOTH, Trust.SURE),
        ("2026-03-30T17:03:00Z", None, Basis.MINUTE, Trust.UNKNOWN),
    ],
)
def test_a_name_without_seconds_is_weak_unless_the_container_has_them(
    tmp_path: Path, container: str, at: tuple[int, int, int] | None, basis: Basis, trust: Trust
) -> None:
    tags = {"creation_time": container} if container else {}
    film(tmp_path / "A" / "2026-03-30 18.00.mp4", seconds=70, **tags)
    proposal = propose_catalogue(tmp_path, zone="Europe/London", without_places=True)
    (one,) = proposal.recordings
    assert one.start.at == (datetime(2026, 3, 30, *at, tzinfo=UTC) if at else None)
    assert (one.start.basis, one.start.trust) == (basis, trust)
    assert one.stated is (trust == Trust.SURE)
    if one.ready:
        write_catalogue(proposal)
        (recording,) = read_catalogue(tmp_path).recordings
        assert bool(recording.time_doubt) is (trust == Trust.WEAK)


def test_a_container_that_seems_to_state_the_end_is_weak(tmp_path: Path) -> None:
    path = film(tmp_path / "A" / "a.mp4", seconds=30, creation_time="2026-03-30T17:00:00Z")
    written = datetime(2026, 3, 30, 17, 0, 2, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    (one,) = propose_catalogue(tmp_path, without_places=True).recordings
    assert (one.start.trust, one.ready, one.stated) == (Trust.WEAK, True, False)
    assert "it may be that of the end" in one.start.why[0]
    write_catalogue(propose_catalogue(tmp_path, without_places=True))
    assert "may be its end" in read_catalogue(tmp_path).recordings[0].time_doubt


def test_pictures_are_a_sequence_with_the_rate_of_their_names(proposal: Proposal) -> None:
    one = row(proposal, "pictures/*.jpg")
    assert one.frame_rate == pytest.approx(1 / 60)
    assert one.camera_id == "Yard"
    assert one.start.at == datetime(2026, 3, 30, 17, tzinfo=UTC)


def test_cameras_that_nothing_tells_are_asked_for(
    proposal: Proposal, messy: Path, list_of_cameras: Path
) -> None:
    assert row(proposal, "18-30-00.mkv").lacks == ("neither name nor folder says its camera",)
    given = propose_catalogue(
        messy, zone="Europe/London", cameras=list_of_cameras, camera="gate"
    )  # fmt: skip
    assert row(given, "18-30-00.mkv").camera_id == "Gate 3"  # as the list calls it


def test_what_is_no_footage_is_told_with_the_reason(proposal: Proposal, messy: Path) -> None:
    told = {one.where: one.what for one in proposal.not_understood}
    assert told["empty.mp4"] == "is empty"
    assert told["link.mp4"].startswith("is a link out of the folder")
    assert told["notes.txt"] == "is not footage but text/plain"
    assert "not a recording" in told["playlist.m3u8"]
    assert told["Gate 3/preview.jpg"] == "is a single picture, not a sequence"
    assert len(told) == 5
    assert proposal.survey.skipped == 2


def test_names_that_no_table_or_terminal_should_hold_are_refused(tmp_path: Path) -> None:
    for name in (
        b"G\xff/2026-03-29 10.11.12.mp4",
        b"G\x1b[2J/2026-03-29 10.11.12.mp4",
        b"\xff/1.jpg",
    ):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir()
        path.write_bytes(b"x")
    found = survey(tmp_path)
    assert found.found == ()
    assert {(one.where, one.what.split(";")[0]) for one in found.not_understood} == {
        (
            "G\ufffd/2026-03-29 10.11.12.mp4",
            "its path is not in UTF-8, and a table could not name it",
        ),
        ("G\ufffd[2J/2026-03-29 10.11.12.mp4", "its path holds a control character"),
        ("\ufffd/1.jpg", "its path is not in UTF-8, and a table could not name it"),
    }


def test_pictures_whose_names_say_nothing_have_their_times_from_exif(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "Gate").mkdir()
    for number in range(3):
        exif = Image.Exif()
        exif[0x8769] = {0x9003: f"2026:03:30 18:00:{10 * number:02}", 0x9011: "+01:00"}
        Image.new("RGB", (32, 32)).save(tmp_path / "Gate" / f"IMG_{number}.jpg", exif=exif)
    (one,) = propose_catalogue(tmp_path, without_places=True).recordings
    assert one.start.at == datetime(2026, 3, 30, 17, tzinfo=UTC)
    assert one.rests_on == "container, of the beginning (EXIF DateTimeOriginal)"
    assert one.frame_rate == pytest.approx(0.1)
    (tmp_path / "Gate" / "IMG_1.jpg").unlink()
    picture(tmp_path / "Gate" / "IMG_7.jpg")  # without EXIF
    (one,) = propose_catalogue(tmp_path, without_places=True).recordings
    assert "neither names nor EXIF give their times" in one.lacks[0]


def test_a_camera_in_two_folders_is_two_cameras_and_one_that_overlaps_itself_none(
    tmp_path: Path,
) -> None:
    for recorder in ("north", "south"):
        film(tmp_path / recorder / "ch01_20260330_180000.mkv")
    film(tmp_path / "east" / "a 2026-03-30 18.00.00.mkv", seconds=3)
    film(tmp_path / "east" / "a 2026-03-30 18.00.01.mkv", seconds=3)
    rows = propose_catalogue(tmp_path, zone="UTC").recordings
    assert [one.camera_id for one in rows][2:] == ["north ch01", "south ch01"]
    assert all("does not record twice at once" in one.lacks[0] for one in rows[:2])
    rows = propose_catalogue(tmp_path, zone="UTC", without_places=True, overlaps=True).recordings
    assert all(one.ready and "does not record twice" in one.notes[0] for one in rows[:2])


@pytest.mark.parametrize(
    ("names", "mixed"),
    [
        # Two channels of a recorder that no known product names like this.
        (["2026-03-30_18-00-00_03", "2026-03-30_19-00-00_03",
          "2026-03-30_20-00-00_04"], True),
        (["film 1 2026-03-30 18.00.00", "film 2 2026-03-30 19.00.00",
          "film 3 2026-03-30 20.00.00"], False),
        (["2026-03-30 18.00.00", "2026-03-30 18.30.00", "2026-03-31 03.03.03"], False),
    ],
)  # fmt: skip
def test_names_that_differ_as_of_several_cameras_are_not_taken_for_one(
    tmp_path: Path, names: list[str], mixed: bool
) -> None:
    for name in names:
        film(tmp_path / "Gate" / f"{name}.mkv")
    rows = propose_catalogue(tmp_path, zone="UTC", without_places=True).recordings
    assert [one.ready for one in rows] == [not mixed] * 3
    if mixed:
        assert "names differ in numbers, such as" in rows[0].lacks[0]


def test_channels_of_a_recorder_are_not_the_camera_that_is_called_as_it(
    tmp_path: Path, list_of_cameras: Path
) -> None:
    for channel in (1, 2):
        film(tmp_path / "Yard" / f"NVR-1_{channel:02}_20260331180000_20260331180001.mkv")
    rows = propose_catalogue(tmp_path, zone="UTC", cameras=list_of_cameras).recordings
    assert "but names say several cameras" in rows[0].lacks[0]


def test_written_tables_are_read_back_and_rows_that_are_there_stay(
    tmp_path: Path, list_of_cameras: Path
) -> None:
    root = tmp_path / "share" / "export"
    film(root / "Gate 3/2026-03-30_18-00-00.mkv")
    proposal = propose_catalogue(root, zone="Europe/London", cameras=list_of_cameras)
    write_catalogue(proposal)
    catalogue = read_catalogue(root)
    assert catalogue.problems == ()
    assert [one.camera_id for one in catalogue.cameras] == ["Gate 3"]
    assert catalogue.recordings[0].started_at == datetime(2026, 3, 30, 17, tzinfo=UTC)

    film(root / "Yard/2026-03-30_18-00-00.mkv")
    before = (root / "footage.csv").read_text()
    again = propose_catalogue(root, zone="Europe/London", cameras=list_of_cameras)
    assert (again.listed, len(again.recordings)) == (1, 1)
    with pytest.raises(CatalogueError, match=r"has cameras.csv and footage.csv already"):
        write_catalogue(again)
    assert (root / "footage.csv").read_text() == before
    written = write_catalogue(again, add=True)
    assert (written.cameras, written.recordings, written.added) == (1, 1, True)
    assert (root / "footage.csv").read_text().startswith(before)
    assert len(read_catalogue(root).recordings) == 2
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


def test_a_row_that_a_hook_adds_while_a_catalogue_is_written_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(tmp_path / "Gate" / "2026-03-30_18-00-00.mkv")
    columns, table = ["file", "camera_id", "started_at"], tmp_path / "footage.csv"
    table.write_text(",".join(columns) + "\n")
    row = dict(zip(columns, ["new.mkv", "Gate", "2026-03-29T18:00:00Z"], strict=True))
    hook = threading.Thread(target=append_row, args=(table, columns, row))

    def slow(*given: Any, **options: Any) -> bytes:
        content = with_rows(*given, **options)
        hook.start()
        hook.join(0.2)  # as long as it takes where nothing keeps it out
        return content

    monkeypatch.setattr(writing, "with_rows", slow)
    write_catalogue(propose_catalogue(tmp_path, zone="UTC", without_places=True), add=True)
    hook.join()
    assert "new.mkv" in table.read_text()
    assert "18-00-00.mkv" in table.read_text()


def test_rows_added_to_a_table_of_others_keep_their_doubt(tmp_path: Path) -> None:
    film(tmp_path / "Gate" / "2026-03-30_18-00-00.mkv")
    (tmp_path / "footage.csv").write_text(
        "file,camera_id,started_at\nGate/old.mkv,Gate,2026-03-29T18:00:00Z\n"
    )
    write_catalogue(propose_catalogue(tmp_path, zone="UTC", without_places=True), add=True)
    # What a name states needs no word more in the table of somebody else.
    first, *_, last = (tmp_path / "footage.csv").read_text().splitlines()
    assert (first.count(","), last.count(",")) == (2, 2)
    film(tmp_path / "Gate" / "clip.mkv")
    write_catalogue(propose_catalogue(tmp_path, zone="UTC", without_places=True), add=True)
    doubts = {one.file: one.time_doubt for one in read_catalogue(tmp_path).recordings}
    assert "last written" in doubts["Gate/clip.mkv"]
    assert doubts["Gate/2026-03-30_18-00-00.mkv"] == ""


def test_tables_lie_in_the_folder_or_above_it(tmp_path: Path, list_of_cameras: Path) -> None:
    root = tmp_path / "office" / "share"
    film(root / "Gate 3/2026-03-30_18-00-00.mkv")
    proposal = propose_catalogue(
        root, zone="UTC", cameras=list_of_cameras, out=tmp_path / "office"
    )  # fmt: skip
    write_catalogue(proposal, out=tmp_path / "office")
    assert read_catalogue(tmp_path / "office").recordings[0].file.startswith("share/Gate 3/")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(CatalogueError, match="lie inside the folder of their catalogue"):
        write_catalogue(proposal, out=tmp_path / "elsewhere")
    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_tables_that_are_links_are_neither_read_nor_written(tmp_path: Path) -> None:
    film(tmp_path / "export" / "Gate" / "2026-03-30_18-00-00.mkv")
    (tmp_path / "export" / "footage.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(CatalogueError, match=r"footage.csv: is a link out of the folder"):
        propose_catalogue(tmp_path / "export", zone="UTC", without_places=True)
    (tmp_path / "export" / "footage.csv").unlink()
    proposal = propose_catalogue(tmp_path / "export", zone="UTC", without_places=True)
    (tmp_path / "export" / "cameras.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(CatalogueError, match=r"cameras.csv: is a link out of the folder"):
        write_catalogue(proposal, add=True)
    assert not (tmp_path / "elsewhere.csv").exists()


# --- Lists of cameras ---------------------------------------------------------------------------

GEOJSON = """{"type": "FeatureCollection", "features": [{"type": "Feature",
"properties": {"id": "G", "name": "Gate"},
"geometry": {"type": "Point", "coordinates": [-0.01, 51.48]}}]}"""
KML = """<?xml version="1.0"?>{doctype}
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><Placemark><name>{name}</name>
<ExtendedData><Data name="camera_id"><value>G</value></Data></ExtendedData>
<Point><coordinates> -0.01,51.48,0 </coordinates></Point></Placemark></Folder></Document></kml>"""


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", "ID;Name;Lat;Lng\nG;Gate;51,48;-0,01\n"),
        ("a.geojson", GEOJSON),
        ("a.kml", KML.format(doctype="", name="Gate")),
    ],
)
def test_lists_of_cameras_of_all_kinds_are_read(tmp_path: Path, file: str, content: str) -> None:
    path = tmp_path / file
    path.write_text(content)
    (camera,) = read_places(path)
    assert (camera.camera_id, camera.name) == ("G", "Gate")
    assert (camera.latitude, camera.longitude) == (51.48, -0.01)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE kml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE kml [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE kml SYSTEM "http://127.0.0.1/kml.dtd">',
    ],
)
def test_kml_that_defines_or_fetches_something_is_refused(tmp_path: Path, doctype: str) -> None:
    path = tmp_path / "a.kml"
    path.write_text(KML.format(doctype=doctype, name="&b;" if "ENTITY" in doctype else "Gate"))
    with pytest.raises(CatalogueError, match="is not KML that can be read"):
        read_places(path)


def test_placemarks_in_one_another_are_read_in_no_time(tmp_path: Path) -> None:
    mark = "<Placemark><name>Gate</name><Point><coordinates>-0.01,51.48</coordinates></Point>"
    document = f"<kml>{mark * 30_000}{'</Placemark>' * 30_000}</kml>"
    (tmp_path / "a.kml").write_text(document)
    assert [camera.camera_id for camera in read_places(tmp_path / "a.kml")] == ["Gate"]


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("a.csv", "camera_id,latitude,longitude\nG,51,0\nG,51.5,0\n", "duplicate camera G"),
        ("a.csv", "camera_id,latitude\nG,51.48\n", "has no column longitude"),
        ("a.csv", "camera_id,latitude,longitude\nG,151,0\n", "not a place on Earth"),
        ("a.kml", "<svg/>", "is not KML but <svg>"),
        ("a.kml", "<kml", "is not KML that can be read"),
        ("a.kmz", "PK", "is packed"),
        ("a.geojson", '{"features": []}', "lists no camera"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_used_are_refused(
    tmp_path: Path, file: str, content: str, what: str
) -> None:
    path = tmp_path / file
    path.write_text(content)
    with pytest.raises(CatalogueError, match=what):
        read_places(path)


def rows_of(path: Path) -> Sequence[dict[str, str]]:
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


def test_the_table_says_what_each_time_rests_on(proposal: Proposal, messy: Path) -> None:
    kept = [one for one in proposal.recordings if one.ready]
    write_catalogue(proposal, kept)
    try:
        rows = rows_of(messy / "footage.csv")
    finally:
        (messy / "footage.csv").unlink()
        (messy / "cameras.csv").unlink()
    said = {one["file"]: one["time_from"] for one in rows}
    assert said["Gate 3/2026-03-30_18-00-00.mp4"] == "name"
    assert said["Yard/clip.mp4"] == "container"
    assert said["Yard/nothing.mkv"] == "modification time"
    assert len(rows) == 6


@pytest.mark.parametrize(
    ("tags", "doubtful"),
    [
        ({"creation_time": "2026-03-30T17:00:42Z"}, True),  # local, the end or of an export
        ({"com.apple.quicktime.creationdate": "2026-03-30T18:00:42+0100"}, False),
    ],
)
def test_a_container_that_may_state_something_else_is_in_doubt(
    tmp_path: Path, tags: dict[str, str], doubtful: bool
) -> None:
    film(tmp_path / "A" / "a.mkv", **tags)
    write_catalogue(propose_catalogue(tmp_path, without_places=True))
    (recording,) = read_catalogue(tmp_path).recordings
    assert recording.started_at == datetime(2026, 3, 30, 17, 0, 42, tzinfo=UTC)
    assert ("container alone" in recording.time_doubt) is doubtful
