"""Error rates, calibration and its forecasts on real faces.

    python benchmarks/lab.py [--profile dlib] [--calibrate] [--write] [--quick]

LFW's people are divided into two halves by person; people of ``footage/town``, whose stills are
from LFW too, are in neither: its ``aliases.json`` gives their labels in LFW. Where a person or a
picture is on two sides all the same, nothing is measured. Everything that is set (calibration,
thresholds, the way of pooling) is set on the first half; everything that is reported is measured on
the second, and on the town.

``--calibrate`` renews the calibration that comes with Sightline, ``--write`` the tables of
docs/findings.md, ``--quick`` leaves out the degradations. What was enrolled stays in
HOME/evaluation.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from truth import Truth, tracklets

import workbench.calibration
from workbench.calibration import QUALITY_STEPS, Calibration, calibration_of, write_calibration
from workbench.domain import Progress
from workbench.errors import EvaluationError, SightlineError
from workbench.evaluation.calibrate import (
    calibrate,
    comparison_table,
    comparisons,
    fit_likelihood_ratio,
)
from workbench.evaluation.camera_limits import usefulness
from workbench.evaluation.data import people_in, require_apart
from workbench.evaluation.degradation import Degradation
from workbench.evaluation.groups import by_group, thirds
from workbench.evaluation.pooling import FUSION_RULES, similarity, trial
from workbench.evaluation.protocols import Trial
from workbench.evaluation.samples import Samples, Still, enrol
from workbench.faces.models import Models
from workbench.faces.templates import pool
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.notebook import load_models
from workbench.settings import load_settings

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SIGHTLINE_SHARED", ROOT.parent / "shared"))
FINDINGS = ROOT / "docs" / "findings.md"
DATA = "LFW, half of its people"
PHOTOGRAPHS = (1, 2, 3, 5)
SMALLER = tuple(Degradation("size", amount) for amount in (64, 48, 32))
MOST_SMALLER = 5  # pictures a person that are made smaller
SIZES = (25, 50, 100, 200, 400, 650)


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """Some of the people: their pictures as they are, and the same made smaller."""

    versions: tuple[Samples, ...]

    @property
    def native(self) -> Samples:
        """Pictures as they are."""
        return self.versions[0]

    def with_pictures(self, least: int) -> list[str]:
        """People with at least *least* pictures, sorted."""
        count = self.native.about["person"].value_counts()
        return sorted(count[count >= least].index)


def people_of_town(town: Path) -> set[str]:
    """Labels in LFW of all who are in the town's clips or are looked for there."""
    truth = Truth.read(town / "truth.json")
    aliases: dict[str, str] = json.loads((town / "aliases.json").read_text("utf-8"))
    people = {*truth.wanted, *truth.absent, *(a.person for a in truth.appearances)}
    unknown = sorted(people - aliases.keys())
    if unknown:
        raise EvaluationError(
            f"gives no label in LFW for {', '.join(unknown)}, who would stay in what is measured",
            where=str(town / "aliases.json"),
            fix="Add them",
        )
    return {*aliases.values()}


def people_of_lfw(lfw: Path, town: Path) -> list[Still]:
    """Pictures of the people who are not in the town, checked against its photographs."""
    out = people_of_town(town)
    stills = [
        replace(still, person=still.path.stem) if still.person == "single" else still
        for still in people_in(lfw)
    ]
    stills = [still for still in stills if still.person not in out]
    photographs = [still for name in ("probes", "absent") for still in people_in(town / name)]
    require_apart({"LFW": stills, "the town": photographs}, labels_agree=False)
    return stills


def halves(stills: list[Still], models: Models) -> tuple[Half, Half]:
    """Enrol all people and divide them into halves."""
    cache = load_settings().evaluation_folder

    def show(progress: Progress) -> None:
        if sys.stderr.isatty() and not progress.done % 50:
            print(f"\r{progress.done:,} of {progress.total:,} pictures", end="", file=sys.stderr)

    count = pd.Series([still.person for still in stills]).value_counts()
    smaller: list[Still] = []
    for person in count[count >= 4].index:
        smaller += [still for still in stills if still.person == person][:MOST_SMALLER]
    smaller.sort(key=lambda still: still.path)
    versions = [enrol(stills, models, cache=cache, progress=show)]
    versions += [
        enrol(smaller, models, degraded=one, cache=cache, progress=show) for one in SMALLER
    ]
    people = np.unique(versions[0].people)
    both = people[::2], people[1::2]
    require_apart(
        {
            name: [still for still in stills if still.person in set(half)]
            for name, half in zip(("the first half", "the second half"), both, strict=True)
        }
    )
    first, second = (Half(tuple(version.of(half) for version in versions)) for half in both)
    return first, second


def shown(rate: Any) -> str:
    """Format a rate with its interval."""
    return f"{rate.value:.2%} ({rate.low:.2%}–{rate.high:.2%})"


def in_words(frame: pd.DataFrame, *rates: str) -> pd.DataFrame:
    """Rates and their intervals in one column each."""
    for rate in rates:
        ends = (frame.pop(f"{rate} {end}") for end in ("low", "high"))
        frame[rate] = [
            f"{v:.2%} ({lo:.2%}–{hi:.2%})" for v, lo, hi in zip(frame[rate], *ends, strict=True)
        ]
    return frame


def one_to_one(half: Half, calibration: Calibration) -> pd.DataFrame:
    """Rates at the default threshold by number of photographs: second half."""
    rows = []
    for number in PHOTOGRAPHS:
        of = comparisons(half.native, half.versions, photographs=number)
        threshold = calibration.threshold(photographs=number).score
        rates = of.trial.rates_at(threshold)
        fixed = of.trial.rates_at(0.48)
        rows.append(
            {
                "photographs": number,
                "default threshold": f"{threshold:.2f}",
                "people": rates["FMR"].people,
                "FMR": shown(rates["FMR"]),
                "FNMR": shown(rates["FNMR"]),
                "FMR at 0.48": shown(fixed["FMR"]),
                "FNMR at 0.48": shown(fixed["FNMR"]),
            }
        )
    return pd.DataFrame(rows)


def searched(half: Half, photographs: int) -> Trial:
    """Open set: half of those with a mate are left out of the gallery; all others fill it."""
    several = half.with_pictures(photographs + 1)
    filler = half.native.of(set(half.native.people) - set(several))
    return trial(
        half.native.of(several),
        in_probe=photographs,
        in_entry=2,
        alone=several[1::2],
        filler=filler,
    )


def one_to_many(first: Half, second: Half) -> pd.DataFrame:
    """FNIR at FPIR 0.01 and 0.1, thresholds set on the first half, rates of the second."""
    rows = []
    for number in (1, 2, 3):
        setting, reporting = searched(first, number), searched(second, number)
        for fpir in (0.01, 0.1):
            try:
                threshold = setting.threshold_at(fpir=fpir)
            except SightlineError:
                continue  # too few people for such a rate: said by the row that is not there
            rates = reporting.rates_at(threshold)
            rows.append(
                {
                    "photographs": number,
                    "gallery": len(reporting.entries),
                    "searches": f"{reporting.mated.sum()} mated, {(~reporting.mated).sum()} not",
                    "FPIR wanted": fpir,
                    "threshold": f"{threshold:.3f}",
                    "FPIR": shown(rates["FPIR"]),
                    "FNIR": shown(rates["FNIR"]),
                    "rank 1": "{found:.1%} ({low:.1%}–{high:.1%})".format(
                        **reporting.cmc(1).iloc[0]
                    ),
                }
            )
    return pd.DataFrame(rows)


def pooling(first: Half, second: Half) -> pd.DataFrame:
    """Ways of pooling: thresholds set on the first half at FMR 0.1 %, rates of the second."""
    rows = []
    for name, mixed in (("as they are", False), ("of mixed sizes", True)):
        halves = [_mixed(half) if mixed else half.native for half in (first, second)]
        for rule in FUSION_RULES:
            setting, reporting = (
                trial(one.of(_several(one, 4)), in_probe=2, rule=rule) for one in halves
            )
            threshold = setting.threshold_at(fmr=0.001)
            rates = reporting.rates_at(threshold)
            rows.append(
                {
                    "pictures": name,
                    "way": rule,
                    "FMR": shown(rates["FMR"]),
                    "FNMR": shown(rates["FNMR"]),
                    "EER": shown(reporting.eer()),
                }
            )
    return pd.DataFrame(rows)


def _several(samples: Samples, least: int) -> list[str]:
    count = samples.about["person"].value_counts()
    return sorted(count[count >= least].index)


def _mixed(half: Half) -> Samples:
    """Probe pictures as they are, the others of a size drawn for each: as shots of a track are."""
    generator = np.random.default_rng(0)
    parts = [version.about.assign(version=i) for i, version in enumerate(half.versions)]
    about = pd.concat(parts, ignore_index=True)
    templates = np.concatenate([version.templates for version in half.versions])
    keys = list(zip(about["person"], about["name"], strict=True))
    order = about.groupby("person")["name"].rank("dense").to_numpy()
    chosen: dict[tuple[str, str], int] = {}
    for row in generator.permutation(len(about)):
        if order[row] > 2 or about["version"][row] == 0:
            chosen.setdefault(keys[row], int(row))
    rows = np.array(sorted(chosen.values(), key=lambda row: keys[row]))
    whole = Samples(about, templates, half.native.profile, half.native.failed)
    return whole.where(rows)


def histogram(quality: Any) -> list[int]:
    """Count entries by step of quality."""
    steps = np.minimum((np.asarray(quality) * QUALITY_STEPS).astype(int), QUALITY_STEPS - 1)
    return np.bincount(steps, minlength=QUALITY_STEPS).tolist()


def foretold(half: Half, calibration: Calibration) -> pd.DataFrame:
    """Expected and real false candidates in galleries of growing size, second half."""
    generator = np.random.default_rng(0)
    rows = []
    for number in PHOTOGRAPHS:
        of = comparisons(half.native, [half.native], photographs=number)
        threshold = calibration.threshold(photographs=number).score
        for size in SIZES:
            outcomes = []
            for row, person in enumerate(of.trial.probes):
                others = generator.permutation(np.flatnonzero(of.trial.entries != person))[:size]
                got = int((of.trial.scores[row, others] >= threshold).sum())
                expected = calibration.false_candidates(
                    threshold, histogram(of.quality[others]), photographs=number
                )
                outcomes.append((expected.mean, got, expected.low <= got <= expected.high))
            mean, got, inside = np.mean(outcomes, axis=0)
            rows.append(
                {
                    "photographs": number, "gallery": size, "searches": len(outcomes),
                    "expected": f"{mean:.2f}", "found": f"{got:.2f}",
                    "inside the interval": f"{inside:.1%}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def foretold_on_town(
    native: Samples, calibration: Calibration, gallery: Gallery, models: Models
) -> pd.DataFrame:
    """Compare forecasts on footage: LFW's people, none of whom is in it, and the absent people."""
    town = SHARED / "footage" / "town"
    known = tracklets(gallery, Truth.read(town / "truth.json"))
    inside = histogram(known.about["quality"])
    absent = enrol(people_in(town / "absent"), models, cache=load_settings().evaluation_folder)
    rows = []
    for name, samples, numbers in (
        ("LFW", native, PHOTOGRAPHS),
        ("town, absent", absent, (1, 2, 3)),
    ):
        for number in numbers:
            who = _several(samples, number)
            pooled = np.stack(
                [
                    pool(samples.templates[samples.people == p][:number], models.profile.metric)
                    for p in who
                ]
            )
            threshold = calibration.threshold(photographs=number).score
            scores = similarity(pooled, known.templates, models.profile.metric)
            found = (scores >= threshold).sum(axis=1)
            expected = calibration.false_candidates(threshold, inside, photographs=number)
            within = ((found >= expected.low) & (found <= expected.high)).mean()
            rows.append(
                {
                    "people": f"{name}: {len(who)}", "photographs": number,
                    "tracklets": len(known), "expected": f"{expected.mean:.2f}",
                    "interval": f"{expected.low} to {expected.high}",
                    "found": f"{found.mean():.2f}", "inside": f"{within:.1%}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def evidence(half: Half) -> pd.DataFrame:
    """Measure the likelihood ratios on people who took no part in fitting them."""
    made = [comparisons(half.native, half.versions, photographs=n) for n in PHOTOGRAPHS]
    found = fit_likelihood_ratio(comparison_table(made))
    return pd.DataFrame(
        [{"Cllr": round(found.cllr, 4), "least Cllr (PAV)": round(found.cllr_min, 4),
          "ECE": round(found.ece, 4)}]
    )  # fmt: skip


def groups(half: Half, calibration: Calibration) -> pd.DataFrame:
    """Errors by properties of the pictures: LFW has no labels of its own."""
    number = 2
    several = half.with_pictures(number + 1)
    samples = half.native.of(several)
    made = trial(samples, in_probe=number, in_entry=1)
    about = samples.about.set_index("person")
    threshold = calibration.threshold(photographs=number).score
    parts = []
    for name in ("width", "sharpness", "pose"):
        values = np.array([float(about.loc[[p], name].iloc[number]) for p in made.entries])
        parts.append(by_group(made, thirds(values, name), threshold=threshold))
    frame = pd.concat(parts, ignore_index=True)
    return in_words(frame, "FMR", "FNMR")


def degradations(
    half: Half, stills: list[Still], calibration: Calibration, models: Models
) -> pd.DataFrame:
    """FNIR by what a camera does to a face: second half."""
    several = set(half.with_pictures(4))
    third: dict[str, Still] = {}
    seen: dict[str, int] = {}
    for still in stills:
        seen[still.person] = seen.get(still.person, 0) + 1
        if still.person in several and seen[still.person] == 3:
            third[still.person] = still
    frame = usefulness(
        half.native, [*third.values()], models,
        threshold=calibration.threshold(photographs=2).score,
        cache=load_settings().evaluation_folder,
    )  # fmt: skip
    frame = in_words(frame, "FNIR", "FMR")
    frame["found"] = [f"{share:.1%}" for share in frame["found"]]
    frame["amount"] = ["" if pd.isna(one) else f"{one:g}" for one in frame["amount"]]
    return frame


def markdown(frame: pd.DataFrame) -> str:
    """Write a table as Markdown."""
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "| --- " * len(frame.columns) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines)


def write(name: str, tables: dict[str, pd.DataFrame]) -> None:
    """Renew the tables between the marks of docs/findings.md."""
    text = FINDINGS.read_text("utf-8")
    for title, frame in tables.items():
        begin, end = f"<!-- {name}: {title} -->", "<!-- end -->"
        if begin not in text:
            continue
        before, rest = text.split(begin, 1)
        after = rest.split(end, 1)[1]
        text = f"{before}{begin}\n{markdown(frame)}\n{end}{after}"
    FINDINGS.write_text(text, "utf-8")


def main() -> int:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--calibrate", action="store_true", help="renew the shipped calibration")
    parser.add_argument("--write", action="store_true", help="renew the tables of docs/findings.md")
    parser.add_argument("--quick", action="store_true", help="leave out the degradations")
    parser.add_argument("--gallery", type=Path, help="keep the town's gallery, or use it again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lfw, town = SHARED / "faces" / "lfw", SHARED / "footage" / "town"
    if not lfw.is_dir():
        raise SystemExit(f"no stills at {lfw}; set SIGHTLINE_SHARED")
    models = load_models(options.profile)
    stills = people_of_lfw(lfw, town)
    first, second = halves(stills, models)
    if options.calibrate:
        made = calibrate(first.versions, data=DATA)
        beside = Path(workbench.calibration.__file__)
        write_calibration(made, beside.with_name(f"{options.profile}.json"))
    calibration = calibration_of(models.profile, folder=load_settings().calibrations_folder)
    if calibration is None:
        raise SystemExit(f"{options.profile} has no calibration; use --calibrate")
    tables = {
        "one to one": one_to_one(second, calibration),
        "one to many": one_to_many(first, second),
        "pooling": pooling(first, second),
        "evidence": evidence(second),
        "foretold": foretold(second, calibration),
        "groups": groups(second, calibration),
    }
    with tempfile.TemporaryDirectory() as scratch:
        path = options.gallery or Path(scratch) / "town.duckdb"
        with Gallery.for_writing(path, models.profile) as gallery:
            index_catalogue(town, gallery, models)
            everybody = Samples(
                pd.concat([first.native.about, second.native.about], ignore_index=True),
                np.concatenate([first.native.templates, second.native.templates]),
                models.profile,
                first.native.failed,
            )
            tables["foretold on footage"] = foretold_on_town(
                everybody, calibration, gallery, models
            )
    if not options.quick:
        tables["degradations"] = degradations(second, stills, calibration, models)
    if options.write:
        write(options.profile, tables)
    if options.json:
        print(json.dumps({title: frame.to_dict("records") for title, frame in tables.items()}))
    else:
        for title, frame in tables.items():
            print(f"\n{title}, profile {options.profile}\n{frame.to_string(index=False)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
