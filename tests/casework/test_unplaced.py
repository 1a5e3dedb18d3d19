"""Cameras without a place: found only under the case that names them, and listed apart."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from office import START, vector
from searching import search
from shapely import box

from workbench.casework.cases import Limits, Request
from workbench.casework.evidence.export import export
from workbench.casework.oversight import audit_overview
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.reviewing.triage import sort_out
from workbench.cli.main import main
from workbench.domain import (
    Box,
    Camera,
    District,
    IndexedRecording,
    Leg,
    Probe,
    Quality,
    Recording,
    Scope,
    Shot,
    Tracklet,
)
from workbench.errors import CaseError, DistrictError, NotPermitted
from workbench.gallery import Gallery
from workbench.maps.export import sightings_csv, sightings_geojson
from workbench.maps.picture import sightings_png
from workbench.maps.sightings import sightings_map
from workbench.settings import load_settings
from workbench.widgets.investigate.case import CasePanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import covered

Ask = Callable[..., Request]
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def buses(town_file: Path, tmp_path: Path, copied: Callable[[Path, Path], Path]) -> Path:
    """The town, and two buses on which the subject was seen."""
    path = copied(town_file, tmp_path)
    with Gallery.open(path, write=True) as gallery:
        gallery.add_cameras([Camera(f"BUS-{n}", f"Bus {n}", None, None) for n in (8, 9)])
        for n in (8, 9):
            seen = START + timedelta(hours=2, minutes=n)
            quality = Quality(0.9, 0.9, 0.8, 0.7, 0.6)
            shot = Shot(60.0, seen, Box(1, 2, 30, 40), quality, b"jpeg", vector(0))
            tracklet = Tracklet(0, seen, seen + timedelta(seconds=4), 9, (shot,), vector(0))
            recording = Recording(f"bus{n}.mp4", Path("x"), f"BUS-{n}", START + timedelta(hours=2))
            made = IndexedRecording(
                recording, f"{n:064}", 1, 2, 900.0, 640, 360, 9, 9, 9, (tracklet,),
                legs=(Leg(0.0, 900.0, None),), track=f"bus{n}.gpx (SHA-256 {n:064})",
            )  # fmt: skip
            gallery.add_recording(made)
    return path


def opened(office: Any, ask: Ask, subject: Probe, reference: str, *unplaced: str) -> None:
    office.sit("anna").ask(ask(reference, unplaced=unplaced), subject=subject)
    office.approve("sara", reference)
    office.sit("anna")


def test_a_bus_is_found_only_under_the_case_that_names_it(
    office: Any, ask: Ask, buses: Path, subject: Probe, permitted: Scope
) -> None:
    opened(office, ask, subject, "A-1")
    opened(office, ask, subject, "A-2", "BUS-9")
    with Gallery.open(buses) as gallery:
        without = search(gallery, subject, permitted, case="A-1", top=None)
        named = search(gallery, subject, permitted, case="A-2", top=None)
        places = {c.camera.camera_id for c in without.candidates}
        assert places == {"C0", "C1", "C2", "C3"}
        assert {c.camera.camera_id for c in named.candidates} == places | {"BUS-9"}
        assert (without.coverage.unplaced, without.coverage.cameras) == (0, 4)
        assert (named.coverage.unplaced, named.coverage.cameras) == (1, 5)
        assert named.coverage.footage_seconds == without.coverage.footage_seconds + 900
        # Its time range holds for it too, and a district without cameras does not keep it out.
        late = replace(permitted, start=START + timedelta(hours=3))
        assert search(gallery, subject, late, case="A-2").coverage.unplaced == 1
        assert "BUS-9" not in {
            c.camera.camera_id for c in search(gallery, subject, late, case="A-2").candidates
        }
        empty = replace(permitted, district=District("Pond", box(-0.0195, 51.488, -0.019, 51.489)))
        only = search(gallery, subject, empty, case="A-2")
        assert [c.camera.camera_id for c in only.candidates] == ["BUS-9"]
        with pytest.raises(DistrictError, match="holds no camera"):
            search(gallery, subject, empty, case="A-1")
        # What a search asked is on record by its names.
        asked = office.events("search.asked")
        assert [e.about["unplaced"] for e in asked][:2] == [[], ["BUS-9"]]
        (bus,) = only.candidates
        with pytest.raises(CaseError, match="does not cover BUS-9"):
            sort_out(office.register, "A-1", bus, "same")
        sort_out(office.register, "A-2", bus, "same")
    named = audit_overview(office.sit("otto")).searches
    assert {s.district for s in named} == {"Old Town", "Old Town, BUS-9", "Pond, BUS-9"}


def test_surfaces_say_that_a_place_is_not_known(
    office: Any, ask: Ask, buses: Path, subject: Probe, permitted: Scope
) -> None:
    opened(office, ask, subject, "A-2", "BUS-9")
    with Gallery.open(buses) as gallery:
        found = search(gallery, subject, permitted, case="A-2", top=None).candidates
        (bus,) = (c for c in found if c.camera.camera_id == "BUS-9")
        frame = search(gallery, subject, permitted, case="A-2", top=None).frame()
        view = gallery.connection().sql(
            "SELECT latitude FROM sightings_view WHERE camera_id = 'BUS-9'"
        )
        assert view.fetchall() == [(None,)]
    assert bus.camera.words() == "Bus 9 (BUS-9), place not known"
    assert frame["longitude"].isna().sum() == 1
    rows = list(csv.DictReader(io.StringIO(sightings_csv(found, zone=UTC_ZONE))))
    assert [r["latitude"] for r in rows if r["camera_id"] == "BUS-9"] == [""]
    document = sightings_geojson(found, zone=UTC_ZONE)
    assert [f["geometry"] for f in document["features"] if f["properties"]["camera_id"] == "BUS-9"]\
        == [None]  # fmt: skip
    page = sightings_map(found, zone=UTC_ZONE).get_root().render()
    assert "1 candidate is not on the map" in page
    assert "Bus 9" not in page
    assert sightings_png(found)[:4] == b"\x89PNG"


def test_naming_many_takes_two_people(ask: Ask) -> None:
    limits = Limits.of(load_settings())
    many = ask(unplaced=tuple(f"BUS-{n}" for n in range(6)))
    assert many.exceeds(limits) == ("6 cameras whose place is not known, the limit is 5",)
    assert ask(unplaced=("BUS-9", "BUS-9 ")).unplaced == ("BUS-9",)
    with pytest.raises(CaseError, match="without an id"):
        ask(unplaced=("",))


def test_a_request_from_before_names_none(ask: Ask) -> None:
    document = ask().document()
    del document["unplaced"]
    assert Request.from_document(document).unplaced == ()


def test_training_searches_no_camera_without_a_place(
    office: Any, buses: Path, subject: Probe, permitted: Scope
) -> None:
    office.sit("anna").train("T-1", replace(permitted, unplaced=frozenset({"BUS-9"})))
    with (
        Gallery.open(buses) as gallery,
        pytest.raises(NotPermitted, match="does not name the cameras without a place BUS-9"),
    ):
        search(gallery, subject, replace(permitted, unplaced=frozenset({"BUS-9"})), case="T-1")


def test_the_command_shows_them(
    office: Any, ask: Ask, subject: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(office, ask, subject, "A-2", "BUS-9", "BUS-8")
    assert main(["case", "show", "A-2"]) == 0
    assert "BUS-8, BUS-9" in capsys.readouterr().out


def test_the_page_draws_only_what_has_a_place(
    office: Any, ask: Ask, buses: Path, subject: Probe, permitted: Scope
) -> None:
    opened(office, ask, subject, "A-2", "BUS-9")
    asked = Investigation(buses, installation=office.installation)
    assert "BUS-9" not in {camera.camera_id for camera in asked.cameras}
    assert [camera.camera_id for camera in asked.unplaced] == ["BUS-8", "BUS-9"]
    asked.set_district(asked.whole_area())
    assert len(asked.cameras_inside) == 5
    with Gallery.open(buses) as gallery:
        result = search(gallery, subject, permitted, case="A-2")
    assert "and 1 named by the case, whose place is not known" in covered(result)[0]
    panel = CasePanel(asked)
    assert "Cameras whose place is not known: BUS-9." in panel.allowed.value


def test_a_report_lists_them_and_what_places_rest_on(
    office: Any, ask: Ask, buses: Path, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    opened(office, ask, subject, "A-2", "BUS-9")
    with Gallery.open(buses) as gallery:
        found = search(gallery, subject, permitted, case="A-2", top=None).candidates
        bus = [c for c in found if c.camera.camera_id == "BUS-9"]
        list_for_review(office.register, "A-2", bus, of=found, fillers=0)
        office.register.close("A-2", reason="found")  # then faces that waited are told, too
        made = export(office.register, "A-2", gallery, tmp_path / "A-2.zip")
    with zipfile.ZipFile(made.path) as opened_:
        report = re.sub("<[^>]*>", "", opened_.read("report.html").decode())
    assert "Cameras whose place is not known" in report
    assert "Bus 9 (BUS-9), place not known" in report
    assert f"by these tracks: bus9.gpx (SHA-256 {9:064})" in report
