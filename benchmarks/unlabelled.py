"""What pairs of certainly different people tell of the FMR, against a calibration from labels.

    python benchmarks/unlabelled.py [--profile dlib] [--draws 60] [--write]

LFW's people, without those of ``footage/town``, are divided anew for each draw. Of one half so many
pairs are drawn, as people come before a camera together: two entries of two pictures each, nobody
in more than three pairs. From these the FMR is estimated without labels, at the thresholds at which
the labels of the *other* half say 0.5 % and 0.1 % for probes of one, two and three photographs.
``--write`` renews the table of docs/findings.md.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import pandas as pd
import sources
from lab import write
from options import add_small

from workbench.domain import PLAIN_SCALE, Profile
from workbench.errors import SightlineError
from workbench.evaluation.own_footage import false_match_rates
from workbench.evaluation.pooling import similarity
from workbench.evaluation.samples import enrol
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
    templates: np.ndarray, people: np.ndarray, profile: Profile, *, draws: int, pairs: int
) -> pd.DataFrame:
    """Estimate the FMR from drawn pairs, one row a draw, number of photographs and true FMR."""
    everybody = np.unique(people)
    rows = {person: np.flatnonzero(people == person) for person in everybody}
    entries = {
        person: pool(templates[own[-IN_ENTRY:]], profile.metric) for person, own in rows.items()
    }
    found = []
    for draw in range(draws):
        generator = np.random.default_rng(draw)
        shuffled = generator.permutation(everybody)
        half = max(len(everybody) // 2, -(-2 * pairs // MOST_PAIRS) + 2)
        seen, others = shuffled[:half], shuffled[len(everybody) // 2 :]
        of_seen = np.stack([entries[person] for person in seen])
        scores = drawn(similarity(of_seen, of_seen, profile.metric), pairs, generator)
        own = OwnFootage.of(profile, scores, np.full(len(scores), 0.8))
        of_others = np.stack([entries[person] for person in others])
        for photographs in PHOTOGRAPHS:
            who = [person for person in others if len(rows[person]) >= photographs]
            probes = np.stack(
                [pool(templates[rows[person][:photographs]], profile.metric) for person in who]
            )
            against = similarity(probes, of_others, profile.metric)
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


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="dlib")
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--write", action="store_true", help="renew the table of docs/findings.md")
    parser.add_argument("--json", action="store_true")
    add_small(parser)
    options = parser.parse_args()
    if options.small and options.write:
        parser.error("a small run says nothing that could be kept")
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
    made = [
        measured(samples.templates, samples.people, models.profile, draws=draws, pairs=pairs)
        for pairs in many
    ]
    table = summary(pd.concat(made, ignore_index=True))
    title = f"without labels, {PLAIN_SCALE} scores"
    if options.write:
        write(options.profile, {title: table})
    if options.json:
        print(json.dumps({title: table.to_dict("records")}))
    else:
        print(f"{title}, profile {options.profile}\n{table.to_string(index=False)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SightlineError as error:
        sys.exit(str(error))
