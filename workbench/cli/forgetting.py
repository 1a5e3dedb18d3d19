"""``sightline gallery forget``: delete single tracklets, as of a person entitled to erasure."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from workbench.casework.retention import Holding, forget_tracklets, remove_these
from workbench.cli.output import DONE, PROBLEMS, counted, deletion_refused, lines, say
from workbench.domain import parse_tracklet_id
from workbench.gallery.lookup import where_seen
from workbench.installation import Installation


def add(action: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the actions of ``sightline gallery``."""
    forgetting = action(
        "forget", _forget,
        "delete single tracklets, such as of a person entitled to erasure",
        "Delete single tracklets with their pictures and templates, such as those of a person who "
        "is entitled to erasure. Where an open case holds one, nothing is deleted. For supervisors "
        "and administrators. It shows what it would delete, and asks; a deletion cannot be undone. "
        "Copies of the gallery are not changed, nor is the footage.",
        "sightline gallery forget town.duckdb 1f0e5a7c9b3d2468-12 --reason 'request of 3 May'",
    )  # fmt: skip
    forgetting.add_argument(
        "tracklets", nargs="+", metavar="TRACKLET_ID",
        help="the tracklets, as `sightline search --json` names them",
    )  # fmt: skip
    forgetting.add_argument("--reason", required=True, metavar="TEXT", help="why, for the record")
    forgetting.add_argument(
        "--dry-run", action="store_true", help="show what would be deleted, and delete nothing"
    )
    forgetting.add_argument("--yes", action="store_true", help="delete without asking")


def _forget(options: argparse.Namespace) -> int:
    wanted = dict.fromkeys(options.tracklets)
    for tracklet_id in wanted:
        parse_tracklet_id(tracklet_id)
    installation = Installation.open()
    register = installation.register
    register.require("subject.delete")
    with installation.open_gallery(options.gallery) as gallery:
        there = where_seen(gallery, wanted)
    missing = [tracklet_id for tracklet_id in wanted if tracklet_id not in there]
    with Holding(register).settled(tracklets=there):  # told before anybody is asked
        pass
    for tracklet_id in missing:
        say(f"{tracklet_id}: not in the gallery")
    removed = 0
    if there:
        say("To be deleted for good, with all pictures and templates:")
        for tracklet_id, seen in there.items():
            say(f"  {tracklet_id}: {seen.file}, camera {seen.camera_id}")
        if (refused := deletion_refused(options)) is not None:
            return refused or _ended(options, missing, {"to delete": list(there)})
        with installation.open_gallery(
            options.gallery, write=True, action="subject.delete"
        ) as gallery:
            remove = partial(remove_these, gallery)
            removed = forget_tracklets(
                register, options.gallery, list(there), remove, reason=options.reason
            )["tracklets"]
        say(f"Deleted {counted(removed, 'tracklet')}. That is on record.")
    return _ended(options, missing, {"deleted": removed})


def _ended(options: argparse.Namespace, missing: list[str], facts: dict[str, object]) -> int:
    """Tell scripts what came of it; return the exit status."""
    if options.json:
        lines([{**facts, "missing": missing}])
    return PROBLEMS if missing else DONE
