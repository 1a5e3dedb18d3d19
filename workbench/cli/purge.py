"""``sightline purge``: delete what is older than may be kept."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from workbench.casework.retention import plan, purge, remove_old
from workbench.cli.options import add_gallery, add_json, describe
from workbench.cli.output import DONE, counted, deletion_refused, lines, say
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.retention import Plan, Purged


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline purge``."""
    describe(
        parser,
        _purge,
        "Delete recordings older than the retention period, with everything that was found in "
        "them. Sightings of open cases are kept, and candidates whose review is not finished. "
        "Subjects of cases that ended that long ago are deleted too. For administrators. It shows "
        "what it would delete, and asks; a deletion cannot be undone.",
        "sightline purge --gallery town.duckdb --days 30",
    )
    add_gallery(parser, "the gallery to delete from")
    parser.add_argument(
        "--days",
        type=float,
        metavar="N",
        help="keep this many days; by default, and at most, the rule retention_days",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be deleted, and delete nothing"
    )
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    add_json(parser)


def _purge(options: argparse.Namespace) -> int:
    installation = Installation.open()
    register = installation.register
    with installation.open_gallery(options.gallery) as gallery:
        planned = plan(register, gallery, days=options.days)
    if options.dry_run and options.json:
        lines([_facts(planned) | {"planned": planned.document()}])
    if not (options.json and options.dry_run):
        say(*_words(planned))
    agreement = "--yes" if options.yes else "asked at a terminal"
    if planned.is_empty and not options.dry_run:
        agreement = "nothing was to be deleted"
    elif (refused := deletion_refused(options)) is not None:
        return refused
    with installation.open_gallery(
        options.gallery, write=True, action="retention.purge"
    ) as gallery:
        removing = partial(remove_old, gallery)
        done = purge(register, options.gallery, removing, planned=planned, agreed=agreement)
    if options.json:
        lines([_facts(done)])
    say(
        f"Deleted {counted(done.removed['recordings'], 'recording')}, "
        f"{counted(done.removed['tracklets'], 'tracklet')} and what was kept of "
        f"{counted(done.subjects, 'subject')}. That is on record."
    )
    return DONE


def _facts(done: Plan | Purged) -> dict[str, object]:
    return {
        "before": done.before.isoformat(),
        "removed": dict(done.removed),
        "held": len(done.held.tracklets),
        "waiting": len(done.held.waiting),
        "subjects": done.subjects,
    }


def _words(planned: Plan) -> list[str]:
    """Describe a plan: what goes, what of it may surprise, and what stays."""
    if planned.is_empty:
        return [f"Nothing from before {_time(planned.before)} is to be deleted.", _kept(planned)]
    removed = planned.removed
    words = [f"To be deleted for good, as older than {_time(planned.before)}:"]
    if planned.span is not None:
        start, end = map(_time, planned.span)
        recordings = counted(removed["recordings"], "recording")
        words.append(f"  {recordings}, {start} to {end}; {counted(planned.faces, 'face')} in them")
    words += [
        f"  {counted(removed['tracklets'], 'tracklet')} with their best shots and templates",
        f"  photographs and templates of {counted(planned.subjects, 'subject')} whose cases ended",
    ]
    if planned.old_when_indexed:
        words.append(
            f"PLEASE NOTE: {_of_them(planned.old_when_indexed)} already that old when indexed, as "
            "footage of a cold case is. The age of the footage counts, not when it came: if anyone "
            "still needs it, do not go on, and have the rule retention_days set higher first."
        )
    if planned.forfeited:
        words.append(
            f"  {_of_them(planned.forfeited)} fetched for urgent cases that were not confirmed"
        )
    if planned.searchable:
        words.append(
            f"PLEASE NOTE: {_of_them(planned.searchable)} within the area and time of open cases. "
            "An open case keeps only its sightings and the candidates under review; the rest can "
            "not be searched any more."
        )
    return [*words, _kept(planned)]


def _of_them(number: int) -> str:
    return f"{counted(number, 'recording')} {'was' if number == 1 else 'were'}"


def _kept(planned: Plan) -> str:
    held = planned.held
    if not held.tracklets:
        return "No open case holds anything."
    return (
        f"Kept, because {counted(held.cases, 'open case')} "
        f"{'holds' if held.cases == 1 else 'hold'} them: "
        f"{counted(len(held.sightings), 'sighting')}, and "
        f"{counted(len(held.waiting), 'candidate')} whose review is not finished."
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
