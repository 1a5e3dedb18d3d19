"""Make normalisers of people with known names; see :mod:`workbench.calibration.normaliser`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calibration import Normaliser
from workbench.calibration.normaliser import plain_scores
from workbench.faces.templates import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.evaluation.samples import Samples

CENTROIDS = 128
# People that each centroid is the mean of, the fewest first: as many as it takes for no centroid to
# find one of them.
PEOPLE_EACH = (20, 35, 50, 75, 100, 150, 200)
# Fewer people make no centroids: each would be the mean of too large a share of them.
FEWEST_PEOPLE = 5 * CENTROIDS
FOLDS = 5
# Standard deviations that centroids stay below the default threshold with the people they were made
# from: that threshold moves with the quality of the tracklets that are compared.
MARGIN = 0.15
POOLED = (2, 3, 5)  # pictures in a template of a gallery, beside single ones and all of a person


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """Scores of people against others, none of whom is in the centroids that both are seen by.

    Parameters
    ----------
    fold : mapping of person to int
        That of each person; 0 if it is not named.
    normalisers : (folds,) Normaliser
        Of each fold: made of none of its people.
    """

    fold: Mapping[str, int]
    normalisers: tuple[Normaliser, ...]

    def scores(
        self,
        probes: NDArray[Any],
        entries: NDArray[Any],
        of_probes: Sequence[str],
        of_entries: Sequence[str],
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Scores ``(p, g)``, NaN where the two are in different folds; and the probes' offsets."""
        found = np.full((len(probes), len(entries)), np.nan)
        offsets = np.empty(len(probes))
        left, right = (
            np.array([self.fold.get(p, 0) for p in who]) for who in (of_probes, of_entries)
        )
        for number, normaliser in enumerate(self.normalisers):
            rows, columns = np.flatnonzero(left == number), np.flatnonzero(right == number)
            found[np.ix_(rows, columns)] = normaliser.scores(entries[columns], probes[rows])
            offsets[rows] = normaliser.offsets(probes[rows])
        return found, offsets

    def with_scale(self, mean: float, deviation: float) -> CrossFit:
        """Put its scores on the scale of a mean and a deviation."""
        return replace(self, normalisers=tuple(
            replace(one, mean=mean, deviation=deviation) for one in self.normalisers
        ))  # fmt: skip


def make_normaliser(
    samples: Samples,
    people: Sequence[str],
    *,
    people_each: int,
    source: str,
    licence: str,
    mean: float = 0.0,
    deviation: float = 1.0,
) -> Normaliser:
    """Make centroids of some people: of each of k means, the mean of the people nearest to it."""
    from sklearn.cluster import KMeans

    metric = samples.profile.metric
    wanted = samples.of(people)
    known = np.stack(
        [pool(wanted.templates[wanted.people == p], metric) for p in np.unique(wanted.people)]
    )
    if metric == "cosine":
        known /= np.linalg.norm(known, axis=1, keepdims=True)
    found = KMeans(CENTROIDS, n_init=4, random_state=0).fit(known).cluster_centers_
    near = np.argsort(-plain_scores(found, known, metric), axis=1, kind="stable")[:, :people_each]
    means = known[near].mean(axis=1, dtype=np.float64)
    if metric == "cosine":
        means /= np.linalg.norm(means, axis=1, keepdims=True)
    return Normaliser(
        metric=metric,
        # As a file holds them.
        centroids=means.astype(np.float16).astype(np.float32),
        mean=mean,
        deviation=deviation,
        people_each=people_each,
        people=len(known),
        source=source,
        licence=licence,
    )


def cross_fit(samples: Samples, *, people_each: int) -> CrossFit:
    """Divide people into folds, and make the normaliser of each of all the others."""
    people = np.unique(samples.people)
    shuffled = np.random.default_rng(0).permutation(len(people))
    fold = {person: number % FOLDS for number, person in enumerate(people[shuffled].tolist())}
    return CrossFit(
        fold,
        tuple(
            make_normaliser(
                samples,
                [person for person in people if fold[person] != number],
                people_each=people_each,
                source="",
                licence="",
            )
            for number in range(FOLDS)
        ),
    )


def finds_a_contributor(normaliser: Normaliser, samples: Samples, threshold: float) -> bool:
    """Return True if a centroid, as a probe, finds or nearly finds a picture among *samples*.

    These are of the people that it was made from: then it would be a template of somebody.
    """
    found = normaliser.scores(_as_entries(samples), normaliser.centroids)
    return bool((found >= threshold - MARGIN).any())


def _as_entries(samples: Samples) -> NDArray[Any]:
    """Templates of each person as a gallery may hold them: of one picture, and of several."""
    metric, made = samples.profile.metric, [samples.templates]
    for person in np.unique(samples.people):
        own = samples.templates[samples.people == person]
        for many in sorted({*POOLED, len(own)}):
            if many <= len(own):
                made.append(pool(own[:many], metric)[None])
    return np.concatenate(made)
