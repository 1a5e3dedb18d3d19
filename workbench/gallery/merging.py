"""Merging of parts, so that they stay few, and lie apart in place; no picture is moved.

It is for a process or thread of its own, which nobody waits for: what it wrote comes into the
gallery by a commit like any other, and if something else changed those parts meanwhile, it is
discarded and chosen again. A kill costs the parts that were being written, and nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow.compute as pc

from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change, PartEntry
from workbench.gallery.manifest import Overtaken
from workbench.gallery.parts import Part, join, most_rows
from workbench.gallery.planning import places_of
from workbench.gallery.storage import ObjectGone

# Parts of one size that are merged together: fewer of each size exist in a day, and a row is
# written again once each time that its part grows by this factor.
FAN = 8
# Parts that are arranged by place at a time: they are in memory together.
AT_A_TIME = 4


def to_merge(parts: Iterable[PartEntry], most: int) -> list[PartEntry]:
    """Choose small parts of one day to make one of; none if they are few enough.

    Only parts of less than half of *most* tracklets are merged, and no more of them than fit into
    one part.
    """
    tiers: defaultdict[tuple[int, int], list[PartEntry]] = defaultdict(list)
    for part in parts:
        if 2 * part.tracklets < most:
            tiers[part.day, int(math.log(max(part.tracklets, 1), FAN))].append(part)
    for _, tier in sorted(tiers.items()):
        if len(tier) >= FAN:
            return _that_fit(sorted(tier, key=lambda part: part.tracklets), most)
    return []


def _that_fit(parts: Sequence[PartEntry], most: int) -> list[PartEntry]:
    """First of some parts that fit into one together."""
    chosen: list[PartEntry] = []
    for part in parts:
        if sum(one.tracklets for one in chosen) + part.tracklets > most:
            break
        chosen.append(part)
    return chosen


def to_arrange(parts: Iterable[PartEntry], most: int) -> list[PartEntry]:
    """Choose parts of one day to be written apart in place, or together; none if all are so.

    For days to which nothing is added any more. In the end no two parts of a day overlap in place,
    and no neighbours would fit into one.
    """
    days: defaultdict[int, list[PartEntry]] = defaultdict(list)
    for part in parts:
        days[part.day].append(part)
    for _, of_day in sorted(days.items()):
        of_day.sort(key=lambda part: (part.place_low, part.place_high, part.name))
        if chosen := _overlapping(of_day) or _neighbours(of_day, most):
            return chosen
    return []


def _overlapping(parts: Sequence[PartEntry]) -> list[PartEntry]:
    """A few parts, of those of a day by place, that overlap by more than one place."""
    reaching: PartEntry | None = None  # the one before that reaches the furthest
    for place, part in enumerate(parts):
        if reaching is not None and _overlap(reaching, part):
            more = (one for one in parts[place + 1 :] if _overlap(reaching, one))
            return [reaching, part, *islice(more, AT_A_TIME - 2)]
        if reaching is None or part.place_high > reaching.place_high:
            reaching = part
    return []


def _overlap(one: PartEntry, other: PartEntry) -> bool:
    return one.place_low < other.place_high and other.place_low < one.place_high


def _neighbours(parts: Sequence[PartEntry], most: int) -> list[PartEntry]:
    """Parts of a day, next to each other in place, that fit into one."""
    for first in range(len(parts) - 1):
        chosen = _that_fit(parts[first:], most)
        if len(chosen) > 1:
            return chosen
    return []


@dataclass(frozen=True)
class Merger:
    """Merges the parts of a gallery by commits of its own.

    Parameters
    ----------
    committer : Committer
        In a role that no one else works in, so that what a killed one left can be swept.
    at_rest : callable, optional
        Says of a day, counted since 1970, that nothing is added to it any more: its parts are
        arranged by place then. By default none is.
    most : int, optional
        Tracklets of a part, by default as many as the profile's templates allow.
    """

    committer: Committer
    at_rest: Callable[[int], bool] = lambda _: False
    most: int | None = None

    def step(self) -> bool:
        """Merge some parts, or arrange some; return False if there is nothing to do.

        Raises GalleryError if a part cannot be read, or the new ones cannot be written.
        """
        manifest = self.committer.manifest
        parts = manifest.parts(manifest.state().commit)
        chosen = self._chosen(parts)
        if not chosen:
            return False
        try:
            self._write(chosen, self._most())
        except (Overtaken, ObjectGone):
            # Someone else removed or corrected rows of them: there are other parts to choose from.
            if manifest.parts(manifest.state().commit) == parts:
                raise
        return True

    def is_due(self) -> bool:
        """Return True if there is something to do."""
        manifest = self.committer.manifest
        return bool(self._chosen(manifest.parts(manifest.state().commit)))

    def _most(self) -> int:
        return self.most or most_rows(self.committer.manifest.profile.dimension)

    def _chosen(self, parts: Sequence[PartEntry]) -> list[PartEntry]:
        """Parts to be merged or arranged; none if all are as they should be."""
        resting = {part.day for part in parts if self.at_rest(part.day)}
        open_days = (part for part in parts if part.day not in resting)
        at_rest = (part for part in parts if part.day in resting)
        return to_merge(open_days, self._most()) or to_arrange(at_rest, self._most())

    def run(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Merge until there is nothing to do, or *go_on* says no; return the number of steps."""
        steps = 0
        while go_on() and self.step():
            steps += 1
        return steps

    def _write(self, chosen: Sequence[PartEntry], most: int) -> None:
        committer = self.committer
        manifest, storage = committer.manifest, committer.storage
        content = join(Part(storage, entry, manifest.profile).content() for entry in chosen)
        used = {name for table in content for name in pc.unique(table["camera_id"]).to_pylist()}
        places = places_of([one for one in manifest.cameras() if one.camera_id in used])
        with committer.attempt() as attempt:
            attempt.commit(
                Change(
                    parts=attempt.write_parts(content, places, most=most),
                    dropped_parts=[entry.name for entry in chosen],
                    places={name: [places[name]] for name in sorted(used)},
                )
            )
        committer.delete_dropped()


__all__ = ["AT_A_TIME", "FAN", "Merger", "to_arrange", "to_merge"]
