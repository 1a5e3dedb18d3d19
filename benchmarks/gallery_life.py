"""A gallery that is written while ten processes search it: who waits, and what is seen.

    python benchmarks/gallery_life.py [--minutes 5] [--rows 1000000] [--readers 10] [--every 2.0]
                                      [--against CHECKOUT] [--rounds 3]

One process stores recordings of fifty tracklets as fast as it can, each when it is finished: alone
first, then while the readers, processes like dashboards, ask a search of about 1 % of the gallery
every two seconds each, by time or by place, and look whether they see recordings whole and soon.
Told: the writer's speed in terms of its speed alone; how long searches took, and the look for what
is new; errors; recordings seen in part; recordings stored before a question and missing in it.

The writer's process ends when all that it started has merged.

``--against`` names a checkout of other code (``git worktree add CHECKOUT COMMIT``): it has a
gallery of the same templates, written and read by its own benchmark, and both take turns, the
minutes of each divided into *rounds*. As much footage comes to both then: among readers this code
stores no more recordings a second than the other can alone.

`kill -9` at random moments is a test: SIGHTLINE_KILLS=100 pytest tests/faults.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import sides
from bars import bar, missed
from options import add_shared, keep
from search import filled, parts_of, permitted_search
from synthetic import (
    DAYS,
    HIGH,
    PER_RECORDING,
    SOUTH,
    START,
    WEST,
    WIDE,
    cameras_of,
    recording,
    templates_of,
)

from workbench.district import from_shapes
from workbench.domain import Profile, Scope
from workbench.errors import GalleryBusy
from workbench.gallery import Gallery, background

PROFILE = Profile("test", "d", "r", "a", "cosine", 128, (("w", "0"),))
CAMERAS = 20_000


def write(path: Path, seconds: float, most: float = math.inf) -> dict[str, Any]:
    """Store recordings one by one, at *most* so many a second; tells when each was stored."""
    rng = np.random.default_rng(os.getpid())
    stored: list[float] = []
    with Gallery.open(path, write=True) as gallery:
        cameras = gallery.cameras()[:1000]
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(stored) < 2:  # however slow the machine
            vectors = templates_of(PER_RECORDING, PROFILE.dimension, rng)
            began = START + timedelta(seconds=float(rng.uniform(0, DAYS * 86_400)))
            one = recording(began, cameras[rng.integers(len(cameras))], vectors)
            gallery.add_recording(one)
            stored.append(time.time())
            time.sleep(max(0.0, stored[0] + len(stored) / most - stored[-1]))
    while True:  # else it would go on beside what is measured next
        with contextlib.suppress(GalleryBusy):
            background.merge(path)
            break
        time.sleep(0.1)
    return {"stored": stored}


def read(path: Path, seconds: float, every: float) -> dict[str, Any]:
    """Ask again and again, as a dashboard does; look at all recordings now and then."""
    import shapely

    chance = random.Random(os.getpid())
    searches, looks, seen, errors, partial = [], [], [], [], 0
    with Gallery.open(path) as gallery:
        probe = np.array(parts_of(gallery)[-1].templates[0])
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
                counts = gallery.counts()
                seen.append((asked, counts["recordings"]))
                partial += counts["templates"] != counts["recordings"] * PER_RECORDING
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


def result_of(process: Popen[bytes]) -> dict[str, Any]:
    """Wait for a process and read its result."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a process ended with status {process.returncode}")
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
    parser.add_argument("--against", type=Path, help="a checkout of other code, measured in turn")
    parser.add_argument(
        "--rounds", type=int, help="turns of each, by default 3 and without other 1"
    )
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.minutes, options.rows, options.readers, options.every = 0.02, 1_000, 1, 0.1
        options.rounds = 1
    if options.alone:
        what, path, *numbers = options.alone
        print(json.dumps({"write": write, "read": read}[what](Path(path), *map(float, numbers))))
        return
    checkouts = [sides.HERE]
    if options.against:
        checkouts.append(sides.other_checkout(options.against))
    folder = Path(tempfile.mkdtemp(prefix="sightline-", dir=options.folder))
    try:
        result = measured(folder, checkouts, options)
    finally:
        shutil.rmtree(folder)
    result["missed"] = missed(result)
    keep(options, result)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


def measured(folder: Path, checkouts: list[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Lives of galleries of one or two checkouts, turn by turn."""
    rounds = options.rounds or (3 if options.against else 1)
    paths = [folder / f"{number}.duckdb" for number in range(len(checkouts))]
    filled(paths[0], PROFILE, options.rows, cameras_of(CAMERAS, np.random.default_rng(0)))
    for checkout, path in zip(checkouts[1:], paths[1:], strict=True):
        sides.fill_by(checkout, path, options.rows, PROFILE.dimension, CAMERAS)
    lives = [Life(*one, options.rows) for one in zip(checkouts, paths, strict=True)]
    for number in range(1, rounds + 1):  # the other one first, whose speed is asked for
        for life in sides.in_order(lives, number):
            most = [max(other.alone) for other in lives[1:] if life is lives[0]]
            life.go_on(60 * options.minutes / rounds, options.readers, options.every, *most)
    about = {"readers": options.readers, "seconds": 60 * options.minutes, "rounds": rounds}
    here, *others = lives
    result = about | here.told()
    for other in others:
        slow = [float(np.percentile(life.searches, 95)) for life in (here, other)]
        speed = [float(np.median(life.among)) for life in (here, other)]
        result["against"] = other.told()
        result["search, p95, here : there"] = bar(slow[0] / slow[1], most=1)
        result["writer among readers, here : there"] = bar(speed[0] / speed[1], least=0.97)
    return result


class Life:
    """Gallery that the code of a checkout writes and reads, and what was seen of it."""

    def __init__(self, checkout: Path, path: Path, rows: int) -> None:
        self._checkout, self._path, self._held = checkout, path, rows // PER_RECORDING
        self.alone: list[float] = []  # recordings stored a second, a round each
        self.among: list[float] = []
        self.searches: list[float] = []  # milliseconds
        self._looks: list[float] = []
        self._errors: list[str] = []
        self._partial = self._late = 0

    def _start(self, what: str, *numbers: float) -> Popen[bytes]:
        return sides.process_of(
            self._checkout, "gallery_life", "--alone", what, self._path, *numbers
        )

    def go_on(self, seconds: float, readers: int, every: float, *most: float) -> None:
        """Have it written alone, among readers, and alone again: gallery and machine change.

        Among readers at *most* so many recordings a second.
        """
        first = result_of(self._start("write", seconds / 5))["stored"]
        reading = [self._start("read", seconds, every) for _ in range(readers)]
        writer = self._start("write", seconds, *most)
        results = [result_of(reader) for reader in reading]
        among = result_of(writer)["stored"]
        last = result_of(self._start("write", seconds / 5))["stored"]
        self.alone.append((per_second(first) + per_second(last)) / 2)
        self.among.append(per_second(among))
        for result in results:
            self.searches += [1e3 * one for one in result["searches"]]
            self._looks += [1e3 * one for one in result["looks"]]
            self._errors += result["errors"]
            self._partial += result["partial"]
            for asked, count in result["seen"]:
                known = self._held + len(first) + int(np.searchsorted(among, asked))
                self._late += count < known
        self._held += len(first) + len(among) + len(last)

    def share(self) -> float:
        """Speed of the writer among readers, in terms of its speed alone."""
        return float(np.median(np.divide(self.among, self.alone)))

    def told(self) -> dict[str, Any]:
        """What was seen."""
        return {
            "recordings stored a second, alone": [round(one, 2) for one in self.alone],
            "among readers": [round(one, 2) for one in self.among],
            "share of its speed alone": round(self.share(), 2),
            "searches": len(self.searches),
            "search of 1 %, ms: median, p95, p99, longest": _spread(self.searches),
            "look for what is new, ms: median, p95, p99, longest": _spread(self._looks),
            "errors": self._errors[:5],
            "recordings seen in part": self._partial,
            "questions that missed a stored recording": self._late,
        }


def _spread(values: list[float]) -> list[float]:
    return [round(float(np.percentile(values, part)), 1) for part in (50, 95, 99, 100)]


if __name__ == "__main__":
    main()
