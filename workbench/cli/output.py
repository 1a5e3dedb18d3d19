"""What the commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any


def table(*headings: str) -> Any:
    """A table to fill with ``add_row``."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def show(what: Any) -> None:
    """A table or text, as a result."""
    from rich.console import Console

    # markup=False: a file or a camera may be called "[red]". A pipe has room for whole names.
    width = None if sys.stdout.isatty() else 200
    console = Console(markup=False, highlight=False, width=width)
    console.print(what, soft_wrap=isinstance(what, str))


def lines(objects: Iterable[Any]) -> None:
    """One JSON object a line, for scripts."""
    for item in objects:
        sys.stdout.write(json.dumps(item, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A message to whoever is at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
