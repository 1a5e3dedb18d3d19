"""Authorisations of a case: what was requested, who decided on it, and since when it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.casework.facts import differences, requested_facts
from workbench.casework.history import WORDS
from workbench.casework.lifecycle import after

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from workbench.casework.cases import Case, Request
    from workbench.casework.record.chain import Entry

_ASKED = ("case.asked", "case.training", "case.change.asked")
_DECIDED = (
    "case.approved", "case.begun", "case.confirmed", "case.declined", "case.change.approved",
    "case.change.declined",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """Request for a case or a change of it, or what a person decided on one."""

    at: datetime  # UTC
    account: str
    words: str
    number: int  # of the request that it is about, from 1
    request: Request
    digest: str  # of the request
    before: Request | None = None  # which counts while a change waits; None for the first
    is_request: bool = False  # else a decision
    counts: bool = False  # the request, from this step on

    def contents(self, zone: tzinfo) -> str:
        """Describe all that is requested, or what a change makes another, a line each."""
        if self.before is None:
            told = (f"{name}: {value}" for name, value in requested_facts(self.request, zone=zone))
        else:
            told = (
                f"{name}: {becomes or 'none'}, instead of {was or 'none'}"
                for name, was, becomes in differences(self.before, self.request, zone=zone)
            )
        return "\n".join(told)

    def document(self) -> dict[str, Any]:
        """Return the step as JSON values; a decision names its request by the digest alone."""
        made = {
            "at": self.at.isoformat(),
            "by": self.account,
            "what": self.words,
            "digest": self.digest,
            "counts": self.counts,
        }
        return made | ({"request": self.request.document()} if self.is_request else {})


def steps_of(entries: Iterable[Entry]) -> tuple[Step, ...]:
    """Return the requests of a case and the decisions on them, from the entries about it.

    What does not count is left out, such as an approval of another request than the recorded one.
    """
    case: Case | None = None
    steps: list[Step] = []
    numbers: dict[str, int] = {}  # by digest
    asked = 0
    for entry in entries:
        before, case = case, after(case, entry)
        if case is None or case is before or entry.what not in (*_ASKED, *_DECIDED):
            continue
        change = None
        if entry.what.startswith("case.change.") and before is not None:
            change = case.change if entry.what in _ASKED else before.change
        about = change or case
        if entry.what in _ASKED:
            asked += 1
            numbers[about.digest] = asked
        was = (before.state, before.digest) if before else ("", "")
        steps.append(
            Step(
                entry.at,
                entry.account,
                WORDS[entry.what](entry.about),
                numbers[about.digest],
                about.request,
                about.digest,
                before=before.request if before and change else None,
                is_request=entry.what in _ASKED,
                counts=case.state == "open" and (case.state, case.digest) != was,
            )
        )
    return tuple(steps)
