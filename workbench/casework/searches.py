"""Searches as the record has them, for reports and for auditors.

A page asks for more than it shows, so that a threshold can be lowered without searching again. Its
candidates are those that reached the lowest threshold at which it showed any: they alone were sent
to the browser.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.keys import counting
from workbench.domain import PLAIN_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from workbench.casework.record.chain import Entry
    from workbench.domain import Candidate


SEARCHING = ("search.asked", "search.answered", "search.shown")
"""Kinds of entries that a search makes."""


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """A search, as the record has it."""

    at: datetime  # UTC
    account: str
    case: str
    district: str  # and the cameras without a place that it named
    start: str
    end: str
    cameras: int
    threshold: float | None  # the lowest at which candidates were shown; None: all were
    scale: str  # of the threshold
    candidates: int | None  # that reached it; None: no answer was recorded


def digest_of(candidates: Iterable[Candidate]) -> str:
    """Return the SHA-256 of what a search found: each tracklet with its score and scale."""
    lines = sorted(f"{one.tracklet_id} {one.score:.6f} {one.scale}" for one in candidates)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def answer_of(folder: Path, reference: str, candidates: Iterable[Candidate]) -> Entry | None:
    """Find the entry of a search under a case that found exactly these candidates, or None.

    *folder* is the casework folder. The whole record is read, a second for 100,000 entries.
    """
    digest = digest_of(candidates)
    answers = AuditLog(folder, kinds=("search.answered",)).read_new()
    same = (entry for entry in reversed(answers) if entry.about.get("found") == digest)
    own = (entry for entry in same if entry.about["case"] == reference)
    return next(counting(own, folder), None)


def has_searched(folder: Path, reference: str, account: str) -> bool:
    """Check whether somebody has searched under a case; reads the whole record of a folder."""
    asked = AuditLog(folder, kinds=("search.asked",)).read_new()
    own = (e for e in asked if (e.about["case"], e.account) == (reference, account))
    return any(True for _ in counting(own, folder))


def searches_of(entries: Iterable[Entry]) -> tuple[SearchEntry, ...]:
    """Return the searches among entries, in their order, each with what became of it."""
    asked: dict[int, Entry] = {}
    threshold: dict[int, float | None] = {}
    candidates: dict[int, int] = {}
    for entry in entries:
        about = entry.about
        if entry.what == "search.asked":
            asked[entry.number] = entry
            threshold[entry.number] = about.get("shown", about["threshold"])
        elif entry.what == "search.answered":
            candidates[about["asked"]] = int(about["candidates"])
        elif entry.what == "search.shown":  # never higher than what was shown before
            threshold[about["asked"]] = float(about["threshold"])
            candidates[about["asked"]] = int(about["candidates"])
    return tuple(
        SearchEntry(
            entry.at,
            entry.account,
            str(entry.about["case"]),
            ", ".join([str(entry.about["district"]), *map(str, entry.about.get("unplaced", ()))]),
            str(entry.about["start"]),
            str(entry.about["end"]),
            int(entry.about["cameras"]),
            threshold[number],
            str(entry.about.get("scale", PLAIN_SCALE)),
            candidates.get(number),
        )
        for number, entry in asked.items()
    )
