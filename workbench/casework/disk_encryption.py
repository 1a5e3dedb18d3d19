"""Disk encryption under a path: Sightline encrypts no files, so the disk must be encrypted.

See docs/decisions/0005-at-rest.md for the reasons.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

State: TypeAlias = Literal["encrypted", "plain", "unknown"]

# File systems in memory have no device.
_MEMORY = {"tmpfs", "ramfs"}


@dataclass(frozen=True, slots=True)
class Storage:
    """Device that a path is stored on, and whether it is encrypted."""

    path: Path
    state: State
    device: str  # the kernel's name; the file system's if there is no block device


def storage_of(
    path: Path, *, system: Path = Path("/sys"), process: Path = Path("/proc")
) -> Storage:
    """Find the block device under a path, and whether dm-crypt (such as LUKS) encrypts it.

    A volume counts as encrypted if every device it is made of is. For a path that does not exist
    yet, the nearest folder that does counts. Network and stacked file systems are unknown.
    """
    path = path.resolve()
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    number = existing.stat().st_dev
    block = system / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    if not block.exists():
        # btrfs and overlays have device numbers of their own; the mount table names the device.
        kind, source = _mounted(existing, process)
        if kind in _MEMORY:
            return Storage(existing, "unknown", kind)
        block = system / "class" / "block" / Path(source).resolve().name
        if not source.startswith("/dev/") or not block.exists():
            return Storage(existing, "unknown", source or kind)
    block = block.resolve()
    return Storage(existing, "encrypted" if _is_encrypted(block) else "plain", block.name)


def _is_encrypted(block: Path) -> bool:
    """Check that a device is a dm-crypt target, or is made of nothing but such targets."""
    kind = block / "dm" / "uuid"
    if kind.is_file() and kind.read_text().startswith("CRYPT-"):
        return True
    if (block / "partition").exists():
        return _is_encrypted(block.parent)
    below = block / "slaves"
    parts = sorted(below.iterdir()) if below.is_dir() else []
    return bool(parts) and all(_is_encrypted(part.resolve()) for part in parts)


def _mounted(path: Path, process: Path) -> tuple[str, str]:
    """Return file system and source of the mount that holds a path, from the kernel's table."""
    best, found = -1, ("", "")
    for line in (process / "self" / "mountinfo").read_text().splitlines():
        mount, _, rest = line.partition(" - ")
        point = Path(mount.split()[4].encode().decode("unicode_escape"))
        kind, source, *_ = rest.split()
        if (point == path or point in path.parents) and len(point.parts) >= best:
            best, found = len(point.parts), (kind, source)
    return found
