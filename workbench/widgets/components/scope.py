"""Scope of a question: the district, the cameras in it, and the time.

Everything that the panels show is a trait of :class:`ScopeModel`, and everything that they do is
one of its methods; so it can be used, and tested, without a kernel and without a browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from traitlets import Instance, Tuple

from workbench import district as districts
from workbench.domain import Camera, District, Filter, Scope, Span, natural
from workbench.errors import DistrictError, TimeError
from workbench.installation import Installation
from workbench.maps.zones import zone_of_cameras
from workbench.widgets.components.clocks import Fold, moment, wall_clock
from workbench.widgets.components.hours import WeeklyHours
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

NIGHT = (20, 6)  # hours
# Degrees, some 0.1 m: what is searched around a camera chosen by hand is its own place. Cameras on
# the same mast are told apart by their ids.
PLACE = 1e-6

Inside: TypeAlias = (
    "tuple[tuple[District | None, tuple[str, ...]], NDArray[np.intp], tuple[Camera, ...]]"
)
"""The district and the cameras picked, and the cameras that they come to."""

Columns: TypeAlias = (
    "tuple[pd.DataFrame, NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]"
)
"""A table of footage, and what :meth:`ScopeModel.footage_seconds` needs of it."""


class ScopeModel(Tasks):
    """The cameras of a gallery, and which of them and which times a question is about.

    Problems are reported in ``messages``, under ``district``, ``time`` or ``hours``.

    Parameters
    ----------
    gallery : Path
        The gallery to ask. It is opened for each use and closed again, so that footage can be
        indexed while the page is open.
    installation : Installation
        Whose cases, models and settings are used.
    zone : ZoneInfo, optional
        The zone of local times; by default the zone of the cameras' place.
    work : Work, optional
        Where long work is done; by default at once and in place.

    Raises
    ------
    GalleryError
        If the gallery does not exist or cannot be read.
    """

    district = Instance(District, allow_none=True)
    start = Instance(datetime, allow_none=True, help="UTC")
    end = Instance(datetime, allow_none=True, help="UTC")
    hours = Instance(WeeklyHours, allow_none=True, help="only these hours of the week; None: all")
    selected_cameras = Tuple(help="ids of cameras chosen one by one, in place of an area")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        with installation.open_gallery(gallery) as opened:
            self.profile = opened.profile
            known = sorted(opened.cameras(), key=lambda one: natural(one.camera_id))
            self.footage: pd.DataFrame = opened.footage()
            self.span: tuple[datetime, datetime] | None = opened.time_span()
        # Only what has a place can be in a district; the others are searched by name, under a case.
        placed = [(camera, camera.place) for camera in known if camera.place is not None]
        self.cameras: tuple[Camera, ...] = tuple(camera for camera, _ in placed)
        self.unplaced: tuple[Camera, ...] = tuple(one for one in known if one.place is None)
        self.zone = zone_of_cameras(self.cameras, override=zone)
        self.longitudes = np.array([place.longitude for _, place in placed], np.float64)
        self.latitudes = np.array([place.latitude for _, place in placed], np.float64)
        self._number_of = {camera.camera_id: i for i, camera in enumerate(self.cameras)}
        self._inside: Inside | None = None
        self._columns: Columns | None = None

    # --- District -------------------------------------------------------------------------

    def set_district_geojson(
        self, document: str | Mapping[str, Any], *, name: str = "", drawn: bool = True
    ) -> bool:
        """Take the polygons of a GeoJSON document as the district.

        False if they are not a district, which then stays as it was; see
        :mod:`workbench.district`.
        """
        try:
            self.set_district(districts.from_geojson(document, name=name, drawn=drawn))
        except DistrictError as error:
            self.say("district", str(error))
            return False
        return True

    def set_district(self, district: District | None) -> None:
        """Take a district, or none; cameras chosen by hand give way to it."""
        self.say("district")
        with self.hold_trait_notifications():
            self.selected_cameras, self.district = (), district

    def whole_area(self, *, margin: float = 0.001) -> District:
        """A rectangle around all cameras, with a margin in degrees, by default about 100 m."""
        # A single camera has no area of its own.
        places = shapely.multipoints(list(zip(self.longitudes, self.latitudes, strict=True)))
        area = shapely.box(*shapely.bounds(places)).buffer(margin, join_style="mitre")
        return districts.from_shapes([area], name="All cameras")

    def pick_camera(self, camera_id: str, picked: bool | None = None) -> None:
        """Choose a camera by hand, or take it back; by default whichever it is not yet.

        Where an area was drawn, the cameras chosen take its place.
        """
        ids = dict.fromkeys(self.selected_cameras)
        if camera_id not in ids and picked is not False:
            ids[camera_id] = None
        elif camera_id in ids and picked is not True:
            del ids[camera_id]
        self.pick_cameras(tuple(ids))

    def pick_cameras(self, camera_ids: Sequence[str]) -> None:
        """Choose these cameras by hand, and no others; none of them for no district."""
        self.say("district")
        known = self._number_of
        chosen = [self.cameras[known[i]] for i in dict.fromkeys(camera_ids) if i in known]
        if gone := len(set(camera_ids)) - len(chosen):
            self.say("district", f"Cameras no longer in this gallery: {gone:,}.")
        with self.hold_trait_notifications():
            self.selected_cameras = tuple(camera.camera_id for camera in chosen)
            self.district = places_of(chosen) if chosen else None

    @property
    def cameras_inside(self) -> tuple[Camera, ...]:
        """The cameras that are asked about: in the district, border included, or picked."""
        return self._asked_about()[1]

    @property
    def numbers_inside(self) -> NDArray[np.intp]:
        """Indices into :attr:`cameras` of the cameras inside, ``(n,) intp``, in order."""
        return self._asked_about()[0]

    def _asked_about(self) -> tuple[NDArray[np.intp], tuple[Camera, ...]]:
        question = (self.district, self.selected_cameras)
        # Several panels ask at each change; among 160,000 cameras each answer takes some time.
        if self._inside is None or self._inside[0] != question:
            if self.selected_cameras:
                numbers = np.sort([self._number_of[name] for name in self.selected_cameras])
            elif self.district is not None:
                inside = shapely.intersects_xy(self.district.area, self.longitudes, self.latitudes)
                numbers = np.flatnonzero(inside)
            else:
                numbers = np.empty(0, np.intp)
            self._inside = question, numbers, tuple(self.cameras[number] for number in numbers)
        return self._inside[1:]

    # --- Time -----------------------------------------------------------------------------

    def set_time(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        start_fold: Fold = None,
        end_fold: Fold = None,
    ) -> None:
        """Take a range of local times, as clocks in the zone show them (naive).

        A fold says which of the two moments is meant where clocks showed a time twice.
        """
        self.start = self.end = None
        try:
            if start is None or end is None:
                raise TimeError(
                    "the start and the end each need a date and a time",
                    where="Time range",
                    fix="Fill in all four fields",
                )
            begin = moment(start, self.zone, start_fold, where="Start")
            finish = moment(end, self.zone, end_fold, where="End")
            if finish <= begin:
                raise TimeError(
                    "the end is not after the start",
                    where="Time range",
                    fix="Choose an end after the start",
                )
        except TimeError as error:
            self.say("time", str(error))
        else:
            self.set_range(begin, finish)

    def set_all_footage(self) -> None:
        """Take the whole time in which there is footage, to full minutes."""
        if self.span:
            first, last = self.span
            self.set_range(_minute(first), _minute(last) + timedelta(minutes=1))

    def set_last(self, duration: timedelta) -> None:
        """Take a time range of a given length that ends with the footage."""
        if self.span:
            end = _minute(self.span[1]) + timedelta(minutes=1)
            self.set_range(end - duration, end)

    @property
    def local_range(self) -> tuple[tuple[datetime, Fold], tuple[datetime, Fold]] | None:
        """Start and end as clocks in the zone show them, each with its fold."""
        if self.start is None or self.end is None:
            return None
        return wall_clock(self.start, self.zone), wall_clock(self.end, self.zone)

    def set_last_night(self) -> None:
        """Take the last night in which there may be footage, by the clocks of the place."""
        if self.span is None:
            return
        last = self.span[1].astimezone(self.zone)
        begin = last.replace(hour=NIGHT[0], minute=0, second=0, microsecond=0, tzinfo=None)
        if last.hour < NIGHT[0]:
            begin -= timedelta(days=1)
        end = (begin + timedelta(days=1)).replace(hour=NIGHT[1])
        self.set_time(begin, end, start_fold=0, end_fold=0)

    def set_hours(self, weekdays: Sequence[int], from_hour: int, to_hour: int) -> None:
        """Narrow the time range to some hours of some weekdays (0 is Monday)."""
        self.say("hours")
        try:
            self.hours = WeeklyHours(frozenset(weekdays), from_hour, to_hour)
        except TimeError as error:
            self.hours = None
            self.say("hours", str(error))

    @property
    def windows(self) -> tuple[tuple[datetime, datetime], ...]:
        """Windows of time in question (UTC), in order; none without a time range."""
        if self.start is None or self.end is None:
            return ()
        if self.hours is None:
            return ((self.start, self.end),)
        scope = Scope(self.district or self.whole_area(), self.start, self.end)
        return self.hours.windows(scope, self.zone)

    @property
    def filter(self) -> Filter | None:
        """Filter of a search beyond district and time range; None if there is none."""
        if not self.selected_cameras and self.hours is None:
            return None
        return Filter(
            cameras=frozenset(self.selected_cameras) or None,
            windows=None if self.hours is None else self.windows,
        )

    def footage_seconds(self) -> dict[str, float]:
        """Seconds of footage in the time range, by camera_id, of the cameras inside."""
        camera, starts, ends = self.recordings()
        within = np.where(
            np.isin(camera, self.numbers_inside), seconds_within(starts, ends, self.windows), 0.0
        )
        # Recordings of cameras that are not in the list are numbered -1.
        seconds = np.bincount(camera + 1, within, minlength=len(self.cameras) + 1)[1:]
        ids = [self.cameras[number].camera_id for number in np.flatnonzero(seconds > 0)]
        return dict(zip(ids, seconds[seconds > 0].tolist(), strict=True))

    def recordings(self) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Arrays ``(n,)`` of all recordings: index of the camera, start and end (s since 1970).

        As arrays: the rows of half a million recordings take seconds to go through one by one.
        """
        if self._columns is None or self._columns[0] is not self.footage:
            known = pd.Index([camera.camera_id for camera in self.cameras])
            camera = known.get_indexer(pd.Index(self.footage["camera_id"].astype(known.dtype)))
            starts, ends = (
                self.footage[name].dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64)
                for name in ("started_at", "ended_at")
            )
            self._columns = self.footage, camera, starts / 1e6, ends / 1e6
        return self._columns[1:]

    def gaps(self, cameras: Sequence[Camera], windows: Sequence[Span]) -> tuple[Span, ...]:
        """List the parts of windows, in order, in which none of some cameras has footage."""
        from workbench.maps.histogram import occupancy

        chosen = [self._number_of[c.camera_id] for c in cameras if c.camera_id in self._number_of]
        if not chosen:
            return ()
        return occupancy(self.recordings(), self.cameras, windows, chosen=np.sort(chosen)).gaps

    # --- Both -----------------------------------------------------------------------------

    def checked_scope(self) -> Scope | None:
        """Make the scope of the question; None where it is not complete, with a message why."""
        if self.district is None:
            if "district" not in self.messages:
                self.say("district", "Draw the district on the map, or choose one by name.")
        elif not self.cameras_inside:
            self.say("district", "No cameras in this district. Draw it around at least one.")
        if self.start is None or self.end is None:
            if "time" not in self.messages:
                self.say("time", "Choose a start and an end.")
            return None
        if self.district is None or not self.cameras_inside:
            return None
        return Scope(self.district, self.start, self.end)

    def set_range(self, start: datetime, end: datetime) -> None:
        """Take a time range, both ends in UTC."""
        self.say("time")
        with self.hold_trait_notifications():
            self.start, self.end = start, end


def places_of(cameras: Sequence[Camera]) -> District:
    """A district that holds no more than the very places where some cameras stand."""
    spots = shapely.points([camera.place for camera in cameras if camera.place is not None])
    name = cameras[0].name or cameras[0].camera_id
    if len(cameras) > 1:
        name = f"{len(cameras):,} cameras chosen by hand"
    return districts.from_shapes(
        [shapely.union_all(shapely.buffer(spots, PLACE, quad_segs=2))], name=name
    )


def seconds_within(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    windows: Sequence[tuple[datetime, datetime]],
) -> NDArray[np.float64]:
    """Seconds ``(n,)`` of each recording inside windows that are in order and do not meet."""
    if not windows:
        return np.zeros(len(starts))
    edges = np.array([moment.timestamp() for window in windows for moment in window])
    # Seconds of all windows before each edge; straight lines between them.
    inside = np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0)
    before = np.concatenate([[0.0], np.cumsum(inside)])
    within: NDArray[np.float64] = np.interp(ends, edges, before) - np.interp(starts, edges, before)
    return within


def _minute(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(second=0, microsecond=0)
