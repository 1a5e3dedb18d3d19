"""Candidates as a table, the same wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.domain.clocks import TIME_FIELDS

if TYPE_CHECKING:
    import pandas as pd

    from workbench.domain.searching import Candidate

COLUMNS = (
    "score", "rank", "camera", "first_seen", "last_seen", "recording", "quality", "scale",
    "camera_id", "longitude", "latitude", "tracklet_id", *TIME_FIELDS,
)  # fmt: skip


def candidates_frame(candidates: Iterable[Candidate]) -> pd.DataFrame:
    """Return candidates as a DataFrame, one row each in their order; times in UTC.

    Columns: score, rank (from 1), camera, first_seen, last_seen, recording, quality, scale,
    camera_id, longitude, latitude, tracklet_id, and what the times rest on:
    :data:`workbench.domain.TIME_FIELDS`.
    """
    import pandas as pd  # which most commands need not load

    rows = [
        (
            c.score, rank, c.camera.name, c.first_seen, c.last_seen, c.recording, c.quality,
            c.scale, c.camera.camera_id, c.camera.longitude, c.camera.latitude, c.tracklet_id,
            *c.time.fields.values(),
        )
        for rank, c in enumerate(candidates, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


__all__ = ["candidates_frame"]
