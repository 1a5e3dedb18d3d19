"""Write docs/commands.md from the parser: every command, argument and option of ``sightline``.

``--check`` writes nothing and says whether the file is what the parser gives.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.cli.main import build_parser

PAGE = Path(__file__).parents[1] / "docs/commands.md"

HEADER = """\
# Commands

<!-- Written by `make docs` from the parser. Change the help texts in `workbench/cli/`, not this page. -->

`sightline COMMAND --help` prints the same in a terminal; `python -m workbench` is the same command. With `--json` each result is one JSON object per line on standard output; progress and messages go to standard error. Exit status: 0 done, 1 done with reported problems, 2 refused.
"""  # noqa: E501


def commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = (), line: str = ""
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser, str]]:
    """Yield each command that help lists and that can be run: its words, parser and line there."""
    children = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not children:
        yield path, parser, line
    for action in children:
        for choice in action._choices_actions:
            yield from commands(
                action.choices[choice.dest], (*path, choice.dest), choice.help or ""
            )


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a command takes, without ``--help`` and what help does not show."""
    return [
        action
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]


def page(parser: argparse.ArgumentParser) -> str:
    """Return the text of docs/commands.md."""
    found = list(commands(parser))
    listed = "".join(
        f"| [`{' '.join(('sightline', *path))}`](#sightline-{'-'.join(path)}) | {_cell(line)} |\n"
        for path, _, line in found
    )
    sections = "".join(_section(path, child, line) for path, child, line in found)
    return f"{HEADER}\n| command | |\n| --- | --- |\n{listed}{sections}"


def _section(path: Sequence[str], parser: argparse.ArgumentParser, line: str) -> str:
    name = " ".join(("sightline", *path))
    said = " ".join((parser.description or line).split())
    text = f"\n## {name}\n\n{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}\n"
    taken = arguments(parser)
    if taken:
        text += "\n| | |\n| --- | --- |\n"
        text += "".join(
            f"| `{_usage(action)}` | {_meaning(parser, action)} |\n" for action in taken
        )
    if parser.epilog:
        text += f"\n```console\n{_examples(parser.epilog.replace('%(prog)s', parser.prog))}\n```\n"
    return text


def _usage(action: argparse.Action) -> str:
    """Return an option or argument as one types it."""
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    if action.nargs == "+":
        value = f"{value}…"
    elif action.nargs == "?" and action.option_strings:
        value = f"[{value}]"
    return " ".join(part for part in (", ".join(action.option_strings), value) if part)


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    said = _cell(parser._get_formatter()._expand_help(action) if action.help else "")
    needed = "required" if action.required and action.option_strings else ""
    return "; ".join(part for part in (needed, said) if part)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _examples(epilog: str) -> str:
    """Return the examples of a help text, without the word above them and their indentation."""
    lines = [line.strip() for line in epilog.splitlines()]
    kept = [line for line in lines if line.lower().rstrip(":") not in {"", "example", "examples"}]
    return "\n".join(f"$ {line}" if line.startswith("sightline") else line for line in kept)


def main(given: Sequence[str] | None = None) -> int:
    """Write the page, or check it; return the exit status."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    text = page(build_parser())
    if not options.parse_args(given).check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/commands.md is not what the parser gives: run make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
