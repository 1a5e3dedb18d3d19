"""``sightline footage import``: a catalogue for footage that comes without a list."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.listing import list_footage
from workbench.cli.options import add_json, describe
from workbench.cli.output import (
    DONE,
    PROBLEMS,
    REFUSED,
    agreed,
    ask,
    at_a_terminal,
    counted,
    lines,
    say,
    show,
    table,
)
from workbench.errors import SightlineError
from workbench.footage.importing import (
    TRUST_LEGEND,
    Proposal,
    ProposedRecording,
    existing_catalogue,
    known_places,
    propose,
    read_places,
    read_zone,
    survey,
)
from workbench.footage.names import own_pattern
from workbench.installation import Installation
from workbench.live import progress as shown_progress
from workbench.maps.zones import zone_of_cameras

if TYPE_CHECKING:
    from workbench.domain import Camera
    from workbench.footage.importing import Prefer, Survey

# Rows of a table on a terminal: of recordings that can be listed. The others are all shown.
MOST_ROWS = 40


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline footage import``."""
    describe(
        parser,
        _import,
        "Propose cameras and starts for the footage in a folder that has no list, and write "
        "cameras.csv and footage.csv. For each film and each sequence of pictures it shows which "
        "camera and which time is proposed, what the time rests on (name, container, or the time "
        "at which the file was last written), how sure it is, and why it is not surer. What is "
        "contradictory, ambiguous or not understood is listed and not written. In an installation "
        "in service it is for supervisors and administrators, and on record.",
        """
        sightline footage import export --cameras cameras.kml
        sightline footage import export --zone Europe/London --cameras cameras.csv --dry-run
        sightline footage import export --zone +01:00 --cameras cameras.csv --yes --json
        """,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of footage")
    parser.add_argument(
        "--zone",
        default="",
        metavar="ZONE",
        help="time zone of the cameras' clocks, for names without one: Europe/London, UTC, or a "
        "fixed offset such as +01:00 for clocks that do not follow summer time",
    )
    parser.add_argument(
        "--pattern",
        default="",
        metavar="FORM",
        help="your own form of names, tried before the known ones, such as "
        "{camera}/{year}-{month}-{day}/{hour}.{minute}.{second}",
    )
    parser.add_argument(
        "--cameras",
        type=Path,
        metavar="FILE",
        help="where the cameras stand: a list in CSV, GeoJSON or KML",
    )
    parser.add_argument(
        "--camera",
        default="",
        metavar="ID",
        help="camera of the recordings for which neither name nor folder says one",
    )
    parser.add_argument(
        "--without-places",
        action="store_true",
        help="list cameras whose place is not known, too; they lie in no district, and are "
        "searched only under a case that names them",
    )
    parser.add_argument(
        "--overlaps",
        action="store_true",
        help="list recordings of one camera that overlap in time, too, as two streams of it do",
    )
    parser.add_argument(
        "--frame-rate",
        type=float,
        metavar="N",
        help="pictures taken per second, for sequences and films that do not say",
    )
    parser.add_argument(
        "--prefer",
        choices=("name", "container"),
        help="which to believe where name and container contradict each other; by default such "
        "recordings are not written",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where to write the tables: FOLDER, which is the default, or a folder above it",
    )
    parser.add_argument(
        "--add", action="store_true", help="add rows to tables that exist; their rows stay"
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="write without asking, for scripts: only what a name or a container dates; the rest "
        "is listed, and the exit status is 1",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the proposal, and exit")
    add_json(parser)


@dataclass
class _Question:
    """The footage of a folder, and the answers so far to what it does not say itself."""

    surveyed: Survey
    places: tuple[Camera, ...]
    listed: frozenset[str]
    zone: tzinfo | None
    camera: str
    frame_rate: float | None
    prefer: Prefer | None
    without_places: bool
    overlaps: bool

    def proposal(self) -> Proposal:
        return propose(
            self.surveyed,
            zone=self.zone,
            places=self.places,
            camera=self.camera,
            frame_rate=self.frame_rate,
            prefer=self.prefer,
            without_places=self.without_places,
            overlaps=self.overlaps,
            listed=self.listed,
        )


def _import(options: argparse.Namespace) -> int:
    installation = Installation.open()
    register = installation.register
    register.require("footage.import")
    question = _question(options)
    asking = not (options.yes or options.dry_run or options.json) and at_a_terminal()
    if asking:
        _ask(question, installation)
    proposal = question.proposal()
    if not options.json:
        _show(proposal, question.zone)
    chosen: Sequence[ProposedRecording] = []
    if options.yes and not options.dry_run:
        chosen = [one for one in proposal.recordings if one.stated]
    elif asking:
        chosen = _choose(proposal, options.out or options.folder)
    if chosen:
        written = list_footage(
            register,
            proposal,
            chosen,
            zone=str(question.zone or ""),
            prefer=question.prefer or "",
            out=options.out,
            add=options.add or asking,
        )
        if not options.json:
            say(
                f"{counted(written.recordings, 'recording')} and "
                f"{counted(written.cameras, 'camera')} {'added to' if written.added else 'written'}"
                f"{'' if written.added else ' to'} the tables in {written.folder}"
            )
    if options.json:
        lines(_lines(proposal, {one.file for one in chosen}))
    if not (chosen or asking or options.yes or options.dry_run or options.json):
        say("Nothing was written. At a terminal you are asked; scripts give --yes.")
        return REFUSED
    accepted = len(chosen) if options.yes else sum(one.ready for one in proposal.recordings)
    left = len(proposal.recordings) - accepted + len(proposal.not_understood)
    if not (proposal.recordings or proposal.listed):
        say(f"No footage was found in {options.folder}.")
        return PROBLEMS
    return PROBLEMS if left else DONE


def _question(options: argparse.Namespace) -> _Question:
    """Read all that is given before the folder is, which may take long."""
    zone = read_zone(options.zone) if options.zone else None
    pattern = own_pattern(options.pattern) if options.pattern else None
    before = existing_catalogue(options.folder, options.out)
    given = read_places(options.cameras) if options.cameras else ()
    places = known_places(before.cameras, given)
    with shown_progress.surveying() as progress:
        surveyed = survey(options.folder, pattern=pattern, progress=progress)
    return _Question(
        surveyed, places, before.files, zone, options.camera, options.frame_rate,
        options.prefer, options.without_places, options.overlaps,
    )  # fmt: skip


# --- Asking -----------------------------------------------------------------------------------


def _ask(question: _Question, installation: Installation) -> None:
    """Ask once for what the footage does not say itself; an empty answer leaves it open."""
    proposal = question.proposal()
    if proposal.needs_zone:
        question.zone = _ask_zone(question.places, installation)
        proposal = question.proposal()
    nowhere = sum(not one.camera_from for one in proposal.recordings)
    if nowhere and not question.camera:
        question.camera = ask(
            f"Neither name nor folder says the camera of {counted(nowhere, 'recording')}. Camera "
            "id (empty: leave them out)?"
        )
    if proposal.contradictions and question.prefer is None:
        answer = ask(
            f"Name and container contradict each other in "
            f"{counted(proposal.contradictions, 'recording')}. Believe name or container (empty: "
            "leave them out)?"
        ).lower()
        if answer == "name":
            question.prefer = "name"
        elif answer == "container":
            question.prefer = "container"
    unplaced = len(question.proposal().unplaced)
    if unplaced and not question.without_places:
        question.without_places = agreed(
            f"Nothing says where {counted(unplaced, 'camera')} stand{'s' if unplaced == 1 else ''} "
            "(--cameras names a list). List them without a place? They lie in no district, and are "
            "searched only under a case that names them."
        )


def _ask_zone(places: Sequence[Camera], installation: Installation) -> tzinfo | None:
    known = any(one.place for one in places)
    guess = installation.settings.zone or (zone_of_cameras(places) if known else None)
    offered = f"{guess.key} if empty" if guess else "empty: leave recordings out that need it"
    while True:
        answer = ask(
            "Names state local times. In which time zone were the clocks of the cameras, such as "
            f"Europe/London or +01:00 ({offered})?"
        )
        if not answer:
            return guess
        try:
            return read_zone(answer)
        except SightlineError as error:
            say(str(error))


def _choose(proposal: Proposal, folder: Path) -> list[ProposedRecording]:
    """Ask which of the recordings that are ready are written."""
    chosen = [one for one in proposal.recordings if one.stated]
    weak = [one for one in proposal.recordings if one.ready and not one.stated]
    if weak and agreed(
        f"The time of {counted(len(weak), 'recording')} is weak: stated to the minute, or only "
        "when the file was last written, which means nothing of a copy. It stays in doubt until "
        "it is confirmed. List them all the same?"
    ):
        chosen += weak
    if chosen and agreed(
        f"Write {counted(len(chosen), 'recording')} to the tables in {folder}? Existing rows stay."
    ):
        return chosen
    say("Nothing was written.")
    return []


# --- What is shown ----------------------------------------------------------------------------


def _show(proposal: Proposal, zone: tzinfo | None) -> None:
    ready = [one for one in proposal.recordings if one.ready]
    others = [one for one in proposal.recordings if not one.ready]
    tables = []
    if ready:
        listed = table("File", "Camera", "Start", "Rests on", "How sure", "Why not surer")
        for one in ready[:MOST_ROWS]:
            listed.add_row(
                one.file, one.camera_id, _local(one, zone), one.rests_on, one.start.trust,
                "; ".join(one.remarks),
            )  # fmt: skip
        tables.append(listed)
    if others:
        listed = table("Not ready", "Camera", "Start", "What is missing")
        for one in others:
            lacks = "; ".join(one.lacks)
            listed.add_row(one.file, one.camera_id, _local(one, zone), lacks)
        tables.append(listed)
    if proposal.not_understood:
        listed = table("Not understood", "Why")
        for problem in proposal.not_understood:
            listed.add_row(problem.where, problem.what)
        tables.append(listed)
    for number, listed in enumerate(tables):
        if number:
            show("")
        show(listed)
    if len(ready) > MOST_ROWS:
        say(f"Of those that are ready {MOST_ROWS} are shown; --json lists all {len(ready):,}.")
    if ready:
        say(TRUST_LEGEND)
    weak = sum(not one.stated for one in ready)
    say(
        f"{counted(len(ready), 'recording')} ready"
        + (f" ({weak:,} with a weak time)" if weak else "")
        + f", {len(others):,} not ready, {counted(len(proposal.not_understood), 'file')} not "
        f"understood, {counted(proposal.survey.skipped, 'hidden or system file')} passed over"
        + (f", {proposal.listed:,} already listed" if proposal.listed else "")
        + "."
    )
    if set(proposal.unplaced) - {one.camera_id for one in proposal.cameras}:
        say(
            f"Where {counted(len(proposal.unplaced), 'camera')} stand"
            f"{'s' if len(proposal.unplaced) == 1 else ''} is not known: "
            f"{', '.join(proposal.unplaced)}. Name a list with --cameras, or list them all the "
            "same with --without-places."
        )
    if proposal.needs_zone:
        say("Names state local times: give the time zone of the cameras' clocks with --zone.")


def _local(one: ProposedRecording, zone: tzinfo | None) -> str:
    several = (at.astimezone(zone) if zone else at for at in one.start.possible)
    return " or ".join(at.isoformat(" ", "seconds") for at in several)


def _lines(proposal: Proposal, written: set[str]) -> Iterator[dict[str, Any]]:
    for one in proposal.recordings:
        start = one.start
        yield {
            "kind": "recording",
            "file": one.file,
            "camera_id": one.camera_id,
            "camera_from": one.camera_from,
            "started_at": start.at.isoformat() if start.at else None,
            "possible": [moment.isoformat() for moment in start.possible],
            "rests_on": start.basis,
            "detail": start.detail,
            "how_sure": start.trust,
            "seconds": one.found.header.seconds,
            "frame_rate": one.frame_rate,
            "ready": one.ready,
            "written": one.file in written,
            "lacks": one.lacks,
            "remarks": (*start.why, *one.notes),
        }
    for problem in proposal.not_understood:
        yield {"kind": "problem", "where": problem.where, "what": problem.what}
    yield {
        "kind": "summary",
        "recordings": len(proposal.recordings),
        "ready": sum(one.ready for one in proposal.recordings),
        "written": len(written),
        "listed": proposal.listed,
        "not_understood": len(proposal.not_understood),
        "skipped": proposal.survey.skipped,
        "unplaced": proposal.unplaced,
        "needs_zone": proposal.needs_zone,
    }
