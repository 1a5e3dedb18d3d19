"""The auditors' page: who searched what, how often, with what result, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workbench.casework.oversight import audit_overview
from workbench.domain import parse_time
from workbench.errors import SightlineError, TimeError
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE, local_time
from workbench.widgets.components import controls
from workbench.widgets.components.header import PageHeader
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    refusal,
    row,
    table,
)

if TYPE_CHECKING:
    from workbench.casework.oversight import AuditOverview, UserActivity

PLAYED = (
    "This is the demo's own home: one person plays every part, in training, and each entry of the "
    "record says who."
)
MOST_ROWS = 200  # of a table; the record has the others


def audit(*, installation: Installation | None = None) -> Any:
    """The whole page, as a widget to display; for auditors.

    >>> from workbench.widgets import audit
    >>> audit()                                                         # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        zone = installation.settings.zone or UTC_ZONE
        panel = AuditPanel(audit_overview(installation.register), zone=zone)
    except SightlineError as error:
        return refusal("The record is not shown", error)
    notice = f'<p class="sl-message" role="note">{escaped(PLAYED)}</p>'
    played = [markup(notice)] if installation.is_demo else []
    panel.children = (*played, *panel.children, PageHeader(installation))
    return panel


class AuditPanel(Panel):
    """The record, verified, and what it says."""

    def __init__(self, overview: AuditOverview, *, zone: ZoneInfo) -> None:
        self.overview, self.zone = overview, zone
        self.filter = controls.Text(
            placeholder="Name or case", layout={"width": "220px"}, continuous_update=True
        )
        self.filter.observe(self._draw, "value")
        self.searches, self.refusals = markup(), markup()
        super().__init__(
            [
                heading("The record"),
                markup(_verdict(overview)),
                markup(_urgent(overview)),
                heading("People"),
                markup(_people(overview)),
                heading("Examiners"),
                markup(_examiners(overview)),
                row(self.filter, button("Show all", self._show_all)),
                heading("Refused attempts"),
                self.refusals,
                heading("Searches"),
                self.searches,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-audit")
        self._draw()

    def _show_all(self) -> None:
        self.filter.value = ""

    def _draw(self, _: object = None) -> None:
        wanted = self.filter.value.strip().casefold()
        searches = [
            s for s in self.overview.searches if wanted in f"{s.account} {s.case}".casefold()
        ]
        refusals = [
            r for r in self.overview.refusals if wanted in f"{r.account} {r.case}".casefold()
        ]
        self.refusals.value = _table(
            ("When", "Who", "Case", "What", "Why"),
            [(self._when(r.at), r.account, r.case, r.action, r.reasons) for r in refusals],
        )
        self.searches.value = _table(
            ("When", "Who", "Case", "District", "Time searched", "Cameras", "Compared",
             "Threshold", "Candidates"),
            [
                (
                    self._when(s.at),
                    s.account,
                    s.case,
                    s.district,
                    f"{self._time(s.start)} to {self._time(s.end)}",
                    str(s.cameras),
                    "" if s.compared is None else f"{s.compared:,}",
                    s.threshold_words(),
                    s.candidates_words,
                )
                for s in searches
            ],
        )  # fmt: skip

    def _when(self, moment: datetime) -> str:
        return local_time(moment, self.zone, "%d %b %Y, %H:%M:%S")

    def _time(self, recorded: str) -> str:
        try:
            return local_time(parse_time(recorded), self.zone, "%d %b %Y, %H:%M")
        except TimeError:  # a forged line: auditors are shown what it holds
            return recorded


def _verdict(overview: AuditOverview) -> str:
    found = overview.verification
    faults = [*found.faults, *overview.doubts]
    if faults:
        lines = "".join(f"<p>{escaped(fault)}</p>" for fault in faults[:20])
        words = "<p>The record was altered.</p>"
        return f'<div class="sl-message" role="alert">{words}{lines}</div>'
    torn = f", {count(found.torn, 'interrupted write')}" if found.torn else ""
    words = f"One unbroken chain; entries: {found.entries:,}{torn}. Head:"
    pinned = "Compare it with a head that was pinned elsewhere: a record rolled back as a whole, "
    pinned += "with its head, looks the same."
    head = f"<code>{escaped(found.head)}</code>"
    return f'<p class="sl-hint">{escaped(words)} {head}<br>{escaped(pinned)}</p>'


def _urgent(overview: AuditOverview) -> str:
    words = overview.urgent.words
    return words and f"<p>{escaped(words)}</p>"


def _people(overview: AuditOverview) -> str:
    return _table(
        ("Who", "Searches", "Cases", "Busiest day", "With candidates", "Refused", "Decisions",
         "Exports"),
        [
            (
                p.account, str(p.searches), str(p.cases), str(p.busiest_day),
                _with_candidates(p),
                str(p.refused), str(p.decisions), str(p.exports),
            )
            for p in overview.people
        ],
    )  # fmt: skip


def _with_candidates(person: UserActivity) -> str:
    """How many searches showed a candidate, of those whose threshold is on record."""
    if not person.searches:
        return ""
    words = f"{person.with_candidates} ({person.hit_rate:.0%})"
    unknown = person.not_recorded
    return f"{words}; {unknown:,} without a recorded threshold" if unknown else words


def _examiners(overview: AuditOverview) -> str:
    rows = []
    for rate in overview.error_rates:
        low, high = rate.interval
        share = f"{rate.rate:.1%} ({low:.1%} to {high:.1%})"
        rows.append((rate.reviewer, str(rate.fillers), str(rate.wrong), share))
    return _table(("Who", "Fillers decided", "Taken for the subject", "Rate (95 %)"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    more = len(rows) - MOST_ROWS
    rest = f'<p class="sl-hint">{more:,} more are in the record.</p>' if more > 0 else ""
    return (table(heads, rows[:MOST_ROWS]) or '<p class="sl-hint">None.</p>') + rest
