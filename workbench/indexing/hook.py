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
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

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
from workbench.footage.tables import make_table
from workbench.indexing.fetched import Call, Fetched, Log, Note, after, refuse_link, take

CONTRACT = 1  # version of what the program is given, and of what it answers
FOLDER = ".hook"  # in the catalogue
LIMIT_SECONDS = 3600.0
# Variables that the program is given, where they are set: no token or setting of this process.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
LONGEST_LINE = 100_000  # bytes
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
            If the cameras cannot be read, another hook is at work in the folder, or what is
            written in it is a link.
        """
        folder, began = Path(folder).resolve(), time.monotonic()
        for path in (folder / FOLDER, folder / FOLDER / "keep", folder / FOOTAGE_CSV):
            refuse_link(path)
        cameras = read_cameras(folder, [])
        inside = tuple(
            camera
            for camera in cameras.values()
            if camera.place and shapely.intersects_xy(scope.district.area, *camera.place)
        )
        make_table(folder / FOOTAGE_CSV, FOOTAGE_COLUMNS)  # of a catalogue that begins with it
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
                    bufsize=0,
                )
            except OSError as error:
                return f"{self.command[0]} cannot be run ({error.strerror or error})"
        with running:
            try:
                last, ended = _listen(call, running, deadline)
                if ended:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        running.wait(max(1.0, deadline - time.monotonic()))
                if not ended or running.returncode is None:
                    return f"took longer than {self.seconds:g} s and was stopped"
            finally:
                _stop(running)
        if running.returncode:
            because = f": {last}" if last else ""
            return f"ended with exit status {running.returncode}{because}"
        return ""


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


def _listen(call: Call, running: subprocess.Popen[bytes], deadline: float) -> tuple[str, bool]:
    """Take what the program says; return its last line of log, and whether it said all."""
    last = ""
    assert running.stdout is not None
    assert running.stderr is not None
    with selectors.DefaultSelector() as streams:
        for kind, stream in (("row", running.stdout), ("log", running.stderr)):
            streams.register(stream, selectors.EVENT_READ, (kind, bytearray()))
        while streams.get_map():
            # Asked before looking, so that all it said before it ended is found.
            left, over = deadline - time.monotonic(), running.poll() is not None
            ready = streams.select(min(1.0, max(0.0, left)))
            if not ready and over:
                break  # something that it left running has the streams, and says nothing
            for key, _ in ready:
                kind, begun = key.data
                content = os.read(key.fd, 1 << 16)
                if not content:
                    streams.unregister(key.fileobj)
                for line in _lines(begun, content):
                    if kind == "row":
                        take(call, line)
                    else:
                        last = line
                        call.log(line)
            if left < 0 and streams.get_map():
                return last, over
    return last, True


def _lines(begun: bytearray, content: bytes) -> Iterator[str]:
    """The lines that are whole with *content*, which is empty at the end; the rest stays begun."""
    begun += content
    while begun:
        end = begun.find(b"\n") + 1
        if not end and content and len(begun) < LONGEST_LINE:
            return
        end = min(end or len(begun), LONGEST_LINE)
        line = bytes(begun[:end]).decode("utf-8", "replace").strip()
        del begun[:end]
        if line:
            yield line


def _stop(running: subprocess.Popen[bytes]) -> None:
    """End the program and what it started in its session; the program itself first politely."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(SECONDS_TO_STOP)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
