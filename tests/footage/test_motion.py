"""The motion gate: what moves is looked at, what stands still is not."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.footage.motion import MotionGate

BLOCKS = np.random.default_rng(1).integers(40, 220, (9, 16)).astype(np.uint8)
STILL = np.kron(BLOCKS, np.ones((20, 20), np.uint8))


def with_spot(x: int, y: int) -> np.ndarray:
    picture = STILL.copy()
    picture[y : y + 30, x : x + 15] = 255
    return picture


def test_the_first_picture_is_looked_at_everywhere() -> None:
    assert MotionGate().look(STILL, 1.0) == (None, False)


def test_nothing_moves_in_a_still_picture_with_noise() -> None:
    gate = MotionGate()
    noise = np.random.default_rng(2)
    gate.look(STILL, 1.0)
    for _ in range(20):
        noisy = np.clip(STILL + noise.normal(0, 3, STILL.shape), 0, 255).astype(np.uint8)
        assert gate.look(noisy, 1.0) == ([], False)


def test_what_moves_is_found_in_pixels_of_the_recording() -> None:
    gate = MotionGate()
    gate.look(STILL, 3.0)
    regions, cut = gate.look(with_spot(100, 50), 3.0)
    assert regions is not None
    assert not cut
    (box,) = regions
    assert box.x < 300
    assert box.x + box.width > 345
    assert box.y < 150
    assert box.y + box.height > 240
    assert box.width * box.height < 0.1 * (960 * 540)


def test_two_spots_are_two_regions() -> None:
    gate = MotionGate()
    gate.look(STILL, 1.0)
    picture = np.maximum(with_spot(30, 20), with_spot(250, 120))
    regions, _ = gate.look(picture, 1.0)
    assert regions is not None
    assert len(regions) == 2


def test_who_stands_still_fades_into_the_background_slowly() -> None:
    gate = MotionGate()
    gate.look(STILL, 1.0)
    seen = [bool(gate.look(with_spot(100, 50), 1.0)[0]) for _ in range(200)]
    assert all(seen[:20])  # ten seconds at two looks a second
    assert not seen[-1]


@pytest.mark.parametrize("other", [255 - STILL, STILL[::-1]])
def test_another_scene_is_a_cut(other: np.ndarray) -> None:
    gate = MotionGate()
    gate.look(STILL, 1.0)
    assert gate.look(np.ascontiguousarray(other), 1.0) == (None, True)
