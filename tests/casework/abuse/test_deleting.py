"""Deleting too much, or keeping too long."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from office import START
from searching import search

from workbench.casework.cases import Case
from workbench.casework.retention import (
    Held,
    Holding,
    forget_subject,
    forget_tracklets,
    plan,
    purge,
    remove_old,
    remove_these,
)
from workbench.casework.reviewing.review import list_for_review, waiting
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.committing import Attempt, Committer


def test_a_purge_by_somebody_without_the_role(office: Any, gallery: Gallery) -> None:
    def remove(before: datetime, holding: Holding) -> dict[str, int]:
        raise AssertionError("asked to delete")

    for name in ("anna", "rosa", "sara", "otto"):
        with pytest.raises(NotPermitted):
            purge(office.sit(name), gallery.path, remove)
    assert len(office.events("retention.purge.refused")) == 4


def test_a_purge_amid_a_review(
    office: Any, case: Case, subject: Probe, permitted: Scope, town_file: Path, tmp_path: Path
) -> None:
    shutil.copytree(town_file.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / town_file.name
    with Gallery.open(copy) as gallery:
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=3).candidates
        list_for_review(office.register, "A-1", found)
        listed = {one.tracklet_id for one in found}
        with pytest.raises(CaseError, match="0 as sightings, 1 for reviews"):
            forget_tracklets(
                office.sit("sara"),
                copy,
                [found[0].tracklet_id],
                lambda ids, h: {},
                reason="request",
            )
        planned = plan(office.sit("ada"), gallery, days=0)
    assert planned.held == Held(waiting=frozenset(listed))
    assert planned.span
    assert planned.span[0] == START + timedelta(hours=3)
    assert not planned.is_empty
    # One lies in what the open case may search; the other was taken elsewhere.
    assert (planned.removed["recordings"], planned.searchable, planned.held.cases) == (2, 1, 1)
    with Gallery.open(copy, write=True) as gallery:
        removing = partial(remove_old, gallery)
        done = purge(office.register, copy, removing, planned=planned)
        assert (done.before, done.removed) == (planned.before, planned.removed)
        assert set(gallery.tracklets()["tracklet_id"]) == listed
    with Gallery.open(copy) as gallery:
        assert len(waiting(office.sit("rosa"), "A-1", gallery)) == 3
        assert plan(office.sit("ada"), gallery, days=0).is_empty
    purging, _ = office.events("retention.purg")
    assert (purging.about["held"], purging.about["waiting"]) == (3, 3)


@pytest.mark.parametrize("act", ["purge", "erasure"])
def test_a_face_listed_while_it_is_deleted(
    office: Any,
    case: Case,
    subject: Probe,
    permitted: Scope,
    town_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
) -> None:
    shutil.copytree(town_file.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / town_file.name
    with Gallery.open(copy) as gallery:
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=3).candidates
    listed = {one.tracklet_id for one in found}
    usual, written = Committer.attempt, []

    def list_amid(self: Committer) -> AbstractContextManager[Attempt]:
        """Parts and packs are being written again, without these faces, when they are listed."""
        if not written:
            office.sit("anna")
            list_for_review(office.register, "A-1", found)
            office.sit("sara")
        written.append(self)
        return usual(self)

    monkeypatch.setattr(Committer, "attempt", list_amid)
    with Gallery.open(copy, write=True) as gallery:
        if act == "purge":
            done = purge(office.sit("ada"), copy, partial(remove_old, gallery), days=0)
            assert done.held == Held(waiting=frozenset(listed))
            assert done.removed == {"recordings": 2, "tracklets": 22}
            assert set(gallery.tracklets()["tracklet_id"]) == listed
        else:
            remove = partial(remove_these, gallery)
            with pytest.raises(CaseError, match="0 as sightings, 3 for reviews"):
                forget_tracklets(office.sit("sara"), copy, listed, remove, reason="request")
            assert len(gallery.tracklets()) == 25
        assert list(check(gallery)) == []
    assert len(written) == (6 if act == "purge" else 1)
    with Gallery.open(copy) as gallery:
        assert len(waiting(office.sit("rosa"), "A-1", gallery)) == 3


def test_keeping_longer_than_allowed(office: Any, gallery: Gallery) -> None:
    with pytest.raises(CaseError, match="the 30 days that the rules allow"):
        purge(office.sit("ada"), gallery.path, lambda before, holding: {}, days=365)


def test_deleting_the_subject_of_an_open_case(office: Any, case: Case) -> None:
    with pytest.raises(CaseError, match="is open"):
        forget_subject(office.sit("sara"), "A-1", reason="x")
