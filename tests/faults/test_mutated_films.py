"""Films and sequences of pictures damaged at random end in an answer or a refusal.

Each kind is read in a process of its own, which may neither crash, nor hang, nor fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import filmfuzz
import pytest
from mutations import MUTATIONS, try_apart

from workbench.footage.frames import RecordingReader


@pytest.fixture(scope="module")
def films(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with a film of each kind."""
    return once("small-films", filmfuzz.make_films)


@pytest.mark.slow
def test_the_films_are_read_as_they_are(films: Path) -> None:
    for name in filmfuzz.FILMS:
        with RecordingReader(films / name) as reader:
            assert len(list(reader.frames())) == 15, name
            # FFmpeg makes times up for it; that 25 a second are a guess is said.
            assert len(reader.doubts) == len(reader.problems) == (name == "raw.mjpeg"), name


@pytest.mark.slow
def test_what_looks_like_packets_everywhere_holds_nobody_up(films: Path, tmp_path: Path) -> None:
    read = partial(filmfuzz.read_false_starts, films, tmp_path / "noise.ts")
    assert try_apart("h264.ts", 1, read) == {"read": 1}


@pytest.mark.soak
@pytest.mark.parametrize("kind", [*filmfuzz.FILMS, *filmfuzz.PLACED, "sequence"])
def test_mutated_films_are_read_or_refused(films: Path, tmp_path: Path, kind: str) -> None:
    read = partial(filmfuzz.read_film, films, tmp_path / "damaged")
    outcomes = try_apart(kind, MUTATIONS // 2, read)
    assert outcomes["read"] + outcomes["in part"] > MUTATIONS / 20, outcomes
