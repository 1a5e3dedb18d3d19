"""Options that benchmarks share, and the file in which their figures are kept.

The documents are written from that file, docs/figures.json, by ``tools/figures.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import workbench

CODE = ("workbench", "benchmarks")  # folders that a figure depends on
LOAD = os.getloadavg()[0]  # before anything is measured


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the options of a small run, and of a file for the figures."""
    parser.add_argument(
        "--small",
        action="store_true",
        help="a run of seconds on the demo's material, to see that it works; its figures say "
        "nothing",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="FILE",
        help="keep the figures in this file, with the machine, the date and the version of the "
        "code; what the file has of an earlier run like this one is replaced",
    )


def keep(options: argparse.Namespace, figures: Mapping[str, Any], run: str | None = None) -> None:
    """Put the figures of a run into the file that was asked for, if one was.

    Parameters
    ----------
    options : argparse.Namespace
        What the command line said.
    figures : mapping
        The figures by name: numbers, words, lists, further mappings, and tables.
    run : str, optional
        Name of the run; by default that of the program.
    """
    file: Path | None = options.figures
    if file is None:
        return
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    kept[run or _program()] = {"measured": _stamp(), "figures": _plain(figures)}
    new = file.with_name(f"{file.name}.new")
    new.write_text(f"{written(dict(sorted(kept.items())))}\n", "utf-8")
    new.replace(file)


def written(value: Any, indent: int = 0) -> str:
    """Write figures as JSON in lines that can be compared: a name, or a row of a table, in each."""
    inner, outer = " " * (indent + 1), " " * indent
    if isinstance(value, dict) and value:
        lines = [f"{inner}{_json(name)}: {written(one, indent + 1)}" for name, one in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + _json(row) for row in value) + f"\n{outer}]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Values as JSON has them: a table is a list of its rows."""
    if hasattr(value, "to_dict"):  # a frame; pandas is not imported where memory is measured
        return _plain(value.to_dict("records"))
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def _program() -> str:
    return Path(sys.argv[0]).stem


def _stamp() -> dict[str, Any]:
    """What is to be known of a run besides its figures."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "version": workbench.__version__,
        "commit": _commit(Path(__file__).parents[1]),
        "command": shlex.join(["python", f"benchmarks/{_program()}.py", *_told(sys.argv[1:])]),
        "machine": _machine(),
        "load before": round(LOAD, 2),
    }


def _told(given: Sequence[str]) -> list[str]:
    """Arguments without those that say where the result goes; of paths only the names."""
    told: list[str] = []
    skip = False
    for argument in given:
        if not skip and argument not in ("--figures", "--json"):
            path = argument.startswith("/")
            told.append(Path(argument).name if path else argument)
        skip = argument == "--figures"
    return told


def _machine() -> str:
    """Processor, cores that this process may use, and memory."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
    processor = found[1] if found else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{processor}, {len(os.sched_getaffinity(0))} cores, {memory / 1e9:.0f} GB"


def _commit(folder: Path) -> str:
    """Short hash of what is checked out, and whether the code was changed since."""

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=False
        )

    asked = git("rev-parse", "--short", "HEAD")
    if asked.returncode:
        return "unknown"
    changed = git("diff", "--quiet", "HEAD", "--", *CODE).returncode != 0
    return asked.stdout.strip() + (", changed" if changed else "")
