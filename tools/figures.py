"""Write the figures of docs/figures.json, which `make benchmark` fills, into README and the docs.

A document marks where a figure stands, and this program writes it there::

    answers after <!-- figure team > search, median, s as .1f -->0.2<!-- end --> s

The mark names a run of the file, then what it measured, name by name: of a list the place of one,
of a table its row, by what stands in some columns (``photographs=3; FPIR=1.0%``). ``as`` and a
format of Python's may follow. A whole table stands on lines of its own. ``runs`` is the table of
all runs: when and where each was made, and by which version.

No mark begins a line of text: Markdown would leave that line as it is.

``--check`` writes nothing, and says which documents are not what the file gives.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs/figures.json"
MARK = re.compile(
    r"(?P<mark><!-- figure (?P<address>.+?)(?: as (?P<form>,?(?:\.\d+)?[fg%]))? -->)"
    r"(?P<text>.*?)<!-- end -->",
    re.DOTALL,
)
# A number, alone or with the bar that it was held against.
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?: \(at (?:most|least) .+\))?")
RUNS = "runs"


class FigureError(Exception):
    """A mark names what the file does not hold."""


def documents() -> list[Path]:
    """Return the documents that have figures; those of decisions stay as they were."""
    pages = sorted(ROOT.joinpath("docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in pages if page.parent.name != "decisions")]


def found(runs: dict[str, Any], address: str) -> Any:
    """Look up what a mark names; raise FigureError if that is not one thing."""
    if address == RUNS:
        return [_row(name, run["measured"]) for name, run in runs.items()]
    name, *path = address.split(" > ")
    if name not in runs:
        raise FigureError(f"{address}: there is no run {name!r}")
    value = runs[name]["figures"]
    for part in path:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            wanted = dict(pair.split("=", 1) for pair in part.split("; "))
            rows = [row for row in value if all(str(row.get(c)) == w for c, w in wanted.items())]
            if len(rows) != 1:
                raise FigureError(f"{address}: {len(rows)} rows have {part!r}")
            value = rows[0]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            raise FigureError(f"{address}: there is no {part!r}")
    return value


def shown(value: Any, form: str | None) -> str:
    """Write a figure, or a table, as it stands in a document."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"\n{_table(value)}\n"
    if isinstance(value, list | dict):
        raise FigureError("names several figures that are no table")
    if number := NUMBER.fullmatch(str(value)):
        return format(float(number[1]), form) if form else number[1]
    return str(value)


def renewed(text: str, runs: dict[str, Any]) -> str:
    """Return a document with the figures of the file."""

    def one(match: re.Match[str]) -> str:
        try:
            text = shown(found(runs, match["address"]), match["form"])
        except FigureError as error:
            raise FigureError(f"{match['mark']}: {error}") from None
        return f"{match['mark']}{text}<!-- end -->"

    return MARK.sub(one, text)


def behind(runs: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield each document that is not what the file gives, with what it should be."""
    for document in documents():
        text = document.read_text("utf-8")
        try:
            new = renewed(text, runs)
        except FigureError as error:
            raise FigureError(f"{document.relative_to(ROOT)}: {error}") from None
        if new != text:
            yield document, new


def _row(name: str, measured: dict[str, Any]) -> dict[str, str]:
    """A run in the table of runs."""
    return {
        "run": f"`{name}`",
        "measured": measured["date"],
        "on": measured["machine"],
        "version": f"{measured['version']} ({measured['commit']})",
        "by": f"`{measured['command']}`",
    }


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    lines += [f"| {' | '.join(str(row[column]) for column in columns)} |" for row in rows]
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> int:
    """Write the figures, or check them; return the exit status."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    check = options.parse_args(given).check
    runs = json.loads(FIGURES.read_text("utf-8"))
    small = [name for name, run in runs.items() if "--small" in run["measured"]["command"]]
    if small:
        sys.stderr.write(f"small runs say nothing: {', '.join(small)}\n")
        return 1
    try:
        changed = list(behind(runs))
    except FigureError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for document, text in changed:
        if not check:
            document.write_text(text, "utf-8")
            continue
        name = document.relative_to(ROOT)
        sys.stderr.write(f"{name} is not what docs/figures.json gives: run make docs\n")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
