"""Seeing more than the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wire import Wire, viewed

from workbench.installation import Installation
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.page import page
from workbench.widgets.investigate.results import ResultsPanel


def children(widget: Any) -> list[Any]:
    return [widget, *(one for child in getattr(widget, "children", ()) for one in children(child))]


def test_faces_below_the_threshold(
    small_town: Path, training: str, calibrated_on_the_demo: Installation,
    wanted: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    wire, register = Wire(monkeypatch), calibrated_on_the_demo.register
    asked = Investigation(small_town, installation=calibrated_on_the_demo)
    shown = page(asked)
    (results,) = [one for one in children(shown) if isinstance(one, ResultsPanel)]
    (where,) = [one for one in children(shown) if isinstance(one, SightingsPanel)]
    asked.add_photograph("one.jpg", wanted[0].read_bytes())
    asked.set_district(asked.whole_area())
    before = viewed(register)
    asked.threshold = 99.0
    asked.search()
    assert asked.result is not None
    assert asked.result.candidates == ()
    every = asked.result.found
    assert len(every) > 3
    assert wire.faces(every) == viewed(register) - before == set()

    def attack(tracklet_id: str) -> None:
        """What a script in the browser may say, or a click that comes late."""
        where.map._received(None, {"pictures": [tracklet_id]}, [])
        where.map.selected = tracklet_id
        results.candidates._received(None, {"open": tracklet_id}, [])
        results.compared._received(None, {"verdict": "same"}, [])

    for one in every:
        attack(one.tracklet_id)
    assert wire.faces(every) == set()
    assert asked.selected == ""

    # Down: the list holds all of them, the map none until a popup asks.
    high, low = every[0].score, every[1].score
    asked.threshold = high
    assert wire.faces(every) == {every[0].tracklet_id}
    attack(every[0].tracklet_id)
    attack(every[2].tracklet_id)
    assert asked.selected == every[0].tracklet_id
    assert results.compared.shown
    asked.threshold = low
    both = {one.tracklet_id for one in every[:2]}
    assert wire.faces(every) == both
    assert both <= viewed(register)

    # And up again: what is shown is forgotten, and not sent again when asked for.
    asked.threshold = 99.0
    assert not results.compared.shown
    assert results.compared.shots == []
    assert results.candidates.items == []
    assert asked.selected == ""
    wire.text = ""
    for one in every:
        attack(one.tracklet_id)
    assert wire.faces(every) == set()
    while results.triage.undo():  # other tests share the installation
        pass
