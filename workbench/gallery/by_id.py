"""Look-up of tracklets by id, such as confirmed sightings, as candidates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from workbench.domain import PLAIN_SCALE, Candidate, TimeNote, format_tracklet_id
from workbench.gallery.duck import TRACKLET_ID
from workbench.gallery.store import Gallery

_SEEN = f"""
    WITH wanted AS (SELECT unnest($ids) AS id)
    SELECT recording_id, ordinal, camera_id, file, first_seen, last_seen, quality, shots.seconds,
           time, jpeg, first_seconds, last_seconds
    FROM tracklets JOIN recordings USING (recording_id, camera_id)
    JOIN shots USING (recording_id, ordinal)
    WHERE {TRACKLET_ID} IN (SELECT id FROM wanted)
    QUALIFY row_number() OVER (PARTITION BY recording_id, ordinal ORDER BY rank) = 1
"""  # noqa: S608


def tracklets_by_id(
    gallery: Gallery, scores: Mapping[str, float], *, scales: Mapping[str, str] | None = None
) -> dict[str, Candidate]:
    """Candidates by tracklet_id, each with its best shot and the score given in *scores*.

    Scores are plain but for those whose scale is in *scales*. Tracklets that are no longer in the
    gallery are left out.

    Raises
    ------
    GalleryError
        If the gallery cannot be read.
    """
    if not scores:
        return {}
    found = {}
    rows = gallery.arrow(_SEEN, {"ids": list(scores)}).to_pylist()
    stretches = gallery.stretches_by_id({row["recording_id"] for row in rows})
    for row in rows:
        tracklet_id = format_tracklet_id(row["recording_id"], row["ordinal"])
        found[tracklet_id] = Candidate(
            tracklet_id=tracklet_id,
            camera=gallery.places.camera(row["camera_id"]),
            recording_id=row["recording_id"],
            recording=row["file"],
            first_seen=row["first_seen"].astimezone(UTC),
            last_seen=row["last_seen"].astimezone(UTC),
            score=scores[tracklet_id],
            scale=(scales or {}).get(tracklet_id, PLAIN_SCALE),
            quality=row["quality"],
            shot_seconds=row["seconds"],
            shot_time=row["time"].astimezone(UTC),
            shot_jpeg=row["jpeg"],
            time=TimeNote.of(
                row["first_seen"].astimezone(UTC),
                stretches[row["recording_id"]],
                row["first_seconds"],
                row["last_seconds"],
            ),
        )
    return found
