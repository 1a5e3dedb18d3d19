"""Cameras, and what they recorded, as a catalogue names it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from workbench.domain.times import utc
from workbench.errors import CatalogueError

_AT_PLACE = re.compile(r"@[+-]\d{2}\.\d{5}[+-]\d{3}\.\d{5}\Z")
FILM = "film"  # for a track: the film's own metadata


class Place(NamedTuple):
    """A place on Earth, in WGS 84 degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera at one place, or one whose place is not known: a bus, a film handed in.

    ``latitude`` and ``longitude`` are both None where the place is not known. Such a camera lies in
    no district.
    """

    camera_id: str
    name: str
    latitude: float | None
    longitude: float | None

    def __post_init__(self) -> None:
        if not self.camera_id:
            raise CatalogueError("a camera without an id", fix="Give each camera a camera_id")
        where = f"camera {self.camera_id}"
        if self.latitude is None and self.longitude is None:
            return
        if self.latitude is None or self.longitude is None:
            raise CatalogueError(
                "half of its place is missing",
                where=where,
                fix="Give both latitude and longitude, or neither where the place is not known",
            )
        # Written so that NaN fails too.
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise CatalogueError(
                f"latitude {self.latitude}, longitude {self.longitude} is not a place on Earth",
                where=where,
                fix="Latitude lies in [-90, 90], longitude in [-180, 180]; were they swapped",
            )

    @property
    def place(self) -> Place | None:
        """Place where the camera stands; None where that is not known."""
        if self.latitude is None or self.longitude is None:
            return None
        return Place(self.longitude, self.latitude)

    def at(self, place: Place) -> Camera:
        """Make a camera of this one while it is at one place.

        Its id is made of the camera's and the place (after ISO 6709), so that the same place gives
        the same camera whenever, and by whomever, it is indexed.
        """
        longitude, latitude = round(place.longitude, 5), round(place.latitude, 5)  # some 1 m
        return Camera(
            f"{self.camera_id}@{latitude:+09.5f}{longitude:+010.5f}",
            f"{self.name} at {latitude:.5f}, {longitude:.5f}",
            latitude,
            longitude,
        )

    def words(self) -> str:
        """Name and id, or the id alone; and that the place is not known, where it is not."""
        named = self.name and self.name != self.camera_id
        words = f"{self.name} ({self.camera_id})" if named else self.camera_id
        return words if self.place else f"{words}, place not known"


def base_camera(camera_id: str) -> str:
    """Id of the camera that a camera at one place was made of (:meth:`Camera.at`), or its own."""
    return _AT_PLACE.sub("", camera_id)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one camera, as its catalogue names it: a film or a sequence of pictures.

    For a sequence the last part of ``file`` is a pattern such as ``*.jpg``, and ``frame_rate`` is
    the number of pictures per second. ``started_at`` is the right time of its beginning, as far as
    the catalogue knows: what the camera's clock said, less ``clock_offset_seconds``.
    """

    file: str  # as written in the catalogue, relative to it
    path: Path  # where that is on this machine
    camera_id: str
    started_at: datetime  # UTC
    # Pictures taken a second: of a sequence, or of a film without times, or with other ones.
    frame_rate: float | None = None
    stream: int = 1  # which picture stream of a film with several
    # Degrees clockwise that put a picture upright, after what the file says; None: not stated.
    rotation: int | None = None
    pixel_aspect: Fraction | None = None  # width by height, in place of what the file says
    clock_offset_seconds: float = 0.0  # by which the camera's clock was ahead, if that is known
    clock_given_for: str = "recording"  # what that offset was given for: itself, folder, camera
    time_doubt: str = ""  # why started_at is not certain, as the catalogue says; empty if it is
    # Of a camera that moves: a GPX file, or the film itself, which says where it was when.
    track: Path | None = None
    catalogue: str = ""  # folder of the catalogue that lists it; empty: not known

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", utc(self.started_at, where=self.file))

    @property
    def stated_at(self) -> datetime:
        """UTC time of its beginning as the camera's clock, or the list, has it."""
        return self.started_at + timedelta(seconds=self.clock_offset_seconds)


@dataclass(frozen=True, slots=True)
class Reading:
    """Way in which a recording is read, beside what its file says; kept when it is indexed."""

    stream: int = 1  # which picture stream, from 1
    rotation: int = 0  # degrees clockwise
    pixel_aspect: Fraction | None = None  # width by height; None: as the file says
    frame_rate: float | None = None  # pictures taken a second; None: as the file says


@dataclass(frozen=True, slots=True)
class Leg:
    """Part of a recording in which a moving camera stays near one place."""

    start: float  # seconds of the recording
    end: float
    place: Place | None  # None: not known


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The cameras and recordings of one delivery of footage."""

    root: Path
    cameras: tuple[Camera, ...]
    recordings: tuple[Recording, ...]
    # Rows that were refused; the others are used.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong with one recording or row while the rest went on."""

    where: str
    what: str
    at_seconds: float | None = None  # presentation time inside the recording, where known


def outside_of(legs: Sequence[Leg], seconds: float) -> Iterator[tuple[float, float]]:
    """Seconds of a film that belong to none of the *legs* of a recording, which are in order.

    Without legs all of the film belongs to it.
    """
    reached = 0.0
    for leg in legs:
        yield reached, leg.start
        reached = leg.end
    if legs:
        yield reached, max(reached, seconds)
