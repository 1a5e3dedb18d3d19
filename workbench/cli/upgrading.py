"""Upgrade of a gallery by a command, and what is said of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from workbench.casework.ownership import record_upgrade
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say
from workbench.gallery import earlier
from workbench.gallery.conversion import to_parts
from workbench.gallery.opening import is_gallery
from workbench.installation import Installation
from workbench.live import progress as shown_progress


def upgrade_gallery(options: argparse.Namespace) -> int:
    """Upgrade the gallery that the options name, and say what came of it."""
    register = Installation.open().register
    owner = "" if is_gallery(options.gallery) else earlier.read(options.gallery).owner
    record_upgrade(register, options.gallery, owner)
    with shown_progress.upgrading() as progress:
        done = to_parts(options.gallery, progress=progress)
    if options.json:
        lines([{"upgraded": done is not None, **(asdict(done) if done else {})}])
    if done is None:
        say(f"{options.gallery} is of this version already.")
        return DONE
    say(f"{counted(done.recordings, 'recording')} upgraded from schema {done.schema}.")
    if done.doubtful:
        say(
            f"{counted(done.doubtful, 'recording')} with times that are not certain, as "
            "`sightline footage clock list --uncertain` lists them: their clock jumps, or their "
            "pictures were counted or put in order by rules that were wrong. Index them into a new "
            "gallery to have every picture looked at."
        )
    if done.schema == earlier.ONE_TIME:
        say(
            "All others carry a note that their times are by the rules of an earlier version, "
            "until they are confirmed. An offset that footage.csv stated is part of the recorded "
            "time now, so give no camera or folder of such recordings the same offset again. To "
            "have times made by the rules of this version, index the footage into a new gallery."
        )
    if register.installation_file.in_service and not owner:
        say(
            "The gallery belongs to no installation yet. To have it searched here, take it over "
            f"with `sightline installation take {options.gallery}`."
        )
    for file in done.twice:
        say(
            f"{file}: stored more than once for its camera, at different times, of which only one "
            "can be right. List it once, with that time, and index it into a new gallery."
        )
    return PROBLEMS if done.twice else DONE
