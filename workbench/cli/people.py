"""``sightline people``: who has which role."""

from __future__ import annotations

import argparse

from workbench.casework.record.keys import own_key
from workbench.casework.record.people import MAY, ROLES, Action, People
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, lines, say, show, table
from workbench.installation import Installation

# What is signed, and so needs a key that the administrator knows.
_SIGNED: frozenset[Action] = frozenset({"case.approve", "review.first", "review.second"})


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
        "list accounts, roles and missing keys, and who you are",
        "List the accounts with their roles, whether their public key is known, and who you are.",
        "sightline people list",
    )  # fmt: skip
    add_json(listing)
    granting = add_action(
        actions, "grant", _grant,
        "give a role to an account",
        "Give a role to an account; for administrators. Approvals and decisions are signed, so the "
        "account's public key is needed too: the account prints it with `sightline people key`.",
        "sightline people grant sara supervisor --key KEY",
    )  # fmt: skip
    _add_account(granting, granted=True)
    granting.add_argument(
        "--key", default="", metavar="KEY", help="the account's public key, as it was printed"
    )
    revoking = add_action(
        actions, "revoke", _grant,
        "take a role away from an account",
        "Take a role away from an account; for administrators. What it signed stays valid.",
        "sightline people revoke sara supervisor",
    )  # fmt: skip
    _add_account(revoking, granted=False)
    add_action(
        actions, "key", _key,
        "print your public key, for the administrator",
        "Print the public key of your account, made at first use, for the administrator to add "
        "with `sightline people grant`.",
        "sightline people key",
    )  # fmt: skip


def _add_account(parser: argparse.ArgumentParser, *, granted: bool) -> None:
    parser.add_argument(
        "account",
        metavar="ACCOUNT",
        help="name of the account, as the person signs in or as this machine has it",
    )
    parser.add_argument("role", choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}")
    parser.set_defaults(granted=granted, key="")


def _list(options: argparse.Namespace) -> int:
    register = Installation.open().register
    me, people = register.me, register.people
    me.require_role()
    if options.json:
        lines({"account": name, "roles": sorted(roles)} for name, roles in people.roles.items())
    else:
        found = table("account", "roles", "key")
        for name, roles in people.roles.items():
            key = (
                "known" if people.keys.get(name) else "MISSING" if _lacks_key(people, name) else ""
            )
            found.add_row(name, ", ".join(sorted(roles)), key)
        show(found)
    missing = [name for name in people.roles if _lacks_key(people, name)]
    if missing:
        say(
            f"Keys are missing: {', '.join(missing)}. Approvals and decisions are signed; without "
            "a key they are refused. Each account runs `sightline people key`, and the "
            "administrator adds it with `sightline people grant ACCOUNT ROLE --key KEY`."
        )
    state = "" if people.in_service else " This installation is not in service: training only."
    say(f"You are {me.account} ({', '.join(sorted(me.roles)) or 'no role'}).{state}")
    return DONE


def _grant(options: argparse.Namespace) -> int:
    people = Installation.open().register.grant(
        options.account, options.role, granted=options.granted, key=options.key
    )
    roles = ", ".join(sorted(people.roles.get(options.account, ()))) or "no role"
    say(f"Roles of {options.account}: {roles}.")
    if options.granted and _lacks_key(people, options.account):
        say(
            f"The key of {options.account} is missing. Have {options.account} run "
            "`sightline people key`, then repeat this with --key."
        )
    return DONE


def _lacks_key(people: People, account: str) -> bool:
    roles = people.roles.get(account, frozenset())
    return not people.keys.get(account) and any(MAY[role] & _SIGNED for role in roles)


def _key(_: argparse.Namespace) -> int:
    show(own_key(Installation.open().register.me.account))
    return DONE
