"""Choice of segments to merge, so that they stay few and each row is rewritten seldom."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from workbench.gallery.register import SegmentEntry

# Segments of one size that are merged together: at most one less of each size exist, and a row is
# rewritten once each time that its segment grows by this factor.
FAN = 8
# A segment stops growing when its templates take this many bytes: merging it holds them in memory.
MOST_BYTES = 2**29


def to_merge(entries: Sequence[SegmentEntry], dimension: int) -> list[SegmentEntry]:
    """Choose the segments to merge next; none if they are few enough."""
    most = MOST_BYTES // (4 * dimension)
    tiers: defaultdict[int, list[SegmentEntry]] = defaultdict(list)
    for entry in entries:
        if entry.templates < most:
            tiers[int(math.log(max(entry.templates, 1), FAN))].append(entry)
    for tier in sorted(tiers):
        if len(tiers[tier]) >= FAN:
            return tiers[tier]
    return []
