"""Step 4: how alike a candidate must be, and the search itself."""

from __future__ import annotations

from typing import Any

import ipywidgets

from workbench.widgets.model import Investigation
from workbench.widgets.parts import button, escaped, heading, markup, message, row
from workbench.widgets.tasks import IDLE, SEARCHING


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
            layout={"flex": "1 1 240px"},
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
                row(self.slider, self.recommended),
                self.words,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-search")
        ipywidgets.link((model, "threshold"), (self.slider, "value"))
        model.observe(self._explain, "threshold")
        model.observe(self._tell, ["state", "doing", "uploads", "district", "start", "case"])
        self._explain()
        self._tell()

    def _recommend(self) -> None:
        self.model.threshold = self.model.recommended.score

    def _explain(self, _: object = None) -> None:
        recommended = self.model.recommended
        stricter = self.model.threshold - recommended.score
        at_it = abs(stricter) < 0.005
        if at_it:
            words = f"Recommended, set on {recommended.calibration}."
        elif stricter > 0:
            words = f"{stricter:.2f} stricter than recommended: fewer wrong ones, more true missed."
        else:
            words = f"{-stricter:.2f} looser than recommended: more wrong ones, fewer true missed."
        self.words.value = f'<p class="sl-hint">{escaped(words)}</p>'
        self.recommended.layout.display = "none" if at_it else ""

    def _tell(self, _: object = None) -> None:
        searching = self.model.state == SEARCHING
        self.button.disabled = searching
        self.button.description = "Searching…" if searching else "Search"
        missing = self.model.missing
        words: Any = ""
        if searching:
            words = f"<progress></progress> {escaped(self.model.doing)}"
        elif missing and self.model.state == IDLE:
            words = f"Needs {escaped(_listed(missing))}."
        self.progress.value = f'<span role="status" class="sl-hint sl-progress">{words}</span>'


def _listed(things: tuple[str, ...]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
