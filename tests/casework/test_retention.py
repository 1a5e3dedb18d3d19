"""What may be deleted, by whom, and what a sighting holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.retention import (
    Held,
    Holding,
    forget_subject,
    forget_tracklets,
    held,
    purge,
    remove_old,
)
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.checking import check

SEEN = {"nose": "similar", "ears": "similar", "mouth": "similar"}


@pytest.fixture
def sighting(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> str:
    """The tracklet of the one sighting of A-1."""
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=1)
    list_for_review(office.register, "A-1", found.candidates)
    (item,) = waiting(office.sit("ben"), "A-1", gallery)
    for name in ("ben", "rosa"):
        office.sit(name)
        decide(office.register, "A-1", item.key, conclusion=3, features=SEEN, reason="Scar.")
    return found.candidates[0].tracklet_id


def test_a_sighting_of_an_open_case_holds_its_tracklet(office: Any, sighting: str) -> None:
    assert held(office.register) == Held(frozenset({sighting}))
    office.sit("anna").close("A-1", reason="found")
    assert held(office.register) == Held()


def test_a_purge_spares_what_is_held_and_is_recorded(
    office: Any, sighting: str, gallery: Gallery
) -> None:
    asked = []

    def remove(before: datetime, holding: Holding) -> dict[str, int]:
        asked.append((before, holding.held.tracklets))
        return {"tracklets": 19}

    earliest = datetime.now(UTC)
    done = purge(office.sit("ada"), gallery.path, remove)
    ((before, keep),) = asked
    assert keep == {sighting}
    assert earliest <= before + timedelta(days=30) <= datetime.now(UTC)
    assert done.removed == {"tracklets": 19}
    purging, purged = office.events("retention.")
    assert (purging.what, purged.what) == ("retention.purging", "retention.purged")
    assert purged.about["removed"] == {"tracklets": 19}
    assert purged.account == "ada"


def test_what_is_old_goes_and_what_is_held_stays_alone(
    office: Any, gallery: Gallery, case: Case, copied: Any, tmp_path: Path
) -> None:
    rows = gallery.recordings()
    first, second, *others = rows["recording_id"]
    third = rows["ended_at"].iloc[2].to_pydatetime()
    with Gallery.open(gallery.path) as reader:
        kept = reader.tracklets()
    mine = kept[kept["tracklet_id"].str.startswith(first)]["tracklet_id"].tolist()
    gallery.close()
    with Gallery.open(copied(gallery.path, tmp_path), write=True) as copy:
        holding = Holding(office.register)
        holding.held = Held(frozenset({mine[1]}))
        removed = remove_old(copy, third, holding)
        assert removed["recordings"] == 1
        assert set(copy.recordings()["recording_id"]) == {first, *others}
        left = copy.tracklets()["tracklet_id"]
        assert left[left.str.startswith(first)].tolist() == [mine[1]]
        assert not left.str.startswith(second).any()
        assert list(check(copy)) == []


def test_a_purge_that_fails_leaves_its_beginning_on_record(
    office: Any, case: Case, gallery: Gallery
) -> None:
    def remove(before: datetime, holding: Holding) -> dict[str, int]:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        purge(office.sit("ada"), gallery.path, remove)
    assert [entry.what for entry in office.events("retention.")] == ["retention.purging"]


@pytest.mark.parametrize("name", ["anna", "rosa", "sara", "otto", "nobody"])
def test_only_the_administrator_purges(office: Any, gallery: Gallery, name: str) -> None:
    with pytest.raises(NotPermitted):
        purge(office.sit(name), gallery.path, lambda before, holding: {})
    assert office.events("retention.purge.refused")


@pytest.mark.parametrize("days", [-1, 31, float("nan")])
def test_nobody_keeps_longer_than_the_settings(office: Any, gallery: Gallery, days: float) -> None:
    with pytest.raises(CaseError, match="is not between 0 and the 30 days"):
        purge(office.sit("ada"), gallery.path, lambda before, holding: {}, days=days)


def test_a_subject_is_deleted_when_the_case_has_ended(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    with pytest.raises(CaseError, match="is open"):
        forget_subject(office.sit("sara"), "A-1", reason="request")
    office.sit("anna").close("A-1", reason="found")
    vector = subject.photographs[0].template.tobytes()
    kept = [path for path in office.folder.rglob("*") if path.is_file()]
    assert any(vector in path.read_bytes() for path in kept)
    # Two photographs, as given and as cut, and the templates.
    assert forget_subject(office.sit("sara"), "A-1", reason="request") == 5
    left = [path for path in office.folder.rglob("*") if path.is_file()]
    assert not any(vector in path.read_bytes() for path in left)
    assert not any(subject.photographs[0].jpeg in path.read_bytes() for path in left)
    assert office.events("subject.deleted")[0].about["files"] == 5
    assert forget_subject(office.sit("ada"), "A-1", reason="again") == 0


def test_subjects_of_old_cases_are_purged(office: Any, case: Case, gallery: Gallery) -> None:
    office.sit("anna").close("A-1", reason="found")
    assert purge(office.sit("ada"), gallery.path, lambda b, h: {}).subjects == 0
    assert purge(office.sit("ada"), gallery.path, lambda b, h: {}, days=0).subjects == 1


def test_single_tracklets_are_removed_unless_held(
    office: Any, sighting: str, gallery: Gallery
) -> None:
    register = office.sit("sara")
    with pytest.raises(CaseError, match="hold 1 of the tracklets: 1 as sightings, 0 for"):
        forget_tracklets(
            register, gallery.path, [sighting, "x"], lambda ids, h: {}, reason="request"
        )

    def overtaken(ids: frozenset[str], holding: Holding) -> Mapping[str, int]:
        with holding.settled(tracklets=[sighting]):
            raise AssertionError

    with pytest.raises(CaseError, match="others may be deleted already"):
        forget_tracklets(register, gallery.path, ["x"], overtaken, reason="request")
    assert "hold 1 of the tracklets" in office.events("retention.removed")[-1].about["ended"]
    removed = forget_tracklets(
        register, gallery.path, ["x"], lambda ids, h: {"tracklets": len(ids)}, reason="request"
    )
    assert removed == {"tracklets": 1}
    assert office.events("retention.removed")[-1].about["removed"] == {"tracklets": 1}
