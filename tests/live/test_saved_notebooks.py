"""A notebook that showed faces and maps, as it is saved: sentences stand in their place."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from workbench import sightings_map
from workbench.casework.register import all_entries
from workbench.demo import demo_town
from workbench.demo.opened import OpenDemo, open_demo
from workbench.errors import NotPermitted, SettingsError
from workbench.installation import Installation
from workbench.live.results import Findings, SearchResult
from workbench.live.view import LiveFaces, LiveMap, LiveView, ShownFace
from workbench.notebook import search

CELLS = """
import workbench as sl
demo = sl.demo.open_demo()
probe = demo.probe("Maren Holt")
result = sl.search(demo.gallery, probe, demo.scope, case=demo.case, installation=demo.installation)
# %%
result
# %%
probe
# %%
demo.gallery
# %%
result.faces()
# %%
result.map()
# %%
sl.sightings_map(result.candidates)
# %%
from workbench.live import progress
from workbench.domain import Progress
with progress.indexing() as update:
    for done in range(7):
        update(Progress(done, 6, "a.mkv", elapsed_seconds=60.0))
# %%
import asyncio
page = sl.widgets.investigate(demo.gallery.path, installation=demo.installation)
model = page.model
model.case = demo.case
model.add_photographs([(one.name, one.jpeg) for one in probe.photographs])
model.set_district(demo.scope.district)
while len(model.used) < len(probe.photographs):
    await asyncio.sleep(0.1)
page.press()
while model.result is None:
    await asyncio.sleep(0.1)
first = model.shown[0].tracklet_id
page.results.compared.compare(first)
while page.results.comparison.state != "idle":
    await asyncio.sleep(0.1)
page.results.comparison.make_clip()
while not page.results.comparison.clip and not page.results.compared.clip_problem:
    await asyncio.sleep(0.1)
page
# %%
result.timeline()
"""
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def opened(demo: Path, installation: Installation) -> OpenDemo:
    assert demo.is_file()  # indexed already
    return open_demo(progress=False, installation=installation)


@pytest.fixture(scope="module")
def result(opened: OpenDemo) -> SearchResult:
    return search(
        opened.gallery, opened.probe("Maren Holt"), opened.scope,
        case=opened.case, installation=opened.installation,
    )  # fmt: skip


@pytest.fixture(scope="module")
def saved(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook as it is saved with all that a front end can keep: outputs and widget states."""
    assert demo.is_file()
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS.split("# %%")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("saved")
    # What JupyterLab's "Save widget state" keeps too: every synchronised trait of every widget.
    client = NotebookClient(
        notebook,
        timeout=300,
        iopub_timeout=60,  # what comes later is not kept
        store_widget_state=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ})
    path = folder / "saved.ipynb"
    nbformat.write(notebook, path)
    return path


def outputs(path: Path, cell: int) -> list[Any]:
    return list(nbformat.read(path, as_version=4).cells[cell].outputs)


def test_a_saved_notebook_holds_neither_faces_nor_maps(saved: Path, result: SearchResult) -> None:
    text = saved.read_text(encoding="utf-8")
    states = nbformat.read(saved, as_version=4).metadata["widgets"]
    assert len(states["application/vnd.jupyter.widget-state+json"]["state"]) >= 3  # it was kept
    assert "/9j/" not in text  # how a JPEG begins in Base64
    assert "image/jpeg" not in text.replace("data:image/jpeg;base64,${", "")
    assert "srcdoc=" not in text
    # The page's map of all cameras has a middle, and says nothing of anyone.
    kept = [one for one in states["application/vnd.jupyter.widget-state+json"]["state"].values()
            if one["model_module"] != "jupyter-leaflet"]  # fmt: skip
    shown = json.dumps([nbformat.read(saved, as_version=4).cells, kept])
    for candidate in result.candidates:
        place = candidate.camera.place
        assert place is not None
        assert str(place.latitude) not in shown
    assert not re.search(r"(-?\d\.\d+(e-?\d+)?,?\s+){8}", text)  # no template


def test_a_saved_page_holds_no_picture_no_clip_and_no_map(
    saved: Path, result: SearchResult
) -> None:
    """As it is with the state of its widgets, which hold what its texts say."""
    kept = nbformat.read(saved, as_version=4).metadata["widgets"]
    states = kept["application/vnd.jupyter.widget-state+json"]["state"].values()
    cards = next(one for one in states if one["state"].get("sorting") and "items" in one["state"])
    comparison, frame = (
        next(one for one in states if {*names} <= {*one["state"]})
        for names in (("photographs", "clip"), ("edition", "height"))
    )
    assert len(cards["state"]["items"]) == len(result.candidates)
    assert comparison["state"]["clip"].startswith("data:,#sl-")
    assert frame["state"]["edition"] == 1
    (mark,) = (one["state"]["mark"] for one in states if "mark" in one["state"])
    for picture in [
        *(card["picture"] for card in cards["state"]["items"]),
        *(one["picture"] for one in comparison["state"]["photographs"]),
    ]:
        assert mark in picture
        assert len(picture) < 500
    # Before the first chart of Plotly goes what makes it as dark as the notebook.
    assert [one for one in states if ".js-plotly-plot" in one["state"].get("_css", "")]
    for state in states:
        for buffer in state.get("buffers", ()):
            content = base64.b64decode(buffer["data"])
            assert not re.match(rb"\xff\xd8\xff|\x89PNG|.{4}ftyp", content, re.DOTALL)


def test_a_sentence_stands_in_their_place(saved: Path, result: SearchResult) -> None:
    number = len(result.candidates)
    for cell, words in ((4, f"{number} candidates"), (5, f"Map of {number} candidates"),
                        (6, f"Map of {number} candidates")):  # fmt: skip
        sentence, view = outputs(saved, cell)
        said = (
            f"{words}: shown while this notebook runs, and not saved with it. Run the cell again "
            "to look."
        )
        assert sentence.data["text/plain"] == said
        assert said in sentence.data["text/html"]
        assert set(view.data) == {"text/plain", VIEW}
        assert view.data["text/plain"] == ""


def test_what_else_was_shown_is_a_summary(saved: Path) -> None:
    for cell, words in ((1, "Search result"), (2, "photographs 3"), (3, "Gallery")):
        (output,) = outputs(saved, cell)
        assert words in output.data["text/plain"]
        assert len(output.data["text/html"]) < 6_000


def test_progress_is_one_output_that_ends_with_the_last(saved: Path) -> None:
    (output,) = outputs(saved, 7)
    assert output.data["text/plain"].startswith("Indexing: 6/6 recordings")
    assert 'value="1.0000"' in output.data["text/html"]


def answers(view: LiveView, *asked: dict[str, Any]) -> list[Any]:
    """What a view is sent for what its browser asks."""
    sent: list[Any] = []
    view.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    for one in asked:
        view._asked(view, one, [])
    return sent


def test_the_browser_is_sent_what_it_asks_for(result: SearchResult) -> None:
    (faces,) = answers(result.faces(most=2), {"ask": "content", "view": "1-2"})
    assert faces["view"] == "1-2"
    photographs, best = faces["rows"]
    assert len(photographs) == 3
    assert [one["title"][:8] for one in best] == ["1. score", "2. score"]
    assert best[0]["jpeg"].startswith("data:image/jpeg;base64,/9j/")
    assert best[0]["lines"][1].endswith(" BST")
    assert faces["notices"][0].startswith("Training")

    best_id = result.candidates[0].tracklet_id
    page, pictures = answers(
        result.map(), {"ask": "content", "view": "3"}, {"pictures": [best_id, "nobody", 7]}
    )
    assert result.cameras[0].name in page["page"]
    assert "/9j/" not in page["page"]
    assert [*pictures["pictures"]] == [best_id]
    assert answers(result.map(), {}, {"ask": "else"}, {"pictures": "all"}) == []


def test_zone_footage_and_title_are_known(result: SearchResult) -> None:
    figure = result.timeline()
    assert figure.layout.title.text.startswith(f"{len(result.candidates)} candidates")
    assert "Europe/London" in figure.layout.xaxis.title.text
    assert len(figure.data[0].base) > 0  # bars of footage


def test_a_map_is_written_as_the_command_writes_it(result: SearchResult, tmp_path: Path) -> None:
    result.map().save(tmp_path / "map.html")
    assert "/9j/" in (tmp_path / "map.html").read_text(encoding="utf-8")
    entries = all_entries(result.installation.folder)
    exported = [entry for entry in entries if entry.what == "sightings.exported"]
    content = (tmp_path / "map.html").read_bytes()
    assert exported[-1].about["sha256"] == hashlib.sha256(content).hexdigest()
    drawn = sightings_map(result.candidates, installation=result.installation)
    drawn.save(str(tmp_path / "own.html"))
    assert (tmp_path / "own.html").is_file()


def test_what_was_found_elsewhere_is_not_written_here(tmp_path: Path) -> None:
    with pytest.raises(NotPermitted, match="is not written here"):
        Findings._save_map(object(), tmp_path / "map.html")  # type: ignore[arg-type]


def test_a_face_shows_no_bytes() -> None:
    face = ShownFace(b"\xff\xd8", "1.")
    assert "xff" not in repr(face)
    assert repr(LiveFaces("2 candidates", faces=lambda: [face])) == "<2 candidates>"


def test_the_demo_names_its_people(opened: OpenDemo) -> None:
    assert set(opened.people) == {*demo_town().photographs, *demo_town().absent}
    assert "fictional" in opened._repr_html_()
    with pytest.raises(SettingsError, match="no one in the demo is called Ada"):
        opened.probe("Ada")


def test_maps_and_faces_are_one_kind_of_view() -> None:
    assert {*LiveMap.class_trait_names(sync=True)} == {*LiveView.class_trait_names(sync=True)}
