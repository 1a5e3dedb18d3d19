"""``sightline footage clock set`` and ``confirm``: correct times without indexing again."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.casework.clockcorrection import ClockTarget, correct_clocks
from workbench.casework.clocks import clocks_within, compared_clock
from workbench.cli.options import add_action, add_gallery, add_json
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.domain import parse_time
from workbench.errors import GalleryError
from workbench.installation import Installation
from workbench.maps.zones import local_time, zone_of_cameras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.casework.clocks import ComparedClock
    from workbench.domain import ClockChange
    from workbench.gallery import Gallery


def add_set(actions: Any) -> None:
    """Add ``set``."""
    setting = add_action(
        actions, "set", _set,
        "correct the times of a recording, a folder or a camera",
        "State how far recorded times are ahead of the true time. Nothing is decoded again, and "
        "the last correction holds; one for a recording holds against one for its folder, and that "
        "against one for its camera. What is set for a folder or a camera also holds for what is "
        "indexed later, and settles no doubt about single recordings. Old and new times are "
        "printed, and are on record before anything changes. "
        "For supervisors and administrators.",
        """
        sightline footage clock set --gallery town.duckdb --camera gate-2 --ahead 95 --uncertainty 1 --how "compared with the speaking clock on 2 April" --dry-run
        sightline footage clock set --gallery town.duckdb --recording gate.mp4 --moment 2026-03-31T18:04:07+01:00 2026-03-31T18:02:32+01:00 --how "the train left at 18:02:32"
        sightline footage clock set --gallery town.duckdb --compared 124
        """,  # noqa: E501 - one line, as it is typed
    )  # fmt: skip
    _add_target(setting)
    offset = setting.add_mutually_exclusive_group(required=True)
    offset.add_argument(
        "--ahead",
        type=float,
        metavar="S",
        help="seconds that the recorded time is ahead of the true time; negative: behind",
    )
    offset.add_argument(
        "--moment",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="the recorded time of a moment and its true time, both with their offset from UTC",
    )
    offset.add_argument(
        "--compared",
        type=int,
        metavar="N",
        help="what a comparison on record found, by the number that `sightline footage clock read` "
        "printed; by default for the stretch that was compared",
    )
    _add_how(setting)


def add_confirm(actions: Any) -> None:
    """Add ``confirm``."""
    confirming = add_action(
        actions, "confirm", _confirm,
        "confirm times that were not certain",
        "State that the times of a recording, a folder or a camera are right as they are now. They "
        "are certain from then on. For supervisors and administrators; on record.",
        """
        sightline footage clock confirm --gallery town.duckdb --recording gate.mp4 --stretch 150 --uncertainty 2 --how "the same bus is seen on gate-1"
        """,  # noqa: E501
    )  # fmt: skip
    _add_target(confirming)
    _add_how(confirming)


def _add_target(parser: argparse.ArgumentParser) -> None:
    add_gallery(parser)
    parser.add_argument(
        "--recording",
        default="",
        metavar="RECORDING",
        help="file of the recording as catalogued, or its id",
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        "--stretch",
        type=float,
        metavar="SECONDS",
        help="with --recording: only its stretch that begins at this second",
    )
    part.add_argument(
        "--from",
        dest="from_seconds",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="with --recording: from this second of it on",
    )
    parser.add_argument(
        "--all-stretches",
        action="store_true",
        help="also for later stretches that are not certain, or were corrected, by themselves",
    )
    parser.add_argument("--camera", default="", metavar="ID", help="all recordings of this camera")
    parser.add_argument(
        "--folder",
        default="",
        metavar="DIR",
        help="all recordings in this folder of the catalogue; . for all",
    )
    parser.add_argument(
        "--catalogue",
        default="",
        metavar="CATALOGUE_DIR",
        help="with --folder: the catalogue, where several have a folder of that name",
    )
    parser.add_argument(
        "--since",
        metavar="ISO8601",
        help="with --camera or --folder: recordings that begin from then on, by the clock that is "
        "corrected",
    )
    parser.add_argument("--until", metavar="ISO8601", help="and before then")


def _add_how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--how", default="", metavar="TEXT", help="how that is known (needed)")
    parser.add_argument(
        "--uncertainty",
        type=float,
        metavar="SECONDS",
        help="by how much the times may still be wrong",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing; only print old and new times"
    )
    add_json(parser)


def _set(options: argparse.Namespace) -> int:
    installation = Installation.open()
    how, within = options.how, options.uncertainty
    found = None
    if options.compared is not None:
        found = compared_clock(installation.register, options.compared)
        if not (options.recording or options.camera or options.folder):
            with installation.open_gallery(options.gallery) as gallery:
                found = _here(gallery, found)
        offset = found.offset_seconds
        how = how or found.how
        within = found.uncertainty_seconds if within is None else within
    elif options.moment:
        recorded, true = (parse_time(text, where="--moment") for text in options.moment)
        offset = (recorded - true).total_seconds()
    else:
        offset = options.ahead
    return apply(
        options, installation, _target(options, found), offset=offset, how=how, uncertainty=within
    )


def _here(gallery: Gallery, found: ComparedClock) -> ComparedClock:
    here = clocks_within(gallery, [found])
    if not here:
        raise GalleryError(
            f"does not hold {found.file} with the start that its clock was compared with",
            where=str(gallery.path),
            fix="Compare its clock in this gallery, or name what the comparison holds for",
        )
    return here[0]


def _confirm(options: argparse.Namespace) -> int:
    return apply(
        options,
        Installation.open(),
        _target(options),
        offset=None,
        how=options.how,
        uncertainty=options.uncertainty,
    )


def _target(options: argparse.Namespace, found: ComparedClock | None = None) -> ClockTarget:
    if found is not None and not (options.recording or options.camera or options.folder):
        return ClockTarget(
            recording=found.recording_id, from_seconds=found.from_seconds, alone=True
        )
    return ClockTarget(
        recording=options.recording,
        from_seconds=options.from_seconds if options.stretch is None else options.stretch,
        alone=options.stretch is not None,
        all_stretches=options.all_stretches,
        camera_id=options.camera,
        folder=options.folder.rstrip("/"),
        catalogue=options.catalogue,
        since=parse_time(options.since, where="--since") if options.since else None,
        until=parse_time(options.until, where="--until") if options.until else None,
    )


def apply(
    options: argparse.Namespace,
    installation: Installation,
    target: ClockTarget,
    *,
    offset: float | None,
    how: str,
    uncertainty: float | None,
) -> int:
    """Correct, or confirm where there is no offset, and print old and new times."""
    dry_run = options.dry_run
    with installation.open_gallery(
        options.gallery, write=not dry_run, action="clock.correct"
    ) as gallery:
        changes = correct_clocks(
            installation.register,
            gallery,
            target,
            offset_seconds=offset,
            how=how,
            uncertainty_seconds=uncertainty,
            dry_run=dry_run,
        )
        for note, number_of_them in Counter(one.note for one in changes if one.note).items():
            say(f"Look at {counted(number_of_them, 'time')} again: {note}.")
        if options.json:
            lines(_facts(change, made=not dry_run) for change in changes)
            return DONE
        _show(gallery, changes, installation)
    kept = sum(bool(change.kept) for change in changes)
    number = counted(len(changes) - kept, "time")
    if kept:
        say(f"Kept as before: {counted(kept, 'time')}.")
    if not changes:
        say("No recording is concerned yet; what is indexed later will be.")
    elif dry_run:
        say(f"Nothing has been changed. This would correct or confirm {number}.")
    else:
        say(f"{number} corrected or confirmed, on record.")
    return DONE


def _facts(change: ClockChange, *, made: bool) -> dict[str, Any]:
    return {
        **{
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(change).items()
        },
        "made": made,
    }


def _show(gallery: Gallery, changes: Sequence[ClockChange], installation: Installation) -> None:
    zone = zone_of_cameras(gallery.cameras(), override=installation.settings.zone)
    pattern = "%Y-%m-%d %H:%M:%S.%f"
    listed = table("camera", "recording", "from s", "old time", "new time", "tracklets", "")
    for one in changes:
        old, new = (local_time(moment, zone, pattern) for moment in (one.old_start, one.new_start))
        seconds = f"{one.from_seconds:.1f}"
        listed.add_row(one.camera_id, one.file, seconds, old, new, f"{one.tracklets:,}", one.kept)
    if changes:
        show(listed)
