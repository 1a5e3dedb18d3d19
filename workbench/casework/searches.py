"""Searches as the record has them, for reports and for auditors.

A candidate is a tracklet that reached the threshold that was shown. A page finds more than it
shows, so that its threshold can be lowered without searching again: what it showed is what reached
the lowest threshold at which it showed any. They alone were sent to the browser.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.keys import counting
from workbench.casework.searcherlogs import ANSWERED, PARTIAL
from workbench.domain import BY_HAND, PLAIN_SCALE, Missing, Threshold
from workbench.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from workbench.casework.record.chain import Entry
    from workbench.domain import Candidate


Bound: TypeAlias = "float | Literal['all'] | None"
"""Threshold of a search: ``all`` where candidates of any score were shown, None if not recorded."""
SEARCHING = ("search.asked", PARTIAL, ANSWERED, "search.shown")
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
    threshold: Bound  # the lowest at which candidates were shown
    threshold_from: str  # data that it was set on, or by whom; empty if that is not recorded
    scale: str  # of the threshold
    candidates: int | None  # shown, which reached it; None: no answer, or no threshold, is recorded
    compared: int | None  # tracklets; None: not recorded
    top: int | None  # at most so many were shown, the best; None: without a limit
    missing: str = ""  # what could not be compared, in words; empty where all was
    # No answer is recorded; candidates are those of the last partial one, which was shown.
    in_part: bool = False

    def threshold_words(self, mark: str = "") -> str:
        """Write the threshold as reports show it, with the *mark* of its scale."""
        if self.threshold is None:
            return "not recorded"
        return "none" if self.threshold == "all" else f"{self.threshold:g}{mark}"

    @property
    def threshold_told(self) -> str:
        """Threshold with its kind of scores and where it comes from, as files with candidates say.

        The record names the scale itself.
        """
        if not isinstance(self.threshold, float):
            return self.threshold_words()
        return Threshold(self.threshold, self.threshold_from, self.scale).words

    @property
    def candidates_words(self) -> str:
        """Number of candidates shown, as reports say it, or why that is not known."""
        if self.threshold is None:
            return "threshold not recorded"
        if self.candidates is None:
            return "not answered"
        if self.in_part:
            return f"{self.candidates:,} shown before it ended; not answered"
        if self.missing:
            return f"{self.candidates:,}; incomplete: not all could be compared"
        return number_words(self.candidates, self.top, self.compared)


def cut_words(candidates: int, top: int | None, compared: int | None) -> str:
    """Say that there may be more candidates than the best *top*, which a search was limited to.

    Their number is not known, as only the best are compared exactly. Empty if there are no more:
    *compared* counts all tracklets, where that is known.
    """
    if not candidates or candidates != top or candidates == compared:
        return ""
    return "how many more reached the threshold is not known"


def number_words(candidates: int, top: int | None, compared: int | None) -> str:
    """Write a number of candidates, with :func:`cut_words` where it is that of the best alone."""
    cut = cut_words(candidates, top, compared)
    return f"the best {candidates:,}; {cut}" if cut else f"{candidates:,}"


def digest_of(candidates: Iterable[Candidate]) -> str:
    """Return the SHA-256 of what a search found: each tracklet with its score and scale."""
    lines = sorted(f"{one.tracklet_id} {one.score:.6f} {one.scale}" for one in candidates)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def require_complete(missing: Missing | None, reference: str) -> None:
    """Refuse to make a file, or anything else that lasts, of an answer that misses something.

    Raises CaseError if it does.
    """
    if missing is not None:
        raise CaseError(
            missing.words,
            where=f"case {reference}",
            fix="Search again when the cluster and its storage can be reached",
        )


def answer_of(folder: Path, reference: str, candidates: Iterable[Candidate]) -> Entry | None:
    """Find the entry of a search under a case that found exactly these candidates, or None.

    *folder* is the casework folder. The whole record is read, a second for 100,000 entries.
    """
    digest = digest_of(candidates)
    answers = AuditLog(folder, kinds=(ANSWERED,)).read_new()
    same = (entry for entry in reversed(answers) if entry.about.get("found") == digest)
    own = (entry for entry in same if entry.about["case"] == reference)
    return next(counting(own, folder), None)


def has_searched(folder: Path, reference: str, account: str) -> bool:
    """Check whether somebody has searched under a case; reads the whole record of a folder."""
    asked = AuditLog(folder, kinds=("search.asked",)).read_new()
    own = (e for e in asked if (e.about["case"], e.account) == (reference, account))
    return any(True for _ in counting(own, folder))


def searches_of(entries: Iterable[Entry]) -> tuple[SearchEntry, ...]:
    """Return the searches among entries, in their order, each with what became of it.

    Where an entry names no threshold, all that was found was once counted, whatever was shown of
    it; such a number is not told as one of candidates.
    """
    asked: dict[int, Entry] = {}
    threshold: dict[int, Bound] = {}
    origin: dict[int, str] = {}
    candidates: dict[int, int] = {}
    compared: dict[int, int] = {}
    missing: dict[int, str] = {}
    in_part: set[int] = set()
    for entry in entries:
        about = entry.about
        if entry.what == "search.asked":
            asked[entry.number] = entry
            threshold[entry.number] = _bound(about.get("shown", about["threshold"]))
            origin[entry.number] = str(about.get("threshold from", ""))
        elif entry.what in {PARTIAL, ANSWERED}:
            candidates[about["asked"]] = int(about["candidates"])
            (in_part.add if entry.what == PARTIAL else in_part.discard)(about["asked"])
            if "compared" in about:
                compared[about["asked"]] = int(about["compared"])
            if entry.what == ANSWERED and (lacks := missing_of(entry)) is not None:
                missing[about["asked"]] = lacks.words
        elif entry.what == "search.shown":  # never higher than what was shown before
            threshold[about["asked"]] = float(about["threshold"])
            origin[about["asked"]] = str(about.get("threshold from", BY_HAND))
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
            origin.get(number, ""),
            str(entry.about.get("scale", PLAIN_SCALE)),
            None if threshold[number] is None else candidates.get(number),
            compared.get(number),
            None if (top := entry.about.get("top")) is None else int(top),
            missing.get(number, ""),
            number in in_part,
        )
        for number, entry in asked.items()
    )


def missing_of(answer: Entry) -> Missing | None:
    """Return what an answer missed, by its entry; None if it is complete."""
    if answer.about.get("complete", True):
        return None
    said = answer.about["missing"]
    return Missing(said["parts"], said["of"], said["tracklets"], tuple(said["why"]))


def searches_under(folder: Path, reference: str) -> tuple[SearchEntry, ...]:
    """Return the searches under a case, in their order; reads the whole record of a folder."""
    entries = AuditLog(folder, kinds=SEARCHING).read_new()
    about = (entry for entry in entries if entry.about.get("case") == reference)
    return searches_of(counting(about, folder))


def _bound(written: object) -> Bound:
    """Read a threshold as an entry has it."""
    if isinstance(written, int | float):
        return float(written)
    return "all" if written == "all" else None
