"""``sightline case change``: request that a case becomes another, which another person approves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.changes import ask_change, changed_request, with_photographs
from workbench.cli.options import add_action, add_reference, positive
from workbench.cli.output import DONE, say
from workbench.cli.photographs import (
    add_photographs,
    add_provenance,
    photographs_to_send,
    provenance_of,
    read_probe,
    require_no_provenance,
)
from workbench.cli.servers import add_server, connected
from workbench.district import from_file
from workbench.domain import parse_time
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.provenance import Provenance

_TEXTS = {
    "title": "a few words for lists",
    "authority": "the body outside that authorised it",
    "authorisation": "the reference of its decision",
}


def add_change(actions: Any) -> None:
    """Add ``sightline case change``."""
    changing = add_action(
        actions, "change", _change,
        "request more time, another area or other footage for a case",
        "Request a change of a case, such as more time: another person approves it, with its "
        "digest. Until then the case stays as it is. What is not given stays. For the person "
        "responsible for it, and for supervisors. Photographs take the place of those before, and "
        "must show the same person.",
        "sightline case change A-2026-117 --valid-days 14 --authorisation 'P 117/26, extended'",
    )  # fmt: skip
    add_reference(changing)
    changing.add_argument(
        "--district", type=Path, metavar="FILE.geojson", help="another area, as a GeoJSON polygon"
    )
    for name, dest, end in (("--from", "start", "start"), ("--to", "end", "end")):
        changing.add_argument(
            name, dest=dest, metavar="ISO8601", help=f"another {end} of the footage"
        )
    changing.add_argument(
        "--valid-days", type=float, metavar="N", help="days from now for which it may be searched"
    )
    changing.add_argument(
        "--cameras", type=positive, metavar="N", help="most cameras in one search"
    )
    changing.add_argument(
        "--unplaced",
        nargs="*",
        metavar="CAMERA",
        help="all cameras without a place that may be searched; with none, no such camera",
    )
    for name, help_ in _TEXTS.items():
        changing.add_argument(f"--{name}", metavar="TEXT", help=help_)
    add_photographs(
        changing, "--subject", "all photographs of the person from then on", required=False
    )
    add_provenance(changing)
    changing.add_argument(
        "--profile",
        metavar="NAME",
        help="model profile that the case was requested with; by default that of the settings, on "
        "a server that of its gallery",
    )
    add_server(changing)


def _change(options: argparse.Namespace) -> int:
    there, changes = connected(options), _changes(options)
    stated = provenance_of(options, len(options.subject)) if options.subject else []
    if not stated:
        require_no_provenance(options)
    case: Case
    if there is None:
        case = _change_here(options, changes, stated)
    else:
        photographs = photographs_to_send(options, options.subject)
        case = there.change_case(
            options.reference, photographs, provenance=stated, born=options.born, **changes
        )
    say(
        f"A change of case {case.reference} is requested. Another person reads and approves it "
        f"with: sightline case approve {case.reference}"
    )
    return DONE


def _change_here(
    options: argparse.Namespace, changes: dict[str, Any], stated: list[Provenance]
) -> Case:
    installation = Installation.open()
    register = installation.register
    before = register.case(options.reference)
    request, probe = changed_request(before, changes), None
    if stated:
        register.require_own(options.reference, "case.change")
        probe = read_probe(options, options.subject, installation.load_models(options.profile))
        request = with_photographs(
            before, request, probe,
            provenance=stated, born=options.born, calibrations=register.rules.calibrations,
        )  # fmt: skip
    return ask_change(register, request, subject=probe)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options change."""
    changes: dict[str, Any] = {
        name: value
        for name in ("valid_days", "cameras", *_TEXTS)
        if (value := getattr(options, name)) is not None
    }
    if options.district is not None:
        changes["district"] = from_file(options.district)
    for name, option in (("start", "--from"), ("end", "--to")):
        if (text := getattr(options, name)) is not None:
            changes[name] = parse_time(text, where=option)
    if options.unplaced is not None:
        changes["unplaced"] = tuple(options.unplaced)
    return changes
