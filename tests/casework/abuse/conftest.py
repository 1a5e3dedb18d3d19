"""An attempt that is refused, and faces on the review list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import list_for_review, waiting
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted, SightlineError
from workbench.gallery import Gallery

Refused = Callable[..., None]


@pytest.fixture
def refused(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> Refused:
    """``refused("the reason", probe=…)``: a search that A-1 does not cover, refused on record."""

    def check(
        why: str,
        *,
        probe: Probe = subject,
        scope: Scope = permitted,
        reference: str = "A-1",
        error: type[SightlineError] = NotPermitted,
    ) -> None:
        before = len(office.events("search.refused"))
        with pytest.raises(error, match=why):
            search(gallery, probe, scope, case=reference)
        assert len(office.events("search.refused")) == before + 1
        assert not office.events("search.answered")

    return check


@pytest.fixture
def keys(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> list[str]:
    """The keys of two faces on the review list of A-1."""
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
    list_for_review(office.register, "A-1", found.candidates)
    return [item.key for item in waiting(office.sit("ben"), "A-1", gallery)]
