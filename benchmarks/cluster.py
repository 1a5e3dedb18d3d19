"""Indexing and searching on a cluster of Ray against one machine; all in one run.

    python benchmarks/cluster.py [--clips N] [--times 10] [--rounds 2] [--json] [--small]
                                 [--only indexing|searching]

The footage is the town's, each clip ten times over in one recording, since a reader takes longer to
begin than to read a clip. A cluster of two nodes runs on loopback, each with a core and a home of
its own, or is there already (--address). One reader and two readers on it, and two processes
without it, take turns over the same footage; each starts and loads its networks anew. Seconds by
the clock are the least of the rounds. Seconds of the processor are those of the process that
stores, and of its readers. What is searched is described in ``searchers.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import searchers
import sources
from bars import bar, missed
from indexing import repeated
from options import add_shared, keep

from workbench.cluster.connection import connected
from workbench.domain import Progress
from workbench.errors import SightlineError
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.notebook import load_models

NODES = Path(__file__).parents[1] / "tests" / "support" / "raynodes.py"


@dataclass(frozen=True, slots=True)
class Took:
    """What one run took, in seconds."""

    clock: float
    begun: float  # of these, until the first reader said something
    storing: float  # of the processor, in the process that stores
    memory: float  # of the reader that took most, in MB
    reading: float  # of the processor, in the readers
    footage: float
    tracklets: int


@contextmanager
def cluster(**environment: str) -> Iterator[str]:
    """Address of a cluster that lasts as long as this context, with more in its environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, NODES, folder, str(os.getpid()), "--apart"]
        environment = {**os.environ, "PYTHONPATH": paths, **environment}
        nodes = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            while not (folder / "ready.json").exists():
                if (folder / "failed.txt").exists() or nodes.poll() is not None:
                    raise SystemExit("Ray cannot be started here")
                time.sleep(0.1)
            told = json.loads((folder / "ready.json").read_text())
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": told["token"]}
            yield told["address"]
        finally:
            nodes.terminate()
            nodes.wait()


class Readers:
    """Seconds of the processor that other processes take while they are watched."""

    def __init__(self, chosen: Callable[[psutil.Process], bool]) -> None:
        self._chosen, self._over = chosen, threading.Event()
        self._before: dict[int, float] = {}
        self._seconds: dict[int, float] = {}
        self._thread = threading.Thread(target=self._watch)
        self.own = 0.0  # seconds that watching took itself
        self.memory = 0.0  # MB of the process that took most

    def __enter__(self) -> Readers:
        self._look(self._before)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def seconds(self) -> float:
        """Seconds so far."""
        return sum(took - self._before.get(pid, 0.0) for pid, took in self._seconds.items())

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self._look(self._seconds)
            self.own = time.thread_time()

    def _look(self, into: dict[int, float]) -> None:
        for process in psutil.process_iter():
            try:
                if self._chosen(process):
                    times = process.cpu_times()
                    into[process.pid] = times.user + times.system
                    self.memory = max(self.memory, process.memory_info().rss / 1e6)
            except psutil.Error:
                continue


def on_nodes(process: psutil.Process) -> bool:
    """Choose the processes that Ray's nodes run work in."""
    return process.name().startswith("ray::_Proc")


def own(process: psutil.Process) -> bool:
    """Choose the processes that this one started to read."""
    return process.ppid() == os.getpid() and "spawn_main" in " ".join(process.cmdline())


def index(footage: Path, profile: str, scratch: Path, workers: int, ray: str | None) -> Took:
    """Index footage into a new gallery."""
    models = load_models(profile)
    path = scratch / f"{time.monotonic_ns()}.duckdb"
    first: list[float] = []

    def heard(progress: Progress) -> None:
        if progress.footage_seconds and not first:
            first.append(time.perf_counter())

    with (
        Gallery.create(path, models.profile) as gallery,
        Readers(own if ray is None else on_nodes) as readers,
    ):
        began = time.perf_counter(), time.process_time()
        report = index_catalogue(footage, gallery, models, workers=workers, ray=ray, progress=heard)
        clock = time.perf_counter() - began[0]
        storing = time.process_time() - began[1]
        reading = readers.seconds()
        watching = readers.own
    assert not report.count("refused"), report.problems
    return Took(
        clock, (first or [began[0]])[0] - began[0], storing - watching, readers.memory, reading,
        sum(recording.seconds for recording in report.recordings),
        sum(recording.tracklets for recording in report.recordings),
    )  # fmt: skip


def measure(
    footage: Path, profile: str, scratch: Path, rounds: int, address: str
) -> dict[str, Any]:
    """Take turns, and hold what is least against what is wanted."""
    runs: dict[str, list[Took]] = {"one reader": [], "two readers": [], "two processes": []}
    for _ in range(rounds):
        for name, workers, ray in (
            ("one reader", 1, address),
            ("two readers", 2, address),
            ("two processes", 2, None),
        ):
            runs[name].append(index(footage, profile, scratch, workers, ray))
    clock = {name: min(took.clock for took in those) for name, those in runs.items()}
    # Without what is taken once, however much is read: a process, its modules, its networks.
    after = {name: min(took.clock - took.begun for took in those) for name, those in runs.items()}
    readers = [*runs["one reader"], *runs["two readers"]]
    share = sum(took.storing for took in readers) / sum(took.reading for took in readers)
    found = {took.tracklets for those in runs.values() for took in those}
    reading = {name: min(took.reading for took in those) for name, those in runs.items()}
    return {
        "profile": profile,
        "footage, s": round(runs["one reader"][0].footage, 1),
        "tracklets": sorted(found),
        "clock, s": {name: round(seconds, 1) for name, seconds in clock.items()},
        "of it from the first frame on, s": {n: round(s, 1) for n, s in after.items()},
        "readers' processor, s": {name: round(seconds, 1) for name, seconds in reading.items()},
        "two readers, times one": bar(clock["one reader"] / clock["two readers"], least=1.6),
        "two processes, times one reader": round(clock["one reader"] / clock["two processes"], 2),
        "two readers, times two processes": bar(
            clock["two processes"] / clock["two readers"], least=0.95
        ),
        "the same from the first frame on": bar(
            after["two processes"] / after["two readers"], least=0.95
        ),
        "the same by the processor": bar(
            reading["two processes"] / reading["two readers"], least=0.95
        ),
        "driver's processor, share of its readers'": bar(share, most=0.03),
        "driver, ms a recording": round(
            1000 * sum(took.storing for took in readers) / (len(readers) * recordings(footage)), 1
        ),
        "memory of a reader, MB": round(max(took.memory for took in readers)),
    }


def longer(footage: Path, folder: Path, times: int) -> Path:
    """The catalogue with each clip so many times over in its recording."""
    (folder / "clips").mkdir()
    for table in ("cameras.csv", "footage.csv"):
        shutil.copyfile(footage / table, folder / table)
    for clip in (footage / "clips").glob("*.mp4"):
        repeated(clip, times, folder / "clips" / clip.name)
    return folder


def recordings(footage: Path) -> int:
    """Number of recordings of a catalogue."""
    return len((footage / "footage.csv").read_text("utf-8").splitlines()) - 1


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, help="of the town's; by default all")
    parser.add_argument("--times", type=int, default=10, help="each clip in its recording")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--address", help="of a cluster that runs with a token that is given here")
    parser.add_argument("--only", choices=("indexing", "searching"))
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.rounds = options.times = 1
    indexing: dict[str, Any] = {}
    searching: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        # Of the nodes: logs and cache of searchers. By default Ray has their processes wait for all
        # others of the machine, those that they are compared with too.
        own = {"SIGHTLINE_HOME": str(scratch / "nodes"), "RAY_worker_niceness": "0"}
        own |= searchers.STORE
        given = options.address
        with cluster(**own) if given is None else nullcontext(given) as address, connected(address):
            if options.only != "indexing":
                searching = searchers.measure(scratch, small=options.small, own=given is None)
                keep(options, searching, "cluster searching")
            if options.only != "searching":
                with sources.town(small=options.small, clips=options.clips) as footage:
                    (scratch / "footage").mkdir()
                    long = longer(footage, scratch / "footage", options.times)
                    indexing = measure(long, options.profile, scratch, options.rounds, address)
                    keep(options, indexing)
    result = indexing | ({"searching": searching} if searching else {})
    print(json.dumps(result, indent=None if options.json else 2, ensure_ascii=False))
    return 1 if missed(result) and not options.small else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
