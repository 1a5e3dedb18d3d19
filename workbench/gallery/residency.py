"""Limit on the memory that a searching process keeps mapped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.gallery.index import TemplateIndex


class Residency:
    """Unmaps segments that earlier questions read, so that no more than the limit stays mapped.

    Unmapped pages stay in the page cache, which all processes share and the kernel takes back as
    it needs; mapping them again takes some 90 ms per gigabyte.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        # In the order in which they were last read: bytes, and the question that read them.
        self._held: OrderedDict[TemplateIndex, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, index: TemplateIndex, rows: int, *, keys: bool, question: object) -> None:
        """Note that a question read *rows* of *index*, and with *keys* the columns of its scope."""
        with self._lock:
            before, _ = self._held.pop(index, (0, None))
            bytes_read = rows * index.row_bytes + (len(index) * index.key_bytes if keys else 0)
            largest = len(index) * (index.row_bytes + index.key_bytes)
            self._held[index] = min(before + bytes_read, largest), question
            total = sum(size for size, _ in self._held.values())
            for other, (size, asker) in list(self._held.items()):
                if total <= self._most:
                    return
                # A question over all of a large gallery would otherwise unmap each segment before
                # it comes to it again.
                if asker is not question or other is index:
                    del self._held[other]
                    other.release()
                    total -= size

    def forget(self, index: TemplateIndex) -> None:
        """Stop counting *index*, which is no longer used."""
        with self._lock:
            self._held.pop(index, None)
