"""Where the time of a candidate is shown or exported, it is said if it is uncertain or corrected.

One sighting whose recording's clock went back, and one whose camera's clock was found to be ahead,
go through every surface; a module that shows times and is not known here fails the last test.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from office import PROFILE, START, vector
from searching import search

import workbench
from workbench.casework.cases import Case
from workbench.casework.evidence.export import export
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.reviewing.sightings import Sighting
from workbench.casework.reviewing.verdicts import Decision
from workbench.cli.search import _candidate_line, show_result
from workbench.domain import (
    TIME_FIELDS,
    Box,
    Candidate,
    ClockCorrection,
    IndexedRecording,
    Probe,
    Quality,
    Recording,
    Scope,
    Shot,
    Tracklet,
    stretches_of,
)
from workbench.gallery import Gallery
from workbench.investigation import SearchResult
from workbench.maps.export import sightings_csv, sightings_geojson
from workbench.maps.offline import self_contained_html
from workbench.maps.sightings import sightings_map
from workbench.maps.timeline import timeline
from workbench.widgets.components.parts import time_mark
from workbench.widgets.investigate.results import card, covered
from workbench.widgets.sightings import _row

ZONE = ZoneInfo("Europe/London")
DOUBT = "its clock goes back by 30 s"
UNCERTAIN, CORRECTED = "time uncertain", "time corrected"


@pytest.fixture
def gallery(
    town_file: Path, tmp_path: Path, copied: Callable[[Path, Path], Path]
) -> Iterator[Gallery]:
    """The Old Town, with a recording of doubtful time, and one whose clock was 4 minutes ahead."""
    path = copied(town_file, tmp_path)
    started = START + timedelta(hours=10)
    template = vector(0)
    shot = Shot(15.0, started, Box(1, 2, 3, 4), Quality(0.9, 0.9, 0.9, 0.9, 0.9), b"jpeg", template)
    at = [started + timedelta(seconds=seconds) for seconds in (14, 16)]
    doubtful = IndexedRecording(
        Recording("joined.ts", Path("x.ts"), "C0", started), "ab" * 32, 1, 1, 30.0, 64, 48, 1, 1, 1,
        (Tracklet(0, *at, 2, (shot,), template),), stretches=stretches_of([(10.0, DOUBT)]),
    )  # fmt: skip
    found = ClockCorrection(240, "anna", "compared with the clock in the picture", START, 2)
    with Gallery.for_writing(path, PROFILE) as writing:
        writing.add_recording(doubtful)
        writing.correct_clock(found, camera_id="C1")
    with Gallery.open(path) as opened:
        yield opened


@pytest.fixture
def result(gallery: Gallery, case: Case, subject: Probe, permitted: Scope) -> SearchResult:
    return search(gallery, subject, permitted, case="A-1", threshold=0.6, top=4)


def those(result: SearchResult) -> tuple[Candidate, Candidate, Candidate]:
    """The candidate of doubtful time, the one of corrected time, and one of a plain time."""
    by_camera = {one.camera.camera_id: one for one in reversed(result.candidates)}
    doubtful = next(one for one in result.candidates if one.recording == "joined.ts")
    return doubtful, by_camera["C1"], by_camera["C2"]


def test_the_marks(result: SearchResult) -> None:
    doubtful, corrected, plain = those(result)
    assert (doubtful.time.mark, corrected.time.mark, plain.time.mark) == (UNCERTAIN, CORRECTED, "")
    assert DOUBT in doubtful.time.remark(ZONE)
    words = corrected.time.remark(ZONE)
    for told in (
        "the clock was 4 min ahead (± 2 s)",
        "found by anna",
        "recorded as Sun ",
    ):
        assert told in words
    assert plain.time.remark(ZONE) == ""
    assert replace(plain.time, uncertainty_seconds=3.0).mark == "time ± 3 s"
    assert replace(plain.time, note="by rules").remark(ZONE).startswith("time by earlier rules: ")


def test_a_notebook_tells_it(result: SearchResult) -> None:
    page = result._repr_html_()
    assert f"UTC, {UNCERTAIN}</td>" in page
    assert f"UTC, {CORRECTED}</td>" in page
    assert page.count(": time uncertain: recorded as") == 1
    shown = result.faces()._content()["rows"][-1]  # type: ignore[attr-defined]
    lines = [line for face in shown for line in face["lines"]]
    assert sum(line.startswith(UNCERTAIN) for line in lines) == 1
    assert sum(line.startswith(CORRECTED) for line in lines) == 1


def test_coverage_counts_uncertain_times(gallery: Gallery, result: SearchResult) -> None:
    assert result.coverage.uncertain == 1
    (told,) = result.coverage.doubts()
    assert "The time of 1 tracklet in this scope is uncertain" in told
    assert told in covered(result)
    before = Scope(result.scope.district, START, START + timedelta(hours=9))
    assert gallery.coverage(before).uncertain == 0


def test_the_command_and_tables(result: SearchResult, capsys: pytest.CaptureFixture[str]) -> None:
    doubtful, corrected, _ = those(result)
    show_result(result)
    shown = capsys.readouterr()
    printed = shown.out + shown.err
    for one in (doubtful, corrected):
        assert re.sub(r"\s+", " ", one.time.remark()) in re.sub(r"\s+", " ", printed)
    assert "1 tracklet in this scope is uncertain" in re.sub(r"\s+", " ", printed)
    line = json.loads(json.dumps(_candidate_line(1, doubtful)))
    assert (line["time_doubt"], line["time_correction_seconds"]) == (DOUBT, 0.0)
    assert line["recorded_first_seen"] == doubtful.first_seen.isoformat()
    frame = result.frame().set_index("tracklet_id")
    assert frame.loc[corrected.tracklet_id, "time_correction_seconds"] == -240
    recorded = frame.loc[corrected.tracklet_id, "recorded_first_seen"]
    assert recorded == corrected.first_seen + timedelta(minutes=4)


def test_exports_and_maps(result: SearchResult) -> None:
    found = those(result)
    doubtful, corrected, plain = found
    rows = {
        row["tracklet_id"]: row for row in csv.DictReader(StringIO(sightings_csv(found, zone=ZONE)))
    }
    assert rows[doubtful.tracklet_id]["time_doubt"] == DOUBT
    assert rows[corrected.tracklet_id]["time_uncertainty_seconds"] == "2.0"
    assert rows[plain.tracklet_id]["time_doubt"] == ""
    features = json.loads(json.dumps(sightings_geojson(found, zone=ZONE)))["features"]
    assert {feature["properties"]["time_doubt"] for feature in features} == {"", DOUBT}
    page = self_contained_html(sightings_map(found, zone=ZONE))
    hovers = "".join(timeline(found, zone=ZONE).data[1].hovertext).replace("<br>", " ")
    for one in (doubtful, corrected):
        assert json.dumps(one.time.remark(ZONE))[1:-1] in page
        assert one.time.remark(ZONE) in hovers


def test_pages(result: SearchResult) -> None:
    doubtful, corrected, plain = those(result)
    listing: Any = SimpleNamespace(
        model=SimpleNamespace(zone=ZONE, standing=None),
        triage=SimpleNamespace(verdict=lambda _: ""),
        rank=lambda _: 1,
    )
    sightings: Any = SimpleNamespace(zone=ZONE, standing=None)
    for one, mark in ((doubtful, UNCERTAIN), (corrected, CORRECTED), (plain, "")):
        shown = card(one, listing)
        row = _row(1, Sighting(one, (Decision("anna", START, 3, {}, "Same"),)), sightings)
        assert (shown["timing"], shown["note"]) == (mark, one.time.remark(ZONE))
        assert row["note"] == one.time.remark(ZONE)
        for cells in (shown["cells"][1], row["cells"][1]):
            assert (cells[-1] == mark) is bool(mark)
        marked = time_mark(one, ZONE)
        assert one.time.remark(ZONE) in marked
        assert bool(marked) == bool(mark)


def test_evidence(office: Any, result: SearchResult, gallery: Gallery, tmp_path: Path) -> None:
    found = those(result)
    list_for_review(office.register, "A-1", found, of=result.candidates)
    for name in ("ben", "rosa"):
        office.sit(name)
        for item in waiting(office.register, "A-1", gallery):
            decide(office.register, "A-1", item.key, conclusion=3, features={"nose": "similar",
                   "ears": "similar", "mouth": "similar"}, reason="Same")  # fmt: skip
    office.sit("anna")
    archive = export(office.register, "A-1", gallery, tmp_path / "A-1.zip")
    with zipfile.ZipFile(archive.path) as opened:
        html = opened.read("report.html").decode()
        table = opened.read("candidates.csv").decode("utf-8-sig")
        page = opened.read("map.html").decode()
    rows = {row["tracklet_id"]: row for row in csv.DictReader(StringIO(table))}
    assert set(TIME_FIELDS) < set(next(iter(rows.values())))
    doubtful, corrected, plain = found
    assert rows[doubtful.tracklet_id]["time_doubt"] == DOUBT
    assert float(rows[corrected.tracklet_id]["time_correction_seconds"]) == -240
    assert rows[plain.tracklet_id]["time_doubt"] == ""
    assert html.count(UNCERTAIN) == html.count(CORRECTED) == 1
    assert "A time without a remark is the recorded one" in html
    assert "?: the time is not certain" in html
    assert UNCERTAIN in page


def test_day_and_clock_are_told_in_one_form() -> None:
    """Day, comma, clock: two forms of a time on a page look like two kinds of time."""
    root = Path(workbench.__file__).parent
    other = [path.name for path in root.rglob("*.py") if re.search(r"%b %Y +%H", path.read_text())]
    assert other == []


# Rooms that make and store times, and modules that show none to people.
MAKE_TIMES = ("domain", "gallery", "faces", "indexing", "footage", "demo", "evaluation")
SHOW_NONE = {
    "casework/reviewing/sightings.py",  # puts them in order
    "client/documents.py",  # hands the note on with them, field by field
    "casework/evidence/dossier.py",  # compares them with the times of the case
    "casework/reviewing/coverage.py",  # compares them with the time of the case
    "fennmouth.py",  # when people of the demo are seen
    "maps/route.py",  # speeds; its stops are shown by whereabouts.py
    "widgets/investigate/listing.py",  # sorts and filters
}


def test_no_module_shows_times_of_candidates_without_it() -> None:
    root = Path(workbench.__file__).parent
    silent = set()
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        source = path.read_text()
        if name.startswith(MAKE_TIMES) or not re.search(r"\.(first_seen|shot_time)\b", source):
            continue
        if not re.search(r"\.time\.(mark|remark|fields|is_certain)|time_mark\(", source):
            silent.add(name)
    assert silent == SHOW_NONE
