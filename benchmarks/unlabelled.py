"""What pairs of certainly different people tell of the FMR, against a calibration from labels.

    python benchmarks/unlabelled.py [--profile dlib] [--draws 60] [--small]

LFW's people, without those of ``footage/town``, are divided anew for each draw. Of one half so many
pairs are drawn, as people come before a camera together: two entries of two pictures each, nobody
in more than three pairs. From these the FMR is estimated without labels, at the thresholds at which
the labels of the *other* half say 0.5 % and 0.1 % for probes of one, two and three photographs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
import sources
from lab import show
from options import add_shared, keep

from workbench.calibration import Normaliser
from workbench.domain import PLAIN_SCALE
from workbench.errors import SightlineError
from workbench.evaluation.normalise import make_normaliser
from workbench.evaluation.own_footage import false_match_rates
from workbench.evaluation.pooling import similarity
from workbench.evaluation.samples import Samples, enrol
from workbench.evaluation.together import OwnFootage
from workbench.faces.templates import pool
from workbench.indexing.different import MOST_PAIRS
from workbench.installation import Installation

PAIRS = (60, 200, 1000, 2000)
PHOTOGRAPHS = (1, 2, 3)
RATES = (0.005, 0.001)
IN_ENTRY = 2


def drawn(scores: np.ndarray, pairs: int, generator: np.random.Generator) -> np.ndarray:
    """Draw scores ``(pairs,)`` of ``(n, n)``, each row in three at most; as many as there are."""
    rows, columns = np.triu_indices(len(scores), 1)
    partners, found = np.zeros(len(scores), int), []
    for at in generator.permutation(len(rows)):
        one, other = rows[at], columns[at]
        if max(partners[one], partners[other]) < MOST_PAIRS:
            partners[[one, other]] += 1
            found.append(scores[one, other])
            if len(found) == pairs:
                break
    return np.array(found)


def measured(
    samples: Samples, normaliser: Normaliser | None, *, draws: int, pairs: int
) -> pd.DataFrame:
    """Estimate the FMR from drawn pairs, one row a draw, number of photographs and true FMR."""
    metric = samples.profile.metric
    everybody = np.unique(samples.people)
    rows = {person: np.flatnonzero(samples.people == person) for person in everybody}
    entries = {p: pool(samples.templates[own[-IN_ENTRY:]], metric) for p, own in rows.items()}

    def compared(probes: np.ndarray, others: np.ndarray) -> np.ndarray:
        if normaliser is not None:
            return normaliser.scores(others, probes)
        return similarity(probes, others, metric)

    found = []
    for draw in range(draws):
        generator = np.random.default_rng(draw)
        shuffled = generator.permutation(everybody)
        half = max(len(everybody) // 2, -(-2 * pairs // MOST_PAIRS) + 2)
        seen, others = shuffled[:half], shuffled[len(everybody) // 2 :]
        of_seen = np.stack([entries[person] for person in seen])
        scores = drawn(compared(of_seen, of_seen), pairs, generator)
        scale = normaliser.scale if normaliser else PLAIN_SCALE
        own = OwnFootage.of(samples.profile, scores, np.full(len(scores), 0.8), scale=scale)
        of_others = np.stack([entries[person] for person in others])
        for photographs in PHOTOGRAPHS:
            who = [person for person in others if len(rows[person]) >= photographs]
            probes = [pool(samples.photographs(rows[p][:photographs]), metric) for p in who]
            against = compared(np.stack(probes), of_others)
            different = against[np.array(who)[:, None] != others[None]]
            thresholds = np.quantile(different, [1 - rate for rate in RATES])
            told = false_match_rates(own, thresholds, photographs=photographs)
            for truth, (rate, low, high) in zip(RATES, told, strict=True):
                found.append((draw, len(scores), photographs, truth, rate, low, high))
    columns = ["draw", "pairs", "photographs", "FMR", "told", "low", "high"]
    return pd.DataFrame(found, columns=columns)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws: by what factor the FMR is overstated, how often the interval holds it."""
    lines = []
    for (pairs, photographs), these in found.groupby(["pairs", "photographs"]):
        line = {"pairs": f"{pairs:,}", "photographs": photographs}
        for rate, those in these.groupby("FMR", sort=False):
            factor = those["told"] / rate
            low, middle, high = np.quantile(factor, [0.025, 0.5, 0.975])
            inside = ((those["low"] <= rate) & (those["high"] >= rate)).mean()
            line[f"told / true at {rate:.1%}"] = f"{middle:.2f} ({low:.2f}–{high:.2f})"
            line[f"inside at {rate:.1%}"] = f"{inside:.0%}"
            line[f"not above at {rate:.1%}"] = f"{(those['high'] >= rate).mean():.0%}"
        lines.append(line)
    return pd.DataFrame(lines)


def told(
    samples: Samples, normaliser: Normaliser | None, many: Sequence[int], draws: int
) -> pd.DataFrame:
    """Draw so many pairs, one number after the other, and summarise."""
    made = [measured(samples, normaliser, draws=draws, pairs=pairs) for pairs in many]
    return summary(pd.concat(made, ignore_index=True))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    installation = Installation.open()
    models = installation.load_models(options.profile)
    if options.small:
        samples, _ = sources.people_of_numbers(models.profile, 120, 4)
        many, draws = PAIRS[:1], 2
    else:
        cache = installation.settings.evaluation_folder
        samples, many, draws = (
            enrol(sources.people_of_lfw(), models, cache=cache),
            PAIRS,
            options.draws,
        )
    tables = {"without labels, plain scores": told(samples, None, many, draws)}
    if not options.small:
        # Centroids of half of the people, pairs and searches of the others.
        people = np.random.default_rng(0).permutation(np.unique(samples.people))
        some, others = people[: len(people) // 2], people[len(people) // 2 :]
        normaliser = make_normaliser(
            samples, some.tolist(), people_each=50, source="LFW", licence="for measuring alone"
        )
        possible = [pairs for pairs in many if 2 * pairs <= MOST_PAIRS * (len(others) - 2)]
        tables["without labels, normalised scores"] = told(
            samples.of(others.tolist()), normaliser, possible, draws
        )
    keep(options, tables, f"unlabelled {options.profile}")
    show(options.profile, tables, as_json=options.json)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
