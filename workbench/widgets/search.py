"""Step 4: how alike a candidate must be, and the search itself."""

from __future__ import annotations

from typing import Any

import ipywidgets

from workbench.widgets.model import IDLE, SEARCHING, Investigation
from workbench.widgets.parts import button, escaped, heading, markup, message, row


class SearchPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Set the threshold, start the search, see how it goes."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.slider = ipywidgets.FloatSlider(
            value=model.threshold,
            min=0.0,
            max=1.0,
            step=0.01,
            readout_format=".2f",
            description="Least score",
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "100%"},
            tooltip="Least score of the candidates that are shown",
        )
        self.words = markup()
        self.recommended = button("Recommended", self._recommend, label="Back to the recommended")
        self.button = button("Search", model.search, style="primary")
        self.button.add_class("sl-search-button")
        self.progress = markup()
        super().__init__(
            [
                row(heading("Search", step=4), self.button, self.progress),
                message(model, "search"),
                self.slider,
                row(self.words, self.recommended),
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-search")
        ipywidgets.link((model, "threshold"), (self.slider, "value"))
        model.observe(self._explain, "threshold")
        model.observe(self._tell, ["state", "doing", "uploads", "district", "start"])
        self._explain()
        self._tell()

    def _recommend(self) -> None:
        self.model.threshold = self.model.recommended.score

    def _explain(self, _: object = None) -> None:
        recommended = self.model.recommended
        difference = self.model.threshold - recommended.score
        if abs(difference) < 0.005:
            words = "This is the recommended value."
        elif difference > 0:
            words = (
                f"{difference:.2f} stricter than recommended: fewer wrong candidates, "
                "and more true ones missed."
            )
        else:
            words = (
                f"{-difference:.2f} looser than recommended: fewer true ones missed, "
                "and more wrong candidates."
            )
        self.words.value = (
            f'<p class="sl-hint">{words} <span title="Recommended: {recommended.score:.2f}">'
            f"Set on {escaped(recommended.calibration)}.</span></p>"
        )
        self.recommended.layout.display = "none" if abs(difference) < 0.005 else ""

    def _tell(self, _: object = None) -> None:
        searching = self.model.state == SEARCHING
        self.button.disabled = searching
        self.button.description = "Searching…" if searching else "Search"
        missing = self.model.missing
        words: Any = ""
        if searching:
            words = f"<progress></progress> {escaped(self.model.doing)}"
        elif missing and self.model.state == IDLE:
            words = f"Still needed: {escaped(_listed(missing))}."
        self.progress.value = f'<span role="status" class="sl-hint sl-progress">{words}</span>'


def _listed(things: tuple[str, ...]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
