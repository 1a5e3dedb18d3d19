"""The parser of the commands: help with examples, the nearest name, options that several share."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from workbench.cli.output import REFUSED, printable, say

if TYPE_CHECKING:
    from workbench.domain import Scope

Command = Callable[[argparse.Namespace], int]
# What add_subparsers returns, which argparse does not name in public.
Actions = Any


class _Formatter(argparse.HelpFormatter):
    """Wraps descriptions, and leaves examples in their lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Example"):
            return "\n".join(indent + line for line in text.splitlines())
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistyped command with the nearest one."""

    def __init__(self, **given: Any) -> None:
        super().__init__(formatter_class=_Formatter, **given)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self._unknown(action.choices, str(value))
        super()._check_value(action, value)

    def _unknown(self, choices: dict[str, argparse.ArgumentParser], value: str) -> NoReturn:
        near = difflib.get_close_matches(value, choices, n=1)
        # Another name of a command leads to the command: its last word is the name in use.
        advice = (
            f"Did you mean {choices[near[0]].prog.split()[-1]}?"
            if near
            else f"`{self.prog} --help` lists them."
        )
        self.exit(REFUSED, f"{self.prog}: {value!r} is not a command. {advice}\n")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words given, which may be names of files, and exit."""
        super().error(printable(message))

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; where a command is missing, list those there are and exit."""
        args = sys.argv[1:] if args is None else list(args)
        if not args and any(isinstance(a, argparse._SubParsersAction) for a in self._actions):
            self.print_help(sys.stderr)
            self.exit(REFUSED)
        return super().parse_known_args(args, namespace)


class Renamed(argparse.Action):
    """An option under the name that it had before: it works, and says its name of today."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, now: str, **given: Any) -> None:
        super().__init__(option_strings, dest, **(given | {"help": argparse.SUPPRESS}))
        self.now = now

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - as argparse calls it
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take the value over, with a word about the name."""
        say(f"{option_string} is now called {self.now}; the old name still works.")
        setattr(namespace, self.dest, values)


def add_actions(parser: argparse.ArgumentParser) -> Actions:
    """Give a command sub-commands."""
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def add_action(
    actions: Actions, name: str, command: Command, line: str, description: str, example: str
) -> argparse.ArgumentParser:
    """Add a sub-command.

    Parameters
    ----------
    line : str
        What it does, for the list of commands: begins in lower case, has no full stop.
    description : str
        The same for its own help, in sentences.
    example : str
        Command lines that can be typed, one or more.
    """
    made: argparse.ArgumentParser = actions.add_parser(name, help=line)
    describe(made, command, description, example)
    return made


def describe(
    parser: argparse.ArgumentParser, command: Command | None, description: str, example: str
) -> None:
    """Give a parser its description, its examples and, where it has no sub-commands, its call."""
    typed = [line.strip() for line in example.strip().splitlines()]
    parser.description = description
    parser.epilog = "\n  ".join(("Examples:" if len(typed) > 1 else "Example:", *typed))
    if command is not None:
        parser.set_defaults(command=command)


# --- Options that several commands share ------------------------------------------------------


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line, for scripts"
    )


def add_gallery(parser: argparse.ArgumentParser, help: str = "the gallery") -> None:  # noqa: A002
    """Add ``--gallery FILE``, which must be given."""
    parser.add_argument("--gallery", type=Path, required=True, metavar="FILE", help=help)


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Add the reference of a case."""
    parser.add_argument("reference", metavar="REF", help="the reference of the case")


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Add ``--district``, ``--from`` and ``--to``, which must be given."""
    parser.add_argument(
        "--district",
        type=Path,
        required=True,
        metavar="FILE.geojson",
        help="the area, as a GeoJSON polygon",
    )
    parser.add_argument(
        "--from",
        dest="start",
        required=True,
        metavar="ISO8601",
        help="start of the time range, with its offset: 2026-03-31T18:00:00+01:00",
    )
    parser.add_argument(
        "--to",
        dest="end",
        required=True,
        metavar="ISO8601",
        help="end of the time range, which is not part of it",
    )


def scope_of(options: argparse.Namespace) -> Scope:
    """Return the scope that the options of :func:`add_scope` name."""
    return read_scope(options.district, options.start, options.end)


def read_scope(district: Path, start: str, end: str, *, prefix: str = "--") -> Scope:
    """Return a scope from a GeoJSON file and two times; errors name the options."""
    from workbench.district import from_file
    from workbench.domain import Scope, parse_time

    first = parse_time(start, where=f"{prefix}from")
    return Scope(from_file(district), first, parse_time(end, where=f"{prefix}to"))


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")


def count(text: str) -> int:
    """Read a whole number of at least 0."""
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number: write 0, 1, 2, …")
