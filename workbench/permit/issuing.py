"""Issuing of permits: :mod:`workbench.casework.authority` alone may import this module."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.permit.seal import (
    LIFETIME_SECONDS,
    Permit,
    digest_of_question,
    guard,
    seal_of,
    unspent,
)

if TYPE_CHECKING:
    from workbench.domain import Scope, Vector


def issue(
    case: str, account: str, entry: int, *, gallery: Path, template: Vector, scope: Scope
) -> Permit:
    """Make a permit for one question, after the record has taken the question.

    Parameters
    ----------
    case, account : str
        Reference of the case and account of the person who asks.
    entry : int
        Number of the entry in the record that allows the search.
    gallery : Path
        File of the gallery that will be searched.
    template : (dimension,) float32
        Template of the probe.
    scope : Scope
        District and time range of the search.
    """
    expires = time.monotonic() + LIFETIME_SECONDS
    blank = Permit(case, account, entry, digest_of_question(gallery, template, scope), expires, b"")
    permit = replace(blank, seal=seal_of(blank))
    with guard:
        unspent.add(permit.seal)
    return permit
