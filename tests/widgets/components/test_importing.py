"""Listing the footage of a folder on the page: permitted folders, answers, places, tables."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from office import Office

from workbench.footage.catalog import read_catalogue
from workbench.installation import Installation
from workbench.widgets.components.importmodel import ImportModel
from workbench.widgets.components.importpanel import ImportPanel
from workbench.widgets.components.uploader import File

HOSTILE = "<img src=x onerror=alert(1)>"


def film(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture
def share(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    film(root / "export" / HOSTILE / "2026-03-30_18-00-00.mkv")
    film(root / "export" / "Yard" / "undated.mkv")
    (root / "export" / "notes.txt").write_text("call me back")
    return root


def model_in(share: Path, patch: pytest.MonkeyPatch) -> ImportModel:
    patch.setenv("SIGHTLINE_FOOTAGE", str(share))
    return ImportModel(share / "g.duckdb", installation=Installation.open())


def test_a_folder_is_listed_with_its_cameras_on_the_map(
    share: Path, fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_in(share, monkeypatch)
    page = ImportPanel(model)
    model.find_folders()
    assert str(share / "export") in page.folder.options
    page.folder.value = str(share / "export")
    page.look.click()
    assert model.messages == {}
    assert page.write.disabled
    assert "choose the time zone" in page.summary.value
    page.zone.value = "Europe/Londn"
    assert "is not a time zone" in model.messages["zone"]
    page.zone.value = "Europe/London"
    assert page.placing.which.value == HOSTILE
    page.placing._clicked(type="click", coordinates=[51.48, 359.99])
    page.placing.at.value = "51.49; -0.02"
    assert page.placing.which.value == "Yard"
    page.placing.set.click()
    assert "Every camera has its place" in page.placing.words.value
    assert "<img" not in page.tables.value
    assert "2026-03-30 17:00:00 UTC" in re.sub("<[^>]*>", "", page.tables.value)
    assert page.write.description == "Write 1 recording"
    page.weak.value = True
    assert page.write.description == "Write 2 recordings"
    page.write.click()
    assert "Written: 2 recordings and 2 cameras" in page.summary.value
    catalogue = read_catalogue(share / "export")
    places = {one.camera_id: (one.latitude, one.longitude) for one in catalogue.cameras}
    assert places == {HOSTILE: (51.48, -0.01), "Yard": (51.49, -0.02)}
    assert [bool(one.time_doubt) for one in catalogue.recordings] == [False, True]
    assert model.chosen == ()  # what is listed is not listed again


def test_lists_of_cameras_are_taken_or_refused(
    share: Path, fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_in(share, monkeypatch)
    model.folder = str(share / "export")
    model.read()
    model.take_list([File("list.kml", 3, b"<kml")])
    assert "list.kml: is not KML that can be read" in model.messages["places"]
    content = b"id,lat,lon\nyard,51.49,-0.02\n"
    model.take_list([File("list.csv", len(content), content)])
    assert "places" not in model.messages
    assert model.proposal is not None
    assert [one.camera_id for one in model.proposal.cameras] == ["yard"]


@pytest.mark.parametrize("folder", ["/etc", "{share}/../elsewhere", "{share}/link", ""])
def test_no_other_folder_of_the_machine_is_read(
    share: Path, fresh_home: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    film(share.parent / "elsewhere" / "2026-03-30_18-00-00.mkv")
    (share / "link").symlink_to(share.parent / "elsewhere")
    model = model_in(share, monkeypatch)
    model.folder = folder.format(share=share)
    model.read()
    assert "is not below a folder that this page may read" in model.messages["import"]
    assert model.proposal is None


def test_the_role_decides_and_the_record_says_who(office: Office, share: Path) -> None:
    office.patch.setenv("SIGHTLINE_FOOTAGE", str(share))
    office.sit("anna")  # an analyst, who searches
    office.fresh()
    model = ImportModel(share / "g.duckdb", installation=office.installation)
    model.folder, model.zone_name = str(share / "export"), "UTC"
    model.read()
    assert model.proposal is None
    assert office.events("footage.import.refused")
    office.sit("sara")
    model.read()
    model.place(HOSTILE, 51.48, -0.01)
    model.write()
    (entry,) = office.events("footage.listed")
    assert entry.about["recordings"] == 1
    assert entry.about["cameras"] == {HOSTILE: [51.48, -0.01]}
