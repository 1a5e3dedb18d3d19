"""``sightline people``: who has which role."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.casework.accounts import accounts
from workbench.casework.ownership import put_in_service
from workbench.casework.record.people import ROLES, spelled
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.accounts import Account


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline people``."""
    describe(
        parser,
        None,
        "Who has which role. The first grant puts the installation in service and makes the "
        "person who gives it its administrator; before that, everyone may train, and nothing else "
        "is allowed.",
        "sightline people list",
    )
    actions = add_actions(parser)
    listing = add_action(
        actions, "list", _list,
        "list accounts and roles, and who you are",
        "List the accounts with their roles, and who you are; for administrators also who gave or "
        "took back each role and when, of how many open cases each is a member, and when they last "
        "signed in at a server.",
        "sightline people list",
    )  # fmt: skip
    add_json(listing)
    granting = add_action(
        actions, "grant", _grant,
        "give a role to an account",
        "Give a role to an account; for administrators.",
        "sightline people grant sara supervisor",
    )  # fmt: skip
    _add_account(granting, granted=True)
    revoking = add_action(
        actions, "revoke", _grant,
        "take a role away from an account",
        "Take a role away from an account; for administrators. What was done under it stays valid.",
        "sightline people revoke sara supervisor",
    )  # fmt: skip
    _add_account(revoking, granted=False)


def _add_account(parser: argparse.ArgumentParser, *, granted: bool) -> None:
    parser.add_argument(
        "account",
        metavar="ACCOUNT",
        help="name of the account, as the person signs in or as this machine has it",
    )
    parser.add_argument("role", choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}")
    parser.set_defaults(granted=granted)


def _list(options: argparse.Namespace) -> int:
    register = Installation.open().register
    me, people = register.me, register.people
    me.require_role()
    if me.may("people.change"):
        _show_accounts(accounts(register), as_json=options.json)
    elif options.json:
        lines({"account": name, "roles": sorted(roles)} for name, roles in people.roles.items())
    else:
        found = table("account", "roles")
        for name, roles in people.roles.items():
            found.add_row(name, ", ".join(sorted(roles)))
        show(found)
    state = "" if people.in_service else " This installation is not in service: training only."
    say(f"You are {me.account} ({', '.join(sorted(me.roles)) or 'no role'}).{state}")
    return DONE


def _show_accounts(found: Sequence[Account], *, as_json: bool) -> None:
    if as_json:
        lines(
            {
                "account": one.name,
                "roles": one.roles,
                "changes": [asdict(c) | {"at": c.at.isoformat()} for c in one.changes],
                "cases": one.cases,
                "other_cases": one.other_cases,
                "signed_in": one.signed_in and one.signed_in.isoformat(),
                "way": one.way,
            }
            for one in found
        )
        return
    listed = table("account", "roles", "taken back", "open cases", "last sign-in (UTC)")
    for one in found:
        signed_in = f"{one.signed_in:%Y-%m-%d %H:%M}, {one.way}" if one.signed_in else ""
        cases = [*one.cases, *([counted(one.other_cases, "case")] if one.other_cases else [])]
        listed.add_row(
            one.name,
            "; ".join(
                f"{role} (since {change.at:%Y-%m-%d}, {change.words})" if change else role
                for role in one.roles
                for change in (one.change_of(role),)
            )
            or "no role",
            "; ".join(
                f"{change.role} ({change.at:%Y-%m-%d}, {change.words})"
                for change in one.changes
                if not change.given
            ),
            ", ".join(cases),
            signed_in,
        )
    show(listed)


def _grant(options: argparse.Namespace) -> int:
    account = spelled(options.account)
    register = Installation.open().register
    was_in_service = register.people.in_service
    people = register.grant(account, options.role, granted=options.granted)
    roles = ", ".join(sorted(people.roles.get(account, ()))) or "no role"
    say(f"Roles of {account}: {roles}.")
    if not was_in_service:
        for path, why in put_in_service(register).items():
            say(f"{path} was not put in service: {why} Then: sightline installation take {path}")
    return DONE
