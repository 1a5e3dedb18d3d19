"""``sightline index``: index the footage of a catalogue."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.fetching import Fetching
from workbench.cli.options import add_gallery, add_json, describe, positive, read_scope
from workbench.cli.output import DONE, PROBLEMS, lines, say, show
from workbench.cluster.connection import connected
from workbench.errors import SettingsError, gallery_is_there
from workbench.footage.catalog import read_cameras, read_catalogue
from workbench.indexing import Cluster, index_catalogue, plan_catalogue, watch_catalogue
from workbench.indexing.hook import Hook
from workbench.indexing.workers import available_cores
from workbench.installation import Installation
from workbench.live import progress as shown_progress

if TYPE_CHECKING:
    from workbench.domain import Problem, Scope
    from workbench.faces.models import Models
    from workbench.gallery import Gallery
    from workbench.indexing import IndexReport, Plan


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline index``."""
    describe(
        parser,
        _index,
        "Index the recordings of a catalogue that the gallery does not hold yet: decode them, "
        "follow the faces in them, and keep templates and best shots. It can be stopped at any "
        "time; the next run goes on with what is missing.",
        """
        sightline index footage --gallery town.duckdb --dry-run
        sightline index footage --gallery town.duckdb --workers 4
        sightline index footage --gallery town.duckdb --ray 10.0.0.4:6379
        sightline index footage --gallery town.duckdb --watch --case A-1 --hook ./fetch recorders.toml
        """,  # noqa: E501 - one line, as it is typed
    )
    parser.add_argument(
        "catalogue",
        type=Path,
        metavar="CATALOGUE_DIR",
        help="folder with cameras.csv (or cameras.geojson) and footage.csv",
    )
    add_gallery(parser, "the gallery to add to; it is created if there is none")
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="model profile of a new gallery: dlib (the default), yunet-dlib, an "
        "imported one, or DETECTOR+RECOGNISER with names from `sightline models list`",
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="processes; by default one for each core"
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="read on the nodes of this cluster of Ray instead, HOST:PORT of its head or auto "
        "(docs/scale.md)",
    )
    parser.add_argument(
        "--ray-gpus",
        type=float,
        metavar="SHARE",
        default=0.0,
        help="share of a graphics card that each process on a node takes; by default none",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="report what would be indexed, and exit"
    )
    parser.add_argument(
        "--watch",
        type=positive,
        nargs="?",
        const=30,
        metavar="SECONDS",
        help="keep indexing new recordings until Ctrl-C; looks for them every 30 s by default",
    )
    parser.add_argument(
        "--first-district",
        type=Path,
        metavar="FILE.geojson",
        help="index footage of this area first; needs --first-from and --first-to",
    )
    parser.add_argument("--first-from", metavar="ISO8601", help="start of the time to index first")
    parser.add_argument("--first-to", metavar="ISO8601", help="end of the time to index first")
    parser.add_argument(
        "--hook",
        nargs="+",
        metavar=("PROGRAM", "ARGUMENT"),
        help="fetch footage for a case before each round: the program gets area, time and "
        "cameras, and answers with films (docs/hooks.md); needs --case",
    )
    parser.add_argument(
        "--case",
        metavar="REF",
        help="the open case to fetch footage for: its area and time, or those of --first-district",
    )
    parser.add_argument(
        "--hook-limit",
        type=positive,
        metavar="SECONDS",
        default=3600,
        help="stop the program after this many seconds; by default %(default)s",
    )
    add_json(parser)


def _index(options: argparse.Namespace) -> int:
    installation = Installation.open()
    if not options.dry_run:
        installation.register.require("footage.index")
    first = _first_scope(options)
    if options.hook and gallery_is_there(
        options.gallery
    ):  # whose it is, before anything is fetched for it
        installation.open_gallery(options.gallery).close()
    before = _before(installation, options, first)
    found = before() if before and not options.watch else ()
    if not (before and options.watch):
        catalogue = read_catalogue(options.catalogue)  # before a gallery is made for it
    if options.dry_run:
        with contextlib.ExitStack() as stack:
            gallery = (
                stack.enter_context(installation.open_gallery(options.gallery))
                if gallery_is_there(options.gallery)
                else None
            )
            plan = plan_catalogue(catalogue, gallery, first=first)
        return _show_plan(plan, json_lines=options.json)
    cluster, workers = _cluster(options), options.workers
    with contextlib.ExitStack() as stack:
        if cluster is not None:
            stack.enter_context(connected(cluster.address))  # refused before a gallery is made
        else:
            workers = workers or available_cores()
        gallery, models = stack.enter_context(
            _writable(installation, options.gallery, options.profile)
        )
        if models.caution:
            say(models.caution)
        normaliser = installation.normaliser(models.profile)
        if not options.watch:
            with shown_progress.indexing() as progress:
                report = index_catalogue(
                    catalogue,
                    gallery,
                    models,
                    workers=workers,
                    ray=cluster,
                    first=first,
                    normaliser=normaliser,
                    progress=progress,
                )
            report = dataclasses.replace(
                report, catalogue_problems=found + report.catalogue_problems
            )
            return _show_report(report, json_lines=options.json)
        status = DONE
        rounds = watch_catalogue(
            options.catalogue,
            gallery,
            models,
            every_seconds=options.watch,
            workers=workers,
            ray=cluster,
            first=first,
            before=before,
            normaliser=normaliser,
        )
        say("Watching for new recordings; Ctrl-C stops.")
        with contextlib.suppress(KeyboardInterrupt), contextlib.closing(rounds):
            for report in rounds:
                status = max(status, _show_report(report, json_lines=options.json))
        return status


def _cluster(options: argparse.Namespace) -> Cluster | None:
    """The cluster that was named, if any."""
    if options.ray is None:
        if options.ray_gpus:
            raise SettingsError(
                "is of no use without a cluster", where="--ray-gpus", fix="Give --ray too"
            )
        return None
    return Cluster(options.ray, gpus=options.ray_gpus)


@contextlib.contextmanager
def _writable(
    installation: Installation, path: Path, name: str | None
) -> Iterator[tuple[Gallery, Models]]:
    """Open a gallery for writing, made if there is none, with the models of its profile."""
    if gallery_is_there(path) and not name:
        with installation.open_gallery(path, write=True, action="footage.index") as gallery:
            yield gallery, installation.load_models(gallery.profile)
            installation.prepare_scores(gallery)
    else:
        models = installation.load_models(name)
        with installation.gallery_for_writing(path, models.profile) as gallery:
            yield gallery, models
            installation.prepare_scores(gallery)


def _first_scope(options: argparse.Namespace) -> Scope | None:
    given = (options.first_district, options.first_from, options.first_to)
    if not any(given):
        return None
    if not all(given):
        raise SettingsError(
            "must be given together",
            where="--first-district, --first-from, --first-to",
            fix="Add the missing ones, or give none",
        )
    return read_scope(*given, prefix="--first-")


def _before(
    installation: Installation, options: argparse.Namespace, first: Scope | None
) -> Callable[[], tuple[Problem, ...]] | None:
    """Make what fetches footage before a round, if a hook was named; the case is checked now."""
    if not options.hook and not options.case:
        return None
    if not (options.hook and options.case) or options.dry_run:
        raise SettingsError(
            "cannot be used like this",
            where="--hook, --case",
            fix="Give both, and leave out --dry-run",
        )
    read_cameras(options.catalogue, [])  # before a gallery is made for it
    fetching = Fetching(
        installation.register,
        options.case,
        Hook(options.hook, seconds=options.hook_limit),
        options.catalogue,
        narrowed=first,
        log=lambda line: say(f"hook: {line}"),
    )
    fetching.permitted()
    return fetching


# --- What is shown ----------------------------------------------------------------------------


def _show_report(report: IndexReport, *, json_lines: bool) -> int:
    if json_lines:
        lines(_report_lines(report))
    else:
        _print_report(report)
    return PROBLEMS if report.problems else DONE


def _report_lines(report: IndexReport) -> Iterator[dict[str, Any]]:
    for problem in report.catalogue_problems:
        yield {"kind": "problem"} | dataclasses.asdict(problem)
    for recording in report.recordings:
        yield {"kind": "recording"} | dataclasses.asdict(recording)
    yield {
        "kind": "summary",
        "indexed": report.count("indexed"),
        "present": report.count("present"),
        "refused": report.count("refused"),
        "problems": len(report.problems),
        "tracklets": sum(recording.tracklets for recording in report.recordings),
        "unsearchable": sum(recording.unsearchable for recording in report.recordings),
        "unplaced": list(report.unplaced),
    }


def _print_report(report: IndexReport) -> None:
    for problem in report.problems:
        at = "" if problem.at_seconds is None else f" at {problem.at_seconds:.1f} s"
        say(f"{problem.where}{at}: {problem.what}")
    if words := report.unplaced_words():
        say(words)
    indexed = [recording for recording in report.recordings if recording.status == "indexed"]
    tracklets = sum(recording.tracklets for recording in indexed)
    unsearchable = sum(recording.unsearchable for recording in indexed)
    footage = sum(recording.seconds for recording in indexed)
    show(
        f"{len(indexed)} recordings indexed ({footage / 60:.1f} minutes of footage), "
        f"{report.count('present')} already indexed, {report.count('refused')} refused. "
        f"{tracklets} tracklets, {unsearchable} of them seen but not searchable."
    )


def _show_plan(plan: Plan, *, json_lines: bool) -> int:
    if json_lines:
        lines(_plan_lines(plan))
    else:
        for problem in plan.problems:
            say(f"{problem.where}: {problem.what}")
        show(str(plan))
    return PROBLEMS if plan.problems else DONE


def _plan_lines(plan: Plan) -> Iterator[dict[str, Any]]:
    for kind, recordings in (("fresh", plan.fresh), ("present", plan.present)):
        for recording in recordings:
            yield {
                "kind": kind,
                "file": recording.file,
                "camera_id": recording.camera_id,
                "started_at": recording.started_at.isoformat(),
            }
    for problem in plan.problems:
        yield {"kind": "problem"} | dataclasses.asdict(problem)
    yield {
        "kind": "summary",
        "fresh": len(plan.fresh),
        "present": len(plan.present),
        "problems": len(plan.problems),
        "footage_seconds": plan.footage_seconds,
    }
