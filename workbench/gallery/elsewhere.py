"""Comparing elsewhere: what a search asks of other machines, and what it has to know of theirs.

The gallery knows none of them. Whoever searches hands in an :class:`Elsewhere`, which takes a
resolved scope and gives its best rows, or leaves it to this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from workbench.domain import Missing
from workbench.gallery.best import Best
from workbench.gallery.resolving import Counts, Resolved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Progress, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Question of one target, as :func:`workbench.gallery.search.search` has it."""

    template: Vector = field(repr=False)
    top: int | None
    threshold: float | None
    normaliser: Normaliser | None


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Findings and counts of other machines, exact for all parts but the missing ones.

    ``best`` are in their order, and no more than were wanted. ``quality`` counts the compared rows
    by step of quality. ``told`` is what the record says of who compared what. Of what is gathered
    so far, ``missing`` is what is not compared yet.
    """

    best: Sequence[Best]
    compared: int
    counts: Counts
    quality: NDArray[np.int64] = field(repr=False)
    parts: int  # with rows inside
    missing: Missing | None
    told: Mapping[str, Mapping[str, Any]]


class Elsewhere(Protocol):
    """Other machines that compare rows of a gallery for this one."""

    def compare(
        self,
        resolved: Resolved,
        wanted: Wanted,
        heard: Callable[[Progress, Gathered | None], None],
    ) -> Gathered | None:
        """Have the rows of a scope compared; None if this process had better do it itself.

        *heard* is told now and then how many rows are done, and what is gathered so far, another
        object each time that there is more. It may raise Cancelled.

        Raises
        ------
        ObjectGone
            If a part was dropped and deleted meanwhile.
        NotPermitted
            If the permit has expired.
        """
        ...


__all__ = ["Elsewhere", "Gathered", "Wanted"]
