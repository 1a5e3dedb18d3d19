"""Search the town's footage for people who are in it and people who are not; count what is found.

    python benchmarks/town.py [--profile dlib] [--gallery FILE] [--json]

Two scopes are asked: the whole area and time, and half of the area for a few hours. The threshold
is the profile's default, which was set on other people (benchmarks/threshold.py). A found
appearance is one with a candidate of its own whose best shot lies on that person's face; a false
candidate is one that shows somebody else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.casework.register import here
from workbench.district import from_geojson
from workbench.domain import Box, Candidate, Scope, Shot, Threshold, parse_time
from workbench.errors import SightlineError
from workbench.faces.models import Models, load
from workbench.faces.probes import find_faces, make_photograph, pool_photographs
from workbench.faces.profiles import default_threshold
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.investigation import search

SHARED = Path(os.environ.get("SIGHTLINE_SHARED", Path(__file__).parents[2] / "shared"))
CASE = "BENCHMARK"
# A best shot is on a face if their centres are no further apart than this share of its width.
NEAR = 0.6


@dataclass(frozen=True, slots=True)
class Appearance:
    file: str
    camera_id: str
    person: str
    first_seen: datetime
    last_seen: datetime
    boxes: dict[float, Box]  # by seconds into the recording, twice a second

    def at(self, seconds: float) -> Box | None:
        """Where the face is, between the boxes that are known; None before and after."""
        known = sorted(self.boxes)
        if not known[0] - 0.5 <= seconds <= known[-1] + 0.5:
            return None
        numbers = [
            float(np.interp(seconds, known, [getattr(self.boxes[s], name) for s in known]))
            for name in ("x", "y", "width", "height")
        ]
        return Box(*numbers)


@dataclass(frozen=True, slots=True)
class Row:
    scope: str
    person: str
    in_footage: bool
    appearances: int
    found: int
    missed: int
    false: int


def read_truth(town: Path) -> tuple[list[str], list[str], list[Appearance]]:
    """Wanted people, absent people, and every appearance of anybody."""
    truth = json.loads((town / "truth.json").read_text())
    fps = truth["fps"]
    appearances = [
        Appearance(
            a["file"], a["camera_id"], a["person"],
            parse_time(a["first_seen"]), parse_time(a["last_seen"]),
            {int(n) / fps: Box(*box) for n, box in a["boxes"].items()},
        )
        for a in truth["appearances"]
    ]  # fmt: skip
    return truth["wanted"], truth["absent"], appearances


def on_faces(file: str, shot: Shot, appearances: list[Appearance]) -> list[int]:
    """Numbers of the appearances on whose face a shot may lie, nearest first.

    Several where people pass each other: their true boxes lie in one place then.
    """
    near = []
    for number, appearance in enumerate(appearances):
        box = appearance.at(shot.seconds) if appearance.file == file else None
        if box is not None:
            away = math.hypot(shot.box.centre_x - box.centre_x, shot.box.centre_y - box.centre_y)
            if away <= NEAR * box.width:
                near.append((away, number))
    return [number for _, number in sorted(near)]


def owner_of(file: str, shots: Sequence[Shot], appearances: list[Appearance]) -> int | None:
    """Number of the appearance that a tracklet's shots lie on; None if they lie on no face."""
    votes: defaultdict[int, float] = defaultdict(float)
    for shot in shots:
        for rank, number in enumerate(on_faces(file, shot, appearances)):
            votes[number] += 1.0 if rank == 0 else 0.5
    return max(votes, key=lambda number: votes[number]) if votes else None


def shown(candidate: Candidate, gallery: Gallery, appearances: list[Appearance]) -> int | None:
    """Number of the appearance that a candidate shows; None if it shows no face."""
    shots = gallery.shots(candidate.tracklet_id)
    return owner_of(candidate.recording, shots, appearances)


def following(gallery: Gallery, appearances: list[Appearance]) -> dict[str, float | int]:
    """How well faces were followed: coverage, splits, mixtures, false faces."""
    tracklets = gallery.tracklets()
    searchable = tracklets[tracklets["searchable"]]
    owners, mixed = [], 0
    for tracklet in searchable.itertuples():
        shots = gallery.shots(tracklet.tracklet_id)
        owner = owner_of(tracklet.recording, shots, appearances)
        possible = [set(on_faces(tracklet.recording, shot, appearances)) for shot in shots]
        mixed += any(numbers and owner not in numbers for numbers in possible)
        owners.append(owner)
    found = [owner for owner in owners if owner is not None]
    return {
        "appearances": len(appearances),
        "with a searchable tracklet": len(set(found)),
        "tracklets an appearance": round(len(found) / len(set(found)), 3),
        "with two people in it": mixed,
        "on no face": owners.count(None),
        "not searchable": len(tracklets) - len(searchable),
    }


def ask(
    name: str,
    scope: Scope,
    gallery: Gallery,
    models: Models,
    threshold: Threshold,
    probes: dict[str, list[Path]],
    appearances: list[Appearance],
) -> list[Row]:
    """One row a person asked for inside one scope."""
    inside = {camera.camera_id for camera in gallery.cameras_inside(scope.district)}
    rows = []
    for person, photographs in probes.items():
        wanted = {
            number
            for number, a in enumerate(appearances)
            if a.person == person
            and a.camera_id in inside
            and a.first_seen < scope.end
            and a.last_seen >= scope.start
        }
        probe = pool_photographs([largest(path, models) for path in photographs], models)
        result = search(gallery, probe, scope, case=CASE, top=None, threshold=threshold)
        hits = [shown(candidate, gallery, appearances) for candidate in result.candidates]
        found = wanted & {hit for hit in hits if hit is not None}
        false = sum(hit is None or appearances[hit].person != person for hit in hits)
        in_footage = any(a.person == person for a in appearances)
        rows.append(
            Row(name, person, in_footage, len(wanted), len(found), len(wanted - found), false)
        )
    return rows


def largest(path: Path, models: Models):
    """The photograph's largest face, as an analyst would pick it from an enrolment still."""
    return make_photograph(find_faces(path, models=models), 0, models=models)


def scopes(gallery: Gallery) -> dict[str, Scope]:
    """The whole area and time, and the western half between the second and the tenth hour."""
    cameras, span = gallery.cameras(), gallery.time_span()
    assert span is not None
    west, east = min(c.longitude for c in cameras), max(c.longitude for c in cameras)
    south, north = min(c.latitude for c in cameras), max(c.latitude for c in cameras)
    middle = sorted(c.longitude for c in cameras)[len(cameras) // 2]

    def rectangle(name: str, w: float, e: float):
        s, n = south - 0.001, north + 0.001
        ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
        return from_geojson({"type": "Polygon", "coordinates": [ring]}, name=name)

    start, end = span[0], span[1]
    whole, half = (
        rectangle("all", west - 0.001, east + 0.001),
        rectangle("half", west - 0.001, middle),
    )
    return {
        "whole area and time": Scope(whole, start, end),
        "half the area, eight hours": Scope(
            half, start + timedelta(hours=2), start + timedelta(hours=10)
        ),
    }


def summary(rows: list[Row]) -> pd.DataFrame:
    """Totals by scope, for wanted and for absent people."""
    frame = pd.DataFrame([asdict(row) for row in rows])
    lines = []
    for (scope, in_footage), group in frame.groupby(["scope", "in_footage"], sort=False):
        total = int(group["appearances"].sum())
        lines.append(
            {
                "scope": scope,
                "people": f"{len(group)} {'wanted' if in_footage else 'absent'}",
                "appearances": total,
                "found": int(group["found"].sum()),
                "missed": int(group["missed"].sum()),
                "share found": f"{group['found'].sum() / total:.3f}" if total else "",
                "false": int(group["false"].sum()),
                "false a person": round(float(group["false"].mean()), 2),
            }
        )
    return pd.DataFrame(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--gallery", type=Path, help="keep the gallery here, or use it again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    town = SHARED / "footage" / "town"
    if not town.is_dir():
        raise SystemExit(f"no footage at {town}; set SIGHTLINE_SHARED")
    wanted, absent, appearances = read_truth(town)
    probes = {p: sorted((town / "probes" / p).glob("*.jpg")) for p in wanted}
    probes |= {p: sorted((town / "absent" / p).glob("*.jpg")) for p in absent}
    models = load(options.profile)
    with tempfile.TemporaryDirectory() as scratch:
        path = options.gallery or Path(scratch) / "town.duckdb"
        with Gallery.for_writing(path, models.profile) as gallery:
            began = time.perf_counter()
            report = index_catalogue(town, gallery, models)
            seconds = time.perf_counter() - began
            threshold = default_threshold(models.profile)
            asked = scopes(gallery)
            here().train(CASE, next(iter(asked.values())))  # the whole, which holds the others
            rows = [
                row
                for name, scope in asked.items()
                for row in ask(name, scope, gallery, models, threshold, probes, appearances)
            ]
            tracklets = following(gallery, appearances)
    if options.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        print(json.dumps(tracklets))
    else:
        footage = sum(r.seconds for r in report.recordings)
        print(pd.DataFrame([asdict(row) for row in rows]).to_string(index=False), "\n")
        print(summary(rows).to_string(index=False), "\n")
        print(
            f"profile {models.profile.name}, threshold {threshold.score:g} "
            f"({threshold.calibration})"
        )
        for name, value in tracklets.items():
            print(f"{name:27} {value}")
        if footage:
            print(f"indexed {footage:.0f} s of footage in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
