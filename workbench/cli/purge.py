"""``sightline purge``: delete what is older than may be kept."""

from __future__ import annotations

import argparse
from functools import partial

from workbench.casework.retention import purge, remove_old
from workbench.cli.options import add_gallery, add_json, describe
from workbench.cli.output import DONE, counted, lines, say
from workbench.installation import Installation


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline purge``."""
    describe(
        parser,
        _purge,
        "Delete recordings older than the retention period, with everything that was found in "
        "them; sightings of an open case are kept. Subjects of cases that ended that "
        "long ago are deleted too. For administrators. It cannot be undone.",
        "sightline purge --gallery town.duckdb --days 30",
    )
    add_gallery(parser, "the gallery to delete from")
    parser.add_argument(
        "--days",
        type=float,
        metavar="N",
        help="keep this many days; by default, and at most, the rule retention_days",
    )
    add_json(parser)


def _purge(options: argparse.Namespace) -> int:
    installation = Installation.open()
    with installation.open_gallery(options.gallery, write=True) as gallery:
        removing = partial(remove_old, gallery)
        done = purge(installation.register, options.gallery, removing, days=options.days)
    if options.json:
        facts = {"before": done.before.isoformat(), "removed": dict(done.removed),
                 "held": done.held, "subjects": done.subjects}  # fmt: skip
        lines([facts])
    say(
        f"Deleted {counted(done.removed['recordings'], 'recording')} and "
        f"{counted(done.removed['tracklets'], 'tracklet')} from before "
        f"{done.before:%Y-%m-%d %H:%M} UTC, and {counted(done.subjects, 'subject')}. "
        f"Kept for sightings: {counted(done.held, 'tracklet')}."
    )
    return DONE
