"""Checks of a question, made before any row is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.domain import Profile, Scope
from workbench.errors import GalleryError, NotPermitted
from workbench.gallery.scan import Question
from workbench.permit import Permit, spend

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.domain import Vector


def permitted_questions(
    path: Path,
    profile: Profile,
    templates: Sequence[Vector],
    scope: Scope,
    *,
    permits: Sequence[Permit],
    top: int | None,
    threshold: float | None,
    normaliser: Normaliser | None,
) -> Callable[[], list[Question]]:
    """Spend the permits and check the question; give what makes its questions, each time anew.

    Parameters
    ----------
    path : Path
        The gallery that is asked, as the permits name it.
    profile : Profile
        Of its templates.

    Raises
    ------
    NotPermitted
        If there is not a permit for each template, or one is not for this question.
    GalleryError
        If a template is not a finite vector of the gallery's dimension, *top* is below 1, or the
        normaliser is for another metric.
    """
    if len(permits) != len(templates):
        raise NotPermitted(
            f"{len(permits)} permits were given for {len(templates)} targets",
            where="gallery search",
            fix="Search with workbench.investigation.search and the reference of an open case",
        )
    for permit, template in zip(permits, templates, strict=True):
        spend(permit, gallery=path, template=template, scope=scope)
    if top is not None and top < 1:
        raise GalleryError(
            f"cannot return {top} candidates", where="top", fix="Ask for at least one"
        )
    metric = profile.metric
    vectors = [_checked(path, profile, template) for template in templates]
    if normaliser is not None and normaliser.metric != metric:
        raise GalleryError(
            f"scores by {metric} cannot be normalised for {normaliser.metric}",
            where=str(path),
            fix="Use the calibration of the gallery's profile",
        )
    least = float("-inf") if threshold is None else threshold
    return lambda: [
        Question(one, metric, top=top, threshold=least, normaliser=normaliser) for one in vectors
    ]


def _checked(path: Path, profile: Profile, template: Vector) -> Any:
    vectors = np.atleast_2d(template)
    if (
        vectors.ndim != 2
        or vectors.shape[1] != profile.dimension
        or not len(vectors)
        or not np.isfinite(vectors).all()
        or (profile.metric == "cosine" and not vectors.any(axis=1).all())
    ):
        raise GalleryError(
            f"the probe is not a finite vector of {profile.dimension} numbers",
            where=str(path),
            fix="Make it again from the photographs",
        )
    return vectors


__all__ = ["permitted_questions"]
