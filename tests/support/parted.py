"""Galleries in parts: their cameras, and random ones beside galleries of segments with the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
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
from workbench.gallery import Gallery
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import CameraEntry, Change, RefusalEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.packs import Address
from workbench.gallery.questions import read_only
from workbench.gallery.resolving import Reader
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

CAMERAS = {f"C{n}": Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01) for n in range(6)}
"""Cameras of the galleries in parts that tests make."""

START = datetime(2026, 3, 29, 12, tzinfo=UTC)
DIMENSION = 8
# Two without a place; C1 moves after half of the recordings; C7 has no footage.
SOME = [
    Camera("B", "Bus", None, None), Camera("B2", "Tram", None, None),
    *(Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01 + n / 900) for n in range(8)),
]  # fmt: skip
MOVED = Camera("C1", "Camera 1, moved", 51.4861, 0.002)


@dataclass
class InParts:
    """A gallery in parts, for reading and writing."""

    reader: Reader
    committer: Committer
    recordings: list[IndexedRecording]

    def close(self) -> None:
        """Close its manifest."""
        self.committer.manifest.close()


@dataclass
class Twins(InParts):
    """The same recordings in a gallery of parts and in one of segments."""

    gallery: Gallery

    def close(self) -> None:
        """Close both."""
        super().close()
        self.gallery.close()


def opened(folder: Path, recordings: Sequence[IndexedRecording] = ()) -> InParts:
    """Open the one in parts of :func:`twins`, in another process or folder."""
    manifest = Manifest(SQLiteDatabase(folder / "manifest.sqlite", write=True), "town.duckdb")
    return _of(folder, manifest, recordings)


def _of(folder: Path, manifest: Manifest, recordings: Sequence[IndexedRecording]) -> InParts:
    storage = Storage.at(folder)
    snapshot = Snapshot.latest(manifest, storage, memory_bytes=2**20)
    reader = Reader(folder / "town.duckdb", snapshot, folder / "derived")
    return InParts(reader, Committer(manifest, storage), [*recordings])


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


def twins(folder: Path, metric: Metric, seed: int, *, count: int = 24) -> Twins:
    """Both kinds of gallery with random recordings, stored in a few commits and corrected."""
    random = np.random.default_rng(seed)
    profile = Profile(
        "test", "dlib", "Dlib", "dlib-chip", metric, DIMENSION, (("a.dat", "00"), ("b.dat", "11"))
    )
    database = SQLiteDatabase(folder / "manifest.sqlite", write=True, create=True)
    path = folder / "town.duckdb"
    parts = _of(folder, Manifest.create(database, profile, str(path)), [])
    made = Twins(parts.reader, parts.committer, [], Gallery.create(path, profile))
    add_cameras(made, SOME, START)
    recordings = {}
    for number in range(count):
        one = random_recording(number, random)
        recordings[one.recording_id] = one
    made.recordings = [*recordings.values()]
    half = len(made.recordings) // 2
    store(made, made.recordings[:3], SOME)
    store(made, made.recordings[3:half], SOME)
    add_cameras(made, [MOVED], START + timedelta(days=1))
    now = [MOVED if one.camera_id == MOVED.camera_id else one for one in SOME]
    store(made, made.recordings[half:], now)
    refuse(made)
    correct(made, made.recordings[1::5], float(random.choice([90, -3600 * 12])))
    return made


def add_cameras(made: Twins, cameras: Sequence[Camera], noted_at: datetime) -> None:
    """Note cameras in both."""
    made.gallery.add_cameras(cameras)
    made.committer.manifest.commit(Change(cameras=[CameraEntry(one, noted_at) for one in cameras]))


def store(made: Twins, recordings: Sequence[IndexedRecording], cameras: Sequence[Camera]) -> None:
    """Store recordings in both, in one commit each."""
    made.gallery.add_recordings(recordings)
    made.committer.store(recordings, {one.camera_id: one for one in cameras})


def refuse(made: Twins) -> None:
    """Have two recordings refused, one of which a clock's setting moves."""
    at = START + timedelta(hours=3)
    refused = [(Recording(f"bad {n}.mp4", Path("x"), f"C{n}", at), "is empty") for n in range(2)]
    made.gallery.add_run("footage", at, at, indexed=1, refused=refused, left=0)
    made.committer.manifest.commit(
        Change(
            refusals=[
                RefusalEntry(one.camera_id, one.file, one.stated_at, why, at, 0.0, "")
                for one, why in refused
            ]
        )
    )


def correct(made: InParts, recordings: Sequence[IndexedRecording], seconds: float) -> None:
    """Correct the clocks of some recordings, and that of a camera for what comes."""
    correction = ClockCorrection(seconds, "Anna", "speaking clock", START, 0.5)
    setting = ClockSetting(replace(correction, offset_seconds=1800.0), camera_id="C0")
    known = made.committer.manifest.recordings([one.recording_id for one in recordings])
    others = {
        name: corrected(one.stretches, correction, "recording") for name, one in known.items()
    }
    restate(made.committer, others, [setting])
    if isinstance(made, Twins):
        made.gallery.restate(others, [setting])


VIEWS = {
    "recordings": "EXCLUDE (indexed_at)", "tracklets": "", "shots": "", "problems": "",
    "stretches": "", "unseen": "", "legs": "", "spans": "", "different_people": "", "clocks": "",
    "runs": "", "refusals": "", "cameras": "", "unseen_spans": "", "sightings_view": "",
    "recordings_view": "", "cameras_view": "", "coverage_view": "",
}  # fmt: skip


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[list[str], list[object]]]:
    """Columns and rows of every documented table and view."""
    found = {}
    for view, less in VIEWS.items():
        table = connection.sql(f"SELECT * {less} FROM {view} ORDER BY ALL").to_arrow_table()
        drop = {"jpeg", "template", "pack", "offset", "length", "noted_at"}
        table = table.drop_columns([name for name in table.column_names if name in drop])
        found[view] = table.column_names, [list(row.values()) for row in table.to_pylist()]
    return found


def pictures(snapshot: Snapshot) -> dict[tuple[str, int, int], tuple[bytes, bytes]]:
    """JPEG and template of each shot of one in parts."""
    with read_only(snapshot) as connection:
        rows = connection.execute('SELECT pack, "offset", length FROM shots').fetchall()
    return {
        (one.recording_id, one.ordinal, one.rank): (one.jpeg, one.template.tobytes())
        for one in snapshot.pictures([Address(*row) for row in rows])
    }


def pictures_of(gallery: Gallery) -> dict[tuple[str, int, int], tuple[bytes, bytes]]:
    """JPEG and template of each shot of a gallery of segments."""
    rows = gallery.arrow("SELECT recording_id, ordinal, rank, jpeg, template FROM shots")
    return {
        (name, ordinal, rank): (jpeg, np.array(template, np.float32).tobytes())
        for name, ordinal, rank, jpeg, template in zip(*rows.to_pydict().values(), strict=True)
    }
