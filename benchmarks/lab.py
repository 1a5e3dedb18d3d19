"""Error rates, calibration and its forecasts on real faces.

    python benchmarks/lab.py [--profile dlib] [--calibrate] [--quick] [--small]

LFW's people are divided into two halves by person; people of ``footage/town``, whose stills are
from LFW too, are in neither: its ``aliases.json`` gives their labels in LFW. Where a person or a
picture is on two sides all the same, nothing is measured. Whatever is set (calibration, thresholds)
is set on one half and told of the other, both ways round, and both are pooled. The calibration that
comes with Sightline is of all these people; with it the town is searched, where none of them is.
Pooling, likelihood ratios, groups and degradations are told of the second half alone. Where scores
are normalised, some tables are told of plain scores too.

``--calibrate`` renews the calibration that comes with Sightline, ``--quick`` leaves out the
degradations. What was enrolled stays in HOME/evaluation, so that another run takes half a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sources
import town
from options import add_shared, keep
from truth import Truth, tracklets

from workbench.calibration import (
    TARGET_FMR,
    Calibration,
    FalseCandidateEstimate,
    shipped_file,
    write_calibration,
)
from workbench.domain import Progress
from workbench.errors import SightlineError
from workbench.evaluation.calibrate import (
    Comparisons,
    calibrate,
    comparison_table,
    comparisons,
)
from workbench.evaluation.camera_limits import LADDER, usefulness
from workbench.evaluation.data import people_in, require_apart
from workbench.evaluation.degradation import Degradation
from workbench.evaluation.foretold import by_nearness, nearness, quality_histogram, searches
from workbench.evaluation.groups import by_group, thirds
from workbench.evaluation.likelihood import fit_likelihood_ratio
from workbench.evaluation.normalise import CrossFit
from workbench.evaluation.pooling import FUSION_RULES, similarity, trial
from workbench.evaluation.protocols import Trial, pooled
from workbench.evaluation.samples import Samples, Still, enrol
from workbench.faces.imported import words_of
from workbench.faces.models import Models
from workbench.faces.templates import pool
from workbench.gallery import Gallery
from workbench.indexing import index_catalogue
from workbench.installation import Installation
from workbench.settings import load_settings

WISHED_FMR = 0.005  # another one than that of the default threshold
DATA, EVERYBODY = "LFW, half of its people", "LFW"
LICENCE = (
    "for research and evaluation; press photographs, whose rights stay with their owners. What is "
    "kept of them are means over many people."
)
PHOTOGRAPHS = (1, 2, 3, 5)
SMALLER = tuple(Degradation("size", amount) for amount in (64, 48, 32))
MOST_SMALLER = 5  # pictures a person that are made smaller
SIZES = (25, 100, 400)
FPIRS = (0.1, 0.01, 0.003)


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
        return _several(self.native, least)

    def probes(self, photographs: int) -> dict[str, Any]:
        """Template of each person's first *photographs*, by person, of whoever has so many."""
        metric = self.native.profile.metric
        made = {}
        for person in self.with_pictures(photographs):
            rows = np.flatnonzero(self.native.people == person)[:photographs]
            made[person] = pool(self.native.photographs(rows), metric)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One half of the people, told by what the other half taught."""

    taught: Half
    told: Half
    calibration: Calibration

    def compared(self, photographs: int, *, versions: bool = False, own: bool = False) -> Trial:
        """Comparisons of those who are told; with *versions* also with smaller pictures.

        With *own* the score counts from the default threshold, so that both halves can be pooled.
        """
        trial = replace(self._made(photographs, versions).trial, own_left_out=True)
        if own:
            trial = replace(trial, scores=trial.scores - self.threshold(photographs))
        return trial

    def threshold(self, photographs: int, fmr: float = TARGET_FMR) -> float:
        """The default threshold, or that for another FMR."""
        return self.calibration.threshold(photographs=photographs, target_fmr=fmr).score

    def searched(self, photographs: int, size: int | None = None) -> pd.DataFrame:
        """Search everybody at the default threshold; see :func:`foretold.searches`."""
        made = self._made(photographs)
        templates = self.told.probes(photographs)
        strangers = self.taught.probes(1)
        metric = self.told.native.profile.metric
        probes = np.stack([templates[person] for person in made.trial.probes])
        near = nearness(probes, np.stack([*strangers.values()]), metric)
        return searches(
            made.trial, made.quality, near, threshold=self.threshold(photographs),
            size=size,
            foretell=lambda number, quality: self.foretell(probes[number], photographs, quality),
        )  # fmt: skip

    def foretell(
        self, probe: Any, photographs: int, quality: Sequence[int]
    ) -> FalseCandidateEstimate:
        """What the page foretells of a search with a probe's template."""
        return self.calibration.false_candidates(
            self.threshold(photographs), quality, photographs=photographs,
            offset=self.calibration.offset(probe),
        )  # fmt: skip

    @property
    def scale(self) -> CrossFit | None:
        """What gives the scores that the thresholds are of."""
        normaliser = self.calibration.normaliser
        return None if normaliser is None else CrossFit({}, (normaliser,))

    def _made(self, photographs: int, versions: bool = False) -> Comparisons:
        of = self.told.versions if versions else [self.told.native]
        return comparisons(self.told.native, of, photographs=photographs, scale=self.scale)


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
    return divided(versions)


def divided(versions: Sequence[Samples]) -> tuple[Half, Half]:
    """Divide people into halves: every second one of their labels in order."""
    people = np.unique(versions[0].people)
    first, second = (
        Half(tuple(version.of(half) for version in versions))
        for half in (people[::2], people[1::2])
    )
    return first, second


def folds_of(first: Half, second: Half, *, normalise: bool) -> list[Fold]:
    """Each half told by the other, with scores as they are shipped or plain."""
    about = {"data": DATA, "licence": LICENCE}
    return [
        Fold(taught, told, calibrate(taught.versions, **about, normalise=normalise))
        for taught, told in ((first, second), (second, first))
    ]


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


def one_to_one(folds: Sequence[Fold]) -> pd.DataFrame:
    """Rates at the default threshold by number of photographs, and at that for three."""
    rows = []
    for number in PHOTOGRAPHS:
        at_own, at_three, at_wished = [], [], []
        for fold in folds:
            trial = fold.compared(number, versions=True)
            at_own.append(replace(trial, scores=trial.scores - fold.threshold(number)))
            at_three.append(replace(trial, scores=trial.scores - fold.threshold(3)))
            other = fold.threshold(number, WISHED_FMR)
            at_wished.append(replace(trial, scores=trial.scores - other))
        rates, fixed, wished = (
            pooled(trials).rates_at(0.0) for trials in (at_own, at_three, at_wished)
        )
        rows.append(
            {
                "photographs": number,
                "default thresholds": ", ".join(f"{fold.threshold(number):.2f}" for fold in folds),
                "people": rates["FMR"].people,
                "FMR": shown(rates["FMR"]),
                "FNMR": shown(rates["FNMR"]),
                "FMR at that for 3": shown(fixed["FMR"]),
                "FNMR at that for 3": shown(fixed["FNMR"]),
                f"FMR where {WISHED_FMR:.1%} is wished": shown(wished["FMR"]),
            }
        )
    return pd.DataFrame(rows)


def one_to_many(folds: Sequence[Fold]) -> pd.DataFrame:
    """FNIR at an FPIR: at that very rate, and at thresholds that the other half had there."""
    rows = []
    for number in (1, 2, 3):
        trials = [fold.compared(number) for fold in folds]
        for fpir in FPIRS:
            try:
                whole = pooled(trials)
                there = whole.rates_at(whole.lowest_score(fpir=fpir))
                # The other half's threshold, of scores that the other half did not teach.
                carried = [
                    replace(trial, scores=trial.scores - other.lowest_score(fpir=fpir))
                    for trial, other in zip(trials, reversed(trials), strict=True)
                ]
            except SightlineError:
                continue  # too few people for such a rate: said by the row that is not there
            rates = pooled(carried).rates_at(0.0)
            first = whole.cmc(1).iloc[0]
            rows.append(
                {
                    "photographs": number,
                    "gallery": min(trial.gallery for trial in trials),
                    "searches": f"{len(whole.probes)} without, {whole.mated.sum()} with",
                    "FPIR": f"{fpir:.1%}",
                    "FNIR": shown(there["FNIR"]),
                    "carried over: FPIR": shown(rates["FPIR"]),
                    "carried over: FNIR": shown(rates["FNIR"]),
                    "rank 1": f"{first.found:.1%} ({first.low:.1%}–{first.high:.1%})",
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
            threshold = setting.lowest_score(fmr=0.001)
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
    keys = list(zip(about["person"], about["name"], strict=True))
    order = about.groupby("person")["name"].rank("dense").to_numpy()
    chosen: dict[tuple[str, str], int] = {}
    for row in generator.permutation(len(about)):
        if order[row] > 2 or about["version"][row] == 0:
            chosen.setdefault(keys[row], int(row))
    rows = np.array(sorted(chosen.values(), key=lambda row: keys[row]))
    return joined(half.versions).where(rows)


def joined(parts: Sequence[Samples]) -> Samples:
    """All samples of several."""
    return replace(
        parts[0],
        about=pd.concat([part.about for part in parts], ignore_index=True),
        templates=np.concatenate([part.templates for part in parts]),
        mirrored=np.concatenate([part.mirrored for part in parts]),
    )


def foretold_by_size(folds: Sequence[Fold]) -> pd.DataFrame:
    """Foretold and real false candidates in galleries of growing size."""
    rows = []
    for number in PHOTOGRAPHS:
        whole = min(fold.compared(number).gallery for fold in folds)
        for size in (*(size for size in SIZES if size < whole), whole):
            made = pd.concat([fold.searched(number, size) for fold in folds])
            everybody = by_nearness(made).iloc[-1]
            rows.append(
                {
                    "photographs": number, "gallery": size, "searches": len(made),
                    "expected": f"{everybody.told:.2f}", "found": f"{everybody.got:.2f}",
                    "inside the interval": f"{everybody.inside:.1%}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def foretold_by_nearness(folds: Sequence[Fold]) -> pd.DataFrame:
    """Foretold and real false candidates by how near the probe lies to strangers."""
    rows = []
    for number in PHOTOGRAPHS[:3]:
        made = by_nearness(pd.concat([fold.searched(number) for fold in folds]))
        for row in made.itertuples():
            rows.append(
                {
                    "photographs": number, "probes": row.probes, "people": row.people,
                    "expected": f"{row.told:.1f} ({row.low:.1f} to {row.high:.1f})",
                    "found": f"{row.got:.1f}",
                    "inside the interval": f"{row.inside:.0%}",
                    "interval score": f"{row.score:.1f}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def foretold_on_town(
    folds: Sequence[Fold], gallery: Gallery, footage: Path, models: Models
) -> pd.DataFrame:
    """Compare forecasts on footage: LFW's people, none of whom is in it, and the absent people."""
    known = tracklets(gallery, Truth.read(footage / "truth.json"))
    quality = quality_histogram(known.about["quality"])
    absent = enrol(people_in(footage / "absent"), models, cache=load_settings().evaluation_folder)
    rows = []
    for name, numbers in (("LFW", PHOTOGRAPHS), ("town, absent", (1, 2, 3))):
        for number in numbers:
            parts = []
            # The absent people took no part in either half: the calibration that is shipped.
            for fold in folds if name == "LFW" else folds[:1]:
                half = fold.told if name == "LFW" else Half((absent,))
                probes = half.probes(number)
                if not probes:
                    continue
                templates = np.stack([*probes.values()])
                scores = similarity(
                    templates, known.templates, models.profile.metric, fold.calibration.normaliser
                )
                got = (scores >= fold.threshold(number)).sum(axis=1)
                told = [fold.foretell(probe, number, quality) for probe in templates]
                parts += [
                    (one.mean, one.low, one.high, n) for one, n in zip(told, got, strict=True)
                ]
            if not parts:
                continue
            mean, low, high, got = np.array(parts, float).T
            rows.append(
                {
                    "people": f"{name}: {len(parts)}", "photographs": number,
                    "tracklets": len(known),
                    "FMR": f"{got.sum() / len(got) / len(known):.2%}",
                    "expected": f"{mean.mean():.2f} ({low.mean():.1f} to {high.mean():.1f})",
                    "found": f"{got.mean():.2f}",
                    "inside": f"{((got >= low) & (got <= high)).mean():.1%}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def evidence(fold: Fold) -> pd.DataFrame:
    """Measure the likelihood ratios on people who took no part in fitting them."""
    found = fit_likelihood_ratio(
        comparison_table([fold._made(number, versions=True) for number in PHOTOGRAPHS])
    )
    return pd.DataFrame(
        [{"Cllr": round(found.cllr, 4), "least Cllr (PAV)": round(found.cllr_min, 4),
          "ECE": round(found.ece, 4)}]
    )  # fmt: skip


def groups(fold: Fold) -> pd.DataFrame:
    """Errors by properties of the pictures: LFW has no labels of its own."""
    number = 2
    half = fold.told
    samples = half.native.of(half.with_pictures(number + 1))
    made = comparisons(samples, [samples], photographs=number, in_entry=1, scale=fold.scale).trial
    about = samples.about.set_index("person")
    parts = []
    for name in ("width", "sharpness", "pose"):
        values = np.array([float(about.loc[[p], name].iloc[number]) for p in made.entries])
        parts.append(by_group(made, thirds(values, name), threshold=fold.threshold(number)))
    frame = pd.concat(parts, ignore_index=True)
    return in_words(frame, "FMR", "FNMR")


def degradations(
    fold: Fold, stills: list[Still], models: Models, ladder: Sequence[Degradation] = LADDER
) -> pd.DataFrame:
    """FNIR by what a camera does to a face."""
    several = set(fold.told.with_pictures(4))
    third: dict[str, Still] = {}
    seen: dict[str, int] = {}
    for still in stills:
        seen[still.person] = seen.get(still.person, 0) + 1
        if still.person in several and seen[still.person] == 3:
            third[still.person] = still
    frame = usefulness(
        fold.told.native, [*third.values()], models, ladder=ladder,
        threshold=fold.threshold(2), normaliser=fold.calibration.normaliser,
        cache=load_settings().evaluation_folder,
    )  # fmt: skip
    frame = in_words(frame, "FNIR", "FMR")
    frame["found"] = [f"{share:.1%}" for share in frame["found"]]
    frame["amount"] = ["" if pd.isna(one) else f"{one:g}" for one in frame["amount"]]
    return frame


def show(name: str, tables: dict[str, pd.DataFrame], *, as_json: bool) -> None:
    """Print the tables of a profile."""
    if as_json:
        print(json.dumps({title: frame.to_dict("records") for title, frame in tables.items()}))
        return
    for title, frame in tables.items():
        print(f"\n{title}, profile {name}\n{frame.to_string(index=False)}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--calibrate", action="store_true", help="renew the shipped calibration")
    parser.add_argument("--quick", action="store_true", help="leave out the degradations")
    parser.add_argument("--gallery", type=Path, help="keep the town's gallery, or use it again")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.small and options.calibrate:
        parser.error("a small run says nothing that could be kept")
    installation = Installation.open()
    models = installation.load_models(options.profile)
    if options.small:
        stills: list[Still] = []
        first, second = divided(sources.people_of_numbers(models.profile, 120, 6))
    else:
        stills = sources.people_of_lfw()
        first, second = halves(stills, models)
    folds, plain = (folds_of(first, second, normalise=normalise) for normalise in (True, False))
    if options.calibrate:
        whole = [joined(both) for both in zip(first.versions, second.versions, strict=True)]
        made = calibrate(whole, data=EVERYBODY, licence=LICENCE)
        write_calibration(
            replace(made, network=words_of(models.profile, models.home)),
            shipped_file(models.profile),
        )
    tables = {
        "one to one": one_to_one(folds),
        "one to many": one_to_many(folds),
        "one to many, plain scores": one_to_many(plain),
        "foretold by nearness": foretold_by_nearness(folds),
        "foretold by nearness, plain scores": foretold_by_nearness(plain),
        "foretold": foretold_by_size(folds),
        "evidence": evidence(folds[0]),
        "groups": groups(folds[0]),
    }
    if not options.small:
        tables["pooling"] = pooling(first, second)
    with tempfile.TemporaryDirectory() as scratch, sources.town(small=options.small) as footage:
        path = options.gallery or Path(scratch) / "town.duckdb"
        with Gallery.for_writing(path, models.profile) as gallery:
            index_catalogue(footage, gallery, models)
            tables["foretold on footage"] = foretold_on_town(folds, gallery, footage, models)
            tables["searching the town"] = town.summary(
                town.searched(gallery, footage, models, installation)
            )
    if not options.quick and not options.small:
        tables["degradations"] = degradations(folds[0], stills, models)
    keep(options, tables, f"lab {options.profile}")
    show(options.profile, tables, as_json=options.json)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
