"""Progress of long work, reported one way by all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """State of long work: rows compared, recordings indexed, bytes fetched.

    Indexing fills in all fields; other work leaves those at 0 that it does not count.
    """

    done: int
    total: int = 0  # 0: unknown
    what: str = ""  # being worked on, such as a file; of several at once, the latest
    part: float = 0.0  # of what is not finished, the share done, added up; 1 is a whole one
    footage_seconds: float = 0.0  # read so far
    faces: int = 0  # detected so far
    elapsed_seconds: float = 0.0

    @property
    def fraction(self) -> float:
        """Share of the work that is done, from 0 to 1; 0 where the total is unknown."""
        return (self.done + self.part) / self.total if self.total else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate of the time left; None before any work is done."""
        worked = self.done + self.part
        return self.elapsed_seconds / worked * (self.total - worked) if worked > 0 else None

    @property
    def pace(self) -> float:
        """Hours of footage read in an hour."""
        return self.footage_seconds / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Called now and then while long work goes on; it cancels the work by raising Cancelled."""
