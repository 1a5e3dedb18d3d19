"""Search the town's footage for people who are in it and people who are not; count what is found.

    python benchmarks/town.py [--profile dlib] [--gallery FILE] [--json] [--small]

Two scopes are asked: the whole area and time, and half of the area for a few hours. The threshold
is the profile's default, which was set on other people (benchmarks/lab.py). A found
appearance is one with a candidate of its own whose best shot lies on that person's face; a false
candidate is one that shows somebody else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sources
from options import add_shared, keep
from truth import Truth

from workbench.district import from_geojson
from workbench.domain import Candidate, Scope
from workbench.errors import SightlineError
from workbench.evaluation.intervals import interval, resampled
from workbench.faces.models import Models
from workbench.faces.probes import find_faces, make_photograph, pool_photographs
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.installation import Installation
from workbench.investigation import search

CASE = "BENCHMARK"
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one search."""

    scope: str
    person: str
    in_footage: bool
    appearances: int
    found: int
    missed: int
    false: int


def shown(candidate: Candidate, gallery: Gallery, truth: Truth) -> int | None:
    """Number of the appearance that a candidate shows; None if it shows no face."""
    return truth.owner(candidate.recording, gallery.shots(candidate.tracklet_id))


def tracking(gallery: Gallery, truth: Truth) -> dict[str, float | int]:
    """Measure the tracking: coverage, splits, mixtures, false faces."""
    tracklets = gallery.tracklets()
    searchable = tracklets[tracklets["searchable"]]
    owners, mixed = [], 0
    for tracklet in searchable.itertuples():
        shots = gallery.shots(tracklet.tracklet_id)
        owner = truth.owner(tracklet.recording, shots)
        possible = [set(truth.on_faces(tracklet.recording, shot)) for shot in shots]
        mixed += any(numbers and owner not in numbers for numbers in possible)
        owners.append(owner)
    found = [owner for owner in owners if owner is not None]
    return {
        "appearances": len(truth.appearances),
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
    probes: dict[str, list[Path]],
    truth: Truth,
    installation: Installation,
) -> list[Row]:
    """One row a person asked for inside one scope."""
    inside = {camera.camera_id for camera in gallery.cameras_inside(scope.district)}
    rows = []
    for person, photographs in probes.items():
        wanted = {
            number
            for number, a in enumerate(truth.appearances)
            if a.person == person
            and a.camera_id in inside
            and a.first_seen < scope.end
            and a.last_seen >= scope.start
        }
        probe = pool_photographs([largest(path, models) for path in photographs], models)
        threshold = installation.default_threshold(models.profile, photographs=len(photographs))
        result = search(
            gallery, probe, scope, case=CASE, register=installation.register,
            top=None, threshold=threshold,
        )  # fmt: skip
        hits = [shown(candidate, gallery, truth) for candidate in result.candidates]
        found = wanted & {hit for hit in hits if hit is not None}
        false = sum(hit is None or truth.appearances[hit].person != person for hit in hits)
        in_footage = any(a.person == person for a in truth.appearances)
        rows.append(
            Row(name, person, in_footage, len(wanted), len(found), len(wanted - found), false)
        )
    return rows


def largest(path: Path, models: Models):
    """The photograph's largest face, as an analyst would pick it from an enrolment still."""
    return make_photograph(find_faces(path, models=models), 1, models=models)


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
                "share found": _share(group) if total else "",
                "false": int(group["false"].sum()),
                "false a person": _mean(group["false"].to_numpy()),
            }
        )
    return pd.DataFrame(lines)


def _share(group: pd.DataFrame) -> str:
    """Share of appearances found, people drawn again for its interval."""
    drawn = resampled(len(group), DRAWS)
    found, of = (drawn @ group[name].to_numpy() for name in ("found", "appearances"))
    share = float(group["found"].sum() / group["appearances"].sum())
    rate = interval(share, found[of > 0] / of[of > 0], int((group["appearances"] > 0).sum()))
    return f"{rate.value:.3f} ({rate.low:.3f}–{rate.high:.3f})"


def _mean(numbers: np.ndarray) -> str:
    """Mean of a number by person, people drawn again for its interval."""
    means = resampled(len(numbers), DRAWS) @ numbers / len(numbers)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{numbers.mean():.2f} ({low:.2f}–{high:.2f})"


def searched(
    gallery: Gallery, footage: Path, models: Models, installation: Installation
) -> list[Row]:
    """Search for everybody who is looked for in some footage, in each scope."""
    truth = Truth.read(footage / "truth.json")
    probes = photographs_of(footage, truth)
    asked = scopes(gallery)
    whole = next(iter(asked.values()))  # in place; short footage ends before the eight hours do
    end = max(scope.end for scope in asked.values())
    installation.register.train(CASE, replace(whole, end=end))
    return [
        row
        for name, scope in asked.items()
        for row in ask(name, scope, gallery, models, probes, truth, installation)
    ]


def photographs_of(footage: Path, truth: Truth) -> dict[str, list[Path]]:
    """Photographs of everybody who is looked for, in the footage or not, by person."""
    probes = {p: sorted((footage / "probes" / p).glob("*.jpg")) for p in truth.wanted}
    return probes | {p: sorted((footage / "absent" / p).glob("*.jpg")) for p in truth.absent}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--gallery", type=Path, help="keep the gallery here, or use it again")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    installation = Installation.open()
    models = installation.load_models(options.profile)
    with tempfile.TemporaryDirectory() as scratch, sources.town(small=options.small) as footage:
        path = options.gallery or Path(scratch) / "town.duckdb"
        truth = Truth.read(footage / "truth.json")
        with Gallery.for_writing(path, models.profile) as gallery:
            began = time.perf_counter()
            report = index_catalogue(footage, gallery, models)
            seconds = time.perf_counter() - began
            rows = searched(gallery, footage, models, installation)
            tracklets = tracking(gallery, truth)
        most = max(len(photographs) for photographs in photographs_of(footage, truth).values())
    told = {"people": summary(rows), "tracking": tracklets}
    keep(options, told, f"town {options.profile}")
    if options.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        print(json.dumps(tracklets))
    else:
        footage_seconds = sum(r.seconds for r in report.recordings)
        print(pd.DataFrame([asdict(row) for row in rows]).to_string(index=False), "\n")
        print(summary(rows).to_string(index=False), "\n")
        threshold = installation.default_threshold(models.profile, photographs=most)
        print(
            f"profile {models.profile.name}, threshold {threshold.score:g} "
            f"({threshold.calibration})"
        )
        for name, value in tracklets.items():
            print(f"{name:27} {value}")
        if footage_seconds:
            print(f"indexed {footage_seconds:.0f} s of footage in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
