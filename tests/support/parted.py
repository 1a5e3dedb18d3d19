"""Galleries of random recordings, and what was given to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from oracle import Town
from pictures import jpeg

from workbench.domain import (
    Box,
    Camera,
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Leg,
    Metric,
    Problem,
    Profile,
    Quality,
    Recording,
    ScoreCount,
    Shot,
    Stretch,
    Tracklet,
    Unseen,
    corrected,
    stretch_at,
)
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import CameraEntry, Change, RefusalEntry, RunEntry
from workbench.gallery.footage import Footage
from workbench.gallery.manifest import Manifest
from workbench.gallery.packs import Address
from workbench.gallery.questions import read_only
from workbench.gallery.resolving import Reader
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

CAMERAS = {f"C{n}": Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01) for n in range(6)}
"""Cameras of the galleries that tests fill by hand."""

START = datetime(2026, 3, 29, 12, tzinfo=UTC)
DIMENSION = 8
# Two without a place; C1 moves after half of the recordings; C7 has no footage.
SOME = [
    Camera("B", "Bus", None, None), Camera("B2", "Tram", None, None),
    *(Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01 + n / 900) for n in range(8)),
]  # fmt: skip
MOVED = Camera("C1", "Camera 1, moved", 51.4861, 0.002)


@dataclass
class Filled:
    """A gallery, for reading and writing, and what was given to it."""

    reader: Reader
    committer: Committer
    town: Town

    @property
    def recordings(self) -> list[IndexedRecording]:
        """Its recordings as their clocks are known now, in the order in which they came."""
        return [*self.town.recordings.values()]

    @property
    def footage(self) -> Footage:
        """What its manifest says of them."""
        return Footage(self.committer.manifest, str(self.reader.path))

    def close(self) -> None:
        """Close its manifest."""
        self.committer.manifest.close()


def opened(folder: Path, town: Town) -> Filled:
    """Open the gallery of :func:`filled`, in another process or folder."""
    manifest = Manifest(SQLiteDatabase(folder / "manifest.sqlite", write=True), "town.duckdb")
    return _of(folder, manifest, town.copy())


def _of(folder: Path, manifest: Manifest, town: Town) -> Filled:
    storage = Storage.at(folder)
    snapshot = Snapshot.latest(manifest, storage, memory_bytes=2**20)
    reader = Reader(folder / "town.duckdb", snapshot, folder / "derived")
    return Filled(reader, Committer(manifest, storage), town)


def random_recording(number: int, random: np.random.Generator) -> IndexedRecording:
    """Up to ten minutes of footage, with any trouble that its times can have."""
    camera = SOME[random.integers(0, 9)].camera_id
    offset = float(random.choice([0, 0, 0, 30, -7.5]))
    stretches = [Stretch(offset_seconds=offset, given_for="recording" if offset else "")]
    if random.random() < 0.3:
        doubt = str(random.choice(["", "joined"]))
        stretches.append(
            Stretch(200.0, doubt, offset_seconds=offset + 5, note="" if doubt else "old rules")
        )
    stated_at = START + timedelta(minutes=int(random.integers(0, 2 * 24 * 60)))
    shared = int(random.integers(0, 4)) if random.random() < 0.3 else number + 10
    recording = Recording(
        f"{camera}/{number % 7}.mp4", Path("x.mp4"), camera,
        stated_at - timedelta(seconds=offset), clock_offset_seconds=offset,
        stream=int(random.integers(1, 3)), rotation=90 if random.random() < 0.5 else None,
        catalogue=str(random.choice(["", "/media/one", "/media/two"])),
    )  # fmt: skip
    legs = (Leg(20.0, 480.0, None),) if camera == "B" else ()
    made = []
    for ordinal, first in enumerate(sorted(random.uniform(25, 470, random.integers(0, 9)))):
        second, last = round(first, 2), round(first + random.exponential(8), 2)
        seen = stated_at - stretch_at(stretches, second).shift + timedelta(seconds=second)
        shots: tuple[Shot, ...] = ()
        template = None
        if random.random() < 0.75:
            # Of few, so that many score the same.
            seed = int(random.integers(0, 12)) if random.random() < 0.5 else 100 * number + ordinal
            template = np.random.default_rng(seed).normal(0, 0.3, DIMENSION).astype(np.float32)
            quality = float(round(random.uniform(0, 1), 2))
            shots = tuple(
                Shot(
                    second + n, seen + timedelta(seconds=n), Box(1, 2, 3, 4),
                    Quality(quality * 0.9**n, 0.9, 0.8, 0.7, 0.6),
                    jpeg(f"{number}-{ordinal}-{n}"), template,
                )
                for n in range(random.integers(1, 3))
            )  # fmt: skip
        made.append(
            Tracklet(
                ordinal, seen, seen + timedelta(seconds=last - second), 3, shots, template,
                first_seconds=second, last_seconds=last,
            )
        )  # fmt: skip
    unseen = (Unseen(5.0, 20.0, "damaged"),) if random.random() < 0.3 else ()
    return IndexedRecording(
        recording, f"{shared:064x}", 1000 + number, 2000, 600.0, 640, 360, 7200, 1200, 50,
        tuple(made), stretches=tuple(stretches), unseen=unseen, legs=legs,
        track=str(random.choice(["film", "bus.gpx 00"])) if legs else "",
        problems=tuple(Problem(recording.file, *one) for one in TROUBLE[: number % 4]),
        different_people=COUNTS[: number % 4],
    )  # fmt: skip


TROUBLE = (("its clock jumps", 12.5), ("is cut off", None), ("a picture is damaged", 3.0))
COUNTS = (
    ScoreCount("plain", 0.5, 0.42, 0.02, 3), ScoreCount("other", 0.0, 0.1, 0.02, 0),
    ScoreCount("plain", 0.25, 0.4, 0.02, 1),
)  # fmt: skip


def filled(folder: Path, metric: Metric, seed: int, *, count: int = 24) -> Filled:
    """Random recordings in a gallery, stored in a few commits, with clocks corrected."""
    random = np.random.default_rng(seed)
    profile = Profile(
        "test", "dlib", "Dlib", "dlib-chip", metric, DIMENSION, (("a.dat", "00"), ("b.dat", "11"))
    )
    database = SQLiteDatabase(folder / "manifest.sqlite", write=True, create=True)
    manifest = Manifest.create(database, profile, str(folder / "town.duckdb"))
    made = _of(folder, manifest, Town(profile))
    add_cameras(made, SOME, START)
    recordings = [*{
        one.recording_id: one for one in (random_recording(n, random) for n in range(count))
    }.values()]  # fmt: skip
    half = len(recordings) // 2
    store(made, recordings[:3])
    store(made, recordings[3:half])
    add_cameras(made, [MOVED], START + timedelta(days=1))
    store(made, recordings[half:])
    refuse(made)
    correct(made, recordings[1::5], float(random.choice([90, -3600 * 12])))
    return made


def add_cameras(made: Filled, cameras: Sequence[Camera], noted_at: datetime) -> None:
    """Note cameras, where they are from now on."""
    made.committer.manifest.commit(Change(cameras=[CameraEntry(one, noted_at) for one in cameras]))
    made.town.cameras |= {one.camera_id: one for one in cameras}


def store(made: Filled, recordings: Sequence[IndexedRecording]) -> None:
    """Store recordings in one commit."""
    made.committer.store(recordings, made.town.cameras)
    made.town.recordings |= {one.recording_id: one for one in recordings}


def refuse(made: Filled) -> None:
    """Have a run refuse two recordings, one of which a clock's setting moves."""
    at = START + timedelta(hours=3)
    refused = [RefusalEntry(f"C{n}", f"bad {n}.mp4", at, "is empty", at, 0.0, "") for n in (0, 1)]
    run = RunEntry("footage", at, at, 1, 2, 0)
    made.committer.manifest.commit(Change(runs=[run], refusals=refused))
    made.town.runs.append(run)
    made.town.refusals += refused


def correct(made: Filled, recordings: Sequence[IndexedRecording], seconds: float) -> None:
    """Correct the clocks of some recordings, and that of a camera for what comes."""
    correction = ClockCorrection(seconds, "Anna", "speaking clock", START, 0.5)
    setting = ClockSetting(replace(correction, offset_seconds=1800.0), camera_id="C0")
    names = [one.recording_id for one in recordings]
    others = {
        name: corrected(made.town.recordings[name].stretches, correction, "recording")
        for name in names
    }
    restate(made.committer, others, [setting])
    made.town.correct(names, correction, "recording")
    made.town.clocks.append(setting)


VIEWS = (
    "recordings", "tracklets", "shots", "problems", "stretches", "unseen", "legs", "spans",
    "different_people", "clocks", "runs", "refusals", "cameras", "unseen_spans", "sightings_view",
    "recordings_view", "cameras_view", "coverage_view",
)  # fmt: skip
"""Every table and documented view, but for that of templates."""


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[list[str], list[object]]]:
    """Columns and rows of every documented table and view.

    Without when a recording was stored, and where pictures lie.
    """
    found = {}
    for view in VIEWS:
        table = connection.sql(f"SELECT * FROM {view} ORDER BY ALL").to_arrow_table()
        drop = {"indexed_at", "pack", "offset", "length"}
        table = table.drop_columns([name for name in table.column_names if name in drop])
        found[view] = table.column_names, [list(row.values()) for row in table.to_pylist()]
    return found


def answers_of(snapshot: Snapshot) -> dict[str, tuple[list[str], list[object]]]:
    """:func:`answers` of a snapshot."""
    with read_only(snapshot) as connection:
        return answers(connection)


def pictures(snapshot: Snapshot) -> dict[tuple[str, int, int], tuple[bytes, bytes]]:
    """JPEG and template of each shot, by recording, ordinal and rank."""
    with read_only(snapshot) as connection:
        rows = connection.execute('SELECT pack, "offset", length FROM shots').fetchall()
    return {
        (one.recording_id, one.ordinal, one.rank): (one.jpeg, one.template.tobytes())
        for one in snapshot.pictures([Address(*row) for row in rows])
    }
