"""Several processes that index recordings for one that stores them.

Each worker reads one recording at a time, so that a file which crashes a decoder costs that file
alone: the worker is replaced, and the recording is reported as refused.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from workbench.domain import IndexedRecording, Profile, Progress, ProgressCallback, Recording
from workbench.errors import RecordingError, SightlineError
from workbench.indexing.recording import SamplingRates, index_recording

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from workbench.faces.tracklets import TrackletOptions

# Seconds of footage between two reports of a worker.
_REPORT_EVERY = 2.0

Outcome: TypeAlias = IndexedRecording | SightlineError


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    link: Connection
    recording: Recording | None = None  # the one it is reading


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Have no module imported from the working directory, where footage of others may lie."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Have Ctrl-C wait; a process that is started meanwhile begins with it held."""
    # Python's own process for what is shared is started with the first one, and lets go of Ctrl-C.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def without_script() -> Iterator[None]:
    """Have the script that asks for workers run once: a spawned process would run it again.

    ``multiprocessing`` imports the main script in each process, for functions that are defined
    there, and so asks of scripts to begin with ``if __name__ == "__main__"``. Ours are not.
    """
    main = sys.modules["__main__"]
    kept = vars(main)
    hidden: dict[str, object] = {
        name: kept.pop(name) for name in ("__file__", "__spec__") if name in kept
    }
    main.__spec__ = None
    try:
        yield
    finally:
        del main.__spec__
        kept.update(hidden)


def index_in_parallel(
    recordings: Sequence[Recording],
    profile: Profile,
    home: Path,
    *,
    workers: int,
    rates: SamplingRates | None,
    options: TrackletOptions | None,
    progress: ProgressCallback,
) -> Iterator[tuple[Recording, Outcome]]:
    """Index recordings in *workers* processes; yield each with its outcome as it is finished.

    Recordings are begun in their order. At most one finished recording per worker waits to be
    taken, which bounds memory. Closing the iterator ends the workers.
    """
    # Not fork: threads of OpenCV, ONNX Runtime and Jupyter do not survive it.
    context = multiprocessing.get_context("spawn")

    def start() -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(theirs, profile, home, rates, options), daemon=True
        )
        with _safe_path(), without_script(), _interrupts_held():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def instead_of(lost: _Worker) -> _Worker:
        lost.process.join()
        lost.link.close()
        return start()

    waiting = list(reversed(recordings))
    team = [start() for _ in range(min(workers, len(recordings)))]
    try:
        while True:
            for number, worker in enumerate(team):
                if worker.recording is None and waiting:
                    worker.recording = waiting.pop()
                    try:
                        worker.link.send(worker.recording)
                    except OSError:  # it was killed while it had nothing to do
                        team[number] = fresh = instead_of(worker)
                        fresh.recording = worker.recording
                        fresh.link.send(fresh.recording)
            busy = {worker.link: worker for worker in team if worker.recording is not None}
            if not busy:
                return
            for link in wait(list(busy)):
                assert isinstance(link, Connection)
                worker = busy[link]
                recording = worker.recording
                assert recording is not None
                try:
                    message: Progress | Outcome = link.recv()
                except (EOFError, OSError):
                    team[team.index(worker)] = instead_of(worker)
                    yield recording, _crash(recording, worker.process.exitcode)
                    continue
                if isinstance(message, Progress):
                    progress(message)
                else:
                    worker.recording = None
                    yield recording, message
    finally:
        for worker in team:
            worker.process.kill()
        for worker in team:
            worker.process.join()
            worker.link.close()


def _crash(recording: Recording, code: int | None) -> SightlineError:
    how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
    return RecordingError(
        f"crashed the worker process ({how})",
        where=recording.file,
        fix="Convert it with ffmpeg, and report it to the authors of Sightline",
    )


def _work(
    link: Connection,
    profile: Profile,
    home: Path,
    rates: SamplingRates | None,
    options: TrackletOptions | None,
) -> None:
    """Work in a process: receive recordings, send back their outcomes."""
    # Ctrl-C reaches the whole group of a terminal; the process that stores decides what it means.
    # It is held since this one began, so that it ends no import with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_one_core()
    from workbench.faces.models import load

    models = load(profile, home=home)
    while True:
        try:
            recording = link.recv()
        except EOFError:
            return
        last = -_REPORT_EVERY

        def report(progress: Progress) -> None:
            nonlocal last
            if progress.footage_seconds - last >= _REPORT_EVERY:
                last = progress.footage_seconds
                link.send(progress)

        try:
            outcome: Outcome = index_recording(
                recording, models, rates=rates, options=options, progress=report
            )
        except SightlineError as error:
            outcome = error
        link.send(outcome)


def use_one_core() -> None:
    """Let this process use one core: workers divide recordings, not pictures."""
    import cv2

    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def _end_with_parent() -> None:
    """Exit when the parent process was killed: no one would take the results."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
