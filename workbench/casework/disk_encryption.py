"""Whether what is stored here is encrypted: by the disk, since nothing above it can be.

See docs/decisions/0005-at-rest.md for why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

State: TypeAlias = Literal["encrypted", "plain", "unknown"]

# Network and stacked file systems: what is under them is another machine's or another layer's.
_MEMORY = {"tmpfs", "ramfs"}


@dataclass(frozen=True, slots=True)
class Storage:
    """What a path is stored on."""

    path: Path
    state: State
    device: str  # as the kernel names it; the file system's where there is no block device


def storage_of(
    path: Path, *, system: Path = Path("/sys"), process: Path = Path("/proc")
) -> Storage:
    """The block device under a path, and whether dm-crypt (LUKS and the like) lies below it.

    Every device that a volume is made of must be encrypted for it to be. A path that does not exist
    yet is looked at in the nearest folder that does.
    """
    path = path.resolve()
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    number = existing.stat().st_dev
    block = system / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    if not block.exists():
        # btrfs and overlays have a number of their own; the mount table knows the device.
        kind, source = _mounted(existing, process)
        if kind in _MEMORY:
            return Storage(existing, "unknown", kind)
        block = system / "class" / "block" / Path(source).resolve().name
        if not source.startswith("/dev/") or not block.exists():
            return Storage(existing, "unknown", source or kind)
    block = block.resolve()
    return Storage(existing, "encrypted" if _is_encrypted(block) else "plain", block.name)


def _is_encrypted(block: Path) -> bool:
    """Whether a device is a dm-crypt target, or all that it is made of are."""
    kind = block / "dm" / "uuid"
    if kind.is_file() and kind.read_text().startswith("CRYPT-"):
        return True
    if (block / "partition").exists():
        return _is_encrypted(block.parent)
    below = block / "slaves"
    parts = sorted(below.iterdir()) if below.is_dir() else []
    return bool(parts) and all(_is_encrypted(part.resolve()) for part in parts)


def _mounted(path: Path, process: Path) -> tuple[str, str]:
    """Kind of file system and source of the mount that holds a path, as the kernel has them."""
    best, found = -1, ("", "")
    for line in (process / "self" / "mountinfo").read_text().splitlines():
        mount, _, rest = line.partition(" - ")
        point = Path(mount.split()[4].encode().decode("unicode_escape"))
        kind, source, *_ = rest.split()
        if (point == path or point in path.parents) and len(point.parts) >= best:
            best, found = len(point.parts), (kind, source)
    return found
