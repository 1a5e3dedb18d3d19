"""Urgent cases that follow one another, as one would that goes on without a confirmation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.casework.cases import Case

APART = timedelta(days=30)
"""Time after an urgent case that was not confirmed in which the same two people begin no other."""


def is_urgent_again(case: Case, earlier: Case) -> bool:
    """Check whether an urgent case takes up an earlier one that began and is not confirmed.

    It does if it is about the same person; or if the same account requested it within
    :data:`APART` of the end of the earlier one.
    """
    if earlier.begun_at is None or earlier.confirmed_by or earlier.reference == case.reference:
        return False
    if is_same_person(case, earlier):
        return True
    ended = earlier.ended_at if earlier.state == "not confirmed" else None
    return ended is not None and case.asked_by == earlier.asked_by and case.asked_at < ended + APART


def is_same_person(case: Case, other: Case) -> bool:
    """Check whether two cases share a photograph, as it was given or as it was cut.

    What else is known of a face is deleted with a case that was not confirmed.
    """
    return bool(_files(case) & _files(other))


def _files(case: Case) -> set[str]:
    subject = case.request.subject
    if subject is None:
        return set()
    return {*subject.photographs, *(one.original for one in subject.provenance)} - {""}
