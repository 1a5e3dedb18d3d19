"""Sides of a comparison: the code of two checkouts, measured in turn in one run.

Each side is a process of its own and uses the benchmarks of its own checkout, as galleries, and the
modules that read them, differ between versions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
HERE = Path(__file__).resolve().parents[1]
# What each side runs. It uses only what has not changed its name.
FILL = """
import sys
from pathlib import Path
import numpy as np
from synthetic import cameras_of, fill
from workbench.domain import Profile
path, rows, dimension, cameras = Path(sys.argv[1]), *map(int, sys.argv[2:])
profile = Profile("test", "d", "r", "a", "cosine", dimension, (("w", "0"),))
fill(path, profile, rows, cameras_of(cameras, np.random.default_rng(0)))
"""
ASK = """
import json, sys, time
from pathlib import Path
import numpy as np
from search import permitted_search, rows_only, scopes_of
from workbench.gallery import Gallery
scopes = scopes_of()
ways = {"search": permitted_search, "rows": rows_only}
with Gallery.open(Path(sys.argv[1])) as gallery:
    for line in sys.stdin:
        what, scope, probe = json.loads(line)
        probe = np.array(probe, np.float32)
        began = time.perf_counter()
        answer = ways[what](gallery, probe, scopes[scope])
        seconds = time.perf_counter() - began
        scores = answer.score.tolist() if what == "rows" else [one.score for one in answer]
        print(json.dumps([seconds, sorted(scores, reverse=True)]), flush=True)
"""


def environment_of(checkout: Path) -> dict[str, str]:
    """Environment in which a process has the modules and benchmarks of a checkout."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(checkout / "benchmarks"), str(checkout)])
    }


def fill_by(checkout: Path, path: Path, rows: int, dimension: int, cameras: int) -> None:
    """Have the code of a checkout make a gallery; see :func:`synthetic.fill`."""
    numbers = (str(one) for one in (rows, dimension, cameras))
    subprocess.run(
        [sys.executable, "-c", FILL, str(path), *numbers],
        check=True, env=environment_of(checkout), cwd=checkout,
    )  # fmt: skip


class Asking:
    """Process in which the code of a checkout answers questions to its gallery, one by one."""

    def __init__(self, checkout: Path, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ASK, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment_of(checkout), cwd=checkout,
        )  # fmt: skip

    def __call__(self, what: str, scope: str, probe: Sequence[float]) -> tuple[float, list[float]]:
        """Ask for the ``search`` or its ``rows`` alone: the seconds it took, and all scores."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, scope, probe]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"one side ended with status {self._process.wait()}")
        seconds, scores = json.loads(line)
        return seconds, scores

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def asking(checkout: Path, path: Path) -> Iterator[Asking]:
    """Have a side answer questions until the block ends."""
    side = Asking(checkout, path)
    try:
        yield side
    finally:
        side.end()


def other_checkout(given: Path) -> Path:
    """Checkout of other code than this; ends the program if it is none."""
    checkout = given.resolve()
    if checkout == HERE:
        raise SystemExit("--against is this code itself")
    if not (checkout / "benchmarks").is_dir():
        raise SystemExit(f"--against {given} is no checkout: it has no folder benchmarks")
    return checkout


def in_order(sides: Sequence[T], number: int) -> list[T]:
    """Sides in the order of a round: each is first in turn."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def process_of(checkout: Path, name: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a benchmark of a checkout."""
    command = [sys.executable, str(checkout / "benchmarks" / f"{name}.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment_of(checkout))
