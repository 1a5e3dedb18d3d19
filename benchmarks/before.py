"""Speed of indexing, and the faces it finds, against an older version of this code, in one run.

    python benchmarks/before.py OLD [--profile dlib] [--rounds 2] [--json]

OLD is a checkout of the older version (``git worktree add OLD COMMIT``). Both index the town in a
process of one thread each, and take turns at every recording, so that whatever else the machine
does hits both alike. The ratio is the older version's seconds by this one's: above 1 this one is
faster. It is the median over the recordings, once of the processor's seconds and once of the
clock's. The tracklets of both are compared by recording, times, detections, and templates.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import sources
from options import add_shared, keep

from workbench.settings import load_settings

HERE = Path(__file__).parents[1]
# What both versions run: it uses only what has not changed its name. It waits for its turn at each
# recording, and says what the one before took.
INDEX = """
import json, sys, time
from pathlib import Path
import cv2
from workbench.faces.models import load
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue

cv2.setNumThreads(1)
town, home, gallery, profile = sys.argv[1:]
models = load(profile, home=Path(home))
done, wall, cpu = 0, 0.0, 0.0

def turn(progress=None):
    global done, wall, cpu
    if progress is not None and progress.done == done:
        return
    took = time.perf_counter() - wall, time.process_time() - cpu
    if progress is not None:
        done = progress.done
        print(json.dumps(took), flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody waits for this any more")
    wall, cpu = time.perf_counter(), time.process_time()

with Gallery.create(Path(gallery), models.profile) as made:
    turn()
    index_catalogue(Path(town), made, models, workers=1, progress=turn)
    tracklets = made.tracklets()
    templates = {
        f"{row['recording_id']}-{row['ordinal']}": row["template"]
        for row in made.templates().to_pylist()
    }
print(json.dumps(sorted(
    [row.recording, str(row.first_seen), str(row.last_seen), row.detections, row.searchable,
     templates.get(row.tracklet_id)]
    for row in tracklets.itertuples()
)))
"""


def start(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start indexing with the code of a checkout; it waits for a line before each recording."""
    surroundings = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", INDEX, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=surroundings,
        cwd=checkout,
        text=True,
    )


def next_line(process: subprocess.Popen[str]) -> Any:
    """Give a process its turn and return what it says after it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"indexing ended with status {process.wait()}")
    return json.loads(line)


def measure(
    old: Path, footage: Path, profile: str, recordings: int
) -> tuple[list[list[float]], list[list[Any]]]:
    """Index the town with both versions, turn by turn.

    Returns the seconds of each recording (the older version's by the clock and by the processor,
    then this one's), and the tracklets of both.
    """
    home = str(load_settings().models)
    with tempfile.TemporaryDirectory() as scratch:
        both = [
            start(code, str(footage), home, f"{scratch}/{number}.duckdb", profile)
            for number, code in enumerate((old, HERE))
        ]
        try:
            seconds = []
            for number in range(recordings):
                order = (0, 1) if number % 2 == 0 else (1, 0)
                took = {which: next_line(both[which]) for which in order}
                seconds.append([*took[0], *took[1]])
            found = [next_line(process) for process in both]
        finally:
            for process in both:
                process.kill()
                process.communicate()
    return seconds, found


def differences(old: list[Any], new: list[Any]) -> dict[str, Any]:
    """Tracklets that only one version found, and how far apart templates of the others are."""
    before, after = ({tuple(one[:-1]): one[-1] for one in found} for found in (old, new))
    both = [
        float(np.linalg.norm(np.subtract(before[one], after[one])))
        for one in before.keys() & after.keys()
        if before[one] is not None
    ]
    return {
        "tracklets of both": len(before.keys() & after.keys()),
        "their templates apart at most": round(max(both, default=0.0), 6),
        "tracklets of the older alone": sorted(before.keys() - after.keys()),
        "tracklets of this one alone": sorted(after.keys() - before.keys()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "old", type=Path, nargs="?", default=HERE,
        help="checkout of the older version; by default this one, to see how much is chance",
    )  # fmt: skip
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--rounds", type=int, default=2, help="how often the town is indexed")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clips", type=int, help="of the town's; by default all")
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.rounds, options.clips = 1, 1
    seconds: list[list[float]] = []
    with sources.town(small=options.small, clips=options.clips) as footage:
        clips = len(list((footage / "clips").glob("*.mp4")))
        for _ in range(options.rounds):
            more, found = measure(options.old.resolve(), footage, options.profile, clips)
            seconds += more
    by_clock = [old / new for old, _, new, _ in seconds]
    by_processor = [old / new for _, old, _, new in seconds]
    result = {
        "recordings measured": len(seconds),
        "speed ratio, processor": round(statistics.median(by_processor), 3),
        "speed ratio, clock": round(statistics.median(by_clock), 3),
        "of the totals, processor": round(
            sum(old for _, old, _, _ in seconds) / sum(new for *_, new in seconds), 3
        ),
        **differences(*found),
    }
    keep(options, result, f"before {options.profile}")
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:30} {value}")


if __name__ == "__main__":
    main()
