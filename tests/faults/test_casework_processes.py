"""Casework, killed at any moment: nothing that was told as decided is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.evidence.archive import verify_archive
from workbench.casework.evidence.export import is_recorded
from workbench.casework.record.audit import verify
from workbench.casework.record.keys import Trust, doubts
from workbench.casework.register import all_entries
from workbench.casework.retention import purge
from workbench.casework.subjects import SUBJECTS, subject_photographs

DECIDING = Path(__file__).parents[1] / "support" / "deciding.py"
KILLS = int(os.environ.get("SIGHTLINE_KILLS", "6"))


@pytest.mark.soak
def test_a_killed_team_loses_nothing_that_it_decided(office: Any, town_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, DECIDING, office.home, town_file, str(KILLS)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {act[0] for act in told} >= {"asked", "approved", "listed", "decided"}

    assert verify(office.folder).sound
    entries = list(all_entries(office.folder))
    assert list(doubts(entries, Trust.of(office.folder))) == []
    register = office.fresh()
    for act, reference, *what in told:
        case = register.find_case(reference)
        kinds = {entry.what for entry in entries if entry.about.get("case") == reference}
        match act:
            case "asked":
                assert case.asked_by == "anna"
                assert len(subject_photographs(office.folder, case)) == 2
            case "approved":
                assert case.approved_by == ("sara",)
                assert case.state != "requested"
            case "listed":
                assert "review.listed" in kinds
            case "decided":
                made = {(e.about["key"], e.account) for e in entries if e.what == "review.decided"}
                assert tuple(what) in made
            case "exported":
                assert verify_archive(Path(what[0])).sound
                assert is_recorded(office.folder, what[1])
            case "closed":
                assert case.state == "closed"
    for archive in office.home.glob("*.zip"):  # whole, told or not
        assert verify_archive(archive).sound
    # Who was killed between the photographs and the request left a person without a case.
    purge(office.sit("ada"), town_file, lambda before, holding: {})
    assert len(list((office.folder / SUBJECTS).iterdir())) == len(register.all_cases())
