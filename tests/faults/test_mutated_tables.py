"""Tables of cameras and footage damaged at random end in an answer or a refusal."""

from __future__ import annotations

import json
import random
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from mutations import MUTATIONS, mutated, try_all

from workbench.errors import CatalogueError
from workbench.footage.catalog import EARLIEST, read_catalogue

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
]
FOOTAGE = [
    ["file", "camera_id", "started_at", "clock_offset_seconds", "frame_rate", "stream",
     "rotation", "pixel_aspect"],
    ["a.mp4", "C1", "2026-03-29T01:00:00+01:00", "90", "", "2", "180", "2:1"],
    ["night/*.jpg", "C2", "2026-03-29T02:00:00Z", "-0.5", "0.5", "", "", "1.0667"],
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
    ],
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
    catalogue = read_catalogue(tmp_path)
    assert (len(catalogue.cameras), len(catalogue.recordings), catalogue.problems) == (2, 2, ())
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

        try_all(f"{name} with {dialect}", damaged, read, 2 * MUTATIONS)
        (tmp_path / name).write_bytes(whole[name])
    assert min(outcomes.values()) > MUTATIONS / 10, outcomes
