"""Comparisons of certainly different people, counted while footage is indexed.

Two faces in one picture, apart from each other, are two people. How alike such pairs are tells how
alike strangers are in the footage at hand, and no name is needed for it: see
:mod:`workbench.evaluation.own_footage`. Only how often each score came is kept, with the recording,
and it goes when the recording goes.

A mirror, a screen or a poster shows a face apart from its owner's. Such pairs are rare, and score
far higher than any two people; they are told apart where the counts are used.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import PLAIN_SCALE, Box, IndexedRecording, ScoreCount, Tracklet
from workbench.faces import templates

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.domain import Metric

# Each was seen so often at least: a face that was seen once may be no face.
FEWEST_LOOKS = 3
# Pairs in which one tracklet is counted at most, so that who stands before a camera for long, or a
# poster, does not make up a gallery's counts alone.
MOST_PAIRS = 3
# Steps in which scores are counted: a fifteenth of what scores of different people spread by.
PLAIN_WIDTH, NORMALISED_WIDTH = 0.005, 0.05
# Where bands of quality begin, as in calibrations.
QUALITIES = (0.0, 0.6, 0.8)


def with_different_people(
    indexed: IndexedRecording, metric: Metric, normaliser: Normaliser | None = None
) -> IndexedRecording:
    """The recording with its comparisons of certainly different people counted.

    They are counted on the plain scale, and on that of a *normaliser* too if there is one.
    """
    pairs = list(different_pairs(indexed.tracklets))
    counts = _counted(PLAIN_SCALE, PLAIN_WIDTH, pairs, metric, None)
    if normaliser is not None:
        counts += _counted(normaliser.scale, NORMALISED_WIDTH, pairs, metric, normaliser)
    return replace(indexed, different_people=counts)


def different_pairs(tracklets: Sequence[Tracklet]) -> Iterator[tuple[Tracklet, Tracklet]]:
    """Yield pairs of searchable tracklets of one recording that are certainly of different people.

    Three pictures at least show both, with room for another face between them, and none shows them
    in one place. Of stored tracklets the pictures of their shots alone are known, of which one is
    enough: each of them was chosen as a good view of a face.
    """
    seen = [t for t in tracklets if t.searchable and t.detections >= FEWEST_LOOKS]
    at: dict[float, list[tuple[int, Box]]] = {}
    for number, tracklet in enumerate(seen):
        for seconds, box in tracklet.moments or ((s.seconds, s.box) for s in tracklet.shots):
            at.setdefault(seconds, []).append((number, box))
    apart: Counter[tuple[int, int]] = Counter()
    together: set[tuple[int, int]] = set()
    for those in at.values():
        for (one, box), (other, there) in combinations(those, 2):
            if one != other:
                apart[one, other] += are_apart(box, there)
                if box.overlap(there) > 0:
                    together.add((one, other))
    ordered = sorted(
        (pair for pair, count in apart.items() if count >= _enough(seen, pair)),
        # Those that came one after the other first, so that many tracklets have their share.
        key=lambda pair: (pair[1] - pair[0], pair),
    )
    partners: Counter[int] = Counter()
    for one, other in ordered:
        if (one, other) not in together and max(partners[one], partners[other]) < MOST_PAIRS:
            partners.update((one, other))
            yield seen[one], seen[other]


def _enough(seen: Sequence[Tracklet], pair: tuple[int, int]) -> int:
    """Pictures that must show the two apart."""
    return FEWEST_LOOKS if all(seen[number].moments for number in pair) else 1


def are_apart(box: Box, other: Box) -> bool:
    """Return True if another face, as large as the larger of the two, would fit between them."""
    across = max(box.x, other.x) - min(box.x + box.width, other.x + other.width)
    down = max(box.y, other.y) - min(box.y + box.height, other.y + other.height)
    return across >= max(box.width, other.width) or down >= max(box.height, other.height)


def _counted(
    scale: str,
    width: float,
    pairs: Sequence[tuple[Tracklet, Tracklet]],
    metric: Metric,
    normaliser: Normaliser | None,
) -> tuple[ScoreCount, ...]:
    """Count scores by quality and step; one line of none says that there was nothing to count."""
    edges = np.array(QUALITIES)
    counted: Counter[tuple[float, int]] = Counter()
    for one, other in pairs:
        assert one.template is not None
        assert other.template is not None
        score = templates.scores(one.template[None], other.template, metric, normaliser)[0]
        quality = min(tracklet.shots[0].quality.overall for tracklet in (one, other))
        band = float(edges[np.searchsorted(edges, quality, side="right") - 1])
        counted[band, math.floor(score / width)] += 1
    lines = sorted(counted.items()) or [((0.0, 0), 0)]
    return tuple(
        ScoreCount(scale, band, round(step * width, 6), width, number)
        for (band, step), number in lines
    )


__all__ = ["FEWEST_LOOKS", "MOST_PAIRS", "QUALITIES", "different_pairs", "with_different_people"]
