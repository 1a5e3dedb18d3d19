"""The words and files of what a map shows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from workbench.casework.training import TRAINING_NOTICE
from workbench.domain import Camera, Candidate, Missing
from workbench.installation import Installation
from workbench.widgets.components.exports import ExportBar
from workbench.widgets.components.whereabouts import FORMS, Whereabouts

Make = Callable[..., Candidate]
HOSTILE = '=<img src=x onerror="window.harm=1">'
HERE, THERE = Camera("CAM-1", HOSTILE, 51.48, -0.01), Camera("CAM-2", "Station", 51.55, -0.004)


@pytest.fixture
def shown(make_candidate: Make, installation: Installation, training: str) -> Whereabouts:
    found = (make_candidate(HERE, 0, 0.6), make_candidate(THERE, 1, 0.7))
    sure = frozenset({found[0].tracklet_id})
    scope = installation.register.case(training).scope
    return Whereabouts(
        training, found, sure, (), scope, ZoneInfo("Europe/London"), installation.settings
    )


def test_what_nobody_could_travel_is_said_in_words(shown: Whereabouts) -> None:
    words = shown.route()
    assert "No one could travel this fast (over 120 km/h in a straight line)" in words
    assert "Station (CAM-2), Sun 29 Mar 2026, 00:31:00 GMT: 7.8 km in 52 s, 540 km/h." in words
    assert "possible route, not a confirmed one" in words
    assert "<img" not in words


def test_a_route_that_somebody_could_walk_warns_of_nothing(
    shown: Whereabouts, make_candidate: Make
) -> None:
    later = make_candidate(THERE, 120, 0.7)
    slow = replace(shown, candidates=(shown.candidates[0], later))
    assert "Nobody" not in slow.route()
    assert "too fast" not in slow.route()
    both = frozenset(one.tracklet_id for one in slow.candidates)
    assert "2 stops (confirmed sightings)" in replace(slow, confirmed=both).route()
    assert replace(slow, candidates=(later,)).route() == ""


def test_each_form_is_a_file_of_its_kind(shown: Whereabouts) -> None:
    html = shown.file("html").decode()
    assert html.startswith("<!DOCTYPE html>")
    assert "<img src=x" not in html
    rows = list(csv.DictReader(io.StringIO(shown.file("csv").decode("utf-8-sig"))))
    assert [row["confirmed"] for row in rows] == ["False", "True"]
    assert rows[1]["camera"] == f"'{HOSTILE}"  # a spreadsheet takes it for text
    points = json.loads(shown.file("geojson"))["features"]
    assert points[0]["geometry"]["coordinates"] == [-0.004, 51.55]
    assert Image.open(io.BytesIO(shown.file("png"))).size == (1600, 1000)


@pytest.mark.parametrize(
    ("case", "name"),
    [("A-2026/117", "candidates-A-2026_117.csv"), ("../..", "candidates-case.csv")],
)
def test_the_name_of_a_file_stays_in_its_folder(shown: Whereabouts, case: str, name: str) -> None:
    assert replace(shown, case=case).file_name("csv") == name


def test_a_file_is_called_sightings_if_it_holds_no_others(shown: Whereabouts) -> None:
    sure = tuple(one for one in shown.candidates if one.tracklet_id in shown.confirmed)
    assert replace(shown, case="A-1", candidates=sure).file_name("png") == "sightings-A-1.png"


def test_each_file_of_a_training_case_says_so(
    shown: Whereabouts, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, bytes] = {}
    bar = ExportBar(installation.register, lambda: shown, lambda _: None)
    monkeypatch.setattr(bar.saver, "save", lambda name, _, file: sent.update({name[-3:]: file}))
    for form in FORMS:
        bar.buttons[form].click()
    (tail,) = {name for name in sent if name == "son"}
    rows = list(csv.DictReader(io.StringIO(sent["csv"].decode("utf-8-sig"))))
    assert {row["notice"] for row in rows} == {TRAINING_NOTICE}
    assert json.loads(sent[tail])["notices"] == [TRAINING_NOTICE]
    assert TRAINING_NOTICE in sent["tml"].decode()
    with Image.open(io.BytesIO(sent["png"])) as picture:  # the words at its foot
        assert picture.text["Description"].startswith(TRAINING_NOTICE)


def test_a_file_is_on_record_before_it_leaves(
    shown: Whereabouts, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    bar = ExportBar(installation.register, lambda: shown, said.append)
    sent = []
    monkeypatch.setattr(
        bar.saver, "save", lambda *file: sent.append((file, last(installation.register)))
    )
    for form in FORMS:
        bar.buttons[form].click()
    assert [form for _, form in sent] == list(FORMS)
    assert [file[0] for file, _ in sent] == [shown.file_name(form) for form in FORMS]
    assert "is on record under" in bar.status.value
    assert set(said) == {""}


def last(register: object) -> object:
    from workbench.casework.register import CaseRegister, all_entries

    assert isinstance(register, CaseRegister)
    entry = list(all_entries(register.folder))[-1]
    assert entry.what == "sightings.exported"
    return entry.about["form"]


def test_what_cannot_be_put_on_record_does_not_leave(
    shown: Whereabouts, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    bar = ExportBar(installation.register, lambda: replace(shown, case="no such case"), said.append)
    monkeypatch.setattr(bar.saver, "save", pytest.fail)
    bar.buttons["csv"].click()
    assert "no such case" in said[-1]
    lacking = replace(shown, missing=Missing(1, 2, 30))
    ExportBar(installation.register, lambda: lacking, said.append).buttons["html"].click()
    assert "This answer is incomplete" in said[-1]
    ExportBar(installation.register, lambda: None, said.append).buttons["csv"].click()
    assert said[-1] == "There is nothing to save yet."
