"""``sightline case request``: request a case, which another person approves."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.casework.cases import TEMPLATES, Request
from workbench.casework.facts import warnings
from workbench.casework.subjects import describe_subject
from workbench.cli.options import add_action, add_reference, add_scope, positive, scope_of
from workbench.cli.output import DONE, say
from workbench.cli.photographs import (
    add_photographs,
    add_provenance,
    photographs_to_send,
    provenance_of,
    read_probe,
)
from workbench.cli.servers import add_server, connected
from workbench.domain import Scope
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.client import Connection


def add_request(actions: Any) -> None:
    """Add ``sightline case request``."""
    names = ", ".join(sorted(TEMPLATES))
    asking = add_action(
        actions, "request", _request,
        "request a case, which another person approves",
        "Request a case: why, on whose authority, where, which footage, which person and until "
        "when. A supervisor approves it, never the person who requested it.",
        "sightline case request A-2026-117 --template missing-person --authority 'Public "
        "prosecutor' --authorisation 'P 117/26' --district centre.geojson --from "
        "2026-03-31T18:00:00+01:00 --to 2026-04-01T00:00:00+01:00 --subject a.jpg b.jpg "
        "--source album --given-by 'her mother' --taken 2025 2026-01 --changes nothing",
    )  # fmt: skip
    actions.choices["open"] = asking  # the name of the command before, which scripts may still use
    add_reference(asking)
    asking.add_argument(
        "--template",
        required=True,
        choices=sorted(TEMPLATES),
        metavar="NAME",
        help=f"the kind of case, which sets the purpose: one of {names}",
    )
    asking.add_argument("--title", default="", metavar="TEXT", help="a few words for lists")
    asking.add_argument(
        "--legal-basis", metavar="TEXT", help="legal basis; by default that of the template"
    )
    asking.add_argument(
        "--authority", required=True, metavar="TEXT", help="the body outside that authorised it"
    )
    asking.add_argument(
        "--authorisation",
        default="",
        metavar="TEXT",
        help="the reference of its decision, which an urgent request may lack",
    )
    asking.add_argument(
        "--urgent",
        default="",
        metavar="REASON",
        help="why the search cannot wait for that decision: it begins when one supervisor lets it, "
        "and ends, with all that came of it, unless another confirms it within 48 hours",
    )
    add_scope(asking)
    asking.add_argument(
        "--valid-days",
        type=float,
        metavar="N",
        help="days for which it may be searched; by default those of the template",
    )
    asking.add_argument(
        "--cameras",
        type=positive,
        metavar="N",
        help="most cameras in one search; by default the limit in the settings",
    )
    asking.add_argument(
        "--unplaced",
        nargs="+",
        action="extend",
        default=[],
        metavar="CAMERA",
        help="cameras whose place is not known, by their ids: no district holds them, so each that "
        "may be searched is named",
    )
    asking.add_argument(
        "--members",
        nargs="+",
        action="extend",
        default=[],
        metavar="ACCOUNT",
        help="accounts of those who work on the case besides you, such as its reviewers",
    )
    add_photographs(asking, "--subject", "photographs of the one person the case is about")
    asking.add_argument(
        "--description", default="", metavar="TEXT", help="description of that person"
    )
    add_provenance(asking)
    asking.add_argument(
        "--profile",
        metavar="NAME",
        help="model profile of the galleries to search; by default that of the settings, on a "
        "server that of its gallery",
    )
    add_server(asking)


def _request(options: argparse.Namespace) -> int:
    there = connected(options)
    case = _request_here(options) if there is None else _request_there(options, there)
    say(
        f"Case {case.reference} is requested. Another person reads and approves it with: "
        f"sightline case approve {case.reference}"
    )
    return DONE


def _request_there(options: argparse.Namespace, there: Connection) -> Case:
    scope = scope_of(options)
    return there.request_case(
        options.reference,
        photographs_to_send(options, options.subject),
        Scope(scope.district, scope.start, scope.end, frozenset(options.unplaced)),
        template=options.template,
        authority=options.authority,
        authorisation=options.authorisation,
        urgent=options.urgent,
        title=options.title,
        description=options.description,
        legal_basis=options.legal_basis,
        valid_days=options.valid_days,
        cameras=options.cameras,
        members=options.members,
        provenance=provenance_of(options, len(options.subject)),
        born=options.born,
    )


def _request_here(options: argparse.Namespace) -> Case:
    installation, template = Installation.open(), TEMPLATES[options.template]
    register = installation.register
    register.require("case.ask", options.reference)
    now, scope = datetime.now(UTC), scope_of(options)
    days = template.valid if options.valid_days is None else timedelta(days=options.valid_days)
    provenance = provenance_of(options, len(options.subject))
    probe = read_probe(options, options.subject, installation.load_models(options.profile))
    request = Request(
        reference=options.reference,
        purpose=template.purpose,
        title=options.title,
        legal_basis=options.legal_basis or template.legal_basis,
        authority=options.authority,
        authorisation=options.authorisation,
        urgent=options.urgent,
        district=scope.district,
        start=scope.start,
        end=scope.end,
        valid_from=now,
        valid_until=now + days,
        cameras=options.cameras,
        unplaced=tuple(options.unplaced),
        members=tuple(options.members),
        subject=describe_subject(
            probe,
            calibrations=register.rules.calibrations,
            description=options.description,
            provenance=provenance,
            born=options.born,
        ),
    )
    for warning in warnings(request):
        say(f"{warning}")
    return register.ask(request, subject=probe)
