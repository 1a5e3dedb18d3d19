"""Several pictures of one person against several of another: ways to make one score of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from workbench.calibration.normaliser import plain_scores
from workbench.domain import PLAIN_SCALE
from workbench.errors import EvaluationError
from workbench.evaluation.protocols import Trial
from workbench.faces.templates import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Metric
    from workbench.evaluation.samples import Samples

FusionRule: TypeAlias = Literal["best shot", "mean", "weighted mean", "best pair", "mean of pairs"]
FUSION_RULES: tuple[FusionRule, ...] = get_args(FusionRule)


def trial(
    samples: Samples,
    *,
    in_probe: int = 1,
    in_entry: int | None = None,
    alone: Sequence[str] = (),
    filler: Samples | None = None,
    rule: FusionRule = "mean",
    normaliser: Normaliser | None = None,
) -> Trial:
    """A trial in which each person's first pictures are the probe, and the others the entry.

    Parameters
    ----------
    samples : Samples
    in_probe : int
        Pictures in a probe; people who have no more than these have a probe alone.
    in_entry : int, optional
        Most pictures in an entry; by default all that are left.
    alone : sequence of str
        People who are kept out of the gallery, so that their probes have no mate.
    filler : Samples, optional
        Other people in the gallery, one entry each, without a probe.
    rule : FusionRule
        How one score is made of several pictures:

        - ``best shot``: of the picture of best quality on either side;
        - ``mean``: of the means of the templates, as the search does;
        - ``weighted mean``: of means weighted by quality;
        - ``best pair``: the highest score of any two;
        - ``mean of pairs``: the mean of the scores of all pairs.
    normaliser : Normaliser, optional
        Of the calibration whose thresholds the trial is held against; by default, scores are plain.

    Raises
    ------
    EvaluationError
        If no person has enough pictures.
    """
    out = set(alone)
    probes, entries = [], []
    for person in np.unique(samples.people):
        rows = np.flatnonzero(samples.people == person)
        if len(rows) < in_probe:
            continue
        probes.append((str(person), samples, rows[:in_probe]))
        left = rows[in_probe:][:in_entry]
        if len(left) and person not in out:
            entries.append((str(person), samples, left))
    for person in np.unique(filler.people) if filler is not None else ():
        assert filler is not None
        entries.append((str(person), filler, np.flatnonzero(filler.people == person)[:in_entry]))
    if not probes or not entries:
        raise EvaluationError(
            f"no person has more than {in_probe} pictures with a face",
            where="trial",
            fix="Give several pictures of each person",
        )
    scores = _scores([p[1:] for p in probes], [e[1:] for e in entries], rule, normaliser)
    return Trial(
        scores,
        np.array([p[0] for p in probes]),
        np.array([e[0] for e in entries]),
        scale=normaliser.scale if normaliser else PLAIN_SCALE,
    )


_Set: TypeAlias = "tuple[Samples, NDArray[Any]]"


def _scores(
    probes: Sequence[_Set],
    entries: Sequence[_Set],
    rule: FusionRule,
    normaliser: Normaliser | None,
) -> NDArray[Any]:
    metric = probes[0][0].profile.metric
    if rule in ("best shot", "mean", "weighted mean"):
        left, right = (np.stack([_one(*each, rule) for each in side]) for side in (probes, entries))
        return similarity(left, right, metric, normaliser)
    left, right = (np.concatenate([s.templates[rows] for s, rows in side])
                   for side in (probes, entries))  # fmt: skip
    pairs = similarity(left, right, metric, normaliser)
    starts = [np.cumsum([0, *(len(rows) for _, rows in side)])[:-1] for side in (probes, entries)]
    if rule == "best pair":
        best = np.maximum.reduceat(np.maximum.reduceat(pairs, starts[0], 0), starts[1], 1)
        return np.asarray(best)
    total = np.add.reduceat(np.add.reduceat(pairs, starts[0], 0), starts[1], 1)
    sizes = [np.array([len(rows) for _, rows in side]) for side in (probes, entries)]
    return np.asarray(total / np.outer(*sizes))


def _one(samples: Samples, rows: NDArray[Any], rule: FusionRule) -> NDArray[Any]:
    """Fuse pictures of a person into one template."""

    quality = samples.about["quality"].to_numpy()[rows]
    templates = samples.templates[rows]
    if rule == "best shot":
        return np.asarray(templates[int(np.argmax(quality))])
    if rule == "weighted mean" and quality.sum() > 0:
        if samples.profile.metric == "cosine":
            templates = templates / np.linalg.norm(templates, axis=1, keepdims=True)
        return np.asarray(np.average(templates, axis=0, weights=quality).astype(np.float32))
    return pool(templates, samples.profile.metric)


def similarity(
    probes: NDArray[Any],
    entries: NDArray[Any],
    metric: Metric,
    normaliser: Normaliser | None = None,
) -> NDArray[Any]:
    """Scores ``(p, g)`` of templates ``(p, d)`` against ``(g, d)``, as a search gives them.

    They are plain, or with a *normaliser* normalised.
    """
    if normaliser is not None:
        return normaliser.scores(entries, probes)
    return plain_scores(probes, entries, metric)
