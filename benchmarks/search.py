"""How fast a gallery is searched, against FAISS, DuckDB and DeepFace on the same vectors.

    python benchmarks/search.py [--rows 1000000] [--dimension 128] [--json]

Synthetic templates of people who are seen several times, on cameras of a city of 160,000, over ten
days. All in one run, in turn: ours, then each peer, again and again; medians. What is timed:

- ours: from a probe and a scope to candidates, best shot and names included (``search``); and the
  same without fetching what people read (``rows``), which is what the peers return;
- FAISS: ``IndexScalarQuantizer`` (fp16), flat, both cores; for scopes with an ID selector whose
  making from the scope is not counted against it;
- DuckDB: its ``array_`` functions over one table with the same filter, cameras by semi-join;
- DeepFace: its ``find`` loop over a sample, extrapolated.

The recall is that of the rows against a comparison in float64.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.district import from_shapes
from workbench.domain import (
    Box,
    Camera,
    IndexedRecording,
    Profile,
    Quality,
    Recording,
    Scope,
    Shot,
    Tracklet,
)
from workbench.gallery import Gallery
from workbench.gallery.scan import Question, scan
from workbench.gallery.search import Filter, _inside, explain, search
from workbench.permit import issue

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS, CAMERAS, TOP, ROUNDS = 10, 160_000, 50, 9
WEST, SOUTH, WIDE, HIGH = 116.0, 39.6, 0.8, 0.6
SIGHTED = 5  # times that each person is seen
PER_RECORDING = 50
JPEG = bytes(range(256)) * 8


def cameras_of(count: int, rng: np.random.Generator) -> list[Camera]:
    """Cameras in clusters, as a city has them."""
    centres = rng.random((200, 2))
    places = centres[rng.integers(0, 200, count)] + rng.normal(0, 0.03, (count, 2))
    places = np.clip(places, 0, 1)
    return [
        Camera(f"C{i:06}", f"Camera {i}", float(SOUTH + y * HIGH), float(WEST + x * WIDE))
        for i, (x, y) in enumerate(places)
    ]


def templates_of(rows: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors in clusters of people."""
    made = np.empty((rows, dimension), np.float32)
    for begin in range(0, rows, 100_000):
        stop = min(begin + 100_000, rows)
        people = rng.standard_normal(((stop - begin) // SIGHTED + 1, dimension))
        block = np.repeat(people, SIGHTED, axis=0)[: stop - begin]
        block += 0.7 * rng.standard_normal(block.shape)
        made[begin:stop] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return made


def fill(path: Path, profile: Profile, rows: int, cameras: list[Camera]) -> list[float]:
    """A gallery of so many templates; returns the rows stored a second, batch by batch."""
    rng = np.random.default_rng(1)
    active = rng.choice(len(cameras), min(len(cameras), 4_000), replace=False)
    weight = rng.pareto(1.2, len(active)) + 0.2
    weight /= weight.sum()
    rates = []
    with Gallery.create(path, profile) as gallery:
        gallery.add_cameras(cameras)
        for begin in range(0, rows, 100_000):
            count = min(100_000, rows - begin)
            vectors = templates_of(count, profile.dimension, rng)[rng.permutation(count)]
            batch = []
            for number in range(0, count, PER_RECORDING):
                camera = cameras[active[rng.choice(len(active), p=weight)]]
                # A day's footage comes hour by hour; more people pass in the afternoon.
                hour = np.clip(rng.normal(14, 5), 0, 23.9)
                day = (begin + number) * DAYS // rows
                began = START + timedelta(days=day, hours=float(hour), milliseconds=number)
                batch.append(recording(began, camera, vectors[number : number + PER_RECORDING]))
            started = time.perf_counter()
            gallery.add_recordings(batch)
            rates.append(count / (time.perf_counter() - started))
    return rates


def recording(began: datetime, camera: Camera, vectors: np.ndarray) -> IndexedRecording:
    """An hour's part with one tracklet of one shot for each vector."""
    quality = Quality(0.8, 0.8, 0.8, 0.8, 0.8)
    tracklets = []
    for ordinal, vector in enumerate(vectors):
        seen = began + timedelta(seconds=12 * ordinal)
        shot = Shot(1.0, seen, Box(1, 2, 3, 4), quality, JPEG, vector)
        tracklets.append(Tracklet(ordinal, seen, seen + timedelta(seconds=6), 12, (shot,), vector))
    made = Recording(f"{camera.camera_id}.mp4", Path("x.mp4"), camera.camera_id, began)
    return IndexedRecording(
        made, os.urandom(32).hex(), 1, 1, 600.0, 1920, 1080, 1, 1, 1, tuple(tracklets)
    )


def bandwidth() -> float:
    """Bytes a second that one core reads from memory."""
    block = np.ones(2**27, np.float32)
    return max(block.nbytes / timed(lambda: block.max())[0] for _ in range(5))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def scopes_of() -> dict[str, Scope]:
    """The whole gallery, and scopes of about 1 % by time, by place, and by both."""
    import shapely

    def area(x: float, y: float, side: float) -> Any:
        west, south = WEST + x * WIDE, SOUTH + y * HIGH
        box = shapely.box(west, south, west + side * WIDE, south + side * HIGH)
        return from_shapes([box], name="area")

    everywhere = area(-0.01, -0.01, 1.02)
    end = START + timedelta(days=DAYS + 1)
    noon = START + timedelta(days=4, hours=13)
    some = area(0.4, 0.4, 0.1)
    return {
        "whole": Scope(everywhere, START - timedelta(days=1), end),
        "1 % time": Scope(everywhere, noon, noon + timedelta(hours=1.4)),
        "1 % place": Scope(some, START - timedelta(days=1), end),
        "both": Scope(area(0.3, 0.3, 0.32), START + timedelta(days=4), START + timedelta(days=5)),
    }


def permitted(gallery: Gallery, probe: Any, scope: Scope) -> list[Any]:
    """A search with its permit; what authority costs is measured in casework.py."""
    permit = issue("BENCHMARK", "benchmark", 1, gallery=gallery.path, template=probe, scope=scope)
    return search(gallery, probe, scope, permit=permit, top=TOP)


def rows_only(gallery: Gallery, probe: np.ndarray, scope: Scope) -> Question:
    """The search without what people read of its answer."""
    question = Question(probe, gallery.profile.metric, top=TOP, threshold=float("-inf"))
    for number, (_, index, pieces, _) in enumerate(_inside(gallery, scope, Filter())):
        for _ in scan(number, index, pieces, [question]):
            pass
    return question


def in_sql(connection: Any, gallery: Gallery, probe: np.ndarray, scope: Scope) -> Any:
    """The same question to DuckDB's own functions."""
    wanted = gallery.places.ids[gallery.inside(scope.district)].tolist()
    name = f"wanted_{abs(hash(scope.district.area.wkb))}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT unnest(?) camera_id", [wanted]
    )
    sql = (
        "SELECT recording_id, ordinal, "
        f"array_cosine_similarity(template, ?::FLOAT[{len(probe)}]) AS score "
        f"FROM t SEMI JOIN {name} USING (camera_id) WHERE first_seen < ? AND last_seen >= ? "
        f"ORDER BY score DESC LIMIT {TOP}"
    )
    parameters = [probe.tolist(), scope.end, scope.start]
    return lambda: connection.execute(sql, parameters).fetchall()


def deepface_milliseconds(vectors: np.ndarray, probe: np.ndarray) -> float:
    """A million rows of DeepFace's own loop, from a sample of 20,000."""
    from deepface.modules.verification import find_cosine_distance

    sample = [row.tolist() for row in vectors[:20_000]]
    target = probe.tolist()
    seconds, _ = timed(lambda: [find_cosine_distance(row, target) for row in sample])
    return seconds / len(sample) * len(vectors) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--gallery", type=Path, help="keep the gallery here, or take it from here")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = options.gallery or Path(scratch) / "gallery.duckdb"
        result = measure(path, options.rows, options.dimension)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


def measure(path: Path, rows: int, dimension: int) -> dict[str, Any]:
    import duckdb
    import faiss

    rng = np.random.default_rng(0)
    cameras = cameras_of(CAMERAS, rng)
    profile = Profile("test", "d", "r", "a", "cosine", dimension, (("w", "0"),))
    result: dict[str, Any] = {"rows": rows, "dimension": dimension}
    if not path.exists():
        rates = fill(path, profile, rows, cameras)
        result["stored a second, first and last tenth"] = [
            round(statistics.mean(part))
            for part in (rates[: len(rates) // 10 + 1], rates[-(len(rates) // 10 + 1) :])
        ]
    opening, gallery = timed(lambda: Gallery.open(path))
    result["opening, ms"] = round(1e3 * (opening + timed(lambda: gallery.places)[0]))
    result["segments"] = len(gallery.segments)
    result["bytes on disk, MB"] = round(sum(s.entry.bytes for s in gallery.segments) / 1e6)
    scopes = scopes_of()
    first, _ = timed(lambda: gallery.inside(scopes["1 % place"].district))
    result["polygon over 160,000 cameras, first, ms"] = round(first * 1e3, 2)

    table = gallery.templates()
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false; SET threads = 2")
    connection.register("incoming", table)
    connection.execute(
        f"CREATE TABLE t AS SELECT recording_id, ordinal, camera_id, first_seen, last_seen, "
        f"template::FLOAT[{dimension}] AS template FROM incoming"
    )
    vectors = np.concatenate([np.asarray(s.index.templates) for s in gallery.segments])
    offsets = np.cumsum([0, *(len(s.index) for s in gallery.segments)])
    faiss.omp_set_num_threads(2)
    peer = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    peer.train(vectors[:1000])
    peer.add(vectors)
    probe = vectors[rows // 3] + 0.05 * rng.standard_normal(dimension).astype(np.float32)
    probe = (probe / np.linalg.norm(probe)).astype(np.float32)
    speed = bandwidth()
    result["bandwidth of one core, GB/s"] = round(speed / 1e9, 1)

    for name, scope in scopes.items():
        inside = [
            offsets[gallery.segments.index(segment)] + r
            for segment, _, pieces, _ in _inside(gallery, scope, Filter())
            for piece in pieces
            for r in [np.arange(piece.start, piece.stop) if isinstance(piece, slice) else piece]
        ]
        numbers = np.sort(np.concatenate(inside))
        about = explain(gallery, scope)
        parameters = None
        if len(numbers) < rows:
            bitmap = np.zeros((len(vectors) + 7) // 8 * 8, bool)
            bitmap[numbers] = True
            packed = np.packbits(bitmap, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(vectors), faiss.swig_ptr(packed))
            parameters = faiss.SearchParameters(sel=selector)
        calls: dict[str, Callable[[], Any]] = {
            "search": partial(permitted, gallery, probe, scope),
            "rows": partial(rows_only, gallery, probe, scope),
            "FAISS": partial(peer.search, probe[None], TOP, params=parameters),
            "DuckDB": in_sql(connection, gallery, probe, scope),
        }
        times: dict[str, list[float]] = {call: [] for call in calls}
        answers = {call: do() for call, do in calls.items()}  # once to warm all alike
        for _ in range(ROUNDS):
            for call, do in calls.items():
                times[call].append(timed(do)[0])
        median = {call: statistics.median(t) for call, t in times.items()}
        every = vectors[numbers].astype(np.float64) @ probe.astype(np.float64)
        exact = np.sort(every)[::-1][:TOP]
        ours = np.sort([c.score for c in answers["search"]])[::-1]
        recall = float(np.mean(ours >= exact[-1] - 1e-9)) if len(ours) == len(exact) else 0.0
        result[name] = {
            "tracklets inside": len(numbers),
            **{f"{call}, ms": round(t * 1e3, 2) for call, t in median.items()},
            "rows / FAISS": round(median["rows"] / median["FAISS"], 2),
            "search / FAISS": round(median["search"] / median["FAISS"], 2),
            "DuckDB / rows": round(median["DuckDB"] / median["rows"], 1),
            "DuckDB / search": round(median["DuckDB"] / median["search"], 1),
            "recall at 50": recall,
            "MB read": round(about.bytes / 1e6, 1),
            "share of bandwidth": round(about.bytes / median["rows"] / speed, 2),
        }
    slow = deepface_milliseconds(vectors, probe)
    result["DeepFace's loop, ms"] = round(slow)
    result["DeepFace / search, whole"] = round(slow / result["whole"]["search, ms"])
    return result


if __name__ == "__main__":
    main()
