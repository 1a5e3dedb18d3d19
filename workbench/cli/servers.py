"""Options of commands that can ask a team's server instead of this machine."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.record.people import Action
    from workbench.casework.register import CaseRegister
    from workbench.client import Connection


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add ``--server``, what signs in there, and ``--ca-file``."""
    group = parser.add_argument_group("on a team's server")
    group.add_argument(
        "--server",
        metavar="ADDRESS",
        help="ask this server instead of this machine, such as https://faces.example/",
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file, readable by you alone, that holds your token; by default the token that a "
        "JupyterHub gave you, else you are asked for it",
    )
    group.add_argument(
        "--user",
        metavar="NAME",
        help="name with which you sign in, where a proxy asks for a password and not for a token",
    )
    group.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="file, readable by you alone, that holds the password of --user; by default you are "
        "asked for it",
    )
    group.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="certificates to trust for it, in PEM"
    )


def connected(options: argparse.Namespace) -> Connection | None:
    """Connect to the server that was named; None if none was.

    A token or a password is never an option: other users of a machine can read how a command was
    called.
    """
    if options.server is None:
        return None
    from workbench.client import connect
    from workbench.client.credentials import HUB_TOKEN

    given: dict[str, str] = {}
    file = options.token_file or options.password_file
    server, user = options.server.partition("?")[0], options.user
    if sys.stdin.isatty():
        if user is not None and file is None:
            given["password"] = getpass.getpass(f"Password of {user} at {server}: ")
        elif user is None and file is None and not os.environ.get(HUB_TOKEN):
            given["token"] = getpass.getpass(f"Token for {server}: ")
    return connect(
        options.server,
        token_file=options.token_file,
        user=user,
        password_file=options.password_file,
        ca_file=options.ca_file,
        **given,
    )


def open_cases(
    options: argparse.Namespace, action: Action | None = None, reference: str = ""
) -> CaseRegister | Connection:
    """Open the cases of the server that was named, or those of this machine.

    Raises NotPermitted if the user's role here does not cover *action*; a server says so itself.
    """
    there = connected(options)
    if there is not None:
        return there
    register = Installation.open().register
    if action is not None:
        register.require(action, reference)
    return register
