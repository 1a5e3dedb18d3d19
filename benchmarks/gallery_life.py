"""A gallery that is written while ten processes search it: who waits, and what is seen.

    python benchmarks/gallery_life.py [--minutes 5] [--rows 1000000] [--readers 10] [--every 2.0]

One process stores recordings of fifty tracklets as fast as it can, each when it is finished: alone
first, then while the readers, processes like dashboards, ask a search of about 1 % of the gallery
every two seconds each, by time or by place, and look whether they see recordings whole and soon.
Told: the writer's speed in terms of its speed alone; how long searches took, and the look for what
is new; errors; recordings seen in part; recordings stored before a question and missing in it.

`kill -9` at random moments is a test: SIGHTLINE_KILLS=100 pytest tests/faults.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from options import add_small
from search import permitted_search
from synthetic import (
    DAYS,
    HIGH,
    PER_RECORDING,
    SOUTH,
    START,
    WEST,
    WIDE,
    cameras_of,
    fill,
    recording,
    templates_of,
)

from workbench.district import from_shapes
from workbench.domain import Profile, Scope
from workbench.gallery import Gallery

PROFILE = Profile("test", "d", "r", "a", "cosine", 128, (("w", "0"),))
CAMERAS = 20_000


def write(path: Path, seconds: float) -> dict[str, Any]:
    """Store recordings one by one; tells when each was stored."""
    rng = np.random.default_rng(os.getpid())
    stored = []
    with Gallery.open(path, write=True) as gallery:
        cameras = gallery.cameras()[:1000]
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(stored) < 2:  # however slow the machine
            vectors = templates_of(PER_RECORDING, PROFILE.dimension, rng)
            began = START + timedelta(seconds=float(rng.uniform(0, DAYS * 86_400)))
            one = recording(began, cameras[rng.integers(len(cameras))], vectors)
            gallery.add_recording(one)
            stored.append(time.time())
    return {"stored": stored}


def read(path: Path, seconds: float, every: float) -> dict[str, Any]:
    """Ask again and again, as a dashboard does; look at all recordings now and then."""
    import shapely

    chance = random.Random(os.getpid())
    searches, looks, seen, errors, partial = [], [], [], [], 0
    with Gallery.open(path) as gallery:
        probe = np.array(gallery.segments[-1].index.templates[0])
        everything = from_shapes(
            [shapely.box(WEST - 1, SOUTH - 1, WEST + 2, SOUTH + 2)], name="all"
        )
        whole = Scope(everything, START, START + timedelta(days=DAYS))
        permitted_search(gallery, probe, whole)  # loads what a process loads once
        until = time.monotonic() + seconds
        while time.monotonic() < until or not (searches or errors):
            time.sleep(chance.uniform(0.5, 1.5) * every)
            if chance.random() < 0.5:
                box, days = (WEST - 1, SOUTH - 1, WEST + 2, SOUTH + 2), 0.08
            else:
                west = WEST + chance.uniform(0.2, 0.7) * WIDE
                south = SOUTH + chance.uniform(0.2, 0.7) * HIGH
                box, days = (west, south, west + 0.1 * WIDE, south + 0.1 * HIGH), float(DAYS)
            start = START + timedelta(days=chance.uniform(0, DAYS - days))
            district = from_shapes([shapely.box(*box)], name="area")
            scope = Scope(district, start, start + timedelta(days=days))
            try:
                asked = time.time()
                began = time.perf_counter()
                gallery.refresh()
                looked = time.perf_counter()
                permitted_search(gallery, probe, scope)
                searches.append(time.perf_counter() - began)
                looks.append(looked - began)
                entries = [segment.entry for segment in gallery.segments]
                seen.append((asked, sum(entry.recordings for entry in entries)))
                partial += sum(e.templates != e.recordings * PER_RECORDING for e in entries)
                if len(searches) % 20 == 0:
                    partial += gallery.arrow(
                        "SELECT count(*) AS n FROM (SELECT count(*) AS c FROM recordings "
                        f"LEFT JOIN tracklets USING (recording_id) GROUP BY recording_id) "
                        f"WHERE c <> {PER_RECORDING}"
                    )["n"][0].as_py()
            except Exception as error:  # counted, and reported
                errors.append(repr(error))
    return {"searches": searches, "looks": looks, "seen": seen, "errors": errors,
            "partial": partial}  # fmt: skip


def start(what: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a process of this script."""
    command = [sys.executable, __file__, "--alone", what, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def result_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for a process and read its result."""
    said, _ = process.communicate()
    return json.loads(said)


def per_second(stored: list[float]) -> float:
    """Recordings stored per second."""
    return (len(stored) - 1) / (stored[-1] - stored[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between a reader's asks")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    add_small(parser)
    options = parser.parse_args()
    if options.small:
        options.minutes, options.rows, options.readers, options.every = 0.02, 1_000, 1, 0.1
    if options.alone:
        what, path, *numbers = options.alone
        print(json.dumps({"write": write, "read": read}[what](Path(path), *map(float, numbers))))
        return
    folder = Path(tempfile.mkdtemp(prefix="sightline-", dir=options.folder))
    try:
        result = measure(folder / "gallery.duckdb", options)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


def measure(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure writers and readers, alone and together."""
    rng = np.random.default_rng(0)
    fill(path, PROFILE, options.rows, cameras_of(CAMERAS, rng))
    seconds = 60 * options.minutes
    before = Gallery.open(path)
    held = sum(segment.entry.recordings for segment in before.segments)
    before.close()
    # Alone before and after: the machine, and the gallery's size, change meanwhile.
    first = result_of(start("write", path, seconds / 5))["stored"]
    readers = [start("read", path, seconds, options.every) for _ in range(options.readers)]
    writer = start("write", path, seconds)
    results = [result_of(reader) for reader in readers]
    among = result_of(writer)["stored"]
    last = result_of(start("write", path, seconds / 5))["stored"]
    searches = np.concatenate([result["searches"] for result in results]) * 1e3
    looks = np.concatenate([result["looks"] for result in results]) * 1e3
    late = 0
    for result in results:
        for asked, count in result["seen"]:
            known = held + len(first) + int(np.searchsorted(among, asked))
            late += count < known
    alone = [per_second(first), per_second(last)]
    return {
        "readers": options.readers,
        "seconds": seconds,
        "recordings stored a second, alone before and after": [round(x, 2) for x in alone],
        "among readers": round(per_second(among), 2),
        "share of its speed alone": round(per_second(among) / (sum(alone) / 2), 2),
        "searches": len(searches),
        "search of 1 %, ms: median, p95, p99, longest": _spread(searches),
        "look for what is new, ms: median, p95, p99, longest": _spread(looks),
        "errors": [error for result in results for error in result["errors"]][:5],
        "recordings seen in part": sum(result["partial"] for result in results),
        "questions that missed a stored recording": late,
    }


def _spread(values: np.ndarray) -> list[float]:
    return [round(float(np.percentile(values, part)), 1) for part in (50, 95, 99, 100)]


if __name__ == "__main__":
    main()
