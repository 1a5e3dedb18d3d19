"""Patterns of file names: readable forms such as ``{camera}/{year}-{month}-{day}/{hour}.{minute}``.

A form is matched against the end of a path, from the beginning of a folder's or file's name. Its
fields stand in braces; a star stands for anything within one name, and ``**/`` for any folders. A
field that stands twice must say the same twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from workbench.domain import is_possible
from workbench.errors import CatalogueError

# What a field looks like. Digits are written out: \d would take those of every script.
_TWO = "[0-9]{2}"
_TIMES = {
    "year": "(?:19|20)[0-9]{2}",
    "yy": _TWO,
    "month": _TWO,
    "day": _TWO,
    "hour": _TWO,
    "minute": _TWO,
    "second": _TWO,
    "fraction": "[0-9]{1,9}",
    "ampm": "[ap]m",
    "epoch": "1[0-9]{9}",
    "epoch_ms": "1[0-9]{12}",
}
FIELDS: Mapping[str, str] = {
    **_TIMES,
    **{f"end_{name}": looks for name, looks in _TIMES.items()},
    "offset": r"Z|[+-][0-9]{2}[:.\-_]?[0-9]{2}|[+-][0-9]{2}",
    # A whole time is never part of a camera's name.
    "camera": "(?:(?!(?<![0-9])(?:19|20)[0-9]{12}(?![0-9]))[^/])+?",
    "channel": "[0-9]{1,3}",
    # Fields of known products only.
    "serial": "[0-9a-f]{12}",
    "side": "front|back|(?:left|right)_(?:repeater|pillar)",
    "lens": "[a-z]",
}
# What is passed over, in names of known products.
_PASSED: Mapping[str, str] = {
    "stream": "(?:main|sub|extra[0-9]?)",
    "event": "[a-z_]+",
    "number": "[0-9]+",
    "digit": "[0-9]",
    "hex": "[0-9a-f]{4,}",
    "word": "[0-9a-z]+",
    "letter": "[a-z]",
}
_CAMERAS = ("camera", "serial", "side")
_UNPADDED = ("month", "day", "hour", "minute", "second")
# Names of fields that an analyst may use, in the order in which they are explained.
OWN = (
    "camera", "channel", "year", "yy", "month", "day", "hour", "minute", "second", "fraction",
    "ampm", "offset", "epoch", "epoch_ms", "end_year", "end_month", "end_day", "end_hour",
    "end_minute", "end_second",
)  # fmt: skip
_ANY, _FOLDERS = "[^/]*?", "(?:[^/]+/)*?"
_MOST_OPEN = 3  # fields and stars of any length: more of them would try too many divisions
_LONGEST_FORM = 300
SUFFIX = re.compile(
    r"(?:\.(?:dav|ts|ls|mp|h?26[45]))?\.(?:[a-z][a-z0-9]{1,5}|3gp|3g2|26[45])$",
    re.IGNORECASE | re.ASCII,
)
# Why a time is in doubt that has no seconds.
TO_THE_MINUTE = "the name states the minute, not the second"
# What file managers and browsers add to the name of a second copy.
_COPY = r"(?: ?\([0-9]{1,2}\)| - copy(?: \([0-9]{1,2}\))?)?"
# A recording that is named with its end is no longer than this.
_LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class NamedRecording:
    """A reading of a path: start, end, camera and channel of the recording.

    Parameters
    ----------
    pattern : str
        Name of the pattern that the path follows.
    started_at : datetime
        When the recording begins. Naive where the name states a local time and no zone; with an
        offset where the name states one, or where the product always writes UTC.
    ended_at : datetime, optional
        When the recording ends, in the same zone, if the name says so.
    camera : str, optional
        Name of the camera in the path, as it is written there.
    channel : str, optional
        Number of the recorder's channel, as it is written there.
    ambiguous : str
        Why the path could be read in another way, as a phrase; empty if it cannot.
    """

    pattern: str
    started_at: datetime
    ended_at: datetime | None = None
    camera: str | None = None
    channel: str | None = None
    ambiguous: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way in which one product, or one analyst, names files.

    Parameters
    ----------
    name : str
        For people, such as "Frigate".
    forms : tuple of str
        One or more forms of the name, without the file's suffix.
    utc : bool
        Whether times without an offset are UTC; they are local times otherwise.
    source : str
        Where the forms can be read in public.
    example : str
        One name that follows the pattern.
    doubt : str
        Why its times are not certain even where the form fits; empty if they are.
    unpadded : bool
        Whether month, day, hour, minute and second may lack their leading zeros.
    """

    name: str
    forms: tuple[str, ...]
    utc: bool = False
    source: str = ""
    example: str = ""
    doubt: str = ""
    unpadded: bool = False

    def readings(self, path: str) -> Iterator[NamedRecording]:
        """Readings of a path with ``/`` between its names, one for each form that fits."""
        for form in self.forms:
            match = _compiled(form, self.unpadded).search(path)
            if match:
                found = read_fields(self.name, match.groupdict(), utc=self.utc, doubt=self.doubt)
                if found:
                    yield found


def read_fields(
    name: str, fields: Mapping[str, str | None], *, utc: bool = False, doubt: str = ""
) -> NamedRecording | None:
    """Reading of the fields of a form; None if they are no time from which there is footage."""
    given = {field: text for field, text in fields.items() if text}
    zone = UTC if utc else None
    try:
        if "offset" in given:
            zone = _offset(given["offset"])
        started_at = _moment(given, "", zone)
        ended_at = _end(given, started_at, zone)
    except ValueError:
        return None
    if not _possible(started_at):
        return None
    return NamedRecording(
        name,
        started_at,
        ended_at,
        next((text for field in _CAMERAS if (text := given.get(field, "").strip(" _.-"))), None),
        given.get("channel") or given.get("lens"),
        doubt or _doubt(given, started_at),
    )


def own_pattern(text: str, *, utc: bool = False) -> Pattern:
    """Make a pattern from ``{camera}/{year}-{month}-{day}/{hour}.{minute}.{second}`` and the like.

    The form is compared with the end of a path. ``*`` stands for anything within one name. Month,
    day, hour, minute and second may lack their leading zero where a separator stands on both
    sides. The file's suffix may be left out.

    Parameters
    ----------
    text : str
        The form, with the fields year (or yy), month, day, hour, minute, second, fraction, ampm,
        offset; epoch or epoch_ms in their place; camera, channel; end_hour and so on.
    utc : bool
        Whether the times are UTC, where the form has no offset.

    Raises
    ------
    CatalogueError
        If the form has unknown fields or does not state a date and a time.
    """
    form = text.strip().replace("\\", "/").strip("/")
    names = re.findall(r"\{([^{}]*)\}", form)
    rest = re.sub(r"\{[^{}]*\}", "", form)
    if not form or len(form) > _LONGEST_FORM:
        raise _bad(text, f"a pattern has from 1 to {_LONGEST_FORM} characters")
    if "{" in rest or "}" in rest:
        raise _bad(text, "a brace is not closed or not opened")
    for name in names:
        if name not in OWN:
            raise _bad(text, f"{{{name}}} is not a field", f"Use {', '.join(OWN)}")
    stated = set(names)
    if not stated & {"epoch", "epoch_ms"}:
        if missing := [name for name in ("month", "day", "hour", "minute") if name not in stated]:
            raise _bad(text, f"it lacks {', '.join(f'{{{name}}}' for name in missing)}")
        if len(stated & {"year", "yy"}) != 1:
            raise _bad(text, "it needs one of {year} and {yy}")
    elif stated & {"year", "yy", "month", "day", "hour", "minute", "second"}:
        raise _bad(text, "{epoch} is a whole time, and it has other fields of a time too")
    ends = {name.removeprefix("end_") for name in stated if name.startswith("end_")}
    if ends and not {"hour", "minute"} <= ends:
        raise _bad(text, "an end needs {end_hour} and {end_minute} at least")
    if len(re.findall(r"\*|\{camera\}", form)) > _MOST_OPEN:
        raise _bad(text, f"it has more than {_MOST_OPEN} stars and cameras")
    if re.search(r"(?:\*|\{camera\}){2}", form):
        raise _bad(text, "nothing separates a star or {camera} from the next")
    return Pattern(f"own pattern {form}", (form,), utc=utc, example=form, unpadded=True)


def _bad(text: str, what: str, fix: str = "") -> CatalogueError:
    return CatalogueError(
        what,
        where=f"pattern {text!r}",
        fix=fix or "Write it like {camera}/{year}-{month}-{day}/{hour}.{minute}.{second}",
    )


@lru_cache(maxsize=512)
def _compiled(form: str, unpadded: bool) -> re.Pattern[str]:
    suffixed = SUFFIX.search(re.sub(r"\{[^{}]*\}", "", form))
    parts = re.split(r"(\{[^{}]*\}|\*\*/|\*)", form)
    pieces, seen = [], set()
    for place, part in enumerate(parts):
        if part == "*":
            pieces.append(_ANY)
        elif part == "**/":
            pieces.append(_FOLDERS)
        elif not part.startswith("{"):
            pieces.append(re.escape(part))
        elif (name := part[1:-1]) in _PASSED:
            pieces.append(_PASSED[name])
        elif name in seen:
            pieces.append(f"(?P={name})")
        else:
            seen.add(name)
            looks = FIELDS[name]
            if unpadded and name.removeprefix("end_") in _UNPADDED and _apart(parts, place):
                looks = "[0-9]{1,2}"
            pieces.append(f"(?P<{name}>{looks})")
    tail = "" if suffixed else f"{_COPY}(?:{SUFFIX.pattern.removesuffix('$')})?"
    return re.compile(rf"(?:^|/){''.join(pieces)}{tail}$", re.IGNORECASE | re.ASCII)


def _apart(parts: list[str], place: int) -> bool:
    """True if a separator, or an end of the form, stands on both sides of a field."""
    before, after = parts[place - 1][-1:], parts[place + 1][:1]
    first, last = place == 1 and not before, place == len(parts) - 2 and not after
    return (first or (before != "" and not before.isdigit())) and (
        last or (after != "" and not after.isdigit())
    )


def _moment(given: Mapping[str, str], which: str, zone: timezone | None) -> datetime:
    """The time in the fields that begin with *which*; ValueError if there is no such time."""
    if text := given.get(f"{which}epoch_ms"):
        return datetime.fromtimestamp(int(text) // 1000, UTC) + timedelta(
            milliseconds=int(text) % 1000
        )
    fraction = int(f"{given.get(f'{which}fraction', ''):0<6}"[:6])
    if text := given.get(f"{which}epoch"):
        return datetime.fromtimestamp(int(text), UTC) + timedelta(microseconds=fraction)
    year = given.get(f"{which}year")
    whole = int(year) if year else 2000 + int(given[f"{which}yy"])
    hour = int(given[f"{which}hour"])
    if half := given.get(f"{which}ampm"):
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * (half.lower() == "pm")
    return datetime(
        whole,
        int(given[f"{which}month"]),
        int(given[f"{which}day"]),
        hour,
        int(given[f"{which}minute"]),
        int(given.get(f"{which}second", "0")),
        fraction,
        tzinfo=zone,
    )


def _end(given: Mapping[str, str], started_at: datetime, zone: timezone | None) -> datetime | None:
    stated = {name for name in given if name.startswith("end_")}
    if not stated:
        return None
    filled = {"end_month": given.get("month", ""), "end_day": given.get("day", "")}
    filled |= {f"end_{name}": given[name] for name in ("year", "yy") if name in given}
    ended_at = _moment({**filled, **given}, "end_", zone)
    if ended_at < started_at and not stated & {"end_day", "end_epoch", "end_epoch_ms"}:
        ended_at += timedelta(days=1)
    if not timedelta(0) <= ended_at - started_at <= _LONGEST:
        raise ValueError("an end that is not soon after the start")
    return ended_at


def _offset(text: str) -> timezone:
    digits = re.sub("[^0-9]", "", text)
    if not digits:
        return UTC
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if span > timedelta(hours=14) or int(digits[2:] or 0) > 59:
        raise ValueError(text)
    return timezone(-span if text.startswith("-") else span)


def _possible(moment: datetime) -> bool:
    """False for times from which there is no footage; a local time may be ahead of UTC."""
    return is_possible(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _doubt(given: Mapping[str, str], started_at: datetime) -> str:
    if (started_at.year, started_at.month, started_at.day) == (2000, 1, 1):
        return "1 January 2000 is what a clock shows that was never set"
    if "minute" in given and "second" not in given:
        return TO_THE_MINUTE
    return ""
