"""Limit of what one person is shown sharp of the pictures in which a clock is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import CaseError
from workbench.footage.clockpictures import (
    LARGEST_SHARE,
    SAME_SECOND,
    ClockArea,
    read_area,
    share_of,
)

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry


def refuse_more(
    viewed: Iterable[Entry], account: str, about: Mapping[str, Any], area: ClockArea
) -> None:
    """Refuse an area that with those shown before is more than an eighth of the pictures.

    Parameters
    ----------
    viewed : iterable of Entry
        What anyone was shown of any recording.
    account : str
        Of the person who looks now.
    about : mapping
        Which recording, film and stretch, as the entry of this look will say it.
    area : ClockArea
        What is to be sharp.

    Raises
    ------
    CaseError
        If it is more.
    """
    before = [
        shown
        for entry in viewed
        if entry.account == account
        and _same_pictures(entry.about, about)
        and (shown := read_area(entry.about["area"])) is not None
    ]
    share = share_of([*before, area])
    # Numbers on record are rounded.
    if share > LARGEST_SHARE + 1e-6:
        raise CaseError(
            f"with what you were shown before, {share:.0%} of these pictures would have been sharp "
            f"to you; {LARGEST_SHARE:.1%} at most may be, so that no one is recognised",
            where=about["file"],
            fix=f"Choose a part of {before[-1]}, or ask someone else to look",
        )


def _same_pictures(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return True if two looks were at the same stretch of one recording, or of one film.

    A film of a moving camera is several recordings: what was shown of one, was of all.
    """
    film = [about.get("content") and (about["content"], about["stream"]) for about in (one, other)]
    same = one["recording"] == other["recording"] or (film[0] == film[1] and film[0] is not None)
    return same and abs(one["from_seconds"] - other["from_seconds"]) <= SAME_SECOND
