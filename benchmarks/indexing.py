"""Speed of indexing, where the time goes, and what memory it takes; all in one run.

    python benchmarks/indexing.py [--hours 2] [--clips N] [--json] [--small]

- Against the loop a user would write: ``DeepFace.represent`` on every frame, with the same
  detector and recogniser, on a sample of the same frames.
- The share of each step, and decoding alone as the limit.
- Two workers against one.
- Memory of one worker on a clip of 20 seconds and on the same clip repeated for hours.

Everything runs on one core, but for the comparison of workers; what is compared takes turns. Speed
and shares are told by the processor's seconds, which other work on the machine does not change
much; those of two workers by the clock's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
import cv2
import numpy as np
import sources
from options import add_shared, keep
from town import tracking
from truth import Truth

from workbench.domain import Recording
from workbench.errors import SightlineError
from workbench.faces import quality, templates, weights
from workbench.faces import tracking as tracking_module
from workbench.faces import tracklets as tracklets_module
from workbench.footage import film, frames, motion, videoframe
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue, index_recording
from workbench.notebook import load_models
from workbench.settings import load_settings

# Frames of the peer's sample: it takes about a second each.
SAMPLE_CLIPS, SAMPLE_EVERY = 6, 12


# What a user would write, in a process that knows nothing of Sightline: there DeepFace uses its own
# clients of the networks. It prints the processor's seconds for some pictures.
LOOP = """
import sys, time
import cv2, numpy as np
from deepface import DeepFace

cv2.setNumThreads(1)
pictures = np.load(sys.argv[1])

def represent(picture):
    DeepFace.represent(
        picture, model_name=sys.argv[2], detector_backend=sys.argv[3], enforce_detection=False
    )

represent(pictures[0])  # what is slow once
began = time.process_time()
for picture in pictures:
    represent(picture)
print(time.process_time() - began)
"""


def loop_seconds(pictures: list[Any], profile: str, scratch: Path) -> float:
    """Seconds of the processor that DeepFace's own way takes for some pictures."""
    models = load_models(profile)
    file = scratch / "pictures.npy"
    np.save(file, np.stack(pictures))
    names = models.profile.recogniser, models.profile.detector
    said = subprocess.run(
        [sys.executable, "-c", LOOP, str(file), *names],
        env=os.environ | {"DEEPFACE_HOME": str(models.home), "OMP_NUM_THREADS": "1"},
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    return float(said.splitlines()[-1])


def sample(clips: list[Path], every: int) -> list[Any]:
    """Every so many frames of some clips."""
    pictures = []
    for clip in clips:
        with frames.RecordingReader(clip) as reader:
            pictures += [f.image() for f in reader.frames() if f.number % every == 0]
    return pictures


def decoding_frames_a_second(clips: list[Path]) -> float:
    """Frames a second of PyAV alone, nothing done with them."""
    count, began = 0, time.process_time()
    for clip in clips:
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "SLICE"
            count += sum(1 for _ in container.decode(video=0))
    return count / (time.process_time() - began)


@contextmanager
def stopwatch() -> Iterator[dict[str, float]]:
    """Seconds of the processor spent in each step of indexing while this is open."""
    spent: defaultdict[str, float] = defaultdict(float)
    running: list[str] = []  # a step inside another is taken off that one's seconds
    last = time.process_time()
    kept: list[tuple[Any, str, Any]] = []

    def turn() -> None:
        nonlocal last
        now = time.process_time()
        if running:
            spent[running[-1]] += now - last
        last = now

    @contextmanager
    def step(name: str) -> Iterator[None]:
        turn()
        running.append(name)
        try:
            yield
        finally:
            turn()
            running.pop()

    def watch(owner: Any, name: str, what: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with step(what):
                return original(*args, **kwargs)

        kept.append((owner, name, original))
        setattr(owner, name, timed)

    def watch_decoding() -> None:
        original = film.Film._decoded

        def timed(self: Any) -> Iterator[Any]:
            source = original(self)
            while True:
                with step("decoding"):
                    frame = next(source, None)
                if frame is None:
                    return
                yield frame

        kept.append((film.Film, "_decoded", original))
        film.Film._decoded = timed  # type: ignore[method-assign]

    watch_decoding()
    watch(videoframe.VideoFrame, "image", "decoding")
    watch(videoframe.VideoFrame, "luma", "movement")
    watch(motion.MotionGate, "look", "movement")
    watch(tracklets_module, "detect_in_looks", "detection")
    watch(quality, "assess", "quality and best shots")
    watch(tracking_module.Tracker, "update", "tracking")
    watch(templates, "align", "landmarks and chips")
    watch(templates, "embed", "embedding")
    watch(tracklets_module, "jpeg", "quality and best shots")
    watch(Gallery, "add_recording", "writing")
    watch(Gallery, "add_recordings", "writing")
    try:
        yield spent
    finally:
        for owner, name, original in kept:
            setattr(owner, name, original)


def index_town(
    footage: Path, profile: str, workers: int, scratch: Path
) -> tuple[float, float, dict[str, float | int]]:
    """Seconds that a town takes by the processor and the clock; how its faces were followed."""
    models = load_models(profile)
    truth = Truth.read(footage / "truth.json")
    path = scratch / f"{profile}-{workers}-{time.monotonic_ns()}.duckdb"
    with Gallery.create(path, models.profile) as gallery:
        began = time.process_time(), time.perf_counter()
        index_catalogue(footage, gallery, models, workers=workers)
        took = time.process_time() - began[0], time.perf_counter() - began[1]
        return *took, tracking(gallery, truth)


def repeated(clip: Path, times: int, target: Path) -> Path:
    """The clip *times* over, without encoding it again."""
    with av.open(str(target), "w") as output:
        stream, base = None, 0
        for _ in range(times):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(video)
                length = 0
                for packet in source.demux(video):
                    if packet.dts is None:
                        continue
                    length = max(length, packet.pts + packet.duration)
                    packet.pts, packet.dts = packet.pts + base, packet.dts + base
                    packet.stream = stream
                    output.mux(packet)
                base += length
    return target


def peak_memory(path: Path, profile: str) -> tuple[float, int]:
    """Peak resident memory in MiB of a process that indexes one recording, and its tracklets."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_index_alone, args=(theirs, path, profile))
    process.start()
    said: tuple[float, int] = ours.recv()
    process.join()
    return said


def _index_alone(link: Any, path: Path, profile: str) -> None:
    cv2.setNumThreads(1)
    recording = Recording(path.name, path, "C", datetime(2026, 1, 1, tzinfo=UTC))
    indexed = index_recording(recording, load_models(profile))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    link.send((peak, len(indexed.tracklets)))


def length_of(clip: Path) -> tuple[int, float]:
    """Frames of a clip, and its seconds."""
    with frames.RecordingReader(clip) as reader:
        count = sum(1 for _ in reader.frames())
        return count, reader.seconds


def measure(profile: str, footage: Path, scratch: Path, rounds: int) -> dict[str, Any]:
    """Speed of a profile, the share of each step, and how well it follows faces."""
    files = sorted((footage / "clips").glob("*.mp4"))
    total, seconds = (sum(some) for some in zip(*map(length_of, files), strict=True))
    pictures = sample(files[:SAMPLE_CLIPS], SAMPLE_EVERY)
    alone, loops, by_clock = [], [], {1: [], 2: []}
    for number in range(rounds):
        with stopwatch() as spent:
            processor, clock, followed = index_town(footage, profile, 1, scratch)
        alone.append(processor)
        by_clock[1].append(clock)
        by_clock[2].append(index_town(footage, profile, 2, scratch)[1])
        # Some of the pictures in each turn.
        loops.append(loop_seconds(pictures[number::rounds], profile, scratch))
    ours, loop = total / min(alone), len(pictures) / sum(loops)
    steps = {
        step: round(seconds / processor, 3)
        for step, seconds in sorted(spent.items(), key=lambda one: -one[1])
    }
    return {
        "frames a second": round(ours, 1),
        "loop, frames a second": round(loop, 2),
        "times the loop": round(ours / loop, 1),
        "times real time": round(seconds / min(alone), 1),
        "times decoding alone": round(decoding_frames_a_second(files) / ours, 1),
        "two workers, times one": round(min(by_clock[1]) / min(by_clock[2]), 2),
        "shares": steps | {"the rest": round(1 - sum(steps.values()), 3)},
        **followed,
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2.0, help="length of the long recording")
    parser.add_argument("--clips", type=int, help="of the town's; by default all")
    parser.add_argument("--rounds", type=int, default=2, help="turns of what is compared")
    parser.add_argument("--profiles", nargs="+", help="by default dlib, and yunet-dlib if it can")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.hours, options.profiles, options.clips, options.rounds = 0.006, ["dlib"], 1, 1
    cv2.setNumThreads(1)
    profiles = options.profiles or ["dlib"]
    yunet = sources.SHARED / "models" / "yunet_n_640_640.onnx"
    if yunet.exists() and not options.profiles:
        weights.import_file(yunet, load_settings().models)
        profiles.append("yunet-dlib")
    result: dict[str, Any] = {}
    with (
        sources.town(small=options.small, clips=options.clips) as footage,
        tempfile.TemporaryDirectory() as name,
    ):
        scratch = Path(name)
        for profile in profiles:
            result[profile] = measure(profile, footage, scratch, options.rounds)
            loop = result[profiles[0]]["loop, frames a second"]
            ratio = result[profile]["frames a second"] / loop
            result[profile][f"times the loop of {profiles[0]}"] = round(ratio, 1)
        clip = sorted((footage / "clips").glob("*.mp4"))[0]
        if options.hours:
            result["memory of one worker"] = memory(clip, options.hours, profiles[-1], scratch)
    keep(options, result)
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    return 0


def memory(clip: Path, hours: float, profile: str, scratch: Path) -> dict[str, Any]:
    """Memory of a worker on a clip, and on the same clip repeated for hours."""
    _, seconds = length_of(clip)
    long = repeated(clip, max(2, round(hours * 3600 / seconds)), scratch / "long.mp4")
    short_peak, short_count = peak_memory(clip, profile)
    long_peak, long_count = peak_memory(long, profile)
    return {
        "profile": profile,
        f"{seconds:.0f} s, MiB": round(short_peak),
        f"{seconds:.0f} s, tracklets": short_count,
        f"{hours:g} h, MiB": round(long_peak),
        f"{hours:g} h, tracklets": long_count,
    }


def show(values: dict[str, Any], indent: str = "") -> None:
    """Print a table of figures."""
    for name, value in values.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "    ")
        else:
            print(f"{indent}{name:34} {value}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
