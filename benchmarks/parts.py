"""Galleries in parts at sizes that no test has: bars as ratios and counts, all of one run.

    python benchmarks/parts.py [--parts 2000] [--entries 10000] [--planned 100000]
                               [--tracklets 10000] [--templates 1000000] [--folder FOLDER]

- *parts* of sixteen templates under ``ulimit -n 1024``: opened, searched, stored, purged, merged.
- A manifest of so many *entries*: opening, and a commit beside one of ten; a plan among *planned*.
- Coverage and a search of the same rows in a hundred times as many parts.
- Commits beside a merger, what a gallery of *tracklets* of five shots of 8 KB takes on the disk
  afterwards, and what purging one recording writes.
- A search of the same rows beside nothing and among *templates*, with the memory of the reader.
  Of parts that are not asked about only what is scanned is kept: 17 GB of a hundred million.

Beside figures stands what is wanted of them. The defaults take a minute or two. Times say something
on idle cores alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from bars import bar, missed
from options import add_shared, keep
from search import timed
from synthetic import HIGH, SOUTH, START, WEST, WIDE, cameras_of, templates_of

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
    format_tracklet_id,
    to_microseconds,
)
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import PART_FILES, SCAN, UNSEARCHABLE, CameraEntry, Change, day_of
from workbench.gallery.footage import coverage
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import FAN, Merger
from workbench.gallery.order import DAY
from workbench.gallery.parts import most_rows, write_part
from workbench.gallery.planning import places_of, plan
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.rows import RECORDINGS, tracklets_schema
from workbench.gallery.search import answer
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage
from workbench.permit.issuing import issue

T = TypeVar("T")
PROFILE = Profile("test", "d", "r", "a", "cosine", 128, (("w", "0"),))
CAMERAS = {one.camera_id: one for one in cameras_of(100, np.random.default_rng(0))}
SHOTS, PICTURE = 5, 8192  # of each tracklet, where pictures are measured
FILES = 1024  # that may be open
ROWS = 1500  # bytes that rows of a tracklet may take beside its pictures
FIRST = day_of(to_microseconds(START))
EVERYTHING = (WEST - 1, SOUTH - 1, WEST + 2, SOUTH + 2)


# --- Galleries --------------------------------------------------------------------------------


def made(folder: Path) -> Committer:
    """Make an empty gallery with its cameras."""
    folder.mkdir()
    database = SQLiteDatabase(folder / "manifest.sqlite", write=True, create=True)
    manifest = Manifest.create(database, PROFILE, str(folder))
    manifest.commit(Change(cameras=[CameraEntry(one, START) for one in CAMERAS.values()]))
    return Committer(manifest, Storage.at(folder))


def opened(folder: Path, role: str) -> Committer:
    """Open a gallery for writing."""
    database = SQLiteDatabase(folder / "manifest.sqlite", write=True)
    return Committer(Manifest(database, str(folder)), Storage.at(folder), role)


def reading(folder: Path, memory: int = 2**30) -> Reader:
    """Open a gallery for reading."""
    manifest = Manifest(SQLiteDatabase(folder / "manifest.sqlite"), str(folder))
    snapshot = Snapshot.latest(manifest, Storage.at(folder), memory_bytes=memory)
    return Reader(folder / "town.duckdb", snapshot)


def recording(
    camera: Camera, day: int, second: int, vectors: np.ndarray, *, shots: int = 1, picture: int = 64
) -> IndexedRecording:
    """Ten minutes with a tracklet for each vector, of random qualities and pictures."""
    began = START + timedelta(days=day, seconds=second)
    random = np.random.default_rng([day, second])
    tracklets = []
    for ordinal, vector in enumerate(vectors):
        seen = began + timedelta(seconds=590 * ordinal / len(vectors))
        pictures = tuple(
            Shot(
                1.0, seen, Box(1, 2, 3, 4), Quality(0.9 - rank / 10, *random.random(4)),
                random.bytes(picture), vector,
            )
            for rank in range(shots)
        )  # fmt: skip
        tracklets.append(Tracklet(ordinal, seen, seen + timedelta(seconds=6), 12, pictures, vector))
    about = Recording(f"{camera.camera_id}.mp4", Path("x.mp4"), camera.camera_id, began)
    return IndexedRecording(
        about, secrets.token_hex(32), 1, 1, 600.0, 1920, 1080, 1, 1, 1, tuple(tracklets)
    )


def recordings(days: Sequence[int], count: int, second: int, **more: int) -> list[IndexedRecording]:
    """One recording of *count* tracklets on each of some days, by camera after camera."""
    random = np.random.default_rng([second, len(days)])
    vectors = templates_of(len(days) * count, PROFILE.dimension, random).reshape(
        len(days), count, PROFILE.dimension
    )
    cameras = [*CAMERAS.values()]
    return [
        recording(cameras[(7 * day + sum(divmod(second, 600))) % 100], day, second, some, **more)
        for day, some in zip(days, vectors, strict=True)
    ]


def scope(
    box: tuple[float, float, float, float] = EVERYTHING, since: float = -1, until: float = 5000
) -> Scope:
    """Cameras in a box, and days since the first."""
    import shapely

    district = from_shapes([shapely.box(*box)], name="area")
    return Scope(district, START + timedelta(days=since), START + timedelta(days=until))


def best(reader: Reader, probe: np.ndarray, where: Scope, threshold: float | None = None) -> Any:
    """Ids of the fifty best tracklets of a scope."""
    permit = issue("BENCH", "bench", 1, gallery=reader.path, template=probe, scope=where)
    found = answer(reader, [probe], where, permits=[permit], top=50, threshold=threshold)
    return [candidate.tracklet_id for candidate in found.candidates[0]]


def in_turn(ask: Callable[[T], Any], them: Mapping[str, T], rounds: int) -> dict[str, float]:
    """Median time of a question to each of them, in seconds; one after the other in each round."""
    times: dict[str, list[float]] = {name: [] for name in them}
    for _ in range(rounds):
        for name, one in them.items():
            times[name].append(timed(partial(ask, one))[0])
    return {name: median(some) for name, some in times.items()}


def bytes_in(folder: Path) -> int:
    """Bytes that the files of a folder take on the disk."""
    return sum(512 * path.stat().st_blocks for path in folder.rglob("*") if path.is_file())


def alone(what: str, *arguments: object) -> dict[str, Any]:
    """Result of a measurement in a process of its own."""
    command = [sys.executable, __file__, "--alone", what, *map(str, arguments)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    result: dict[str, Any] = json.loads(said)
    return result


# --- Many parts -------------------------------------------------------------------------------


def many(folder: Path, parts: int) -> dict[str, Any]:
    """Do everything with a gallery of so many parts, with at most 1,024 open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    committer = made(folder)
    days = range(parts // FAN)
    for round_ in range(FAN):
        committer.store(recordings(days, 16, 600 * round_), CAMERAS)
    result: dict[str, Any] = {}
    files = []

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        result[f"{name}, s"] = time.perf_counter() - began
        files.append(len([*Path("/proc/self/fd").iterdir()]))

    with step("open"):
        reader = reading(folder)
    result["parts"] = len(reader.snapshot.parts())
    late = recording(CAMERAS["C000001"], 3, 50_000, templates_of(16, 128, np.random.default_rng(9)))
    probe = late.tracklets[3].template
    assert probe is not None
    with step("store a recording"):
        committer.store([late], CAMERAS)
    with step("search all"):
        before = best(reader, probe, scope())
    assert before[0] == format_tracklet_id(late.recording_id, 3)
    with step("coverage of all"):
        held = coverage(reader, scope()).tracklets
    assert held == 16 * (FAN * len(days) + 1)
    with step("merge"):
        result["merges"] = Merger(replace(committer, role="merger")).run()
    result["parts after merging"] = len(reader.snapshot.refreshed().parts())
    assert best(reader, probe, scope()) == before
    with step("purge a recording"):
        assert purge(committer, [late.recording_id]).recordings == 1
    assert len(best(reader, probe, scope())) == 50
    return result | {"most open files": bar(max(files), most=FILES)}


# --- Manifests --------------------------------------------------------------------------------


def manifest_of(folder: Path, entries: int) -> Manifest:
    """Gallery whose manifest names so many parts, of which there are no files."""
    folder.mkdir()
    database = SQLiteDatabase(folder / "manifest.sqlite", write=True, create=True)
    manifest = Manifest.create(database, PROFILE, str(folder))
    manifest.commit(Change(cameras=[CameraEntry(one, START) for one in CAMERAS.values()]))
    files = json.dumps([(name, 1000, "ab" * 32) for name in PART_FILES])
    rows = [
        {
            "name": secrets.token_hex(8), "day": FIRST + number % 30,
            "low": number // 30 * 1000, "high": number // 30 * 1000 + 999,
            "first": (FIRST + number % 30) * DAY, "last": (FIRST + number % 30 + 1) * DAY - 1,
            "files": files,
        }
        for number in range(entries)
    ]  # fmt: skip
    database.write(
        lambda: database.change_many(
            "INSERT INTO parts (name, day, place_low, place_high, first_seen, last_seen, "
            "recordings, tracklets, templates, bytes, files, role, reserved_at, added) VALUES "
            "(:name, :day, :low, :high, :first, :last, 1, 10, 8, 5000, :files, 'writer', 0, 1)",
            rows,
        )
    )
    return manifest


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def opening(other: Path, folder: Path) -> dict[str, Any]:
    """Open a gallery and read its cameras, in a process that has opened another."""
    kept = [reading(other)]
    assert len(kept[0].camera_columns.known.ids) == len(CAMERAS)
    before = resident()
    seconds, reader = timed(lambda: reading(folder))
    more, _ = timed(lambda: reader.camera_columns)
    return {"ms": 1000 * (seconds + more), "MB": (resident() - before) / 1e6}


def manifests(folder: Path, entries: int, planned: int) -> dict[str, Any]:
    """Opening, commits and plans by the number of parts."""
    few, many_ = manifest_of(folder / "few", 10), manifest_of(folder / "many", entries)
    stored = iter(range(10**6))

    def store(committer: Committer) -> None:
        committer.store(recordings([100], 16, 600 * next(stored)), CAMERAS)

    committers = {
        "few": Committer(few, Storage.at(folder / "few")),
        "many": Committer(many_, Storage.at(folder / "many")),
    }
    commits = in_turn(store, committers, min(entries // 10, 30))
    crowded = manifest_of(folder / "crowded", planned)
    span = [((FIRST + 3) * DAY + 18 * DAY // 24, (FIRST + 3) * DAY + 23 * DAY // 24)]
    asked = np.arange(planned * 10, planned * 12, 7, dtype=np.int64)  # of up to 33 * planned
    state = crowded.state()
    found = len(plan(crowded, state, span, asked))
    opened = alone("opening", folder / "few", folder / "many")
    plans = in_turn(lambda manifest: plan(manifest, state, span, asked), {"plan": crowded}, 100)
    return {
        f"opening at {entries:,} parts": {name: bar(one, most=50) for name, one in opened.items()},
        f"commit at {entries:,} : 10 parts": bar(commits["many"] / commits["few"], most=1.5),
        "commit at 10 parts, ms": 1000 * commits["few"],
        f"plan among {planned:,} parts, ms": bar(1000 * plans["plan"], most=10),
        "parts it names": found,
    }


# --- The same rows in few and in many parts ---------------------------------------------------


def divided(folder: Path, parts: int) -> dict[str, Any]:
    """Coverage and a search of the same recordings in so many parts and in a hundredth of them."""
    days = range(max(parts // 100, 1))
    groups = [recordings(days, 16, 600 * number) for number in range(min(parts, 100))]
    few, many_ = made(folder / "few"), made(folder / "many")
    few.store([one for group in groups for one in group], CAMERAS)
    for group in groups:
        many_.store(group, CAMERAS)
    readers = {name: reading(folder / name) for name in ("few", "many")}
    counts = {name: len(reader.snapshot.parts()) for name, reader in readers.items()}
    probe = groups[5][0].tracklets[2].template
    assert probe is not None
    result: dict[str, Any] = {}
    camera = CAMERAS[groups[5][0].recording.camera_id]
    assert camera.longitude is not None
    assert camera.latitude is not None
    west, south = camera.longitude - WIDE / 10, camera.latitude - HIGH / 10
    place = (west, south, west + WIDE / 5, south + HIGH / 5)
    for name, where in (("all", scope()), ("a place and day", scope(place, 0, 1))):

        def covered(reader: Reader, where: Scope = where) -> Any:
            return coverage(reader, where)

        def searched(reader: Reader, where: Scope = where) -> Any:
            return best(reader, probe, where)

        assert covered(readers["few"]) == covered(readers["many"])
        assert searched(readers["few"]) == searched(readers["many"])
        result[f"tracklets of {name}"] = covered(readers["few"]).tracklets
        for what, ask in (("coverage", covered), ("search", searched)):
            times = in_turn(ask, readers, 10)
            ratio = times["many"] / times["few"]
            result[f"{what} of {name}, {counts['many']:,} : {counts['few']:,} parts"] = (
                bar(ratio, most=3) if (what, name) == ("coverage", "all") else ratio
            )
            result[f"{what} of {name}, {counts['few']:,} parts, ms"] = 1000 * times["few"]
    return result


# --- Merging and purging ----------------------------------------------------------------------


def merge(folder: Path) -> dict[str, Any]:
    """Merge the first day of a gallery as one to which nothing is added any more."""
    merger = Merger(opened(folder, "merger"), lambda day: day == FIRST)
    seconds, steps = timed(merger.run)
    return {"seconds": seconds, "steps": steps}


def busy(folder: Path, tracklets: int) -> dict[str, Any]:
    """Commits beside a merger, the disk after it, and the bytes that a purge writes."""
    committer = made(folder)
    each = max(tracklets // (2 * FAN) // 50, 1)  # recordings of fifty tracklets a commit
    ids = []
    pictures = held = 0

    def some(day: int, number: int, count: int) -> list[IndexedRecording]:
        nonlocal pictures, held
        found = [
            recordings([day], 50, (number * each + n) % 86_000, shots=SHOTS, picture=PICTURE)[0]
            for n in range(count)
        ]
        pictures += sum(len(s.jpeg) for one in found for t in one.tracklets for s in t.shots)
        held += 50 * len(found)
        return found

    for number in range(2 * FAN):
        batch = some(0, number, each)
        ids.append(batch[0].recording_id)
        committer.store(batch, CAMERAS)

    def store(number: int) -> float:
        batch = some(1, number, 1)
        return timed(lambda: committer.store(batch, CAMERAS))[0]

    quiet = median(store(number) for number in range(5))
    process = subprocess.Popen(
        [sys.executable, __file__, "--alone", "merge", str(folder)], stdout=subprocess.PIPE
    )
    times: list[float] = []
    while process.poll() is None:
        times.append(store(100 + len(times)))
        time.sleep(0.05)
    said, _ = process.communicate()
    assert not process.returncode
    on_disk = bytes_in(folder)
    io = Path("/proc/self/io")
    written = -int(io.read_text().split()[3])  # wchar: whatever it is written to
    assert purge(committer, [ids[FAN]]).recordings == 1
    written += int(io.read_text().split()[3])
    return {
        "tracklets": held,
        "merging": json.loads(said),
        "commits beside it": len(times),
        "longest commit beside it, s": bar(max(times), most=2),
        "a commit without it, s": quiet,
        "disk : (pictures + 1.5 KB a tracklet)": bar(on_disk / (pictures + ROWS * held), most=1.1),
        "written by purging a recording, MB": bar(written / 1e6, most=300),
    }


# --- Many templates ---------------------------------------------------------------------------


def content(day: int, rows: int, random: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """Rows of a day, without recordings and pictures: nobody asks about them."""
    schema = tracklets_schema(PROFILE.dimension)
    first = (FIRST + day) * DAY + random.integers(0, DAY - 60_000_000, rows)
    vectors = templates_of(rows, PROFILE.dimension, random)
    names = [f"{number:016x}" for number in random.integers(0, 2**62, rows // 50 + 1).tolist()]
    seconds = pa.array(np.zeros(rows))
    shot = {
        "seconds": 1.0, "time": START + timedelta(days=day), "x": 1.0, "y": 2.0, "width": 3.0,
        "height": 4.0, "pack": 1, "offset": 4, "length": 100,
    }  # fmt: skip
    kinds = schema.field("shots").type.value_type
    shots = pa.array([[shot | {f.name: 0.8 for f in kinds if f.name not in shot}]], pa.list_(kinds))
    ids = sorted(CAMERAS)
    return RECORDINGS.empty_table(), pa.table(
        {
            "recording_id": pa.array([names[n // 50] for n in range(rows)]),
            "ordinal": pa.array((np.arange(rows) % 50).astype(np.int32)),
            "camera_id": pa.array([ids[n] for n in random.integers(0, len(ids), rows).tolist()]),
            "first_seen": pa.array(first).cast(pa.timestamp("us", "UTC")),
            "last_seen": pa.array(first + 6_000_000).cast(pa.timestamp("us", "UTC")),
            "detections": pa.array(np.ones(rows, np.int32)),
            "searchable": pa.array(np.ones(rows, bool)),
            "first_seconds": seconds, "last_seconds": seconds,
            "notes": pa.array(np.zeros(rows, np.uint8)),
            "shots": shots.take(pa.array(np.zeros(rows, np.int64))),
            "template": pa.FixedSizeListArray.from_arrays(
                pa.array(vectors.reshape(-1)), PROFILE.dimension
            ),
        }
    ).cast(schema)  # fmt: skip


def crowd(committer: Committer, templates: int) -> int:
    """Add parts of days that are not asked about; return their number."""
    random = np.random.default_rng(4)
    places = places_of([*CAMERAS.values()])
    most = most_rows(PROFILE.dimension)
    left, number = templates, 0
    while left > 0:
        rows, day = min(left, most), 1 + number % 30
        (name,), _ = committer.manifest.reserve("writer", parts=[FIRST + day])
        part = write_part(
            committer.storage, name, content(day, rows, random), day=FIRST + day, places=places,
            profile=PROFILE,
        )  # fmt: skip
        committer.manifest.commit(Change(parts=[part], longest_tracklet=6_000_000))
        unread = [part.object(one) for one in PART_FILES if one not in (SCAN, UNSEARCHABLE)]
        committer.storage.delete(unread)
        left, number = left - rows, number + 1
    return number


def among(folder: Path, templates: int) -> dict[str, Any]:
    """A search of the same rows beside nothing, and among so many templates."""
    rows = max(templates // 100, 1600)
    each = [recordings([0], 16, 600 * (n % 100) + n // 100)[0] for n in range(rows // 16)]
    for name in ("few", "many"):
        made(folder / name).store(each, CAMERAS)
    parts = crowd(opened(folder / "many", "writer"), templates - rows)
    memory = 2**28
    readers = {name: reading(folder / name, memory) for name in ("few", "many")}
    probe = each[7].tracklets[2].template
    assert probe is not None
    camera = CAMERAS[each[7].recording.camera_id]
    assert camera.longitude is not None
    assert camera.latitude is not None
    east, north = camera.longitude, camera.latitude
    where = scope((east - 1e-4, north - 1e-4, east + 1e-4, north + 1e-4), 0, 1)  # 1 % of cameras
    assert best(readers["few"], probe, where) == best(readers["many"], probe, where) != []
    times = in_turn(lambda reader: best(reader, probe, where), readers, 30)
    whole, _ = timed(lambda: best(readers["many"], probe, scope(), threshold=2.0))
    return {
        "parts": parts + 1,
        f"search of the same rows, among {templates:,} : {rows:,}": bar(
            times["many"] / times["few"], most=1.5
        ),
        "search among few, ms": 1000 * times["few"],
        "search of all, no candidate, s": whole,
        "kept mapped : setting": bar(readers["many"].snapshot.open_parts.bytes / memory, most=1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=2000)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--planned", type=int, default=100_000)
    parser.add_argument("--tracklets", type=int, default=10_000)
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the galleries are made and removed")
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    add_shared(parser)
    given = parser.parse_args()
    if given.alone:
        what, folder, *more = given.alone
        kinds: dict[str, Callable[..., Any]] = {"many": many, "opening": opening, "merge": merge}
        rest = (int(one) if one.isdigit() else Path(one) for one in more)
        print(json.dumps(kinds[what](Path(folder), *rest)))
        return
    if given.small:
        given.parts, given.entries, given.planned = 16, 100, 1000
        given.tracklets, given.templates = 800, 5000
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        for what in ("manifests", "divided", "among"):
            (folder / what).mkdir()
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "many parts, at most 1,024 files": lambda: alone("many", folder / "of", given.parts),
            "manifest": lambda: manifests(folder / "manifests", given.entries, given.planned),
            "same rows": lambda: divided(folder / "divided", given.parts // 2),
            "merging and purging": lambda: busy(folder / "busy", given.tracklets),
            "many templates": lambda: among(folder / "among", given.templates),
        }
        result = {}
        for title, measure in steps.items():
            result[title] = measure()
            print(json.dumps({title: result[title]}, indent=1), flush=True)
        keep(given, result)
        print(json.dumps({"missed": missed(result)}, indent=1))


if __name__ == "__main__":
    main()
