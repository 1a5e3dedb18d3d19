"""Speed of searching a gallery, against FAISS, DuckDB and DeepFace on the same vectors.

    python benchmarks/search.py [--sizes 1000000x128 1000000x512 10000000x128] [--folder /var/tmp]

Synthetic templates of people who are seen several times, on cameras of a city of 160,000, over ten
days. All in one run, in turn: ours, then each peer, again and again; medians. What is timed:

- ours: from a probe and a scope to candidates, best shot and names included (``search``); and the
  same without fetching what people read (``rows``), which is what the peers return;
- FAISS: ``IndexScalarQuantizer`` (fp16), flat, both cores, while it fits in memory; for scopes with
  an ID selector, once with one that is there already and once made from the scope as ours is;
- DuckDB: its ``array_`` functions over one table with the same filter, cameras by semi-join;
- DeepFace: the loop of its ``find`` over a sample, extrapolated.

The recall is that of the rows against a comparison in float64. Besides: what a reading process has
in memory for itself, and a scope read from the disk against as many rows in random order (the
gallery's files are put out of the page cache before each). The last part compares galleries of
different sizes in turn. Galleries are removed in the end unless ``--keep``.

``normalised / plain`` is what normalised scores cost: rows of one segment of the first size, by
both metrics, with no threshold and with one that one of 300 rows reaches, in turn.
``--only-normalised`` measures nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from options import add_small
from synthetic import (
    DAYS,
    HIGH,
    JPEG,
    SIGHTED,
    SOUTH,
    START,
    WEST,
    WIDE,
    cameras_of,
    fill,
    templates_of,
)
from workbench.gallery.best import BEST, PICTURES
from workbench.gallery.index import TemplateIndex, TemplateRows, write_index

from workbench.calibration import Normaliser
from workbench.district import from_shapes
from workbench.domain import (
    Camera,
    Filter,
    Metric,
    Profile,
    Scope,
)
from workbench.gallery import Gallery
from workbench.gallery.scan import Question, Rows, scan, workers
from workbench.gallery.search import _inside, explain, search
from workbench.permit.issuing import issue

CAMERAS, TOP, ROUNDS = 160_000, 50, 15
NORMALISED_ROUNDS = 100  # each takes some hundredths of a second
COLD_ROUNDS = 3
SMALL_CAMERAS, SMALL_SIZES = 500, ("1000x16", "10000x16")
# Bytes; with what the others need, it is what a machine of 16 GB has room for.
LARGEST_PEER = 2 * 10**9


def bandwidth() -> float:
    """Bytes a second that one core reads from memory."""
    block = np.ones(2**27, np.float32)
    return max(block.nbytes / timed(lambda: block.max())[0] for _ in range(5))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and its result."""
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each, one after the other again and again."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for do in calls.values():  # once to warm all alike
        do()
    for _ in range(rounds):
        for name, do in calls.items():
            times[name].append(timed(do)[0])
    return {name: 1e3 * statistics.median(seconds) for name, seconds in times.items()}


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


def drawing(number: int) -> Any:
    """A district as a hand draws it: a star of forty corners, another each time."""
    import shapely

    rng = np.random.default_rng(number)
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    far = rng.uniform(0.1, 0.45, 40)
    x = WEST + WIDE * (0.5 + far * np.cos(angles))
    y = SOUTH + HIGH * (0.5 + far * np.sin(angles))
    return from_shapes([shapely.Polygon(np.column_stack([x, y]))], name=f"drawing {number}")


def permitted_search(gallery: Gallery, probe: np.ndarray, scope: Scope) -> Any:
    """The whole search, with a permit for the question as casework issues them."""
    permit = issue("BENCH", "bench", 1, gallery=gallery.path, template=probe, scope=scope)
    return search(gallery, probe, scope, permit=permit, top=TOP)


def rows_only(gallery: Gallery, probe: np.ndarray, scope: Scope) -> Question:
    """The search without what people read of its answer."""
    question = Question(probe, gallery.profile.metric, top=TOP, threshold=float("-inf"))
    with workers() as pool:
        for number, (_, index, pieces, _) in enumerate(_inside(gallery, scope, Filter())):
            for _ in scan([Rows(number, index, pieces)], [question], pool):
                pass
    return question


def in_sql(connection: Any, gallery: Gallery, probe: np.ndarray, scope: Scope) -> Any:
    """Ask DuckDB's own functions the same question."""
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


def table_of(gallery: Gallery, file: Path) -> Any:
    """The templates as a table of DuckDB's, in our order, so that it can skip row groups too."""
    import duckdb

    connection = duckdb.connect(str(file))
    connection.execute("SET enable_progress_bar = false; SET threads = 2; SET memory_limit = '9GB'")
    dimension = gallery.profile.dimension
    connection.register("incoming", gallery.templates())
    connection.execute(
        f"CREATE OR REPLACE TABLE t AS SELECT recording_id::VARCHAR AS recording_id, ordinal, "
        f"camera_id::VARCHAR AS camera_id, first_seen, last_seen, "
        f"template::FLOAT[{dimension}] AS template FROM incoming"
    )
    connection.execute("CHECKPOINT")
    return connection


def flat_of(gallery: Gallery) -> Any:
    """FAISS's index of the same vectors in the same order; None where it would not fit."""
    # Else its threads go on turning after an answer, and take a core from whoever comes next.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    import faiss

    dimension = gallery.profile.dimension
    if 2 * dimension * sum(len(s.index) for s in gallery.segments) > LARGEST_PEER:
        return None
    faiss.omp_set_num_threads(2)
    peer = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for segment in gallery.segments:
        block = np.array(segment.index.templates)
        if len(block) and not peer.is_trained:
            peer.train(block[:1000])
        if len(block):
            peer.add(block)
    return peer


def keys_of(gallery: Gallery) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Camera, first and last sight of each row, in the order of :func:`flat_of`."""
    parts = [(gallery.places.numbers(s)[s.index.camera], s.index) for s in gallery.segments]
    return (
        np.concatenate([camera for camera, _ in parts]),
        np.concatenate([index.first_seen for _, index in parts]),
        np.concatenate([index.last_seen for _, index in parts]),
    )


def mask_of(
    gallery: Gallery, scope: Scope, camera: np.ndarray, first: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Mask of the rows inside a scope, as FAISS takes it."""
    start, end = (int(moment.timestamp() * 1e6) for moment in (scope.start, scope.end))
    return gallery.inside(scope.district)[camera] & (first < end) & (last >= start)


def deepface_milliseconds(vectors: np.ndarray, probe: np.ndarray, rows: int) -> float:
    """So many rows of the loop in ``deepface.modules.recognition.find``, from a sample."""
    import pandas as pd
    from deepface.modules import verification

    frame = pd.DataFrame({"embedding": [row.tolist() for row in vectors]})
    target = probe.tolist()

    def loop() -> None:
        for _, instance in frame.iterrows():
            distance = float(verification.find_distance(instance["embedding"], target, "cosine"))
            verification.find_confidence(
                distance=distance, model_name="Dlib", distance_metric="cosine", verified=False
            )

    return timed(loop)[0] / len(frame) * rows * 1e3


# --- In a process of its own ----------------------------------------------------------------------


def alone(what: str, path: Path, *more: str) -> dict[str, float]:
    """Result of one of the functions below, run in a process of its own."""
    command = [sys.executable, __file__, "--alone", what, str(path), *more]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def memory(path: Path) -> dict[str, float]:
    """Memory of a reading process after searches of every scope, in MB."""
    with Gallery.open(path) as gallery:
        probe = np.array(gallery.segments[-1].index.templates[0])
        for _ in range(3):
            for scope in scopes_of().values():
                permitted_search(gallery, probe, scope)
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name.rstrip(":"): int(size) for name, size, _ in map(str.split, lines)}
    return {
        "private, MB": round((kilobytes["Private_Dirty"] + kilobytes["Private_Clean"]) / 1e3),
        "of these its own (the rest is cache that can go), MB": round(
            kilobytes["Private_Dirty"] / 1e3
        ),
        "with what it shares, MB": round(kilobytes["Rss"] / 1e3),
    }


def cold(path: Path, order: str) -> dict[str, float]:
    """One search of 1 % by place and time in files that are not in memory."""
    evict(path)
    rng = np.random.default_rng(7)
    with Gallery.open(path) as gallery:
        found = [
            (i, pieces, rows)
            for _, i, pieces, rows in _inside(gallery, scopes_of()["both"], Filter())
        ]
        if order == "random":  # as many rows, wherever they lie in the whole gallery
            count = sum(rows for *_, rows in found)
            indexes = [s.index for s in gallery.segments if len(s.index)]
            ends = np.cumsum([len(index) for index in indexes])
            rows = np.sort(rng.choice(int(ends[-1]), count, replace=False))
            parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
            starts = (0, *ends[:-1].tolist())
            found = [
                (index, [part - start], len(part))
                for index, part, start in zip(indexes, parts, starts, strict=True)
            ]
        question = Question(
            rng.standard_normal(gallery.profile.dimension), "cosine", top=TOP, threshold=-2.0
        )

        def ask() -> None:
            with workers() as pool:
                for number, (index, pieces, _) in enumerate(found):
                    for _ in scan([Rows(number, index, pieces)], [question], pool):
                        pass

        return {"ms": timed(ask)[0] * 1e3, "rows": sum(rows for *_, rows in found)}


def evict(path: Path) -> None:
    """Put the files of a gallery out of the page cache."""
    for file in path.with_name(f"{path.name}.segments").rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


# --- All of it ------------------------------------------------------------------------------------


def measure(
    path: Path,
    cameras: list[Camera],
    rows: int,
    dimension: int,
    *,
    rounds: int = ROUNDS,
    cold_rounds: int = COLD_ROUNDS,
) -> dict[str, Any]:
    """Everything about a gallery of so many templates, which is filled if it is not there."""
    rng = np.random.default_rng(0)
    profile = Profile("test", "d", "r", "a", "cosine", dimension, (("w", "0"),))
    result: dict[str, Any] = {}
    if not path.exists():
        rates = fill(path, profile, rows, cameras)
        tenth = len(rates) // 10 + 1
        parts = rates[:tenth], rates[-tenth:]
        result["stored a second, first and last tenth"] = [round(statistics.mean(p)) for p in parts]
    # Before anything of it is mapped here, which would keep it in memory.
    cold_ms = {}
    for order in ("ordered", "random"):
        tries = [alone("cold", path, order) for _ in range(cold_rounds)]
        cold_ms[order] = statistics.median(one["ms"] for one in tries)
        result[f"cold, {order}, ms"] = round(cold_ms[order], 1)
        result["cold, rows"] = tries[0]["rows"]
    result["cold, random / ordered"] = round(cold_ms["random"] / cold_ms["ordered"], 1)
    opening, gallery = timed(lambda: Gallery.open(path))
    result["opening, ms"] = round(1e3 * (opening + timed(lambda: gallery.places)[0]))
    result["segments"] = len(gallery.segments)
    size = sum(segment.entry.bytes for segment in gallery.segments)
    result["bytes on disk a template"] = round(size / rows)
    drawings = [drawing(number) for number in range(rounds)]
    drawn = [timed(partial(gallery.inside, district))[0] for district in drawings]
    result[f"polygon over {len(cameras):,} cameras, first and worst, ms"] = [
        round(1e3 * seconds, 2) for seconds in (drawn[0], max(drawn))
    ]
    some = gallery.segments[-1].index
    probe = some.templates[len(some) // 3] + 0.05 * rng.standard_normal(dimension)
    probe = (probe / np.linalg.norm(probe)).astype(np.float32)
    result["memory"] = alone("memory", path)
    speed = bandwidth()
    result["bandwidth of one core, GB/s"] = round(speed / 1e9, 1)
    database = path.with_suffix(".peer")
    connection, flat = table_of(gallery, database), flat_of(gallery)
    try:
        for name, scope in scopes_of().items():
            result[name] = against_peers(
                gallery, scope, probe, connection, flat, speed, rounds=rounds
            )
    finally:
        connection.close()
        database.unlink()
    slow = deepface_milliseconds(some.templates[:20_000], probe, rows)
    result["DeepFace's loop, ms"] = round(slow)
    result["DeepFace / search, whole"] = round(slow / result["whole"]["search, ms"])
    gallery.close()
    return result


def against_peers(
    gallery: Gallery,
    scope: Scope,
    probe: np.ndarray,
    connection: Any,
    flat: Any,
    speed: float,
    *,
    rounds: int,
) -> dict[str, Any]:
    """One scope: ours and the peers in turn, and whether ours is right."""
    starts = np.cumsum([0, *(len(s.index) for s in gallery.segments)])
    of = {s.entry.name: start for s, start in zip(gallery.segments, starts[:-1], strict=True)}
    unit = probe.astype(np.float64) / np.linalg.norm(probe.astype(np.float64))
    numbers, every = [], []
    for segment, index, pieces, _ in _inside(gallery, scope, Filter()):
        for piece in pieces:
            here = np.arange(piece.start, piece.stop) if isinstance(piece, slice) else piece
            numbers.append(here + of[segment.entry.name])
            for begin in range(0, len(here), 100_000):
                block = index.templates[here[begin : begin + 100_000]].astype(np.float64)
                every.append(block @ unit / np.linalg.norm(block, axis=1))
    if not numbers:
        return {"tracklets inside": 0}  # of a small gallery
    inside, about = np.sort(np.concatenate(numbers)), explain(gallery, scope)
    calls: dict[str, Callable[[], Any]] = {
        "search": partial(permitted_search, gallery, probe, scope),
        "rows": partial(rows_only, gallery, probe, scope),
        "DuckDB": in_sql(connection, gallery, probe, scope),
    }
    if flat is not None:
        import faiss

        def selecting() -> Any:
            packed = np.packbits(mask_of(gallery, scope, *keys), bitorder="little")
            selector = faiss.IDSelectorBitmap(len(keys[0]), faiss.swig_ptr(packed))
            return packed, faiss.SearchParameters(sel=selector)  # which reads what is packed

        def selected() -> Any:
            _packed, parameters = selecting()
            return flat.search(probe[None], TOP, params=parameters)

        calls["FAISS"] = partial(flat.search, probe[None], TOP)
        if len(inside) < starts[-1]:
            keys = keys_of(gallery)
            _packed, given = selecting()
            calls["FAISS"] = partial(flat.search, probe[None], TOP, params=given)
            calls["FAISS and selector"] = selected
            assert mask_of(gallery, scope, *keys).sum() == len(inside)
    median = in_turn(calls, rounds)
    exact = np.sort(np.concatenate(every))[::-1][:TOP]
    ours = np.sort([c.score for c in calls["search"]()])[::-1]
    result: dict[str, Any] = {
        "tracklets inside": len(inside),
        **{f"{name}, ms": round(ms, 2) for name, ms in median.items()},
        "DuckDB / rows": round(median["DuckDB"] / median["rows"], 1),
        "DuckDB / search": round(median["DuckDB"] / median["search"], 1),
    }
    if flat is not None:
        result["rows / FAISS"] = round(median["rows"] / median["FAISS"], 2)
        result["search / FAISS"] = round(median["search"] / median["FAISS"], 2)
    if "FAISS and selector" in median:
        for name in ("rows", "search"):
            ratio = median[name] / median["FAISS and selector"]
            result[f"{name} / FAISS and selector"] = round(ratio, 2)
    return result | {
        "recall at 50": float(np.mean(ours >= exact[-1] - 1e-9)) if len(ours) == TOP else 0.0,
        "MB read": round(about.bytes / 1e6, 2),
        "share of bandwidth": round(about.bytes / (median["rows"] / 1e3) / speed, 2),
    }


def growth(paths: dict[str, Path]) -> dict[str, float]:
    """Galleries of one dimension in turn: the whole of each, in times of the first."""
    scope = scopes_of()["whole"]
    with contextlib.ExitStack() as stack:
        calls = {}
        for name, path in paths.items():
            gallery = stack.enter_context(Gallery.open(path))
            probe = np.array(gallery.segments[-1].index.templates[0])
            calls[name] = partial(permitted_search, gallery, probe, scope)
        median = in_turn(calls, 5)
    first = next(iter(median.values()))
    return {name: round(ms / first, 1) for name, ms in median.items()}


# --- Normalised and plain scores ------------------------------------------------------------------


def segment_of(folder: Path, rows: int, dimension: int, metric: Metric) -> TemplateIndex:
    """The columns of one segment of so many templates, without what people read of them."""
    rng = np.random.default_rng(2)
    number, nothing = np.arange(rows), np.zeros(rows, np.int64)
    seen = nothing + int(START.timestamp() * 1e6)
    write_index(
        folder,
        TemplateRows(
            templates=templates_of(rows, dimension, rng)[rng.permutation(rows)],
            camera=nothing.astype(np.int32),
            first_seen=seen,
            last_seen=seen,
            quality=nothing.astype(np.float32),
            recording=nothing.astype(np.int32),
            ordinal=number.astype(np.int32),
            shot=number,
            first_seconds=nothing.astype(np.float64),
            last_seconds=nothing.astype(np.float64),
        ),
        np.zeros(1, np.int64),
        metric,
    )
    np.save(folder / "best.npy", np.zeros(rows, BEST))
    (folder / PICTURES).write_bytes(JPEG)
    return TemplateIndex(folder)


def normaliser_of(dimension: int, metric: Metric) -> Normaliser:
    """128 centroids of 20 people each, with the spread of comparisons of different people."""
    rng = np.random.default_rng(3)
    people = templates_of(128 * 20 * SIGHTED, dimension, rng)[::SIGHTED]
    centroids = people.reshape(128, 20, dimension).mean(axis=1).astype(np.float32)
    if metric == "cosine":
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    raw = Normaliser(metric, centroids, 0.0, 1.0, 20, 128 * 20, "numbers", "none")
    scores = raw.scores(people[:500], people[500:1_000])
    return replace(raw, mean=float(scores.mean()), deviation=float(scores.std()))


def rows_of(
    index: TemplateIndex,
    offsets: np.ndarray,
    probe: np.ndarray,
    metric: Metric,
    threshold: float,
    normaliser: Normaliser | None,
) -> Question:
    """The best rows of one segment."""
    question = Question(probe, metric, top=TOP, threshold=threshold, normaliser=normaliser)
    given = None if normaliser is None else offsets
    with workers() as pool:
        rows = Rows(0, index, [slice(0, len(index))], given)
        for _ in scan([rows], [question], pool):
            pass
    return question


def normalised_to_plain(
    folder: Path, rows: int, dimension: int, *, rounds: int
) -> dict[str, dict[str, float]]:
    """Milliseconds of both, and their ratio, by metric and with or without a threshold."""
    result: dict[str, dict[str, float]] = {}
    metrics: tuple[Metric, ...] = ("euclidean", "cosine")
    for metric in metrics:
        place = folder / f"normalised-{metric}"
        place.mkdir()
        index = segment_of(place, rows, dimension, metric)
        normaliser = normaliser_of(dimension, metric)
        offsets = normaliser.offsets(index.templates)
        probe = templates_of(1, dimension, np.random.default_rng(4))[0]

        ask = partial(rows_of, index, offsets, probe, metric)
        for name, share in (("no threshold", None), ("threshold", 1 / 300)):
            calls = {}
            for scale, one in (("plain", None), ("normalised", normaliser)):
                least = float("-inf")
                if share is not None:
                    some = ask(least, one).scores(
                        index.templates[:100_000], None if one is None else offsets[:100_000]
                    )
                    least = float(np.quantile(some, 1 - share))
                calls[scale] = partial(ask, least, one)
            median = in_turn(calls, rounds)
            result[f"{metric}, {name}"] = {
                **{f"{scale}, ms": round(ms, 2) for scale, ms in median.items()},
                "normalised / plain": round(median["normalised"] / median["plain"], 3),
            }
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["1000000x128"], metavar="ROWSxDIMENSION")
    parser.add_argument("--folder", type=Path, help="where galleries are made, or lie already")
    parser.add_argument("--keep", action="store_true", help="leave them there")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--only-normalised", action="store_true", help="only the cost of normalised scores"
    )
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    add_small(parser)
    options = parser.parse_args()
    if options.alone:
        what, path, *more = options.alone
        print(json.dumps({"cold": cold, "memory": memory}[what](Path(path), *more)))
        return
    folder = Path(tempfile.mkdtemp(prefix="sightline-", dir=options.folder or "/var/tmp"))
    if options.keep:
        folder.rmdir()
        folder = options.folder
    try:
        fewer = {"rounds": 1, "cold_rounds": 1} if options.small else {}
        sizes = SMALL_SIZES if options.small else options.sizes
        cameras = cameras_of(SMALL_CAMERAS if options.small else CAMERAS, np.random.default_rng(0))
        result: dict[str, Any] = {}
        paths: dict[str, dict[str, Path]] = {}
        rows, dimension = map(int, sizes[0].split("x"))
        result["normalised / plain"] = normalised_to_plain(
            folder, rows, dimension, rounds=fewer.get("rounds", NORMALISED_ROUNDS)
        )
        for size in () if options.only_normalised else sizes:
            rows, dimension = map(int, size.split("x"))
            path = folder / f"{size}.duckdb"
            paths.setdefault(f"x{dimension}", {})[size] = path
            result[size] = measure(path, cameras, rows, dimension, **fewer)
            if not options.json:
                print(json.dumps({size: result[size]}, indent=2), flush=True)
        for name, several in paths.items():
            if len(several) > 1:
                result[f"whole gallery {name}, in times of the first"] = growth(several)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
