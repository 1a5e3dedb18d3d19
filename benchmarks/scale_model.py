"""What a city takes: cores, bytes and seconds, from costs that are measured in the same run.

    python benchmarks/scale_model.py [--profile yunet-dlib] [--clips N] [--json] [--small]

Measured are: indexing the town's footage in one process (processor's seconds, bytes of pictures and
templates), a full part (bytes of its files, seconds to compare its rows with a probe), and plans
among as many parts as a city has. All else is arithmetic. What is assumed, and cannot be measured
here, is printed with it: how many tracklets a camera gives in a day.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd
import parts
import sources
from bars import bar, missed
from options import add_shared, keep
from search import timed
from synthetic import templates_of

from workbench.errors import SightlineError
from workbench.gallery import Gallery
from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change
from workbench.gallery.order import DAY
from workbench.gallery.parts import most_rows, write_part
from workbench.gallery.planning import places_of, plan
from workbench.indexing import index_catalogue
from workbench.notebook import load_models

# Not measured: people whom a camera of a street sees in a day, and the length of a recording.
TRACKLETS_A_DAY, RECORDING_SECONDS = 1_000, 600
# A district's evening: this share of the cameras, for so many hours.
EVENING_SHARE, EVENING_HOURS = 0.004, 6


@dataclass(frozen=True, slots=True)
class City:
    """Cameras whose footage is kept for some days."""

    cameras: int
    days: int

    @property
    def templates_a_day(self) -> int:
        """Templates that come in a day."""
        return self.cameras * TRACKLETS_A_DAY

    @property
    def templates(self) -> int:
        """Templates that are kept."""
        return self.templates_a_day * self.days


CITIES = (City(4_000, 30), City(160_000, 5), City(160_000, 30))


def indexing(footage: Path, profile: str, folder: Path) -> dict[str, float]:
    """Measure what a second of footage and a tracklet cost when it is indexed."""
    models = load_models(profile)
    path = folder / "town.duckdb"
    with Gallery.create(path, models.profile) as gallery:
        began = time.process_time()
        report = index_catalogue(footage, gallery, models)
        took = time.process_time() - began
        tracklets = len(gallery.tracklets())
    packs = sum(p.stat().st_size for p in path.parent.rglob("*.pack"))
    seconds = sum(recording.seconds for recording in report.recordings)
    return {
        "indexing, times real time a core": seconds / took,
        "pictures and templates of shots, bytes a tracklet": packs / tracklets,
    }


def full_part(folder: Path, rows: int) -> dict[str, float]:
    """Measure the bytes of a part, and the seconds to compare all its rows with a probe."""
    committer: Committer = parts.made(folder)
    random = np.random.default_rng(4)
    (name,), _ = committer.manifest.reserve("writer", parts=[parts.FIRST])
    part = write_part(
        committer.storage, name, parts.content(0, rows, random), day=parts.FIRST,
        places=places_of([*parts.CAMERAS.values()]), profile=parts.PROFILE,
    )  # fmt: skip
    committer.manifest.commit(Change(parts=[part], longest_tracklet=6_000_000))
    sizes: dict[str, int] = {}
    for file in (folder / "parts").rglob("*"):
        if file.is_file():
            kind = "scanned" if file.name == "scan.arrow" else "of people's rows"
            sizes[kind] = sizes.get(kind, 0) + file.stat().st_size
    reader = parts.reading(folder)
    probe = templates_of(1, parts.PROFILE.dimension, random)[0]
    ask = partial(parts.best, reader, probe, parts.scope(), 2.0)
    ask()
    took = []
    for _ in range(11):
        began = time.process_time()
        ask()
        took.append(time.process_time() - began)
    return {
        "scanned, bytes a template": sizes["scanned"] / rows,
        "other rows, bytes a template": sizes["of people's rows"] / rows,
        "templates a part": float(rows),
        "comparing, million templates a second of a core": rows / median(took) / 1e6,
    }


def planning(folder: Path, entries: int) -> float:
    """Measure the milliseconds of a plan of a district's evening among so many parts."""
    manifest = parts.manifest_of(folder, entries)
    state = manifest.state()
    span = [((parts.FIRST + 3) * DAY + 18 * DAY // 24, (parts.FIRST + 4) * DAY - 1)]
    reach = entries // 30 * 1000
    asked = np.arange(reach // 3, reach // 3 + max(1, int(reach * EVENING_SHARE)), dtype=np.int64)
    assert plan(manifest, state, span, asked)
    return 1000 * median(timed(lambda: plan(manifest, state, span, asked))[0] for _ in range(50))


def model(city: City, costs: dict[str, float]) -> dict[str, str]:
    """What a city takes, by the costs that were measured."""
    day = city.templates_a_day
    scanned = costs["scanned, bytes a template"]
    packs = costs["pictures and templates of shots, bytes a tracklet"]
    rows = costs["other rows, bytes a template"]
    compared = costs["comparing, million templates a second of a core"] * 1e6
    evening = day * EVENING_SHARE * EVENING_HOURS / 24
    stored = packs + rows + scanned
    return {
        "templates a day; kept": f"{_count(day)}; {_count(city.templates)}",
        "recordings a second; kept": f"{city.cameras / RECORDING_SECONDS:,.1f}; "
        f"{_count(city.cameras * city.days * 86400 / RECORDING_SECONDS)}",
        "cores that index in real time": _count(
            city.cameras / costs["indexing, times real time a core"]
        ),
        "what is scanned": _bytes(city.templates * scanned),
        "other rows": _bytes(city.templates * rows),
        "pictures and templates of shots": _bytes(city.templates * packs),
        "parts": _count(math.ceil(city.templates / costs["templates a part"])),
        "from readers to who stores, MB/s": f"{day * stored / 86400 / 1e6:,.1f}",
        "core-seconds of who stores, a second": f"{_storing(city, costs):.2f}",
        "an evening of a district: templates; core-seconds; bytes": f"{_count(evening)}; "
        f"{evening / compared:.3f}; {_bytes(evening * scanned)}",
        "a day of the whole city: core-seconds; bytes": f"{day / compared:,.1f}; "
        f"{_bytes(day * scanned)}",
    }


def _storing(city: City, costs: dict[str, float]) -> float:
    return city.cameras / RECORDING_SECONDS * costs["storing, s a recording"]


def storing(folder: Path, count: int) -> float:
    """Measure the processor's seconds to store a recording, in commits of a hundred."""
    committer: Committer = parts.made(folder)
    tracklets = round(TRACKLETS_A_DAY * RECORDING_SECONDS / 86400)
    spent = 0.0
    for number in range(count):
        some = parts.recordings(range(100), tracklets, 600 * number, shots=5, picture=8192)
        began = time.process_time()
        committer.store(some, parts.CAMERAS)
        spent += time.process_time() - began
    return spent / (100 * count)


def _count(number: float) -> str:
    for size, word in ((1e9, " G"), (1e6, " M")):
        if number >= size:
            return f"{number / size:.3g}{word}"
    return f"{number:,.0f}"


def _bytes(number: float) -> str:
    for size, word in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,.0f} B"


def tables(
    costs: dict[str, float], plans: dict[str, str], profile: str
) -> dict[str, list[dict[str, str]]]:
    """Lay out the costs, and what follows from them, as rows."""
    measured = {name: _figure(value) for name, value in costs.items()} | plans
    columns = {f"{city.cameras:,} cameras, {city.days} days": model(city, costs) for city in CITIES}
    return {
        "costs": [
            {f"measured, profile `{profile}`": name, "": said} for name, said in measured.items()
        ],
        "cities": [
            {"": name} | {title: column[name] for title, column in columns.items()}
            for name in next(iter(columns.values()))
        ],
    }


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--clips", type=int, help="of the town's; by default all")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    # What nothing is made of is not planned: a hundred million templates, and the largest city.
    rows = 2_000 if options.small else most_rows(parts.PROFILE.dimension)
    among = [math.ceil(size / rows) for size in (100e6, CITIES[-1].templates)]
    if options.small:
        among = [100, 200]
    with (
        sources.town(small=options.small, clips=options.clips) as footage,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        costs = indexing(footage, options.profile, folder)
        costs |= full_part(folder / "part", rows)
        costs |= {"storing, s a recording": storing(folder / "stored", 1 if options.small else 10)}
        plans = {
            f"a plan among {entries:,} parts, ms": bar(
                planning(folder / f"plans-{entries}", entries), most=10
            )
            for entries in among
        }
    made = tables(costs, plans, options.profile)
    keep(options, made)
    result: dict[str, Any] = costs | plans
    if options.json:
        print(json.dumps(result))
    else:
        for rows_of in made.values():
            print(pd.DataFrame(rows_of).to_string(index=False), "\n")
    return 1 if missed(result) and not options.small else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
