"""Footage as it arrives, kind by kind: both people are seen, and when they were seen."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import arrivals
import pytest
from arrivals import Seer, Sighted

from workbench.faces.models import load

STARTED = datetime(2026, 3, 29, tzinfo=UTC)
NEAR = 0.5  # seconds


@pytest.fixture(scope="module")
def seer(tmp_path_factory: pytest.TempPathFactory) -> Seer:
    return Seer.made(load("dlib", home=tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def scene() -> tuple[arrivals.Pictures, arrivals.Pictures]:
    return arrivals.scene()


@pytest.fixture(scope="module")
def healthy(
    seer: Seer, scene: tuple[arrivals.Pictures, arrivals.Pictures], once: Callable[..., Path]
) -> list[Sighted]:
    """Who is seen in the film to which nothing happened."""
    folder = once("healthy-scene", lambda folder: catalogue(folder, arrivals.healthy, scene))
    indexed = seer.index(folder)
    assert indexed.problems == ()
    found = seer.sighted(indexed)
    assert [one.person for one in found] == [arrivals.FIRST, arrivals.SECOND]
    return found


def catalogue(
    folder: Path, make: arrivals.Make, scene: tuple[arrivals.Pictures, arrivals.Pictures]
) -> None:
    row = make(folder, *scene) | {"camera_id": "C1", "started_at": STARTED.isoformat()}
    (folder / "cameras.csv").write_text("camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n")
    with (folder / "footage.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "later", "told"),
    [
        (arrivals.joined, 0.0, ["recordings were joined"]),
        (arrivals.raw, 0.0, []),
        (arrivals.time_lapse, 0.0, []),
        (arrivals.cut_between_keys, -1 / 12, ["could not be seen"]),
        (arrivals.half_as_wide, 0.0, []),
        (arrivals.half_as_high, 0.0, []),
        (arrivals.grown, 0.0, []),
        (arrivals.mirrored_across, 0.0, []),
        (arrivals.mirrored_down, 0.0, []),
        (arrivals.second_lens, 0.0, []),
        (arrivals.unpadded_names, 0.0, ["20.jpg cannot be read"]),
        (arrivals.long_pause, arrivals.PAUSE, []),
        (arrivals.reordered_in_avi, 0.0, []),
        (arrivals.upside_down, 0.0, []),
        (arrivals.squeezed, 0.0, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_both_people_are_seen_when_they_were_seen(
    tmp_path: Path,
    seer: Seer,
    scene: tuple[arrivals.Pictures, arrivals.Pictures],
    healthy: list[Sighted],
    make: arrivals.Make,
    later: float,
    told: list[str],
) -> None:
    """*later* is by how much the second person is seen later than in the healthy film."""
    catalogue(tmp_path, make, scene)
    indexed = seer.index(tmp_path)
    found = seer.sighted(indexed)
    second = [one for one in found if one.person == arrivals.SECOND]
    assert {one.person for one in found} >= {arrivals.SECOND}
    assert second[0].first == pytest.approx(healthy[1].first + later, abs=NEAR)
    assert second[-1].last == pytest.approx(healthy[1].last + later, abs=NEAR)
    first = [one for one in found if one.person == arrivals.FIRST]
    if make is not arrivals.cut_between_keys:  # where the pictures of the first are lost
        assert first[0].first == pytest.approx(healthy[0].first, abs=NEAR)
        assert first[-1].last == pytest.approx(healthy[0].last, abs=NEAR)
    assert len(found) == len(first) + len(second)
    said = [problem.what for problem in indexed.problems]
    assert all(any(words in what for what in said) for words in told), said
    assert len(said) == len(told), said
    # Times are in doubt after the join, and nowhere else.
    doubts = [bool(one.doubt) for one in found]
    assert doubts == [make is arrivals.joined and one.person == arrivals.SECOND for one in found]
