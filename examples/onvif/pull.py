#!/usr/bin/env python3
"""Hook that pulls the footage of a case from recorders by ONVIF Profile G.

    sightline index FOLDER --gallery FILE --watch --case REF --hook examples/onvif/pull.py TABLE

TABLE says which recorder has which camera; see README.md beside this file. The contract with
Sightline is described in docs/hooks.md: the case's area, time and cameras come on standard input,
and a row goes to standard output for each film that is whole.
"""

from __future__ import annotations

import json
import re
import ssl
import stat
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from film import Film
from rtsp import AccessUnit, Replay
from soap import Held, Recorder, RecorderError

Interval = tuple[datetime, datetime]

SHORTEST = timedelta(seconds=1)  # less than that is rounding, not a gap
BEHIND = timedelta(seconds=5)  # what recorders need to have written what they record
GAP = timedelta(seconds=2)
REORDERED = timedelta(seconds=1)
STILL_RECORDING = timedelta(seconds=60)  # since the last picture that a recorder holds
NEAR = timedelta(milliseconds=100)


class TableError(Exception):
    """The table of recorders cannot be used."""


@dataclass(frozen=True)
class Entry:
    """A recorder in the table."""

    name: str
    address: str
    user: str
    password: str
    context: ssl.SSLContext
    tokens: dict[str, str]  # recording by camera_id


@dataclass(frozen=True)
class Table:
    """What the table of recorders says."""

    recorders: tuple[Entry, ...]
    piece: timedelta  # length of a film
    most_offset: float  # seconds by which a clock may be off
    quiet: float  # seconds of silence after which a recorder is asked whether it is there


@dataclass
class Memory:
    """What was asked for already and how far clocks were off, kept from call to call."""

    path: Path
    asked: dict[str, list[Interval]] = field(default_factory=dict)
    offsets: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Memory:
        """Read what an earlier call wrote, if one did."""
        memory = cls(folder / "onvif.json")
        if memory.path.exists():
            written = json.loads(memory.path.read_text())
            memory.offsets = written["offsets"]
            memory.asked = {
                camera: [_interval(*pair) for pair in pairs]
                for camera, pairs in written["asked"].items()
            }
        return memory

    def add(self, camera: str, interval: Interval) -> None:
        """Note that all there was of an interval was pulled."""
        self.asked[camera] = merged([*self.asked.get(camera, ()), interval])
        self.write()

    def write(self) -> None:
        """Write it in one step."""
        asked = {
            camera: [[moment.isoformat() for moment in pair] for pair in pairs]
            for camera, pairs in self.asked.items()
        }
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"offsets": self.offsets, "asked": asked}, indent=1))
        new.replace(self.path)


@dataclass
class Pull:
    """One interval of one camera, in the clock of its recorder, with what becomes of it."""

    camera: str
    into: Path
    offset: float
    piece: timedelta
    start: datetime
    end: datetime
    goes_on: bool  # more will be asked for from the end on
    reached: datetime | None = None  # up to here all is pulled
    film: Film | None = None
    last: datetime | None = None  # time of the latest picture of the film

    def run(self, replay: Replay) -> None:
        """Pull the interval; films are announced as they are finished."""
        try:
            self._read(replay)
        finally:
            if self.film is not None:
                self.film.abandon()

    def _read(self, replay: Replay) -> None:
        skipped, over, ends = 0, False, False
        for unit in from_clean(replay.play(self.start, self.end), self.start):
            if unit.at >= self.end:
                over = True
                break
            apart = ends or unit.jumps or self._is_apart(unit)
            if apart or (unit.clean and self._is_long(unit)):
                if self.last is not None and unit.at < self.last:
                    say(f"{self.camera}: the recorder's clock was set back at {self.last:%H:%M:%S}")
                self._finish(unit.at)
                self.last = None
            ends = unit.ends
            if self.film is None:
                if not unit.clean:
                    skipped += 1
                    continue
                name = f"{plain(self.camera)}-{unit.at:%Y%m%dT%H%M%S}.{unit.at:%f}"[:-3] + "Z.mkv"
                self.film = Film(self.into / name, replay.codec, replay.parameters)
            self.film.add(unit)
            self.last = unit.at if self.last is None else max(self.last, unit.at)
        near = self.last is not None and self.end - self.last <= GAP
        self._end(said=replay.ended == "said" or over or ends, near=near)
        if skipped:
            say(f"{self.camera}: {skipped} pictures cannot be decoded: those before them are gone")
        if replay.lost:
            say(f"{self.camera}: the recorder left out {replay.lost} packets")

    def _is_apart(self, unit: AccessUnit) -> bool:
        """Whether a picture is not of the same film: after a gap, or the clock was set back."""
        if self.last is None:
            return False
        # Pictures that are shown out of their order lie between two that can be decoded alone.
        back = self.last if unit.clean else self.last - REORDERED
        return unit.at <= back or unit.at > self.last + GAP

    def _is_long(self, unit: AccessUnit) -> bool:
        began = self.film.started_at if self.film is not None else None
        return began is not None and unit.at - began >= self.piece

    def _end(self, *, said: bool, near: bool) -> None:
        """Take the last film, and settle how far all was pulled."""
        if self.film is None and self.last is None:
            self.reached = self.end  # nothing is there
        elif said or near:
            if self.goes_on and near and self.film is not None:
                # The next pull begins where pictures can be decoded, with no picture twice.
                resume = self.film.drop_group()
                if resume is None:
                    self.film.abandon()
                    self.film = None
                    return
                self._finish(resume)
            else:
                self._finish(None)
                self.reached = self.end
        else:
            assert self.last is not None
            say(f"{self.camera}: nothing came after {self.last:%H:%M:%S}; it is asked for again")
            at = self.last + timedelta(milliseconds=1)
            self._finish(at)

    def _finish(self, reached: datetime | None) -> None:
        """Finish the film and announce it."""
        film, self.film = self.film, None
        if reached is not None and (self.reached is None or reached > self.reached):
            self.reached = reached
        if film is None:
            return
        path = film.finish()
        assert film.started_at is not None
        row = {
            "file": path.name,
            "camera_id": self.camera,
            "started_at": film.started_at.isoformat(),
            "clock_offset_seconds": self.offset,
        }
        print(json.dumps(row), flush=True)


def from_clean(units: Iterable[AccessUnit], start: datetime) -> Iterator[AccessUnit]:
    """Leave out what comes before the last clean picture at the start.

    Recorders begin with a clean picture at or before the start, some with an earlier one.
    """
    lead: list[AccessUnit] = []
    begun = False
    for unit in units:
        if begun:
            yield unit
        elif unit.at > start + NEAR:
            begun = True
            yield from (*lead, unit)
        else:
            lead = [unit] if unit.clean else [*lead, unit]
    if not begun and lead and lead[-1].at >= start:
        yield from lead


def missing(whole: Interval, there: Iterable[Interval]) -> list[Interval]:
    """The parts of an interval that are not there."""
    start, end = whole
    parts = []
    for begin, finish in merged(there):
        if finish <= start:
            continue
        if begin >= end:
            break
        parts.append((start, begin))
        start = max(start, finish)
    parts.append((start, end))
    return [(a, b) for a, b in parts if b - a >= SHORTEST]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in their order, without overlaps."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


# --- One recorder -----------------------------------------------------------------------------


def pull_recorder(entry: Entry, table: Table, told: dict[str, Any], memory: Memory) -> bool:
    """Pull what is missing from one recorder; return False if something went wrong."""
    cameras = [c["camera_id"] for c in told["cameras"] if c["camera_id"] in entry.tokens]
    if not cameras:
        return True
    recorder = Recorder(entry.address, entry.user, entry.password, entry.context)
    offset = clock_offset(entry, table, recorder, memory)
    held = recorder.recordings(entry.tokens[camera] for camera in cameras)
    well = True
    for camera in cameras:
        token = entry.tokens[camera]
        if token not in held:
            say(f"{entry.name}: holds nothing of {camera} (recording {token})")
            continue
        try:
            for start, end, goes_on in wanted(camera, held[token], offset, table, told, memory):
                pull = Pull(camera, Path(told["into"]), offset, table.piece, start, end, goes_on)
                address = recorder.replay_address(token)
                try:
                    with Replay(
                        address, entry.user, entry.password, entry.context, table.quiet
                    ) as replay:
                        pull.run(replay)
                finally:
                    if pull.reached is not None:
                        ahead = timedelta(seconds=offset)
                        memory.add(camera, (start - ahead, pull.reached - ahead))
        except RecorderError as error:
            say(f"{entry.name}, {camera}: {error}")
            well = False
    return well


def clock_offset(entry: Entry, table: Table, recorder: Recorder, memory: Memory) -> float:
    """How far the recorder's clock is ahead now, which is taken to hold for what it recorded."""
    bounds = recorder.clock_offset()
    offset = bounds.value(memory.offsets.get(entry.name))
    if abs(offset) > table.most_offset:
        raise RecorderError(
            f"its clock is {offset:+.0f} s off, more than most_clock_offset_seconds allows: set "
            "the clock, or raise the limit if it was as much off when it recorded"
        )
    if offset != memory.offsets.get(entry.name, 0.0):
        say(f"{entry.name}: its clock is {offset:+.2f} s off; each row says so")
    memory.offsets[entry.name] = offset
    memory.write()
    return offset


def wanted(
    camera: str, held: Held, offset: float, table: Table, told: dict[str, Any], memory: Memory
) -> Iterator[tuple[datetime, datetime, bool]]:
    """What to ask for, by the recorder's clock, and whether more will be asked for after it."""
    ahead = timedelta(seconds=offset)
    start, end = _interval(told["start"], told["end"])
    present = [
        _interval(one["started_at"], one["ended_at"])
        for one in told["present"]
        if one["camera_id"] == camera and one["ended_at"]
    ]
    now = datetime.now(UTC) + ahead
    # Many recorders give the time of what is latest in whole seconds.
    latest = min(now - BEHIND, held.latest or now)
    still = now - latest < STILL_RECORDING
    edge = latest if still else min(now - BEHIND, latest + SHORTEST)
    for begin, finish in missing((start, end), [*present, *memory.asked.get(camera, ())]):
        # What the recorder does not hold needs no asking; it may have it later.
        first, last = max(begin + ahead, held.earliest), min(finish + ahead, edge)
        goes_on = still and last < finish + ahead
        if goes_on and finish + ahead - last < SHORTEST:
            continue  # what would be left is too short to be asked for
        if last - first >= (table.piece if goes_on else SHORTEST):
            yield first, last, goes_on


# --- The table --------------------------------------------------------------------------------


def read_table(path: Path) -> Table:
    """Read the table of recorders; passwords must be readable by their owner alone."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        recorders = tuple(
            Entry(
                name=str(one.get("name", one["address"])),
                address=one["address"],
                user=one["user"],
                password=read_password(path.parent / one["password_file"]),
                context=ssl.create_default_context(
                    cafile=path.parent / one["certificate"] if "certificate" in one else None
                ),
                tokens={str(camera): str(token) for camera, token in one["cameras"].items()},
            )
            for one in written["recorder"]
        )
        table = Table(
            recorders,
            piece=timedelta(seconds=float(written.get("film_seconds", 600))),
            most_offset=float(written.get("most_clock_offset_seconds", 600)),
            quiet=float(written.get("quiet_seconds", 10)),
        )
    except OSError as error:
        raise TableError(f"{error.filename}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise TableError(f"{path}: {error!r}; README.md shows how to write it") from None
    twice = [c for e in recorders for c in e.tokens if sum(c in o.tokens for o in recorders) > 1]
    if twice:
        raise TableError(f"{path}: camera {twice[0]} is with two recorders")
    return table


def read_password(path: Path) -> str:
    """Read a password from a file that no one else may read."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise TableError(f"{path}: others can read this password; run chmod 600")
    return path.read_text(encoding="utf-8").rstrip("\r\n")


def plain(camera: str) -> str:
    """A camera's id as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f"%{ord(found[0]):02x}", camera)


def say(text: str) -> None:
    """Tell the person who reads the log."""
    print(text, file=sys.stderr, flush=True)


def _interval(start: str, end: str) -> Interval:
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


def main(arguments: Sequence[str]) -> int:
    """Pull what is missing from every recorder of the table."""
    if len(arguments) != 1:
        say("usage: pull.py TABLE, with the contract of docs/hooks.md on standard input")
        return 2
    told = json.load(sys.stdin)
    if told["contract"] != 1:
        say(f"contract {told['contract']} is not known here")
        return 2
    try:
        table = read_table(Path(arguments[0]))
    except TableError as error:
        say(str(error))
        return 2
    memory = Memory.read(Path(told["keep"]))
    known = {camera for entry in table.recorders for camera in entry.tokens}
    for camera in told["cameras"]:
        if camera["camera_id"] not in known:
            say(f"{camera['camera_id']}: no recorder in the table has this camera")
    well = True
    for entry in table.recorders:
        try:
            well &= pull_recorder(entry, table, told, memory)
        except RecorderError as error:
            say(f"{entry.name}: {error}")
            well = False
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
