"""``sightline doctor``: check this installation."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses

from workbench.cli.options import add_json, describe
from workbench.cli.output import DONE, PROBLEMS, lines, show, table
from workbench.doctor import examine
from workbench.errors import SettingsError
from workbench.installation import Installation


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline doctor``."""
    describe(
        parser,
        _doctor,
        "Check what Sightline needs on this machine: packages, folders, decoders, models, the "
        "gallery, casework and the disk; and say what to do about the rest.",
        "sightline doctor",
    )
    add_json(parser)


def _doctor(options: argparse.Namespace) -> int:
    # What the files say of people may be what is wrong: then that is found, and told, below.
    with contextlib.suppress(SettingsError):
        Installation.open().require_role()
    findings = examine()
    if options.json:
        lines(dataclasses.asdict(finding) for finding in findings)
    else:
        looked = table("", "what", "found", "what to do")
        for finding in findings:
            looked.add_row("ok" if finding.ok else "!!", finding.what, finding.found, finding.fix)
        show(looked)
    return DONE if all(finding.ok for finding in findings) else PROBLEMS
