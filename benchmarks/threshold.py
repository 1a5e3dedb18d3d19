"""Set the default threshold on one half of LFW's people, and report it on the other half.

    python benchmarks/threshold.py [--profile dlib] [--json]

Each person with four stills or more gives a probe of two pooled stills and a gallery entry of the
others pooled, which is what a search compares. The threshold lets 1 of 200 different people pass in
the first half; false match rate and false non-match rate (ISO/IEC 19795-1) of the second half come
with 95 % intervals from a bootstrap by person. People of ``footage/town``, whose stills are from
LFW too, are left out: the threshold is tried on them in ``town.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

import numpy as np

from workbench.errors import NoFaceFound, SightlineError
from workbench.faces import templates
from workbench.faces.models import Models, load
from workbench.faces.probes import find_faces, make_photograph
from workbench.faces.profiles import default_threshold

SHARED = Path(os.environ.get("SIGHTLINE_SHARED", Path(__file__).parents[2] / "shared"))
PASSING = 1 / 200
IN_PROBE, STILLS, LEAST = 2, 5, 4


def central_template(path: Path, models: Models) -> np.ndarray | None:
    """Template of the face nearest the middle of a still; None where no face is found."""
    try:
        found = find_faces(path, models=models)
    except NoFaceFound:
        return None
    height, width = found.image.shape[:2]
    middle = min(
        range(len(found.faces)),
        key=lambda i: np.hypot(
            found.faces[i].box.centre_x - width / 2, found.faces[i].box.centre_y - height / 2
        ),
    )
    return make_photograph(found, middle, models=models).template


def people_of_town() -> set[str]:
    """Labels of all who are in the town's clips or are looked for there."""
    town = SHARED / "footage" / "town"
    labels = re.findall(r"P\d{4}", (town / "truth.json").read_text())
    files = [*(town / "probes").iterdir(), *(town / "absent").iterdir()]
    return {*labels, *(path.stem for path in files)}


def scores_of(people: list[list[np.ndarray]], models: Models) -> np.ndarray:
    """Scores ``(n, n)`` of each person's probe (rows) against each gallery entry."""
    metric = models.profile.metric
    probes = [templates.pool(np.stack(stills[:IN_PROBE]), metric) for stills in people]
    entries = np.stack([templates.pool(np.stack(s[IN_PROBE:]), metric) for s in people])
    return np.stack([templates.scores(entries, probe, metric) for probe in probes])


def rates(scores: np.ndarray, threshold: float) -> tuple[float, float]:
    """False match rate and false non-match rate at a threshold."""
    same = np.eye(len(scores), dtype=bool)
    return float((scores[~same] >= threshold).mean()), float((scores[same] < threshold).mean())


def interval(scores: np.ndarray, threshold: float, draws: int = 1000) -> np.ndarray:
    """95 % intervals ``(2, 2)`` of both rates, people drawn again with replacement."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(draws):
        chosen = generator.integers(0, len(scores), len(scores))
        different = chosen[:, None] != chosen[None]
        sample = scores[np.ix_(chosen, chosen)]
        fmr = (sample[different] >= threshold).mean()
        drawn.append((fmr, (np.diag(sample) < threshold).mean()))
    return np.quantile(drawn, [0.025, 0.975], axis=0).T


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    stills = (SHARED / "faces" / "lfw").glob("P*")
    folders = sorted(p for p in stills if p.is_dir() and p.name not in people_of_town())
    if not folders:
        raise SystemExit(f"no stills at {SHARED / 'faces' / 'lfw'}; set SIGHTLINE_SHARED")
    models = load(options.profile)
    people = []
    for folder in folders:
        stills = sorted(folder.glob("*.jpg"))[:STILLS]
        if len(stills) >= LEAST:
            made = [central_template(still, models) for still in stills]
            people.append([template for template in made if template is not None])
    people = [stills for stills in people if len(stills) >= LEAST]
    setting, reporting = scores_of(people[::2], models), scores_of(people[1::2], models)
    different = ~np.eye(len(setting), dtype=bool)
    threshold = float(np.quantile(setting[different], 1 - PASSING))
    in_use = default_threshold(models.profile)
    fmr, fnmr = rates(reporting, in_use.score)
    (fmr_low, fmr_high), (fnmr_low, fnmr_high) = interval(reporting, in_use.score).tolist()
    result = {
        "profile": models.profile.name,
        "people": {"setting": len(setting), "reporting": len(reporting)},
        "threshold found": round(threshold, 4),
        "threshold in use": in_use.score,
        "FMR": [round(fmr, 5), round(fmr_low, 5), round(fmr_high, 5)],
        "FNMR": [round(fnmr, 4), round(fnmr_low, 4), round(fnmr_high, 4)],
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:18} {value}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
