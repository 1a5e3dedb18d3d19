"""``sightline sessions``: who is signed in at a running server."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from workbench.casework.signedin import end_on_record, sessions_of
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, PROBLEMS, counted, lines, say, show, table
from workbench.installation import Installation


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline sessions``."""
    describe(
        parser,
        None,
        "Who is signed in at the running servers of this installation. For administrators, as the "
        "account that runs the servers.",
        "sightline sessions list",
    )
    actions = add_actions(parser)
    listing = add_action(
        actions, "list", _list,
        "list who is signed in, since when and how",
        "List who is signed in, since when and how, when they last did something, and how many "
        "pages they have open. Times are UTC.",
        "sightline sessions list",
    )  # fmt: skip
    add_json(listing)
    ending = add_action(
        actions, "end", _end,
        "end the sessions of an account",
        "End the sessions of an account, or the one with that id: its open pages stop working. "
        "On record. To keep the person out, take their access away at the hub or the proxy, or "
        "their roles.",
        "sightline sessions end anna",
    )  # fmt: skip
    ending.add_argument("session", metavar="ACCOUNT", help="account, or id of one session")


def _list(options: argparse.Namespace) -> int:
    register = Installation.open().register
    register.require("session.end")
    found = sessions_of(register.folder)
    if options.json:
        lines(
            asdict(one) | {"began": one.began.isoformat(), "used": one.used.isoformat()}
            for one in found
        )
        return DONE
    if not found:
        say("No one is signed in.")
        return DONE
    listed = table("id", "account", "by", "since", "last used", "pages")
    for one in found:
        times = (f"{time:%Y-%m-%d %H:%M}" for time in (one.began, one.used))
        listed.add_row(one.id, one.account, one.way, *times, str(one.kernels))
    show(listed)
    return DONE


def _end(options: argparse.Namespace) -> int:
    ended = end_on_record(Installation.open().register, options.session)
    if not ended:
        say(f"No session of {options.session} is open.")
        return PROBLEMS
    say(f"{counted(len(ended), 'session')} of {options.session} ended.")
    return DONE
