"""Dates and times in any place of a name: ISO 8601, and what people write in its stead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from workbench.footage.names.pattern import NamedRecording, Pattern, read_fields

# What stands in the place of the colons that some systems do not allow in names, too.
_COLONS = ":.\\-_\uf03a\ua789\u2236\uff1a"
_YEAR, _MONTH, _DAY = "(?P<year>(?:19|20)[0-9]{2})", "(?P<month>[0-9]{2})", "(?P<day>[0-9]{2})"
_DATES = (
    rf"{_YEAR}(?P<d>[-_. ]?){_MONTH}(?P=d){_DAY}",
    rf"{_DAY}(?P<d>[-_.]){_MONTH}(?P=d){_YEAR}",
    rf"{_MONTH}(?P<d>[-_.]){_DAY}(?P=d){_YEAR}",
)
_JOIN = r"(?P<join>T|[ _.\-,@]{1,3}|[ _]at[ _]|)"
_HOUR = "(?P<hour>[0-9]{1,2})"
_SECOND = "(?P=t)(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?"
_MINUTE = rf"(?P<t>[{_COLONS}]?)(?P<minute>[0-9]{{2}})"
_LETTERS = "h(?P<minute_>[0-9]{2})m(?P<second_>[0-9]{2})s?"
_TIME = f"{_HOUR}(?:{_MINUTE}(?:{_SECOND})?|{_LETTERS})"
_WITH_SECOND = f"{_HOUR}(?:{_MINUTE}{_SECOND}|{_LETTERS})"
_ZONE = (
    r"(?: ?(?P<ampm>[AP]M)(?![a-z]))?"
    rf"(?:(?:[ _]?(?:UTC|GMT))?(?P<offset>[+-][0-9]{{2}}(?:[{_COLONS}]?[0-9]{{2}})?)(?![0-9])"
    r"|(?P<utc>Z|[ _-]?(?:UTC|GMT))(?![a-z0-9+-]))?"
)
_FLAGS = re.IGNORECASE | re.ASCII
_WHOLE = [re.compile(rf"(?<![0-9]){date}{_JOIN}{_TIME}{_ZONE}(?![0-9])", _FLAGS) for date in _DATES]
# 17 digits: with thousandths of a second.
_DIGITS = re.compile(
    rf"(?<![0-9]){_YEAR}{_MONTH}{_DAY}(?P<join>[T_-]?)(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})"
    r"(?P<second>[0-9]{2})(?P<fraction>[0-9]{3})(?P<utc>Z)?(?![0-9])",
    _FLAGS,
)
_FOLDERS = re.compile(
    rf"(?<![0-9]){_YEAR}(?P<d>[-_./]?){_MONTH}(?:(?P=d)|/){_DAY}(?![0-9])", _FLAGS
)
_CLOCK = re.compile(rf"(?<![0-9]){_WITH_SECOND}{_ZONE}(?![0-9])", _FLAGS)
_ZONE_NAME = re.compile(
    r"[ _-]?((?:[ECMP][SD]T|AK[SD]T|HST|CES?T|EES?T|WES?T|BST|MSK|IST|JST|AE[SD]T))(?![a-z])", re.I
)
_PART = re.compile(r"(?:^|[^a-z])(?:part|pt|teil|partie|parte|segment|chunk)[ _.-]?[0-9]", re.I)
# Words beside a date that name no camera.
_NO_CAMERA = re.compile(
    r"(?:vid|video|mov|movie|img|clip|export|rec|record|recording|screen ?recording|film|footage"
    r"|timelapse|dsc|cctv|backup|copy|part|to|from|start|end|utc|gmt)?[ _.()0-9-]*",
    re.I,
)
# Two times of which the second is this much later are start and end; others are left in doubt.
_LONGEST = timedelta(hours=24)
# A folder of a day lies at most this far above the file.
_FOLDERS_ABOVE = 4

ISO = Pattern(
    "Date and time",
    (),
    source="https://www.rfc-editor.org/rfc/rfc3339",
    example="Front door 2026-03-01T22-00-00+01-00.mp4",
)
IN_FOLDERS = Pattern(
    "Folder of the day",
    (),
    source="https://github.com/ZLMediaKit/ZLMediaKit/issues/679",
    example="2026-03-01/Front door/22-00-00.mp4",
)


@dataclass(frozen=True, slots=True)
class _Found:
    """One date with time, and where it stands."""

    reading: NamedRecording
    begins: int
    ends: int


def dated(names: tuple[str, ...]) -> list[NamedRecording]:
    """Readings of a date and time in a name, or of a time in it with the date of its folders.

    Parameters
    ----------
    names : tuple of str
        Names of the folders and, without its suffix, of the file.
    """
    stem = names[-1]
    found = sorted(_in(stem), key=lambda one: (one.begins, -one.ends))
    if not found:
        return [_told_apart(one, stem) for one in _in_folders(names)]
    here = [one for one in found if one.begins < found[0].ends]
    later = [one.reading for one in found if one.begins >= found[0].ends]
    camera = _camera(stem[: found[0].begins]) or _camera(stem[max(one.ends for one in found) :])
    return [
        _told_apart(_with_end(replace(one.reading, camera=camera), later), stem) for one in here
    ]


def _in(stem: str) -> Iterator[_Found]:
    for pattern in (*_WHOLE, _DIGITS):
        for match in pattern.finditer(stem):
            if reading := _reading(match.groupdict(), stem[match.end() :]):
                yield _Found(reading, match.start(), match.end())


def _reading(fields: dict[str, str | None], rest: str) -> NamedRecording | None:
    join, offset = fields["join"] or "", fields.get("offset") or ""
    fields["minute"] = fields["minute"] or fields.get("minute_")
    fields["second"] = fields["second"] or fields.get("second_")
    if not join and (fields.get("d") or fields.get("t")):
        return None  # 2026-03-0122-00-00 is no date
    if len(fields["hour"] or "") == 1 and not fields.get("t"):
        return None  # nor is 20260301_90000
    apart = join and fields.get("d") and fields.get("t")
    if not fields["second"] and not (apart or join.upper() == "T" or fields.get("ampm")):
        return None  # 20260301_2200 and 2026-03-01_0001: as often a number as a time
    doubt = ""
    if offset.startswith("-") and (join.upper() != "T" or len(offset) < 5):
        doubt = f"{offset} after the time may be its offset from UTC or a number"
        fields["offset"] = None
    elif fields.get("utc"):
        fields["offset"] = "Z"
    elif not offset and (zone := _ZONE_NAME.match(rest)):
        doubt = f"the name states the zone {zone[1]}, whose offset from UTC is not certain"
    return read_fields(ISO.name, fields, doubt=doubt)


def _in_folders(names: tuple[str, ...]) -> Iterator[NamedRecording]:
    stem = names[-1]
    times = list(_CLOCK.finditer(stem))
    above = "/".join(names[:-1][-_FOLDERS_ABOVE:])
    dates = list(_FOLDERS.finditer(above))
    if len(times) != 1 or not dates:
        return
    time, date = times[0], dates[-1]
    fields = {**date.groupdict(), **time.groupdict()}
    fields["minute"] = fields["minute"] or fields["minute_"]
    fields["second"] = fields["second"] or fields["second_"]
    doubt = ""
    if fields["t"] == "":
        if time[0] != stem or len(stem) != 6:
            return
        doubt = "six digits may be a number as well as a time"
    if fields["utc"]:
        fields["offset"] = "Z"
    elif (fields["offset"] or "").startswith("-"):
        doubt = f"{fields['offset']} after the time may be its offset from UTC or a number"
        fields["offset"] = None
    reading = read_fields(IN_FOLDERS.name, fields, doubt=doubt)
    if reading:
        between = above[date.end() :].strip("/").split("/")[-1]
        camera = _camera(stem[: time.start()]) or _camera(between)
        yield replace(reading, camera=camera)


def _with_end(reading: NamedRecording, later: list[NamedRecording]) -> NamedRecording:
    """The reading with a second time of the name as its end, or with the doubt that it brings."""
    ends = {
        one.started_at
        for one in later
        if (one.started_at.tzinfo is None) == (reading.started_at.tzinfo is None)
        and timedelta(0) < one.started_at - reading.started_at <= _LONGEST
    }
    if len(later) == len(ends) == 1:
        return replace(reading, ended_at=ends.pop())
    if later and not reading.ambiguous:
        return replace(reading, ambiguous="the name states several times")
    return reading


def _told_apart(reading: NamedRecording, stem: str) -> NamedRecording:
    if _PART.search(stem) and not reading.ambiguous:
        return replace(reading, ambiguous="the time may be that of the first of several parts")
    return reading


def _camera(text: str) -> str | None:
    """What beside a date names a camera; None if it is a word such as "video" or a number."""
    text = text.strip(" _.-()[]")
    return None if _NO_CAMERA.fullmatch(text) else text
