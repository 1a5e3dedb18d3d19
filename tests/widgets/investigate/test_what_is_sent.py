"""What the page sends to the browser: only faces whose showing is on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import Wire, viewed

from workbench.casework.register import all_entries
from workbench.casework.searches import searches_of
from workbench.errors import CaseError
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import ResultsPanel


def test_the_map_holds_no_face_until_one_is_asked_for_and_the_asking_is_on_record(
    asked: Investigation, probe: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.threshold = 0.0
    asked.search()
    where = SightingsPanel(asked)
    assert asked.result is not None
    every, before = asked.result.found, viewed(asked.installation.register)
    assert every[0].tracklet_id in where.map.page  # its mark
    assert wire.faces(every) == set()
    where.map._received(None, {"pictures": [every[0].tracklet_id, "unknown", 7]}, [])
    assert wire.faces(every) == {every[0].tracklet_id}
    assert every[0].tracklet_id in viewed(asked.installation.register) | before


def test_the_record_counts_as_candidates_what_was_shown(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.threshold = 99.0
    asked.search()
    assert asked.result is not None
    every = asked.result.found

    def told() -> tuple[float | None, int | None]:
        """Threshold and candidates of the last search, as auditors and the report have them."""
        last = searches_of(all_entries(asked.installation.register.folder))[-1]
        return last.threshold, last.candidates

    assert told() == (99.0, 0)  # none, though all were compared
    asked.threshold = every[1].score
    assert told() == (every[1].score, 2)
    asked.threshold = every[0].score  # higher: what was shown stays shown
    assert told() == (every[1].score, 2)
    asked.threshold = every[2].score
    assert told() == (every[2].score, 3)
    asked.search()
    assert told() == (every[2].score, 3)


def test_a_face_whose_showing_cannot_be_recorded_is_not_sent(
    asked: Investigation, probe: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    results = ResultsPanel(asked)
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.threshold = 99.0
    asked.search()
    assert asked.result is not None
    register = asked.installation.register
    with monkeypatch.context() as patched:
        patched.setattr(register, "record", refuse)
        asked.threshold = 0.0
    assert results.candidates.items == []
    assert wire.faces(asked.result.found) == set()
    assert "the disk is full" in asked.messages["search"]


def refuse(*_: Any, **__: Any) -> None:
    raise CaseError("the disk is full", where="audit.log", fix="Make room")
