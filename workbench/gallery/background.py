"""Merging in a process of its own, beside whoever writes a gallery and reads it.

A day is at rest from an hour after the last recording came into it, and not before it is over: its
parts are arranged by place then.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from workbench.domain import to_microseconds
from workbench.errors import GalleryBusy, SightlineError
from workbench.gallery.committing import Committer
from workbench.gallery.entries import day_of
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import Merger
from workbench.gallery.named import renew
from workbench.gallery.opening import is_gallery, merging
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

ROLE = "merger"
REST = timedelta(hours=1)
_log = logging.getLogger(__name__)
_NICE = 10  # what people wait for comes first
_INTERRUPTED = (130, -signal.SIGINT)  # in its work, and before it began


def days_at_rest(manifest: Manifest) -> Callable[[int], bool]:
    """Return what says of a day, counted since 1970, that nothing is added to it any more."""
    now = manifest.now()
    today = day_of(to_microseconds(now))
    begun = manifest.last_reserved(manifest.state().commit, role=ROLE)
    active = {day for day, at in begun.items() if now - at < REST}
    return lambda day: day < today and day not in active


def is_due(manifest: Manifest, storage: Storage) -> bool:
    """Return True if parts of a gallery are to be merged."""
    return Merger(Committer(manifest, storage, ROLE), days_at_rest(manifest)).is_due()


def merge(path: Path, go_on: Callable[[], bool] = lambda: True) -> int:
    """Merge the parts of a gallery until there is nothing to do, or *go_on* says no.

    The named file is written again then, as it names parts that are gone. Where the gallery is
    deleted meanwhile, nothing is written any more.

    Returns
    -------
    int
        Number of commits that it took.

    Raises
    ------
    GalleryBusy
        If another process merges it.
    GalleryError
        If it cannot be opened, read or written. What was merged by then stays so.
    """
    with merging(path) as opened:
        committer = Committer(opened.manifest, opened.storage, ROLE)
        committer.sweep()
        steps = Merger(committer, days_at_rest(opened.manifest)).run(go_on)
        if steps:
            snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=0)
            renew(path, opened.folder, snapshot)
        return steps


def start(path: Path) -> subprocess.Popen[bytes]:
    """Start a process that merges a gallery; it ends when there is nothing to do.

    It ends at once where another one does so. Other errors are told to this process alone, on
    ``stderr``, with exit status 2; the gallery stays as it was, with more parts than there might
    be.
    """
    # Not as a module: this one was imported by then, with the package that it is in.
    program = f"import sys; from {__name__} import main; sys.exit(main(sys.argv[1]))"
    command = [sys.executable, "-P", "-c", program, str(path.resolve())]
    return subprocess.Popen(  # noqa: S603 - this interpreter, and one path
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def start_unattended(path: Path) -> None:
    """Start a process as :func:`start` does, which nobody waits for; what it says is logged."""
    process = start(path)

    def hear() -> None:
        _, said = process.communicate()
        if process.returncode not in (0, *_INTERRUPTED):
            told = said.decode(errors="replace").strip()
            _log.warning("%s", told or f"merging {path}: ended with status {process.returncode}")

    threading.Thread(target=hear, name="merging", daemon=True).start()


def main(path: str) -> int:
    """Merge the gallery at *path* as a process of its own; return the exit status.

    Where it was deleted by then, there is nothing to do.
    """
    os.nice(_NICE)
    try:
        with contextlib.suppress(GalleryBusy):
            merge(Path(path))
    except Exception as error:
        if not is_gallery(Path(path)):
            return 0
        if not isinstance(error, SightlineError):
            raise
        sys.stderr.write(f"sightline: merging: {error}\n")
        return 2
    except KeyboardInterrupt:  # for whoever started it: nothing is lost
        return 130
    return 0


__all__ = ["days_at_rest", "is_due", "main", "merge", "start", "start_unattended"]
