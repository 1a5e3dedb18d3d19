"""Seconds that the program takes to start, and notebooks until they show something.

    python benchmarks/startup.py [--rounds 7] [--json] [--small]

Seconds of importing the package, of ``sightline --version`` and of importing the pages, each in a
fresh process, and of Python alone to compare with: the median of several rounds, with the fastest
and the slowest. A first round that is not counted has Python compile what it has not yet.

For each of the notebooks, from starting its kernel until a cell has returned the first picture:
once in a new home, where the demo is indexed first, and then as often as the others on what is
there. What JupyterLab takes to draw it is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from options import add_shared, keep

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
QUICK = "choose_threshold"  # needs no footage
PICTURES = {"application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"}

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
    return [row(name, taken) for name, taken in found.items()]


def row(name: str, taken: Sequence[float]) -> dict[str, str | float]:
    """Median, fastest and slowest of the seconds that something took."""
    return {
        "start": name,
        "median, s": round(statistics.median(taken), 3),
        "fastest, s": round(min(taken), 3),
        "slowest, s": round(max(taken), 3),
    }


def first_picture(notebook: Path, home: str) -> float:
    """Seconds from starting the kernel of a notebook until a cell has returned a picture."""
    runs = NotebookClient(
        nbformat.read(notebook, as_version=4), timeout=600, startup_timeout=300, iopub_timeout=60,
        kernel_name="python3",
    )  # fmt: skip
    began = time.perf_counter()
    with runs.setup_kernel(cwd=home, env=os.environ | {"SIGHTLINE_HOME": home}):
        for number, cell in enumerate(runs.nb.cells):
            runs.execute_cell(cell, number)
            outputs = cell.get("outputs", ())
            if PICTURES & {kind for output in outputs for kind in output.get("data", ())}:
                return time.perf_counter() - began
    raise ValueError(f"{notebook.name} shows no picture")


def notebooks(names: Iterable[str], rounds: int) -> list[dict[str, str | float]]:
    """Measure first pictures of notebooks: in a new home, and *rounds* times in it afterwards."""
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as home:
            new, *known = [first_picture(NOTEBOOKS / name, home) for _ in range(rounds + 1)]
        rows.append(row(f"{name}, new home", [new]))
        if known:
            rows.append(row(name, known))
    return rows


def main() -> None:
    """Measure and print a row for each start and notebook."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    rows = measure(1 if options.small else options.rounds, warm=not options.small)
    names = (
        [f"{QUICK}.ipynb"] if options.small else sorted(p.name for p in NOTEBOOKS.glob("*.ipynb"))
    )
    rows += notebooks(names, 0 if options.small else options.rounds)
    keep(options, {"starts": rows})
    if options.json:
        print(json.dumps(rows))
        return
    print(*rows[0], sep="\t")
    for row in rows:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
