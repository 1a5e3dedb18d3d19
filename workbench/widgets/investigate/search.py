"""Step 4, a bar: how alike a candidate must be, the search itself, and what it has found so far."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from itertools import repeat

from workbench.calibration.words import format_expected
from workbench.domain import Candidate
from workbench.maps.zones import local_time
from workbench.widgets.components import controls
from workbench.widgets.components.media import Media, address
from workbench.widgets.components.parts import (
    Panel,
    button,
    escaped,
    heading,
    listed,
    markup,
    panel,
    row,
    time_mark,
)
from workbench.widgets.components.progress import progress_bar
from workbench.widgets.components.resting import Resting
from workbench.widgets.components.tasks import IDLE, SEARCHING
from workbench.widgets.investigate.model import Investigation


class SearchPanel(Panel):
    """Bar of one line to set the threshold, start the search and see how it goes.

    A search that takes long shows a partial answer above it, to look at alone: its cards open
    nothing, and the whole answer takes their place.
    ``about``, which says at length what a score is worth, is a panel of its own. *press* starts
    the search, by default that of the model.
    """

    def __init__(self, model: Investigation, press: Callable[[], None] | None = None) -> None:
        self.model = model
        self.slider = controls.FloatSlider(
            value=model.threshold,
            min=model.scores[0],
            max=model.scores[1],
            step=0.01,
            readout_format=".2f",
            description="Minimum score",
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"flex": "0 1 330px", "min_width": "0", "width": "auto"},
            tooltip="Minimum score of the candidates shown",
        )
        self.words = markup()
        self.recommended = button(
            "Recommended", model.take_recommended, label="Back to the recommended score"
        )
        self._press = press or model.search
        self.button = button("Search", self._search, style="primary")
        self.button.add_class("sl-search-button")
        self.cancel = button("Cancel", model.cancel, label="Cancel the current task")
        self.progress = markup()
        bar = row(self.button, self.cancel, self.slider, self.recommended, self.progress)
        bar.add_class("sl-search-bar")
        self.partial, self.partial_cards = markup(_said("")), markup()
        self.so_far = controls.VBox([self.partial, self.partial_cards])
        self.so_far.add_class("sl-so-far")
        super().__init__([self.so_far, bar])
        self.about = panel(heading("What a score is worth"), self.words)
        self.add_class("sl-panel")
        self.add_class("sl-search")
        self._resting = Resting(self._take)
        self._following = False
        self.slider.observe(self._move, "value")
        model.observe(self._follow, "threshold")
        model.observe(self._bound, "scores")
        model.observe(self._explain, ["threshold", "recommended", "forecast", "result", "is_stale"])
        model.observe(
            self._show_progress, ["state", "doing", "uploads", "district", "start", "case"]
        )
        model.observe(
            self._show_progress,
            ["progress", "cancelling", "threshold", "recommended", "forecast", "result"],
        )
        model.observe(self._show_so_far, "so_far")
        self._explain()
        self._show_progress()
        self._show_so_far()

    def _take(self) -> None:
        """Take the score at which the slider rests: that more is shown goes on record once."""
        self.model.threshold = self.slider.value
        self._follow()  # it is not taken where that cannot be recorded

    def _search(self) -> None:
        self._resting.settle()
        self._press()

    def _move(self, _: object = None) -> None:
        if not self._following:
            self._resting.restart()

    def _follow(self, _: object = None) -> None:
        self._resting.stop()
        self._following = True
        self.slider.value = self.model.threshold
        self._following = False

    def _bound(self, _: object = None) -> None:
        low, high = self.model.scores
        self._following = True
        with self.slider.hold_trait_notifications():  # the bounds may not cross
            self.slider.min, self.slider.max = low, high
            self.slider.value = min(max(self.slider.value, low), high)
        self._following = False

    def _explain(self, _: object = None) -> None:
        recommended, threshold = self.model.recommended, self.model.threshold
        at_it = recommended is None or abs(threshold - recommended.score) < 0.005
        if recommended is None:
            lines = [self.model.uncalibrated, f"Shown is what scores {threshold:.2f} or more."]
        elif at_it:
            lines = [f"Recommended, set on {recommended.calibration}."]
        else:
            lines = [f"{_than(threshold, recommended.score)}."]
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
            words = progress_bar(model)
        elif missing:
            words = f"Needs {escaped(listed(missing))}."
        else:
            words = escaped(self._short())
        self.progress.value = f'<span role="status" class="sl-hint sl-progress">{words}</span>'

    def _show_so_far(self, _: object = None) -> None:
        """Show the partial answer, which is on record; the focus stays where it is."""
        found, model = self.model.so_far, self.model
        best = found.best if found else ()
        standing = model.standing_of(model.asking) if found else None
        pictures = [address(one.shot_jpeg, standing=standing) for one in best]
        if pictures:
            Media.of_kernel().send_ahead(pictures)
        cards = map(_partial_card, best, pictures, repeat(model.zone))
        # Two elements: cards that are the same ones stay as they are, whatever is counted.
        self.partial_cards.value = f"<ol>{''.join(cards)}</ol>" if best else ""
        self.partial.value = _said(found.words(len(best)) if found else "")
        (self.so_far.add_class if best else self.so_far.remove_class)("sl-partial")

    def _short(self) -> str:
        """Say in a line what to expect at this score."""
        recommended, expected = self.model.recommended, self.model.expectations
        parts = []
        if recommended is not None and abs(self.model.threshold - recommended.score) >= 0.005:
            parts.append(_than(self.model.threshold, recommended.score))
        if expected is not None and any(expected.tracklets):
            false = expected.false_candidates(self.model.threshold)
            parts.append(f"expect {format_expected(false.mean)}")
            if false.extrapolated:
                parts.append("beyond what was measured")
        words = "; ".join(parts)
        return f"{words[:1].upper()}{words[1:]}." if words else ""


def _said(words: str) -> str:
    """Say words to those who do not see them either; the element is there before they are."""
    return f'<p role="status" class="sl-warning">{escaped(words)}</p>'


def _partial_card(candidate: Candidate, picture: str, zone: tzinfo) -> str:
    camera = candidate.camera.words()
    clock = local_time(candidate.shot_time, zone, "%H:%M:%S")
    day = f"{candidate.shot_time.astimezone(zone):%a %d %b %Y}"
    return (
        f'<li><img src="{picture}" alt="Candidate up to now, {escaped(camera)}">'
        f'<span class="sl-score">{candidate.score:.3f}</span>'
        f'<strong title="{escaped(camera)}">{escaped(camera)}</strong>'
        f"<span>{escaped(clock)}</span>"
        f'<span class="sl-hint">{escaped(day)}</span>{time_mark(candidate, zone)}</li>'
    )


def _than(threshold: float, recommended: float) -> str:
    """Compare a threshold with the recommended one, in words."""
    than = "stricter" if threshold > recommended else "looser"
    return f"{abs(threshold - recommended):.2f} {than} than recommended"
