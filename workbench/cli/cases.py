"""``sightline case``: approve, list, show and close cases; open one to train with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from workbench.casework.changes import hand_over
from workbench.casework.facts import change_facts, facts, status_words, urgent_notice
from workbench.casework.history import history
from workbench.casework.retention import forget_subject
from workbench.casework.training import TRAINING_NOTICE
from workbench.cli.casechange import add_change
from workbench.cli.caserequest import add_request
from workbench.cli.options import (
    add_action,
    add_actions,
    add_json,
    add_reference,
    add_scope,
    describe,
    scope_of,
)
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show, table
from workbench.cli.servers import add_server, connected, open_cases
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.cases import Case


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
    add_request(actions)
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
        "keep footage from deletion. For the person responsible for it, and for supervisors.",
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
            f"{help_[0].upper()}{help_[1:]}. For the person responsible for the case, and for "
            "supervisors. Members see its title, faces and sightings; others do not.",
            f"sightline case {action} A-2026-117 {example}",
        )  # fmt: skip
        add_reference(changing)
        changing.add_argument("account", metavar="ACCOUNT", help="name of the person's account")
        add_server(changing)
    add_change(actions)
    handing = add_action(
        actions, "hand-over", _hand_over,
        "make another person responsible for a case",
        "Make another person responsible for a case, at once: they may close it, change it and "
        "choose its members. For the person responsible for it, and for supervisors.",
        "sightline case hand-over A-2026-117 ben --reason 'on leave from 3 May'",
    )  # fmt: skip
    add_reference(handing)
    handing.add_argument("account", metavar="ACCOUNT", help="name of the person's account")
    _add_reason(handing)
    add_server(handing)
    telling = add_action(
        actions, "history", _history,
        "say what happened to a case, and in whose name",
        "Say what happened to a case, and in whose name, in UTC: requests, approvals, members, "
        "searches; neither opinions nor decisions.",
        "sightline case history A-2026-117",
    )  # fmt: skip
    add_reference(telling)
    add_json(telling)
    add_server(telling)
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


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, for the record")


def _approve(options: argparse.Namespace) -> int:
    cases = open_cases(options, None if options.digest else "case.approve", options.reference)
    if not options.digest:
        case = cases.case(options.reference)
        _show_facts(case)
        if case.waiting is not None:
            what = "request" if case.change is None else "change"
            say(
                f"Nothing is approved yet. To approve the {what} as it is shown here: sightline "
                f"case approve {case.reference} --digest {case.waiting.digest}"
            )
        return PROBLEMS
    case = cases.approve(options.reference, digest=options.digest)
    if case.confirm_by:
        say(
            f"Case {case.reference} has begun. {urgent_notice(case)} Another supervisor reads and "
            f"confirms it with: sightline case confirm {case.reference}"
        )
    elif case.waiting is None:
        say(f"Case {case.reference} is {case.status()}.")
    else:
        say(
            f"Case {case.reference} goes beyond the limits ({'; '.join(case.waiting.exceeds)}): "
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


def _hand_over(options: argparse.Namespace) -> int:
    there, (reference, account) = connected(options), (options.reference, options.account)
    if there is None:
        hand_over(Installation.open().register, reference, account, reason=options.reason)
    else:
        there.hand_over(reference, account, reason=options.reason)
    say(f"{account} is responsible for case {reference}.")
    return DONE


def _history(options: argparse.Namespace) -> int:
    there = connected(options)
    if there is None:
        events = history(Installation.open().register, options.reference)
    else:
        events = there.history(options.reference)
    if options.json:
        lines({"at": e.at.isoformat(), "account": e.account, "what": e.words} for e in events)
        return DONE
    found = table("when (UTC)", "who", "what")
    for event in events:
        found.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", event.account, event.words)
    show(found)
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
    if case.change is not None:
        say(f"A change was requested by {case.change.asked_by}:")
        found = table("", "now", "then")
        for name, before, after in change_facts(case):
            found.add_row(name, before, after)
        show(found)
        say(f"Digest of the change: {case.change.digest}")


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
