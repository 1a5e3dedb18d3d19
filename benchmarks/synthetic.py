"""Synthetic galleries for benchmarks: a city's cameras, and people who pass them.

They are made through what galleries have had for long, so that older code can make its own.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from workbench.domain import (
    Box,
    Camera,
    IndexedRecording,
    Profile,
    Quality,
    Recording,
    Shot,
    Tracklet,
)
from workbench.gallery import Gallery

START, DAYS = datetime(2026, 3, 1, tzinfo=UTC), 10
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
