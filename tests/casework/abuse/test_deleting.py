"""Deleting too much, or keeping too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from workbench.casework.cases import Case
from workbench.casework.retention import forget_subject, purge
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery


def test_a_purge_by_somebody_without_the_role(office: Any, gallery: Gallery) -> None:
    def remove(before: datetime, keep: frozenset[str]) -> dict[str, int]:
        raise AssertionError("asked to delete")

    for name in ("anna", "rosa", "sara", "otto"):
        with pytest.raises(NotPermitted):
            purge(office.sit(name), gallery.path, remove)
    assert len(office.events("retention.purge.refused")) == 4


def test_keeping_longer_than_allowed(office: Any, gallery: Gallery) -> None:
    with pytest.raises(CaseError, match="the 30 days that the rules allow"):
        purge(office.sit("ada"), gallery.path, lambda before, keep: {}, days=365)


def test_deleting_the_subject_of_an_open_case(office: Any, case: Case) -> None:
    with pytest.raises(CaseError, match="is open"):
        forget_subject(office.sit("sara"), "A-1", reason="x")
