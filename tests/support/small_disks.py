"""Disks that are filled, and what is done on them with less and less room."""

from __future__ import annotations

import hashlib
import re
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import SightlineError

WRONG = ("Restore it from a copy", "index the footage again", "deleted on request", "Traceback")
ROOM = (0, 4096, 40_960, 200_000)  # bytes left


@dataclass
class Disk:
    """A small disk, to be filled and emptied again."""

    folder: Path
    tried: int = 0

    def left(self, room: int) -> None:
        free = shutil.disk_usage(self.folder).free
        with (self.folder / "ballast").open("wb") as file:
            file.write(bytes(max(0, free - room)))

    def files(self) -> dict[str, str]:
        """What is on it, but for the record, which refusals are on, locks, and manifests.

        In a manifest names are reserved for what is then refused.
        """
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file()
            and path.name not in ("ballast", "audit.log", "audit.head")
            and not path.name.startswith("manifest.sqlite")
            and path.suffix != ".lock"
        }

    def hold(self, action: Callable[[int], object], *, leaves: Callable[[], object]) -> None:
        """Do something with less and less room; what is refused must be told, and change nothing.

        *action* gets a number of its own for each time; *leaves* says what must stay the same.
        """
        refused = 0
        for room in ROOM:
            self.tried += 1
            before, kept = self.files(), leaves()
            self.left(room)
            told = refusal_of(lambda: action(self.tried))
            if told:
                refused += 1
                assert re.search("the disk is full|No space left on device.*Free space", told), told
                assert not any(word in told for word in WRONG), told
                after = self.files()
                changed = {one for one in before | after if before.get(one) != after.get(one)}
                assert not changed, (room, changed)
            (self.folder / "ballast").unlink()
            if told:
                assert leaves() == kept
            self.tried += 1
            action(self.tried)  # there is room again
        assert refused, "the disk was never full"


def refusal_of(action: Callable[[], object]) -> str:
    """What an action says that is refused; empty if it is done."""
    try:
        action()
    except SightlineError as error:
        return str(error)
    return ""


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file may become larger than *size* bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
