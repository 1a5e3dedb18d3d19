"""``sightline note``: notes and markers of a case, and what of its footage was shown."""

from __future__ import annotations

import argparse
from datetime import UTC

from workbench.casework.evidence.noted import note_rows, viewing_rows
from workbench.casework.notes import (
    THE_CASE,
    Note,
    find_matter,
    notes,
    withdraw_note,
    write_note,
)
from workbench.casework.viewing import watched
from workbench.cli.options import (
    add_action,
    add_actions,
    add_gallery,
    add_json,
    add_reference,
    describe,
)
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.installation import Installation


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline note``."""
    describe(
        parser,
        None,
        "Notes and markers of the people who work on a case, and what of its footage was shown. "
        "While a case is open, people who may come to decide in its review see their own alone.",
        "sightline note list A-2026-117",
    )
    actions = add_actions(parser)
    writing = add_action(
        actions, "add", _add,
        "write a note, or mark a moment in a recording",
        "Write a note on the case, or on a camera, a recording or a candidate of it; with --second "
        "it is a marker in the recording. It is on record, for members of the case.",
        """sightline note add A-2026-117 'Wears glasses since May.'
        sightline note add A-2026-117 'Leaves.' --gallery town.duckdb --recording a.mp4""",
    )  # fmt: skip
    add_reference(writing)
    writing.add_argument("text", metavar="TEXT", help="the note, at most 500 characters")
    writing.add_argument(
        "--gallery", metavar="FILE", help="the gallery that what it is about is in"
    )
    about = writing.add_mutually_exclusive_group()
    about.add_argument("--camera", default="", metavar="ID", help="the camera that it is about")
    about.add_argument(
        "--recording", default="", metavar="FILE", help="the recording, as it was catalogued"
    )
    about.add_argument(
        "--candidate", default="", metavar="ID", help="the candidate, by its tracklet"
    )
    writing.add_argument(
        "--second", type=float, metavar="S", help="mark this second of the recording"
    )
    listing = add_action(
        actions, "list", _list,
        "list notes and markers",
        "List the notes and markers of a case, those that were withdrawn too.",
        "sightline note list A-2026-117",
    )  # fmt: skip
    add_reference(listing)
    add_json(listing)
    withdrawing = add_action(
        actions, "withdraw", _withdraw,
        "withdraw a note of your own",
        "Withdraw a note that you wrote. The record and the report keep it as withdrawn.",
        "sightline note withdraw A-2026-117 412",
    )  # fmt: skip
    add_reference(withdrawing)
    withdrawing.add_argument("number", type=int, metavar="NUMBER", help="its number in the list")
    viewing = add_action(
        actions, "watched", _watched,
        "what of the footage was shown",
        "List what of the footage was shown under a case, to whom and when, and say which share "
        "of the footage that the case covers it is.",
        "sightline note watched A-2026-117 --gallery town.duckdb",
    )  # fmt: skip
    add_reference(viewing)
    add_gallery(viewing)
    add_json(viewing)


def _add(options: argparse.Namespace) -> int:
    installation = Installation.open()
    matter = THE_CASE
    if options.camera or options.recording or options.candidate:
        with installation.open_gallery(options.gallery) as gallery:
            matter = find_matter(
                gallery,
                camera=options.camera,
                recording=options.recording,
                candidate=options.candidate,
                second=options.second,
            )
    note = write_note(installation.register, options.reference, matter, options.text)
    say(f"Note {note.number}, about {note.title}, is on record.")
    return DONE


def _list(options: argparse.Namespace) -> int:
    found = notes(Installation.open().register, options.reference)
    if options.json:
        lines(_document(note) for note in found.shown)
    elif found.shown:
        made = table("number", "written", "by", "about", "note")
        rows = note_rows(found.shown, lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}")
        for note, row in zip(found.shown, rows, strict=True):
            made.add_row(str(note.number), *row)
        show(made)
    elif not found.withheld:
        say("Nothing was noted.")
    if found.withheld:
        say(
            f"{counted(found.withheld, 'note')} of others not shown: you may come to decide in the "
            "review of this case."
        )
    return DONE


def _document(note: Note) -> dict[str, object]:
    return {
        "number": note.number,
        "at": note.at.isoformat(),
        "by": note.by,
        "kind": note.kind,
        "subject": note.subject,
        "name": note.name,
        "second": note.second,
        "moment": note.moment.isoformat() if note.moment else None,
        "text": note.text,
        "withdrawn": note.withdrawn,
    }


def _withdraw(options: argparse.Namespace) -> int:
    withdraw_note(Installation.open().register, options.reference, options.number)
    say(f"Note {options.number} is withdrawn. The record keeps it.")
    return DONE


def _watched(options: argparse.Namespace) -> int:
    installation = Installation.open()
    with installation.open_gallery(options.gallery) as gallery:
        found = watched(installation.register, options.reference, gallery)
    if options.json:
        lines(
            {
                "recording": one.recording,
                "camera": one.camera_id,
                "seconds": [one.start, one.end],
                "since": one.since.isoformat(),
                "until": one.until.isoformat(),
                "timing": one.timing,
                "detail": one.detail,
                "reason": one.reason,
                "by": one.by,
                "at": one.at.isoformat(),
            }
            for one in found.viewings
        )
        return DONE
    if found.viewings:
        made = table("recording", "camera", "from", "to", "shown", "by", "when")
        for row in viewing_rows(
            found.viewings, lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
        ):
            made.add_row(*row)
        show(made)
    say(found.words)
    return DONE
