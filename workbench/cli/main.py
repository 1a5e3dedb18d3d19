"""The ``sightline`` command: thin calls of public functions, stable for scripts.

With ``--json`` each result is one JSON object a line on standard output; progress and messages go
to standard error. Exit status: 0 done, 1 done with reported problems, 2 refused.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from workbench.cli.options import Command, Parser
from workbench.cli.output import DONE, REFUSED, replace_unwritable, say
from workbench.errors import SightlineError, is_full, is_interrupt, unwritten

# Each command with its module in this room and its line in the list. Only the module of the command
# that is run is loaded: `sightline --help` waits for no library.
COMMANDS = {
    "index": ("indexing", "index the footage of a catalogue"),
    "footage": ("footage", "what the footage is: the clocks of its cameras"),
    "search": ("search", "search indexed footage for one face"),
    "map": ("map", "search, and write the candidates as one HTML map"),
    "case": ("cases", "cases: request, approve, list, show, close, train"),
    "people": ("people", "who has which role"),
    "installation": ("installation", "what the installation is, and its rules"),
    "review": ("review", "fillers, and how reviewers do on them"),
    "note": ("notes", "notes and markers, and what of the footage was shown"),
    "evidence": ("evidence", "signed archives that a court can check"),
    "purge": ("purge", "delete what is older than may be kept"),
    "audit": ("audit", "the record of everything that was done"),
    "gallery": ("gallery", "look after a gallery: check, copy, merge"),
    "demo": ("demo", "index and serve the fictional demo town"),
    "serve": ("serve", "serve the dashboards of a gallery"),
    "lab": ("lab", "work with the notebooks in JupyterLab"),
    "sessions": ("sessions", "who is signed in at a running server"),
    "calibrate": ("calibrating", "measure what a profile's scores mean, on labelled stills"),
    "models": ("models", "model weights: list, show, fetch, import, remove"),
    "doctor": ("doctor", "check this installation"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    replace_unwritable()
    given = sys.argv[1:] if arguments is None else list(arguments)
    named = next((word for word in given if not word.startswith("-")), "")
    options = build_parser(named).parse_args(given)
    command: Command = options.command
    # Galleries, casework, exports: all of it shows people, and is for nobody else to read.
    before = os.umask(0o077)
    try:
        return _run(command, options)
    except SightlineError as error:
        say(str(error))
        return REFUSED
    except KeyboardInterrupt:
        say("Stopped. Finished work is kept; run the same command to go on.")
        return REFUSED
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        # Every room says what it could not write; this is for what none of them thought of.
        if not is_full(error) and error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        what, fix = unwritten(error, fix="Ask the person who runs this installation for access")
        say(str(SightlineError(what, where=str(error.filename or "the output"), fix=fix)))
        return REFUSED
    finally:
        os.umask(before)


def _run(command: Command, options: argparse.Namespace) -> int:
    try:
        return command(options)
    except Exception as error:
        if is_interrupt(error):
            raise KeyboardInterrupt from error
        raise


def build_parser(only: str | None = None) -> Parser:
    """Build the parser of ``sightline``.

    Parameters
    ----------
    only : str, optional
        Fill in the options of this command alone, as one run needs them; by default of all.
    """
    from workbench import __version__

    parser = Parser(
        prog="sightline",
        description="Look for one known face in recorded footage, in a stated place and time. "
        "A match is a lead, never an identification.",
        epilog="Example:\n  sightline demo\n  sightline search --help",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"sightline {__version__}",
        help="print the version and exit",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        made = commands.add_parser(name, help=line)
        if only in (None, name):
            importlib.import_module(f"workbench.cli.{module}").add(made)
    return parser
