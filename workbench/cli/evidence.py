"""``sightline evidence``: signed archives that a court can check."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.casework.evidence.archive import verify_archive
from workbench.casework.evidence.export import export, is_recorded
from workbench.casework.register import FOLDER
from workbench.cli.options import (
    add_action,
    add_actions,
    add_gallery,
    add_json,
    add_reference,
    describe,
)
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show
from workbench.installation import Installation
from workbench.settings import load_settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline evidence``."""
    describe(
        parser,
        None,
        "Write a case's evidence as a signed archive, and check one on any machine.",
        """
        sightline evidence export A-2026-117 --gallery town.duckdb --output A-2026-117.zip
        sightline evidence verify A-2026-117.zip
        """,
    )
    actions = add_actions(parser)
    exporting = add_action(
        actions, "export", _export,
        "write the signed archive of a case",
        "Write the signed archive of a case: report (HTML, PDF, DOCX), still sheet, clips, a "
        "compilation of them in the order of time, map, decisions, best shots, the case's "
        "entries of the record and the SHA-256 of the recordings. Exit status 1 if a recording "
        "is not the one that was indexed.",
        "sightline evidence export A-2026-117 --gallery town.duckdb --output A-2026-117.zip",
    )  # fmt: skip
    add_reference(exporting)
    add_gallery(exporting, "the gallery that holds the sightings")
    exporting.add_argument(
        "--output", type=Path, required=True, metavar="FILE.zip", help="the archive to write"
    )
    exporting.add_argument(
        "--footage",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where the recordings are now; by default where they were indexed from; may be "
        "repeated",
    )
    exporting.add_argument(
        "--sharp",
        default="",
        metavar="REASON",
        help="make sharp clips too, in which bystanders can be recognised; the reason goes on "
        "record",
    )
    add_json(exporting)
    checking = add_action(
        actions, "verify", _verify,
        "check an archive; needs nothing but the file",
        "Check the signature of an archive and every file in it. This needs no installation: only "
        "the archive, and the fingerprint of the office's key to compare with.",
        "sightline evidence verify A-2026-117.zip --key FINGERPRINT",
    )  # fmt: skip
    checking.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive to check")
    checking.add_argument(
        "--key", default="", metavar="FINGERPRINT", help="fingerprint of the office's key"
    )
    checking.add_argument(
        "--recorded",
        action="store_true",
        help="also check that this installation's record has an entry for it",
    )
    add_json(checking)


def _export(options: argparse.Namespace) -> int:
    installation = Installation.open()
    with installation.open_gallery(options.gallery) as gallery:
        made = export(
            installation.register,
            options.reference,
            gallery,
            options.output,
            footage=options.footage,
            clip=installation.clip_maker(gallery),
            sharp=options.sharp,
            zone=installation.settings.zone,
            base_map=installation.settings.base_map,
        )
    if options.json:
        facts = {"archive": str(made.path), "files": made.files, "manifest": made.manifest,
                 "key": made.fingerprint, "head": str(made.head),
                 "changed_sources": list(made.changed_sources)}  # fmt: skip
        lines([facts])
    for file in made.changed_sources:
        say(f"{file}: is not the recording that was indexed")
    say(
        f"{counted(made.files, 'file')} in {made.path}",
        f"key:  {made.fingerprint}",
        f"head: {made.head}",
    )
    return PROBLEMS if made.changed_sources else DONE


def _verify(options: argparse.Namespace) -> int:
    found = verify_archive(options.archive, key=options.key)
    faults = list(found.faults)
    if options.recorded and not is_recorded(load_settings().home / FOLDER, found.manifest):
        faults.append("this installation's record has no entry for this export")
    if options.json:
        facts = {"sound": not faults, "case": found.case, "made_by": found.made_by,
                 "made_at": None if found.made_at is None else found.made_at.isoformat(),
                 "head": None if found.head is None else str(found.head),
                 "key": found.fingerprint, "files": found.files, "faults": faults}  # fmt: skip
        lines([facts])
    else:
        for fault in faults:
            show(fault)
        verdict = "NOT VALID" if faults else "signature valid, archive unchanged"
        say(
            f"{options.archive} (case {found.case}, {counted(found.files, 'file')}): {verdict}.",
            f"Signed with key {found.fingerprint}."
            + ("" if options.key else " Compare it with the one that the office has published."),
        )
    return PROBLEMS if faults else DONE
