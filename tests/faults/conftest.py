"""Disks without room."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """``small_disk(options)``: a disk of 24 MB, or the same with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small disk needs root")
        return folder

    yield mount
    # Lazily: a test that fails may hold a file there open.
    umount = ["umount", "--lazy", str(folder)]
    while not subprocess.run(umount, check=False, capture_output=True).returncode:
        pass
