"""Layout of a recording's pictures, noticed from its faces where nobody stated it.

A camera that hangs upside down or on its side, and pixels that are not square, leave no trace in
the file, and hardly one in what is found: faces upside down have a good quality, and templates that
match nobody. So where few faces are clear, some of the pictures in which something moved are tried
turned and stretched; which of these is right, clear faces tell (docs/decisions/0009-noticed.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from workbench.domain import Box, Problem, Recording
from workbench.faces.detection import detect
from workbench.faces.orientation import FOUND_FROM, SURER_BY, TURNS, UPRIGHT_FROM, turn
from workbench.faces.quality import crop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Image
    from workbench.faces.models import Models

# Pictures that are kept of a recording, at most; never more than half of them are given up for
# later ones, so that they are spread over all of it.
KEPT = 32
# Of the pictures looked at, one in so many is tried, but at least the fewest; the others that were
# kept are tried if a face is found in these.
TRIED_OF, FEWEST = 24, 6
# Pictures that must agree, and how many for each that speaks against them.
AGREEING, AGAINST = 3, 4
# How sure of one of these faces the detector must be: of none that stood on its head or was half as
# wide as it should be was it surer, but for one of 209 with YuNet.
CLEAR_FROM = {"dlib": 0.8, "yunet": 0.9}
# So many faces of which the detector is as sure as only of upright ones: nothing is tried.
CLEAR_FACES = 3
# Shapes of pictures that cameras make, width by height: they are not tried stretched.
SHAPES = (16 / 9, 4 / 3, 3 / 2, 22 / 15, 5 / 4, 11 / 9, 1.0, 9 / 16)
SHAPE_TOLERANCE = 0.03
JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to lay stored pictures so that people stand upright in them."""

    rotation: int = 0  # degrees clockwise
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel by its height

    def of(self, picture: Image) -> Image:
        """The picture ``(h, w, 3) uint8`` laid this way; nothing of it is lost."""
        import cv2

        if self.pixel_aspect != 1:
            wider, higher = (
                max(1.0, float(self.pixel_aspect)),
                max(1.0, float(1 / self.pixel_aspect)),
            )
            picture = np.asarray(cv2.resize(picture, None, fx=wider, fy=higher))
        return turn(picture, self.rotation) if self.rotation else picture


AS_IT_IS = Layout()
TURNED = tuple(Layout(degrees) for degrees in TURNS)
STRETCHED = (Layout(pixel_aspect=Fraction(2)), Layout(pixel_aspect=Fraction(1, 2)))


@dataclass(slots=True)
class Sample:
    """Pictures of a recording in which something moved, spread over all of it."""

    looked_at: int = 0
    aspect_is_stated: bool = False
    # Parts, as JPEG files.
    _kept: list[list[NDArray[np.uint8]]] = field(default_factory=list, repr=False)
    _shape: float = 1.0
    _every: int = 1

    def offer(self, picture: Image, regions: Sequence[Box] | None) -> None:
        """Take the next picture ``(h, w, 3) uint8``, of which *regions* move; None: all of it."""
        import cv2

        self.looked_at += 1
        if (self.looked_at - 1) % self._every:
            return
        if len(self._kept) == KEPT:
            self._kept, self._every = self._kept[::2], 2 * self._every
        self._shape = picture.shape[1] / picture.shape[0]
        parts = [picture] if regions is None else [crop(picture, region) for region in regions]
        self._kept.append(
            [
                cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
                for part in parts
                if part.size
            ]
        )

    @property
    def may_be_stretched(self) -> bool:
        """True if its pictures have a shape that no camera makes, and nobody stated their pixels'.

        A film of a usual shape that was squeezed into another usual one is not noticed.
        """
        return not self.aspect_is_stated and all(
            abs(self._shape / usual - 1) > SHAPE_TOLERANCE for usual in SHAPES
        )

    def in_order_of_trial(self) -> tuple[list[list[Image]], int]:
        """The pictures' parts, those to try in any case first, and how many these are."""
        import cv2

        count = min(len(self._kept), max(FEWEST, self.looked_at // TRIED_OF))
        first = [n * len(self._kept) // count for n in range(count)]
        order = first + sorted(set(range(len(self._kept))) - set(first))
        decoded = [
            [np.asarray(cv2.imdecode(part, cv2.IMREAD_COLOR), np.uint8) for part in self._kept[n]]
            for n in order
        ]
        return decoded, count


@dataclass(frozen=True, slots=True)
class Noticed:
    """A layout in which faces of a recording are seen that otherwise are not, or less clearly."""

    layout: Layout
    agreeing: int  # pictures
    tried: int  # pictures
    is_clear: bool  # enough so to read the recording that way

    def apply(self, recording: Recording) -> Recording:
        """The recording, to be read that way."""
        if self.layout.rotation:
            return replace(recording, rotation=self.layout.rotation)
        return replace(recording, pixel_aspect=self.layout.pixel_aspect)

    def problem(self, file: str, *, applied: bool) -> Problem:
        """Say what was noticed and, if the recording was read that way, that it was."""
        degrees, wide = self.layout.rotation, self.layout.pixel_aspect > 1
        seen = f"{self.agreeing} of {self.tried} pictures that were tried"
        if degrees:
            column, value = "rotation", str(degrees)
            how = f"turned by {degrees} degrees"
            why = f"its faces {'stand on their head' if degrees == 180 else 'lie on their side'}"
        else:
            column, value = "pixel_aspect", "2:1" if wide else "1:2"
            how = f"with pixels twice as {'wide as high' if wide else 'high as wide'}"
            why = f"its faces are half as {'wide' if wide else 'high'} as they should be"
        if applied:
            return Problem(
                file,
                f"was read {how}, since {why} ({seen}). If that is wrong, write what is right into "
                f"the column {column} of footage.csv, and index it into a new gallery",
            )
        return Problem(
            file,
            f"may have to be read {how}: in {seen}, faces are clearer that way. Look at it, and "
            f"write {value} into the column {column} of footage.csv if that is right, and index "
            "it into a new gallery",
        )


def find_layout(
    models: Models,
    sample: Sample,
    *,
    min_width: float,
    any_face: bool,
    turned: bool = True,
) -> Noticed | None:
    """Find how the pictures of a sample have to be laid; None where they are right, or none tells.

    Parameters
    ----------
    models : Models
    sample : Sample
    min_width : float
        Width in pixels of the smallest face to look for.
    any_face : bool
        Faces were found in the recording as it is. A detector whose confidence is not known well
        enough to compare then decides nothing.
    turned : bool
        Try it turned; stretched it is tried if :attr:`Sample.may_be_stretched`.
    """
    detector = models.profile.detector
    if any_face and detector not in UPRIGHT_FROM:
        return None
    tried = (TURNED if turned else ()) + (STRETCHED if sample.may_be_stretched else ())
    found_from, surer_by = FOUND_FROM.get(detector, 0.0), SURER_BY.get(detector, 0.0)
    votes: dict[Layout, list[float]] = defaultdict(list)

    def sure(parts: list[Image], layout: Layout) -> float:
        return max(
            (
                face.confidence
                for part in parts
                if min(part.shape[:2]) >= min_width / 2
                for face in detect(models, layout.of(part), min_width=min_width)
            ),
            default=-1.0,
        )

    pictures, in_any_case = sample.in_order_of_trial() if tried else ([], 0)
    looks = 0
    for parts in pictures:
        if looks >= in_any_case and not any(votes[layout] for layout in tried):
            break
        if len(votes[AS_IT_IS]) >= AGREEING and not any(votes[layout] for layout in tried):
            return None
        looks += 1
        as_it_is = sure(parts, AS_IT_IS) if any_face else None
        if as_it_is is not None and as_it_is >= UPRIGHT_FROM[detector]:
            votes[AS_IT_IS].append(as_it_is)
            continue
        ways = {layout: sure(parts, layout) for layout in tried}
        best = max(ways, key=ways.__getitem__)
        if as_it_is is None:
            as_it_is = sure(parts, AS_IT_IS) if ways[best] >= found_from else -1.0
        others = [as_it_is, *(ways[layout] for layout in tried if layout != best)]
        if ways[best] >= found_from and ways[best] > max(others) + surer_by:
            votes[best].append(ways[best])
        elif as_it_is >= found_from:
            votes[AS_IT_IS].append(as_it_is)
    layout = max(tried, key=lambda layout: len(votes[layout]), default=AS_IT_IS)
    agreeing = len(votes[layout])
    against = sum(map(len, votes.values())) - agreeing
    if layout == AS_IT_IS or agreeing < 2 or agreeing < AGAINST * against:
        return None
    clear = max(votes[layout]) >= CLEAR_FROM.get(detector, 0.0)
    return Noticed(layout, agreeing, looks, clear and agreeing >= AGREEING)
