"""Figures and tables of the page of thresholds: what calibrations say, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.calibration import Calibration
from workbench.calibration.words import format_count, format_rate
from workbench.widgets.components import controls
from workbench.widgets.components.parts import (
    Panel,
    button,
    escaped,
    heading,
    markup,
    message,
    row,
    table,
)
from workbench.widgets.components.plot import Plot
from workbench.widgets.components.uploader import File, Uploader
from workbench.widgets.thresholds.model import ThresholdModel

MOST_BYTES = 4 * 2**20  # of an uploaded calibration; ours have 50 kB
FEW_PEOPLE = 100  # fewer than these, and the page says that they are few
# Everything that the answer depends on.
ASKED = ["known", "threshold", "photographs", "tracklets", "quality", "mix"]


class CalibratedPanel(Panel):
    """A box that is there only while there is a calibration."""

    def __init__(self, model: ThresholdModel, *children: Any, on: list[str]) -> None:
        self.model = model
        super().__init__(children)
        self.add_class("sl-panel")
        model.observe(self._renew, on)
        self._renew()

    def _renew(self, _: object = None) -> None:
        self.layout.display = "" if self.model.calibration else "none"
        if self.model.calibration:
            self.draw(self.model.calibration)

    def draw(self, calibration: Calibration) -> None:
        """Show what follows from the calibration."""
        raise NotImplementedError


class FiguresPanel(CalibratedPanel):
    """The answer at all thresholds."""

    def __init__(self, model: ThresholdModel) -> None:
        self.false, self.missed = Plot(lambda _: None), Plot(lambda _: None)
        self.det, self.evidence = Plot(lambda _: None), Plot(lambda _: None)
        super().__init__(
            model,
            heading("At every threshold"),
            _pair(
                ("False candidates to expect", self.false),
                ("True sightings missed", self.missed),
                ("How well scores tell people apart (DET)", self.det),
                ("Likelihood ratio of a score", self.evidence),
            ),
            markup(
                '<p class="sl-hint">Bands are 95 % intervals. In the third figure, '
                "nearer the lower left is better.</p>"
            ),
            on=[*ASKED, "compared"],
        )

    def draw(self, calibration: Calibration) -> None:
        """Draw the four figures."""
        from workbench.evaluation import forecasts, plots

        model, several = self.model, len(self.model.all) > 1
        steps = model.steps(calibration)
        scopes = {f"{model.tracklets:,} tracklets": steps}
        if not several:
            scopes |= {
                f"{model.tracklets * by:,}": tuple(by * number for number in steps)
                for by in (10, 100)
            }
        number = model.photographs
        at = {"threshold": model.threshold}
        self.false.draw(forecasts.false_candidates(model.all, scopes, photographs=number, **at))
        numbers = (number,) if several else calibration.photographs
        self.missed.draw(forecasts.fnmr(model.all, photographs=numbers, tracklets=steps, **at))
        quality = max(model.bands(calibration), key=lambda band: band[0].comparisons)[0].quality
        if several:
            curves = {
                f"{name}, {label}": frame
                for name, one in model.all.items()
                for label, frame in forecasts.of_calibration(
                    one, photographs=one.curves_for(number)[0].photographs
                ).items()
            }
        else:
            curves = forecasts.of_calibration(calibration, quality=quality)
        self.det.draw(plots.det(curves))
        typical = model.typical_quality(calibration)
        self.evidence.draw(
            forecasts.likelihood_ratios(model.all, photographs=numbers, quality=typical, **at)
        )


class ComparisonPanel(CalibratedPanel):
    """Other profiles, and calibrations from files, at the same number of false candidates."""

    def __init__(self, model: ThresholdModel) -> None:
        others = [name for name in model.profiles() if name != model.profile]
        self.other = controls.Dropdown(options=others, description="Profile")
        self.upload = Uploader(
            self._on_upload, description="Add a calibration", accept=".json", most_bytes=MOST_BYTES
        )
        self.table = markup()
        super().__init__(
            model,
            heading("Compare"),
            row(
                self.other,
                button("Compare with it", self._add),
                self.upload,
                button("Clear", model.forget, label="Compare with nothing"),
            ),
            message(model, "compare"),
            self.table,
            on=[*ASKED, "compared"],
        )
        model.observe(self._offer, "profile")

    def _offer(self, _: object) -> None:
        self.other.options = [name for name in self.model.profiles() if name != self.model.profile]

    def _add(self) -> None:
        if self.other.value:
            self.model.compare(self.other.value)

    def _on_upload(self, files: list[File]) -> None:
        for file in files:
            if file.content is None:
                self.model.say(
                    "compare",
                    f"{file.name}: is {file.size / 2**20:.0f} MB; a calibration has less than "
                    f"{MOST_BYTES // 2**20}. Choose another",
                )
            else:
                self.model.add_file(file.name, file.content)

    def draw(self, calibration: Calibration) -> None:  # noqa: ARG002 - the model has them all
        """Write the table of the calibrations compared."""
        if self.model.compared:
            self.table.value = table(_COMPARED, _compared(self.model))
        else:
            self.table.value = (
                '<p class="sl-hint">Scores of two profiles cannot be compared; their '
                "FNMR at the same FMR can.</p>"
            )


class BasisPanel(CalibratedPanel):
    """The curves of the calibration at the threshold, and how far its ratios can be believed."""

    def __init__(self, model: ThresholdModel) -> None:
        self.curves, self.evidence = markup(), markup()
        super().__init__(
            model,
            heading("What this rests on"),
            self.evidence,
            self.curves,
            on=["known", "threshold"],
        )

    def draw(self, calibration: Calibration) -> None:
        """Write the costs of the likelihood ratios, and the table of curves."""
        evidence = calibration.likelihood_ratio_model
        self.evidence.value = (
            "<p>Nothing is known of likelihood ratios.</p>"
            if evidence is None
            else "<p>Likelihood ratios cost "
            f"<strong>{evidence.cllr:.3f} bits</strong> per comparison (Cllr: 0 is perfect, 1 is "
            "useless), on people who took no part in the fit. No calibration of these scores could "
            f"cost less than {evidence.cllr_min:.3f}. Claimed probabilities are off by "
            f"<strong>{evidence.ece:.2%}</strong> on average (ECE, at even odds).</p>"
        )
        self.curves.value = table(_CURVES, _curves(calibration, self.model.threshold))


_CURVES = (
    "Photographs", "Quality from", "FMR", "95 % interval", "FNMR",
    "95 % interval", "People", "Comparisons", "Measured up to",
)  # fmt: skip
_COMPARED = (
    "Calibration", "Made from", "Equivalent threshold", "False candidates", "FNMR there",
    "95 % interval", "Recommended", "Cllr (bits)",
)  # fmt: skip


def _curves(calibration: Calibration, threshold: float) -> Iterator[tuple[str, ...]]:
    for curve in sorted(calibration.curves, key=lambda c: (c.photographs, c.quality)):
        (false, *false_ends), (missed, *missed_ends) = calibration.rates(curve, threshold)
        few = " ⚠" if curve.people < FEW_PEOPLE else ""
        yield (
            f"{curve.photographs}",
            f"{curve.quality:g}",
            format_rate(false),
            " to ".join(map(format_rate, false_ends)),
            format_rate(missed) if curve.has_fnmr else "unknown",
            " to ".join(map(format_rate, missed_ends)),
            f"{curve.people:,}{few}",
            f"{curve.comparisons:,}",
            f"{curve.measured_to:.2f}",
        )


def _compared(model: ThresholdModel) -> Iterator[tuple[str, ...]]:
    for name, one in model.all.items():
        at = model.threshold if one is model.calibration else model.as_strict(one)
        steps, number = model.steps(one), model.photographs
        expected = one.false_candidates(at, steps, photographs=number)
        missed = one.fnmr(at, steps, photographs=number)
        yield (
            name,
            f"{one.data} ({one.made.isoformat()})",
            f"{at:.2f}",
            f"{format_count(expected.mean)} ({expected.low:,} to {expected.high:,})",
            format_rate(missed.rate),
            f"{format_rate(missed.low)} to {format_rate(missed.high)}",
            f"{model.recommended(one):.2f}",
            "unknown"
            if one.likelihood_ratio_model is None
            else f"{one.likelihood_ratio_model.cllr:.3f}",
        )


def _pair(*titled: tuple[str, Any]) -> Any:
    """Figures two by two, each with its title."""
    boxes = [controls.VBox([markup(f"<h3>{escaped(title)}</h3>"), it]) for title, it in titled]
    grid = controls.Box(boxes)
    grid.add_class("sl-pair")
    return grid
