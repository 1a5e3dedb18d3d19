"""Output of the commands: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.live.terminal import acts
from workbench.live.terminal import printable as printable
from workbench.live.terminal import say as say

if TYPE_CHECKING:
    import argparse

DONE, PROBLEMS, REFUSED = 0, 1, 2  # exit statuses


def replace_unwritable() -> None:
    """Have characters that a console cannot show, as in Latin-1, printed as question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def table(*headings: str) -> Any:
    """Make a table to fill with ``add_row``; without headings where all of them are empty."""
    from rich.table import Table

    class Printable(Table):
        def add_row(self, *cells: Any, **options: Any) -> None:
            super().add_row(*(printable(c) if isinstance(c, str) else c for c in cells), **options)

    made = Printable(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for heading in headings:
        made.add_column(printable(heading), overflow="fold")
    return made


def show(what: Any) -> None:
    """Print a table, or a text of one line, as a result."""
    from rich.console import Console

    # markup=False: a file or a camera may be called "[red]". A pipe has room for whole names.
    width = None if sys.stdout.isatty() else 200
    console = Console(markup=False, highlight=False, width=width)
    is_text = isinstance(what, str)
    console.print(printable(what) if is_text else what, soft_wrap=is_text)


def lines(objects: Iterable[Any]) -> None:
    """Print one JSON object a line, for scripts; in ASCII where the output is not in UTF-8."""
    coded = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    for item in objects:
        text = json.dumps(item, ensure_ascii=coded, default=str)
        if not text.isascii() or "\x7f" in text:  # the same value, without a sign that acts
            text = "".join(json.dumps(s)[1:-1] if acts(s) else s for s in text)
        sys.stdout.write(text + "\n")
    sys.stdout.flush()


def ask(question: str) -> str:
    """Print a question, and return the line with which it is answered."""
    sys.stderr.write(f"{printable(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def at_a_terminal() -> bool:
    """Check that somebody can be asked: input and messages are a terminal's."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str) -> bool:
    """Ask for a yes; anything else is no."""
    return ask(f"{question} [y/N]").lower() in ("y", "yes")


def deletion_refused(options: argparse.Namespace) -> int | None:
    """Ask whether what was shown is to be deleted for good; None if so, else the exit status.

    The options are --dry-run, --yes and --json.
    """
    if options.dry_run:
        say("Nothing was deleted: --dry-run only shows.")
        return DONE
    if options.yes:
        return None
    if options.json or not at_a_terminal():
        say("Nothing was deleted. At a terminal you are asked; scripts give --yes.")
        return REFUSED
    if agreed("Delete this for good?"):
        return None
    say("Nothing was deleted.")
    return PROBLEMS


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 file``, ``1,200 files``, ``2 entries``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
