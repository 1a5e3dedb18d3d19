"""The page of confirmed sightings, without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.domain import Probe, Scope
from workbench.gallery import Gallery
from workbench.widgets.sightings import SightingsModel, SightingsPage, sightings

SIMILAR = dict.fromkeys(("nose", "ears", "mouth"), "similar")


@pytest.fixture
def listed(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Any:
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    list_for_review(office.register, "A-1", found.candidates)
    return office


@pytest.fixture
def decided(listed: Any, gallery: Gallery) -> Any:
    """Two people say of both faces that they are the subject's."""
    for name in ("ben", "rosa"):
        listed.sit(name)
        for item in waiting(listed.register, "A-1", gallery):
            decide(listed.register, "A-1", item.key, conclusion=2, features=SIMILAR, reason="Nose.")
    return listed


def test_nothing_confirmed_is_said(listed: Any, town_file: Path) -> None:
    panel = SightingsPage(SightingsModel(town_file, installation=listed.installation))
    assert panel.choice.value == "A-1"  # the only case there is
    assert "Nothing is confirmed in this case yet." in panel.status.value
    assert panel.answer.layout.display == "none"


def test_the_team_sees_who_confirmed_what_where_and_when(decided: Any, town_file: Path) -> None:
    decided.sit("rolf")
    model = SightingsModel(town_file, installation=decided.installation)
    panel = SightingsPage(model)
    assert "2 confirmed sightings" in panel.status.value
    assert [item["rank"] for item in panel.table.items] == [1, 2]
    assert all("ben, rosa" in item["cells"] for item in panel.table.items)
    days = [item["cells"][2][0] for item in panel.table.items]
    assert all(re.fullmatch(r"\w{3} \d\d \w{3} \d{4}", day) for day in days)
    assert "sl-confirmed" in panel.map.page
    assert "confirmed sightings" in panel.route.value
    assert decided.events("shot.viewed")[-1].account == "rolf"
    # Offered is what he may do, and what the case allows.
    assert panel.exports.layout.display == "none"
    model.select(model.candidates[0].tracklet_id)
    assert panel.outlook.tools.layout.display == ""
    decided.sit("sara").close("A-1", reason="found")
    decided.sit("rolf")
    closed = SightingsPage(SightingsModel(town_file, installation=decided.installation))
    closed.choice.value = "A-1"
    assert "2 confirmed sightings" in closed.status.value
    closed.model.select(model.candidates[0].tracklet_id)
    assert closed.outlook.tools.layout.display == "none"
    decided.sit("sara")
    panel = SightingsPage(SightingsModel(town_file, installation=decided.installation))
    assert panel.exports.layout.display != "none"


def test_choosing_on_the_map_chooses_everywhere_without_drawing_it_again(
    decided: Any, town_file: Path
) -> None:
    model = SightingsModel(town_file, installation=decided.installation)
    panel = SightingsPage(model)
    pages: list[object] = []
    panel.map.observe(pages.append, "page")
    chosen = model.candidates[1].tracklet_id
    panel.map.selected = chosen
    assert model.selected == chosen
    assert panel.table.selected == chosen
    panel.map.selected = "something else"
    assert model.selected == chosen
    assert pages == []


def test_nobody_sees_a_case_that_they_may_not_read(decided: Any, town_file: Path) -> None:
    decided.sit("nobody")
    model = SightingsModel(town_file, installation=decided.installation)
    panel = SightingsPage(model)
    assert model.cases == ()
    assert "There are no cases that you may read." in panel.status.value
    model.choose("A-1")  # as a page that was tampered with would
    assert model.sightings == ()
    assert "this action requires" in model.messages["case"]


def test_who_may_read_cases_but_see_no_faces_is_told(decided: Any, town_file: Path) -> None:
    decided.sit("otto")
    panel = SightingsPage(SightingsModel(town_file, installation=decided.installation))
    assert "otto has auditor" in panel.model.messages["case"]
    assert panel.answer.layout.display == "none"
    assert "Its sightings are not shown." in panel.status.value


def test_who_may_not_export_saves_nothing(
    decided: Any, town_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided.sit("rosa")
    panel = SightingsPage(SightingsModel(town_file, installation=decided.installation))
    monkeypatch.setattr(panel.exports.saver, "save", pytest.fail)
    panel.exports.buttons["csv"].click()
    assert "rosa has reviewer" in panel.model.messages["files"]


def test_a_missing_gallery_is_named(tmp_path: Path, fresh_home: Path) -> None:
    assert "there is no gallery here" in sightings(tmp_path / "none.duckdb").value


def test_notes_are_written_and_withdrawn_beside_the_sightings(
    decided: Any, town_file: Path
) -> None:
    decided.sit("anna")
    panel = SightingsPage(SightingsModel(town_file, installation=decided.installation))
    notes = panel.beside.children[0].children[1]
    assert [words for words, _ in notes.about.options] == ["The case"]
    panel.table._received(None, {"open": panel.model.candidates[0].tracklet_id}, None)
    offered = [words for words, _ in notes.about.options]
    assert offered[0] == "This face"
    assert offered[1].startswith("Marker at 0")
    assert offered[2:] == ["Its recording", "Its camera", "The case"]
    notes.text.value = "He limps <b>& waits</b>"
    notes._write()
    assert notes.text.value == ""
    assert "He limps &lt;b&gt;&amp; waits" in notes.listed.value
    notes._write()  # nothing was typed
    assert "the note is empty" in notes.model.messages["notes"]
    notes._withdraw()
    assert "withdrawn by anna" in notes.listed.value
    assert notes.withdrawing.layout.display == "none"
    assert "Shown: 0 s of 40 min (0%)" in panel.watched.value
    assert "Not shown: 100%" in panel.watched.value


def test_notes_of_others_are_not_on_the_page_of_who_may_decide(
    listed: Any, town_file: Path
) -> None:
    from workbench.casework.notes import THE_CASE, write_note

    listed.sit("anna")
    write_note(listed.register, "A-1", THE_CASE, "Seen at the bridge.")
    listed.sit("rosa")
    panel = SightingsPage(SightingsModel(town_file, installation=listed.installation))
    notes = panel.beside.children[0].children[1]
    assert "Seen at the bridge." not in notes.listed.value
    assert "1 note of others not shown" in notes.listed.value
    assert "Nothing is noted yet." not in notes.listed.value
