"""Check of an installation: what Sightline needs, what was found, and how to fix the rest.

Nothing is written or made by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.doctor import machine, team
from workbench.errors import SightlineError
from workbench.installation import Installation


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    what: str
    ok: bool
    found: str
    fix: str = ""  # empty if there is nothing to do


def examine() -> list[Finding]:
    """Run all checks; problems are returned as findings, never raised."""
    findings = [_look("settings", lambda: f"home is {Installation.open().settings.home.resolve()}")]
    if not findings[0].ok:
        return findings
    installation = Installation.open()
    looks = machine.looks(installation) | team.looks(installation.settings)
    return findings + [_look(what, look) for what, look in looks.items()]


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except SightlineError as error:
        return Finding(
            what, False, f"{error.where}: {error.what}" if error.where else error.what, error.fix
        )
