"""``sightline search``: search indexed footage for one face."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.casework.ownphotographs import make_own_photographs
from workbench.casework.searches import cut_words
from workbench.cli.options import add_gallery, add_json, add_scope, describe, positive, scope_of
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show, table
from workbench.cli.photographs import add_photographs, photographs_to_send, read_probe
from workbench.cli.servers import add_server, connected
from workbench.errors import SettingsError
from workbench.installation import Installation
from workbench.investigation import SearchResult, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.client import Connection
    from workbench.client.results import FoundOnServer
    from workbench.domain import Candidate


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline search``."""
    describe(
        parser,
        _search,
        "Search indexed footage for one face, under an open case: candidates, best first, with "
        "camera, recording, times in UTC, score and quality.",
        """
        sightline search --case A-1 --gallery town.duckdb --probe a.jpg b.jpg --district centre.geojson --from 2026-03-31T18:00:00+01:00 --to 2026-03-31T19:00:00+01:00
        """,  # noqa: E501 - one line, as it is typed
    )
    add_question(parser, server=True)
    add_json(parser)
    add_server(parser)


def add_question(parser: argparse.ArgumentParser, *, server: bool = False) -> None:
    """Add the options that put a question: case, gallery, photographs, scope, threshold.

    With *server* the gallery may be that of a server, and need not be named.
    """
    parser.add_argument(
        "--case", required=True, metavar="REF", help="the open case to search under"
    )
    if server:
        parser.add_argument(
            "--gallery",
            type=Path,
            metavar="FILE",
            help="the gallery to search; a server has its own",
        )
    else:
        add_gallery(parser, "the gallery to search")
    add_photographs(parser, "--probe", "one to ten photographs of the target", required=False)
    parser.add_argument(
        "--case-photograph",
        nargs="+",
        type=_numbered,
        action="extend",
        default=[],
        metavar="N",
        help="photographs of the case with these numbers, or 'all', as those of the target",
    )
    add_scope(parser)
    parser.add_argument(
        "--top",
        type=positive,
        default=100,
        metavar="K",
        help="list at most this many candidates; by default %(default)s",
    )
    parser.add_argument(
        "--threshold",
        type=_threshold,
        metavar="T",
        help="minimum score of a candidate, on the scale of the calibration that is used, which "
        "the answer names; a number below what was measured on this scale is refused; 'all' lists "
        "candidates of any score; by default the threshold of the calibration",
    )


def _numbered(text: str) -> int | Literal["all"]:
    return "all" if text == "all" else positive(text)


def _of_case(options: argparse.Namespace) -> list[int] | Literal[False] | None:
    """Return which photographs of the case are asked for: None for all, False for none."""
    numbers: list[int | Literal["all"]] = options.case_photograph
    if not (numbers or options.probe):
        raise SettingsError(
            "no photograph of the target", where="--probe", fix="Or give --case-photograph all"
        )
    if "all" in numbers:
        return None
    return [number for number in numbers if number != "all"] or False


def _threshold(text: str) -> float | Literal["all"]:
    if text == "all":
        return "all"
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor 'all'")
    return number


def ask(options: argparse.Namespace, installation: Installation) -> SearchResult:
    """Search as the options of :func:`add_question` say."""
    scope = scope_of(options)
    with installation.open_gallery(options.gallery) as gallery:
        models = installation.load_models(gallery.profile)
        numbers, own = _of_case(options), []
        if numbers is not False:
            register = installation.register
            own = make_own_photographs(register, options.case, models=models, numbers=numbers)
        probe = read_probe(options, options.probe, models, own=own)
        threshold = options.threshold
        if threshold is None:
            threshold = installation.threshold_for(probe)
        return search(
            gallery,
            probe,
            scope,
            case=options.case,
            register=installation.register,
            top=options.top,
            threshold=None if threshold == "all" else threshold,
            zone=installation.settings.zone,
            searchers=installation.searchers,
        )


def _ask_server(options: argparse.Namespace, there: Connection) -> FoundOnServer:
    numbers = _of_case(options)
    result = there.search(
        photographs_to_send(options, options.probe),
        scope_of(options),
        case=options.case,
        top=options.top,
        threshold=options.threshold,
        case_photographs=() if numbers is False else "all" if numbers is None else numbers,
    )
    for note in result.photograph_notes:
        say(f"{note}.")
    return result


def _search(options: argparse.Namespace) -> int:
    if (options.gallery is None) == (options.server is None):
        raise SettingsError(
            "name either a gallery on this machine or a server",
            where="--gallery, --server",
            fix="Give one of the two",
        )
    there = connected(options)
    result: SearchResult | FoundOnServer
    if there is None:
        result = ask(options, Installation.open())
        said = result.probe.notes
    else:
        result = _ask_server(options, there)
        said = result.photograph_notes
    if options.json:
        notes = notes_of(said, result.notices)
        lines(
            _candidate_line(rank, candidate) | notes
            for rank, candidate in enumerate(result.candidates, start=1)
        )
    else:
        show_result(result)
    return DONE if result.complete else PROBLEMS


def notes_of(photographs: Sequence[str], notices: Sequence[str]) -> dict[str, Any]:
    """Return what each line of JSON says besides: of the photographs, and of the case.

    A case for training, or one that is urgent and not confirmed, is told wherever lines are copied.
    """
    told = {"probe_notes": [*photographs], "notice": " ".join(notices)}
    return {name: words for name, words in told.items() if words}


def _candidate_line(rank: int, candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": rank,
        "camera_id": candidate.camera.camera_id,
        "recording": candidate.recording,
        "first_seen": candidate.first_seen.isoformat(),
        "last_seen": candidate.last_seen.isoformat(),
        "score": round(candidate.score, 6),
        "scale": candidate.scale,
        "quality": round(candidate.quality, 4),
        "tracklet_id": candidate.tracklet_id,
        **candidate.time.fields,
        "recorded_first_seen": candidate.time.recorded.isoformat(),
    }


def show_result(result: SearchResult | FoundOnServer) -> None:
    """Print the candidates, and what the answer rests on."""
    coverage = result.coverage
    if result.missing is not None:
        say(result.missing.words)
    if notices := result.notices[0 if result.missing is None else 1 :]:
        say(*notices)
    if result.candidates:
        found = table("rank", "score", "camera", "first seen (UTC)", "last seen", "recording")
        for rank, c in enumerate(result.candidates, start=1):
            seen = (f"{c.first_seen:%Y-%m-%d %H:%M:%S}", f"{c.last_seen:%H:%M:%S}")
            found.add_row(str(rank), f"{c.score:.3f}", c.camera.words(), *seen, c.recording)
        show(found)
        for rank, c in enumerate(result.candidates, start=1):
            if c.time.mark:
                say(f"{rank}: {c.time.remark()}")
    threshold = result.threshold
    basis = (
        f" of at least the score {threshold.score:g} on the scale {threshold.scale} "
        f"({threshold.calibration})"
        if threshold
        else " of any score"
    )
    if not coverage.recordings:
        say("There is no footage in this scope. No footage does not mean not there.")
        return
    say(
        f"{counted(len(result.candidates), 'candidate')}{basis} among "
        f"{counted(coverage.tracklets, 'tracklet')} of "
        f"{coverage.cameras_with_footage} of {coverage.cameras} cameras "
        f"{f'({coverage.unplaced} of them without a place) ' if coverage.unplaced else ''}"
        f"({coverage.footage_seconds / 3600:.2f} hours of footage; {coverage.unsearchable} "
        "more were seen but cannot be searched). A match is a lead, never an identification."
    )
    if cut := cut_words(len(result.candidates), result.top, result.compared):
        say(f"These are the best {len(result.candidates):,}; {cut}. More are listed with --top.")
    for sentence in coverage.doubts():
        say(sentence)
    for sentence in _expected(result):
        say(sentence)


def _expected(result: SearchResult | FoundOnServer) -> list[str]:
    """Say what to expect of the search at its threshold, in one line; nothing if it has none."""
    if result.threshold is None:
        return []
    if isinstance(result, SearchResult):
        expected = result.expectations
        words = expected.words(result.threshold.score) if expected else []
    else:
        words = list(result.forecast)
    return [" ".join(words)] if words else []
