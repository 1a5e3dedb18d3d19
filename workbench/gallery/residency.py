"""How much of a gallery stays mapped into a process that searches it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.gallery.index import TemplateIndex


class Residency:
    """Lets go of the segments that were longest not read, so that no more stays mapped than is set.

    What is let go of stays in the page cache, which all processes share and the kernel takes back
    as it needs; it is mapped again when it is read.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[TemplateIndex, int] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, index: TemplateIndex, rows: int) -> None:
        """So many rows of *index* were read."""
        with self._lock:
            held = self._held.pop(index, 0) + rows * index.scanned_bytes
            self._held[index] = min(held, len(index) * index.scanned_bytes)
            total = sum(self._held.values())
            while total > self._most and self._held:
                oldest, size = self._held.popitem(last=False)
                oldest.release()
                total -= size

    def forget(self, index: TemplateIndex) -> None:
        """*index* is no longer used."""
        with self._lock:
            self._held.pop(index, None)
