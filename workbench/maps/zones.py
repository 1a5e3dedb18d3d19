"""The time that clocks show where a camera stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import tzfpy

from workbench.domain.times import local_time, zone_label

if TYPE_CHECKING:
    from workbench.domain import Camera

__all__ = ["UTC_ZONE", "local_time", "local_zone", "zone_label", "zone_of_cameras"]

UTC_ZONE = ZoneInfo("UTC")


def zone_of_cameras(cameras: Sequence[Camera], *, override: ZoneInfo | None = None) -> ZoneInfo:
    """Time zone of the first place of a camera, or *override* if there is one; UTC without any."""
    if override is not None:
        return override
    place = next((camera.place for camera in cameras if camera.place is not None), None)
    return UTC_ZONE if place is None else local_zone(*place)


def local_zone(longitude: float, latitude: float) -> ZoneInfo:
    """Time zone of a place (WGS 84 degrees).

    At open sea, beyond territorial waters, that is UTC. The borders that are looked up are
    simplified ones; an installation beside a border should set its zone.
    """
    name = tzfpy.get_tz(longitude, latitude)
    # Etc/GMT-5 and the like are nautical zones: no clocks on land show them.
    return UTC_ZONE if not name or name.startswith("Etc/") else ZoneInfo(name)
