"""Operating points: a threshold that was set on a trial, and how sure its error rates are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.calibration.words import format_rate
from workbench.domain import Threshold
from workbench.domain.summaries import Summarised, Summary

if TYPE_CHECKING:
    from workbench.evaluation.intervals import Rate


@dataclass(frozen=True, slots=True, repr=False)
class OperatingPoint(Summarised):
    """Lowest threshold at which a trial keeps to a rate, with the rates that it has there.

    Parameters
    ----------
    score : float
    measure, target : str, float
        The rate that was asked for, FMR or FPIR, and the most that it may be.
    rates : mapping of name to Rate
        As :meth:`workbench.evaluation.protocols.Trial.rates_at` gives them.
    basis : str
        What the rate was counted in, such as ``20 pairs of different people``.
    enough : bool
        False where these are too few to show that rate; then no error was seen from *score*
        on, and the interval says how high the rate may be all the same.
    scale : str
        That *score* is on.
    """

    score: float
    measure: str
    target: float
    rates: Mapping[str, Rate]
    basis: str
    enough: bool
    scale: str

    @property
    def threshold(self) -> Threshold:
        """The threshold, as a search takes it."""
        known = "" if self.enough else ", which too few comparisons show"
        words = f"own trial: {self.measure} {format_rate(self.target)}{known}"
        return Threshold(self.score, words, self.scale)

    @property
    def caution(self) -> str:
        """Words on what the data is too small to show; empty where it is not."""
        if self.enough:
            return ""
        rate = self.rates[self.measure]
        return (
            f"{self.basis} are too few to show a rate of {format_rate(self.target)}. None of them "
            f"reaches this threshold, and the {self.measure} may still be as high as "
            f"{format_rate(rate.high)} (95 %, {rate.people} people). Use more people, or the "
            "threshold of the calibration."
        )

    def summary(self) -> Summary:
        """Describe the threshold: its score, its rates, and whether the data can show them."""
        return Summary(
            f"Threshold {self.score:.3f}",
            (
                ("asked for", f"{self.measure} of at most {format_rate(self.target)}"),
                *((name, str(rate)) for name, rate in self.rates.items()),
                ("scale", self.scale),
            ),
            notes=(self.caution,) if self.caution else (),
        )

    def __repr__(self) -> str:
        said = self.summary().text()
        return f"{said}\n{self.caution}" if self.caution else said
