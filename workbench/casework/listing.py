"""Listing of footage that came without a list: for whom it is, and on record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.casework.register import CaseRegister
from workbench.footage.importing import Proposal, ProposedRecording, Written, write_catalogue

LISTED = "footage.listed"


def list_footage(
    register: CaseRegister,
    proposal: Proposal,
    chosen: Sequence[ProposedRecording],
    *,
    zone: str,
    prefer: str,
    out: Path | None = None,
    add: bool = False,
) -> Written:
    """Write the tables of a proposal; an entry says first who lists what, where in service.

    Times and places decide which case footage falls under: listing it is for the same people as
    correcting clocks. An installation that only trains has no roles, and no entry is made there.

    Parameters
    ----------
    chosen : sequence of ProposedRecording
        Which of its recordings.
    zone, prefer : str
        What was answered: the zone of the cameras' clocks, and whether name or container is
        believed; empty where neither was asked for.
    out, add
        As of :func:`workbench.write_catalogue`.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it; on record.
    CatalogueError
        If the tables cannot be written.
    """
    me, folder = register.require("footage.import"), proposal.survey.folder
    if me.in_service:
        register.record(
            LISTED,
            {
                "folder": str(folder),
                "catalogue": str(out or folder),
                "recordings": len(chosen),
                "with_a_weak_time": sum(not one.stated for one in chosen),
                "zone": zone,
                "prefer": prefer,
                "cameras": {
                    one.camera_id: [one.latitude, one.longitude] for one in proposal.cameras
                },
            },
            by=me,
        )
    return write_catalogue(proposal, chosen, out=out, add=add)
