"""Order of the pictures of a sequence: by the times in their names or EXIF, else by numbers."""

from __future__ import annotations

import contextlib
import re
import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from workbench.footage.names.dates import dated

# Sub-directory, DateTimeOriginal, its offset and its fraction.
_EXIF, _TAKEN, _OFFSET, _FRACTION = 0x8769, 0x9003, 0x9011, 0x9291
# Where the numbers of so great a part of the pictures follow one another, others are missing.
_MOST = 0.9
# So far counting may lead from the times that pictures state, which are often whole seconds.
_AWAY_SECONDS, _AWAY_STEPS = 1.5, 0.05


@dataclass(frozen=True, slots=True)
class Ordered:
    """Pictures of a sequence in the order in which they were taken.

    ``doubts`` lists the places from which on that is not certain, counted from 0, with the reason;
    ``times`` holds when each was taken by its name or EXIF, if all say so.
    """

    files: tuple[Path, ...]
    doubts: tuple[tuple[int, str], ...] = ()
    times: tuple[datetime, ...] = ()

    def doubts_at(self, step: float) -> tuple[tuple[int, str], ...]:
        """All doubts where pictures are counted, *step* seconds apart.

        One is the first picture that its own time puts elsewhere.
        """
        allowed = max(_AWAY_SECONDS, _AWAY_STEPS * step)
        for place, time in enumerate(self.times):
            taken = (time - self.times[0]).total_seconds()
            if abs(taken - place * step) > allowed:
                why = (
                    f"{self.files[place].name} was taken {taken:,.0f} s after the first picture by "
                    f"its name or EXIF, and counting puts it at {place * step:,.0f} s"
                )
                return (*self.doubts, (place, why))
        return self.doubts


def in_order(files: Sequence[Path]) -> Ordered:
    """Put pictures, which are in the order of their numbers, in that of their times.

    Times in names come first, then those in EXIF, each only where every picture has one. Where
    EXIF contradicts the numbers, that is in doubt; and where numbers are missing, for the pictures
    of a sequence are counted.
    """
    files = tuple(files)
    if len(files) < 2:
        return Ordered(files)
    if named := _in_names(files):
        return Ordered(_by(files, named), times=tuple(sorted(named)))
    taken: list[datetime] = []
    for file in files:
        time = taken_at_of(file)
        if time is None:
            return Ordered(files, _missing(files))
        taken.append(time)
    if len({time.tzinfo is None for time in taken}) > 1:
        return Ordered(files, _missing(files))
    ordered = _by(files, taken)
    times = tuple(sorted(taken))
    if ordered == files:
        return Ordered(files, _missing(files), times)
    first = next(
        n for n, (one, other) in enumerate(zip(files, ordered, strict=True)) if one != other
    )
    why = "the order of the names is not that of the times in EXIF, which was taken"
    return Ordered(ordered, ((first, why),), times)


def _in_names(files: tuple[Path, ...]) -> list[datetime] | None:
    """Times that the names state; None unless all do, and alike."""
    readings: list[list[datetime]] = []
    for file in files:
        found = [one.started_at for one in dated((file.stem,))]
        if not found:
            return None
        readings.append(found)
    # Days and months are told apart by the whole: 1 February follows 31 January.
    several = [[found[which] for found in readings] for which in (0, -1)]
    if any(len({time.tzinfo is None for time in times}) > 1 for times in several):
        return None
    return min(several, key=lambda times: max(times) - min(times))


def _by(files: tuple[Path, ...], times: Sequence[datetime]) -> tuple[Path, ...]:
    places = sorted(range(len(files)), key=lambda place: (times[place], place))
    return tuple(files[place] for place in places)


def _missing(files: tuple[Path, ...]) -> tuple[tuple[int, str], ...]:
    """The first place before which numbers are missing in names that are numbered on."""
    last = [re.findall(r"\d+", file.stem)[-1:] for file in files]
    if not all(last) or len({re.sub(r"\d+$", "", _until_number(file)) for file in files}) > 1:
        return ()
    steps = [int(later[0]) - int(one[0]) for one, later in pairwise(last)]
    (step, times), *_ = Counter(steps).most_common(1)
    if step < 1 or times < _MOST * len(steps):
        return ()
    for place, this in enumerate(steps, start=1):
        if this > step:
            missing = -(-this // step) - 1
            numbers = "1 number is" if missing == 1 else f"{missing} numbers are"
            why = f"{numbers} missing before {files[place].name}"
            return ((place, f"{why}, and pictures are counted"),)
    return ()


def _until_number(file: Path) -> str:
    match = re.match(r".*\d", file.stem)
    return match[0] if match else file.stem


def taken_at_of(file: Path) -> datetime | None:
    """When a picture was taken by its EXIF; None where it does not say."""
    from PIL import Image

    try:
        # It warns of each oddity of a file, on the terminal.
        with warnings.catch_warnings(), Image.open(file) as picture:
            warnings.simplefilter("ignore")
            tags: Any = picture.getexif().get_ifd(_EXIF)
    # Whatever a damaged EXIF makes Pillow stumble over: such a picture states no time. Whether it
    # can be read is found out when it is.
    except (
        OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, SyntaxError,
        struct.error, Image.DecompressionBombError,
    ):  # fmt: skip
        return None
    text, offset = str(tags.get(_TAKEN) or "").strip("\0 "), str(tags.get(_OFFSET) or "")
    fraction = str(tags.get(_FRACTION) or "").strip("\0 ")[:6]
    fraction = fraction if fraction.isascii() and fraction.isdigit() else "0"
    # Without an offset, the local time of the camera.
    for written in (text + offset.strip(), text):
        for form in ("%Y:%m:%d %H:%M:%S%z", "%Y:%m:%d %H:%M:%S"):
            with contextlib.suppress(ValueError):
                taken = datetime.strptime(written, form)  # noqa: DTZ007 - in the camera's zone
                return taken.replace(microsecond=round(1e6 * float(f"0.{fraction}")))
    return None
