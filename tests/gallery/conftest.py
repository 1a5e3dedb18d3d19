"""Small galleries of synthetic templates, in real DuckDB files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import objectstore
import pytest
from manifests import Opening, in_postgres, in_sqlite
from objectstore import ObjectStore
from parted import CAMERAS as KNOWN
from pictures import jpeg
from postgres import Postgres, programs, running
from searching import JOINED

from workbench.domain import (
    Box,
    Camera,
    IndexedRecording,
    Problem,
    Profile,
    Quality,
    Recording,
    Shot,
    Tracklet,
    Unseen,
    stretches_of,
)
from workbench.gallery import Gallery
from workbench.gallery.committing import Committer
from workbench.gallery.entries import CameraEntry, Change
from workbench.gallery.manifest import Manifest
from workbench.gallery.storage import Storage

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
PROFILE = Profile(
    "test", "dlib", "Dlib", "dlib-chip", "euclidean", 8, (("a.dat", "00"), ("b.dat", "11"))
)
CAMERAS = [Camera(f"C{n}", f"Camera {n}", round(51.48 + n / 1000, 3), -0.01) for n in range(6)]


def vector(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, PROFILE.dimension).astype(np.float32)


def recording_of(
    camera: int, minute: int, seeds: tuple[int, ...], *, problems: tuple[Problem, ...] = ()
) -> IndexedRecording:
    """Ten minutes of footage with one searchable tracklet a minute, and one that is not."""
    started_at = START + timedelta(minutes=minute)
    recording = Recording(f"{camera}-{minute}.mp4", Path("x.mp4"), f"C{camera}", started_at)
    tracklets = []
    for ordinal, seed in enumerate(seeds):
        seen = started_at + timedelta(minutes=ordinal)
        shots = tuple(
            Shot(
                60.0 * ordinal + n, seen + timedelta(seconds=n), Box(10, 20, 30, 40),
                Quality(0.9 - n / 10, 0.9, 0.8, 0.7, 0.6), jpeg(f"jpeg {n} of {seed}"),
                vector(seed + n),
            )
            for n in range(2)
        )  # fmt: skip
        tracklets.append(
            Tracklet(ordinal, seen, seen + timedelta(seconds=5), 9, shots, vector(seed))
        )
    unclear = started_at + timedelta(minutes=9)
    tracklets.append(Tracklet(len(seeds), unclear, unclear, 1))
    return IndexedRecording(
        recording, (f"{camera}{minute:04}" * 13)[:64], 1000, 2000, 600.0, 640, 360, 7200, 1200, 50,
        tuple(tracklets), problems,
    )  # fmt: skip


@pytest.fixture
def profile() -> Profile:
    return PROFILE


@pytest.fixture
def indexed() -> Callable[..., IndexedRecording]:
    return recording_of


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Postgres of this process of the test run."""
    if programs() is None:
        pytest.skip("Postgres is not installed (Debian: postgresql)")
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def running_store() -> Iterator[ObjectStore]:
    """Object store of this process of the test run."""
    if objectstore.program() is None:
        pytest.skip("NO TEST IN AN OBJECT STORE WAS RUN: there is none (tools/ensure-object-store)")
    with objectstore.running() as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """What opens manifests: in each database that there is."""
    if request.param == "sqlite":
        return in_sqlite
    return in_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
def committer(opening: Opening, tmp_path: Path) -> Iterator[Committer]:
    """Writer of a gallery, with its cameras."""
    database = opening(tmp_path, write=True, create=True)
    made = Committer(Manifest.create(database, PROFILE, "town.duckdb"), Storage.at(tmp_path))
    known = [CameraEntry(one, START) for one in KNOWN.values()]
    made.manifest.commit(Change(cameras=known))
    yield made
    made.manifest.close()


@pytest.fixture
def joined() -> IndexedRecording:
    """Ten minutes, joined after 150 s; 20 s of it could not be seen, nor the first five."""
    whole = recording_of(5, 600, (500, 501, 502, 503, 504))
    return replace(
        whole,
        recording=replace(
            whole.recording, stream=2, rotation=90, pixel_aspect=Fraction(12, 11), frame_rate=6.25
        ),
        stretches=stretches_of([(150.0, JOINED)]),
        unseen=(Unseen(0.0, 5.0, "no key picture"), Unseen(140.0, 160.0, "damaged")),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.duckdb"


def filled(path: Path, profile: Profile) -> Gallery:
    """Six cameras; three recordings of ten minutes on each of four of them."""
    made = Gallery.create(path, profile)
    made.add_cameras(CAMERAS)
    seed = 0
    for camera in range(4):
        for minute in (0, 60, 120):
            made.add_recording(recording_of(camera, minute, tuple(range(seed, seed + 5))))
            seed += 5
    return made


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled gallery, not to be opened: filling one waits for the disk some fifty times."""
    path = tmp_path_factory.mktemp("stored") / "gallery.duckdb"
    filled(path, PROFILE).close()
    return path


@pytest.fixture
def gallery(
    stored: Path, tmp_path: Path, copied: Callable[[Path, Path], Path]
) -> Iterator[Gallery]:
    """The filled gallery of the test alone, open for writing."""
    with Gallery.open(copied(stored, tmp_path), write=True) as made:
        yield made


@pytest.fixture(scope="module", params=["euclidean", "cosine"])
def searched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gallery]:
    """The same gallery under each metric, not to be written to."""
    path = tmp_path_factory.mktemp(request.param) / "gallery.duckdb"
    with filled(path, replace(PROFILE, metric=request.param)) as made:
        yield made
