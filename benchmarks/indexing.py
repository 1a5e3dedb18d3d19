"""Speed of indexing, where the time goes, and what memory it takes; all in one run.

    python benchmarks/indexing.py [--hours 2] [--json]

- Against the loop a user would write: ``DeepFace.represent`` on every frame, with the same
  detector and recogniser, on a sample of the same frames.
- The share of decoding, detection, following and embedding, and decoding alone as the limit.
- Two workers against one.
- Memory of one worker on a clip of 20 seconds and on the same clip repeated for hours.

Everything runs on one core, but for the comparison of workers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
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
from town import tracking
from truth import Truth

from workbench.domain import Recording
from workbench.errors import SightlineError
from workbench.faces import quality, templates, weights
from workbench.faces import tracklets as following_module
from workbench.footage import film, frames, motion
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue, index_recording
from workbench.notebook import load_models
from workbench.settings import load_settings

SHARED = Path(os.environ.get("SIGHTLINE_SHARED", Path(__file__).parents[2] / "shared"))
TOWN = SHARED / "footage" / "town"
# Frames of the peer's sample: it takes about a second each.
SAMPLE_CLIPS, SAMPLE_EVERY = 6, 12


def loop_frames_a_second(clips: list[Path], profile: str) -> float:
    """Frames a second of DeepFace's own way, on every twelfth frame of some clips."""
    models = load_models(profile)
    from deepface import DeepFace

    pictures = []
    for clip in clips[:SAMPLE_CLIPS]:
        with frames.RecordingReader(clip) as reader:
            pictures += [f.image() for f in reader.frames() if f.number % SAMPLE_EVERY == 0]
    began = time.perf_counter()
    for picture in pictures:
        DeepFace.represent(
            picture,
            model_name=models.profile.recogniser,
            detector_backend=models.profile.detector,
            enforce_detection=False,
        )
    return len(pictures) / (time.perf_counter() - began)


def decoding_frames_a_second(clips: list[Path]) -> float:
    """Frames a second of PyAV alone, nothing done with them."""
    count, began = 0, time.perf_counter()
    for clip in clips:
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "SLICE"
            count += sum(1 for _ in container.decode(video=0))
    return count / (time.perf_counter() - began)


@contextmanager
def stopwatch() -> Iterator[dict[str, float]]:
    """Seconds spent in each step of indexing while this is open."""
    spent: defaultdict[str, float] = defaultdict(float)
    kept: list[tuple[Any, str, Any]] = []

    def watch(owner: Any, name: str, step: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                spent[step] += time.perf_counter() - began

        kept.append((owner, name, original))
        setattr(owner, name, timed)

    def watch_decoding() -> None:
        original = film.Film._decoded

        def timed(self: Any) -> Iterator[Any]:
            source = original(self)
            while True:
                began = time.perf_counter()
                try:
                    frame = next(source)
                except StopIteration:
                    return
                finally:
                    spent["decoding"] += time.perf_counter() - began
                yield frame

        kept.append((film.Film, "_decoded", original))
        film.Film._decoded = timed  # type: ignore[method-assign]

    watch_decoding()
    watch(frames.VideoFrame, "image", "decoding")
    watch(frames.VideoFrame, "luma", "movement")
    watch(motion.MotionGate, "look", "movement")
    watch(following_module, "detect", "detection")
    watch(quality, "assess", "quality")
    watch(templates, "align", "embedding")
    watch(templates, "embed", "embedding")
    try:
        yield spent
    finally:
        for owner, name, original in kept:
            setattr(owner, name, original)


def index_town(profile: str, workers: int, scratch: Path) -> tuple[float, dict[str, float | int]]:
    """Seconds that the town takes, and how well its faces were followed."""
    models = load_models(profile)
    truth = Truth.read(TOWN / "truth.json")
    path = scratch / f"{profile}-{workers}-{time.monotonic_ns()}.duckdb"
    with Gallery.create(path, models.profile) as gallery:
        began = time.perf_counter()
        index_catalogue(TOWN, gallery, models, workers=workers)
        return time.perf_counter() - began, tracking(gallery, truth)


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


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2.0, help="length of the long recording")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not TOWN.is_dir():
        raise SystemExit(f"no footage at {TOWN}; set SIGHTLINE_SHARED")
    cv2.setNumThreads(1)
    clips = sorted((TOWN / "clips").glob("*.mp4"))
    with frames.RecordingReader(clips[0]) as reader:
        per_clip = sum(1 for _ in reader.frames())
        clip_seconds = reader.seconds
    footage, total = clip_seconds * len(clips), per_clip * len(clips)
    profiles = ["dlib"]
    yunet = SHARED / "models" / "yunet_n_640_640.onnx"
    if yunet.exists():
        weights.import_file(yunet, load_settings().models)
        profiles.append("yunet-dlib")
    decoding = decoding_frames_a_second(clips)
    result: dict[str, Any] = {
        "footage seconds": footage,
        "frames": total,
        "decoding alone, frames a second": round(decoding),
    }
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for profile in profiles:
            with stopwatch() as spent:
                watched, quality_of_following = index_town(profile, 1, scratch)
            # In turn, and the better of two: whatever else the machine does hits both alike.
            turns = [(index_town(profile, n, scratch)[0], n) for n in (1, 2, 1, 2)]
            seconds, two = (min(s for s, n in turns if n == workers) for workers in (1, 2))
            loop = loop_frames_a_second(clips, profile)
            steps = {step: round(s / watched, 3) for step, s in sorted(spent.items())}
            steps["the rest"] = round(1 - sum(steps.values()), 3)
            result[profile] = {
                "frames a second": round(total / seconds, 1),
                "times the loop": round(total / seconds / loop, 1),
                "loop, frames a second": round(loop, 2),
                "times real time": round(footage / seconds, 1),
                "times decoding alone": round(decoding * seconds / total, 1),
                "two workers, times one": round(seconds / two, 2),
                "shares": steps,
                **quality_of_following,
            }
        long = repeated(clips[0], round(options.hours * 3600 / clip_seconds), scratch / "long.mp4")
        short_peak, short_count = peak_memory(clips[0], profiles[-1])
        long_peak, long_count = peak_memory(long, profiles[-1])
        result["memory of one worker"] = {
            "profile": profiles[-1],
            "20 s, MiB": round(short_peak),
            "20 s, tracklets": short_count,
            f"{options.hours:g} h, MiB": round(long_peak),
            f"{options.hours:g} h, tracklets": long_count,
        }
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    return 0


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
