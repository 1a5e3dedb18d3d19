"""Seconds that the program takes to start, before it does anything.

    python benchmarks/startup.py [--rounds 7] [--json] [--small]

Seconds of importing the package, of ``sightline --version`` and of importing the pages, each in a
fresh process, and of Python alone to compare with: the median of several rounds, with the fastest
and the slowest. A first round that is not counted has Python compile what it has not yet.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from options import add_small

STARTS: Mapping[str, Sequence[str]] = {
    "python alone": ["-c", "pass"],
    "import workbench": ["-c", "import workbench"],
    "sightline --version": ["-m", "workbench", "--version"],
    "import workbench.widgets": ["-c", "import workbench.widgets"],
}


def seconds(arguments: Sequence[str]) -> float:
    """Seconds from starting Python with *arguments* until it has ended."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure(rounds: int, *, warm: bool = True) -> list[dict[str, str | float]]:
    """Measure all starts in turn, *rounds* times, once more before with *warm*; one row each."""
    found: dict[str, list[float]] = {name: [] for name in STARTS}
    for number in range(not warm, rounds + 1):
        for name, arguments in STARTS.items():
            taken = seconds(arguments)
            if number:
                found[name].append(taken)
    return [
        {
            "start": name,
            "median, s": round(statistics.median(taken), 3),
            "fastest, s": round(min(taken), 3),
            "slowest, s": round(max(taken), 3),
        }
        for name, taken in found.items()
    ]


def main() -> None:
    """Measure and print a row for each start."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured")
    parser.add_argument("--json", action="store_true")
    add_small(parser)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    rows = measure(1 if options.small else options.rounds, warm=not options.small)
    if options.json:
        print(json.dumps(rows))
        return
    print(*rows[0], sep="\t")
    for row in rows:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
