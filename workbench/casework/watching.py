"""Footage to be watched under a case: what cameras recorded at one moment, beside each other.

Recordings are laid beside each other by the time of day, with the corrections of their clocks, not
by their seconds. What is shown of them is put on record by :mod:`workbench.casework.viewing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from workbench.casework.viewing import Piece
from workbench.domain import base_camera
from workbench.maps.route import metres_between

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.domain import Camera
    from workbench.gallery import Gallery

SHORTEST = 0.05  # seconds of a piece


def watchable_cameras(case: Case, gallery: Gallery) -> tuple[Camera, ...]:
    """List the cameras of a gallery whose footage a case covers.

    Raises DistrictError if there is none.
    """
    return gallery.cameras_inside(case.request.district, unplaced=case.scope.unplaced)


def in_step(
    case: Case, gallery: Gallery, origin: Camera, moment: datetime, seconds: float, *, beside: int
) -> tuple[Piece, ...]:
    """Find what a camera recorded from a moment on, and the same of those nearest to it.

    Each piece lies in the time of the case and has one offset of the clock, and a moving camera's
    lies at one of its places in the area of the case: there may be several of one camera.

    Parameters
    ----------
    origin : Camera
        Its pieces come first, if there are any.
    beside : int
        Most further cameras: the nearest ones in a straight line that recorded then. A moving one
        counts once, wherever it was.
    """
    cameras = {one.camera_id: one for one in watchable_cameras(case, gallery)}
    cameras[origin.camera_id] = origin
    since = max(moment, case.request.start)
    until = min(moment + timedelta(seconds=seconds), case.request.end)
    names = gallery.recorded_between(cameras.values(), since, until)
    found: dict[str, list[Piece]] = {}
    for whole in gallery.recorded_parts(names):
        part = whole.between(since, until)
        if part is not None and part.end - part.start > SHORTEST:
            piece = Piece(
                part.recording_id, part.file, cameras[part.camera_id],
                part.begins, part.start, part.end, part.mark,
            )  # fmt: skip
            found.setdefault(part.camera_id, []).append(piece)
    own = base_camera(origin.camera_id)
    order = [origin, *_nearest(origin, [cameras[name] for name in found])]
    order.sort(key=lambda camera: base_camera(camera.camera_id) != own)  # and so by distance
    bases = list(dict.fromkeys(base_camera(camera.camera_id) for camera in order))[: beside + 1]
    return tuple(
        piece
        for camera in order
        if base_camera(camera.camera_id) in bases
        for piece in sorted(found.get(camera.camera_id, ()), key=lambda piece: piece.since)
    )


def _nearest(origin: Camera, cameras: Sequence[Camera]) -> list[Camera]:
    """Sort the other cameras by their distance; those without a place are left out."""
    if origin.place is None:
        return []
    far = [
        (metres_between(origin.place, camera.place), camera.camera_id, camera)
        for camera in cameras
        if camera.place is not None and camera.camera_id != origin.camera_id
    ]
    return [camera for _, _, camera in sorted(far, key=lambda one: one[:2])]
