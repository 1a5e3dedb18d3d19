"""Memory mapped from files: the system is told how much of it to read ahead.

By itself it reads up to some megabytes around each byte that is asked for, as its disk is set up.
Of rows and pictures that lie apart, that would be many times what they take.
"""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path

import pyarrow as pa


def map_file(path: Path) -> pa.Buffer:
    """Map a file that is not empty; raise OSError if it cannot be read.

    Nothing of it is read before it is asked for, and then no more than that; see :func:`in_order`.
    """
    with pa.memory_map(str(path)) as file:
        first = file.read_buffer(1)  # pyarrow has all read ahead of which it makes a buffer
        found = pa.foreign_buffer(first.address, file.size(), first)
    _advise(found, mmap.MADV_RANDOM)
    return found


def in_order(mapped: pa.Buffer) -> None:
    """Have the system read ahead again, where most of a file will be read."""
    _advise(mapped, mmap.MADV_NORMAL)


def _advise(mapped: pa.Buffer, how: int) -> None:
    """Give advice, without which all is as it was but slower: nobody has to know if it failed."""
    where, length = ctypes.c_void_p(mapped.address), ctypes.c_size_t(mapped.size)
    ctypes.CDLL(None).madvise(where, length, how)


__all__ = ["in_order", "map_file"]
