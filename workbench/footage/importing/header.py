"""The header of a film: its length, its streams, and when it says that it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.domain import is_possible
from workbench.errors import RecordingError
from workbench.footage.film import Film
from workbench.footage.joined import parts_of

# A header that claims more seconds is wrong, as where the clock of a stream began again.
LONGEST = 48 * 3600.0
CREATION_TIME = "creation_time"
# In this order: Apple's has the offset from UTC of the place where it was recorded.
_TAGS = ("com.apple.quicktime.creationdate", CREATION_TIME)


@dataclass(frozen=True, slots=True)
class Header:
    """A film by its own account, read without decoding a picture.

    Parameters
    ----------
    seconds : float, optional
        Length that the file claims; None where it claims none, or more than two days.
    stated_at : datetime, optional
        Time in the header: with an offset, or naive where the header states a local time.
    stated_by : str
        The field of the header that states it.
    remark : str
        Why the time in the header is of no use, as a phrase; empty where it is, or there is none.
    picture_streams : int
    counted : bool
        True if pictures have neither times nor a rate: footage.csv must give a frame_rate.
    """

    seconds: float | None = None
    stated_at: datetime | None = None
    stated_by: str = ""
    remark: str = ""
    picture_streams: int = 1
    counted: bool = False


def read_header(path: Path, name: str) -> Header:
    """Read the header of a film.

    Raises
    ------
    RecordingError
        If the file is no film: a playlist, a sound, a text.
    """
    film = Film(path, name=name, number=1, damaged=lambda _: None)
    try:
        width, height = film.size
        if not (width and height):
            raise RecordingError(
                "holds no picture that can be read",
                where=name,
                fix="Obtain it again, or convert it with ffmpeg",
            )
        stated_at, stated_by, remark = _stated(film.tags)
        seconds, streams = film.duration_seconds, len(film.streams)
        if streams > 1:  # those that follow each other are read as one
            streams = len(parts_of(path, film.container)[0].streams) or streams
        return Header(
            seconds if seconds and seconds <= LONGEST else None,
            stated_at,
            stated_by,
            remark,
            streams,
            counted=not film.has_times and film.rate is None,
        )
    finally:
        film.close()


def _stated(tags: Mapping[str, str]) -> tuple[datetime | None, str, str]:
    """The time that the tags state, the tag that does, and why it is of no use."""
    lowered = {name.lower(): text for name, text in tags.items()}
    remark = ""
    for tag in _TAGS:
        text = lowered.get(tag, "").strip()
        if not text:
            continue
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            remark = remark or f"the header's {tag} {text[:40]!r} is not a time"
            continue
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not is_possible(aware):
            remark = remark or f"the header's time, {moment:%Y-%m-%d}, is that of an unset clock"
            continue
        return moment, tag, ""
    return None, "", remark
