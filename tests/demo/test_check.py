"""The demo end to end: the real pipeline gives the known answers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.calibration import calibration_of
from workbench.cli.main import main
from workbench.cli.output import DONE
from workbench.demo import DemoTown, check, demo_town
from workbench.demo.check import (
    DemoCheck,
    check_gallery,
    demo_gallery,
    demo_settings,
    demo_threshold,
    training_case,
)
from workbench.gallery import Gallery
from workbench.gallery.search import explain
from workbench.installation import Installation
from workbench.settings import Settings


@pytest.fixture(scope="module")
def checked(demo: Path, installation: Installation) -> DemoCheck:
    return check_gallery(demo_town(), demo, installation)


@pytest.mark.slow
def test_the_demo_gives_the_known_answers(
    demo: Path,
    copied: Callable[[Path, Path], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    tmp_path: Path,
) -> None:
    index = check._index

    def entries() -> dict[Path, bytes]:
        """What the records in the home hold, that of the demo's own home among them."""
        return {path: path.read_bytes() for path in home.rglob("audit.*")}

    def go_on(town: DemoTown, path: Path, *rest: Any) -> None:
        """What the tests have had indexed from nothing already is not indexed once more."""
        for part in copied(demo, tmp_path).parent.glob(f"{demo.name}*"):
            part.rename(path.with_name(part.name.replace(demo.name, path.name)))
        index(town, path, *rest)

    monkeypatch.setattr(check, "_index", go_on)
    before = entries()
    assert main(["demo", "--check", "--json"]) == DONE
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Its searches are on record in a home of their own, which goes with the check.
    assert entries() == before
    town = demo_town()
    assert len(rows) == (len(town.photographs) + len(town.absent)) * len(town.districts)
    assert sum(row["appearances"] for row in rows) >= 15
    assert all(row["found"] == row["appearances"] for row in rows)
    assert not any(row["false"] for row in rows)
    # The threshold stands well between the two.
    lowest = min(row["lowest_right"] for row in rows if row["lowest_right"] is not None)
    highest = max(row["highest_wrong"] for row in rows if row["highest_wrong"] is not None)
    threshold = demo_threshold(town, photographs=3).score
    assert highest + 0.3 < threshold < lowest - 0.3


def test_the_check_notices_a_wrong_answer(
    demo: Path, checked: DemoCheck, installation: Installation
) -> None:
    """With one appearance moved to another hour the same footage does not pass."""
    town = demo_town()
    wanted = next(a for a in town.truth if a.person in town.photographs)
    moved = dataclasses.replace(
        wanted,
        first_seen=wanted.first_seen + timedelta(hours=5),
        last_seen=wanted.last_seen + timedelta(hours=5),
    )
    truth = tuple(moved if appearance == wanted else appearance for appearance in town.truth)
    assert checked.passed
    wrong = check_gallery(dataclasses.replace(town, truth=truth), demo, installation)
    assert not wrong.passed
    (row, *_) = [row for row in wrong.rows if row.person == wanted.person]
    assert (row.missed, row.false) == (1, 1)


def test_the_demo_s_gallery_is_indexed_once(demo: Path, installation: Installation) -> None:
    assert demo_gallery(demo_town(), installation) == demo
    with Gallery.open(demo) as gallery:
        assert len(gallery.recordings()) == len(list((demo_town().root / "clips").iterdir()))
        assert gallery.runs()["indexed"].iloc[0] == 0


def test_the_demo_s_settings_are_settings(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = demo_settings(demo_town(), installation)
    for name, value in told.environment().items():
        monkeypatch.setenv(name, value)
    chosen = Settings()
    assert chosen == told
    assert chosen.threshold is None  # as calibrated
    assert chosen.base_map is not None
    assert chosen.base_map.is_file()
    assert chosen.districts is not None
    assert len(list(chosen.districts.glob("*.geojson"))) == len(demo_town().districts)
    assert chosen.zone == demo_town().time_zone


def test_the_demo_s_calibration_foretells_the_demo(
    demo: Path, checked: DemoCheck, installation: Installation
) -> None:
    """Next to nobody is to be expected by mistake, and nobody is found so."""
    town = demo_town()
    shown = Installation(demo_settings(town, installation))
    with shown.open_gallery(demo) as gallery:
        calibration = calibration_of(gallery.profile, folder=shown.settings.calibrations_folder)
        case = shown.register.case(training_case(town, shown.register))
        inside = explain(gallery, case.scope).quality
    assert calibration is not None
    assert "rendered people" in calibration.data
    threshold = demo_threshold(town, photographs=3)
    assert threshold.scale == calibration.scale
    told = calibration.false_candidates(threshold.score, inside, photographs=3)
    assert 0 < told.mean < 0.5
    assert all(told.low <= row.false <= told.high for row in checked.rows)
