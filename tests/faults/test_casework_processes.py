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
from workbench.casework.record.chain import Entry
from workbench.casework.record.keys import Trust, doubts
from workbench.casework.register import all_entries
from workbench.casework.retention import purge
from workbench.casework.subjects import SUBJECTS, subject_folder, subject_photographs
from workbench.gallery import Gallery
from workbench.gallery.checking import check

DECIDING = Path(__file__).parents[1] / "support" / "deciding.py"
KILLS = int(os.environ.get("SIGHTLINE_KILLS", "6"))


def spared(path: Path, entries: list[Entry], *, done: bool) -> None:
    """Whatever was on a list when the purge ended, or died, is in the gallery, which is whole."""
    lists = {
        entry.about["case"]: {item["tracklet"] for item in entry.about["items"]}
        for entry in entries
        if entry.what == "review.listed"
    }
    turn = path.parent.name.removeprefix("old-")
    with Gallery.open(path, write=True) as gallery:
        assert not list(check(gallery))
        there = set(gallery.tracklets()["tracklet_id"])
    assert lists.get(f"K-{turn}-0", set()) <= there
    assert not done or there <= set().union(*lists.values())


@pytest.mark.soak
def test_a_killed_team_loses_nothing_that_it_decided(office: Any, town_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, DECIDING, office.home, town_file, str(KILLS)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {act[0] for act in told} >= {"signed in", "asked", "approved", "listed", "decided"}

    assert verify(office.folder).sound
    entries = list(all_entries(office.folder))
    assert list(doubts(entries, Trust.of(office.folder))) == []
    register = office.fresh()
    purges = {(e.about["gallery"], e.what) for e in entries if e.what.startswith("retention.")}
    for act, reference, *what in told:
        case = register.find_case(reference)
        kinds = {entry.what for entry in entries if entry.about.get("case") == reference}
        match act:
            case "asked":
                assert case.asked_by == "anna"
                if case.state != "closed":  # a purge takes those of cases that have ended
                    assert len(subject_photographs(office.folder, case)) == 2
            case "approved":
                assert case.approved_by == ("sara",)
                assert case.state != "requested"
            case "signed in":
                begun = [e.about["id"] for e in entries if e.what == "session.begun"]
                assert begun.count(what[0]) == 1
            case "listed":
                assert "review.listed" in kinds
            case "purged":
                assert (what[0], "retention.purged") in purges
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
    for old in office.home.glob("old-*/*.duckdb"):
        spared(old, entries, done=(str(old), "retention.purged") in purges)
    # Who was killed between the photographs and the request left a person without a case.
    purge(office.sit("ada"), town_file, lambda before, holding: {})
    cases = register.all_cases()
    every, open_ = (
        {subject_folder(office.folder, case.reference) for case in chosen}
        for chosen in (cases, [case for case in cases if case.state != "closed"])
    )
    assert open_ <= set((office.folder / SUBJECTS).iterdir()) <= every
