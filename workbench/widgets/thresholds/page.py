"""The page *Thresholds*: false candidates to expect, true sightings missed, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from workbench.calibration import Calibration
from workbench.calibration.words import format_count, format_likelihood_ratio, format_rate
from workbench.domain import MOST_PHOTOGRAPHS
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.widgets.components import controls
from workbench.widgets.components.header import PageHeader
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    refusal,
    row,
)
from workbench.widgets.components.work import suitable_work
from workbench.widgets.thresholds.figures import (
    ASKED,
    FEW_PEOPLE,
    BasisPanel,
    ComparisonPanel,
    FiguresPanel,
)
from workbench.widgets.thresholds.model import (
    AS_CALIBRATED,
    AS_GALLERY,
    MOST_TRACKLETS,
    ThresholdModel,
)


def thresholds(
    profile: str | None = None,
    gallery: Path | str | None = None,
    *,
    installation: Installation | None = None,
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import thresholds
    >>> thresholds("yunet-dlib")                                        # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        path = Path(gallery) if gallery else None
        model = ThresholdModel(
            profile, installation=installation, gallery=path, work=suitable_work()
        )
        page = ThresholdPage(model)
    except SightlineError as error:
        return refusal("There are no thresholds to show", error)
    page.children = (*page.children, PageHeader(installation))
    return page


class ThresholdPage(Panel):
    """A question over its answer, over figures, over what both rest on."""

    def __init__(self, model: ThresholdModel) -> None:
        self.model = model
        self.question = QuestionPanel(model)
        self.figures = FiguresPanel(model)
        self.comparison = ComparisonPanel(model)
        self.basis = BasisPanel(model)
        super().__init__([self.question, self.figures, self.comparison, self.basis])
        self.add_class("sl-board")
        self.add_class("sl-thresholds")


class QuestionPanel(Panel):
    """Choose a profile, a search and a threshold; read what to expect of them."""

    def __init__(self, model: ThresholdModel) -> None:
        self.model = model
        wide = {"style": {"description_width": "initial"}}
        names = model.profiles()
        self.profile = controls.Dropdown(options=names, value=model.profile, description="Profile")
        self.about = markup()
        self.photographs = controls.IntSlider(
            min=1,
            max=MOST_PHOTOGRAPHS,
            description="Photographs of the target",
            **wide,
            continuous_update=False,
            layout={"flex": "1 1 300px"},
        )
        self.tracklets = controls.BoundedIntText(
            min=1, max=MOST_TRACKLETS, description="Tracklets compared", **wide,
            layout={"width": "270px"},
        )  # fmt: skip
        self.quality = controls.Dropdown(
            options=[("", AS_CALIBRATED)], description="Their quality", **wide,
            layout={"width": "380px"},
        )  # fmt: skip
        self.slider = controls.FloatSlider(
            min=0.0, max=1.0, step=0.01, readout_format=".2f", description="Minimum score", **wide,
            continuous_update=False, layout={"flex": "1 1 360px"},
        )  # fmt: skip
        self.answer = markup("", "sl-answer")
        self.controls = controls.VBox(
            [
                row(self.photographs, self.tracklets),
                row(self.quality, button("As in the gallery here", model.use_gallery)),
                message(model, "tracklets"),
                row(self.slider, button("Recommended", self._recommend)),
                self.answer,
            ]
        )
        self.controls.add_class("sl-controls")
        super().__init__(
            [
                heading("What a threshold is worth"),
                row(self.profile),
                message(model, "profile"),
                self.about,
                self.controls,
            ]
        )
        self.add_class("sl-panel")
        ipywidgets.link((model, "photographs"), (self.photographs, "value"))
        ipywidgets.link((model, "tracklets"), (self.tracklets, "value"))
        self._offering = False
        self._follow("profile", self.profile)
        self._follow("quality", self.quality)
        self._offer()
        model.observe(self._offer, ["known", "mix", "photographs"])
        ipywidgets.link((model, "threshold"), (self.slider, "value"))
        model.observe(self._answer, [*ASKED, "doing"])
        self._answer()

    def _follow(self, name: str, dropdown: Any) -> None:
        """Keep a dropdown and a trait the same, whose choices may change; see :meth:`_choices`."""

        def chosen(change: Any) -> None:
            if not self._offering:
                setattr(self.model, name, change["new"])

        def wanted(change: Any) -> None:
            offered = [*dropdown.options]
            known = [one[1] if isinstance(one, tuple) else one for one in offered]
            if change["new"] not in known:
                offered.append(change["new"])
            self._choices(dropdown, offered, change["new"])

        dropdown.observe(chosen, "value")
        self.model.observe(wanted, name)

    def _choices(self, dropdown: Any, options: Sequence[Any], value: str) -> None:
        """Offer these and choose one; a Dropdown would choose the first of them in between."""
        self._offering = True
        try:
            if [*dropdown.options] != [*options]:
                dropdown.options = options
            dropdown.value = value
        finally:
            self._offering = False

    def _recommend(self) -> None:
        self.model.threshold = self.model.recommended()

    def _offer(self, _: object = None) -> None:
        """Offer the qualities and thresholds that the calibration covers."""
        calibration = self.model.calibration
        if calibration is None:
            return
        curves = calibration.curves_for(self.model.photographs)
        options = [("as in the data of the calibration", AS_CALIBRATED)]
        if self.model.mix:
            options.append((f"as in the gallery ({sum(self.model.mix):,})", AS_GALLERY))
        ends = [*(curve.quality for curve in curves[1:]), 1.0]
        options += [
            (f"all from {curve.quality:g} to {end:g}", f"{curve.quality:g}")
            for curve, end in zip(curves, ends, strict=True)
        ]
        if self.model.quality not in {value for _, value in options}:
            self.model.quality = AS_CALIBRATED
        self._choices(self.quality, options, self.model.quality)
        # Widened first, so that neither end ever lies beyond the other.
        self.slider.min = min(self.slider.min, calibration.thresholds[0])
        self.slider.max = calibration.thresholds[-1]
        self.slider.min = calibration.thresholds[0]

    def _answer(self, _: object = None) -> None:
        model = self.model
        self.controls.layout.display = "" if model.calibration else "none"
        self.about.value = f'<div role="status" class="sl-hint">{"".join(_about(model))}</div>'
        if model.calibration:
            facts = "".join(
                f"<li><strong>{escaped(number)}</strong> <span>{escaped(words)}</span></li>"
                for number, words in _facts(model, model.calibration)
            )
            remarks = "".join(
                f"<p>{escaped(text)}</p>" for text in _remarks(model, model.calibration)
            )
            self.answer.value = (
                f'<div role="status"><ul class="sl-facts">{facts}</ul>'
                f'<div class="sl-hint">{remarks}</div></div>'
            )


def _about(model: ThresholdModel) -> Iterator[str]:
    """Describe the profile, as paragraphs."""
    known = model.known
    if known is None:
        yield f"<p>{escaped(model.doing)}</p>"
        return
    found = known.calibration
    if found is None:
        yield (
            "<p><strong>⚠ There is no calibration for this profile.</strong> What its scores mean "
            "is not known; a threshold set for comparing two pictures lets too many people pass "
            "in a search. Make one from a folder of people: "
            f"<code>sightline calibrate FOLDER --profile {escaped(model.profile)}</code>; see also "
            "the worked example <em>Choose a threshold</em>. Or make a provisional one from your "
            "own footage: <code>sightline gallery calibrate</code>.</p>"
        )
        return
    yield f"<p>Calibrated on {escaped(found.data)}, {found.made:%d %B %Y}.</p>"
    if found.normaliser is not None:
        made = found.normaliser
        yield (
            "<p>Scores are normalised: they count standard deviations above comparisons of "
            f"different people, after what a face has in common with {len(made.centroids)} "
            f"centroids of strangers was taken away, each the mean of {made.people_each} of "
            f"{made.people:,} people. Made from {escaped(made.source)}: "
            f"{escaped(made.licence.rstrip('.'))}.</p>"
        )
    if found.network:
        yield f"<p>The network: {escaped(found.network)}</p>"
    if known.note:
        yield f"<p>⚠ {escaped(known.note)}</p>"
    if model.footage:
        yield f"<p>The footage of the gallery: {escaped(model.footage)}</p>"


def _facts(model: ThresholdModel, calibration: Calibration) -> Iterator[tuple[str, str]]:
    steps = model.steps(calibration)
    expected = calibration.false_candidates(model.threshold, steps, photographs=model.photographs)
    missed = calibration.fnmr(model.threshold, steps, photographs=model.photographs)
    yield (
        format_count(expected.mean),
        "false candidates to expect on average; in 95 % of searches, between "
        f"{expected.low:,} and {expected.high:,}",
    )
    if math.isnan(missed.rate):
        why = "" if calibration.provisional else " with this many photographs"
        yield "unknown", f"share of true sightings missed: not measured{why}"
    else:
        yield (
            format_rate(missed.rate),
            "of true sightings missed (95 % interval "
            f"{format_rate(missed.low)} to {format_rate(missed.high)})",
        )
    yield (
        format_rate(expected.mean / model.tracklets),
        "of tracklets of other people reach the threshold",
    )


def _remarks(model: ThresholdModel, calibration: Calibration) -> Iterator[str]:
    yield _evidence(model, calibration)
    curves = calibration.curves_for(model.photographs)
    if curves[0].photographs != model.photographs:
        known = ", ".join(map(str, calibration.photographs))
        yield (
            f"Calibrated for {known} photographs: these are the figures for "
            f"{curves[0].photographs}."
        )
    steps = model.steps(calibration)
    poorer = sum(steps[: round(curves[0].quality * len(steps))])
    if poorer:
        yield (
            f"⚠ {count(poorer, 'tracklet')} of poorer quality than any calibrated (below "
            f"{curves[0].quality:g}): for these, more is missed than this says."
        )
    if model.threshold > max(curve.measured_to for curve in curves):
        yield (
            "⚠ Fewer than ten comparisons of different people scored this high: beyond it, this is "
            "a cautious guess, which overstates the false candidates."
        )
    fewest = min(curve.people for curve in curves)
    if fewest < FEW_PEOPLE:
        yield f"⚠ This rests on only {fewest} people; the intervals show how uncertain it is."


def _evidence(model: ThresholdModel, calibration: Calibration) -> str:
    """Say what a score at the threshold is worth as evidence."""
    evidence = calibration.likelihood_ratio_model
    if evidence is None:
        return (
            "⚠ How many true sightings are missed, and what a score is worth as evidence, is not "
            "known: a provisional calibration has seen no two pictures of one person."
        )
    quality = model.typical_quality(calibration)
    ratio = evidence.ratio(model.threshold, quality=quality, photographs=model.photographs)
    odds = ratio / max(1, model.tracklets - 1)
    return (
        f"A score of exactly {model.threshold:.2f} is {format_likelihood_ratio(ratio)} if both are "
        "the same person than if they are two. If one of the "
        f"{count(model.tracklets, 'tracklet')} shows the target, the "
        "chance that a candidate with exactly this score does is "
        f"{format_rate(odds / (1 + odds))}: a lead, never an identification."
    )
