"""Speed of searching a gallery, against FAISS, DuckDB and DeepFace on the same vectors.

    python benchmarks/search.py [--sizes 1000000x128 1000000x512 10000000x128] [--folder /var/tmp]
                                [--against CHECKOUT]

Synthetic templates of people who are seen several times, on cameras of a city of 160,000, over ten
days. All in one run, in turn: ours, then each peer, again and again; medians. What is timed:

- ours: from a probe and a scope to candidates, best shot and names included (``search``); and the
  same without fetching what people read (``rows``), which is what the peers return;
- FAISS: ``IndexScalarQuantizer`` (fp16), flat, both cores, while it fits in memory; for scopes with
  an ID selector, once with one that is there already and once made from the scope as ours is;
- DuckDB: its ``array_`` functions over one table with the same filter, cameras by semi-join;
- DeepFace: the loop of its ``find`` over a sample, extrapolated.

The recall is that of the rows against a comparison in float64. Besides: what a reading process has
in memory for itself, and a scope read from the disk (the gallery's files are put out of the page
cache before) against as many rows in random order, and its bytes against those of its rows. The
last part compares galleries of different sizes in turn. Galleries are as they are when their days
are at rest, and are removed in the end unless ``--keep``.

``--against`` names a checkout of other code (``git worktree add CHECKOUT COMMIT``): it makes a
gallery of the same templates, and both answer the same questions in turn, in a process each. The
scores that they find have to be the same. ``--only-against`` measures nothing else.

``normalised / plain`` is what normalised scores cost: rows of the first size in memory, by both
metrics, with no threshold and with one that one of 300 rows reaches, in turn.
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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sides
from bars import bar, missed
from options import add_shared, keep
from synthetic import (
    DAYS,
    HIGH,
    SIGHTED,
    SOUTH,
    START,
    WEST,
    WIDE,
    cameras_of,
    fill,
    templates_of,
)

from workbench.calibration import Normaliser
from workbench.district import from_shapes
from workbench.domain import Camera, Metric, Profile, Scope
from workbench.gallery import Gallery
from workbench.gallery.codes import quantise
from workbench.gallery.merging import Merger
from workbench.gallery.opening import folder_of
from workbench.gallery.parts import Part
from workbench.gallery.resolving import InsideRows
from workbench.gallery.scan import Columns, Piece, Question, Rows, length_of, scan, workers
from workbench.gallery.search import explain, search
from workbench.permit.issuing import issue

CAMERAS, TOP, ROUNDS = 160_000, 50, 15
NORMALISED_ROUNDS = 100  # each takes some hundredths of a second
COLD_ROUNDS = 3
# Bars: of FAISS's time for a whole gallery by dimension, of its time with the selector made, and of
# the time of other code.
WHOLE, SELECTED, SLOWEST = {128: 0.8, 512: 0.6}, 0.45, 1.05
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
    return gallery.settled(lambda: _scanned(gallery, probe, rows_of(gallery, scope)))


def rows_of(gallery: Gallery, scope: Scope) -> Iterator[tuple[int, Part, list[Piece]]]:
    """Rows of a scope, part by part."""
    return iter(InsideRows(gallery.resolve(scope)))


def _scanned(
    gallery: Gallery, probe: np.ndarray, found: Iterable[tuple[int, Part, list[Piece]]]
) -> Question:
    question = Question(probe, gallery.profile.metric, top=TOP, threshold=float("-inf"))
    with workers() as pool:
        for _ in scan((Rows(*one) for one in found), [question], pool):
            pass
    return question


def parts_of(gallery: Gallery) -> list[Part]:
    """All parts with templates, in the order of days and places."""
    snapshot = gallery.snapshot
    return [snapshot.part(entry) for entry in snapshot.parts() if entry.templates]


def probe_of(gallery: Gallery, rng: np.random.Generator) -> np.ndarray:
    """Template of a person of the last part, as seen once more."""
    templates = parts_of(gallery)[-1].templates
    probe = templates[len(templates) // 3] + 0.05 * rng.standard_normal(templates.shape[1])
    return (probe / np.linalg.norm(probe)).astype(np.float32)


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
    if 2 * dimension * gallery.counts()["templates"] > LARGEST_PEER:
        return None
    faiss.omp_set_num_threads(2)
    peer = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for part in parts_of(gallery):
        block = np.array(part.templates)
        if not peer.is_trained:
            peer.train(block[:1000])
        peer.add(block)
    return peer


def keys_of(gallery: Gallery) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Camera, first and last sight of each row, in the order of :func:`flat_of`."""
    cameras, parts = gallery.camera_columns, parts_of(gallery)
    return (
        np.concatenate([cameras.numbers(part)[part.camera] for part in parts]),
        np.concatenate([part.first_seen for part in parts]),
        np.concatenate([part.last_seen for part in parts]),
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
        probe = np.array(parts_of(gallery)[-1].templates[0])
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
    """One search of 1 % by place and time in files that are not in memory, and what it reads."""
    rng = np.random.default_rng(7)
    with Gallery.open(path) as gallery:
        scope, parts = scopes_of()["both"], parts_of(gallery) if order == "random" else []
        gallery.resolve(scope)  # reads the cameras, once
        evict(path)

        def ask() -> int:
            found = [*rows_of(gallery, scope)]
            count = sum(length_of(piece) for *_, pieces in found for piece in pieces)
            if parts:  # as many rows, wherever they lie in the whole gallery
                ends = np.cumsum([len(part) for part in parts])
                rows = np.sort(rng.choice(int(ends[-1]), count, replace=False))
                each = np.split(rows, np.searchsorted(rows, ends[:-1]))
                starts = (0, *ends[:-1].tolist())
                found = [
                    (number, part, [of_part - start])
                    for number, (part, of_part, start) in enumerate(
                        zip(parts, each, starts, strict=True)
                    )
                ]
            _scanned(gallery, rng.standard_normal(gallery.profile.dimension), found)
            return count

        before = bytes_read()
        seconds, count = timed(ask)
        read = bytes_read() - before
        needed = explain(gallery, scope).bytes
    return {"ms": seconds * 1e3, "rows": count, "read": read, "needed": needed}


def bytes_read() -> int:
    """Bytes that this process had read from the disk until now."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


def evict(path: Path) -> None:
    """Put the files of a gallery out of the page cache."""
    for file in folder_of(path).rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


# --- All of it ------------------------------------------------------------------------------------


def profile_of(dimension: int) -> Profile:
    """Profile of templates of so many numbers."""
    return Profile("test", "d", "r", "a", "cosine", dimension, (("w", "0"),))


def filled(path: Path, profile: Profile, rows: int, cameras: list[Camera]) -> list[float]:
    """Make a gallery as its days are at rest; returns the rows stored a second, batch by batch."""
    rates = fill(path, profile, rows, cameras)
    with Gallery.open(path, write=True) as gallery:
        Merger(gallery.writer.committer, lambda _: True).run()
    return rates


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
    result: dict[str, Any] = {}
    if not path.exists():
        rates = filled(path, profile_of(dimension), rows, cameras)
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
        if order == "ordered" and tries[0]["rows"]:
            read = statistics.median(one["read"] / one["needed"] for one in tries)
            result["cold, bytes read : of the rows"] = bar(read, most=3)
    result["cold, random / ordered"] = round(cold_ms["random"] / cold_ms["ordered"], 1)
    opening, gallery = timed(lambda: Gallery.open(path))
    result["opening, ms"] = round(1e3 * (opening + timed(lambda: gallery.places)[0]))
    counts = gallery.counts()
    result["parts"] = counts["parts"]
    size = counts["bytes"] + counts["picture_bytes"]
    result["bytes on disk a template"] = round(size / rows)
    result["of these without pictures"] = round(counts["bytes"] / rows)
    drawings = [drawing(number) for number in range(rounds)]
    drawn = [timed(partial(gallery.inside, district))[0] for district in drawings]
    result[f"polygon over {len(cameras):,} cameras, first and worst, ms"] = [
        round(1e3 * seconds, 2) for seconds in (drawn[0], max(drawn))
    ]
    probe = probe_of(gallery, rng)
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
    slow = deepface_milliseconds(parts_of(gallery)[-1].templates[:20_000], probe, rows)
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
    parts = parts_of(gallery)
    starts = np.cumsum([0, *map(len, parts)])
    of = {part.entry.name: start for part, start in zip(parts, starts[:-1], strict=True)}
    unit = probe.astype(np.float64) / np.linalg.norm(probe.astype(np.float64))
    numbers, every = [], []
    for _, part, pieces in rows_of(gallery, scope):
        for piece in pieces:
            here = np.arange(piece.start, piece.stop) if isinstance(piece, slice) else piece
            numbers.append(here + of[part.entry.name])
            for begin in range(0, len(here), 100_000):
                block = part.templates[here[begin : begin + 100_000]].astype(np.float64)
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
        ratio, most = median["rows"] / median["FAISS"], WHOLE.get(gallery.profile.dimension)
        whole = len(inside) == starts[-1] and most is not None
        result["rows / FAISS"] = bar(ratio, most=most) if whole else round(ratio, 2)
        result["search / FAISS"] = round(median["search"] / median["FAISS"], 2)
    if "FAISS and selector" in median:
        for name in ("rows", "search"):
            ratio = median[name] / median["FAISS and selector"]
            told = bar(ratio, most=SELECTED) if name == "rows" else round(ratio, 2)
            result[f"{name} / FAISS and selector"] = told
    recall = float(np.mean(ours >= exact[-1] - 1e-9)) if len(ours) == len(exact) else 0.0
    return result | {
        "recall at 50": bar(recall, least=1),
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
            probe = np.array(parts_of(gallery)[-1].templates[0])
            calls[name] = partial(permitted_search, gallery, probe, scope)
        median = in_turn(calls, 5)
    first = next(iter(median.values()))
    return {name: round(ms / first, 1) for name, ms in median.items()}


def against(
    other: Path, path: Path, rows: int, dimension: int, cameras: int, *, rounds: int
) -> dict[str, Any]:
    """The gallery at *path* and one of the same templates that other code made, asked in turn."""
    its = path.with_name(f"other-{path.name}")
    if not its.exists():
        sides.fill_by(other, its, rows, dimension, cameras)
    with Gallery.open(path) as gallery:
        probe = probe_of(gallery, np.random.default_rng(0)).tolist()
    result: dict[str, Any] = {}
    with sides.asking(sides.HERE, path) as here, sides.asking(other, its) as there:
        for name in scopes_of():
            of_scope = result.setdefault(name, {})
            for what, most in (("search", SLOWEST), ("rows", None)):
                times: dict[sides.Asking, list[float]] = {here: [], there: []}
                for number in range(-2, rounds):  # some to warm both alike
                    scores = []
                    for side in sides.in_order([here, there], number):
                        seconds, found = side(what, name, probe)
                        scores.append(found)
                        if number >= 0:
                            times[side].append(seconds)
                    assert np.allclose(*scores, rtol=0, atol=1e-12), f"other scores of {name}"
                both = [1e3 * statistics.median(of_side) for of_side in times.values()]
                ratio = both[0] / both[1]
                of_scope[f"{what}, ms, here and there"] = [round(ms, 2) for ms in both]
                of_scope[f"{what}, here : there"] = (
                    round(ratio, 2) if most is None else bar(ratio, most=most)
                )
    return result


# --- Normalised and plain scores ------------------------------------------------------------------


@dataclass(frozen=True)
class InMemory:
    """Columns that are scanned, and templates, as a part has them."""

    templates: np.ndarray
    codes: np.ndarray
    scale: np.ndarray
    square: np.ndarray
    lost: float
    longest: float


def columns_of(rows: int, dimension: int) -> InMemory:
    """Columns of so many templates, without what people read of them."""
    rng = np.random.default_rng(2)
    templates = templates_of(rows, dimension, rng)[rng.permutation(rows)]
    scale, codes, lost = quantise(templates)
    square = (templates.astype(np.float64) ** 2).sum(axis=1)
    longest = float(np.sqrt(square.max()))
    return InMemory(templates, codes, scale, square.astype(np.float32), float(lost.max()), longest)


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


def best_of(
    columns: Columns,
    offsets: np.ndarray,
    probe: np.ndarray,
    metric: Metric,
    threshold: float,
    normaliser: Normaliser | None,
) -> Question:
    """The best of all rows."""
    question = Question(probe, metric, top=TOP, threshold=threshold, normaliser=normaliser)
    given = None if normaliser is None else offsets
    with workers() as pool:
        rows = Rows(0, columns, [slice(0, len(offsets))], given)
        for _ in scan([rows], [question], pool):
            pass
    return question


def normalised_to_plain(rows: int, dimension: int, *, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of both, and their ratio, by metric and with or without a threshold."""
    result: dict[str, dict[str, float]] = {}
    metrics: tuple[Metric, ...] = ("euclidean", "cosine")
    columns = columns_of(rows, dimension)
    for metric in metrics:
        normaliser = normaliser_of(dimension, metric)
        offsets = normaliser.offsets(columns.templates)
        probe = templates_of(1, dimension, np.random.default_rng(4))[0]

        ask = partial(best_of, columns, offsets, probe, metric)
        for name, share in (("no threshold", None), ("threshold", 1 / 300)):
            calls = {}
            for scale, one in (("plain", None), ("normalised", normaliser)):
                least = float("-inf")
                if share is not None:
                    some = ask(least, one).scores(
                        columns.templates[:100_000], None if one is None else offsets[:100_000]
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
    parser.add_argument("--against", type=Path, help="a checkout of other code, measured in turn")
    parser.add_argument("--only-against", action="store_true", help="nothing besides that")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured")
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    add_shared(parser)
    options = parser.parse_args()
    if options.only_against and not options.against:
        parser.error("--only-against needs --against")
    if options.alone:
        what, path, *more = options.alone
        print(json.dumps({"cold": cold, "memory": memory}[what](Path(path), *more)))
        return
    other = sides.other_checkout(options.against) if options.against else None
    folder = Path(tempfile.mkdtemp(prefix="sightline-", dir=options.folder or "/var/tmp"))
    if options.keep:
        folder.rmdir()
        folder = options.folder
    if options.small:
        options.rounds = 1
    try:
        result = measured(folder, options, other)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    result["missed"] = missed(result)
    keep(options, result)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


def measured(folder: Path, options: argparse.Namespace, other: Path | None) -> dict[str, Any]:
    """All that is asked for, by size."""
    sizes = SMALL_SIZES if options.small else options.sizes
    count = SMALL_CAMERAS if options.small else CAMERAS
    cameras = cameras_of(count, np.random.default_rng(0))
    result: dict[str, Any] = {}
    paths: dict[str, dict[str, Path]] = {}
    rows, dimension = map(int, sizes[0].split("x"))
    if not options.only_against:
        rounds = 1 if options.small else NORMALISED_ROUNDS
        result["normalised / plain"] = normalised_to_plain(rows, dimension, rounds=rounds)
    for size in () if options.only_normalised else sizes:
        rows, dimension = map(int, size.split("x"))
        path = folder / f"{size}.duckdb"
        paths.setdefault(f"x{dimension}", {})[size] = path
        if options.only_against:
            if not path.exists():
                filled(path, profile_of(dimension), rows, cameras)
            result[size] = {}
        else:
            cold_rounds = 1 if options.small else COLD_ROUNDS
            result[size] = measure(
                path, cameras, rows, dimension, rounds=options.rounds, cold_rounds=cold_rounds
            )
        if other is not None:
            result[size]["against"] = against(
                other, path, rows, dimension, count, rounds=4 * options.rounds
            )
        if not options.json:
            print(json.dumps({size: result[size]}, indent=2), flush=True)
    for name, several in paths.items():
        if len(several) > 1 and not options.only_against:
            result[f"whole gallery {name}, in times of the first"] = growth(several)
    return result


if __name__ == "__main__":
    main()
