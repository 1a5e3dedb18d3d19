"""The page of footage on a gallery with all kinds of trouble, without a kernel."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from looping import run_apart

from workbench.gallery import Gallery
from workbench.gallery.opening import folder_of
from workbench.indexing import index_catalogue
from workbench.installation import Installation
from workbench.widgets.components.clockmodel import Clocks
from workbench.widgets.footage import FootagePage, FootageReport

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def troubled(
    installation: Installation,
    cuts: dict[str, Path],
    bad_recordings: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """One good recording, one damaged in its middle, one that is no film; two of three cameras."""
    folder = tmp_path_factory.mktemp("troubled")
    shutil.copy(cuts["Maren Holt"], folder / "good.mkv")
    shutil.copy(bad_recordings / "damaged.mp4", folder / "damaged.mp4")
    (folder / "text.mp4").write_text("no film")
    (folder / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\n"
        f"A,Gate {HOSTILE},51.48,-0.01\nB,Bridge,51.49,-0.01\nC,Yard,51.47,-0.01\n"
    )
    (folder / "footage.csv").write_text(
        "file,camera_id,started_at\n"
        "good.mkv,A,2026-03-29T00:30:00+00:00\n"
        "damaged.mp4,B,2026-03-29T01:30:00+00:00\n"
        "text.mp4,B,2026-03-29T02:30:00+00:00\n"
    )
    path = folder / "gallery.duckdb"
    models = installation.load_models()
    with Gallery.create(path, models.profile) as gallery:
        index_catalogue(folder, gallery, models)
    return path


@pytest.fixture
def page(troubled: Path, installation: Installation) -> FootagePage:
    report = FootageReport(troubled, installation=installation)
    report.refresh()
    assert report.messages == {}
    return FootagePage(report, Clocks(troubled, installation=installation))


def test_summary_says_what_there_is_and_what_is_missing(page: FootagePage) -> None:
    words = page.summary.value
    assert "2 recordings" in words
    assert "2 of 3 cameras" in words
    assert "1 recording could not be read: people who passed there cannot be found." in words


def test_table_reports_each_recording_in_local_time(page: FootagePage) -> None:
    assert "good.mkv" in page.table.value
    assert "00:30:00 GMT" in page.table.value
    assert "02:30:00 BST" in page.table.value
    assert "end of the file" in page.table.value


def test_what_could_not_be_seen_is_told_with_its_reason(page: FootagePage) -> None:
    assert "⚠ not indexed: " in page.trouble.value
    assert "text.mp4" in page.trouble.value
    assert "s into it" in page.trouble.value  # the damage, with its time


def test_filters_leave_one_camera_or_the_troubled_ones(page: FootagePage) -> None:
    page.camera.value = "A"
    assert "good.mkv" in page.table.value
    assert "damaged" not in page.table.value
    assert "text.mp4" not in page.trouble.value
    page.troubled.value = True
    assert "No recordings." in page.table.value
    page.camera.value = ""
    assert "damaged" in page.table.value
    assert "good.mkv" not in page.table.value


def test_runs_are_listed(page: FootagePage) -> None:
    assert "<td>2</td><td>1</td><td>0</td>" in page.runs.value  # indexed, refused, left
    assert "met nothing new" not in page.runs.value
    shown = page.report.footage
    assert shown is not None
    idle = shown.runs.assign(indexed=0, refused=0, left=0)
    page.report.footage = replace(shown, runs=idle)
    assert "1 run met nothing new" in page.runs.value
    assert "<td>" not in page.runs.value


def test_names_of_cameras_are_text(page: FootagePage) -> None:
    html = "".join(part.value for part in (page.summary, page.table, page.trouble, page.runs))
    assert "<img" not in html
    assert HOSTILE not in page.plot.figure


def test_a_gallery_that_cannot_be_read_now_leaves_what_was_shown(
    page: FootagePage, troubled: Path
) -> None:
    before = page.table.value
    folder = folder_of(troubled)
    hidden = folder.rename(folder.with_name("away"))
    try:
        page.report.refresh()
    finally:
        hidden.rename(folder)
    assert "gallery.duckdb.gallery is missing" in page.report.messages["footage"]
    assert page.table.value == before
    page.report.refresh()
    assert page.report.messages == {}


def test_cameras_without_footage_and_recordings_that_were_refused_are_on_the_plot(
    page: FootagePage,
) -> None:
    drawn = json.loads(page.plot.figure)
    assert "Yard: no footage" in drawn["layout"]["yaxis"]["ticktext"]
    crosses = next(trace for trace in drawn["data"] if trace["name"] == "could not be read")
    assert crosses["marker"]["symbol"] == "x"
    assert len(crosses["x"]) == 1
    assert "text.mp4" in crosses["hovertext"][0]


def test_cameras_are_told_by_name_and_id(page: FootagePage) -> None:
    assert "Bridge (B)" in page.table.value
    assert "Bridge (B)" in page.trouble.value
    assert HOSTILE not in page.table.value


def test_a_day_may_be_shown_alone(page: FootagePage) -> None:
    assert page.report.days == ("2026-03-29",)
    page.day.value = "2026-03-29"
    assert "good.mkv" in page.table.value
    page.report.refresh()
    assert page.day.value == "2026-03-29"


def test_the_gallery_is_looked_at_again_as_long_as_it_is_wanted(
    page: FootagePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["workbench.widgets.footage"]  # the package has a function of that name
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)
    looks: list[object] = []

    async def watch() -> None:
        page.report.observe(looks.append, "footage")
        page.following.value = True
        while len(looks) < 2:
            await asyncio.sleep(0.01)
        page.following.value = False
        seen = len(looks)
        await asyncio.sleep(0.1)
        assert len(looks) == seen

    run_apart(asyncio.wait_for(watch(), 120))
