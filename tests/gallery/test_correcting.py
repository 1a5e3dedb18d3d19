"""Corrections of clocks: what changes, and what is refused, is as in a gallery of segments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from parted import START, VIEWS, Twins, answers, twins

from workbench.domain import ClockChange, ClockCorrection
from workbench.errors import SightlineError
from workbench.gallery.correcting import correct_clock
from workbench.gallery.footage import Footage
from workbench.gallery.questions import read_only


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    found = twins(tmp_path_factory.mktemp("correcting"), "cosine", 3, count=6)
    yield found
    found.close()


def asked(made: Twins, seconds: float, **about: Any) -> list[list[ClockChange] | str]:
    """What both say of a correction: the changes, or why there are none."""
    correction = ClockCorrection(seconds, "Anna", "speaking clock", START, 1.0)
    snapshot = made.reader.snapshot.refreshed()
    footage = Footage(made.committer.manifest, str(made.gallery.path))
    found: list[list[ClockChange] | str] = []
    for act in (
        lambda: correct_clock(made.committer, footage, snapshot, correction, **about),
        lambda: made.gallery.correct_clock(correction, **about),
    ):
        try:
            found.append(act())
        except SightlineError as error:
            found.append(f"{error} {error.fix}")
    return found


def test_both_change_refuse_and_keep_the_same(made: Twins, tmp_path: Path) -> None:
    ids = [one.recording_id for one in made.recordings]
    track = [one.recording_id for one in made.recordings if one.legs]
    questions: list[tuple[float, dict[str, Any]]] = [
        (60.0, {"recordings": ids[:3]}),
        (60.0, {"recordings": ids[:1], "from_seconds": 200.0}),
        (60.0, {"recordings": ids[:2], "from_seconds": 100.0, "alone": True}),
        (60.0, {"recordings": track}),
        (60.0, {"recordings": ids[:1], "from_seconds": 700.0}),
        (60.0, {"recordings": ["0" * 16]}),
        (-3e7, {"recordings": ids[:1]}),
        (60.0, {"recordings": ids[:1], "camera_id": "C1"}),
        (30.0, {"camera_id": "C1"}), (30.0, {"camera_id": "B"}),
        (30.0, {"camera_id": "C2", "since": START + timedelta(days=1)}),
        (15.0, {"folder": "C3"}), (15.0, {"folder": "C3", "catalogue": "/media/one"}),
        (15.0, {"folder": "none"}), (15.0, {"folder": "."}),
        (15.0, {"folder": "C3", "catalogue": "/nowhere"}), (15.0, {}),
    ]  # fmt: skip
    told = []
    for seconds, about in questions:
        mine, theirs = asked(made, seconds, dry_run=True, **about)
        assert mine == theirs, about
        told.append(mine)
    assert sum(isinstance(one, str) for one in told) >= 6
    assert sum(change.tracklets for one in told if not isinstance(one, str) for change in one) > 10
    before = made.committer.manifest.state().commit
    assert before == made.reader.snapshot.refreshed().commit
    for seconds, about in (questions[2], questions[3], questions[8], questions[14]):
        mine, theirs = asked(made, seconds, **about)
        assert mine == theirs, about
    with (
        read_only(made.reader.snapshot.refreshed()) as found,
        made.gallery.connection() as wanted,
    ):
        mine, theirs = answers(found), answers(wanted)
    for view in VIEWS.keys() - {"runs"}:  # which the twins do not both have
        assert mine[view] == theirs[view], view
