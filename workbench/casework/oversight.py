"""Overview of the record for auditors: searches, refusals, people, error rates, yearly figures."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.casework.cases import PURPOSES
from workbench.casework.lifecycle import cases_of
from workbench.casework.record.audit import Verification, verify
from workbench.casework.record.chain import Fault
from workbench.casework.record.keys import Trust, counting, doubts
from workbench.casework.register import all_entries
from workbench.casework.reviewing.fillers import ErrorRate, error_rates_of
from workbench.casework.reviewing.reviewlist import sightings
from workbench.casework.searches import SEARCHING, SearchEntry, searches_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister

EXPORTS = ("evidence.exported", "sightings.exported", "review.exported")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused attempt."""

    at: datetime  # UTC
    account: str
    case: str
    action: str
    reasons: str


@dataclass(frozen=True, slots=True)
class UserActivity:
    """Activity of one person, over the whole record."""

    account: str
    searches: int
    cases: int
    busiest_day: int  # most searches on one day, UTC
    with_candidates: int  # searches with at least one candidate
    not_recorded: int  # searches of which the record has no threshold, and so no candidates
    refused: int
    decisions: int
    exports: int

    @property
    def hit_rate(self) -> float:
        """Share of searches with at least one candidate, of those with a threshold on record.

        0 if there were none.
        """
        known = self.searches - self.not_recorded
        return self.with_candidates / known if known else 0.0


@dataclass(frozen=True, slots=True)
class UrgentCases:
    """Numbers of urgent cases: each that began waits, is confirmed, or has ended without that."""

    begun: int
    confirmed: int
    ended: int

    @property
    def waiting(self) -> int:
        """Number of those that can still be confirmed."""
        return self.begun - self.confirmed - self.ended

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> UrgentCases:
        """Count them in entries that count, as things stand now."""
        now = datetime.now(UTC)
        begun = [case.at(now) for case in cases_of(entries) if case.begun_at is not None]
        return cls(
            len(begun),
            sum(bool(case.confirmed_by) for case in begun),
            sum(case.state == "not confirmed" for case in begun),
        )

    @property
    def words(self) -> str:
        """The numbers in words; empty if no urgent case ever began."""
        if not self.begun:
            return ""
        return (
            f"Urgent cases: {self.begun:,} begun, {self.confirmed:,} confirmed, {self.ended:,} "
            f"ended without that, {self.waiting:,} to be confirmed."
        )


@dataclass(frozen=True, slots=True)
class AuditOverview:
    """Verification and contents of the whole record."""

    verification: Verification
    doubts: tuple[Fault, ...]  # entries that the installation did not sign
    searches: tuple[SearchEntry, ...]  # latest first
    refusals: tuple[Refusal, ...]  # latest first
    people: tuple[UserActivity, ...]  # most searches first
    error_rates: tuple[ErrorRate, ...]
    urgent: UrgentCases

    def frame(self) -> pd.DataFrame:
        """Return the searches as a DataFrame, one row each, latest first."""
        import pandas as pd

        columns = [field.name for field in dataclasses.fields(SearchEntry)]
        return pd.DataFrame([dataclasses.astuple(row) for row in self.searches], columns=columns)


def audit_overview(register: CaseRegister) -> AuditOverview:
    """Read and verify the record from its first entry.

    Raises NotPermitted for all but auditors; the reading is itself recorded.
    """
    me = register.require("audit.read")
    register.record("audit.read", {}, by=me)
    recorded = list(all_entries(register.folder))
    doubted = tuple(doubts(recorded, Trust.of(register.folder)))
    lines = {fault.line for fault in doubted}
    entries = [entry for entry in recorded if entry.number not in lines]
    searches = searches_of(entries)
    return AuditOverview(
        verification=verify(register.folder),
        doubts=doubted,
        searches=tuple(reversed(searches)),
        refusals=tuple(reversed(_refusals(entries))),
        people=_people(entries, searches),
        error_rates=error_rates_of(register),
        urgent=UrgentCases.of(entries),
    )


@dataclass(frozen=True, slots=True)
class Annual:
    """Figures of a year for the cases of one purpose, without names.

    For the yearly report of Regulation (EU) 2024/1689, Art. 26(10).
    """

    purpose: str
    asked: int
    approved: int  # by as many people as it took
    declined: int
    urgent: int  # begun before they were confirmed
    confirmed: int
    not_confirmed: int  # ended for that reason
    searches: int
    with_candidates: int
    not_recorded: int  # searches of which the record has no threshold, and so no candidates
    refused: int
    sightings: int
    exports: int


def annual(register: CaseRegister, year: int) -> tuple[Annual, ...]:
    """Count what was done in a year (UTC), by purpose.

    Raises NotPermitted for all but auditors; the reading is itself recorded.
    """
    me = register.require("audit.read")
    register.record("audit.read", {"year": year}, by=me)
    purposes = {case.reference: case.request.purpose for case in register.all_cases()}
    count: dict[str, Counter[str]] = defaultdict(Counter)
    recorded = (
        entry
        for entry in all_entries(register.folder)
        if not purposes.keys().isdisjoint(_cases(entry))
        and (entry.at.year == year or entry.what in SEARCHING)  # answered after midnight, perhaps
    )
    entries = list(counting(recorded, register.folder))
    for entry in entries:
        if entry.at.year != year:
            continue
        concerned = {name for name in _cases(entry) if name in purposes}
        # A table of several cases counts once for each of their purposes.
        for one in {purposes[name] for name in concerned}:
            count[one][entry.what] += 1
    for search in searches_of(entries):
        purpose = purposes.get(search.case)
        if purpose is not None and search.at.year == year:
            count[purpose]["hits"] += bool(search.candidates)
            count[purpose]["not recorded"] += search.threshold is None
    for case in register.all_cases():
        own = count[case.request.purpose]
        if case.asked_at.year == year:
            own["sightings"] += len(sightings(register, case.reference))
        own["approved"] += _is_in(year, case.approved_at)
        own["declined"] += case.state == "declined" and _is_in(year, case.ended_at)
        if case.begun_at is not None:
            own["begun"] += _is_in(year, case.begun_at)
            own["confirmed"] += _is_in(year, case.approved_at)
            own["not confirmed"] += case.state == "not confirmed" and _is_in(year, case.ended_at)
    return tuple(
        Annual(
            purpose,
            own["case.asked"] + own["case.training"],
            own["approved"],
            own["declined"],
            own["begun"],
            own["confirmed"],
            own["not confirmed"],
            own["search.asked"],
            own["hits"],
            own["not recorded"],
            own["search.refused"],
            own["sightings"],
            sum(own[what] for what in EXPORTS),
        )
        for purpose in PURPOSES
        if any((own := count[purpose]).values())
    )


def _is_in(year: int, moment: datetime | None) -> bool:
    return moment is not None and moment.year == year


def _cases(entry: Entry) -> list[str]:
    """Return the references of the cases that an entry is about."""
    named = entry.about.get("cases", [entry.about.get("case", "")])
    return [str(name) for name in named] if isinstance(named, list) else []


def _refusals(entries: Sequence[Entry]) -> list[Refusal]:
    return [
        Refusal(
            entry.at,
            entry.account,
            str(entry.about.get("case", "")),
            entry.what.removesuffix(".refused"),
            "; ".join(map(str, entry.about.get("reasons", ()))),
        )
        for entry in entries
        if entry.what.endswith(".refused")
    ]


def _people(entries: Sequence[Entry], searches: Sequence[SearchEntry]) -> tuple[UserActivity, ...]:
    count: dict[str, Counter[str]] = defaultdict(Counter)
    days: dict[str, Counter[str]] = defaultdict(Counter)
    cases: dict[str, set[str]] = defaultdict(set)
    for search in searches:
        count[search.account]["searches"] += 1
        count[search.account]["hits"] += bool(search.candidates)
        count[search.account]["not recorded"] += search.threshold is None
        days[search.account][search.at.date().isoformat()] += 1
        cases[search.account].add(search.case)
    for entry in entries:
        if entry.account:
            count[entry.account]["refused"] += entry.what.endswith(".refused")
            count[entry.account]["decisions"] += entry.what == "review.decided"
            count[entry.account]["exports"] += entry.what in EXPORTS
    activities = [
        UserActivity(
            account,
            own["searches"],
            len(cases[account]),
            max(days[account].values(), default=0),
            own["hits"],
            own["not recorded"],
            own["refused"],
            own["decisions"],
            own["exports"],
        )
        for account, own in count.items()
    ]
    return tuple(sorted(activities, key=lambda person: (-person.searches, person.account)))
