"""``sightline audit``: the record of everything that was done."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from workbench.casework.oversight import Annual, UrgentCases, annual
from workbench.casework.record.audit import AuditLog, verify
from workbench.casework.record.chain import Head
from workbench.casework.record.keys import Trust, doubts
from workbench.casework.record.people import identify, read_people
from workbench.casework.register import FOLDER
from workbench.casework.searcherlogs import FOLDER as SEARCHERS_FOLDER
from workbench.casework.searcherlogs import hold, logs_below, taking_part
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show, table
from workbench.installation import Installation
from workbench.settings import load_settings

FIGURES = {
    "asked": "requested",
    "urgent": "urgent: begun",
    "confirmed": "urgent: confirmed",
    "not_confirmed": "urgent: ended, not confirmed",
    "refused": "searches refused",
}
"""Names of figures of a year that are not those of their fields."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline audit``."""
    describe(
        parser,
        None,
        "The record: every request, approval, search, refusal, decision and export, each entry "
        "with the hash of the one before.",
        "sightline audit verify",
    )
    actions = add_actions(parser)
    checking = add_action(
        actions, "verify", _verify,
        "look for changed, removed and reordered entries",
        "Look for changed, removed and reordered entries, and for entries that the installation "
        "did not sign. Entries that were cut off at the end are only noticed by comparing "
        "with a head that was kept elsewhere. Logs of searchers, which other machines wrote of "
        "what they compared, are held against the record.",
        "sightline audit verify --head 16:65e2…",
    )  # fmt: skip
    checking.add_argument(
        "--folder", type=Path, metavar="DIR", help="folder of a copy; by default the record itself"
    )
    checking.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="HEAD",
        help="a head kept elsewhere, as `audit head` and exports print it; may be repeated",
    )
    checking.add_argument(
        "--searchers",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="folder with the logs of searchers on other machines, to hold against the record; by "
        "default those in the home; may be repeated",
    )
    add_json(checking)
    yearly = add_action(
        actions, "report", _report,
        "the figures of a year, by purpose, without names",
        "Show the figures of a year (UTC) by purpose, without names, for the yearly report that "
        "Regulation (EU) 2024/1689, Art. 26(10) asks for; for auditors.",
        "sightline audit report 2026",
    )  # fmt: skip
    yearly.add_argument("year", type=int, metavar="YEAR", help="the year, such as 2026")
    add_json(yearly)
    add_action(
        actions, "head", _head,
        "print the last entry's number and hash, to keep elsewhere",
        "Print the number and hash of the last entry. Kept elsewhere, it later shows whether the "
        "record was cut off.",
        "sightline audit head",
    )  # fmt: skip


def _verify(options: argparse.Namespace) -> int:
    home = load_settings().home.resolve()
    folder = options.folder or home / FOLDER
    if options.folder is None:  # not by the register, which opens no record that was altered
        identify(read_people(folder), folder).require_role()
    found = verify(folder, pins=[Head.parse(text) for text in options.head])
    # Signatures are checked with the keys in the installation's file beside the record.
    entries = [] if found.faults else AuditLog(folder).read_new()
    if not found.faults:
        found = dataclasses.replace(found, faults=tuple(doubts(entries, Trust.of(folder))))
    lines_of_faults = {fault.line for fault in found.faults}
    counting = [entry for entry in entries if entry.number not in lines_of_faults]
    urgent = UrgentCases.of(counting)
    places = options.searchers or ([] if options.folder else [home / SEARCHERS_FOLDER])
    logs = [log for place in places for log in logs_below(place)]
    spread, held = taking_part(counting), None
    if not found.faults and (logs or options.searchers):
        held = hold(logs, counting, Trust.of(folder).keys)
    sound = found.sound and (held is None or not held.faults)
    if options.json:
        summary = {
            "sound": sound,
            "entries": found.entries,
            "head": str(found.head),
            "interrupted_writes": found.torn,
            "faults": [{"line": fault.line, "what": fault.what} for fault in found.faults],
            "urgent_cases": {**dataclasses.asdict(urgent), "waiting": urgent.waiting},
            "searchers": None if held is None else dataclasses.asdict(held),
        }
        lines([summary])
    else:
        for fault in found.faults:
            show(str(fault))
        verdict = "is one unbroken chain" if found.sound else "was ALTERED"
        number = counted(found.entries, "entry", "entries")
        say(f"The record of {number} {verdict}. Its head: {found.head}")
        if urgent.words:
            say(urgent.words)
        if held is not None:
            for difference in held.faults:
                show(difference)
            say(held.words)
        elif spread:
            searches = "1 search" if spread == 1 else f"{spread:,} searches"
            say(
                f"Searchers on other machines took part in {searches}; their logs were not given, "
                "so nothing is said of them: sightline audit verify --searchers …"
            )
        if not options.head:
            say(
                "No head from elsewhere was given: a record that was rolled back as a whole, with "
                "its head, would look the same. Compare with a pinned one: sightline audit verify "
                "--head …"
            )
    return DONE if sound else PROBLEMS


def _report(options: argparse.Namespace) -> int:
    rows = annual(Installation.open().register, options.year)
    if options.json:
        lines({"year": options.year, **dataclasses.asdict(row)} for row in rows)
        return DONE
    found = table(f"{options.year} (UTC)", *(row.purpose for row in rows))
    names = [field.name for field in dataclasses.fields(Annual)[1:]]
    for name in (name for name in names if name != "not_recorded"):  # which a sentence tells
        figures = (f"{getattr(row, name):,}" for row in rows)
        found.add_row(FIGURES.get(name, name.replace("_", " ")), *figures)
    show(found)
    if unknown := sum(row.not_recorded for row in rows):
        of = "1 search" if unknown == 1 else f"{unknown:,} of the searches"
        say(f"With candidates: without {of}, whose threshold is not recorded.")
    return DONE


def _head(_: argparse.Namespace) -> int:
    register = Installation.open().register
    register.me.require_role()
    show(str(register.head))
    return DONE
