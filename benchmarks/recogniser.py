"""Dlib's recognition network in ONNX Runtime against dlib itself, on the same chips, in one run.

    python benchmarks/recogniser.py [--chips 520] [--json] [--small]

Both have one thread and take turns at every 32 chips; told are the processor's milliseconds a face
and their ratios, the largest difference of any number of a template (the run fails where it is
above what is promised), and the memory that each takes, in a process of its own. Chips are cut from
LFW and from the town, as indexing cuts them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import dlib
import numpy as np
import sources
from options import add_shared, keep

from workbench.demo import demo_town
from workbench.errors import SightlineError
from workbench.faces import templates, weights
from workbench.faces.detection import detect
from workbench.faces.dlib_network import DLIB_FILE, TOLERANCE
from workbench.faces.models import Models, load
from workbench.faces.photographs import read_photograph
from workbench.settings import load_settings

BATCHES = (1, 8, 32)
IN_TURN = 32  # chips that each has before the other's turn
MEMORY_CHIPS = 64


def pictures(*, small: bool) -> Iterator[Path]:
    """Photographs of faces: of LFW's people and of the town's, or of the demo's."""
    if small:
        town = demo_town()
        for photographs in (*town.photographs.values(), *town.absent.values()):
            yield from photographs
        return
    yield from sorted(sources.TOWN.glob("probes/*/*.jpg"))
    yield from sorted(sources.TOWN.glob("absent/*/*.jpg"))
    yield from (still.path for still in sources.people_of_lfw())


def chips_of(models: Models, count: int, *, small: bool) -> np.ndarray:
    """Chips ``(count, 150, 150, 3) uint8``, or as many as there are faces."""
    made = []
    for path in pictures(small=small):
        image = read_photograph(path.read_bytes(), path.name)
        made += [templates.align(models, image, face) for face in detect(models, image)[:1]]
        if len(made) == count:
            break
    return np.stack(made)


def by_dlib(home: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return dlib's own network as a function of chips."""
    network = dlib.face_recognition_model_v1(str(weights.folder(home) / DLIB_FILE))

    def run(chips: np.ndarray) -> np.ndarray:
        rgb = [np.ascontiguousarray(chip[..., ::-1]) for chip in chips]
        return np.array(network.compute_face_descriptor(rgb), np.float32)

    return run


def by_onnx(home: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return the converted network as indexing calls it."""
    models = load("dlib", home=home)
    return lambda chips: templates.embed(models, list(chips))


def measure(chips: np.ndarray, home: Path) -> dict[str, Any]:
    """Milliseconds a face of both, by batch, and how far apart they are."""
    sides = {"dlib": by_dlib(home), "ONNX Runtime": by_onnx(home)}
    for run in sides.values():
        run(chips[:2])  # what is slow once
    spent: defaultdict[tuple[str, int], float] = defaultdict(float)
    apart = 0.0
    for begin in range(0, len(chips), IN_TURN):
        turn = chips[begin : begin + IN_TURN]
        # The other one first in every second turn.
        for name in sorted(sides, reverse=bool(begin // IN_TURN % 2)):
            for batch in BATCHES if name != "dlib" else BATCHES[:1]:
                began = time.process_time()
                parts = [sides[name](turn[at : at + batch]) for at in range(0, len(turn), batch)]
                spent[name, batch] += time.process_time() - began
                made = np.concatenate(parts)
                if name == "dlib":
                    reference = made
                else:
                    other = made
        apart = max(apart, float(np.abs(reference - other).max()))
    own = spent["dlib", 1]
    per_face = {f"{name}, batch {n}": s / len(chips) * 1e3 for (name, n), s in spent.items()}
    return {
        "chips": len(chips),
        "processor, ms a face": {name: round(ms, 2) for name, ms in sorted(per_face.items())},
        "times dlib": {f"batch {n}": round(own / spent["ONNX Runtime", n], 1) for n in BATCHES},
        "largest difference of a number": float(f"{apart:.2g}"),
    }


def memory(side: str, chips: np.ndarray, home: Path) -> int:
    """MiB that a network takes when it is loaded and has run."""
    before = resident()
    run = {"dlib": by_dlib, "onnx": by_onnx}[side](home)
    for begin in range(0, len(chips), IN_TURN):
        run(chips[begin : begin + IN_TURN])
    return round(resident() - before)


def resident() -> float:
    """MiB of this process that are in memory."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> int:
    """Measure and print; 1 if the two differ by more than is promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chips", type=int, default=520)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", choices=("dlib", "onnx"), help=argparse.SUPPRESS)
    add_shared(parser)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    home = load_settings().models
    if options.alone:
        noise = np.random.default_rng(0).integers(0, 256, (MEMORY_CHIPS, 150, 150, 3), np.uint8)
        print(memory(options.alone, noise[: IN_TURN if options.small else None], home))
        return 0
    chips = chips_of(load("dlib", home=home), options.chips, small=options.small)
    result = measure(chips, home)
    for side in ("onnx",) if options.small else ("dlib", "onnx"):
        command = [sys.executable, __file__, "--alone", side]
        command += ["--small"] if options.small else []
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result[f"memory of {side}, MiB"] = int(said)
    keep(options, result)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:32} {value}")
    agree = result["largest difference of a number"] <= TOLERANCE
    if not agree:
        print(f"differs by more than {TOLERANCE:g}", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
