"""Clocks on the page of footage: looked at, compared and corrected, without a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from office import OFFICE_ID

from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.widgets.components.clockmodel import Clocks
from workbench.widgets.components.media import Media
from workbench.widgets.footage import FootagePage, FootageReport


def page_of(gallery: Path, installation: Installation) -> FootagePage:
    report = FootageReport(gallery, installation=installation)
    report.refresh()
    clocks = Clocks(gallery, installation=installation)
    clocks.load()
    assert (report.messages, clocks.messages) == ({}, {})
    return FootagePage(report, clocks)


@pytest.fixture
def page(clocked: Path, fresh_home: Path) -> FootagePage:
    return page_of(clocked, Installation.open())


def choose(page: FootagePage, words: str) -> None:
    (number,) = (n for label, n in page.clocks.which.options if words in label)
    page.clocks.which.value = number


def test_times_in_doubt_are_listed_first(page: FootagePage) -> None:
    assert "⚠ recordings were joined" in page.clocks.told.value
    labels = [label for label, _ in page.clocks.which.options]
    assert labels[1].startswith("night/a.mp4, from 3.0 s, Gate (C0)")
    assert labels[1].endswith("(not certain)")
    page.camera.value = "C1"
    assert [label[:11] for label, _ in page.clocks.which.options[1:]] == ["night/b.mp4"]


def test_a_clock_is_compared_and_its_recording_corrected(page: FootagePage, clocked: Path) -> None:
    panel = page.clocks
    panel.compare.show.click()
    assert "Choose a recording first" in panel.model.messages["clock"]
    choose(page, "gate.mp4")
    panel.compare.area.value = "top"
    panel.compare.show.click()
    assert panel.model.messages == {}
    name = panel.compare.pictures[1].value.partition(Media.of_kernel().mark)[2].partition('"')[0]
    png = Media.of_kernel()._kept[name].content
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (180, 320, 3)
    assert "18:04:00 BST by the catalogue" in panel.compare.pictures[0].value
    for field, shown in zip(panel.compare.readings, ("18:02:46", "18:02:50"), strict=True):
        field.value = shown
    panel.compare.how.value = "set by a time server"
    panel.compare.compare.click()
    assert "The clock in the picture was ahead by: is empty" in panel.model.messages["clock"]
    panel.compare.ahead.value = "0,5"
    panel.compare.compare.click()
    assert "75.0 s ahead of the true time, ± 1.5 s" in panel.model.words
    assert panel.correct.ahead.value == "74.958"
    assert "that clock was 0.5 s ahead: set by a time server" in panel.correct.how.value
    panel.correct.preview.click()
    assert "Nothing has changed yet" in panel.correct.changes.value
    assert "18:02:45 BST" in panel.correct.changes.value
    assert "18:04:00 BST" in page.table.value
    panel.correct.correct.click()
    assert "Corrected or confirmed: 1 time." in panel.correct.changes.value
    assert "18:02:45 BST" in page.table.value
    with Gallery.open(clocked) as gallery:
        assert len(gallery.recordings()) == 3


def test_what_holds_for_a_camera_is_told(page: FootagePage) -> None:
    choose(page, "night/b.mp4")
    panel = page.clocks.correct
    panel.target.value, panel.ahead.value, panel.how.value = "camera", "95", "<i>speaking clock</i>"
    panel.correct.click()
    assert page.clocks.model.messages == {}
    assert "Also for what is indexed later: camera C1: 1 min 35 s ahead" in page.clocks.told.value
    assert "&lt;i&gt;speaking clock" in page.clocks.told.value


def test_times_are_confirmed_with_a_reason_alone(page: FootagePage) -> None:
    choose(page, "from 3.0 s")
    assert page.clocks.correct.target.value == "stretch"
    page.clocks.correct.confirm.click()
    assert "how it is known is missing" in page.clocks.model.messages["correct"]
    page.clocks.correct.how.value = "<b>the same bus</b>"
    page.clocks.correct.confirm.click()
    assert "⚠" not in page.clocks.told.value
    assert "&lt;b&gt;the same bus" in page.clocks.told.value


def test_who_may_only_compare_is_offered_no_more(office: Any, clocked: Path) -> None:
    with Gallery.open(clocked, write=True) as gallery:
        gallery.give_to(OFFICE_ID)
    office.sit("anna")
    panel = page_of(clocked, office.installation).clocks
    assert [part.layout.display for part in panel.parts] == ["", "none"]
    assert "Supervisors and administrators correct clocks." in panel.no_roles.value
    office.sit("rosa")
    panel = page_of(clocked, office.installation).clocks
    assert [part.layout.display for part in panel.parts] == ["none", "none"]
