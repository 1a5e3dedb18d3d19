"""Errors to expect of one search, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.calibration.words import format_expected

if TYPE_CHECKING:
    from workbench.calibration.model import Calibration, FalseCandidateEstimate, FnmrEstimate

LOOKS_LIKE_MANY = 0.05
"""Share of people, the nearest to strangers, of whom it is said that they look like many others."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """Expected errors of one search at any threshold, from the calibration of its profile.

    ``tracklets`` counts the ones that are compared, by the quality of their best shot (see
    :data:`workbench.calibration.QUALITY_STEPS`); ``photographs`` is their number in the probe. How
    many are false depends on the probe too: see :class:`workbench.calibration.Nearness`.
    """

    calibration: Calibration
    tracklets: tuple[int, ...]
    photographs: int
    offset: float | None = None  # of the probe at hand, where one is known: how near to strangers

    def false_candidates(self, threshold: float) -> FalseCandidateEstimate:
        """Estimate the number of false candidates with at least this score."""
        return self.calibration.false_candidates(
            threshold, self.tracklets, photographs=self.photographs, offset=self.offset
        )

    @property
    def resembles_many(self) -> str:
        """Say that the target looks like many others and what helps; empty if it does not."""
        nearness = self.calibration.nearness_of(self.photographs)
        if nearness is None or self.offset is None:
            return ""
        nearer = 1 - nearness.share_below(self.offset)
        if nearer > LOOKS_LIKE_MANY:
            return ""
        among = f"1 in {1 / nearer:,.0f}" if nearer >= 0.01 else "1 in more than 100"
        return (
            f"This face resembles many others: only {among} of the people of the calibration "
            "resembles strangers as much. What it shares with them is taken away from its scores, "
            "so more of the true sightings are missed than for others. More photographs help most; "
            "else narrow the district or time, and look at lower scores too."
        )

    def fnmr(self, threshold: float) -> FnmrEstimate:
        """Estimate the share of the target's own tracklets that scores less."""
        return self.calibration.fnmr(threshold, self.tracklets, photographs=self.photographs)

    def words(self, threshold: float) -> list[str]:
        """Put the estimates in words: on false candidates, and on missed sightings if measured."""
        compared = sum(self.tracklets)
        if not compared:
            return ["There is nothing to compare in this district and time."]
        false, missed = self.false_candidates(threshold), self.fnmr(threshold)
        tracklets = "1 tracklet" if compared == 1 else f"{compared:,} tracklets"
        words = (
            f"Expect {format_expected(false.mean)} ({false.low:,} to {false.high:,} false "
            f"candidates in this search, 95 % interval) among {tracklets}."
        )
        if false.extrapolated:
            words += (
                " This score is beyond what was measured: fewer than ten comparisons of different "
                "people reached it, so this is a cautious guess; expect fewer."
            )
        elif threshold < self.calibration.thresholds[0]:
            words += (
                f" Nothing below {self.calibration.thresholds[0]:.2f} was measured: expect more "
                "than this says."
            )
        lowest = self.calibration.curves_for(self.photographs)[0].quality
        poorer = sum(self.tracklets[: round(lowest * len(self.tracklets))])
        if poorer:
            words += (
                f" {poorer:,} of them are of lower quality than anything that was measured: expect "
                "more errors of both kinds among these."
            )
        if self.calibration.provisional:
            words += (
                f" This rests on {self.calibration.data}. How many true sightings are missed is "
                "not known."
            )
        said = [words, self.resembles_many] if self.resembles_many else [words]
        if math.isnan(missed.rate):
            return said
        return [
            *said,
            f"Expect to miss about {missed.rate:.1%} ({missed.low:.1%} to {missed.high:.1%}) of "
            "the true sightings among them.",
        ]
