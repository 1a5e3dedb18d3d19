"""Comparisons of certainly different people in the footage of a gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from workbench.gallery.store import Gallery


def different_people(gallery: Gallery, scale: str) -> pd.DataFrame:
    """Scores of certainly different people on one scale, counted by recording, quality and step.

    Columns: recording_id, camera_id, seconds (of the recording that could be seen), quality,
    score (at which the step begins), width (of it), comparisons. A recording without such a pair
    has one row of none; one in which nobody looked for pairs has no row.
    """
    frame: pd.DataFrame = gallery.arrow(
        "SELECT d.recording_id, r.camera_id, coalesce(s.seconds, 0) AS seconds, d.quality, "
        "d.score, d.width, d.comparisons FROM different_people d "
        "JOIN recordings r USING (recording_id) LEFT JOIN (SELECT recording_id, "
        "sum(epoch(ended_at - started_at)) AS seconds FROM spans GROUP BY ALL) s "
        "USING (recording_id) WHERE d.scale = ? ORDER BY recording_id, quality, score",
        [scale],
    ).to_pandas()
    return frame


__all__ = ["different_people"]
