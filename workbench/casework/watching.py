"""Footage to be watched under a case: what cameras recorded at one moment, beside each other.

Recordings are laid beside each other by the time of day, with the corrections of their clocks, not
by their seconds. What is shown of them is put on record by :mod:`workbench.casework.viewing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from workbench.casework.viewing import Piece
from workbench.errors import NotPermitted
from workbench.maps.route import metres_between

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister
    from workbench.domain import Camera
    from workbench.gallery import Gallery

SHORTEST = 0.05  # seconds of a piece


def watchable_cameras(case: Case, gallery: Gallery) -> tuple[Camera, ...]:
    """List the cameras of a gallery whose footage a case covers.

    Raises DistrictError if there is none.
    """
    return gallery.cameras_inside(case.request.district, unplaced=case.scope.unplaced)


def piece_at(
    case: Case, gallery: Gallery, camera: Camera, moment: datetime, seconds: float
) -> Piece | None:
    """Find what a camera recorded from a moment on, at most so many seconds of it.

    It lies in the time of the case, and in one stretch of one recording; None if there is nothing.
    Of several, the one that begins first.
    """
    since = max(moment, case.request.start)
    until = min(moment + timedelta(seconds=seconds), case.request.end)
    found = []
    for row, stretch in gallery.recorded_stretches(camera_id=camera.camera_id):
        begins = row["stated_at"].astimezone(UTC) - stretch.shift
        start = max((since - begins).total_seconds(), stretch.from_seconds)
        end = min((until - begins).total_seconds(), row["ends"])
        if end - start > SHORTEST:
            found.append(Piece(row["recording_id"], row["file"], camera, begins, start, end))
    return min(found, key=lambda piece: piece.since, default=None)


def in_step(
    case: Case, gallery: Gallery, origin: Camera, moment: datetime, seconds: float, *, beside: int
) -> tuple[Piece, ...]:
    """Find what a camera recorded from a moment on, and then the same of those nearest to it.

    Parameters
    ----------
    origin : Camera
        Its piece comes first, if there is one.
    beside : int
        Most further cameras: the nearest ones in a straight line that recorded then.
    """
    pieces = []
    for camera in [origin, *_nearest(origin, watchable_cameras(case, gallery))]:
        piece = piece_at(case, gallery, camera, moment, seconds)
        if piece is not None:
            pieces.append(piece)
        others = sum(one.camera.camera_id != origin.camera_id for one in pieces)
        if others == beside:
            break
    return tuple(pieces)


def may_see_sharp(register: CaseRegister, reference: str) -> None:
    """Raise NotPermitted unless the user is a member of a case, on record; in training, all may.

    Supervisors know of every case; people in its footage are shown to those who work on it.
    """
    me, case = register.require("shot.view", reference), register.case(reference)
    if case.is_training or not me.in_service or me.account in case.members:
        return
    why = f"{me.account} is not a member of the case and sees its footage pixelated"
    register.refused("shot.view", reference, [why])
    raise NotPermitted(why, where=reference, fix="Ask who requested it to be made a member")


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
