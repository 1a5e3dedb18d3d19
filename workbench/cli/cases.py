"""``sightline case``: request, approve, list, show and close cases; open one to train with."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.casework.cases import TEMPLATES, Request
from workbench.casework.facts import facts, status_words, urgent_notice
from workbench.casework.retention import forget_subject
from workbench.casework.subjects import describe_subject
from workbench.casework.training import TRAINING_NOTICE
from workbench.cli.options import (
    add_action,
    add_actions,
    add_json,
    add_reference,
    add_scope,
    describe,
    positive,
    scope_of,
)
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show, table
from workbench.cli.photographs import add_photographs, photographs_to_send, read_probe
from workbench.cli.servers import add_server, connected, open_cases
from workbench.domain import Scope
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.client import Connection


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline case``."""
    describe(
        parser,
        None,
        "Cases: nothing is searched without an open one. One person requests a case, another "
        "approves it. In training, one person does both.",
        """
        sightline case list
        sightline case training TRAINING --district centre.geojson --from 2026-03-31T00:00:00Z --to 2026-04-01T00:00:00Z
        """,  # noqa: E501 - one line, as it is typed
    )
    actions = add_actions(parser)
    _add_request(actions)
    approving = add_action(
        actions, "approve", _approve,
        "authorise a case that another person requested",
        "Authorise a case that another person requested; for supervisors. Without --digest, show "
        "what is requested, with its digest; with it, approve that request and no other. A case "
        "beyond the limits in the settings opens when two have approved it.",
        "sightline case approve A-2026-117",
    )  # fmt: skip
    add_reference(approving)
    approving.add_argument(
        "--digest",
        default="",
        metavar="DIGEST",
        help="the digest of the request that you have read, as it is shown with it",
    )
    add_server(approving)
    confirming = add_action(
        actions, "confirm", _confirm,
        "confirm an urgent case that another person let begin",
        "Confirm an urgent case that another supervisor let begin; for supervisors, within 48 "
        "hours of that. Without --digest, show the case, with the digest of its request. A case "
        "that is not confirmed ends, and what came of it is deleted; so does one that is declined.",
        "sightline case confirm A-2026-117 --authorisation 'P 117/26'",
    )  # fmt: skip
    add_reference(confirming)
    confirming.add_argument(
        "--digest",
        default="",
        metavar="DIGEST",
        help="the digest of the request that you have read, as it is shown with it",
    )
    confirming.add_argument(
        "--authorisation",
        default="",
        metavar="TEXT",
        help="the reference of the outside decision, where the request lacks it",
    )
    add_server(confirming)
    declining = add_action(
        actions, "decline", _decline,
        "refuse a case that was requested, or to confirm an urgent one",
        "Refuse a case that another person requested; for supervisors. The reason is on record. An "
        "urgent case that has begun ends with it, and what came of it is deleted.",
        "sightline case decline A-2026-117 --reason 'the area is too wide'",
    )  # fmt: skip
    add_reference(declining)
    _add_reason(declining)
    add_server(declining)
    closing = add_action(
        actions, "close", _close,
        "close a case for good",
        "Close a case for good: nothing is searched under it again, and its sightings no longer "
        "keep footage from deletion. For the person who requested it, and for supervisors.",
        "sightline case close A-2026-117 --reason 'found on 2 April'",
    )  # fmt: skip
    add_reference(closing)
    _add_reason(closing)
    add_server(closing)
    listing = add_action(
        actions, "list", _list,
        "list your cases",
        "List the cases that you are a member of (supervisors and auditors: all) with status, "
        "purpose and the people who requested and approved them.",
        "sightline case list",
    )  # fmt: skip
    add_json(listing)
    add_server(listing)
    showing = add_action(
        actions, "show", _show,
        "show everything about one case",
        "Show everything about one case: purpose, authority, area, time, subject and status.",
        "sightline case show A-2026-117",
    )  # fmt: skip
    add_reference(showing)
    add_json(showing)
    add_server(showing)
    for action, what, help_, example in (
        ("add-member", _add_member, "let another person see a case and work on it", "rosa"),
        ("remove-member", _remove_member, "end a person's membership of a case", "rosa"),
    ):
        changing = add_action(
            actions, action, what, help_,
            f"{help_[0].upper()}{help_[1:]}. For the person who requested the case, and for "
            "supervisors. Members see its title, faces and sightings; others do not.",
            f"sightline case {action} A-2026-117 {example}",
        )  # fmt: skip
        add_reference(changing)
        changing.add_argument("account", metavar="ACCOUNT", help="name of the person's account")
        add_server(changing)
    forgetting = add_action(
        actions, "forget", _forget,
        "delete the subject of a case that has ended",
        "Delete photographs and templates of the subject of a case that has ended. For "
        "supervisors and administrators. The reason is on record.",
        "sightline case forget A-2026-117 --reason 'request of 3 May'",
    )  # fmt: skip
    add_reference(forgetting)
    _add_reason(forgetting)
    training = add_action(
        actions, "training", _training,
        "open a case that carries no authority, to learn and to test with",
        "Open a training case, or open it again with another area and time. It carries no "
        "authority: in an installation in service it searches only the demo's fictional footage.",
        "sightline case training TRAINING --district centre.geojson --from 2026-03-31T00:00:00Z "
        "--to 2026-04-01T00:00:00Z",
    )  # fmt: skip
    add_reference(training)
    add_scope(training)


def _add_request(actions: Any) -> None:
    names = ", ".join(sorted(TEMPLATES))
    asking = add_action(
        actions, "request", _request,
        "request a case, which another person approves",
        "Request a case: why, on whose authority, where, which footage, which person and until "
        "when. A supervisor approves it, never the person who requested it.",
        "sightline case request A-2026-117 --template missing-person --authority 'Public "
        "prosecutor' --authorisation 'P 117/26' --district centre.geojson --from "
        "2026-03-31T18:00:00+01:00 --to 2026-04-01T00:00:00+01:00 --subject a.jpg b.jpg",
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
    asking.add_argument(
        "--profile",
        metavar="NAME",
        help="model profile of the galleries to search; by default that of the settings, on a "
        "server that of its gallery",
    )
    add_server(asking)


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, for the record")


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
    )


def _request_here(options: argparse.Namespace) -> Case:
    installation, template = Installation.open(), TEMPLATES[options.template]
    register = installation.register
    register.require("case.ask", options.reference)
    now, scope = datetime.now(UTC), scope_of(options)
    days = template.valid if options.valid_days is None else timedelta(days=options.valid_days)
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
        ),
    )
    return register.ask(request, subject=probe)


def _approve(options: argparse.Namespace) -> int:
    cases = open_cases(options, None if options.digest else "case.approve", options.reference)
    if not options.digest:
        case = cases.case(options.reference)
        _show_facts(case)
        say(
            "Nothing is approved yet. To approve the request as it is shown here: sightline case "
            f"approve {case.reference} --digest {case.digest}"
        )
        return PROBLEMS
    case = cases.approve(options.reference, digest=options.digest)
    if case.confirm_by:
        say(
            f"Case {case.reference} has begun. {urgent_notice(case)} Another supervisor reads and "
            f"confirms it with: sightline case confirm {case.reference}"
        )
    elif case.state == "open":
        say(f"Case {case.reference} is {case.status()}.")
    else:
        say(
            f"Case {case.reference} goes beyond the limits ({'; '.join(case.exceeds)}): "
            "a second person must approve it too."
        )
    return DONE


def _confirm(options: argparse.Namespace) -> int:
    cases = open_cases(options, None if options.digest else "case.approve", options.reference)
    if not options.digest:
        case = cases.case(options.reference)
        _show_facts(case)
        say(
            "Nothing is confirmed yet. To confirm the case as it is shown here: sightline case "
            f"confirm {case.reference} --digest {case.digest}"
        )
        return PROBLEMS
    case = cases.confirm(
        options.reference, digest=options.digest, authorisation=options.authorisation
    )
    say(f"Case {case.reference} is confirmed.")
    return DONE


def _decline(options: argparse.Namespace) -> int:
    case = open_cases(options).decline(options.reference, reason=options.reason)
    gone = "; what came of it is deleted" if case.state == "not confirmed" else ""
    say(f"Case {options.reference} is declined{gone}.")
    return DONE


def _close(options: argparse.Namespace) -> int:
    open_cases(options).close(options.reference, reason=options.reason)
    say(f"Case {options.reference} is closed.")
    return DONE


def _add_member(options: argparse.Namespace) -> int:
    case = open_cases(options).add_member(options.reference, options.account)
    say(f"Members of case {case.reference}: {', '.join(case.members)}.")
    return DONE


def _remove_member(options: argparse.Namespace) -> int:
    case = open_cases(options).remove_member(options.reference, options.account)
    say(f"Members of case {case.reference}: {', '.join(case.members)}.")
    return DONE


def _forget(options: argparse.Namespace) -> int:
    count = forget_subject(Installation.open().register, options.reference, reason=options.reason)
    say(f"Deleted {counted(count, 'file')} of the subject of case {options.reference}.")
    return DONE


def _training(options: argparse.Namespace) -> int:
    case = Installation.open().register.train(options.reference, scope_of(options))
    say(f"Case {case.reference} is open. {TRAINING_NOTICE}")
    return DONE


# --- What is shown ----------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    cases = open_cases(options, "case.read").cases()
    if options.json:
        lines(_row(case) for case in cases)
        return DONE
    found = table(
        "reference", "status", "purpose", "title", "requested by", "approved by", "valid until"
    )
    for case in cases:
        found.add_row(
            case.reference,
            status_words(case),
            case.request.purpose,
            case.request.title,
            case.asked_by,
            ", ".join(case.approved_by),
            f"{case.request.valid_until:%Y-%m-%d %H:%M} UTC",
        )
    show(found)
    return DONE


def _show(options: argparse.Namespace) -> int:
    there = connected(options)
    if there is not None:
        case = there.case(options.reference)
    else:
        case = Installation.open().register.case(options.reference, ended=True)
    if options.json:
        more = {
            "asked_at": case.asked_at.isoformat(),
            "exceeds": list(case.exceeds),
            "reason": case.reason,
            "digest": case.digest,
        }
        lines([{**case.request.document(), **_row(case), **more}])
        return DONE
    _show_facts(case)
    return DONE


def _show_facts(case: Case) -> None:
    found = table("", "")
    for name, value in facts(case):
        found.add_row(name, value)
    show(found)


def _row(case: Case) -> dict[str, Any]:
    return {
        "reference": case.reference,
        "status": case.status(),
        "purpose": case.request.purpose,
        "title": case.request.title,
        "asked_by": case.asked_by,
        "approved_by": list(case.approved_by),
        "members": list(case.members),
        "urgent": case.request.urgent,
        "confirm_by": case.confirm_by and case.confirm_by.isoformat(),
        "valid_until": case.request.valid_until.isoformat(),
    }
