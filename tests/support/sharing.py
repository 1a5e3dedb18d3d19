"""Material that takes long to make: one process of the test run makes it, all of them use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def made_once(root: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``root/name``, filled by ``make(folder)`` unless it is already.

    Where several processes ask at once, one of them makes it and the others wait. A folder that
    was begun and not finished is made again.
    """
    folder, made = root / name, root / f"{name}.made"
    with FileLock(root / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
