"""``sightline purge``: delete what is older than may be kept."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from workbench.casework.retention import plan, purge, remove_old
from workbench.cli.options import add_gallery, add_json, describe
from workbench.cli.output import (
    DONE,
    PROBLEMS,
    REFUSED,
    agreed,
    at_a_terminal,
    counted,
    lines,
    say,
)
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.retention import Held, Plan, Purged


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
    if options.dry_run:
        if options.json:
            lines([_facts(planned)])
        say(*_words(planned))
        return DONE
    if not (options.yes or planned.is_empty):
        say(*_words(planned))
        if options.json or not at_a_terminal():
            say("Nothing was deleted. At a terminal you are asked; scripts give --yes.")
            return REFUSED
        if not agreed("Delete this for good?"):
            say("Nothing was deleted.")
            return PROBLEMS
    with installation.open_gallery(
        options.gallery, write=True, action="retention.purge"
    ) as gallery:
        removing = partial(remove_old, gallery)
        done = purge(register, options.gallery, removing, planned=planned)
    if options.json:
        lines([_facts(done)])
    say(f"Deleted {_counted(done)}.", _kept(done.held))
    return DONE


def _facts(done: Plan | Purged) -> dict[str, object]:
    return {
        "before": done.before.isoformat(),
        "removed": dict(done.removed),
        "held": len(done.held.tracklets),
        "waiting": len(done.held.waiting),
        "subjects": done.subjects,
    }


def _words(planned: Plan) -> tuple[str, ...]:
    oldest = f" The oldest begins {planned.oldest:%Y-%m-%d %H:%M} UTC." if planned.oldest else ""
    return f"To be deleted: {_counted(planned)}.{oldest}", _kept(planned.held)


def _counted(done: Plan | Purged) -> str:
    return (
        f"{counted(done.removed['recordings'], 'recording')} and "
        f"{counted(done.removed['tracklets'], 'tracklet')} from before "
        f"{done.before:%Y-%m-%d %H:%M} UTC, and {counted(done.subjects, 'subject')}"
    )


def _kept(held: Held) -> str:
    return (
        f"Kept for open cases: {counted(len(held.sightings), 'sighting')} and "
        f"{counted(len(held.waiting), 'candidate')} whose review is not finished."
    )
