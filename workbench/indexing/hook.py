"""Hook of a catalogue: a program that fetches footage before a round of indexing.

The contract between Sightline and the program is described in docs/hooks.md. What the program has
finished is checked, moved into the catalogue and only then listed: no round of indexing sees a
film that is still being written.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import shapely

from workbench.district import to_geojson
from workbench.domain import Problem, Recording, Scope
from workbench.errors import CatalogueError, RecordingError, SettingsError
from workbench.footage.catalog import (
    FOOTAGE_COLUMNS,
    FOOTAGE_CSV,
    read_cameras,
    read_catalogue,
)
from workbench.footage.files import stamp_of
from workbench.footage.frames import RecordingReader
from workbench.indexing.fetched import Call, Fetched, Log, Note, after, take

CONTRACT = 1  # version of what the program is given, and of what it answers
FOLDER = ".hook"  # in the catalogue
LIMIT_SECONDS = 3600.0
# Variables that the program is given, where they are set: no token or setting of this process.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
LONGEST_LINE = 100_000  # characters
SECONDS_TO_STOP = 5.0  # after which a program that was asked to stop is killed


@dataclass(frozen=True, slots=True)
class HookReport:
    """Outcome of one call of a hook; what was fetched stays, however the call ended."""

    fetched: tuple[Fetched, ...]
    refused: tuple[Problem, ...]  # films and lines that were not taken
    failure: str  # why the program did not end well; empty if it did
    seconds: float

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that went wrong, as indexing reports it."""
        failed = (Problem("hook", self.failure),) if self.failure else ()
        return self.refused + failed


class Hook:
    """Program that fetches footage for a scope, called with no shell between.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    seconds : float
        A call that takes longer is stopped; what it had finished by then is kept.

    Raises
    ------
    SettingsError
        If there is no such program, or it may not be run.
    """

    def __init__(self, command: Sequence[str], *, seconds: float = LIMIT_SECONDS) -> None:
        program = shutil.which(command[0]) if command else None
        if program is None:
            raise SettingsError(
                "is not a program that can be run",
                where=command[0] if command else "--hook",
                fix="Give its path, and make it executable",
            )
        # Not what a link leads to: the Python of a virtual environment is one.
        self.program = Path(program).absolute()
        self.command = (str(self.program), *command[1:])
        self.seconds = seconds
        self._ends: dict[tuple[Path, int, int], datetime | None] = {}

    @property
    def sha256(self) -> str:
        """SHA-256 of the program's file, in hexadecimal."""
        return hashlib.sha256(self.program.read_bytes()).hexdigest()

    def run(
        self, folder: Path | str, scope: Scope, *, case: str, log: Log, note: Note
    ) -> HookReport:
        """Call the program once, and take what it fetched into the catalogue.

        Parameters
        ----------
        folder : path
            The catalogue; it needs cameras, but no footage yet.
        scope : Scope
            Where and when the program may fetch; anything else is refused.
        case : str
            Reference of the case that permits it, for the program to say.
        log : callable
            Takes each line that the program writes to standard error, and what was taken.
        note : callable
            Puts a film on record, before it is listed; what it raises ends the call.

        Raises
        ------
        CatalogueError
            If the cameras cannot be read, or another hook is at work in the folder.
        """
        folder, began = Path(folder).resolve(), time.monotonic()
        cameras = read_cameras(folder, [])
        inside = tuple(
            camera
            for camera in cameras.values()
            if camera.place and shapely.intersects_xy(scope.district.area, *camera.place)
        )
        if not (folder / FOOTAGE_CSV).exists():  # a catalogue that begins with the hook
            (folder / FOOTAGE_CSV).write_text(",".join(FOOTAGE_COLUMNS) + "\n")
        if not inside:
            nothing = "no camera of the catalogue is within the area: there is nothing to fetch"
            return HookReport((), (), nothing, 0.0)
        with _alone(folder) as own:
            recordings = read_catalogue(folder).recordings
            listed = {recording.file for recording in recordings}
            into = Path(tempfile.mkdtemp(dir=own, prefix="in-"))
            call = Call(folder, scope, cameras, inside, listed, into, log, note)
            try:
                told = self._told(call, case, own / "keep", recordings)
                failure = self._converse(call, told)
            finally:
                shutil.rmtree(into, ignore_errors=True)
        seconds = time.monotonic() - began
        return HookReport(tuple(call.fetched), tuple(call.refused), failure, seconds)

    def _told(
        self, call: Call, case: str, keep: Path, recordings: Sequence[Recording]
    ) -> dict[str, Any]:
        """What the program is given on standard input."""
        keep.mkdir(exist_ok=True)
        inside = {camera.camera_id for camera in call.inside}
        present = [
            {
                "file": recording.file,
                "camera_id": recording.camera_id,
                "started_at": recording.started_at.isoformat(),
                "ended_at": ended.isoformat() if (ended := self._end(recording)) else None,
            }
            for recording in recordings
            if recording.camera_id in inside
        ]
        return {
            "contract": CONTRACT,
            "case": case,
            "catalogue": str(call.folder),
            "into": str(call.into),
            "keep": str(keep),
            "start": call.scope.start.isoformat(),
            "end": call.scope.end.isoformat(),
            "area": to_geojson(call.scope.district),
            "cameras": [
                {
                    "camera_id": camera.camera_id,
                    "name": camera.name,
                    "latitude": camera.latitude,
                    "longitude": camera.longitude,
                }
                for camera in call.inside
            ],
            "present": present,
        }

    def _end(self, recording: Recording) -> datetime | None:
        """End of a recording as its header says; None where it does not."""
        stamp = stamp_of(recording.path)
        if stamp is None:
            return None
        key = (recording.path, stamp.size_bytes, stamp.modified_ns)
        if key not in self._ends:
            try:
                with RecordingReader(recording.path, frame_rate=recording.frame_rate) as reader:
                    seconds = reader.duration_seconds
            except RecordingError:
                seconds = None  # indexing reports what is wrong with it
            self._ends[key] = None if not seconds else after(recording.started_at, seconds)
        return self._ends[key]

    def _converse(self, call: Call, told: dict[str, Any]) -> str:
        """Run the program and take its rows as they come; return why it failed, if it did."""
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        deadline = time.monotonic() + self.seconds
        # A file, for a program that does not read what it is given must not block this one.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
            json.dump(told, given)
            given.flush()
            given.seek(0)
            try:
                running = subprocess.Popen(  # noqa: S603 - the program that the user names
                    self.command,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment,
                    start_new_session=True,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                return f"{self.command[0]} cannot be run ({error.strerror or error})"
        said: queue.Queue[tuple[str, str]] = queue.Queue()
        with running:
            readers = [
                threading.Thread(target=_read, args=(name, stream, said), daemon=True)
                for name, stream in (("row", running.stdout), ("log", running.stderr))
            ]
            for reader in readers:
                reader.start()
            try:
                last, ended = self._listen(call, said, deadline)
                if ended:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        running.wait(max(0.0, deadline - time.monotonic()))
                if not ended or running.returncode is None:
                    return f"took longer than {self.seconds:g} s and was stopped"
            finally:
                _stop(running)
        if running.returncode:
            because = f": {last}" if last else ""
            return f"ended with exit status {running.returncode}{because}"
        return ""

    def _listen(
        self, call: Call, said: queue.Queue[tuple[str, str]], deadline: float
    ) -> tuple[str, bool]:
        """Take what the program says; return its last line of log, and whether it said all."""
        last, open_streams = "", 2
        while open_streams:
            try:
                kind, line = said.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                return last, False
            if not kind:
                open_streams -= 1
            elif kind == "log":
                last = line
                call.log(line)
            else:
                take(call, line)
            if time.monotonic() > deadline:
                return last, False
        return last, True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Keep other hooks out of a catalogue, and clear away what a killed one left."""
    own = folder / FOLDER
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CatalogueError(
            f"a hook cannot work here ({error.strerror or error})",
            where=str(own),
            fix="Make the catalogue's folder writable",
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CatalogueError(
                "another hook is at work in this catalogue",
                where=str(folder),
                fix="Wait until it has finished, or stop it",
            ) from None
        for left in own.glob("in-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield own
    finally:
        os.close(lock)


def _read(kind: str, stream: IO[str], said: queue.Queue[tuple[str, str]]) -> None:
    while line := stream.readline(LONGEST_LINE):
        said.put((kind, line.strip()))
    said.put(("", ""))


def _stop(running: subprocess.Popen[str]) -> None:
    """End the program and all that it started, first politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(SECONDS_TO_STOP)
            return
