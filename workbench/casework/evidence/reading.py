"""Reading of the record for a report: all that it tells, as it was at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.casework.authorisations import Step, steps_of
from workbench.casework.clockcorrection import entries_about_clocks
from workbench.casework.notes import all_notes
from workbench.casework.record.keys import counting
from workbench.casework.reviewing.exports import Considered, considered
from workbench.casework.reviewing.fillers import error_rates_of
from workbench.casework.searches import SearchEntry, searches_of
from workbench.casework.viewing import all_watched

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.notes import Note
    from workbench.casework.record.chain import Entry, Head
    from workbench.casework.register import CaseRegister
    from workbench.casework.reviewing.fillers import ErrorRate
    from workbench.casework.viewing import Watched
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Reading:
    """The record as it was at one moment, and what a report tells of it."""

    at: datetime  # UTC
    head: Head
    entries: Sequence[Entry]
    steps: tuple[Step, ...]
    searches: tuple[SearchEntry, ...]
    refused: int  # searches
    listed: Considered
    error_rates: tuple[ErrorRate, ...]
    notes: tuple[Note, ...]
    watched: Watched | None

    def entries_about(self, reference: str, recordings: Collection[str]) -> Iterator[Entry]:
        """Yield the entries about a case, and about the clocks of recordings.

        While faces wait for decisions, those about the review are left out.
        """
        clocks = entries_about_clocks(self.entries, recordings)
        for entry in self.entries:
            own = entry.about.get("case") == reference and self.listed.may_hold(entry)
            if own or entry.number in clocks:
                yield entry


def read_record(register: CaseRegister, case: Case, gallery: Gallery) -> Reading:
    """Read all of the record that a report tells while nobody writes to it.

    Making the films takes minutes: what is recorded meanwhile is not in one file and missing from
    another.
    """
    reference = case.reference
    with register.exclusively():
        entries = register.recorded()
        own = [entry for entry in entries if entry.about.get("case") == reference]
        counted = list(counting((e for e in own if e.what.startswith("search.")), register.folder))
        listed = considered(register, reference)
        examiners = {one.examiner for item in listed.items for one in item.decisions}
        return Reading(
            at=datetime.now(UTC),
            head=register.head,
            entries=entries,
            steps=steps_of(register.entries_of(reference, "case.")),
            searches=searches_of(counted),
            refused=sum(entry.what == "search.refused" for entry in counted),
            listed=listed,
            error_rates=error_rates_of(register, examiners),
            notes=() if listed.waiting else all_notes(register, reference),
            watched=None if listed.waiting else all_watched(register, case, gallery),
        )
