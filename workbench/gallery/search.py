"""Exact search inside a scope."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from workbench.domain import Camera, Candidate, Scope
from workbench.errors import GalleryError
from workbench.permit import Permit, spend

if TYPE_CHECKING:
    from workbench.domain import Metric, Vector
    from workbench.gallery.store import Gallery

# As workbench.faces.templates.scores has it, in SQL; a test holds the two together.
_SCORE: dict[Metric, str] = {
    "euclidean": "1 - array_distance(template, $probe::FLOAT[{dimension}])",
    "cosine": "array_cosine_similarity(template, $probe::FLOAT[{dimension}])",
}

# The score is computed once, on the rows inside the scope alone; the pictures of the few winners
# are fetched afterwards. Cameras come as a table: a literal IN list is 5 to 14 times slower.
_SEARCH = """
WITH scored AS (
    SELECT recording_id, ordinal, camera_id, first_seen, last_seen, {score} AS score
    FROM templates
    SEMI JOIN (SELECT unnest($cameras::VARCHAR[]) AS camera_id) USING (camera_id)
    WHERE first_seen < $end AND last_seen >= $start
), best AS (
    SELECT * FROM scored WHERE score >= $threshold
    ORDER BY score DESC, first_seen, recording_id, ordinal LIMIT $top
)
SELECT best.*, r.file, s.quality, s.seconds, s.time, s.jpeg
FROM best JOIN recordings r USING (recording_id)
JOIN shots s ON s.recording_id = best.recording_id AND s.ordinal = best.ordinal AND s.rank = 0
ORDER BY score DESC, best.first_seen, best.recording_id, best.ordinal
"""
_ALL = 2**62


def search(
    gallery: Gallery,
    template: Vector,
    scope: Scope,
    *,
    permit: Permit,
    top: int | None = None,
    threshold: float | None = None,
) -> list[Candidate]:
    """Tracklets inside the scope, best first; equal scores by time.

    Parameters
    ----------
    template : (dimension,) float32
        The probe's, of the gallery's profile.
    permit : Permit
        Leave to ask this very question; see :func:`workbench.casework.authority.authorise`.
    top : int, optional
        At most so many.
    threshold : float, optional
        Only those with at least this score.

    Raises
    ------
    NotPermitted
        If the permit is not for this question, was used, or is none.
    GalleryError
        If the template is not a finite vector of the gallery's dimension, or *top* is below 1.
    DistrictError
        If the district holds no camera of the gallery.
    """
    import numpy as np

    spend(permit, gallery=gallery.path, template=template, scope=scope)
    dimension = gallery.profile.dimension
    if template.shape != (dimension,) or not np.isfinite(template).all():
        raise GalleryError(
            f"the probe is not a finite vector of {dimension} numbers",
            where=str(gallery.path),
            fix="Make it again from the photographs",
        )
    if top is not None and top < 1:
        raise GalleryError(
            f"cannot return {top} candidates", where="top", fix="Ask for one at least"
        )
    cameras: dict[str, Camera] = {c.camera_id: c for c in gallery.cameras_inside(scope.district)}
    score = _SCORE[gallery.profile.metric].format(dimension=int(dimension))
    rows = gallery.arrow(
        _SEARCH.format(score=score),
        {
            "probe": [float(x) for x in template],
            "cameras": list(cameras),
            "start": scope.start,
            "end": scope.end,
            "threshold": float("-inf") if threshold is None else threshold,
            "top": _ALL if top is None else top,
        },
    )
    return [
        Candidate(
            tracklet_id=f"{row['recording_id']}-{row['ordinal']}",
            camera=cameras[row["camera_id"]],
            recording_id=row["recording_id"],
            recording=row["file"],
            first_seen=row["first_seen"].astimezone(UTC),
            last_seen=row["last_seen"].astimezone(UTC),
            score=row["score"],
            quality=row["quality"],
            shot_seconds=row["seconds"],
            shot_time=row["time"].astimezone(UTC),
            shot_jpeg=row["jpeg"],
        )
        for row in rows.to_pylist()
    ]
