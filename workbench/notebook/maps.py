"""Maps of candidates, wherever they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.installation import Installation
from workbench.maps.zones import zone_of_cameras

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.domain import Candidate
    from workbench.live.view import LiveMap


def sightings_map(
    candidates: Sequence[Candidate],
    *,
    zone: ZoneInfo | None = None,
    installation: Installation | None = None,
    **options: Any,
) -> LiveMap:
    """Show candidates on a map: while the notebook runs, and not saved with it.

    Of one search ``result.map()`` says more: it knows the district, the cameras and the streets.

    Parameters
    ----------
    candidates : sequence of Candidate
        In any order.
    zone : ZoneInfo, optional
        Where times are local; by default that of the settings or the cameras.
    installation : Installation, optional
        Whose zone and streets to take; by default those of the environment's.
    options
        The others of :func:`workbench.maps.sightings.sightings_map`, with its errors.
    """
    from workbench.live.view import LiveMap
    from workbench.maps.sightings import sightings_map as draw

    chosen = (installation or Installation.open()).settings
    ground = {
        "base_map": chosen.base_map,
        "tiles": chosen.tiles,
        "tiles_attribution": chosen.tiles_attribution,
    }
    cameras = [candidate.camera for candidate in candidates]
    here = zone or zone_of_cameras(cameras, override=chosen.zone)
    drawn = draw(candidates, zone=here, **(ground | options))
    number = "1 candidate" if len(candidates) == 1 else f"{len(candidates):,} candidates"
    return LiveMap(
        f"Map of {number}: shown while this notebook runs, and not saved with it. Run the cell "
        "again to look.",
        drawn,
    )
