"""Tables, lists of cameras, tracks and names damaged at random end in an answer or a refusal."""

from __future__ import annotations

import json
import random
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path, PurePosixPath

import pytest
from mutations import MUTATIONS, mutated, try_all

from workbench.domain import EARLIEST
from workbench.errors import CatalogueError, EvaluationError, RecordingError
from workbench.evaluation.data import people_in, read_pairs
from workbench.footage.catalog import read_catalogue
from workbench.footage.gps import Position, legs_of, read_gpx
from workbench.footage.importing.places import read_places
from workbench.footage.names import read_name

EXAMPLES = [
    line.split("`")[1]
    for line in (Path(__file__).parents[2] / "docs" / "footage.md").read_text("utf-8").splitlines()
    if line.endswith("|") and "[source](" in line
]

WORDS = (
    b",", b";", b"\t", b"|", b'"', b'""', b"\n", b"\r", b"\x00", b"sep=;\n", b"\xef\xbb\xbf",
    b"\xff\xfe", b"nan", b"-inf", b"1e309", b"1e999999999", b"1e-300", b"9" * 5000, b"-1", b"0",
    b"1_0", "٣".encode(), "²".encode(), b"1/0", b"0:0", b"16:9", b"9" * 150_000, b"../", b"/etc/",
    b"*", b"**", b"[", b"a/" * 3000, b"x" * 300, b"\\", b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-12:00", b"2026-03-29T00:00:00Z", b"clock_offset_seconds", b"file",
    b"null", b"[]", b"{}", b"[" * 20_000, b'"MultiPoint"', b'"coordinates":', b'"\\ud800"',
)  # fmt: skip
CAMERAS = [
    ["camera_id", "name", "latitude", "longitude"],
    ["C1", "Quay, north", "51.48", "-0.01"],
    ["C2", "Büro", "51.49", "-0.02"],
    ["V", "Van", "", ""],
]
FOOTAGE = [
    ["file", "camera_id", "started_at", "clock_offset_seconds", "frame_rate", "stream",
     "rotation", "pixel_aspect", "latitude", "longitude", "track", "time_from"],
    ["a.mp4", "C1", "2026-03-29T01:00:00+01:00", "90", "", "2", "180", "2:1", "", "", "", "name"],
    ["night/*.jpg", "C2", "2026-03-29T02:00:00Z", "-0.5", "0.5", "", "", "1.0667", "", "", "", ""],
    ["b.mp4", "V", "2026-03-29T03:00:00Z", "", "", "", "", "", "51.48", "-0.01", "", ""],
    ["c.mp4", "V", "2026-03-29T04:00:00Z", "", "", "", "", "", "", "", "film", ""],
    ["d.mp4", "V", "2026-03-29T05:00:00Z", "", "", "", "", "", "", "", "d.gpx", ""],
]  # fmt: skip
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"camera_id": camera, "name": name},
            "geometry": {"type": kind, "coordinates": place},
        }
        for camera, name, kind, place in (
            ("C1", "Quay", "Point", [-0.01, 51.48]),
            ("C2", "Büro", "MultiPoint", [[-0.02, 51.49]]),
        )
    ]
    + [{"type": "Feature", "properties": {"camera_id": "V", "name": "Van"}, "geometry": None}],
}


def table(rows: list[list[str]], separator: str, encoding: str, *, first: str = "") -> bytes:
    """A table as a spreadsheet writes it; decimal commas where they do not separate."""
    lines = []
    for number, row in enumerate(rows):
        if separator != "," and number:
            row = [field.replace(".", ",") if field[-1:].isdigit() else field for field in row]
        quoted = [f'"{field}"' if separator in field else field for field in row]
        lines.append(separator.join(quoted))
    return (first + "\r\n".join(lines) + "\r\n").encode(encoding)


DIALECTS = {
    "commas": (",", "utf-8", ""),
    "semicolons": (";", "utf-8-sig", "sep=;\r\n"),
    "tabs": ("\t", "utf-16", ""),
    "bars": ("|", "utf-8", ""),
}


@pytest.mark.soak
@pytest.mark.parametrize("dialect", [*DIALECTS, "GeoJSON"])
def test_mutated_tables_are_read_or_refused(tmp_path: Path, dialect: str) -> None:
    separator, encoding, first = DIALECTS.get(dialect, DIALECTS["commas"])
    whole = {
        "cameras.csv": table(CAMERAS, separator, encoding, first=first),
        "footage.csv": table(FOOTAGE, separator, encoding, first=first),
    }
    if dialect == "GeoJSON":
        del whole["cameras.csv"]
        whole["cameras.geojson"] = json.dumps(POINTS).encode("utf-8-sig")
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "d.gpx").write_bytes(GPX)
    catalogue = read_catalogue(tmp_path)
    # One camera more than is listed: a moving one, at the place that a recording states.
    assert (len(catalogue.cameras), len(catalogue.recordings), catalogue.problems) == (4, 5, ())
    outcomes = {"read": 0, "in part": 0, "refused": 0}

    for name in whole:

        def read(content: bytes, path: Path = tmp_path / name) -> None:
            path.write_bytes(content)
            try:
                catalogue = read_catalogue(tmp_path)
            except CatalogueError:
                outcomes["refused"] += 1
                return
            assert all(camera.camera_id for camera in catalogue.cameras)
            assert all(problem.where and problem.what for problem in catalogue.problems)
            for recording in catalogue.recordings:
                assert recording.started_at.tzinfo is UTC
                assert recording.started_at >= EARLIEST
                assert recording.path.resolve().is_relative_to(tmp_path.resolve())
                if recording.frame_rate is not None:
                    # A second picture has a time.
                    recording.started_at + timedelta(seconds=1 / recording.frame_rate)
            outcomes["in part" if catalogue.problems else "read"] += 1

        def damaged(generator: random.Random, name: str = name) -> bytes:
            if name.endswith(".geojson") or generator.random() < 0.5:
                return mutated(whole[name], generator, WORDS)
            rows = [list(row) for row in (CAMERAS if name == "cameras.csv" else FOOTAGE)]
            row = rows[generator.randrange(len(rows))]
            word = generator.choice(WORDS).decode(errors="replace")
            at = generator.randrange(len(row))
            row[at] = generator.choice((word, word + row[at], row[at] + word))
            return table(rows, separator, encoding, first=first)

        try_all(f"{name} with {dialect}", damaged, read, MUTATIONS)
        (tmp_path / name).write_bytes(whole[name])
    assert min(outcomes.values()) > MUTATIONS / 20, outcomes


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["labels", "pairs.txt", "pairs.csv"])
def test_mutated_labels_and_pairs_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    for number in range(1, 4):
        for name in ("Ann", "Bob"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{name}_{number:04}.jpg").write_bytes(b"")
    whole, path = {
        "labels": (b"person,age,group\nAnn,20,a\nBob,30,b\n", tmp_path / "labels.csv"),
        "pairs.txt": (b"1\t2\nAnn\t1\t2\nAnn\t1\tBob\t3\n", tmp_path / kind),
        "pairs.csv": (
            b"first,second,same\nAnn/Ann_0001.jpg,Ann/Ann_0002.jpg,1\n"
            b"Ann/Ann_0001.jpg,Bob/Bob_0002.jpg,0\n",
            tmp_path / kind,
        ),
    }[kind]
    said = {"read": 0, "refused": 0}

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            found = people_in(tmp_path) if kind == "labels" else read_pairs(path, tmp_path)
        except EvaluationError as error:
            said["refused"] += bool(error.where)
        else:
            said["read"] += bool(found)

    try_all(kind, partial(mutated, whole, bits=WORDS), read, MUTATIONS)
    assert min(said.values()) > 0, said


GPX = b"""<?xml version="1.0" encoding="utf-8"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><metadata><name>a</name></metadata>
<trk><name>B\xc3\xbcro</name><trkseg>
<trkpt lat="51.48" lon="-0.01"><ele>3</ele><time>2026-03-29T00:00:00Z</time><hdop>1</hdop></trkpt>
<trkpt lat="51.4801" lon="-0.0101"><time>2026-03-29T00:00:01.5+00:00</time></trkpt>
<trkpt lat="51.4802" lon="-0.0102"><fix>3d</fix><time>2026-03-29T00:00:09</time></trkpt>
</trkseg></trk></gpx>"""
KML = b"""<?xml version="1.0" encoding="utf-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><Placemark><name>Gate</name>
<ExtendedData><Data name="camera_id"><value>G</value></Data></ExtendedData>
<Point><coordinates> -0.01,51.48,0 </coordinates></Point></Placemark></Folder></Document></kml>"""
TAGS = (
    b"<", b">", b"</", b"/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&lt;", b"]]>",
    b"<![CDATA[", b"<!--", b'encoding="utf-7"', b'encoding="big5"', b'encoding="none"', b"\x00",
    b"\xff\xfe", b"nan", b"inf", b"1e999", b"91", b"-181", b"0", b"9999-12-31T23:59:59-12:00",
    b"0001-01-01T00:00:00+14:00", b"2026-02-30T00:00:00Z", b"<trkpt>", b"<trkseg>",
    b"<Placemark>", b"<Point>", b"<a>" * 20_000, b",", b" ", b'"', b"xmlns",
)  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["gpx", "kml"])
def test_mutated_tracks_and_lists_of_cameras_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    content = {"gpx": GPX, "kml": KML}[kind]
    outcomes = {"read": 0, "refused": 0}

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            if kind == "kml":
                places = [camera.place for camera in read_places(path)]
            else:
                points, _ = read_gpx(path)
                begun = [(p.time - EARLIEST).total_seconds() for p in points]
                legs_of(Position(s, p.place, p.segment) for s, p in zip(begun, points, strict=True))
                places = [point.place for point in points]
        except (CatalogueError, RecordingError):
            outcomes["refused"] += 1
            return
        assert all(abs(one.longitude) <= 180 and abs(one.latitude) <= 90 for one in places if one)
        outcomes["read"] += 1

    read(content)
    assert outcomes["read"] == 1, f"{kind} is not read as it is"
    try_all(kind, partial(mutated, content, bits=TAGS), read, 5 * MUTATIONS)
    assert min(outcomes.values()) > MUTATIONS / 20, outcomes


SIGNS = (
    "2026", "0", "99", "-", "_", ".", "/", "T", "Z", "+01:00", "+99:99", " ", "PM", "(1)", "[", "*",
    "1" * 60, "-" * 60, "\u0663", "\u00b2", "\n", "\x1b[2J", "..", "1706108297", "24", "a" * 200,
)  # fmt: skip


@pytest.mark.soak
def test_mutated_names_are_read_or_not_understood() -> None:
    outcomes = {"dated": 0, "not dated": 0}

    def read(name: str) -> None:
        named = read_name(PurePosixPath(name))
        outcomes["dated" if named and named.started_at else "not dated"] += 1

    def damaged(generator: random.Random) -> str:
        name = generator.choice(EXAMPLES)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(name) + 1)
            match generator.randrange(3):
                case 0:
                    name = name[:at] + generator.choice(SIGNS) + name[at:]
                case 1:
                    name = name[:at] + name[at + generator.randint(1, 5) :]
                case _:
                    name = name[:at] + generator.choice(EXAMPLES)[-at:]
        return name

    try_all("names", damaged, read, 5 * MUTATIONS)
    assert min(outcomes.values()) > MUTATIONS / 20, outcomes
