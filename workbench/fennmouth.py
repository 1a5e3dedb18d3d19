"""Fennmouth, the fictional town of the demo: its files, in the wheel or in the checkout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from workbench.domain import parse_time
from workbench.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Appearance:
    """A fictional person in view of a camera, which a search should find.

    It lasts from the first to the last frame with the whole face visible, at least 44 px wide.
    """

    file: str  # as catalogued
    camera_id: str
    person: str
    first_seen: datetime  # UTC
    last_seen: datetime  # UTC


@dataclass(frozen=True, slots=True)
class DemoTown:
    """Fennmouth, a fictional town with rendered people, ready to be indexed and searched."""

    root: Path  # the catalogue: cameras.csv, footage.csv, clips/
    photographs: Mapping[str, tuple[Path, ...]]  # of wanted people, by name
    absent: Mapping[str, tuple[Path, ...]]  # of people who pass no camera, by name
    districts: Mapping[str, Path]  # GeoJSON files by name, the whole town first
    streets: Path  # GeoJSON to draw under a map
    truth: tuple[Appearance, ...]  # of all people, wanted or not, in order of time
    time_zone: ZoneInfo
    start: datetime  # UTC; the hour of the footage
    end: datetime  # UTC


@cache
def demo_town() -> DemoTown:
    """Return the demo town of this installation; no file is copied.

    Raises
    ------
    CatalogueError
        If its files are missing, as in a wheel built without them.
    """
    root = _root()
    truth = json.loads((root / "truth.json").read_text(encoding="utf-8"))
    appearances = (
        Appearance(
            file=a["file"],
            camera_id=a["camera_id"],
            person=a["person"],
            first_seen=parse_time(a["first_seen"]),
            last_seen=parse_time(a["last_seen"]),
        )
        for a in truth["appearances"]
    )
    return DemoTown(
        root=root,
        photographs={name: _photographs(root / "probes", name) for name in truth["wanted"]},
        absent={name: _photographs(root / "absent", name) for name in truth["absent"]},
        districts={name: root / path for name, path in truth["districts"].items()},
        streets=root / "streets.geojson",
        truth=tuple(sorted(appearances, key=lambda a: (a.first_seen, a.person))),
        time_zone=ZoneInfo(truth["time_zone"]),
        start=parse_time(truth["start"]),
        end=parse_time(truth["end"]),
    )


def _root() -> Path:
    here = Path(__file__).parent
    packaged = here / "demo" / "_data"  # put there when the wheel is built
    checkout = here.parent / "data" / "demo"
    for root in (packaged, checkout):
        if (root / "truth.json").is_file():
            return root
    raise CatalogueError(
        "the demo's files are missing",
        where=str(packaged),
        fix="Install Sightline again, or use a checkout that has data/demo",
    )


def _photographs(folder: Path, name: str) -> tuple[Path, ...]:
    """Find the photographs of a person: ``folder/first-last/1.jpg`` and so on."""
    return tuple(sorted((folder / name.lower().replace(" ", "-")).glob("*.jpg")))
