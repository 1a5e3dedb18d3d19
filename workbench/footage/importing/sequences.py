"""Pictures in a folder, put together as sequences, with the rate at which they were taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from glob import escape
from itertools import pairwise, takewhile
from pathlib import Path

from workbench.domain import Problem
from workbench.footage.files import files_of
from workbench.footage.names import NamedRecording
from workbench.footage.order import in_order, taken_at_of

# Pictures lie in time where their number and the rate put them, within this.
_MOST_SECONDS_OFF = 1.5
# Of pictures that are far apart, this share of their distance.
_MOST_SHARE_OFF = 0.05
_LAST_NUMBER = re.compile(r"[0-9]+(?=[^0-9]*$)")


@dataclass(frozen=True, slots=True)
class Pictures:
    """A sequence of pictures.

    Parameters
    ----------
    path : Path
        Its folder with a pattern that these files, and no others, follow.
    files : tuple of Path
        In their order.
    frame_rate : float, optional
        Pictures a second by the times in their names or EXIF; None where those do not tell.
    remark : str
        Why not, as a phrase.
    taken_at : datetime, optional
        When the first picture was taken by its EXIF; naive where that states no offset.
    """

    path: Path
    files: tuple[Path, ...]
    frame_rate: float | None
    remark: str = ""
    taken_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """Length at the frame rate; None where that is not known."""
        return len(self.files) / self.frame_rate if self.frame_rate else None


def sequences_in(
    place: Path, names: Mapping[Path, NamedRecording | None]
) -> Iterator[Pictures | Problem]:
    """The sequences in one folder.

    Parameters
    ----------
    place : Path
        The folder.
    names : mapping of Path to NamedRecording or None
        Its pictures, with what their names say.

    Yields
    ------
    Pictures or Problem
        A problem for pictures that are no sequence; its place is a name in the folder.
    """
    for suffix in sorted({path.suffix for path in names}):
        alike = [path for path in names if path.suffix == suffix]
        for group in _groups({path: names[path] for path in alike}):
            if len(group) == 1:
                yield Problem(group[0].name, "is a single picture, not a sequence")
                continue
            pattern = _pattern(place, group, suffix)
            if pattern is None:
                yield Problem(
                    group[0].name,
                    f"and {len(group) - 1} more pictures are mixed with those of another "
                    "sequence; put each sequence into a folder of its own",
                )
                continue
            yield _timed(pattern, in_order(files_of(pattern)).files, names)


def _groups(names: Mapping[Path, NamedRecording | None]) -> list[list[Path]]:
    """Pictures by camera, or where numbers stand twice, by what stands before the number."""
    groups: dict[str, list[Path]] = {}
    if all(names.values()):
        for path, named in names.items():
            assert named is not None
            groups.setdefault(f"{named.camera}/{named.channel}", []).append(path)
        return list(groups.values())
    numbers: dict[str, set[str]] = {}
    for path in names:
        match = _LAST_NUMBER.search(path.stem)
        before = path.stem[: match.start()] if match else path.stem
        groups.setdefault(before, []).append(path)
        numbers.setdefault(match[0] if match else "", set()).add(before)
    if all(len(several) == 1 for several in numbers.values()):
        return [[*names]]
    return list(groups.values())


def _pattern(place: Path, group: Sequence[Path], suffix: str) -> Path | None:
    """A pattern that these pictures follow, and no other file of the folder does."""
    begin = escape(_beginning([path.name for path in group]))
    end = escape(suffix)
    for name in (f"*{end}", f"[!.]*{end}", f"{begin}*{end}"):
        if set(files_of(place / name)) == set(group):
            return place / name
    return None


def _beginning(names: Sequence[str]) -> str:
    """What all these names begin with."""
    first, last = min(names), max(names)
    same = (one == other for one, other in zip(first, last, strict=False))
    return first[: sum(takewhile(bool, same))]


def _timed(
    pattern: Path, files: tuple[Path, ...], names: Mapping[Path, NamedRecording | None]
) -> Pictures:
    named = [names[file] for file in files]
    times = [one.started_at if one else None for one in named]
    taken_at = None
    source = "names"
    if not all(times):
        times, source = [taken_at_of(file) for file in files], "EXIF"
        taken_at = times[0]
    if not all(times):
        return Pictures(pattern, files, None, "neither names nor EXIF give their times", taken_at)
    rate, remark = _rate([time for time in times if time], source)
    return Pictures(pattern, files, rate, remark, taken_at)


def _rate(times: Sequence[datetime], source: str) -> tuple[float | None, str]:
    """Pictures a second of pictures taken at these times, or why there is no one rate."""
    if len({time.tzinfo is None for time in times}) > 1:
        return None, f"some {source} give an offset from UTC, and some do not"
    span = (times[-1] - times[0]).total_seconds()
    if span <= 0 or any(later < time for time, later in pairwise(times)):
        return None, f"their order is not that of the times in their {source}"
    step = span / (len(times) - 1)
    most = max(_MOST_SECONDS_OFF, _MOST_SHARE_OFF * step)
    for number, time in enumerate(times):
        if abs((time - times[0]).total_seconds() - number * step) > most:
            return None, f"the times in their {source} do not follow at equal steps"
    return 1 / step, ""
