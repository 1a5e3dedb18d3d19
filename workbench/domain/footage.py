"""Cameras, and what they recorded, as a catalogue names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

from workbench.domain.times import utc
from workbench.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera at a fixed place."""

    camera_id: str
    name: str
    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not self.camera_id:
            raise CatalogueError("a camera without an id", fix="Give each camera a camera_id")
        # Written so that NaN fails too.
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise CatalogueError(
                f"latitude {self.latitude}, longitude {self.longitude} is not a place on Earth",
                where=f"camera {self.camera_id}",
                fix="Latitude lies in [-90, 90], longitude in [-180, 180]; were they swapped",
            )


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
    time_doubt: str = ""  # why started_at is not certain, as the catalogue says; empty if it is

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", utc(self.started_at, where=self.file))

    @property
    def stated_at(self) -> datetime:
        """UTC time of its beginning as the camera's clock, or the list, has it."""
        return self.started_at + timedelta(seconds=self.clock_offset_seconds)


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
