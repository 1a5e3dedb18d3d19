"""The footage there is, as the page tells of it before a search."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from workbench.widgets.components.footageplot import FootagePlot
from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def panel(asked: Investigation) -> FootagePlot:
    return FootagePlot(asked)


def test_gaps_are_told_by_the_clocks_of_the_place(panel: FootagePlot) -> None:
    words = panel.words.value
    assert "No camera has footage in 2 periods, 14 h 31 min in all" in words
    assert "Sun 29 Mar 00:48 GMT to 03:18 BST" in words  # clocks went forward between
    assert "No footage does not mean not there" in words
    assert "Below: the 8 of 12 cameras with the least footage" in panel.legend.value


def test_gaps_are_those_of_the_hours_and_cameras_that_are_asked_about(
    asked: Investigation, panel: FootagePlot
) -> None:
    asked.set_hours([6], 9, 12)
    assert "in 1 period, 3 h in all: Sun 29 Mar 09:00 BST to 12:00 BST" in panel.words.value
    asked.hours = None
    asked.pick_cameras(["CAM-003"])
    assert "Below: each camera." in panel.legend.value
    rows = json.loads(panel.plot.figure)["layout"]["yaxis2"]["ticktext"]
    assert rows == ["Camera 3"]


def test_a_time_without_footage_is_one_gap(asked: Investigation, panel: FootagePlot) -> None:
    assert asked.span is not None
    last = asked.span[1].astimezone(asked.zone).replace(tzinfo=None)
    asked.set_time(last + timedelta(hours=1), last + timedelta(hours=2))
    assert "in 1 period, 1 h in all" in panel.words.value
    asked.set_time(None, None)
    assert panel.words.value == ""
    assert panel.plot.layout.display == "none"
