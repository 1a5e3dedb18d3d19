"""The ``sightline`` command: thin calls of public functions, stable for scripts.

With ``--json`` each result is one JSON object a line on standard output; progress and messages go
to standard error. Exit status: 0 done, 1 done with reported problems, 2 refused.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.training import TRAINING_NOTICE
from workbench.cli.output import lines as _print_lines
from workbench.cli.output import say as _say
from workbench.cli.output import show as _print
from workbench.cli.output import table as _table
from workbench.errors import SightlineError

if TYPE_CHECKING:
    from workbench.domain import Candidate, Progress, ProgressCallback, Scope
    from workbench.faces.models import Models
    from workbench.gallery import Gallery
    from workbench.indexing import IndexReport, Plan
    from workbench.installation import Installation
    from workbench.investigation import SearchResult

DONE, PROBLEMS, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SightlineError as error:
        _say(str(error))
        return REFUSED
    except KeyboardInterrupt:
        _say("Stopped. What was finished is kept; run the same command to go on.")
        return REFUSED
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parser() -> argparse.ArgumentParser:
    from workbench import __version__
    from workbench.cli import casework, gallery

    parser = argparse.ArgumentParser(
        prog="sightline",
        description="Look for one known face in recorded footage, in a stated place and time. "
        "A match is a lead, never an identification.",
    )
    parser.add_argument("--version", action="version", version=f"sightline {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    index = commands.add_parser("index", help="index the footage of a catalogue")
    index.add_argument("catalogue", type=Path, metavar="CATALOGUE_DIR")
    index.add_argument("--gallery", type=Path, required=True, metavar="FILE")
    index.add_argument("--profile", metavar="NAME", help="model profile of a new gallery")
    index.add_argument(
        "--workers", type=_positive, metavar="N", help="processes; by default one for each core"
    )
    index.add_argument("--dry-run", action="store_true", help="say what would be done, and exit")
    index.add_argument(
        "--watch",
        type=_positive,
        nargs="?",
        const=30,
        metavar="SECONDS",
        help="go on with what arrives, until Ctrl-C; looks every 30 s",
    )
    index.add_argument(
        "--first-district",
        type=Path,
        metavar="FILE.geojson",
        help="index this place first, with --first-from and --first-to",
    )
    index.add_argument("--first-from", metavar="ISO8601")
    index.add_argument("--first-to", metavar="ISO8601")
    index.add_argument("--json", action="store_true")
    index.set_defaults(command=_index)

    search = commands.add_parser("search", help="search indexed footage for one face")
    _add_question(search)
    search.add_argument("--json", action="store_true")
    search.set_defaults(command=_search)

    chart = commands.add_parser("map", help="search, and write the sightings as one HTML map")
    _add_question(chart)
    chart.add_argument("--output", type=Path, required=True, metavar="FILE.html")
    chart.add_argument("--json", action="store_true")
    chart.set_defaults(command=_map)

    casework.add_commands(commands)
    gallery.add_commands(commands)

    demo = commands.add_parser("demo", help="build, index and serve the fictional demo town")
    demo.add_argument("--check", action="store_true", help="verify the known answers and exit")
    demo.add_argument("--port", type=int)
    demo.add_argument("--json", action="store_true")
    demo.set_defaults(command=_demo)

    serve = commands.add_parser("serve", help="serve the dashboards of a gallery")
    serve.add_argument("--gallery", type=Path, metavar="FILE")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int)
    serve.add_argument(
        "--warm-kernels", type=_count, default=1, metavar="N",
        help="kernels kept ready so that the next pages open sooner; about 300 MB each",
    )  # fmt: skip
    serve.add_argument(  # the name of the option before, which scripts may still use
        "--heated", dest="warm_kernels", type=_count, default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )  # fmt: skip
    serve.set_defaults(command=_serve)

    models = commands.add_parser("models", help="model weights: list, fetch, import")
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what there is, its licence, size and checksum")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(command=_models_list)
    fetch = actions.add_parser("fetch", help="download the weights of one model")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_models_fetch)
    importing = actions.add_parser("import", help="take over a weight file brought by hand")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.set_defaults(command=_models_import)

    doctor = commands.add_parser("doctor", help="check this installation")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(command=_doctor)
    return parser


def _count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of sessions: write 0, 1, 2, …")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--case", required=True, metavar="REF", help="the open case under which you ask"
    )
    parser.add_argument("--gallery", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--probe",
        type=Path,
        required=True,
        nargs="+",
        action="extend",
        metavar="IMAGE",
        help="photographs of the target",
    )
    parser.add_argument("--district", type=Path, required=True, metavar="FILE.geojson")
    parser.add_argument("--from", dest="start", required=True, metavar="ISO8601")
    parser.add_argument("--to", dest="end", required=True, metavar="ISO8601")
    parser.add_argument("--top", type=int, default=100, metavar="K")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="lowest score to show; by default that of the profile's calibration",
    )


# --- Commands ---------------------------------------------------------------------------------


def _index(options: argparse.Namespace) -> int:
    from workbench.footage.catalog import read_catalogue
    from workbench.indexing import index_catalogue, plan_catalogue, watch_catalogue
    from workbench.indexing.workers import available_cores
    from workbench.installation import Installation

    installation = Installation.open()
    catalogue = read_catalogue(options.catalogue)  # before a gallery is made for it
    first = _first_scope(options)
    if options.dry_run:
        with contextlib.ExitStack() as stack:
            gallery = (
                stack.enter_context(installation.open_gallery(options.gallery))
                if options.gallery.exists()
                else None
            )
            plan = plan_catalogue(catalogue, gallery, first=first)
        return _show_plan(plan, json_lines=options.json)
    workers = options.workers or available_cores()
    with _writable(installation, options.gallery, options.profile) as (gallery, models):
        if not options.watch:
            with _bar() as progress:
                report = index_catalogue(
                    catalogue, gallery, models, workers=workers, first=first, progress=progress
                )
            return _show_report(report, json_lines=options.json)
        status = DONE
        rounds = watch_catalogue(
            options.catalogue,
            gallery,
            models,
            every_seconds=options.watch,
            workers=workers,
            first=first,
        )
        _say("Watching; Ctrl-C stops.")
        with contextlib.suppress(KeyboardInterrupt), contextlib.closing(rounds):
            for report in rounds:
                status = max(status, _show_report(report, json_lines=options.json))
        return status


def _search(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    result = _ask(options, Installation.open())
    if options.json:
        _print_lines(_candidate_line(rank, c) for rank, c in enumerate(result.candidates, start=1))
    else:
        _print_result(result)
    return DONE


def _map(options: argparse.Namespace) -> int:
    from workbench.installation import Installation
    from workbench.maps.offline import save_map
    from workbench.maps.sightings import sightings_map
    from workbench.maps.zones import zone_of_cameras

    installation = Installation.open()
    result, chosen = _ask(options, installation), installation.settings
    drawn = sightings_map(
        result.candidates,
        cameras=result.cameras,
        district=result.scope.district,
        zone=zone_of_cameras(result.cameras, override=chosen.zone),
        base_map=chosen.base_map,
        tiles=chosen.tiles,
        tiles_attribution=chosen.tiles_attribution,
    )
    save_map(options.output, drawn)
    if options.json:
        summary = {"map": str(options.output), "candidates": len(result.candidates)}
        _print_lines([summary])
    else:
        _print_result(result)
        _say(f"Map written to {options.output}")
    return DONE


def _demo(options: argparse.Namespace) -> int:
    from workbench.demo import demo_town
    from workbench.demo.check import check_demo, demo_gallery, demo_settings
    from workbench.installation import Installation

    town, installation = demo_town(), Installation.open()
    if options.check:
        with _bar() as progress:
            check = check_demo(town, installation, progress=progress)
        if options.json:
            _print_lines(dataclasses.asdict(row) for row in check.rows)
        else:
            _print(check.frame().to_string(index=False))
            _say("The demo gives the known answers." if check.passed else "The demo is WRONG.")
        return DONE if check.passed else PROBLEMS
    with _bar() as progress:
        gallery = demo_gallery(town, installation, progress=progress)
    settings = demo_settings(town, installation)
    return _serve_gallery(gallery, port=options.port, environment=settings.environment())


def _serve(options: argparse.Namespace) -> int:
    from workbench.settings import load_settings

    gallery = options.gallery or load_settings().gallery_file
    return _serve_gallery(
        gallery, host=options.host, port=options.port, warm_kernels=options.warm_kernels
    )


def _serve_gallery(
    gallery: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    warm_kernels: int = 1,
    environment: dict[str, str] | None = None,
) -> int:
    from workbench.server.application import serve

    def ready(address: str) -> None:
        _say(f"\nSightline is ready. Open this address (Ctrl-C stops the server):\n\n  {address}\n")

    serve(
        gallery=gallery,
        host=host,
        port=port,
        token=os.environ.get("SIGHTLINE_TOKEN"),
        warm_kernels=warm_kernels,
        environment=environment or {},
        ready=ready,
    )
    return DONE


def _models_list(options: argparse.Namespace) -> int:
    from workbench.faces.weights import models_table
    from workbench.settings import load_settings

    rows = models_table(load_settings().models)
    if options.json:
        _print_lines(dataclasses.asdict(row) for row in rows)
        return DONE
    table = _table("model", "kind", "state", "size", "licence", "SHA-256", "comes from")
    for row in rows:
        size = "" if row.size is None else f"{row.size / 1e6:.1f} MB"
        digest = ", ".join(f"{sha256[:12]}…" for sha256 in row.sha256)
        state = row.state if not row.file else f"{row.state}: {row.file}"
        table.add_row(row.name, row.kind, state, size, row.licence, digest, row.source)
    _print(table)
    return DONE


def _models_fetch(options: argparse.Namespace) -> int:
    from workbench.faces.weights import fetch
    from workbench.settings import load_settings

    with _transfer() as progress:
        weights = fetch(options.name, load_settings().models, progress=progress)
    for weight in weights:
        _say(f"{weight.file} is here. Its licence: {weight.licence}.")
    return DONE


def _models_import(options: argparse.Namespace) -> int:
    from workbench.faces.weights import import_file
    from workbench.settings import load_settings

    weight = import_file(options.file, load_settings().models)
    _say(f"{weight.file} is here, for {weight.model}. Its licence: {weight.licence}.")
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from workbench.doctor import examine

    findings = examine()
    if options.json:
        _print_lines(dataclasses.asdict(finding) for finding in findings)
    else:
        table = _table("", "what", "found", "what to do")
        for finding in findings:
            table.add_row("ok" if finding.ok else "!!", finding.what, finding.found, finding.fix)
        _print(table)
    return DONE if all(finding.ok for finding in findings) else PROBLEMS


# --- Steps they share -------------------------------------------------------------------------


@contextlib.contextmanager
def _writable(
    installation: Installation, path: Path, name: str | None
) -> Iterator[tuple[Gallery, Models]]:
    """A gallery open for writing, made if there is none, and the models of its profile."""
    if path.exists() and not name:
        with installation.open_gallery(path, write=True) as gallery:
            yield gallery, installation.load_models(gallery.profile)
    else:
        models = installation.load_models(name)
        with installation.gallery_for_writing(path, models.profile) as gallery:
            yield gallery, models


def _first_scope(options: argparse.Namespace) -> Scope | None:
    from workbench.district import from_file
    from workbench.domain import Scope, parse_time
    from workbench.errors import SettingsError

    given = (options.first_district, options.first_from, options.first_to)
    if not any(given):
        return None
    if not all(given):
        raise SettingsError(
            "a place and time to begin with needs all three",
            where="--first-district, --first-from, --first-to",
            fix="Give the missing ones",
        )
    start = parse_time(options.first_from, where="--first-from")
    end = parse_time(options.first_to, where="--first-to")
    return Scope(from_file(options.first_district), start, end)


def _ask(options: argparse.Namespace, installation: Installation) -> SearchResult:
    """The question that the options of search and map put."""
    from workbench.district import from_file
    from workbench.domain import Scope, parse_time
    from workbench.faces.probes import make_probe
    from workbench.investigation import search

    start = parse_time(options.start, where="--from")
    scope = Scope(from_file(options.district), start, parse_time(options.end, where="--to"))
    with installation.open_gallery(options.gallery) as gallery:
        models = installation.load_models(gallery.profile)
        probe = make_probe(options.probe, models=models)
        threshold = options.threshold
        if threshold is None:
            threshold = installation.default_threshold(
                gallery.profile, photographs=len(options.probe)
            )
        return search(
            gallery,
            probe,
            scope,
            case=options.case,
            register=installation.register,
            top=options.top,
            threshold=threshold,
        )


# --- What is shown ----------------------------------------------------------------------------


def _candidate_line(rank: int, candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": rank,
        "camera_id": candidate.camera.camera_id,
        "recording": candidate.recording,
        "first_seen": candidate.first_seen.isoformat(),
        "last_seen": candidate.last_seen.isoformat(),
        "score": round(candidate.score, 6),
        "quality": round(candidate.quality, 4),
        "tracklet_id": candidate.tracklet_id,
    }


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
    }


def _show_report(report: IndexReport, *, json_lines: bool) -> int:
    if json_lines:
        _print_lines(_report_lines(report))
    else:
        _print_report(report)
    return PROBLEMS if report.problems else DONE


def _show_plan(plan: Plan, *, json_lines: bool) -> int:
    if json_lines:
        for kind, recordings in (("fresh", plan.fresh), ("present", plan.present)):
            _print_lines(
                {
                    "kind": kind,
                    "file": r.file,
                    "camera_id": r.camera_id,
                    "started_at": r.started_at.isoformat(),
                }
                for r in recordings
            )
        _print_lines({"kind": "problem"} | dataclasses.asdict(p) for p in plan.problems)
        _print_lines(
            [
                {
                    "kind": "summary",
                    "fresh": len(plan.fresh),
                    "present": len(plan.present),
                    "problems": len(plan.problems),
                    "footage_seconds": plan.footage_seconds,
                }
            ]
        )
    else:
        for problem in plan.problems:
            _say(f"{problem.where}: {problem.what}")
        _print(str(plan))
    return PROBLEMS if plan.problems else DONE


def _print_report(report: IndexReport) -> None:
    for problem in report.problems:
        at = "" if problem.at_seconds is None else f" at {problem.at_seconds:.1f} s"
        _say(f"{problem.where}{at}: {problem.what}")
    indexed = [recording for recording in report.recordings if recording.status == "indexed"]
    tracklets = sum(recording.tracklets for recording in indexed)
    unsearchable = sum(recording.unsearchable for recording in indexed)
    footage = sum(recording.seconds for recording in indexed)
    _print(
        f"{len(indexed)} recordings indexed ({footage / 60:.1f} minutes of footage), "
        f"{report.count('present')} were there already, {report.count('refused')} refused. "
        f"{tracklets} tracklets, {unsearchable} of them seen but not searchable."
    )


def _print_result(result: SearchResult) -> None:
    coverage = result.coverage
    if result.training:
        _say(TRAINING_NOTICE)
    if result.candidates:
        table = _table("rank", "score", "camera", "first seen (UTC)", "last seen", "recording")
        for rank, c in enumerate(result.candidates, start=1):
            camera = f"{c.camera.name} ({c.camera.camera_id})"
            seen = (f"{c.first_seen:%Y-%m-%d %H:%M:%S}", f"{c.last_seen:%H:%M:%S}")
            table.add_row(str(rank), f"{c.score:.3f}", camera, *seen, c.recording)
        _print(table)
    threshold = result.threshold
    basis = f" of score {threshold.score:g} ({threshold.calibration})" if threshold else ""
    if not coverage.recordings:
        _say("There is no footage in this scope: nobody can have been seen in it.")
    else:
        _say(
            f"{len(result.candidates)} candidates{basis} among {coverage.tracklets} tracklets of "
            f"{coverage.cameras_with_footage} of {coverage.cameras} cameras "
            f"({coverage.footage_seconds / 3600:.2f} hours of footage; {coverage.unsearchable} "
            "more were seen but cannot be searched). A match is a lead, never an identification."
        )
        if threshold and result.expectations:
            _say(" ".join(result.expectations.words(threshold.score)))


@contextlib.contextmanager
def _bar() -> Iterator[ProgressCallback]:
    """A progress bar of indexing on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
    ]
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Indexing", total=None, told="")

        def update(progress: Progress) -> None:
            left = progress.remaining_seconds
            bar.update(
                task,
                total=progress.total,
                completed=progress.done + progress.part,
                told=f"{progress.done}/{progress.total} recordings, "
                f"{progress.footage_seconds / 60:.1f} min at {progress.pace:.1f} h/h, "
                f"{progress.faces} faces"
                + ("" if left is None or not progress.what else f", {_span(left)} left"),
            )

        yield update


@contextlib.contextmanager
def _transfer() -> Iterator[ProgressCallback]:
    """A progress bar of a download on standard error."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("Fetching", total=None)
        yield lambda progress: bar.update(
            task,
            completed=progress.done,
            total=progress.total or None,
            description=progress.what,
        )


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
