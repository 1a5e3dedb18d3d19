"""Step 4: how alike a candidate must be, and the search itself."""

from __future__ import annotations

import time

import ipywidgets

from workbench.domain import length_words
from workbench.widgets.components.parts import (
    Panel,
    button,
    escaped,
    heading,
    listed,
    markup,
    message,
    row,
)
from workbench.widgets.components.tasks import IDLE, SEARCHING, remaining
from workbench.widgets.investigate.model import Investigation


class SearchPanel(Panel):
    """Set the threshold, start the search, see how it goes."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.slider = ipywidgets.FloatSlider(
            value=model.threshold,
            min=model.scores[0],
            max=model.scores[1],
            step=0.01,
            readout_format=".2f",
            description="Minimum score",
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"flex": "1 1 240px"},
            tooltip="Minimum score of the candidates shown",
        )
        self.words = markup()
        self.recommended = button(
            "Recommended", model.take_recommended, label="Back to the recommended score"
        )
        self.button = button("Search", model.search, style="primary")
        self.button.add_class("sl-search-button")
        self.cancel = button("Cancel", model.cancel, label="Cancel the current task")
        self.progress = markup()
        super().__init__(
            [
                row(heading("Search", step=4), self.button, self.cancel, self.progress),
                message(model, "search"),
                row(self.slider, self.recommended),
                self.words,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-search")
        ipywidgets.link((model, "threshold"), (self.slider, "value"))
        model.observe(self._bound, "scores")
        model.observe(self._explain, ["threshold", "recommended", "forecast", "result", "is_stale"])
        model.observe(
            self._show_progress, ["state", "doing", "uploads", "district", "start", "case"]
        )
        model.observe(self._show_progress, ["progress", "cancelling"])
        self._explain()
        self._show_progress()

    def _bound(self, _: object = None) -> None:
        low, high = self.model.scores
        with self.slider.hold_trait_notifications():  # the bounds may not cross
            self.slider.min, self.slider.max = low, high
            self.slider.value = min(max(self.slider.value, low), high)

    def _explain(self, _: object = None) -> None:
        recommended, threshold = self.model.recommended, self.model.threshold
        at_it = recommended is None or abs(threshold - recommended.score) < 0.005
        if recommended is None:
            lines = [self.model.uncalibrated, f"Shown is what scores {threshold:.2f} or more."]
        elif at_it:
            lines = [f"Recommended, set on {recommended.calibration}."]
        else:
            than = "stricter" if threshold > recommended.score else "looser"
            lines = [f"{abs(threshold - recommended.score):.2f} {than} than recommended."]
        found = self.model.expectations
        if found is not None:
            lines = [*found.words(threshold), *lines]
        elif self.model.district is not None:
            lines.append(
                "How many false candidates to expect is unknown: this profile has no calibration."
            )
        self.words.value = "".join(
            f'<p class="sl-hint sl-worth">{escaped(line)}</p>' for line in lines
        )
        self.recommended.layout.display = "none" if at_it else ""

    def _show_progress(self, _: object = None) -> None:
        model = self.model
        self.button.disabled = model.state == SEARCHING
        self.button.description = "Searching…" if model.state == SEARCHING else "Search"
        self.cancel.layout.display = "none" if model.state == IDLE else ""
        self.cancel.disabled = model.cancelling
        missing = model.missing
        words = ""
        if model.state != IDLE:
            words = _progress(model)
        elif missing:
            words = f"Needs {escaped(listed(missing))}."
        self.progress.value = f'<span role="status" class="sl-hint sl-progress">{words}</span>'


def _progress(model: Investigation) -> str:
    """A bar and words: what is being done, how much of it, and about how much longer."""
    progress = model.progress
    doing = escaped(model.doing)
    if model.cancelling:
        return f"<progress></progress> Cancelling: {doing}"
    if progress is None or not progress.total:
        return f"<progress></progress> {doing}"
    done, total = progress.done, progress.total
    left = remaining(done, total, time.monotonic() - model.begun)
    estimate = "" if left is None else f", about {length_words(round(max(left, 1)))} more"
    return (
        f'<progress value="{done}" max="{total}"></progress> {doing}: '
        f"{100 * done // total} %{estimate}"
    )
